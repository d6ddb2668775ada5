"""Golden calldata: what Python encodes, Solidity decodes (`Golden.t.sol`); what Solidity executed, Python decodes."""

import json
import os
from pathlib import Path

import pytest

from oms.execution.further_legs import AcrossDeposit, ListedCall, Payout, Vault, Wrap
from oms.execution.plan_codec import (
    All,
    Bound,
    Concentrated,
    ConstantProduct,
    Curve,
    Exact,
    FlashLoan,
    LenderKind,
    MakerQuote,
    PackedPlan,
    Share,
    Solidly,
    SwapOn,
    UniswapV4,
    decode_plan,
    encode_plan,
)
from tests.contracts.golden_plans import PLANS, fields_of

GOLDEN = Path(__file__).parent / "golden"
AMOUNT = 1_000 * 10**18


def _from_python() -> str:
    document = {
        "names": list(PLANS),
        "calldata": ["0x" + encode_plan(plan).hex() for plan in PLANS.values()],
        "fields": ["0x" + fields_of(plan).hex() for plan in PLANS.values()],
    }
    return json.dumps(document, indent=1) + "\n"


def _from_solidity() -> dict[str, PackedPlan]:
    calls: dict[str, str] = json.loads((GOLDEN / "from_solidity.json").read_text())
    return {name: decode_plan(bytes.fromhex(call[2:])) for name, call in calls.items()}


def test_the_golden_calldata_is_what_the_encoder_writes_today() -> None:
    path = GOLDEN / "from_python.json"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(_from_python())
    assert path.read_text() == _from_python(), "set WRITE_GOLDEN=1 if the layout was meant to change"


def test_every_golden_plan_decodes_to_itself() -> None:
    for name, plan in PLANS.items():
        assert decode_plan(encode_plan(plan)) == plan, name


def test_calls_that_were_executed_encode_back_to_the_same_bytes() -> None:
    calls: dict[str, str] = json.loads((GOLDEN / "from_solidity.json").read_text())
    assert len(calls) >= 9
    for name, call in calls.items():
        assert encode_plan(decode_plan(bytes.fromhex(call[2:]))).hex() == call[2:], name


@pytest.mark.parametrize(
    ("name", "swap"),
    [
        ("v2", ConstantProduct(0)),
        ("v3", Concentrated(0, 3_000)),
        ("v4", UniswapV4(3_000, 60, native=False)),
        ("v4 native", UniswapV4(3_000, 60, native=True)),
        ("solidly", Solidly(1, stable=True)),
    ],
)
def test_an_executed_leg_decodes_to_the_pool_that_it_used(name: str, swap: SwapOn) -> None:
    plan = _from_solidity()[name]
    assert [leg.swap for leg in plan.legs] == [swap]
    assert plan.assets[0].amount == AMOUNT


def test_executed_curve_legs_differ_in_their_kind_only() -> None:
    plans = _from_solidity()
    (stable,), (crypto,) = plans["curve stable"].legs, plans["curve crypto"].legs
    assert isinstance(stable.swap, Curve)
    assert isinstance(crypto.swap, Curve)
    assert (stable.swap.crypto, crypto.swap.crypto) == (False, True)
    assert stable.swap.pool == crypto.swap.pool


def test_an_executed_quote_keeps_its_terms() -> None:
    (leg,) = _from_solidity()["maker quote"].legs
    assert isinstance(leg.swap, MakerQuote)
    assert (leg.swap.maker_amount, leg.swap.taker_amount, leg.swap.nonce) == (AMOUNT, AMOUNT, 7)
    assert len(leg.swap.signature) == 65


def test_executed_amounts_are_read_in_every_mode() -> None:
    plans = _from_solidity()
    amounts = [leg.amount for leg in plans["split with two hops"].legs]
    assert amounts == [Share(2**30), Share(2**31), All(), All()]
    assert plans["v3"].legs[0].amount == Exact(AMOUNT)


def test_an_executed_path_hands_on_what_rests_nowhere() -> None:
    plan = _from_solidity()["handed on"]
    assert [leg.hands_on for leg in plan.legs] == [True, False]
    assert len(plan.assets) == 2
    assert len(plan.handed) == 1


def test_executed_conversions_are_told_by_their_tokens() -> None:
    plans = _from_solidity()
    for name in ("wrap", "unwrap"):
        assert [leg.swap for leg in plans[name].legs] == [Wrap()]
    assert plans["wrap"].tokens == plans["unwrap"].tokens[::-1]
    for name, place in (("deposit", 1), ("redeem", 0)):
        assert [leg.swap for leg in plans[name].legs] == [Vault(plans[name].tokens[place])]


@pytest.mark.parametrize(("name", "kind"), [("payout", Payout), ("across", AcrossDeposit)])
def test_what_was_sent_away_was_bound_to_leave(name: str, kind: type[Payout | AcrossDeposit]) -> None:
    plan = _from_solidity()[name]
    assert isinstance(plan.legs[0].swap, kind)
    assert [asset.bound for asset in plan.assets] == [Bound.FALL, Bound.LEAVE]
    assert plan.assets[0].token == plan.assets[1].token


def test_an_executed_call_keeps_its_data() -> None:
    plan = _from_solidity()["call"]
    (leg,) = plan.legs
    assert isinstance(leg.swap, ListedCall)
    assert leg.swap.pays
    assert leg.swap.data[-32:] == AMOUNT.to_bytes(32)


def test_an_executed_loan_holds_the_plan_that_it_ran() -> None:
    (leg,) = _from_solidity()["flash loan"].legs
    assert isinstance(leg.swap, FlashLoan)
    assert (leg.swap.lender_kind, leg.swap.amount) == (LenderKind.BALANCER_V3, AMOUNT)
    (inner,) = leg.swap.plans
    assert [within.swap for within in inner.legs] == [ConstantProduct(0)]
