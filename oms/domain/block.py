"""The block that a view of a chain is pinned to, and its place in the chain."""

from dataclasses import dataclass, field

from oms.units import BlockNumber, Wei


@dataclass(frozen=True, slots=True)
class BlockPin:
    """One block of one chain; everything quoted together was read at it."""

    chain_id: int
    number: BlockNumber
    hash: str
    timestamp: int
    base_fee_wei: Wei


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """A block with its parent's hash; `logs_bloom` is the header's 2,048-bit filter of its logs, zero where unknown."""

    pin: BlockPin
    parent_hash: str
    logs_bloom: int = field(default=0, repr=False)
