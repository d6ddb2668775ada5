"""Signed plans from a file, and what must hold of them before anybody pays for sending them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.application.relaying import (
    SignedFacts,
    SignedPlans,
    plans_within,
    read_signed,
    signed_checks,
    signed_json,
)
from oms.errors import InvalidRequest
from oms.execution.plan_codec import Concentrated, Exact, PackedLeg, PackedPlan, encode_plan, swap_assets
from oms.execution.signed_plans import SignedBatch, nonce_of
from oms.units import Address
from tests.unit.application.samples import ETH, NOW, USD

KEY = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
ANOTHER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")
EXECUTOR = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
PLAN = PackedPlan(
    swap_assets((ETH.address, USD.address), 10, 7), NOW + 60, (PackedLeg(0, 1, Exact(10), Concentrated(0, 500)),)
)
BATCH = SignedBatch(KEY, 2, (encode_plan(PLAN),), 1, nonce_of(3, 4), NOW + 60)
SIGNED = SignedPlans(1, EXECUTOR, BATCH, b"\x01" * 65)
FACTS = SignedFacts(
    chain_id=1,
    time=NOW,
    paused=False,
    owner=ANOTHER,
    digest=SIGNED.digest,
    grant=2,
    expiry=NOW + 600,
    next_nonce=nonce_of(3, 4),
    key_is_contract=False,
    signer=KEY,
)

Write = Callable[[Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(value: Any) -> Path:
        path = tmp_path / "signed.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return written


def failing(signed: SignedPlans, facts: SignedFacts) -> dict[str, str]:
    return {each.name: each.detail for each in signed_checks(signed, facts) if not each.passed}


def test_a_file_is_read_back_as_it_was_written(write: Write) -> None:
    read = read_signed(write(signed_json(SIGNED)))
    assert read == SIGNED
    assert plans_within(read) == (PLAN,)


def test_an_address_in_another_case_is_the_same(write: Write) -> None:
    value = signed_json(SIGNED)
    assert read_signed(write(value | {"key": KEY.lower(), "executor": EXECUTOR.lower()})) == SIGNED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"form": "another"}, "no signed plans"),
        ({"more": 1}, "no signed plans"),
        ({"chain_id": 1}, "chain_id"),
        ({"nonce": "-1"}, "nonce"),
        ({"nonce": "0x1"}, "nonce"),
        ({"nonce": "9" * 78}, "nonce"),
        ({"nonce": "9" * 5_000}, "nonce"),
        ({"nonce": "٣"}, "nonce"),
        ({"grant": str(2**48)}, "grant"),
        ({"deadline": str(2**40)}, "deadline"),
        ({"continue_mask": "2"}, "continue_mask"),
        ({"key": "0x12"}, "key"),
        ({"executor": None}, "executor"),
        ({"plans": []}, "plans"),
        ({"plans": "0x"}, "plans"),
        ({"plans": ["0x1"]}, "plans.0"),
        ({"plans": ["0x"] * 257}, "plans"),
        ({"signature": "zz"}, "signature"),
        ({"signature": "0x" + "00" * 70_000}, "signature"),
    ],
)
def test_a_file_that_was_changed_is_refused_by_its_field(write: Write, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        read_signed(write(signed_json(SIGNED) | changes))
    assert caught.value.field == "signed"
    assert "oms sign" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[", "null", "7", "[" * 100_000, "{}", '"form"'])
def test_what_is_no_file_of_ours_is_refused(write: Write, text: str) -> None:
    with pytest.raises(InvalidRequest, match="oms sign"):
        read_signed(write(text))


def test_a_plan_that_the_executor_could_not_read_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="plan 2 is none"):
        plans_within(replace(SIGNED, batch=replace(BATCH, plans=(*BATCH.plans, b"\x02\x00"))))


def test_what_holds_passes_every_check() -> None:
    assert failing(SIGNED, FACTS) == {}
    for grant in (0, 5):
        signed = replace(SIGNED, batch=replace(BATCH, key=ANOTHER, grant=grant))
        assert failing(signed, replace(FACTS, digest=signed.digest, signer=ANOTHER, grant=grant, expiry=0)) == {}


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"chain_id": 10}, "chain", "use that chain's node"),
        ({"paused": True}, "pause", "paused"),
        ({"time": NOW + 61}, "deadline", "signed again"),
        ({"grant": 0}, "grant", "never granted"),
        ({"expiry": 0}, "grant", "revoked"),
        ({"expiry": NOW - 1}, "grant", "expired"),
        ({"grant": 3}, "grant", "not grant 3"),
        ({"owner": KEY, "grant": 5}, "grant", "another ownership"),
        ({"next_nonce": nonce_of(3, 5)}, "nonce", "was used"),
        ({"next_nonce": nonce_of(3, 3)}, "nonce", "waits for number 3"),
        ({"digest": bytes(32)}, "digest", "otherwise"),
        ({"signer": None}, "signature", "nobody's"),
        ({"signer": ANOTHER}, "signature", ANOTHER),
    ],
)
def test_what_does_not_hold_is_told_with_its_remedy(changes: dict[str, Any], name: str, said: str) -> None:
    assert said in failing(SIGNED, replace(FACTS, **changes))[name]


def test_a_contracts_signature_is_left_to_the_simulation() -> None:
    assert failing(SIGNED, replace(FACTS, signer=None, key_is_contract=True)) == {}


def test_a_grant_that_ended_is_not_taken_for_another_release() -> None:
    newer = replace(BATCH, grant=3).digest(1, EXECUTOR)
    assert set(failing(SIGNED, replace(FACTS, grant=3, digest=newer))) == {"grant"}


@given(st.dictionaries(st.sampled_from(sorted(signed_json(SIGNED))), st.none() | st.text() | st.integers(), max_size=3))
def test_no_damage_to_a_file_is_a_defect(changes: dict[str, Any]) -> None:
    found: SignedPlans | str
    with TemporaryDirectory() as folder:
        path = Path(folder) / "signed.json"
        path.write_text(json.dumps(signed_json(SIGNED) | changes))
        try:
            found = read_signed(path)
        except InvalidRequest as error:
            found = str(error)
    assert isinstance(found, SignedPlans) or "oms sign" in found
