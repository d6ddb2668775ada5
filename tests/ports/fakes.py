"""In-memory stand-ins for the makers' and exchanges' ports: they obey the same suites as the real adapters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from oms.adapters.makers.typed_data import sign
from oms.domain.balances import ExchangeBalance
from oms.domain.fills import ExchangeFill, PublicTrade
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport, OrderStatus
from oms.domain.plans import Side
from oms.domain.quotes import ExchangeMarket, FirmQuote, IndicativeLadder, LadderLevel, OrderBook, QuoteRequest
from oms.domain.token import Token
from oms.errors import InvalidRequest, QuoteRefused, Terminal
from oms.liquidity.order_book import fill_base
from oms.liquidity.rfq_ladder import ladder_amount_in, ladder_amount_out
from oms.risk.gate import Approved, CheckResult, Denied, judge
from oms.units import Address


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    seconds: float = 1_723_161_255.0

    def now(self) -> float:
        return self.seconds


def approved(order: ExchangeOrder) -> Approved[ExchangeOrder]:
    """An approval through the real gate."""
    verdict = judge(order, [CheckResult("test", passed=True, detail="")])
    if isinstance(verdict, Denied):
        raise TypeError(verdict.reason)
    return verdict


@dataclass
class FakeMaker:
    """Signs at fixed levels per direction, with a key of its own."""

    name: str
    key: str
    address: Address
    settlement: Address
    levels: Mapping[tuple[Token, Token], tuple[LadderLevel, ...]]
    chain_time: int
    _nonce: int = 0

    def ladder(self, taker_token: Token, maker_token: Token) -> IndicativeLadder:
        levels = self.levels.get((taker_token, maker_token))
        if levels is None:
            raise Terminal(f"maker {self.name}", "refused (unknown_pair)")
        return IndicativeLadder(self.name, taker_token, maker_token, levels, 0.0)

    def firm_quote(self, request: QuoteRequest) -> FirmQuote:
        pair = next((p for p in self.levels if (p[0].address, p[1].address) == _pair(request)), None)
        if pair is None:
            raise Terminal(f"maker {self.name}", "refused (unknown_pair)")
        ladder = self.ladder(*pair)
        try:
            if request.taker_amount is not None:
                taker_amount, maker_amount = request.taker_amount, ladder_amount_out(ladder, request.taker_amount)
            else:
                maker_amount = request.maker_amount or 0
                taker_amount = ladder_amount_in(ladder, maker_amount)
        except QuoteRefused as error:
            raise Terminal(f"maker {self.name}", f"refused ({error})") from error
        self._nonce += 1
        quote = FirmQuote(
            self.name,
            request.chain_id,
            self.settlement,
            self.address,
            request.taker,
            request.maker_token,
            request.taker_token,
            maker_amount,
            taker_amount,
            self.chain_time + 60,
            self._nonce,
            True,
            b"",
            0.0,
        )
        return replace(quote, signature=sign(quote, self.key))


def _pair(request: QuoteRequest) -> tuple[Address, Address]:
    return request.taker_token, request.maker_token


@dataclass
class FakeExchange:
    """Matches against one book, and remembers nothing of its own impact but the balances."""

    name: str
    book: OrderBook
    rules: ExchangeMarket
    held: dict[str, Decimal]
    orders: dict[str, ExchangeOrderReport] = field(default_factory=dict)
    prints: list[PublicTrade] = field(default_factory=list)

    def market(self, symbol: str) -> ExchangeMarket:
        if symbol != self.rules.symbol:
            raise InvalidRequest("symbol", f"{symbol} is not listed")
        return self.rules

    def order_book(self, symbol: str) -> OrderBook:
        self.market(symbol)
        return self.book

    def trades(self, symbol: str) -> Sequence[PublicTrade]:
        self.market(symbol)
        return tuple(self.prints)

    def submit_order(self, approved: Approved[ExchangeOrder]) -> ExchangeOrderReport:
        order = approved.subject
        if order.client_order_id in self.orders:
            return self.orders[order.client_order_id]
        levels = self.book.bids if order.side is Side.SELL else self.book.asks
        within = tuple(level for level in levels if _acceptable(level.price, order))
        amount = min(order.amount, sum((level.size for level in within), Decimal(0)))
        fills: tuple[ExchangeFill, ...] = ()
        average = None
        if amount:
            book = replace(self.book, bids=within, asks=within)
            fill = fill_base(book, replace(self.rules, min_notional=Decimal(0)), side=order.side, base_amount=amount)
            average = fill.average_price
            self._settle(order, fill.base_amount, fill.net_quote)
            fills = tuple(
                ExchangeFill(
                    order.client_order_id,
                    "1",
                    level.price,
                    level.size,
                    level.price * level.size * self.rules.taker_fee,
                    self.rules.quote,
                    0,
                )
                for level in fill.levels
            )
        status = OrderStatus.CLOSED if amount == order.amount else OrderStatus.CANCELED
        report = ExchangeOrderReport(
            self.name,
            order.client_order_id,
            "1",
            order.symbol,
            order.side,
            status,
            order.amount,
            amount,
            average,
            fills,
        )
        self.orders[order.client_order_id] = report
        self.prints += [PublicTrade("1", order.symbol, order.side, f.price, f.amount, 0) for f in fills]
        return report

    def order(self, client_order_id: str) -> ExchangeOrderReport | None:
        return self.orders.get(client_order_id)

    def balances(self) -> Mapping[str, ExchangeBalance]:
        return {c: ExchangeBalance(self.name, c, amount, Decimal(0)) for c, amount in self.held.items()}

    def _settle(self, order: ExchangeOrder, base: Decimal, net_quote: Decimal) -> None:
        sign_ = 1 if order.side is Side.BUY else -1
        currency, cost = (self.rules.quote, net_quote) if sign_ > 0 else (self.rules.base, base)
        if self.held[currency] < cost:
            raise Terminal(self.name, f"refused order {order.client_order_id} (InsufficientFunds)")
        self.held[self.rules.base] += sign_ * base
        self.held[self.rules.quote] -= sign_ * net_quote


def _acceptable(price: Decimal, order: ExchangeOrder) -> bool:
    if order.limit_price is None:
        return True
    return price >= order.limit_price if order.side is Side.SELL else price <= order.limit_price
