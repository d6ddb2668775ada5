"""Approvals read from calldata: no usual kind is missed, and nothing that stands is built or let through."""

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.errors import StateConflict
from oms.execution.approvals import Grant, exact_approval, grants_of, standing_approval
from oms.units import UINT256_MAX, Address

EXECUTOR = Address("0x5B38Da6a701c568545dCfcB03FcB875f56beddC4")
OTHER = Address("0xAb8483F64d9C6d1EcF9b849Ae677dD3315835cb2")
TOKEN = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
DETAILS = "(address,uint160,uint48,uint48)"


def call(name: str, kinds: list[str], *values: object) -> bytes:
    return keccak(f"{name}({','.join(kinds)})".encode())[:4] + encode(kinds, values)


def kinds_of_approval(spender: str, amount: int) -> dict[str, bytes]:
    pair, key = ["address", "uint256"], ["uint8", "bytes32", "bytes32"]
    signature = (27, b"\1" * 32, b"\2" * 32)
    return {
        "approve": call("approve", pair, spender, amount),
        "increaseAllowance": call("increaseAllowance", pair, spender, amount),
        "increaseApproval": call("increaseApproval", pair, spender, amount),
        "approveAndCall": call("approveAndCall", [*pair, "bytes"], spender, amount, b"x"),
        "ERC-2612": call("permit", ["address", *pair, "uint256", *key], OTHER, spender, amount, 9, *signature),
        "ERC-2612 of a contract": call(
            "permit", ["address", *pair, "uint256", "bytes"], OTHER, spender, amount, 9, b"s"
        ),
        "Permit2": call("approve", ["address", "address", "uint160", "uint48"], TOKEN, spender, amount, 9),
        "Permit2 signed": call(
            "permit",
            ["address", f"({DETAILS},address,uint256)", "bytes"],
            *(OTHER, ((TOKEN, amount, 9, 0), spender, 9), b"s"),
        ),
        "Permit2 signed for several": call(
            "permit",
            ["address", f"({DETAILS}[],address,uint256)", "bytes"],
            *(OTHER, ([(TOKEN, 0, 9, 0), (TOKEN, amount, 9, 0)], spender, 9), b"s"),
        ),
    }


@pytest.mark.parametrize("kind", kinds_of_approval(EXECUTOR, 1))
def test_every_usual_kind_of_approval_is_recognised(kind: str) -> None:
    assert Grant(EXECUTOR, 7) in grants_of(kinds_of_approval(EXECUTOR, 7)[kind])


@pytest.mark.parametrize("kind", kinds_of_approval(EXECUTOR, 1))
def test_no_kind_may_exceed_the_need_or_serve_another(kind: str) -> None:
    assert standing_approval(kinds_of_approval(EXECUTOR, 7)[kind], executor=EXECUTOR, needed=7) is None
    more = standing_approval(kinds_of_approval(EXECUTOR, 8)[kind], executor=EXECUTOR, needed=7)
    assert more is not None
    assert "more than the plan's 7" in more
    other = standing_approval(kinds_of_approval(OTHER, 1)[kind], executor=EXECUTOR, needed=7)
    assert other is not None
    assert OTHER in other
    assert standing_approval(kinds_of_approval(OTHER, 0)[kind], executor=EXECUTOR, needed=7) is None


def test_permission_for_everything_is_more_than_any_plan_needs() -> None:
    dai = ["address", "address", "uint256", "uint256", "bool", "uint8", "bytes32", "bytes32"]
    signed = (27, b"\1" * 32, b"\2" * 32)
    for data in (
        call("setApprovalForAll", ["address", "bool"], EXECUTOR, True),
        call("permit", dai, OTHER, EXECUTOR, 0, 9, True, *signed),
    ):
        assert grants_of(data) == (Grant(EXECUTOR, UINT256_MAX),)
        assert standing_approval(data, executor=EXECUTOR, needed=2**255)
    revoked = call("setApprovalForAll", ["address", "bool"], EXECUTOR, False)
    assert standing_approval(revoked, executor=EXECUTOR, needed=0) is None


def test_a_damaged_approval_counts_as_all_there_is() -> None:
    assert standing_approval(exact_approval(EXECUTOR, 7, needed=7)[:40], executor=EXECUTOR, needed=7)


def test_other_calls_grant_nothing() -> None:
    assert grants_of(b"") == ()
    assert grants_of(call("transfer", ["address", "uint256"], OTHER, 7)) == ()


@given(st.integers(0, UINT256_MAX), st.integers(0, UINT256_MAX))
def test_an_approval_is_built_up_to_the_need_only(amount: int, needed: int) -> None:
    if amount > needed:
        with pytest.raises(StateConflict):
            exact_approval(EXECUTOR, amount, needed=needed)
        return
    data = exact_approval(EXECUTOR, amount, needed=needed)
    assert grants_of(data) == (Grant(EXECUTOR, amount),)
    assert standing_approval(data, executor=EXECUTOR, needed=needed) is None
