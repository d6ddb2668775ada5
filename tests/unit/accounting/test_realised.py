"""Realised amounts are what the transfers say, and nothing else."""

from dataclasses import replace

import pytest

from oms.accounting.realised import chain_totals, realised_legs
from oms.domain.plans import PoolLeg, RoutePlan
from oms.domain.token import Token
from oms.domain.transactions import TransferLog
from oms.units import ZERO_ADDRESS, Address
from tests.unit.application.samples import ETH, EXECUTOR, MAKER, USD, ladder, maker, plan_of, pool, report, sell

STRANGER = Address("0x" + "f" * 40)
THIRD = Token(1, Address("0x" + "3" * 40), "DAI", 18)


@pytest.fixture(scope="module")
def plan() -> RoutePlan:
    """Two pools, and a maker."""
    found = report(sell(20), pool(1, 500), pool(2, 400), ladders=[ladder(("5", "2050"))])
    return plan_of(found, maker(("5", "2050")))


def transfers(plan: RoutePlan) -> list[TransferLog]:
    """Exactly what the plan predicts, leg by leg."""
    logs = []
    for leg in plan.chain_legs:
        pool = isinstance(leg, PoolLeg)
        payee, payer = (leg.key.settles_at,) * 2 if pool else (leg.quote.settlement, leg.quote.maker)
        logs.append(TransferLog(leg.token_in.address, EXECUTOR, payee, leg.amount_in))
        logs.append(TransferLog(leg.token_out.address, payer, EXECUTOR, leg.amount_out))
    return logs


def test_every_leg_that_moved_what_was_predicted_is_exact(plan: RoutePlan) -> None:
    legs = realised_legs(plan, transfers(plan), executor=EXECUTOR)
    assert len(legs) == 3
    assert all(leg.exact for leg in legs)
    assert chain_totals(plan, legs) == (plan.chain_amount_in, plan.chain_amount_out)


def test_the_order_of_the_logs_does_not_matter_between_legs(plan: RoutePlan) -> None:
    legs = realised_legs(plan, transfers(plan)[::-1], executor=EXECUTOR)
    assert all(leg.exact for leg in legs)


def test_one_unit_less_is_seen_on_its_leg_and_in_the_total(plan: RoutePlan) -> None:
    logs = transfers(plan)
    logs[1] = replace(logs[1], amount=logs[1].amount - 1)
    legs = realised_legs(plan, logs, executor=EXECUTOR)
    assert [leg.exact for leg in legs] == [False, True, True]
    assert legs[0].realised_out == legs[0].predicted_out - 1
    assert chain_totals(plan, legs) == (plan.chain_amount_in, plan.chain_amount_out - 1)


def test_what_no_transfer_shows_is_zero_and_never_the_prediction(plan: RoutePlan) -> None:
    legs = realised_legs(plan, [], executor=EXECUTOR)
    assert [(leg.realised_in, leg.realised_out) for leg in legs] == [(0, 0)] * 3
    assert not any(leg.exact for leg in legs)
    assert chain_totals(plan, legs) == (0, 0)


def test_transfers_of_others_and_of_other_tokens_are_not_ours(plan: RoutePlan) -> None:
    foreign = [
        TransferLog(USD.address, STRANGER, EXECUTOR, 10**12),
        TransferLog(USD.address, MAKER, STRANGER, 10**12),
        TransferLog(STRANGER, EXECUTOR, MAKER, 10**12),
        TransferLog(ETH.address, MAKER, EXECUTOR, 10**12),
    ]
    legs = realised_legs(plan, foreign, executor=EXECUTOR)
    assert chain_totals(plan, legs) == (0, 0)


def test_a_transfer_counts_once_for_two_legs_on_one_pool(plan: RoutePlan) -> None:
    first = plan.chain_legs[0]
    doubled = replace(plan, chain_legs=(first, first))
    once = transfers(replace(plan, chain_legs=(first,)))
    legs = realised_legs(doubled, once, executor=EXECUTOR)
    assert [leg.exact for leg in legs] == [True, False]
    assert legs[1].realised_in == legs[1].realised_out == 0


@pytest.mark.parametrize("wrapped_first", [True, False])
def test_the_native_side_of_a_pool_is_read_from_wrapping(plan: RoutePlan, wrapped_first: bool) -> None:
    """The wrapped coin logs a withdrawal to, or a deposit from, nobody; the manager sees only the native coin."""
    leg = next(leg for leg in plan.chain_legs if isinstance(leg, PoolLeg))
    key = replace(leg.key, native=True, settles_at=STRANGER, tokens=(ETH.address, USD.address))
    if wrapped_first:
        native = replace(leg, key=key)
        logs = [
            TransferLog(ETH.address, EXECUTOR, ZERO_ADDRESS, leg.amount_in),
            TransferLog(USD.address, STRANGER, EXECUTOR, leg.amount_out),
        ]
    else:
        native = replace(leg, key=key, token_in=USD, token_out=ETH)
        logs = [
            TransferLog(USD.address, EXECUTOR, STRANGER, leg.amount_in),
            TransferLog(ETH.address, ZERO_ADDRESS, EXECUTOR, leg.amount_out),
        ]
    (result,) = realised_legs(replace(plan, chain_legs=(native,)), logs, executor=EXECUTOR)
    assert result.exact


def test_a_pool_that_pays_the_next_ones_pool_counts_for_both_legs(plan: RoutePlan) -> None:
    first, second = (leg for leg in plan.chain_legs if isinstance(leg, PoolLeg))
    between = replace(first, token_out=THIRD)
    onward = replace(second, token_in=THIRD, amount_in=between.amount_out)
    pools = between.key.settles_at, onward.key.settles_at
    logs = [
        TransferLog(onward.token_out.address, pools[1], EXECUTOR, onward.amount_out),
        TransferLog(between.token_in.address, EXECUTOR, pools[0], between.amount_in),
        TransferLog(THIRD.address, pools[0], pools[1], between.amount_out),
    ]
    handed = replace(plan, chain_legs=(between, onward))
    assert all(leg.exact for leg in realised_legs(handed, logs, executor=EXECUTOR))
    logs[2] = replace(logs[2], recipient=STRANGER)
    legs = realised_legs(handed, logs, executor=EXECUTOR)
    assert [(leg.realised_in > 0, leg.realised_out > 0) for leg in legs] == [(True, False), (False, True)]
