"""One step of a concentrated swap: how far an amount moves the price at constant liquidity.

Owns: the roundings of a step. Must not: know ticks, pools or whole swaps.
Source: Uniswap v3 core `SwapMath.computeSwapStep` and `SqrtPriceMath`; v4 core's differ only in how they split the last
step's input into price move and fee, and in allowing a fee of the whole input. Prices are sqrt(token1/token0) * 2^96.
"""

from typing import NamedTuple

PIPS = 1_000_000
"""Fees are in millionths of the input."""

UINT256_END = 2**256


class Step(NamedTuple):
    """The price after a step; input without its fee, output, and the fee, all as magnitudes."""

    price: int
    amount_in: int
    amount_out: int
    fee: int


def swap_step(price: int, target: int, liquidity: int, remaining: int, *, exact_in: bool, fee_pips: int) -> Step:
    """Move the price to `target`, or as far as `remaining` (input with fee, or output) goes: `computeSwapStep`."""
    zero_for_one = price >= target
    if exact_in:
        amount_in = remaining * (PIPS - fee_pips) // PIPS
        whole = amount_taken(price, target, liquidity)
        if amount_in < whole:
            price_after = price_after_input(price, liquidity, amount_in, zero_for_one=zero_for_one)
            fee = remaining - amount_in
        else:
            price_after, amount_in = target, whole
            fee = fee_on(whole, fee_pips)
        return Step(price_after, amount_in, amount_paid(price, price_after, liquidity), fee)
    amount_out = amount_paid(price, target, liquidity)
    price_after = target
    if remaining < amount_out:
        amount_out = remaining
        price_after = price_after_output(price, liquidity, remaining, zero_for_one=zero_for_one)
    amount_in = amount_taken(price, price_after, liquidity)
    return Step(price_after, amount_in, amount_out, fee_on(amount_in, fee_pips))


def fee_on(amount_in: int, fee_pips: int) -> int:
    """The fee that a net input carries, rounded up; a fee of the whole input is only met with no input at all."""
    return -(-amount_in * fee_pips // (PIPS - fee_pips)) if fee_pips != PIPS else amount_in


def amount_taken(price: int, price_after: int, liquidity: int) -> int:
    """What the move takes in, rounded up: token0 on the way down, token1 on the way up."""
    if price_after <= price:
        return -((liquidity << 96) * (price_after - price) // (price * price_after))
    return -(liquidity * (price - price_after) >> 96)


def amount_paid(price: int, price_after: int, liquidity: int) -> int:
    """What the move pays out, rounded down: token1 on the way down, token0 on the way up."""
    if price_after <= price:
        return liquidity * (price - price_after) >> 96
    return (liquidity << 96) * (price_after - price) // (price_after * price)


def price_after_input(price: int, liquidity: int, amount: int, *, zero_for_one: bool) -> int:
    """`getNextSqrtPriceFromInput`: rounded so as not to pass the price that the amount pays for."""
    if not zero_for_one:
        return price + (amount << 96) // liquidity
    scaled = liquidity << 96
    divisor = scaled + amount * price
    if divisor < UINT256_END:
        return -(-scaled * price // divisor)
    # The contract's second formula, for products beyond uint256, loses precision; it is part of the result.
    return -(-scaled // (scaled // price + amount))


def price_after_output(price: int, liquidity: int, amount: int, *, zero_for_one: bool) -> int:
    """`getNextSqrtPriceFromOutput` for an amount that the step can pay: rounded towards more price move."""
    if zero_for_one:
        return price + (-amount << 96) // liquidity
    scaled = liquidity << 96
    return -(-scaled * price // (scaled - amount * price))
