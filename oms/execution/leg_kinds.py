"""The kinds of legs, as a leg's first byte names them (`contracts/types/Plan.sol`)."""

from enum import IntEnum
from typing import Final


class LegKind(IntEnum):
    """The lowest five bits of a leg's first byte. From 10 on the executor's annex runs them."""

    CONSTANT_PRODUCT = 1
    CONCENTRATED = 2
    UNISWAP_V4 = 3
    CURVE_STABLE = 4
    CURVE_CRYPTO = 5
    BALANCER = 6
    SOLIDLY = 7
    MAKER_QUOTE = 8
    CONCENTRATED_EXACT_OUT = 9
    WRAP = 10
    VAULT = 11
    BALANCER_V3 = 12
    AIRSWAP = 13
    ZEROEX_RFQ = 14
    PAYOUT = 15
    ACROSS = 16
    CALL = 17
    FLASH = 18


WITH_BUILT_IN: Final = tuple(kind for kind in LegKind if kind not in (LegKind.SOLIDLY, LegKind.CONCENTRATED_EXACT_OUT))
"""Kinds with a venue in the executor's code that can be switched off; exact outputs go by the concentrated one."""


class LenderKind(IntEnum):
    """Who lends to a flash loan."""

    BALANCER_V2 = 0
    AAVE = 1
    BALANCER_V3 = 2
