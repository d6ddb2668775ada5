"""Walking a maker's indicative ladder exactly: raw amount in, raw amount out, and back.

Owns: the ladder's arithmetic in rationals, rounded once at the end and always for the maker: output down, input up.
Must not: treat a ladder as a promise; only a `FirmQuote` settles.
A ladder is a piecewise linear function: each level buys up to `size` whole taker tokens at `price` maker tokens each.
"""

from fractions import Fraction

from oms.domain.quotes import IndicativeLadder
from oms.errors import QuoteRefused, Refusal


def ladder_amount_out(ladder: IndicativeLadder, amount_in: int) -> int:
    """Base units of the maker's token for exactly `amount_in` base units of the taker's, rounded down.

    Raises:
        QuoteRefused: nothing or less given, more than all levels take, or an output that rounds to zero.
    """
    if amount_in <= 0:
        raise QuoteRefused(Refusal.ZERO_AMOUNT, "give the maker something")
    rest = Fraction(amount_in, 10**ladder.taker_token.decimals)
    value = Fraction(0)
    for level in ladder.levels:
        taken = min(rest, Fraction(level.size))
        value += taken * Fraction(level.price)
        rest -= taken
        if not rest:
            return _positive(int(value * 10**ladder.maker_token.decimals))
    raise _too_thin(ladder)


def ladder_amount_in(ladder: IndicativeLadder, amount_out: int) -> int:
    """The least base units of the taker's token for which the ladder gives at least `amount_out`, rounded up.

    Raises:
        QuoteRefused: nothing or less wanted, or more than all levels give.
    """
    if amount_out <= 0:
        raise QuoteRefused(Refusal.ZERO_AMOUNT, "ask the maker for something")
    rest = Fraction(amount_out, 10**ladder.maker_token.decimals)
    given = Fraction(0)
    for level in ladder.levels:
        worth = min(rest, Fraction(level.size) * Fraction(level.price))
        given += worth / Fraction(level.price)
        rest -= worth
        if not rest:
            amount_in = -int(-given * 10**ladder.taker_token.decimals // 1)
            if amount_in > ladder_capacity(ladder):
                break
            return amount_in
    raise _too_thin(ladder)


def ladder_capacity(ladder: IndicativeLadder) -> int:
    """The most base units of the taker's token that all levels together take, rounded down."""
    total = sum((Fraction(level.size) for level in ladder.levels), Fraction(0))
    return int(total * 10**ladder.taker_token.decimals)


def ladder_stock(ladder: IndicativeLadder) -> int:
    """The most base units of the maker's token that all levels together pay, or that it has, rounded down."""
    value = sum((Fraction(level.size) * Fraction(level.price) for level in ladder.levels), Fraction(0))
    most = value if ladder.inventory is None else min(value, Fraction(ladder.inventory))
    return int(most * 10**ladder.maker_token.decimals)


def _positive(amount_out: int) -> int:
    if amount_out <= 0:
        raise QuoteRefused(Refusal.ZERO_OUTPUT, "give the maker more")
    return amount_out


def _too_thin(ladder: IndicativeLadder) -> QuoteRefused:
    total = sum(level.size for level in ladder.levels)
    return QuoteRefused(
        Refusal.INSUFFICIENT_LIQUIDITY,
        f"{ladder.maker_name} takes at most {total:f} {ladder.taker_token} for {ladder.maker_token}; ask for less",
    )
