"""Headers and pools' logs over JSON-RPC: the port `oms.ports.chain_logs.ChainLogs`.

Owns: how they are asked for (logs by block hash, so that no other branch's can be meant), and the checking of answers.
Must not: know a family's events (`pools.logs`), or keep anything but what it learnt about filters.
Wire format: the Ethereum execution API; EIP-234 (`blockHash` in `eth_getLogs`); Yellow Paper, 4.3.1 (the logs bloom).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from eth_hash.auto import keccak

from oms.adapters.evm.chain import block_pin, octets, quantity
from oms.adapters.evm.pools.logs import TOPICS, UnreadableLog, decode
from oms.adapters.evm.rpc import Json, RpcClient, RpcFailure
from oms.domain.block import BlockHeader
from oms.errors import InvalidRequest, Retryable, StateConflict, Terminal
from oms.liquidity.pool_events import LogSource, PoolLog

_BLOOM_BYTES = 256
_HASH_CHARACTERS = 66
_LONGEST_PLACE = 18


class EvmChainLogs:
    """One node's view of its chain. Raises `InvalidRequest` when it serves another chain than `chain_id`."""

    def __init__(self, rpc: RpcClient, *, chain_id: int) -> None:
        self._rpc = rpc
        self._chain_id = chain_id
        self._masks: dict[LogSource, int] = {}
        self._checked = False

    def head(self) -> BlockHeader:
        """See `ChainLogs.head`."""
        self._check_chain()
        return self._header(self._rpc.call("eth_getBlockByNumber", "latest", False))  # noqa: FBT003 (the API's order)

    def headers(self, numbers: Sequence[int]) -> tuple[BlockHeader, ...]:
        """See `ChainLogs.headers`."""
        answers = self._rpc.batch(("eth_getBlockByNumber", [hex(number), False]) for number in numbers)
        found = tuple(self._header(answer) for answer in answers)
        if any(header.pin.number != number for header, number in zip(found, numbers, strict=True)):
            raise Terminal(self._rpc.venue, "answered with another block than asked for; use another node")
        return found

    def logs(self, headers: Sequence[BlockHeader]) -> tuple[tuple[PoolLog, ...], ...]:
        """See `ChainLogs.logs`. Raises `Terminal` for logs that are not of the block asked for."""
        wanted = [list(TOPICS)]
        answers = self._rpc.batch(
            ("eth_getLogs", [{"blockHash": header.pin.hash, "topics": wanted}]) for header in headers
        )
        return tuple(self._logs(header, answer) for header, answer in zip(headers, answers, strict=True))

    def may_hold(self, header: BlockHeader, sources: Iterable[LogSource]) -> frozenset[LogSource]:
        """See `ChainLogs.may_hold`; by the header's logs bloom, which some chains leave empty."""
        bloom = header.logs_bloom
        return frozenset(source for source in sources if bloom and self._mask(source) & ~bloom == 0)

    def _header(self, answer: Json) -> BlockHeader:
        if isinstance(answer, RpcFailure):
            raise Retryable(self._rpc.venue, f"{answer.method} failed: {answer.message}; try again")
        if answer is None:
            raise Retryable(self._rpc.venue, "has not the block asked for; the chain moved, or it lags: try again")
        pin = block_pin(answer, chain_id=self._chain_id, venue=self._rpc.venue)
        parent = answer.get("parentHash")
        if not isinstance(parent, str) or len(parent) != _HASH_CHARACTERS:
            raise Terminal(self._rpc.venue, "a header names no parent; use another node")
        bloom = octets(answer.get("logsBloom") or "0x", venue=self._rpc.venue, what="logsBloom")
        if len(bloom) not in (0, _BLOOM_BYTES):
            raise Terminal(self._rpc.venue, "a header's logs bloom is not 2,048 bits; use another node")
        return BlockHeader(pin, parent, int.from_bytes(bloom, "big"))

    def _logs(self, header: BlockHeader, answer: Json) -> tuple[PoolLog, ...]:
        if isinstance(answer, RpcFailure):
            raise Retryable(self._rpc.venue, f"{answer.method} failed: {answer.message}; try again")
        if not isinstance(answer, list):
            raise Terminal(self._rpc.venue, "eth_getLogs answered with something that is not a list; use another node")
        return pool_logs(answer, block_hash=header.pin.hash, venue=self._rpc.venue)

    def _mask(self, source: LogSource) -> int:
        """The bloom's bits of a source: of its contract, and of the pool's id where the events name it."""
        mask = self._masks.get(source)
        if mask is None:
            mask = self._masks[source] = bloom_bits(*(part for part in source if part))
        return mask

    def _check_chain(self) -> None:
        if self._checked:
            return
        found = quantity(self._rpc.call("eth_chainId"), venue=self._rpc.venue, what="eth_chainId")
        if found != self._chain_id:
            raise InvalidRequest("rpc-url", f"serves chain {found}, not {self._chain_id}; use that chain's node")
        self._checked = True


def pool_logs(entries: Sequence[Json], *, block_hash: str, venue: str) -> tuple[PoolLog, ...]:
    """The pool events among a node's log objects. Raises `Terminal` for malformed ones, or those of another block."""
    found = []
    for entry in entries:
        try:
            log = _pool_log(entry, block_hash)
        except (StateConflict, ValueError, TypeError, AttributeError, KeyError) as problem:
            why = problem.reason if isinstance(problem, StateConflict) else f"a malformed log ({problem!r:.60})"
            raise Terminal(venue, f"eth_getLogs: {why}; use another node") from problem
        if log is not None:
            found.append(log)
    return tuple(found)


def _pool_log(entry: Json, block_hash: str) -> PoolLog | None:
    """One entry, 8 µs. Wrong types show by the errors of what is done with them."""
    topics = entry["topics"]
    if not isinstance(topics, list) or (topics and type(topics[0]) is not str):
        raise UnreadableLog("log", "a log's topics are not a list of text")
    if entry["blockHash"] != block_hash or entry.get("removed"):
        raise UnreadableLog("log", f"a log is not of block {block_hash:.12}, which was asked for")
    decoded = decode(entry["address"].lower(), topics, entry["data"])
    if decoded is None:
        return None
    return PoolLog(block_hash, _place(entry["transactionIndex"]), _place(entry["logIndex"]), *decoded)


@lru_cache(maxsize=1 << 12)
def _place(value: str) -> int:
    if not value.startswith("0x") or len(value) > _LONGEST_PLACE:
        raise UnreadableLog("log", f"a log's place in the block is {value!r:.30}, no number")
    return int(value, 16)


def bloom_bits(*values: str) -> int:
    """The bits that addresses or topics (hex text) set in a logs bloom: three each, from their keccak's first words."""
    mask = 0
    for value in values:
        digest = keccak(bytes.fromhex(value[2:]))
        for at in (0, 2, 4):
            mask |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return mask
