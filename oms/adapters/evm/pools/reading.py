"""Reads that many loaders ask for at once, answered in as few round trips as the deepest loader needs.

Owns: the kinds of reads, and running loaders in lock step. Must not: know any protocol.

A loader is a generator: it yields the reads it needs next, gets their answers in the same order, and returns what it
loaded. `together` advances many loaders by one step each and puts their reads into one batch, so that each loader is
written as straight code and the whole costs one batch a step.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from oms.adapters.evm.chain import PinnedChain, octets, quantity
from oms.adapters.evm.rpc import Json, RpcError, RpcFailure
from oms.errors import Terminal
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
    """A view, by its calldata."""

    target: Address
    data: bytes


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


def run(chain: PinnedChain, loading: Loading[T]) -> T:
    """Drive a loader to its end at the chain's block. Raises `VenueError` when the node fails."""
    answers: list[Answer] | None = None
    while True:
        try:
            reads = next(loading) if answers is None else loading.send(answers)
        except StopIteration as stop:
            result: T = stop.value
            return result
        distinct = list(dict.fromkeys(reads))
        replies = chain.rpc.batch(_request(read, chain.block.number) for read in distinct)
        by_read = {r: _answer(r, reply, venue=chain.rpc.venue) for r, reply in zip(distinct, replies, strict=True)}
        answers = [by_read[read] for read in reads]


def _request(read: Read, number: int) -> tuple[str, list[Json]]:
    block = hex(number)
    match read:
        case Slot(address, slot):
            return "eth_getStorageAt", [address, f"0x{slot % 2**256:064x}", block]
        case Code(address):
            return "eth_getCode", [address, block]
        case Call(target, data):
            return "eth_call", [{"to": target, "data": "0x" + data.hex()}, block]
        case Logs(address, topics, from_block):
            wanted = [list(topic) if isinstance(topic, tuple) else topic for topic in topics]
            start = hex(max(0, from_block))
            return "eth_getLogs", [{"address": address, "topics": wanted, "fromBlock": start, "toBlock": block}]


def _answer(read: Read, reply: Json, *, venue: str) -> Answer:
    if isinstance(reply, RpcFailure):
        if isinstance(read, Slot | Code) and not reply.state_missing:
            raise RpcError(venue, reply)  # a tired node, not an unknown pool: nothing may be left out silently
        return reply
    if isinstance(read, Slot):
        word = quantity(reply, venue=venue, what="eth_getStorageAt")
        if not 0 <= word < 2**256:
            raise Terminal(venue, "eth_getStorageAt answered more than a word; use another node")
        return word
    if isinstance(read, Logs):
        return tuple(_log(entry, venue=venue) for entry in _entries(reply, venue=venue))
    return octets(reply, venue=venue, what="eth_getCode" if isinstance(read, Code) else "eth_call")


def _entries(reply: Json, *, venue: str) -> list[Json]:
    if not isinstance(reply, list):
        raise Terminal(venue, "eth_getLogs answered with something that is not a list; use another node")
    return reply


def _log(entry: Json, *, venue: str) -> Log:
    topics = entry.get("topics") if isinstance(entry, dict) else None
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        raise Terminal(venue, "eth_getLogs answered with a malformed event; use another node")
    return Log(tuple(topics), octets(entry.get("data"), venue=venue, what="eth_getLogs"))
