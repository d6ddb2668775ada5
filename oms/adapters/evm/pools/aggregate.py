"""Many views in one `eth_call`: through Multicall3, else through a contract that is only simulated.

Owns: which views go together and by which way, their encoding, and what is to be made of the answer.
Must not: talk to a node (`running`), or know any protocol.
Sources: Multicall3 `aggregate3((address,bool,bytes)[]) returns ((bool,bytes)[])`; `contracts/DeploylessCalls.sol`,
which takes and gives the same; EIP-1108 (price of the pairing check); the Solidity contract ABI specification.

Views that share one `eth_call` share its gas and, through Multicall3, its state. So:
- The last call of each is `GUARD`, which succeeds only where much gas is left. Without that, an answer could be a lack
  of gas that another view caused, and none is believed: all are asked again one by one.
- Multicall3 calls without `STATICCALL`: a contract that anybody may have written could trade in its view and show those
  after it another market. Views of such code (`Call.foreign`) take the other way, which is static.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from eth_hash.auto import keccak

from oms.adapters.evm.chain import MULTICALL3, octets
from oms.adapters.evm.deployless import INIT_CODE, MOST_INIT_CODE_BYTES
from oms.adapters.evm.pools.reading import Call, Code
from oms.adapters.evm.rpc import Json, RpcFailure
from oms.units import Address

AGGREGATE3 = keccak(b"aggregate3((address,bool,bytes)[])")[:4]
REVERTED = 3
"""The code under which nodes report a revert."""

FEWEST = 3
"""Fewer views are sent as they are: together with the look for Multicall3 they would be as many requests."""

MOST = 64
"""Views in one `eth_call`: their answers must fit into 24,576 bytes of code (EIP-170), 384 for each."""

_GUARD_PAIRS = 28
GUARD = Call(Address("0x0000000000000000000000000000000000000008"), bytes(192 * _GUARD_PAIRS))
"""The pairing check of points at infinity, which holds: 45,000 + 34,000 gas for each, so a million."""
_HOLDS = (1).to_bytes(32, "big")


class Way(Enum):
    """How views of one `eth_call` are called."""

    MULTICALL3 = "multicall3"
    DEPLOYLESS = "deployless"


@dataclass(slots=True)
class NodeWays:
    """What one node has shown to be able to: None where not known yet. A way that failed is not tried again."""

    multicall3: bool | None = None
    deployless: bool = True

    def way(self, *, foreign: bool) -> Way | None:
        """How to call views now; None for one by one."""
        if self.multicall3 and not foreign:
            return Way.MULTICALL3
        return Way.DEPLOYLESS if self.deployless else None

    def failed(self, way: Way) -> None:
        """Remember that the node could not do it, or that the chain does not let it."""
        if way is Way.MULTICALL3:
            self.multicall3 = False
        else:
            self.deployless = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """Views that go in one `eth_call`."""

    way: Way
    calls: tuple[Call, ...]

    def request(self, block: int) -> tuple[str, list[Json]]:
        """The JSON-RPC call. No gas is named: the node's own limit applies."""
        arguments = encoded((*self.calls, GUARD))
        if self.way is Way.MULTICALL3:
            transaction = {"to": MULTICALL3, "data": "0x" + (AGGREGATE3 + arguments).hex()}
        else:
            transaction = {"data": "0x" + (INIT_CODE + arguments).hex()}
        return "eth_call", [transaction, hex(block)]

    def answers(self, reply: Json, *, venue: str) -> list[bytes | RpcFailure] | None:
        """Each view's return data or revert, in order; None where the reply does not tell them."""
        if isinstance(reply, RpcFailure):
            return None
        results = decoded(octets(reply, venue=venue, what="eth_call"))
        if results is None or len(results) != len(self.calls) + 1 or results[-1] != (True, _HOLDS):
            return None
        return [
            data if success else RpcFailure("eth_call", REVERTED, "execution reverted", data)
            for success, data in results[:-1]
        ]


PROBE = Code(MULTICALL3)
"""The read that tells whether the chain has Multicall3."""


def bundles(calls: Sequence[Call], ways: NodeWays) -> list[Bundle]:
    """The views that are worth one `eth_call` with others; whatever is in none is to be asked by itself."""
    found: list[Bundle] = []
    for foreign in (False, True):
        way = ways.way(foreign=foreign)
        if way is not None:
            chunks = _chunks([call for call in calls if call.foreign is foreign])
            found += [Bundle(way, chunk) for chunk in chunks if len(chunk) >= FEWEST]
    return found


def _chunks(calls: Sequence[Call]) -> Iterator[tuple[Call, ...]]:
    """In order, each within the bounds on number and size; a view that is too large for any is alone."""
    room = MOST_INIT_CODE_BYTES - len(INIT_CODE) - 64 - _encoded_size(GUARD)
    chunk: list[Call] = []
    size = 0
    for call in calls:
        if chunk and (len(chunk) == MOST or size + _encoded_size(call) > room):
            yield tuple(chunk)
            chunk, size = [], 0
        chunk.append(call)
        size += _encoded_size(call)
    if chunk:
        yield tuple(chunk)


def _encoded_size(call: Call) -> int:
    """Bytes that a call adds: five words (its offset, target, flag, its data's offset and length) and padded data."""
    return 160 + _padded(len(call.data))


def encoded(calls: Sequence[Call]) -> bytes:
    """The calls as ABI arguments `((address target, bool allowFailure, bytes callData)[])`, failures allowed."""
    head, tail = [_word(32), _word(len(calls))], []
    offset = 32 * len(calls)
    for call in calls:
        head.append(_word(offset))
        padded = call.data + bytes(-len(call.data) % 32)
        tail.append(_word(int(call.target, 16)) + _word(1) + _word(96) + _word(len(call.data)) + padded)
        offset += len(tail[-1])
    return b"".join((*head, *tail))


def decoded(data: bytes) -> list[tuple[bool, bytes]] | None:
    """ABI results `((bool success, bytes returnData)[])`; None for anything else, such as no answer at all."""
    try:
        start = 64
        if _number(data, 0) != 32:
            return None
        count = _number(data, 32)
        if count > len(data) // 32:
            return None
        return [_result(data, start + _number(data, start + 32 * index)) for index in range(count)]
    except ValueError:
        return None


def _result(data: bytes, at: int) -> tuple[bool, bytes]:
    success, start = _number(data, at), at + _number(data, at + 32)
    if success > 1:
        raise ValueError("a flag is neither yes nor no")
    length = _number(data, start)
    if start + 32 + _padded(length) > len(data):
        raise ValueError("return data ends beyond the answer")
    return bool(success), data[start + 32 : start + 32 + length]


def _number(data: bytes, at: int) -> int:
    if at + 32 > len(data):
        raise ValueError("a word lies beyond the answer")
    return int.from_bytes(data[at : at + 32], "big")


def _padded(length: int) -> int:
    return -(-length // 32) * 32


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
