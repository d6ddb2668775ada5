"""What holds for every route on every market: floors, sums, growth with size and with venues, and what is refused.

Markets are random, three to eight tokens of 6 to 18 decimals, all families, makers and exchanges among the venues.
"""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.routing.allocation import GasCost, settle_or_none
from oms.routing.market import edges_of
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route, RouteTerms, buy, sell
from tests.unit.routing.markets import (
    KINDS,
    NAMES,
    POOLS,
    Sketch,
    crowds,
    dollars,
    edges,
    gas_of,
    listed,
    market,
    paths,
    random_crowd,
    raw,
    rerun,
    single,
    sold,
    terms,
    without,
)

QUICK = settings(max_examples=25, deadline=None, derandomize=True)
"""The same markets each time: a router's heuristics are not to fail somebody's unrelated change."""
LONG = settings(max_examples=400, deadline=None)
WITHOUT_BOOKS = KINDS[:5]
"""A book sells whole lots; what they leave over costs gas of its own, which a book alone seems to save."""
TIGHT = KINDS[:3]
"""Families with closed forms: their responses are the pools to nine digits."""
LEAST = 1e-9
"""Share of the output to which a search in floats places a split; in integers each leg adds a base unit."""


def _best_single(on: PreparedMarket, amount: int, how: RouteTerms) -> int | None:
    """The best net output of the whole order on one venue or one path, by trying them all."""
    found = []
    for path in paths(on, 0, 1, how.max_hops):
        plan = settle_or_none(on.market.states, dict.fromkeys(path, amount), gas_cost=how.gas_cost)
        found += [] if plan is None else [plan.net_out]
    return max(found, default=None)


def _check(drawn: list[Sketch], worth: float, how: RouteTerms) -> Route | None:
    """Route it, and hold it against every single path and against its own legs run again."""
    on, amount = market(*drawn), raw(0, worth)
    route, best = sold(on, 0, 1, amount, how), _best_single(on, amount, how)
    assert best is None or route is not None
    if route is None:
        return None
    plan = route.allocation
    assert best is None or plan.net_out >= best
    assert plan.amount_in == amount
    assert rerun(on, plan) == plan.amount_out
    assert plan.net_out == plan.amount_out - how.gas_cost.of(plan.gas) - plan.charges
    assert sum(share for _, share in plan.paths) == amount
    assert route.best_single is None or plan.net_out >= route.best_single.net_out
    assert not math.isnan(route.certificate.gap_bps)
    assert all(math.isfinite(price) for price in route.prices.values())
    return route


class TestFloors:
    @given(crowds(kinds=POOLS), dollars())
    @QUICK
    def test_no_single_path_beats_the_split(self, drawn: list[Sketch], worth: float) -> None:
        _check(drawn, worth, terms())

    @given(crowds(kinds=POOLS), dollars(), st.integers(1, 200))
    @QUICK
    def test_no_single_path_beats_the_split_net_of_gas(self, drawn: list[Sketch], worth: float, gwei: int) -> None:
        _check(drawn, worth, terms(gas=gas_of(1, gwei)))

    @given(crowds(), dollars(), st.sampled_from([0.0, 30.0]))
    @QUICK
    def test_makers_and_exchanges_are_venues_as_any(self, drawn: list[Sketch], worth: float, gwei: float) -> None:
        _check(drawn, worth, terms(gas=gas_of(1, gwei)))

    @given(crowds(kinds=TIGHT, off_bps=300), dollars())
    @QUICK
    def test_no_single_path_beats_the_split_where_circles_pay(self, drawn: list[Sketch], worth: float) -> None:
        _check(drawn, worth, terms())

    @given(crowds(kinds=POOLS, most=6), dollars(), st.integers(1, 3))
    @QUICK
    def test_no_path_is_longer_than_asked_for(self, drawn: list[Sketch], worth: float, hops: int) -> None:
        route = _check(drawn, worth, terms(hops))
        assume(route is not None)
        assert route is not None
        assert max(len(path) for path, _ in route.allocation.paths) <= hops

    @pytest.mark.slow
    @given(crowds(kinds=WITHOUT_BOOKS), dollars(), st.sampled_from([0.0, 5.0, 100.0]))
    @LONG
    def test_all_of_it_over_many_markets(self, drawn: list[Sketch], worth: float, gwei: float) -> None:
        _check(drawn, worth, terms(gas=gas_of(1, gwei)))


class TestSize:
    @given(crowds(kinds=TIGHT), dollars(), st.floats(1e-6, 2.0))
    @QUICK
    def test_more_in_never_gives_less_out(self, drawn: list[Sketch], worth: float, more: float) -> None:
        """Without gas, to a billionth and a unit a leg."""
        on = market(*drawn)
        little, much = (sold(on, 0, 1, raw(0, size), terms()) for size in (worth, worth * (1 + more)))
        assume(little is not None and much is not None)
        assert little is not None
        assert much is not None
        assert much.allocation.amount_out >= little.allocation.amount_out * (1 - LEAST) - len(much.allocation.legs)

    @given(crowds(kinds=TIGHT), dollars(), st.floats(1e-6, 2.0), st.integers(1, 100))
    @QUICK
    def test_more_in_never_nets_less_by_more_than_one_use_of_gas(
        self, drawn: list[Sketch], worth: float, more: float, gwei: int
    ) -> None:
        """With gas the choice of venues is a heuristic, and a larger order may be given one of another cost."""
        on, how = market(*drawn), terms(gas=gas_of(1, gwei))
        little, much = (sold(on, 0, 1, raw(0, size), how) for size in (worth, worth * (1 + more)))
        assume(little is not None and much is not None)
        assert little is not None
        assert much is not None
        one_leg = how.gas_cost.of(150_000)
        assert much.allocation.net_out >= little.allocation.net_out * (1 - LEAST) - one_leg

    @given(crowds(kinds=TIGHT), dollars())
    @QUICK
    def test_the_rate_never_gets_better_with_size(self, drawn: list[Sketch], worth: float) -> None:
        on = market(*drawn)
        routes = [sold(on, 0, 1, raw(0, worth * times), terms()) for times in (1.0, 4.0, 16.0)]
        rates = [route.allocation.amount_out / route.allocation.amount_in for route in routes if route]
        assume(routes[0] is not None and routes[0].allocation.amount_out > 10**4)
        assert all(after <= before * (1 + 1e-3) for before, after in pairwise(rates))

    def test_a_sale_that_drains_the_market_still_brings_more_than_a_smaller_one(self) -> None:
        for seed in range(30):
            on = market(*random_crowd(seed, kinds=("product", "concentrated", "weighted")))
            brought = 0
            for worth in (1e4, 1e5, 1e6, 1e7, 1e8):
                route = sold(on, 0, 1, raw(0, worth), terms())
                if route is not None:
                    assert route.allocation.amount_out >= brought * (1 - 1e-3), (seed, worth)
                    brought = route.allocation.amount_out

    def test_with_gas_a_plan_nets_what_the_plan_without_gas_would(self) -> None:
        gas = gas_of(1, 1.0)
        for seed in range(40):
            on = market(*random_crowd(seed, kinds=TIGHT))
            amount = raw(0, 10.0 ** (2 + seed % 5))
            free, dear = sold(on, 0, 1, amount, terms()), sold(on, 0, 1, amount, terms(gas=gas))
            if free is not None and dear is not None:
                net = free.allocation.amount_out - GasCost(gas).of(free.allocation.gas)
                assert dear.allocation.net_out >= net - 2e-5 * free.allocation.amount_out - 10, seed


class TestVenues:
    @given(crowds(kinds=TIGHT), dollars(), st.integers(0, 11))
    @QUICK
    def test_one_more_pool_never_hurts(self, drawn: list[Sketch], worth: float, place: int) -> None:
        """Without gas, to a billionth and a unit a leg."""
        fewer = without(drawn, place % len(drawn))
        before = sold(market(*fewer), 0, 1, raw(0, worth), terms())
        after = sold(market(*drawn), 0, 1, raw(0, worth), terms())
        assume(before is not None)
        assert before is not None
        assert after is not None
        legs = len(before.allocation.legs) + len(after.allocation.legs)
        assert after.allocation.amount_out >= before.allocation.amount_out * (1 - LEAST) - legs

    @given(crowds(kinds=TIGHT), dollars(), st.randoms(use_true_random=False))
    @QUICK
    def test_the_order_of_the_pools_changes_nothing(
        self, drawn: list[Sketch], worth: float, mixed: random.Random
    ) -> None:
        amount = raw(0, worth)
        on = market(*drawn)
        shuffled = list(on.edges)
        mixed.shuffle(shuffled)
        first, second = sold(on, 0, 1, amount, terms()), sold(PreparedMarket.of(shuffled), 0, 1, amount, terms())
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            one, other = first.allocation, second.allocation
            assert one.net_out == pytest.approx(other.net_out, rel=LEAST, abs=len(one.legs) + len(other.legs))

    @given(crowds(kinds=POOLS, most=8), dollars())
    @QUICK
    def test_a_block_s_changes_route_as_a_market_loaded_anew(self, drawn: list[Sketch], worth: float) -> None:
        amount, moved = raw(0, worth), [*drawn]
        moved[0] = Sketch("product", 0, 1, drawn[0].dollars * 1.01, 5.0, drawn[0].fee_pips)
        on = market(*drawn)
        sold(on, 0, 1, amount, terms())
        changed = listed(moved[0], 0)
        after = sold(on.with_pools({changed.key.pool_id: changed}), 0, 1, amount, terms())
        anew = sold(market(*moved), 0, 1, amount, terms())
        assert (after is None) == (anew is None)
        if after is not None and anew is not None:
            assert after.allocation.amount_out == pytest.approx(anew.allocation.amount_out, rel=1e-7, abs=10)

    def test_an_unrelated_market_beside_it_changes_nothing(self) -> None:
        lone = market(Sketch("product", 0, 1, 1e6))
        beside = market(Sketch("product", 0, 1, 1e6), Sketch("product", 2, 4, 1e6), Sketch("product", 3, 4, 1e6))
        amount = raw(0, 2.0)
        alone, among = (sell(on, NAMES[0], NAMES[1], amount, terms()) for on in (lone, beside))
        assert alone.allocation.amount_out == among.allocation.amount_out
        assert among.certificate.bound == pytest.approx(alone.certificate.bound, rel=1e-11)


class TestPurchases:
    @given(crowds(kinds=TIGHT, most=8), dollars())
    @QUICK
    def test_a_purchase_brings_at_least_what_was_asked(self, drawn: list[Sketch], worth: float) -> None:
        on, wanted = market(*drawn), raw(1, worth)
        try:
            route = buy(on, NAMES[0], NAMES[1], wanted, terms())
        except QuoteRefused:
            assume(False)
        plan = route.allocation
        assert plan.amount_out >= wanted
        assert rerun(on, plan) == plan.amount_out
        assert route.certificate.bound <= plan.amount_in + route.certificate.arbitrage

    @given(crowds(kinds=TIGHT, most=6), st.integers(10, 50).map(lambda tenths: 10.0 ** (tenths / 10)))
    @settings(max_examples=12, deadline=None)
    def test_a_purchase_pays_what_a_bisection_over_sales_pays(self, drawn: list[Sketch], worth: float) -> None:
        """To a tenth of a bp, and the units that its legs round."""
        on, wanted = market(*drawn), raw(1, worth)
        try:
            plan = buy(on, NAMES[0], NAMES[1], wanted, terms()).allocation
        except QuoteRefused:
            assume(False)
        low, high = 0, plan.amount_in
        for _ in range(24):
            middle = (low + high) // 2
            route = sold(on, 0, 1, middle, terms()) if middle else None
            enough = route is not None and route.allocation.amount_out >= wanted
            low, high = (low, middle) if enough else (middle, high)
        unit = plan.amount_in / wanted * (1 + len(plan.legs))
        assert plan.amount_in <= high * (1 + 1e-5) + unit

    def test_buying_what_a_sale_brings_costs_about_what_was_sold(self) -> None:
        """At every size, also where ranges end on the way and pools are drained."""
        tried = 0
        for seed in range(60):
            on = market(*random_crowd(seed, kinds=("product", "concentrated")))
            amount = raw(0, 10.0 ** (seed % 7))
            route = sold(on, 0, 1, amount, terms())
            if route is None:
                continue
            bought = buy(on, NAMES[0], NAMES[1], route.allocation.amount_out, terms())
            assert bought.allocation.amount_in <= amount * (1 + 1e-4) + 10, seed
            tried += 1
        assert tried > 40

    @given(crowds(kinds=POOLS, most=6), dollars(), st.integers(1, 60))
    @QUICK
    def test_gas_is_counted_in_what_a_purchase_costs(self, drawn: list[Sketch], worth: float, gwei: int) -> None:
        on, wanted, gas = market(*drawn), raw(1, worth), gas_of(1, gwei)
        try:
            route = buy(on, NAMES[0], NAMES[1], wanted, terms(gas=gas))
        except QuoteRefused:
            assume(False)
        assert route.allocation.amount_out >= wanted
        assert route.best_single is None or _cost(route.allocation, gas) <= _cost(route.best_single, gas) * (1 + 1e-9)


def _cost(plan: object, gas: float) -> float:
    """Input with gas, at the plan's own price."""
    amount_in, amount_out = plan.amount_in, plan.amount_out  # type: ignore[attr-defined]
    return float(amount_in * (1 + GasCost(gas).of(plan.gas) / amount_out))  # type: ignore[attr-defined]


class TestTime:
    @given(crowds(kinds=POOLS), dollars())
    @QUICK
    def test_a_budget_that_is_over_at_once_still_gives_a_plan_with_its_gap(
        self, drawn: list[Sketch], worth: float
    ) -> None:
        on, amount = market(*drawn), raw(0, worth)
        patient = sold(on, 0, 1, amount, terms())
        assume(patient is not None)
        assert patient is not None
        hurried = sold(on, 0, 1, amount, RouteTerms(GasCost(0.0), max_hops=4, is_over=lambda: True))
        assert hurried is not None
        assert rerun(on, hurried.allocation) == hurried.allocation.amount_out
        assert hurried.certificate.bound + hurried.certificate.arbitrage >= hurried.allocation.amount_out
        best = max((out for path in paths(on, 0, 1, 1) if (out := single(on, path, amount))), default=0)
        assert hurried.allocation.amount_out >= best


class TestRefusals:
    def test_nothing_to_trade_is_refused(self) -> None:
        for trade in (sell, buy):
            with pytest.raises(QuoteRefused) as refused:
                trade(market(Sketch("product", 0, 1, 1e6)), NAMES[0], NAMES[1], 0, terms())
            assert refused.value.reason is Refusal.ZERO_AMOUNT

    def test_tokens_that_nothing_joins_are_refused(self) -> None:
        for on in (market(), market(Sketch("product", 0, 2, 1e6)), market(Sketch("product", 1, 2, 1e6))):
            with pytest.raises(QuoteRefused) as refused:
                sell(on, NAMES[0], NAMES[1], 10**18, terms())
            assert refused.value.reason is Refusal.NO_PATH

    def test_a_token_for_itself_is_refused(self) -> None:
        with pytest.raises(QuoteRefused):
            sell(market(Sketch("product", 0, 1, 1e6)), NAMES[0], NAMES[0], 10**18, terms())

    def test_a_path_longer_than_allowed_is_refused(self) -> None:
        on = market(Sketch("product", 0, 2, 1e6), Sketch("product", 2, 1, 1e6))
        with pytest.raises(QuoteRefused):
            sell(on, NAMES[0], NAMES[1], 10**18, terms(1))
        assert sell(on, NAMES[0], NAMES[1], 10**18, terms(2)).allocation.amount_out > 0

    def test_more_than_there_is_cannot_be_bought(self) -> None:
        with pytest.raises(QuoteRefused):
            buy(market(Sketch("product", 0, 1, 1e6)), NAMES[0], NAMES[1], raw(1, 1e6), terms())

    def test_more_than_a_maker_takes_is_refused(self) -> None:
        on = market(Sketch("ladder", 0, 1, 1e5))
        assert sold(on, 0, 1, raw(0, 4_000.0), terms()) is not None
        assert sold(on, 0, 1, raw(0, 6_000.0), terms()) is None

    def test_an_amount_that_buys_nothing_is_refused(self) -> None:
        assert sold(market(Sketch("product", 0, 1, 1e6)), 0, 1, 1, terms()) is None


def _pair(number: int, one: int, other: int, reserve0: int, reserve1: int) -> ListedPool:
    found = listed(Sketch("product", one, other, 1e6), number)
    first, second = sorted((NAMES[one], NAMES[other]))
    return ListedPool(found.key, ConstantProductPool(found.key.pool_id, first, second, reserve0, reserve1, 997, 1_000))


HOSTILE = {
    "empty": (0, 0),
    "half empty": (0, 10**12),
    "a unit each": (1, 1),
    "absurdly cheap": (1, 2**112 - 1),
    "absurdly dear": (2**112 - 1, 1),
    "full": (2**112 - 1, 2**112 - 1),
}


class TestOddStates:
    @pytest.mark.parametrize("state", HOSTILE)
    @pytest.mark.parametrize("gwei", [0.0, 30.0])
    def test_a_pool_in_an_odd_state_spoils_no_other(self, state: str, gwei: float) -> None:
        good = [listed(Sketch("product", 0, 1, 1e6), 0), listed(Sketch("concentrated", 0, 1, 1e5), 1)]
        odd = [_pair(2, 0, 1, *HOSTILE[state]), _pair(3, 0, 2, *HOSTILE[state]), _pair(4, 1, 2, *HOSTILE[state])]
        amount, how = raw(0, 1_000.0), terms(gas=gas_of(1, gwei))
        alone = sell(PreparedMarket.of(edges_of(good, NAMES)), NAMES[0], NAMES[1], amount, how)
        on = PreparedMarket.of(edges_of([*good, *odd], NAMES))
        route = sell(on, NAMES[0], NAMES[1], amount, how)
        assert route.allocation.net_out >= alone.allocation.net_out * (1 - 1e-9) - 5
        assert rerun(on, route.allocation) == route.allocation.amount_out
        assert math.isfinite(route.certificate.gap_bps)
        assert all(math.isfinite(price) and price >= 0.0 for price in route.prices.values())

    @pytest.mark.parametrize("amount", [1, 10**3, 10**24, 2**112, 2**127, 2**255])
    def test_any_amount_is_answered_or_refused(self, amount: int) -> None:
        on = market(Sketch("product", 0, 1, 1e6), Sketch("concentrated", 0, 1, 1e6), Sketch("weighted", 0, 1, 1e6))
        for trade in (sell, buy):
            try:
                route = trade(on, NAMES[0], NAMES[1], amount, terms())
            except QuoteRefused:
                continue
            assert math.isfinite(route.certificate.gap_bps)
            assert rerun(on, route.allocation) == route.allocation.amount_out

    def test_a_market_of_nothing_but_odd_pools_is_refused(self) -> None:
        odd = [_pair(number, 0, 1, *HOSTILE[state]) for number, state in enumerate(["empty", "half empty"])]
        with pytest.raises(QuoteRefused):
            sell(PreparedMarket.of(edges_of(odd, NAMES)), NAMES[0], NAMES[1], 10**18, terms())

    def test_an_exchange_is_never_in_the_middle_of_a_path(self) -> None:
        on = PreparedMarket.of(edges([Sketch("book", 0, 2, 1e6, shape=3), Sketch("product", 2, 1, 1e6)]))
        assert sold(on, 0, 1, raw(0, 1_000.0), terms()) is None
