"""An exchange's book between two on-chain tokens: base units in, base units out, after the taker's fee.

Owns: the mapping from a book's base and quote to tokens, the rounding between decimals and base units, and the joins
between the chain and the desk's balances at an exchange.
Must not: pretend that exchange and chain balances are one; a plan that uses it names an off-chain leg.

An asset at an exchange is another node of the market than the same asset on chain. Nothing crosses while a plan
settles: the desk's balance there stands in for what the plan gives, what it gets stays there, and both are made good by
transfers later. So a join has a capacity (the balance) and a cost (the transfer's), one on each side of the book.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from oms.domain.plans import Side
from oms.domain.quotes import ExchangeMarket, OrderBook
from oms.domain.token import Token
from oms.errors import InvalidRequest, QuoteRefused, Refusal
from oms.liquidity.order_book import BookFill, buy_with_quote, fill_base
from oms.units import Address

_DOWN = Context(prec=400, rounding=ROUND_FLOOR)
_UP = Context(prec=400, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class AssetAt:
    """A node of the market: a token at a venue that keeps balances of its own; on chain where `venue` is empty."""

    token: Token
    venue: str = ""

    def __str__(self) -> str:
        return f"{self.token} {f'at {self.venue}' if self.venue else 'on chain'}"


@dataclass(frozen=True, slots=True)
class InventoryEdge:
    """The way of one token between the chain and an exchange, by the desk's own balance there.

    `capacity` is what may pass, in base units. `None` says that nobody knows, not that there is plenty: the join still
    costs, and its book is market data that a plan must not settle on. `cost_bps` is the transfer that makes it good.
    """

    source: AssetAt
    target: AssetAt
    capacity: int | None
    cost_bps: Decimal

    def __post_init__(self) -> None:
        if self.source.token != self.target.token or bool(self.source.venue) == bool(self.target.venue):
            raise InvalidRequest("join", f"{self.source} and {self.target} are not one token in two places")
        if not (self.cost_bps.is_finite() and self.cost_bps >= 0) or (self.capacity or 0) < 0:
            raise InvalidRequest("join", f"{self.source} to {self.target}: neither cost nor capacity is below zero")


@dataclass(frozen=True, slots=True)
class Joins:
    """Both ends of a book: `give` from the chain to the exchange, `receive` from there to the chain."""

    give: InventoryEdge
    receive: InventoryEdge

    @classmethod
    def around(
        cls,
        market: "BookMarket",
        token_in: Address,
        *,
        balance: int | None,
        give_bps: Decimal = Decimal(0),
        receive_bps: Decimal = Decimal(0),
    ) -> "Joins":
        """The joins of a book for a taker who gives `token_in`, of which the desk holds `balance` there."""
        venue = market.book.exchange
        given, got = (market.base, market.quote) if market.side(token_in) is Side.SELL else (market.quote, market.base)
        return cls(
            InventoryEdge(AssetAt(given), AssetAt(given, venue), balance, give_bps),
            InventoryEdge(AssetAt(got, venue), AssetAt(got), None, receive_bps),
        )


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
