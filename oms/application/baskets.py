"""A basket as somebody asks for it: words into amounts, proportions or prices, and the result as a report.

Owns: the words' meaning. Must not: sign or send; no plan of the executor settles several tokens at once.

    --sell 10:WETH        exactly so much is given
    --buy USDC:60%        a share of the value that comes out; shares add up to 100
    --buy USDC@0.999      whatever is worth most, a USDC being worth so much to the caller, in any unit
    --buy USDC            the same, at the market's prices before the trade
    --buy 1000:USDC       at least so much is bought, with the one token of --with
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from oms.application.pool_view import PoolView
from oms.domain.token import Token
from oms.errors import InvalidRequest, QuoteRefused, Refusal
from oms.liquidity.price_response import NEVER
from oms.routing.baskets import Basket, BasketTerms, BestValue, InProportion, Measure, buy_basket, sell_basket
from oms.routing.edge_table import Floats
from oms.routing.prepared import PreparedMarket
from oms.units import Address, parse_amount

V = TypeVar("V")

Resolve = Callable[[str, str], Token]
"""A token from its symbol or address, and the option that named it."""


@dataclass(frozen=True, slots=True)
class BasketOrder:
    """What is asked for. `sells` and `buys` are base units; of a rebalance `shares` or `prices` say what comes out.

    A price is for a whole token; `None` stands for the market's.
    """

    sells: Mapping[Token, int]
    buys: Mapping[Token, int]
    payer: Token | None
    shares: Mapping[Token, Decimal]
    prices: Mapping[Token, Decimal | None]
    by: Measure = Measure.VALUE

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token named."""
        payer = () if self.payer is None else (self.payer,)
        return tuple(dict.fromkeys((*self.sells, *self.buys, *self.shares, *self.prices, *payer)))


@dataclass(frozen=True, slots=True)
class BasketReport:
    """A basket on that view."""

    view: PoolView
    order: BasketOrder
    basket: Basket


def read_order(
    sells: Sequence[str], buys: Sequence[str], payer: str | None, resolve: Resolve, *, by: Measure = Measure.VALUE
) -> BasketOrder:
    """The order that the words mean. Raises `InvalidRequest` naming the option and the remedy."""
    if not buys:
        raise InvalidRequest("buy", "names nothing; say what is to come out, such as --buy USDC:60% --buy DAI:40%")
    wanted: dict[Token, int] = {}
    shares: dict[Token, Decimal] = {}
    prices: dict[Token, Decimal | None] = {}
    for text in buys:
        _read_buy(text, resolve, wanted, shares, prices)
    if sum(map(bool, (wanted, shares, prices))) > 1:
        raise InvalidRequest("buy", "mixes amounts, shares and prices; use one of TOKEN:60%, TOKEN@1 and 1000:TOKEN")
    if len({price is None for price in prices.values()}) > 1:
        raise InvalidRequest("buy", "has prices for some only; give all of them one, as in USDC@1, or none")
    if shares and sum(shares.values()) != 100:
        raise InvalidRequest("buy", f"shares add up to {sum(shares.values())} %; make it 100")
    if wanted and (sells or payer is None):
        raise InvalidRequest("buy", "amounts are bought with one token; use --with TOKEN, and no --sell")
    if not wanted and (payer is not None or not sells):
        raise InvalidRequest("sell", "names nothing; say what is given, such as --sell 10:WETH")
    given: dict[Token, int] = {}
    for text in sells:
        _once(given, *_amount(text, resolve, "sell"), "sell")
    return BasketOrder(given, wanted, None if payer is None else resolve(payer, "with"), shares, prices, by)


def route_basket(view: PoolView, order: BasketOrder, *, max_shortfall_bps: float | None) -> BasketReport:
    """The basket on that view's pools. Raises `QuoteRefused`, `InvalidRequest`."""
    market = view.market()
    terms = BasketTerms(view.wrapped_native, float(view.gas_price), max_shortfall_bps)
    if order.payer is not None:
        wanted = {token.address: amount for token, amount in order.buys.items()}
        return BasketReport(view, order, buy_basket(market, order.payer.address, wanted, terms))
    inputs = {token.address: amount for token, amount in order.sells.items()}
    goal = _goal(market, order)
    return BasketReport(view, order, sell_basket(market, inputs, goal, terms))


def _goal(market: PreparedMarket, order: BasketOrder) -> InProportion | BestValue:
    if order.shares:
        scale = {token: 1.0 if order.by is Measure.VALUE else 10.0**token.decimals for token in order.shares}
        return InProportion({t.address: float(share) * scale[t] for t, share in order.shares.items()}, order.by)
    values = market.flat.market.log_values
    prices: dict[Address, float] = {}
    for token, price in order.prices.items():
        stated = None if price is None else float(price) / 10.0**token.decimals
        prices[token.address] = _market_price(market, values, token) if stated is None else stated
    return BestValue(prices)


def _market_price(market: PreparedMarket, values: Floats, token: Token) -> float:
    number = market.table.index.get(token.address)
    value = NEVER if number is None else float(values[number])
    if value == NEVER:
        raise QuoteRefused(Refusal.NO_PATH, f"no pool here trades {token.symbol}; widen --venues")
    return math.exp(value)


def _read_buy(
    text: str,
    resolve: Resolve,
    wanted: dict[Token, int],
    shares: dict[Token, Decimal],
    prices: dict[Token, Decimal | None],
) -> None:
    if text.endswith("%"):
        name, _, share = text[:-1].rpartition(":")
        _once(shares, resolve(name, "buy"), _positive(share, text), "buy")
    elif "@" in text:
        name, _, price = text.rpartition("@")
        _once(prices, resolve(name, "buy"), _positive(price, text), "buy")
    elif ":" in text:
        _once(wanted, *_amount(text, resolve, "buy"), "buy")
    else:
        _once(prices, resolve(text, "buy"), None, "buy")


def _amount(text: str, resolve: Resolve, option: str) -> tuple[Token, int]:
    amount, colon, name = text.partition(":")
    if not colon or not name:
        raise InvalidRequest(option, f"{text!r} is not AMOUNT:TOKEN; write it like 10:WETH")
    token = resolve(name, option)
    return token, parse_amount(amount, token.decimals, field=option)


def _positive(text: str, whole: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidRequest("buy", f"{whole!r} has no number; write it like USDC:60% or USDC@0.999") from None
    if not value.is_finite() or value <= 0:
        raise InvalidRequest("buy", f"{whole!r} must be greater than zero")
    return value


def _once(known: dict[Token, V], token: Token, value: V, option: str) -> None:
    if token in known:
        raise InvalidRequest(option, f"names {token.symbol} twice; add it up yourself")
    known[token] = value
