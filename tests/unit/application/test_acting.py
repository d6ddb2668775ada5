"""An owner's acts on fakes: what is recorded before what is sent, and what stops an act."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from oms.application.acting import (
    Act,
    nothing_taken_from,
    perform,
    preview_act,
    require_sound,
    results_of,
    something_done,
)
from oms.application.sending import GateDenied
from oms.domain.events import TransactionIntended
from oms.domain.transactions import AccountRequest, BalanceChange, Simulation, TransactionRequest
from oms.errors import OutcomeUnknown, StateConflict, Terminal
from oms.execution.account_calls import PAUSE
from oms.execution.signed_plans import PlanResult
from oms.risk.gate import CheckResult
from oms.units import Gas
from tests.unit.application.samples import (
    ETH,
    EXECUTOR,
    OWNER,
    USD,
    FakeJournal,
    FakeSettlement,
    plan_of,
    pool,
    report,
    sell,
)

ACT = Act("pause", AccountRequest(TransactionRequest(1, OWNER, EXECUTOR, PAUSE), EXECUTOR), takes_away=True)


def world(**changes: object) -> tuple[FakeJournal, FakeSettlement]:
    journal = FakeJournal()
    settlement = FakeSettlement(journal, plan_of(report(sell(1), pool(1, 1_000))))
    return journal, replace(settlement, **changes)  # type: ignore[arg-type]


def test_an_act_is_recorded_before_it_leaves_and_after_it_is_included() -> None:
    journal, settlement = world()
    receipt = perform(journal, settlement, preview_act(journal, settlement, ACT), order_id="one")
    assert receipt.succeeded
    assert journal.kinds == ["OrderApproved", "TransactionIntended", "TransactionIncluded"]
    ((subject, known_then),) = settlement.sent
    assert subject == ACT.request
    assert known_then == ["OrderApproved", "TransactionIntended"]


def test_an_act_that_would_revert_is_denied_and_not_sent() -> None:
    journal, settlement = world(reverts_in_simulation=True)
    previewed = preview_act(journal, settlement, ACT)
    with pytest.raises(StateConflict, match="would revert"):
        require_sound(previewed)
    with pytest.raises(StateConflict, match="would revert"):
        perform(journal, settlement, previewed, order_id="one")
    assert journal.kinds == ["SimulationFailed", "OrderDenied"]
    assert settlement.sent == []


def test_a_finding_against_it_denies_it_before_the_simulation_counts() -> None:
    journal, settlement = world()
    act = replace(ACT, findings=(CheckResult("nonce", passed=False, detail="was used; sign again"),))
    previewed = preview_act(journal, settlement, act)
    with pytest.raises(GateDenied, match="nonce: was used; sign again"):
        require_sound(previewed)
    with pytest.raises(GateDenied, match="nothing was sent"):
        perform(journal, settlement, previewed, order_id="one")
    assert settlement.sent == []


def test_an_act_that_reverts_on_the_chain_says_so() -> None:
    journal, settlement = world(reverts=True)
    with pytest.raises(StateConflict, match="reverted as a whole"):
        perform(journal, settlement, preview_act(journal, settlement, ACT), order_id="one")
    assert journal.kinds[-1] == "TransactionIncluded"


@pytest.mark.parametrize(
    ("error", "last"),
    [(OutcomeUnknown("rpc", "silence"), "TransactionUnknown"), (Terminal("rpc", "refused"), "TransactionRefused")],
)
def test_what_became_of_it_is_recorded_where_sending_fails(error: OutcomeUnknown | Terminal, last: str) -> None:
    journal, settlement = world(after_recording={AccountRequest: error})
    with pytest.raises(type(error)):
        perform(journal, settlement, preview_act(journal, settlement, ACT), order_id="one")
    assert journal.kinds[-2:] == ["TransactionIntended", last]


def test_only_what_takes_away_does_not_wait_for_what_was_sent_before() -> None:
    journal, settlement = world(included=3)
    journal.append(TransactionIntended("old", "settlement", "0x" + "aa" * 32, OWNER, 3, "0x", settlement.chain))
    assert preview_act(journal, settlement, ACT).refused == ()
    (refused,) = preview_act(journal, settlement, replace(ACT, takes_away=False)).refused
    assert "may still be included" in refused.detail


def test_a_batch_of_which_nothing_would_run_is_refused() -> None:
    done, failed = PlanResult(True, 1, 2, b""), PlanResult(False, 0, 0, b"\xab\xcd\xef\x01")
    assert something_done((failed, done)).passed
    assert "0xabcdef01" in something_done((failed, failed)).detail
    assert not something_done(()).passed


def test_whoever_relays_loses_nothing() -> None:
    gains, falls = BalanceChange(OWNER, USD.address, 5, 9), BalanceChange(OWNER, ETH.address, 9, 5)
    assert nothing_taken_from(OWNER, Simulation(True, Gas(1), (gains,), ())).passed
    assert nothing_taken_from(EXECUTOR, Simulation(True, Gas(1), (falls,), ())).passed
    refused = nothing_taken_from(OWNER, Simulation(True, Gas(1), (gains, falls), ()))
    assert not refused.passed
    assert f"4 base units of {ETH.address}" in refused.detail


def test_an_answer_that_is_no_batchs_is_a_conflict() -> None:
    answer = encode(["(bool,uint256,uint256,bytes)[]"], [[(True, 3, 4, b"")]])
    simulation = Simulation(True, Gas(1), (), (), output=answer)
    assert results_of(simulation) == (PlanResult(True, 3, 4, b""),)
    with pytest.raises(StateConflict, match="oms deployed"):
        results_of(replace(simulation, output=b"\x01"))
