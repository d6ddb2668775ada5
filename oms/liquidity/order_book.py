"""Walking an exchange's order book exactly: what a taker's order fills, at which price, for which fee.

Owns: the walk by base size and by quote notional, lot rounding, the notional minimum, and the taker's fee.
Must not: round money. Products and sums of `Decimal` are exact here, enforced by a context that traps `Inexact`; only
averages are rounded, and say so. Fees are charged in the quote currency, on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction

from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.errors import QuoteRefused, Refusal

EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_AVERAGE = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class BookFill:
    """What a taker's order does to a book: exact amounts in whole units, and the levels it takes, best first.

    `quote_amount` is before the fee, `fee` in the quote currency. A buyer pays their sum, a seller gets the difference.
    """

    side: Side
    base_amount: Decimal
    quote_amount: Decimal
    fee: Decimal
    levels: tuple[BookLevel, ...]

    @property
    def average_price(self) -> Decimal:
        """Quote per base before the fee, rounded half to even at 28 digits; for display and comparison."""
        return _AVERAGE.divide(self.quote_amount, self.base_amount)

    @property
    def worst_price(self) -> Decimal:
        """The price of the last level taken: the tightest limit that fills the same."""
        return self.levels[-1].price

    @property
    def net_quote(self) -> Decimal:
        """What leaves or enters the quote balance: cost with fee when buying, proceeds less fee when selling."""
        if self.side is Side.BUY:
            return EXACT.add(self.quote_amount, self.fee)
        return EXACT.subtract(self.quote_amount, self.fee)


def round_down_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` at or below a non-negative `amount`; a zero step leaves it as it is."""
    return _lots(Fraction(amount), step, up=False) if step else amount


def round_up_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` at or above a non-negative `amount`; a zero step leaves it as it is."""
    return _lots(Fraction(amount), step, up=True) if step else amount


def fill_base(book: OrderBook, market: ExchangeMarket, *, side: Side, base_amount: Decimal) -> BookFill:
    """Sell or buy `base_amount` base, rounded down to the lot step.

    Raises:
        QuoteRefused: less than a lot, below the minimum notional, or deeper than the book.
    """
    lots = round_down_to_step(_positive(base_amount), market.size_step)
    if not lots:
        raise QuoteRefused(Refusal.BELOW_MINIMUM, f"{base_amount:f} is less than one lot of {market.size_step:f}")
    return _checked(_taken(book, market, side=side, base_amount=lots), market)


def sell_for_quote(book: OrderBook, market: ExchangeMarket, *, quote_amount: Decimal) -> BookFill:
    """Sell the fewest lots whose proceeds after the fee are at least `quote_amount`.

    Raises:
        QuoteRefused: below the minimum notional, or deeper than the book.
    """
    keep = 1 - Fraction(market.taker_fee)
    if keep <= 0:
        raise QuoteRefused(Refusal.ZERO_OUTPUT, f"{market.exchange}'s fee eats the whole proceeds")
    base = _base_for_quote(book.bids, Fraction(_positive(quote_amount)) / keep)
    if base is None:
        raise _too_deep(book, Side.SELL)
    lots = _lots(base, market.size_step, up=True)
    return _checked(_taken(book, market, side=Side.SELL, base_amount=lots), market)


def buy_with_quote(book: OrderBook, market: ExchangeMarket, *, quote_amount: Decimal) -> BookFill:
    """Buy the most lots whose cost with the fee is at most `quote_amount`.

    Raises:
        QuoteRefused: less than a lot, below the minimum notional, or more than the whole book costs.
    """
    spend = Fraction(_positive(quote_amount)) / (1 + Fraction(market.taker_fee))
    base = _base_for_quote(book.asks, spend)
    if base is None:
        raise _too_deep(book, Side.BUY)
    lots = _lots(base, market.size_step, up=False)
    if not lots:
        raise QuoteRefused(Refusal.BELOW_MINIMUM, f"{quote_amount:f} buys less than one lot of {market.size_step:f}")
    return _checked(_taken(book, market, side=Side.BUY, base_amount=lots), market)


def depth(levels: Sequence[BookLevel]) -> Decimal:
    """All base that one side offers."""
    total = Decimal(0)
    for level in levels:
        total = EXACT.add(total, level.size)
    return total


def _taken(book: OrderBook, market: ExchangeMarket, *, side: Side, base_amount: Decimal) -> BookFill:
    rest, quote, taken = base_amount, Decimal(0), []
    for level in book.bids if side is Side.SELL else book.asks:
        size = min(rest, level.size)
        quote = EXACT.fma(size, level.price, quote)
        rest = EXACT.subtract(rest, size)
        taken.append(BookLevel(level.price, size))
        if not rest:
            return BookFill(side, base_amount, quote, EXACT.multiply(quote, market.taker_fee), tuple(taken))
    raise _too_deep(book, side)


def _base_for_quote(levels: Sequence[BookLevel], quote_amount: Fraction) -> Fraction | None:
    """The base that trades for exactly `quote_amount`; `None` where the levels hold less."""
    base = cost = Decimal(0)
    numerator, denominator = quote_amount.numerator, Decimal(quote_amount.denominator)
    for level in levels:  # sums of decimals: those of fractions take eight times as long on a deep book
        total = EXACT.fma(level.price, level.size, cost)
        if EXACT.multiply(total, denominator) >= numerator:
            return Fraction(base) + (quote_amount - Fraction(cost)) / Fraction(level.price)
        base, cost = EXACT.add(base, level.size), total
    return None


def _lots(base: Fraction, step: Decimal, *, up: bool) -> Decimal:
    """`base` in whole steps; where the exchange has none, in steps of 10^-18."""
    unit = Fraction(step) if step else Fraction(1, 10**18)
    count = -(-base // unit) if up else base // unit
    return EXACT.multiply(Decimal(int(count)), step or Decimal(1).scaleb(-18))


def _checked(fill: BookFill, market: ExchangeMarket) -> BookFill:
    if fill.quote_amount < market.min_notional:
        raise QuoteRefused(
            Refusal.BELOW_MINIMUM,
            f"{fill.quote_amount:f} {market.quote} is below {market.exchange}'s minimum notional "
            f"of {market.min_notional:f}",
        )
    return fill


def _positive(amount: Decimal) -> Decimal:
    if not amount.is_finite() or amount <= 0:
        raise QuoteRefused(Refusal.ZERO_AMOUNT, f"{amount} is not a positive amount")
    return amount


def _too_deep(book: OrderBook, side: Side) -> QuoteRefused:
    offered = depth(book.bids if side is Side.SELL else book.asks)
    return QuoteRefused(
        Refusal.INSUFFICIENT_LIQUIDITY,
        f"{book.exchange} {book.symbol} holds only {offered:f} base on that side; ask for less",
    )
