"""Which legs of a plan pay the next leg's pool themselves, and which tokens therefore never rest in the executor.

Owns: the rule, for who encodes a plan and who estimates its gas. Must not: know amounts, or how a leg is encoded.
Source: docs/adr/0013-plans-as-calldata.md.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from oms.domain.plans import SpendKind
from oms.domain.venue import Family
from oms.units import Address

ON_PATHS: Final = frozenset({Family.UNISWAP_V2, Family.UNISWAP_V3, Family.SOLIDLY})
"""Families whose pools can pay the next pool themselves."""


class Sale(NamedTuple):
    """What of a leg decides; `family` is its pool's, none for a maker's quote."""

    token_in: Address
    token_out: Address
    spends: SpendKind
    family: Family | None


def handing_on(sales: Sequence[Sale]) -> tuple[bool, ...]:
    """Which legs, in settlement order, send their output straight to the next one's pool.

    The next leg must be the only one that sells it, and all of it; and a concentrated pool cannot be paid by another.
    """
    fits = [
        follower.spends is SpendKind.REST
        and sale.token_out == follower.token_in
        and _can_pay(sale.family, follower.family)
        for sale, follower in pairwise(sales)
    ]
    if not any(fits):
        return (False,) * len(sales)
    sources = Counter([sale.token_in for sale in sales])
    targets = Counter([sale.token_out for sale in sales])
    alone = (sources[sale.token_out] == targets[sale.token_out] == 1 for sale in sales)
    return (*(fit and only for fit, only in zip(fits, alone, strict=False)), False)


def _can_pay(family: Family | None, next_one: Family | None) -> bool:
    if family not in ON_PATHS or next_one not in ON_PATHS:
        return False
    return not (family is next_one is Family.UNISWAP_V3)


def token_tables(
    sales: Sequence[Sale], handing: Sequence[bool], ends: tuple[Address, Address]
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Input, output and what passes through the executor, in order of use; then what only goes from pool to pool."""
    resting = dict.fromkeys(ends)
    named = dict.fromkeys(ends)
    handed_before = False
    for sale, hands_on in zip(sales, handing, strict=True):
        named[sale.token_in] = named[sale.token_out] = None
        if not handed_before:
            resting[sale.token_in] = None
        if not hands_on:
            resting[sale.token_out] = None
        handed_before = hands_on
    return tuple(resting), tuple(token for token in named if token not in resting)
