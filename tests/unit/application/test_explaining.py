"""What an explanation says of a route: shares, prices and surpluses add up, and what is unused has its reason."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.application.explaining import EQUAL_BPS, Explanation, explain
from oms.application.quoting import with_allocation
from oms.application.unused_venues import UnusedVenues, WhyUnused, unused_venues
from oms.domain.plans import Side
from oms.domain.quotes import FirmQuote
from oms.errors import QuoteRefused
from oms.liquidity.listing import ListedPool
from oms.routing.allocation import FREE_GAS, GasCost, settle
from oms.routing.book_market import BookMarket, Joins
from oms.routing.market import BookEdge, Edge, FirmEdge, LadderEdge, edges_of
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route, RouteTerms, buy, sell
from oms.units import Address
from tests.unit.application.samples import ETH, RULES, USD, book, ladder, pool
from tests.unit.routing.market_samples import A, B, C, D, listed

FREE = RouteTerms(FREE_GAS, max_hops=3)
COSTLY = RouteTerms(GasCost(1e-2), max_hops=3)
"""A leg costs some thousands of base units of the output: under a cent of a dollar token."""


def market_of(*pools: ListedPool, beside: Sequence[Edge] = ()) -> PreparedMarket:
    return PreparedMarket.of([*edges_of(pools, [A, B, C, D]), *beside])


def explained(
    market: PreparedMarket, amount: int, terms: RouteTerms = FREE, *, most: int = 10
) -> tuple[Explanation, UnusedVenues]:
    explanation = explain(sell(market, A, B, amount, terms), market)
    return explanation, unused_venues(explanation, market, terms, most=most)


def whys(unused: UnusedVenues) -> dict[str, WhyUnused]:
    return {venue.label: venue.why for venue in unused.nearest}


reserves = st.integers(10**22, 10**26)
pairs = st.sampled_from([(A, B), (A, C), (C, B), (A, D), (D, B), (C, D)])


@st.composite
def markets(draw: st.DrawFn) -> PreparedMarket:
    """Pools between four tokens of about equal worth, one of them joining the order's own two."""
    ends = [(A, B), *draw(st.lists(pairs, min_size=1, max_size=6))]
    pools = [
        listed(number, *pair, depth := draw(reserves), int(depth * draw(st.floats(0.98, 1.02))))
        for number, pair in enumerate(ends, start=1)
    ]
    return market_of(*pools)


@settings(max_examples=40, deadline=None)
@given(market=markets(), amount=st.integers(10**18, 10**23), terms=st.sampled_from([FREE, COSTLY]))
def test_shares_sum_to_one_and_the_rate_with_all_surpluses_is_the_output(
    market: PreparedMarket, amount: int, terms: RouteTerms
) -> None:
    found = explain(sell(market, A, B, amount, terms), market)
    for token in found.tokens[:-1]:
        assert sum(leg.share for leg in found.legs if leg.edge.token_in == token) == 1
    assert sum(leg.order_share for leg in found.legs if leg.edge.token_in == A) == 1
    assert sum(leg.order_share for leg in found.legs if leg.edge.token_out == B) == 1
    sold, output = found.route.allocation.amount_in, found.route.allocation.amount_out
    assert sum(path.amount_in for path in found.paths) == sold
    assert math.isclose(found.rate * sold + found.surplus, output, rel_tol=1e-9)
    for leg in found.legs:
        assert leg.price_after <= leg.price_before * (1 + 1e-12)
        assert leg.surplus > -1e-6 * output


@settings(max_examples=40, deadline=None)
@given(market=markets(), amount=st.integers(10**20, 10**23))
def test_without_gas_all_used_ways_end_at_one_rate(market: PreparedMarket, amount: int) -> None:
    found = explain(sell(market, A, B, amount, FREE), market)
    assert found.spread_bps < 2 * EQUAL_BPS  # one that is just not worth balancing further may end a little off
    assert (found.spread_reason == "") == (found.spread_bps < EQUAL_BPS)
    for path in found.paths:
        assert math.isclose(path.rate, found.rate, rel_tol=1e-4)


@settings(max_examples=40, deadline=None)
@given(market=markets(), amount=st.integers(10**20, 10**23), terms=st.sampled_from([FREE, COSTLY]))
def test_every_venue_is_either_used_or_has_its_reason(market: PreparedMarket, amount: int, terms: RouteTerms) -> None:
    found, unused = explained(market, amount, terms, most=100)
    venues = {edge.state_id for edge in market.edges}
    used = {leg.edge.state_id for leg in found.legs}
    assert sum(unused.counts.values()) == len(venues - used)
    behind = [venue.behind_bps for venue in unused.nearest if venue.behind_bps is not None]
    assert behind == sorted(behind)
    for venue in unused.nearest:
        assert (venue.why is WhyUnused.PRICE) == (venue.rate <= found.rate * (1 + 1e-8))


def test_a_leg_earns_what_its_average_is_better_than_its_last_unit() -> None:
    market = market_of(pool(1, 500))
    found, _ = explained(market, 20 * 10**18)
    (leg,) = found.legs
    assert leg.price_after < leg.fill.amount_out / leg.fill.amount_in < leg.price_before
    assert leg.surplus == pytest.approx(leg.fill.amount_out - leg.price_after * leg.fill.amount_in)
    assert found.duals[A] == pytest.approx(found.rate, rel=1e-6)
    assert (found.spread_bps, leg.share) == (0.0, Fraction(1))


def test_a_venue_with_a_worse_price_is_left_out_for_its_price() -> None:
    near, far = pool(2, 1_000, price=1_900), pool(3, 1_000, price=1_000)
    market = market_of(pool(1, 1_000), replace(near, key=replace(near.key, venue="near")), far)
    found, unused = explained(market, 10**18)
    assert [leg.edge.state_id for leg in found.legs] == [pool(1, 1).key.pool_id]
    assert [venue.label for venue in unused.nearest] == ["near", "uniswap_v2"]
    assert {venue.why for venue in unused.nearest} == {WhyUnused.PRICE}
    assert unused.nearest[0].behind_bps == pytest.approx(500, abs=30)


def test_a_venue_that_would_pay_without_gas_is_left_out_for_its_gas() -> None:
    small = pool(2, 1)
    market = market_of(pool(1, 1_000), replace(small, key=replace(small.key, venue="small")))
    found, unused = explained(market, 5 * 10**17, RouteTerms(GasCost(100.0), max_hops=1))
    assert len(found.legs) == 1
    (venue,) = unused.nearest
    assert (venue.label, venue.why) == ("small", WhyUnused.GAS)
    assert 0 < venue.gain < venue.gas_cost
    assert venue.behind_bps is not None
    assert venue.behind_bps < 0
    free, _ = explained(market, 5 * 10**17)
    assert {leg.edge.label for leg in free.legs} == {"uniswap_v2", "small"}


def test_a_venue_with_dust_in_it_is_too_shallow() -> None:
    dust = listed(2, A, B, 10**6, 1)
    priced = listed(3, A, B, 10**12, 2_100)
    market = market_of(pool(1, 1_000), dust, replace(priced, key=replace(priced.key, venue="dust")))
    found = explain(_only(market, 10**18), market)
    unused = unused_venues(found, market, FREE)
    assert whys(unused)["dust"] is WhyUnused.TOO_SHALLOW


def test_a_venue_that_joins_nothing_of_the_order_has_no_path_and_an_empty_one_no_price() -> None:
    market = market_of(pool(1, 1_000), listed(2, C, D, 10**20, 10**20), listed(3, A, B, 0, 0))
    _, unused = explained(market, 10**18)
    assert unused.nearest == ()
    assert unused.counts == {WhyUnused.NO_PATH: 1, WhyUnused.NO_PRICE: 1}
    assert unused.rest == 2


def test_a_venue_against_the_plans_direction_closes_a_circle() -> None:
    """A to C to B is used; D lies between, and the way back from C to D beats nothing but a circle's own price."""
    pools = [
        listed(1, A, C, 10**24, 10**24),
        listed(2, C, B, 10**24, 10**24),
        listed(3, A, D, 10**24, 10**24),
        listed(4, D, B, 10**24, 10**24),
        listed(5, C, D, 10**24, 10**24),
    ]
    market = market_of(*pools)
    edges = {(edge.token_in, edge.token_out): edge for edge in market.edges}
    flows = {edges[A, D]: 10**20, edges[D, C]: 10**20, edges[C, B]: 10**20}
    found = explain(_routed(market, flows), market)
    unused = {venue.token_in: venue for venue in unused_venues(found, market, FREE).nearest}
    assert unused[A].why is WhyUnused.IN_THE_GAP
    assert unused[D].why is WhyUnused.IN_THE_GAP
    reverse = {edges[A, C]: 10**20, edges[C, D]: 10**20, edges[D, B]: 10**20}
    back = market_of(*pools[:4], *pools[4:], _back(D, C))
    found = explain(_routed(back, {_same(back, edge): flow for edge, flow in reverse.items()}), back)
    circles = unused_venues(found, back, replace(FREE, max_hops=3)).nearest
    assert WhyUnused.CLOSES_A_CIRCLE in {venue.why for venue in circles}


def test_a_quote_that_can_only_be_had_whole_says_so() -> None:
    quote = FirmQuote("acme", 1, D, D, D, B, A, 2_100 * 10**6 * 50, 50 * 10**18, 2**40, 1, False, b"", 0.0)
    market = market_of(pool(1, 1_000), beside=[FirmEdge(quote, A, B)])
    found = explain(_only(market, 10**18), market)
    (venue,) = unused_venues(found, market, FREE).nearest
    assert (venue.label, venue.why) == ("maker acme", WhyUnused.ALL_OR_NOTHING)


def test_a_maker_that_gives_all_it_has_keeps_a_better_last_price_and_the_reason_is_said() -> None:
    market = market_of(pool(1, 1_000), beside=[LadderEdge(ladder(("2", "2050")), A, B)])
    sold = {edge: 2 if isinstance(edge, LadderEdge) else 18 for edge in market.edges if edge.token_in == A}
    found = explain(_routed(market, {edge: eth * 10**18 for edge, eth in sold.items()}), market)
    by_label = {leg.edge.label: leg for leg in found.legs}
    assert by_label["maker local"].fills_up
    assert by_label["maker local"].price_after == pytest.approx(2_050 * 1e-12)
    assert found.spread_bps > 100
    assert found.spread_reason.startswith("maker local gave all")


def test_a_book_shows_its_joins_beside_it() -> None:
    market = BookMarket(book(bid="2050", size="5"), RULES, ETH, USD)
    joins = Joins.around(market, A, balance=10**20, give_bps=Decimal(1), receive_bps=Decimal(2))
    prepared = market_of(pool(1, 1_000), beside=[BookEdge(market, A, B, joins=joins)])
    found, _ = explained(prepared, 20 * 10**18)
    leg = next(leg for leg in found.legs if isinstance(leg.edge, BookEdge))
    assert [part.label for part in leg.parts] == ["balance at paper", "paper ETH/USDC", "transfer from paper"]
    assert sum(part.cost for part in leg.parts) == leg.fill.charge > 0
    allocation = found.route.allocation
    assert found.rate * allocation.amount_in + found.surplus == pytest.approx(
        allocation.amount_out - allocation.charges, rel=1e-9
    )


def test_a_purchase_is_explained_by_its_own_prices() -> None:
    market = market_of(pool(1, 1_000), pool(2, 500))
    found = explain(buy(market, A, B, 20_000 * 10**6, FREE), market)
    allocation = found.route.allocation
    assert allocation.amount_out >= 20_000 * 10**6
    assert found.rate * allocation.amount_in + found.surplus == pytest.approx(allocation.amount_out, rel=1e-9)
    assert found.spread_bps < 1


def test_a_route_of_another_market_is_refused() -> None:
    with pytest.raises(QuoteRefused):
        explain(sell(market_of(pool(1, 1_000)), A, B, 10**18, FREE), market_of(listed(1, A, B, 1, 1)))


def _same(market: PreparedMarket, edge: Edge) -> Edge:
    return next(
        e
        for e in market.edges
        if (e.state_id, e.token_in, e.token_out) == (edge.state_id, edge.token_in, edge.token_out)
    )


def _back(token_in: Address, token_out: Address) -> ListedPool:
    """A pool that pays well for the way back."""
    return listed(9, token_in, token_out, 10**22, 2 * 10**22)


def _routed(market: PreparedMarket, flows: dict[Edge, int]) -> Route:
    """Flows of our own choice as if they had been found, with the gap that they leave."""
    found = sell(market, A, B, sum(flow for edge, flow in flows.items() if edge.token_in == A), FREE)
    settled = settle(market.table.states, flows, gas_cost=FREE_GAS)
    return with_allocation(found, settled, Side.SELL, reason="chosen")


def _only(market: PreparedMarket, amount: int) -> Route:
    """The first pool alone."""
    first = next(e for e in market.edges if e.state_id == pool(1, 1).key.pool_id and e.token_in == A)
    return _routed(market, {first: amount})
