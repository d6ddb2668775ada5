"""Driving a loader to its end against a node, each step in one batch.

Owns: the form of each read, and the checking of its answer. Must not: know any protocol.
Storage and code are read by a JSON-RPC batch: that works alike on every node, one that holds only recorded state too.
The views of a step share an `eth_call` where the node can do it (`aggregate`).
"""

from collections.abc import Sequence
from typing import TypeVar

from oms.adapters.evm.chain import PinnedChain, octets, quantity
from oms.adapters.evm.pools.aggregate import PROBE, Bundle, NodeWays, bundles
from oms.adapters.evm.pools.reading import Answer, Call, Code, Loading, Log, Logs, Read, Slot
from oms.adapters.evm.rpc import Json, RpcError, RpcFailure
from oms.errors import Retryable, Terminal

T = TypeVar("T")


def run(chain: PinnedChain, loading: Loading[T]) -> T:
    """Drive a loader to its end at the chain's block. Raises `VenueError` when the node fails."""
    answers: list[Answer] | None = None
    while True:
        try:
            reads = next(loading) if answers is None else loading.send(answers)
        except StopIteration as stop:
            result: T = stop.value
            return result
        by_read = _asked(chain, list(dict.fromkeys(reads)))
        answers = [by_read[read] for read in reads]


def _asked(chain: PinnedChain, reads: Sequence[Read]) -> dict[Read, Answer]:
    """All answers, from one batch; from a second one for views that the node did not answer together."""
    ways, venue = chain.rpc.learnt(NodeWays), chain.rpc.venue
    shared = bundles([read for read in reads if isinstance(read, Call)], ways)
    in_bundles = {call for bundle in shared for call in bundle.calls}
    alone = [read for read in reads if read not in in_bundles]
    probes = [PROBE] if shared and ways.multicall3 is None else []
    requests = [bundle.request(chain.block.number) for bundle in shared]
    requests += [_request(read, chain.block.number) for read in (*probes, *alone)]
    replies = iter(chain.rpc.batch(requests))
    answers: dict[Read, Answer] = {}
    for bundle in shared:
        answers |= _unbundled(bundle, next(replies), ways=ways, venue=venue)
    for _ in probes:
        ways.multicall3 = _has_code(next(replies), venue=venue)
    answers |= {read: _answer(read, next(replies), venue=venue) for read in alone}
    if left := [read for read in reads if read not in answers]:
        again = chain.rpc.batch(_request(read, chain.block.number) for read in left)
        answers |= {read: _answer(read, reply, venue=venue) for read, reply in zip(left, again, strict=True)}
    return answers


def _unbundled(bundle: Bundle, reply: Json, *, ways: NodeWays, venue: str) -> dict[Read, Answer]:
    """The views' answers; none where they must be asked one by one."""
    found = bundle.answers(reply, venue=venue)
    if found is not None:
        return dict(zip(bundle.calls, found, strict=True))
    if isinstance(reply, RpcFailure) and reply.tired:
        return {}
    ways.failed(bundle.way)
    if isinstance(reply, RpcFailure) and reply.unsupported:
        return dict.fromkeys(bundle.calls, reply)
    return {}


def _has_code(reply: Json, *, venue: str) -> bool:
    return not isinstance(reply, RpcFailure) and bool(octets(reply, venue=venue, what="eth_getCode"))


def _request(read: Read, number: int) -> tuple[str, list[Json]]:
    block = hex(number)
    match read:
        case Slot(address, slot):
            return "eth_getStorageAt", [address, f"0x{slot % 2**256:064x}", block]
        case Code(address):
            return "eth_getCode", [address, block]
        case Call(target, data, _):
            return "eth_call", [{"to": target, "data": "0x" + data.hex()}, block]
        case Logs(address, topics, from_block):
            wanted = [list(topic) if isinstance(topic, tuple) else topic for topic in topics]
            start = hex(max(0, from_block))
            return "eth_getLogs", [{"address": address, "topics": wanted, "fromBlock": start, "toBlock": block}]


def _answer(read: Read, reply: Json, *, venue: str) -> Answer:
    if isinstance(reply, RpcFailure):
        if isinstance(read, Slot | Code) and not reply.state_missing:
            raise RpcError(venue, reply)  # a tired node, not an unknown pool: nothing may be left out silently
        if isinstance(read, Call) and reply.tired:
            raise Retryable(venue, f"{reply.method} failed: {reply.message}; wait, or use another node")
        return reply
    if isinstance(read, Slot):
        return quantity(reply, venue=venue, what="eth_getStorageAt")
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
