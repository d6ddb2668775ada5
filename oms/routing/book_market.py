"""An exchange's book between two on-chain tokens: base units in, base units out, after the taker's fee.

Owns: the mapping from a book's base and quote to tokens, and the rounding between decimals and base units.
Must not: pretend that exchange and chain balances are one; a plan that uses it names an off-chain leg.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from oms.domain.plans import Side
from oms.domain.quotes import ExchangeMarket, OrderBook
from oms.domain.token import Token
from oms.errors import QuoteRefused, Refusal
from oms.liquidity.order_book import BookFill, buy_with_quote, fill_base
from oms.units import Address

_DOWN = Context(prec=400, rounding=ROUND_FLOOR)
_UP = Context(prec=400, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class BookMarket:
    """A book with its exchange's rules, and the tokens that its base and quote stand for."""

    book: OrderBook
    rules: ExchangeMarket
    base: Token
    quote: Token

    def side(self, token_in: Address) -> Side:
        """Selling the base, or buying it."""
        return Side.SELL if token_in == self.base.address else Side.BUY

    def fill(self, token_in: Address, amount_in: int) -> BookFill:
        """What a taker giving at most `amount_in` base units trades, in whole lots. Raises `QuoteRefused`."""
        if self.side(token_in) is Side.SELL:
            given = Decimal(amount_in).scaleb(-self.base.decimals, _DOWN)
            return fill_base(self.book, self.rules, side=Side.SELL, base_amount=given)
        given = Decimal(amount_in).scaleb(-self.quote.decimals, _DOWN)
        return buy_with_quote(self.book, self.rules, quote_amount=given)

    def amount_out(self, token_in: Address, amount_in: int) -> int:
        """What that fill brings after the fee, rounded down. Raises `QuoteRefused`."""
        fill = self.fill(token_in, amount_in)
        if fill.side is Side.SELL:
            return _raw(fill.net_quote, self.quote.decimals, _DOWN)
        return _raw(fill.base_amount, self.base.decimals, _DOWN)

    def whole_lots(self, token_in: Address, amount_in: int) -> int:
        """What that fill gives, rounded up: the part of `amount_in` that lots can trade; 0 where none can."""
        try:
            fill = self.fill(token_in, amount_in)
        except QuoteRefused:
            return 0
        if fill.side is Side.SELL:
            return _raw(fill.base_amount, self.base.decimals, _UP)
        return _raw(fill.net_quote, self.quote.decimals, _UP)

    def without_steps(self) -> "BookMarket":
        """The same book as if any size could trade: what a search compares small amounts on, and no plan settles on."""
        return replace(self, rules=replace(self.rules, size_step=Decimal(0), min_notional=Decimal(0)))

    def best_price(self, token_in: Address) -> Decimal:
        """Quote per base at the touch that an order giving `token_in` would take."""
        levels = self.book.bids if self.side(token_in) is Side.SELL else self.book.asks
        if not levels:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the book is empty on that side")
        return levels[0].price


def _raw(value: Decimal, decimals: int, context: Context) -> int:
    return int(value.scaleb(decimals, context).to_integral_value(context.rounding, context))
