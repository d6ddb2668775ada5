"""What keys sign for an executor, against an independent implementation of EIP-712."""

import pytest
from eth_abi.abi import decode, encode
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.errors import InvalidRequest
from oms.execution.signed_plans import (
    ADOPTION_TYPE,
    PLANS_TYPE,
    Adoption,
    PlanResult,
    SignedBatch,
    batch_call,
    domain_separator,
    nonce_of,
    operation_signature,
    plan_results,
    session_lane,
    signed_call,
)
from oms.units import UINT256_MAX, Address

EXECUTOR = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
PLANS = st.lists(st.binary(max_size=200), min_size=1, max_size=5)


@given(PLANS, st.integers(0, UINT256_MAX), st.integers(0, 2**40 - 1), st.integers(0, 2**48 - 1), st.integers(1, 2**40))
def test_a_batchs_digest_is_that_of_eip_712(
    plans: list[bytes], nonce: int, deadline: int, grant: int, chain_id: int
) -> None:
    batch = SignedBatch(KEY, grant, tuple(plans), 1, nonce, deadline)
    signable = encode_typed_data(full_message=batch.typed_data(chain_id, EXECUTOR))
    assert signable.body == batch.struct_hash()
    assert signable.header == domain_separator(chain_id, EXECUTOR)
    assert keccak(b"\x19\x01" + signable.header + signable.body) == batch.digest(chain_id, EXECUTOR)


@given(st.integers(0, 2**40 - 1), st.integers(1, 2**40))
def test_an_adoptions_digest_is_that_of_eip_712(deadline: int, chain_id: int) -> None:
    adoption = Adoption(KEY, EXECUTOR, deadline)
    signable = encode_typed_data(full_message=adoption.typed_data(chain_id, EXECUTOR))
    assert signable.body == adoption.struct_hash()
    assert keccak(b"\x19\x01" + signable.header + signable.body) == adoption.digest(chain_id, EXECUTOR)


def test_the_types_are_spelt_as_the_contract_spells_them() -> None:
    assert PLANS_TYPE == (
        "Plans(address key,uint256 grant,bytes[] plans,uint256 continueMask,uint256 nonce,uint40 deadline)"
    )
    assert ADOPTION_TYPE == "Adoption(address guardian,address entryPoint,uint40 deadline)"


def test_a_batch_that_the_executor_would_refuse_is_refused_here() -> None:
    with pytest.raises(InvalidRequest, match="256"):
        SignedBatch(KEY, 0, (), 0, 0, 0)
    with pytest.raises(InvalidRequest, match="256"):
        SignedBatch(KEY, 0, (b"",) * 257, 0, 0, 0)
    with pytest.raises(InvalidRequest, match="not there"):
        SignedBatch(KEY, 0, (b"",), 2, 0, 0)
    with pytest.raises(InvalidRequest, match="deadline"):
        SignedBatch(KEY, 0, (b"",), 0, 0, 2**40)


@given(st.integers(0, 2**192 - 1), st.integers(0, 2**64 - 1))
def test_a_nonce_is_its_lane_and_its_number(lane: int, sequence: int) -> None:
    assert divmod(nonce_of(lane, sequence), 2**64) == (lane, sequence)


def test_a_number_that_would_run_into_the_lane_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="sequence"):
        nonce_of(0, 2**64)
    with pytest.raises(InvalidRequest, match="branch"):
        session_lane(KEY, 2**32)


def test_a_keys_lanes_end_with_its_address() -> None:
    assert session_lane(KEY, 7) % 2**160 == int(KEY, 16)
    assert session_lane(KEY, 7) != session_lane(KEY)
    assert operation_signature(KEY, b"\x01" * 65) == bytes.fromhex(KEY[2:]) + b"\x01" * 65


@given(PLANS, st.binary(max_size=80))
def test_what_is_sent_holds_what_was_signed(plans: list[bytes], signature: bytes) -> None:
    batch = SignedBatch(KEY, 3, tuple(plans), 1, nonce_of(2, 5), 77)
    call = signed_call(batch, signature)
    assert call[:4] == keccak(b"executeSigned(bytes[],uint256,uint256,uint40,address,bytes)")[:4]
    kinds = ["bytes[]", "uint256", "uint256", "uint40", "address", "bytes"]
    assert decode(kinds, call[4:]) == (tuple(plans), 1, nonce_of(2, 5), 77, KEY.lower(), signature)
    assert decode(["bytes[]", "uint256"], batch_call(plans, 1)[4:]) == (tuple(plans), 1)


def test_results_are_read_as_the_executor_answers_them() -> None:
    rows = [(True, 5, 7, b""), (False, 0, 0, b"why")]
    answer = encode(["(bool,uint256,uint256,bytes)[]"], [rows])
    assert plan_results(answer) == tuple(PlanResult(*row) for row in rows)


@given(st.binary(max_size=300))
def test_an_answer_that_is_no_result_is_a_value_error_or_results(noise: bytes) -> None:
    found: tuple[PlanResult, ...] | str
    try:
        found = plan_results(noise)
    except ValueError as error:
        found = str(error)
    assert found == () or "no results" in found or all(isinstance(each, PlanResult) for each in found)
