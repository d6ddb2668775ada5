"""Makers and books with made-up prices, for the routing tests."""

from decimal import Decimal

from hypothesis import strategies as st

from oms.domain.quotes import BookLevel, ExchangeMarket, FirmQuote, IndicativeLadder, LadderLevel, OrderBook
from oms.domain.token import Token
from oms.routing.book_market import BookMarket, Joins
from oms.routing.hedge_cost import NO_HEDGE, HedgeRate
from oms.routing.market import BookEdge, FirmEdge, LadderEdge
from oms.units import Address
from tests.unit.routing.market_samples import A, B, C

ETH, USD, BTC = Token(1, A, "WETH", 18), Token(1, B, "USDC", 6), Token(1, C, "WBTC", 8)
MAKER = Address("0x" + "9" * 40)
ZERO = Decimal(0)

STEPS = st.tuples(st.integers(1, 5_000), st.integers(1, 50))
"""A level's size in hundredths of a base unit, and its price's distance from the level before in hundredths."""


def rules(
    *, fee: str = "0.0005", size_step: str = "0.01", min_notional: str = "0", symbol: str = "ETH/USDC"
) -> ExchangeMarket:
    base, quote = symbol.split("/")
    step, least, rate = Decimal(size_step), Decimal(min_notional), Decimal(fee)
    return ExchangeMarket("paper", symbol, base, quote, Decimal("0.01"), step, least, rate)


def book(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], *, symbol: str = "ETH/USDC", at: float = 0.0
) -> OrderBook:
    """Levels as (price, size)."""
    bid, ask = (tuple(BookLevel(Decimal(p), Decimal(s)) for p, s in side) for side in (bids, asks))
    return OrderBook("paper", symbol, bid, ask, 1, at, "test")


@st.composite
def books(draw: st.DrawFn, fee: str = "0.0005", size_step: str = "0.01") -> BookMarket:
    """A book around 2,000 with up to six levels on each side."""
    bids, asks = (draw(st.lists(STEPS, min_size=1, max_size=6)) for _ in range(2))
    sides: list[list[tuple[str, str]]] = []
    for steps, sign in ((bids, -1), (asks, 1)):
        price, side = Decimal(2_000), []
        for size, distance in steps:
            price += sign * Decimal(distance) / 100
            side.append((str(price), str(Decimal(size) / 100)))
        sides.append(side)
    return BookMarket(book(*sides), rules(fee=fee, size_step=size_step), ETH, USD)


def book_edge(
    market: BookMarket,
    *,
    selling: bool,
    balance: int | None = None,
    give_bps: Decimal = ZERO,
    receive_bps: Decimal = ZERO,
    hedge: HedgeRate = NO_HEDGE,
    max_in: int | None = None,
    max_out: int | None = None,
) -> BookEdge:
    base, quote = market.base.address, market.quote.address
    token_in, token_out = (base, quote) if selling else (quote, base)
    joins = Joins.around(market, token_in, balance=balance, give_bps=give_bps, receive_bps=receive_bps)
    return BookEdge(market, token_in, token_out, max_in, max_out, joins, hedge)


def ladder_edge(
    levels: list[tuple[str, str]],
    *,
    taker: Token = ETH,
    maker: Token = USD,
    name: str = "linden",
    inventory: str | None = None,
) -> LadderEdge:
    """Levels as (size, price)."""
    stated = None if inventory is None else Decimal(inventory)
    shown = tuple(LadderLevel(Decimal(size), Decimal(price)) for size, price in levels)
    ladder = IndicativeLadder(name, taker, maker, shown, 0.0, stated)
    return LadderEdge(ladder, taker.address, maker.address)


def firm_edge(
    taker_amount: int,
    maker_amount: int,
    *,
    taker: Token = ETH,
    maker: Token = USD,
    nonce: int = 1,
    partial: bool = True,
    name: str = "linden",
) -> FirmEdge:
    quote = FirmQuote(
        name,
        1,
        MAKER,
        MAKER,
        MAKER,
        maker.address,
        taker.address,
        maker_amount,
        taker_amount,
        2_000_000_000,
        nonce,
        partial,
        b"",
        0.0,
    )
    return FirmEdge(quote, taker.address, maker.address)
