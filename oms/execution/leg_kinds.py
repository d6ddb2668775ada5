"""The kinds of legs, as a leg's first byte names them (`contracts/types/Plan.sol`)."""

from enum import IntEnum


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


class LenderKind(IntEnum):
    """Who lends to a flash loan."""

    BALANCER_V2 = 0
    AAVE = 1
    BALANCER_V3 = 2
