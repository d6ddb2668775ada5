"""What an owner signs for a plan: the same digest by our own hashing and by a library for typed data."""

from dataclasses import replace

import pytest
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given

from oms.execution.plan_codec import PackedPlan, Permit
from oms.execution.plan_permit import WITNESS_TYPE, permit_digest, permit_typed_data, plan_hash
from oms.units import Address
from tests.unit.execution.test_plan_codec import PLAN, plans

EXECUTOR = Address("0x3a9F1c7E5b2D84f6a0C3e9B17d52F8c64E0a1b93")
PERMIT = Permit(7, b"", straight=True)


@given(plans())
def test_the_digest_is_that_of_the_typed_data(plan: PackedPlan) -> None:
    plan = replace(plan, permit=replace(PERMIT, straight=not plan.pull))
    signable = encode_typed_data(full_message=permit_typed_data(plan, executor=EXECUTOR, chain_id=1))
    digest = permit_digest(plan, executor=EXECUTOR, chain_id=1)
    assert digest == keccak(b"\x19" + signable.version + signable.header + signable.body)


def test_the_digest_binds_executor_chain_nonce_and_plan() -> None:
    plan = replace(PLAN, permit=PERMIT)
    digests = {
        permit_digest(plan, executor=EXECUTOR, chain_id=1),
        permit_digest(plan, executor=Address("0x" + "1" * 40), chain_id=1),
        permit_digest(plan, executor=EXECUTOR, chain_id=2),
        permit_digest(replace(plan, permit=replace(PERMIT, nonce=8)), executor=EXECUTOR, chain_id=1),
        permit_digest(replace(plan, deadline=plan.deadline + 1), executor=EXECUTOR, chain_id=1),
        permit_digest(replace(plan, legs=plan.legs * 2), executor=EXECUTOR, chain_id=1),
        permit_digest(replace(plan, deliver=True), executor=EXECUTOR, chain_id=1),
    }
    assert len(digests) == 7


def test_the_signature_is_no_part_of_what_is_signed() -> None:
    signed = replace(PLAN, permit=replace(PERMIT, signature=b"\xaa" * 65))
    bare = replace(PLAN, permit=PERMIT)
    assert plan_hash(signed, executor=EXECUTOR, chain_id=1) == plan_hash(bare, executor=EXECUTOR, chain_id=1)


def test_the_witness_type_lists_its_types_by_name() -> None:
    assert WITNESS_TYPE.startswith("Plan witness)Asset(")
    assert WITNESS_TYPE.index(")Plan(") < WITNESS_TYPE.index(")TokenPermissions(")


def test_a_plan_without_a_permit_is_not_signed() -> None:
    with pytest.raises(ValueError, match="permit"):
        permit_digest(PLAN, executor=EXECUTOR, chain_id=1)
