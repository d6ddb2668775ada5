"""Reads that many loaders ask for at once, answered in as few round trips as the deepest loader needs.

Owns: the kinds of reads, and loaders in lock step. Must not: know any protocol, or talk to a node (`running`).

A loader is a generator: it yields the reads it needs next, gets their answers in the same order, and returns what it
loaded. `together` advances many loaders by one step each and puts their reads into one batch, so that each loader is
written as straight code and the whole costs one batch a step.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from oms.adapters.evm.rpc import RpcFailure
from oms.units import Address

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Slot:
    """A storage word of a contract."""

    address: Address
    slot: int


@dataclass(frozen=True, slots=True)
class Code:
    """A contract's code."""

    address: Address


@dataclass(frozen=True, slots=True)
class Call:
    """A view, by its calldata; its answer must not depend on who asks. `foreign` where anybody may have written it."""

    target: Address
    data: bytes
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Logs:
    """Events of one contract from a block on, up to the pinned one; a topic may be open or one of several."""

    address: Address
    topics: tuple[str | tuple[str, ...] | None, ...]
    from_block: int


@dataclass(frozen=True, slots=True)
class Log:
    """One event."""

    topics: tuple[str, ...]
    data: bytes


Read = Slot | Code | Call | Logs
Answer = int | bytes | tuple[Log, ...] | RpcFailure
Loading = Generator[list[Read], list[Answer], T]


def slots(reads: Iterable[Slot]) -> Loading[list[int | None]]:
    """Storage words, in order; None where the node says that it does not hold one."""
    answers = yield list(reads)
    return [answer if isinstance(answer, int) else None for answer in answers]


def codes(addresses: Iterable[Address]) -> Loading[list[bytes | None]]:
    """Contracts' code, in order; None where the node says that it does not hold it."""
    answers = yield [Code(address) for address in addresses]
    return [answer if isinstance(answer, bytes) else None for answer in answers]


def calls(reads: Iterable[Call]) -> Loading[list[bytes | None]]:
    """Return data, in order; None where the call failed, empty where no code answered."""
    answers = yield list(reads)
    return [answer if isinstance(answer, bytes) else None for answer in answers]


def logs(read: Logs) -> Loading[tuple[Log, ...] | str]:
    """Events, oldest first, or the node's words for why it will not search them."""
    (answer,) = yield [read]
    if isinstance(answer, RpcFailure):
        return answer.message
    return answer if isinstance(answer, tuple) else ()


def together(loadings: Sequence[Loading[T]]) -> Loading[list[T]]:
    """All results in order, each step of all loaders in one."""
    results: dict[int, T] = {}
    waiting: dict[int, tuple[Loading[T], list[Read]]] = {}

    def advance(index: int, loading: Loading[T], answers: list[Answer] | None) -> None:
        try:
            waiting[index] = (loading, next(loading) if answers is None else loading.send(answers))
        except StopIteration as stop:
            results[index] = stop.value

    for index, loading in enumerate(loadings):
        advance(index, loading, None)
    while waiting:
        step, waiting = waiting, {}
        answers = yield [read for _, reads in step.values() for read in reads]
        taken = 0
        for index, (loading, reads) in step.items():
            advance(index, loading, answers[taken : taken + len(reads)])
            taken += len(reads)
    return [results[index] for index in range(len(loadings))]


def both(first: Loading[T], second: Loading[U]) -> Loading[tuple[T, U]]:
    """Two results of different kinds, each step of both in one."""
    one, two = yield from together([cast(Loading[object], first), cast(Loading[object], second)])
    return cast(T, one), cast(U, two)
