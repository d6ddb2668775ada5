"""One chain at one block, and the typing of what its node returns.

Owns: the pin, and that typing. Pools and tokens are read at it by `pools.running`.
Must not: write to a chain, or mix answers of two blocks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.domain.block import BlockPin
from oms.errors import InvalidRequest, StateConflict, Terminal
from oms.units import Address, BlockNumber, Wei

_HASH = re.compile("0x[0-9a-fA-F]{64}")
_LONGEST_WORD = 66
"""Characters of a 256-bit word."""

PRIORITY_FEE_WEI = Wei(10**8)
"""What a fork's transactions offer above the base fee, and so what quotes count."""

MULTICALL3 = Address("0xcA11bde05977b3631167028862bE2a173976CA11")


def quantity(answer: object, *, venue: str, what: str) -> int:
    """A JSON-RPC hex quantity or word of at most 256 bits as an integer. Raises `Terminal` for anything else."""
    if not isinstance(answer, str) or not answer.startswith("0x") or len(answer) > _LONGEST_WORD:
        raise Terminal(venue, f"{what}: expected a hex number, got {answer!r:.60}; use another node")
    try:
        return int(answer, 16) if len(answer) > 2 else 0
    except ValueError:
        raise Terminal(venue, f"{what}: expected a hex number, got {answer!r:.60}; use another node") from None


def octets(answer: object, *, venue: str, what: str) -> bytes:
    """JSON-RPC hex data as bytes. Raises `Terminal` for anything else."""
    if isinstance(answer, str) and answer.startswith("0x"):
        try:
            return bytes.fromhex(answer[2:])
        except ValueError:
            pass
    raise Terminal(venue, f"{what}: expected hex data, got {answer!r:.60}; use another node")


@dataclass(frozen=True, slots=True)
class PinnedChain:
    """A chain as it was at `block`. Every read names that block, so that a later one cannot leak in."""

    rpc: RpcClient
    block: BlockPin

    @classmethod
    def at_latest(cls, rpc: RpcClient, *, expected_chain_id: int | None = None) -> Self:
        """Pin the newest block. Raises `InvalidRequest` when the node serves another chain than expected."""
        chain_id, header = rpc.batch([("eth_chainId", []), ("eth_getBlockByNumber", ["latest", False])])
        for answer in (chain_id, header):
            if isinstance(answer, RpcFailure):
                raise Terminal(rpc.venue, f"{answer.method} failed: {answer.message}")
        found = quantity(chain_id, venue=rpc.venue, what="eth_chainId")
        if expected_chain_id is not None and found != expected_chain_id:
            raise InvalidRequest("rpc-url", f"serves chain {found}, not {expected_chain_id}; use that chain's node")
        return cls(rpc, block_pin(header, chain_id=found, venue=rpc.venue))

    def code(self, addresses: Sequence[Address]) -> list[bytes | RpcFailure]:
        """Deployed code in order of asking; empty where there is none."""
        number = hex(self.block.number)
        answers = self.rpc.batch(("eth_getCode", [address, number]) for address in addresses)
        what, venue = "eth_getCode", self.rpc.venue
        return [a if isinstance(a, RpcFailure) else octets(a, venue=venue, what=what) for a in answers]

    def confirm(self) -> None:
        """Check that the pinned block is still on the chain. Raises `StateConflict` after a reorganisation."""
        header = self.rpc.call("eth_getBlockByNumber", hex(self.block.number), False)  # noqa: FBT003 (the API is positional)
        now = block_pin(header, chain_id=self.block.chain_id, venue=self.rpc.venue)
        if now.hash != self.block.hash:
            raise StateConflict("block", f"{self.block.number} was replaced while it was read; ask again")

    def _quantity(self, answer: object, what: str) -> int:
        return quantity(answer, venue=self.rpc.venue, what=what)


def block_pin(header: object, *, chain_id: int, venue: str) -> BlockPin:
    """The pin in a block header as the node returned it. Raises `Terminal` for a malformed one."""
    digest = header.get("hash") if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise Terminal(venue, "returned no block header; it may still be syncing")
    read = {key: quantity(header.get(key), venue=venue, what=key) for key in ("number", "timestamp")}
    base_fee = quantity(header.get("baseFeePerGas") or "0x0", venue=venue, what="baseFeePerGas")
    return BlockPin(chain_id, BlockNumber(read["number"]), digest, read["timestamp"], Wei(base_fee))
