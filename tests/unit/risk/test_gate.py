import copy
import pickle

import pytest

from oms.risk.gate import Approved, CheckResult, Denied, judge

PASS = CheckResult("size", passed=True, detail="small")
FAIL = CheckResult("balance", passed=False, detail="has 0, needs 1; fund it")


def test_everything_passed_is_approved_with_its_findings() -> None:
    verdict = judge("order", [PASS])
    assert isinstance(verdict, Approved)
    assert verdict.subject == "order"
    assert verdict.checks == (PASS,)


def test_one_failure_denies_and_says_why() -> None:
    verdict = judge("order", [PASS, FAIL])
    assert isinstance(verdict, Denied)
    assert verdict.reason == "balance: has 0, needs 1; fund it"


def test_no_check_at_all_is_a_denial() -> None:
    assert isinstance(judge("order", []), Denied)


def test_an_approval_cannot_be_made_elsewhere() -> None:
    with pytest.raises(TypeError, match="judge only"):
        Approved("order", (PASS,), seal=object())


def test_an_approval_cannot_be_changed_copied_stored_or_subclassed() -> None:
    verdict = judge("order", [PASS])
    assert isinstance(verdict, Approved)
    with pytest.raises(AttributeError):
        verdict.subject = "another"  # type: ignore[misc]
    with pytest.raises(TypeError):
        pickle.dumps(verdict)
    with pytest.raises(TypeError):
        copy.copy(verdict)
    with pytest.raises(TypeError, match="subclassed"):
        type("Forged", (Approved,), {})
