"""The block that a view of a chain is pinned to."""

from dataclasses import dataclass

from oms.units import BlockNumber, Wei


@dataclass(frozen=True, slots=True)
class BlockPin:
    """One block of one chain; everything quoted together was read at it."""

    chain_id: int
    number: BlockNumber
    hash: str
    timestamp: int
    base_fee_wei: Wei
