"""An exchange's book between two on-chain tokens: raw amounts in, raw amounts out, after the taker's fee.

Owns: the mapping from a book's base and quote to tokens, and the rounding to lots.
Must not: pretend that exchange and chain balances are one; a plan that uses it names an off-chain leg.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext

from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.domain.token import Token
from oms.errors import QuoteRefused, Refusal
from oms.units import Address

_PRECISION = 60


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

    def amount_out(self, token_in: Address, amount_in: int) -> int:
        """What a market order for exactly `amount_in` leaves after the fee, rounded down; lots are not applied.

        Raises `QuoteRefused` when the book is not that deep.
        """
        with localcontext() as context:
            context.prec = _PRECISION
            given = Decimal(amount_in).scaleb(-self._token(token_in).decimals)
            if self.side(token_in) is Side.SELL:
                value = _walk(self.book.bids, given) * (1 - self.rules.taker_fee)
                return _raw_down(value, self.quote.decimals)
            bought = _spend_quote(self.book.asks, given / (1 + self.rules.taker_fee))
            return _raw_down(bought, self.base.decimals)

    def whole_lots(self, token_in: Address, amount_in: int) -> int:
        """The largest amount at or below `amount_in` that the exchange's lot step can trade; 0 below its minimum."""
        with localcontext() as context:
            context.prec = _PRECISION
            given = Decimal(amount_in).scaleb(-self._token(token_in).decimals)
            if self.side(token_in) is Side.SELL:
                lots = (given / self.rules.size_step).to_integral_value(ROUND_DOWN) * self.rules.size_step
                enough = lots > 0 and lots * self._best(self.book.bids) >= self.rules.min_notional
                return _raw_down(lots, self.base.decimals) if enough else 0
            base = _spend_quote(self.book.asks, given / (1 + self.rules.taker_fee))
            lots = (base / self.rules.size_step).to_integral_value(ROUND_DOWN) * self.rules.size_step
            cost = _walk(self.book.asks, lots) * (1 + self.rules.taker_fee)
            return _raw_up(cost, self.quote.decimals) if cost >= self.rules.min_notional and lots > 0 else 0

    def size(self, token_in: Address, amount_in: int) -> Decimal:
        """The order's size in base units of account for a whole-lot `amount_in`."""
        with localcontext() as context:
            context.prec = _PRECISION
            given = Decimal(amount_in).scaleb(-self._token(token_in).decimals)
            if self.side(token_in) is Side.BUY:
                given = _spend_quote(self.book.asks, given / (1 + self.rules.taker_fee))
            return (given / self.rules.size_step).to_integral_value(ROUND_DOWN) * self.rules.size_step

    def best_price(self, token_in: Address) -> Decimal:
        """Quote per base at the touch that an order giving `token_in` would take."""
        return self._best(self.book.bids if self.side(token_in) is Side.SELL else self.book.asks)

    def _token(self, address: Address) -> Token:
        return self.base if address == self.base.address else self.quote

    @staticmethod
    def _best(levels: tuple[BookLevel, ...]) -> Decimal:
        if not levels:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the book is empty on that side")
        return levels[0].price


def _walk(levels: tuple[BookLevel, ...], size: Decimal) -> Decimal:
    """The quote value of trading `size` base through the levels."""
    value = Decimal(0)
    for level in levels:
        taken = min(size, level.size)
        value += taken * level.price
        size -= taken
        if not size:
            return value
    raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, f"the book is {size:f} short")


def _spend_quote(asks: tuple[BookLevel, ...], value: Decimal) -> Decimal:
    bought = Decimal(0)
    for level in asks:
        affordable = min(level.size, value / level.price)
        bought += affordable
        value -= affordable * level.price
        if affordable < level.size or not value:
            return bought
    raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, f"the book is {value:f} short on the ask side")


def _raw_down(value: Decimal, decimals: int) -> int:
    return int(value.scaleb(decimals).to_integral_value(ROUND_DOWN))


def _raw_up(value: Decimal, decimals: int) -> int:
    return -int((-value).scaleb(decimals).to_integral_value("ROUND_FLOOR"))
