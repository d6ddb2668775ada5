"""A plan's re-simulation finds what differs; a peer's legs are settled by its own rule of shares."""

from dataclasses import replace

import pytest

from benchmarks.route_answers import percentile
from benchmarks.route_markets import Synthetic, synthetic
from benchmarks.route_replay import Account, ReplayFailed, by_id, mismatch, peer_outcome
from oms.routing.allocation import FREE_GAS, TRANSACTION_GAS, Allocation, settle
from oms.routing.market import Market, edges_of


@pytest.fixture(scope="module")
def case() -> Synthetic:
    return synthetic()


@pytest.fixture(scope="module")
def plan(case: Synthetic) -> Allocation:
    """Half through one pool, half through another, and both on through a third."""
    market = Market.of(edges_of(case.pools, case.tokens))
    out = [edge for edge in market.edges if edge.token_in == case.token_in]
    first = out[0]
    onward = next(
        edge
        for edge in market.edges
        if edge.token_in == first.token_out and edge.token_out not in (case.token_in, first.token_out)
    )
    parallel = next(edge for edge in out if edge.token_out == onward.token_out)
    half = case.amount_in // 2
    return settle(market.states, {first: half, parallel: case.amount_in - half, onward: half}, gas_cost=FREE_GAS)


def _mismatch(case: Synthetic, plan: Allocation) -> str:
    token_out = plan.legs[-1].edge.token_out
    return mismatch(by_id(case.pools), plan, token_in=case.token_in, token_out=token_out, amount_in=case.amount_in)


def test_a_plan_runs_again_to_the_same_amounts(case: Synthetic, plan: Allocation) -> None:
    assert len(plan.legs) == 3
    assert _mismatch(case, plan) == ""


def test_an_amount_that_is_off_by_one_is_found(case: Synthetic, plan: Allocation) -> None:
    for place, leg in enumerate(plan.legs):
        wrong = replace(leg, amount_out=leg.amount_out + 1)
        legs = (*plan.legs[:place], wrong, *plan.legs[place + 1 :])
        assert f"leg {place}" in _mismatch(case, replace(plan, legs=legs))
    assert "pays" in _mismatch(case, replace(plan, amount_out=plan.amount_out + 1))
    assert "pays" in _mismatch(case, replace(plan, gas=plan.gas - 1))
    assert "takes" in _mismatch(case, replace(plan, amount_in=plan.amount_in - 1))


def test_what_a_plan_leaves_behind_is_found(case: Synthetic, plan: Allocation) -> None:
    without_last = replace(plan, legs=plan.legs[:-1])
    assert "leaves" in _mismatch(case, without_last) or "pays" in _mismatch(case, without_last)


def test_a_leg_cannot_spend_what_is_not_held(case: Synthetic) -> None:
    listed = case.pools[0]
    account = Account.holding(by_id(case.pools), listed.key.tokens[0], 10**6)
    with pytest.raises(ReplayFailed, match="held"):
        account.swap(listed.key.pool_id, *listed.key.tokens, amount=10**6 + 1)


def test_a_peers_share_is_of_what_is_left_in_65535ths(case: Synthetic) -> None:
    pools = by_id(case.pools)
    token_in = case.token_in
    edges = [listed for listed in case.pools if token_in in listed.key.tokens][:2]
    outs = [next(token for token in listed.key.tokens if token != token_in) for listed in edges]
    legs = [(edges[0].key.pool_id, token_in, outs[0], 0.25), (edges[1].key.pool_id, token_in, outs[1], 1.0)]
    paid, gas = peer_outcome(pools, legs, token_in=token_in, token_out=outs[1], amount_in=10**18)
    first = 10**18 * round(0.25 * 65_535) // 65_535
    expected = pools[edges[1].key.pool_id].quote_in(token_in, outs[1], 10**18 - first)
    both = pools[edges[0].key.pool_id].quote_in(token_in, outs[0], first)
    same = both.amount_out if outs[0] == outs[1] else 0
    assert paid == expected.amount_out + same
    assert gas == TRANSACTION_GAS + expected.gas + both.gas


def test_a_percentile_is_one_of_the_values() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.01, 0.5, 0.8, 0.95, 1)] == [1, 3, 4, 5, 5]
