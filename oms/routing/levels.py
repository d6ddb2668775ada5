"""Makers and books as price levels: what each would take at which price, for a search that pours continuous amounts.

Owns: the breakpoints of an edge's value, in floats of base units, after taker's fee, hedge charge and the joins' cost.
Must not: be settled on; `oms.routing.market.fill` says in integers what a breakpoint brings. The two agree within a
base unit for the amount and for each charge and the floats' own precision, and where a book trades in lots, within a
lot. The limits of one edge are in its levels: its depth, the desk's bounds, its own stock. What several edges share is
not, so that levels may offer more together than fills will give; a bound from them stays a bound.
"""

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from oms.domain.plans import Side
from oms.errors import InvalidRequest
from oms.liquidity.order_book import EXACT, depth
from oms.liquidity.rfq_ladder import ladder_capacity
from oms.routing.hedge_cost import RATE_SCALE, scaled_rate
from oms.routing.market import BookEdge, FirmEdge, LadderEdge

_SAME_PRICE = 1e-12
"""Prices of equal levels differ by their rounding; a rise beyond that is a wrong order."""
_SLACK = 1e-12
"""By more than this share the sums of thousands of floats are not off."""


class PriceLevel(NamedTuple):
    """One breakpoint: `amount_in` in all is worth `amount_out` in all, in base units.

    `marginal` is the price of this level's part, base units out per base unit in. With `all_or_nothing`, only the whole
    level can be had.
    """

    amount_in: float
    amount_out: float
    marginal: float
    all_or_nothing: bool = False


class _Step(NamedTuple):
    """One level of a side alone, in base units: what it takes, and what it brings before any charge."""

    takes: float
    brings: float


def price_levels(edge: LadderEdge | FirmEdge | BookEdge) -> tuple[PriceLevel, ...]:
    """The edge's levels, best first and with falling prices, cut to its own limits; none where it gives nothing.

    Raises `InvalidRequest` for levels that are not sorted best first.
    """
    if isinstance(edge, FirmEdge):
        return _firm_levels(edge)
    if isinstance(edge, LadderEdge):
        steps = _within(_ladder_steps(edge), None, _ladder_limit(edge))
        return _ended(_levels(edge.label, steps, keep=1.0), ladder_capacity(edge.ladder))
    steps = _within(_book_steps(edge), *_book_limits(edge))
    return _ended(_levels(edge.label, steps, keep=_kept_share(edge)), _book_capacity(edge))


def _firm_levels(edge: FirmEdge) -> tuple[PriceLevel, ...]:
    quote = edge.quote
    if quote.taker_amount <= 0 or quote.maker_amount <= 0:
        return ()
    price = quote.maker_amount / quote.taker_amount
    whole = not quote.partial_fill_allowed
    return (PriceLevel(float(quote.taker_amount), float(quote.maker_amount), price, all_or_nothing=whole),)


def _ladder_steps(edge: LadderEdge) -> Iterator[_Step]:
    taker, maker = edge.ladder.taker_token.decimals, 10.0**edge.ladder.maker_token.decimals
    for level in edge.ladder.levels:
        yield _Step(_scaled(level.size, taker), float(level.size) * float(level.price) * maker)


def _ladder_limit(edge: LadderEdge) -> float | None:
    inventory = edge.ladder.inventory
    return None if inventory is None else float(inventory) * 10.0**edge.ladder.maker_token.decimals


def _book_steps(edge: BookEdge) -> Iterator[_Step]:
    market = edge.market
    base, quote, fee = market.base.decimals, 10.0**market.quote.decimals, float(market.rules.taker_fee)
    if market.side(edge.token_in) is Side.SELL:
        for level in market.book.bids:
            yield _Step(_scaled(level.size, base), float(level.size) * float(level.price) * quote * (1 - fee))
    else:
        for level in market.book.asks:
            yield _Step(float(level.size) * float(level.price) * quote * (1 + fee), _scaled(level.size, base))


def _scaled(size: Decimal, decimals: int) -> float:
    """Base units. Scaled before it becomes a float, so that sums of whole lots stay whole lots up to 2^53 of them."""
    return float(size.scaleb(decimals, EXACT))


def _book_capacity(edge: BookEdge) -> int:
    """The most that may be given, exactly, rounded down."""
    market, most_in = edge.market, _book_limits(edge)[0]
    if market.side(edge.token_in) is Side.SELL:
        whole = depth(market.book.bids).scaleb(market.base.decimals, EXACT)
    else:
        cost = Decimal(0)
        for level in market.book.asks:
            cost = EXACT.fma(level.size, level.price, cost)
        whole = EXACT.multiply(cost, 1 + market.rules.taker_fee).scaleb(market.quote.decimals, EXACT)
    return int(whole) if most_in is None else min(int(whole), most_in)


def _book_limits(edge: BookEdge) -> tuple[int | None, int | None]:
    """The most that may be given and got, before charges."""
    if edge.joins is None:
        return edge.max_in, edge.max_out
    return _least(edge.max_in, edge.joins.give.capacity), _least(edge.max_out, edge.joins.receive.capacity)


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _kept_share(edge: BookEdge) -> float:
    """What the charges leave of each unit brought; zero or less where they take it all."""
    return (RATE_SCALE - sum(scaled_rate(rate) for rate in edge.charge_rates_bps)) / RATE_SCALE


def _within(steps: Iterable[_Step], most_in: float | None, most_out: float | None) -> Iterator[_Step]:
    """The steps up to whichever limit is met first, the last one cut."""
    given = got = 0.0
    for step in steps:
        if step.takes <= 0 or step.brings <= 0:
            continue
        by_input, by_output = _room(most_in, given, step.takes), _room(most_out, got, step.brings)
        if by_input < 1 or by_output < 1:
            share = min(by_input, by_output * (1 - _SLACK))
            if share > 0:
                yield _Step(step.takes * share, step.brings * share)
            return
        yield step
        given, got = given + step.takes, got + step.brings


def _room(limit: float | None, used: float, wanted: float) -> float:
    """The share of `wanted` that the limit still lets through, at most 1."""
    return 1.0 if limit is None or used + wanted <= limit else (limit - used) / wanted


def _levels(label: str, steps: Iterable[_Step], *, keep: float) -> tuple[PriceLevel, ...]:
    if keep <= 0:
        return ()
    given = got = 0.0
    levels: list[PriceLevel] = []
    best = float("inf")
    for takes, brings in steps:
        price = brings * keep / takes
        if price > best * (1 + _SAME_PRICE):
            raise InvalidRequest("levels", f"{label} are not sorted best first; read the market again")
        given, got, best = given + takes, got + brings, min(best, price)
        levels.append(PriceLevel(given, got * keep, best))
    return tuple(levels)


def _ended(levels: tuple[PriceLevel, ...], capacity: int) -> tuple[PriceLevel, ...]:
    """The levels with an end that integers accept: no float above the capacity, and none short of it by rounding."""
    end = _float_down(capacity)
    while levels and (levels[-2].amount_in if len(levels) > 1 else 0.0) >= end:
        levels = levels[:-1]
    if not levels or levels[-1].amount_in < end * (1 - _SLACK):
        return levels
    last = levels[-1]
    return (
        *levels[:-1],
        last._replace(amount_in=end, amount_out=last.amount_out + (end - last.amount_in) * last.marginal),
    )


def _float_down(value: int) -> float:
    nearest = float(value)
    return math.nextafter(nearest, 0.0) if int(nearest) > value else nearest
