"""The router's answers to the auction's orders, each with its time; and what is made of many of them.

Owns: asking, and percentiles. Must not: judge.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from benchmarks.auction import Auction, AuctionOrder
from oms.errors import QuoteRefused
from oms.liquidity.listing import ListedPool
from oms.routing.allocation import GasCost
from oms.routing.compiled_table import CompiledTable
from oms.routing.market import PoolEdge, edges_of
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route, RouteTerms, buy, sell
from oms.units import Address

MAX_HOPS = 3
LONGEST_HOPS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """A route, or the refusal's words; and the milliseconds it took."""

    order: AuctionOrder
    route: Route | None
    refusal: str
    milliseconds: float


def prepared(pools: Iterable[ListedPool]) -> PreparedMarket:
    """Both directions of every pool, prepared for searching by compiled code."""
    kept = tuple(pools)
    edges = edges_of(kept, {token for listed in kept for token in listed.key.tokens})
    return PreparedMarket.of(edges, kind=CompiledTable)


def arbitrage_in(market: PreparedMarket, token: Address) -> float:
    """What the market's free arbitrage is worth, in base units of a token; the market is brought to rest for it."""
    return market.flat.arbitrage(market.table.index[token])


def flattened(market: PreparedMarket) -> PreparedMarket:
    """The same market after its free arbitrage was traded away, prepared anew."""
    return PreparedMarket.of(market.flat.market.edges, kind=CompiledTable)


def pools_in(market: PreparedMarket) -> tuple[ListedPool, ...]:
    """The pools that a market's edges stand on."""
    found = {edge.state_id: edge.listed for edge in market.edges if isinstance(edge, PoolEdge)}
    return tuple(found.values())


def with_gas(auction: Auction, *, max_hops: int = MAX_HOPS) -> Callable[[AuctionOrder], RouteTerms]:
    """Terms at the auction's gas price, in each order's output token."""
    return lambda order: RouteTerms(GasCost(auction.out_per_gas(order)), max_hops=max_hops)


def without_gas(*, max_hops: int = LONGEST_HOPS) -> Callable[[AuctionOrder], RouteTerms]:
    """Terms at a gas price of zero."""
    return lambda _: RouteTerms(GasCost(0.0), max_hops=max_hops)


def answers(
    market: PreparedMarket, orders: Iterable[AuctionOrder], terms: Callable[[AuctionOrder], RouteTerms]
) -> list[Answer]:
    """Ask for every order, one after another."""
    return [_answer(market, order, terms(order)) for order in orders]


def _answer(market: PreparedMarket, order: AuctionOrder, terms: RouteTerms) -> Answer:
    found, refusal = None, ""
    ask = sell if order.sell else buy
    started = perf_counter()
    try:
        found = ask(market, order.token_in, order.token_out, order.amount, terms)
    except QuoteRefused as refused:
        refusal = str(refused)
    return Answer(order, found, refusal, (perf_counter() - started) * 1e3)


def as_sale(order: AuctionOrder) -> AuctionOrder:
    """The order as a sale of its `amount_in`: a purchase's limit, sold."""
    return replace(order, sell=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of them do not exceed."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
