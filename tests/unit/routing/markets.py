"""Random markets for the routing tests: every family between 3 to 8 tokens with known fair prices.

A pool is drawn as a `Sketch`, a few small numbers, so that a failing market shrinks to something readable. In a calm
market no pool's price is off by more than its own fee, so that no circle of pools pays.
"""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from oms.domain.plans import SHARE_DENOMINATOR, SpendKind
from oms.domain.quotes import BookLevel, ExchangeMarket, IndicativeLadder, LadderLevel, OrderBook
from oms.domain.token import Token
from oms.domain.venue import Family, PoolKey
from oms.errors import QuoteRefused
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import tick_at_sqrt_price
from oms.liquidity.weighted import WeightedPool
from oms.routing.allocation import Allocation, GasCost, LegFill
from oms.routing.book_market import BookMarket
from oms.routing.market import BookEdge, Edge, LadderEdge, edges_of, fill, initial_states
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route, RouteTerms, sell
from oms.units import Address

ONE = 10**18
FREE = GasCost(0.0)
KINDS = ("product", "concentrated", "weighted", "stable", "ladder", "book")
POOLS = KINDS[:4]

TOKENS = tuple(
    Token(1, Address(f"0x{number + 1:040x}"), symbol, decimals)
    for number, (symbol, decimals) in enumerate(
        [("WETH", 18), ("USDC", 6), ("WBTC", 8), ("DAI", 18), ("CRV", 18), ("USDT", 6), ("LINK", 18), ("RETH", 18)]
    )
)
FAIR = (1_500.0, 1.0, 27_000.0, 1.0, 0.37, 1.0, 12.0, 1_800.0)
"""What a whole token is worth, in dollars."""
NAMES = tuple(token.address for token in TOKENS)


@dataclass(frozen=True, slots=True)
class Sketch:
    """One venue: what it is, the two tokens (by place), dollars on a side, how far its price is off, and its fee."""

    kind: str
    one: int
    other: int
    dollars: float
    off_bps: float = 0.0
    fee_pips: int = 3_000
    shape: int = 0


def raw(token: int, dollars: float) -> int:
    """Base units of a token that are worth so much."""
    return max(1, int(dollars / FAIR[token] * 10.0 ** TOKENS[token].decimals))


def listed(sketch: Sketch, number: int) -> ListedPool:
    """The pool of a sketch; `number` makes its address."""
    one, other = sorted((sketch.one, sketch.other))
    name = Address(f"0x{0x1000 + number:040x}")
    tokens = (NAMES[one], NAMES[other])
    reserves = raw(one, sketch.dollars * (1 + sketch.off_bps / 1e4)), raw(other, sketch.dollars)
    pool: Pool
    if sketch.kind == "product":
        pool = ConstantProductPool(name, *tokens, *reserves, 10**6 - sketch.fee_pips, 10**6)
        key = PoolKey(Family.UNISWAP_V2, "uniswap_v2", name, name, tokens, fee_pips=sketch.fee_pips)
    elif sketch.kind == "concentrated":
        pool = _concentrated(name, tokens, reserves, sketch)
        key = PoolKey(Family.UNISWAP_V3, "uniswap_v3", name, name, tokens, sketch.fee_pips, pool.tick_spacing)
    elif sketch.kind == "weighted":
        pool = _weighted(name, (one, other), reserves, sketch)
        key = PoolKey(Family.BALANCER_WEIGHTED, "balancer", name, name, pool.tokens, fee_pips=sketch.fee_pips)
    else:
        scaling = tuple(int(FAIR[token] * 10.0 ** (36 - TOKENS[token].decimals)) for token in (one, other))
        pool = BalancerStablePool(
            name, name, tokens, reserves, scaling, 1_000 * (20 + 90 * sketch.shape), sketch.fee_pips * 10**12
        )
        key = PoolKey(Family.BALANCER_STABLE, "balancer", name, name, tokens, fee_pips=sketch.fee_pips)
    return ListedPool(key, pool)


def _concentrated(
    name: Address, tokens: tuple[Address, Address], reserves: tuple[int, int], sketch: Sketch
) -> ConcentratedPool:
    """A wide position and up to three narrower ones about the price, the deepest the narrowest."""
    sqrt_price_x96 = int(math.sqrt(reserves[1] / reserves[0]) * 2**96)
    tick, spacing = tick_at_sqrt_price(sqrt_price_x96), 60
    depth = int(math.sqrt(reserves[0]) * math.sqrt(reserves[1]))
    nets: dict[int, int] = {}
    liquidity = 0
    for width in (400, 60, 12, 3)[: 1 + sketch.shape]:
        lower = (tick // spacing - width) * spacing
        upper = (tick // spacing + width // 2 + 1) * spacing
        share = max(1, depth * 4 // width)
        nets[lower] = nets.get(lower, 0) + share
        nets[upper] = nets.get(upper, 0) - share
        liquidity += share
    return ConcentratedPool(
        name,
        Family.UNISWAP_V3,
        tokens,
        sketch.fee_pips,
        spacing,
        sqrt_price_x96,
        tick,
        liquidity,
        TickMap.of({at: net for at, net in nets.items() if net}),
    )


def _weighted(name: Address, pair: tuple[int, int], reserves: tuple[int, int], sketch: Sketch) -> WeightedPool:
    """Two tokens at 50/50 or 80/20, or three with the next token that is not in the pair."""
    weights = ((5, 5), (8, 2), (2, 8), (4, 4, 2))[sketch.shape]
    held, balances = list(pair), [int(reserves[0] * weights[0] / 5) or 1, int(reserves[1] * weights[1] / 5) or 1]
    if len(weights) == 3:
        third = next(token for token in range(len(TOKENS)) if token not in pair)
        held.append(third)
        balances.append(raw(third, sketch.dollars * weights[2] / 5))
    return WeightedPool(
        name,
        name,
        tuple(NAMES[token] for token in held),
        tuple(balances),
        tuple(weight * ONE // 10 for weight in weights),
        tuple(TOKENS[token].decimals for token in held),
        sketch.fee_pips * 10**12,
    )


def _levels(sketch: Sketch, price: float, size: float) -> list[tuple[float, float]]:
    """(price, size) each, `shape + 1` of them, growing and falling away from the first."""
    return [(price * (1 - step * 4e-4 * (step + 1)), size * (1 + step)) for step in range(sketch.shape + 1)]


def ladders(sketch: Sketch, number: int) -> list[Edge]:
    """A maker's two ladders, one each way, less the fee."""
    found: list[Edge] = []
    for give, get in ((sketch.one, sketch.other), (sketch.other, sketch.one)):
        price = FAIR[give] / FAIR[get] * (1 - sketch.fee_pips / 1e6)
        levels = tuple(
            LadderLevel(_decimal(size, TOKENS[give]), Decimal(repr(price)))
            for price, size in _levels(sketch, price, sketch.dollars / 20 / FAIR[give])
        )
        ladder = IndicativeLadder(f"maker{number}", TOKENS[give], TOKENS[get], levels, 0.0)
        found.append(LadderEdge(ladder, NAMES[give], NAMES[get]))
    return found


def _decimal(value: float, token: Token) -> Decimal:
    return max(Decimal(1), Decimal(int(value * 10.0**token.decimals))).scaleb(-token.decimals)


def books(sketch: Sketch, number: int) -> list[Edge]:
    """An exchange's book, both sides, with lots of a thousandth of a base unit of the first token."""
    base, quote = TOKENS[sketch.one], TOKENS[sketch.other]
    fair = FAIR[sketch.one] / FAIR[sketch.other]
    lot = Decimal("0.001")
    sides = []
    for sign in (1, -1):
        side = []
        for price, size in _levels(sketch, 1.0, sketch.dollars / 20 / FAIR[sketch.one]):
            away = fair * (1 - sign * (1 - price) - sign * 1e-4)
            side.append(BookLevel(Decimal(f"{away:.8g}"), max(1, int(size / float(lot))) * lot))
        sides.append(tuple(side))
    exchange, symbol = f"exchange{number}", f"{base.symbol}/{quote.symbol}"
    rules = ExchangeMarket(
        exchange,
        symbol,
        base.symbol,
        quote.symbol,
        Decimal("0.00000001"),
        lot,
        Decimal(0),
        Decimal(sketch.fee_pips) / 10**6,
    )
    asks, bids = (sides[1], sides[0])
    market = BookMarket(OrderBook(exchange, symbol, bids, asks, 1, 0.0, "test"), rules, base, quote)
    return [BookEdge(market, base.address, quote.address), BookEdge(market, quote.address, base.address)]


def edges(sketches: Sequence[Sketch]) -> list[Edge]:
    """All edges of the sketches, in their order."""
    found: list[Edge] = []
    for number, sketch in enumerate(sketches):
        if sketch.kind == "ladder":
            found += ladders(sketch, number)
        elif sketch.kind == "book":
            found += books(sketch, number)
        else:
            found += edges_of([listed(sketch, number)], NAMES)
    return found


def market(*sketches: Sketch) -> PreparedMarket:
    """A market of these venues."""
    return PreparedMarket.of(edges(sketches))


def terms(hops: int = 4, gas: float = 0.0) -> RouteTerms:
    """Terms with gas at so many base units of output."""
    return RouteTerms(GasCost(gas), max_hops=hops)


def gas_of(token_out: int, gwei: float) -> float:
    """Base units of output per unit of gas, with the coin at the first token's price."""
    return gwei * 1e-9 * FAIR[0] / FAIR[token_out] * 10.0 ** TOKENS[token_out].decimals


def sold(on: PreparedMarket, source: int, target: int, amount: int, how: RouteTerms) -> Route | None:
    """The route, or nothing where it is refused."""
    try:
        return sell(on, NAMES[source], NAMES[target], amount, how)
    except QuoteRefused:
        return None


_FEES = (100, 500, 3_000, 10_000)


@st.composite
def sketches(
    draw: st.DrawFn, *, tokens: int, kinds: Sequence[str] = KINDS, off_bps: int | None = None, shape: int = 3
) -> Sketch:
    """One venue between two of the first so many tokens; off by less than its fee unless `off_bps` says otherwise."""
    one = draw(st.integers(0, tokens - 1))
    other = (one + draw(st.integers(1, tokens - 1))) % tokens
    fee = draw(st.sampled_from(_FEES))
    off = fee / 100 * draw(st.integers(-9, 9)) / 10 if off_bps is None else draw(st.integers(-off_bps, off_bps))
    dollars = 10.0 ** (draw(st.integers(30, 80)) / 10)
    return Sketch(draw(st.sampled_from(kinds)), one, other, dollars, off, fee, draw(st.integers(0, shape)))


@st.composite
def crowds(
    draw: st.DrawFn,
    *,
    kinds: Sequence[str] = KINDS,
    off_bps: int | None = None,
    most: int = 12,
    shape: int = 3,
    most_tokens: int = 8,
) -> list[Sketch]:
    """Venues among 3 to 8 tokens, of which the first joins the first two tokens."""
    tokens = draw(st.integers(3, most_tokens))
    every = sketches(tokens=tokens, kinds=kinds, off_bps=off_bps, shape=shape)
    first = draw(every)
    others = draw(st.lists(every, min_size=2, max_size=most))
    return [Sketch("product", 0, 1, first.dollars, 0.0, first.fee_pips), *others]


def dollars() -> st.SearchStrategy[float]:
    """An order's worth, 1 to a million."""
    return st.integers(0, 60).map(lambda tenths: 10.0 ** (tenths / 10))


def random_crowd(seed: int, *, kinds: Sequence[str] = KINDS, off_bps: float | None = None) -> list[Sketch]:
    """The same by a seed, for what needs no shrinking."""
    draw = random.Random(seed)
    tokens = draw.randint(3, 8)
    found = [Sketch("product", 0, 1, 10 ** draw.uniform(3, 8), 0.0, draw.choice(_FEES))]
    for _ in range(draw.randint(2, 14)):
        one = draw.randrange(tokens)
        other = (one + draw.randint(1, tokens - 1)) % tokens
        fee = draw.choice(_FEES)
        off = fee / 100 * draw.uniform(-0.9, 0.9) if off_bps is None else draw.uniform(-off_bps, off_bps)
        worth = 10 ** draw.uniform(3, 8)
        found.append(Sketch(draw.choice(kinds), one, other, worth, off, fee, draw.randint(0, 3)))
    return found


class Broken(Exception):
    """A plan that does not run as it says."""


def rerun(on: PreparedMarket, plan: Allocation) -> int:
    """Run the legs again as they would settle, from balances and spend rules alone; what the plan pays in all.

    The executor holds the input less what goes to exchanges, and gets nothing from them while it runs. Raises `Broken`
    where an amount differs, a balance would go below zero, or anything is left between.
    """
    states = dict(initial_states(on.edges))
    source, target = ends(plan)
    given = sum(leg.amount_in for leg in plan.legs if leg.edge.token_in == source)
    if given != plan.amount_in:
        raise Broken(f"gives {given} of {plan.amount_in}")
    off_chain = [leg for leg in plan.legs if isinstance(leg.edge, BookEdge)]
    if any((leg.edge.token_in, leg.edge.token_out) != (source, target) for leg in off_chain):
        raise Broken("an exchange's balance is spent on chain, or one of the executor's there")
    held = {source: plan.amount_in - sum(leg.amount_in for leg in off_chain)}
    for leg in plan.legs:
        edge, amount = leg.edge, leg.amount_in
        if leg not in off_chain:
            amount = _spent(leg, held.get(edge.token_in, 0))
            held[edge.token_in] -= amount
        done = fill(edge, states[edge.state_id], amount)
        if (done.amount_in, done.amount_out) != (leg.amount_in, leg.amount_out):
            raise Broken(f"{edge.label}: {done.amount_in} pays {done.amount_out}, not {leg.amount_in} {leg.amount_out}")
        states[edge.state_id] = done.next_state
        held[edge.token_out] = held.get(edge.token_out, 0) + done.amount_out
    paid = held.pop(target, 0)
    if any(held.values()):
        raise Broken(f"left between: {held}")
    return paid


def _spent(leg: LegFill, held: int) -> int:
    """What the executor gives to a leg."""
    if leg.spend.kind is SpendKind.EXACT and leg.amount_in > held:
        raise Broken(f"{leg.edge.label}: spends {leg.amount_in} of {held}")
    amounts = {
        SpendKind.EXACT: leg.amount_in,
        SpendKind.SHARE: held * leg.spend.share // SHARE_DENOMINATOR,
        SpendKind.REST: held,
    }
    return amounts[leg.spend.kind]


def ends(plan: Allocation) -> tuple[Address, Address]:
    """The token that a plan gives and the one that it brings."""
    given = {leg.edge.token_in for leg in plan.legs}
    got = {leg.edge.token_out for leg in plan.legs}
    (source,), (target,) = given - got, got - given
    return source, target


def single(on: PreparedMarket, path: Sequence[Edge], amount_in: int) -> int | None:
    """The whole order down one path in integers, or nothing where that is refused."""
    states = dict(initial_states(on.edges))
    amount = amount_in
    try:
        for edge in path:
            done = fill(edge, states[edge.state_id], amount)
            states[edge.state_id] = done.next_state
            amount = done.amount_out
    except QuoteRefused:
        return None
    return amount


def paths(on: PreparedMarket, source: int, target: int, hops: int) -> list[tuple[Edge, ...]]:
    """All paths of at most so many edges that visit no token twice; ladders and exchanges only by themselves."""
    found: list[tuple[Edge, ...]] = []

    def extend(path: tuple[Edge, ...], token: Address, seen: frozenset[Address]) -> None:
        for edge in on.edges:
            if edge.token_in != token or edge.token_out in seen:
                continue
            longer = (*path, edge)
            alone = edge.token_in == NAMES[source] and edge.token_out == NAMES[target]
            if isinstance(edge, BookEdge | LadderEdge) and not alone:
                continue
            if edge.token_out == NAMES[target]:
                found.append(longer)
            elif len(longer) < hops:
                extend(longer, edge.token_out, seen | {edge.token_out})

    extend((), NAMES[source], frozenset([NAMES[source]]))
    return found


def without(drawn: Iterable[Sketch], place: int) -> list[Sketch]:
    """All sketches but one."""
    return [sketch for number, sketch in enumerate(drawn) if number != place]
