"""What an owner grants, refused where the executor would refuse it. The golden file holds its bytes to Solidity."""

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.errors import InvalidRequest
from oms.execution.leg_kinds import LegKind
from oms.execution.sessions import (
    KIND_RULES,
    RULES,
    SWITCHES,
    GrantedSpend,
    GrantedVenue,
    SessionTerms,
    address_venue,
    bridge_venue,
    end_operator_call,
    far_reference_call,
    grant_call,
    grant_operator_call,
    grants_within,
    kinds_of,
    registry_venue,
    singleton_venue,
)
from oms.units import UINT128_MAX, Address

TOKEN = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
OTHER = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")


def terms(**changes: Any) -> SessionTerms:
    ordinary: dict[str, Any] = {
        "expiry": 1_773_164_352,
        "kinds": frozenset({1}),
        "most_loss_bps": 0,
        "venues": (),
        "spends": (),
        "rises": (),
    }
    return SessionTerms(**(ordinary | changes))


def test_terms_that_bound_nothing_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no limit"):
        GrantedSpend(TOKEN, 0, 1)
    with pytest.raises(InvalidRequest, match="no limit"):
        GrantedSpend(TOKEN, 1, 0)
    with pytest.raises(InvalidRequest, match="10000"):
        terms(most_loss_bps=10_001)
    with pytest.raises(InvalidRequest, match="leg kind"):
        terms(kinds=frozenset({32}))
    with pytest.raises(InvalidRequest, match="32"):
        GrantedVenue(1, b"\0")


def test_a_v4_pool_is_the_same_in_either_direction_and_another_by_any_particular() -> None:
    pool = singleton_venue(TOKEN, OTHER, fee=3000, tick_spacing=60, native=False)
    assert pool == singleton_venue(OTHER, TOKEN, fee=3000, tick_spacing=60, native=False)
    others = {
        singleton_venue(TOKEN, OTHER, fee=500, tick_spacing=60, native=False),
        singleton_venue(TOKEN, OTHER, fee=3000, tick_spacing=-60, native=False),
        singleton_venue(TOKEN, OTHER, fee=3000, tick_spacing=60, native=True),
    }
    assert len(others | {pool}) == 4


def test_venues_are_words() -> None:
    assert registry_venue(3) == bytes(31) + b"\x03"
    assert address_venue(TOKEN) == bytes(12) + bytes.fromhex(TOKEN[2:])


def test_a_receiver_of_what_is_bridged_is_of_one_chain() -> None:
    here = bridge_venue(TOKEN, 10)
    assert here == keccak(bytes(12) + bytes.fromhex(TOKEN[2:]) + bytes(31) + b"\x0a")
    assert len({here, bridge_venue(TOKEN, 11), bridge_venue(OTHER, 10)}) == 3


def test_a_session_answers_its_rules_in_the_order_of_the_struct() -> None:
    assert RULES[:3] == (("expiry", "uint40"), ("kinds", "uint32"), ("most_loss_bps", "uint16"))
    assert ("may_pull", "bool") in RULES
    assert set(SWITCHES) == {name for name, abi in RULES if abi == "bool"}
    assert all(SWITCHES.values()), "a switch that a person cannot read"


def test_every_kind_of_leg_says_whom_it_deals_with() -> None:
    assert set(KIND_RULES) == set(LegKind)


def test_times_and_budgets_that_the_contract_cannot_hold_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="expiry"):
        terms(expiry=2**40)
    with pytest.raises(InvalidRequest, match="96 bits"):
        terms(gas_budget=2**96)


KEYS = st.sampled_from((TOKEN, OTHER))
GRANTS = st.builds(
    SessionTerms,
    expiry=st.integers(0, 2**40 - 1),
    kinds=st.frozensets(st.integers(1, 31)),
    most_loss_bps=st.integers(0, 10_000),
    may_pull=st.booleans(),
    gas_budget=st.integers(0, 2**96 - 1),
    venues=st.lists(st.builds(GrantedVenue, st.integers(0, 255), st.binary(min_size=32, max_size=32)), max_size=3),
    spends=st.lists(st.builds(GrantedSpend, KEYS, st.integers(1, UINT128_MAX), st.integers(1, 2**32 - 1)), max_size=3),
    rises=st.lists(KEYS, max_size=3),
)


@given(GRANTS, KEYS)
def test_a_grant_is_read_back_from_its_calldata(granted: SessionTerms, key: Address) -> None:
    assert list(grants_within(grant_call(key, granted))) == [(key, granted)]
    assert kinds_of(granted.bitmap) == granted.kinds


@given(GRANTS, st.binary(max_size=40))
def test_a_grant_is_found_within_what_a_wallet_passes_on(granted: SessionTerms, around: bytes) -> None:
    wrapped = around + encode(["address", "bytes"], [OTHER, grant_call(TOKEN, granted)])
    assert (TOKEN, granted) in list(grants_within(wrapped))


@given(st.binary(max_size=400), st.integers(0, 200))
def test_what_only_begins_like_a_grant_is_none(noise: bytes, cut: int) -> None:
    call = grant_call(TOKEN, terms())
    assert all(isinstance(found, SessionTerms) for _, found in grants_within(noise + call[:cut] + noise))
    assert list(grants_within(call[:100])) == []


def test_an_operator_is_granted_the_same_terms_by_another_function() -> None:
    granted = terms()
    assert grant_operator_call(TOKEN, granted)[4:] == grant_call(TOKEN, granted)[4:]
    assert grant_operator_call(TOKEN, granted)[:4] != grant_call(TOKEN, granted)[:4]
    assert end_operator_call(TOKEN)[4:] == address_venue(TOKEN)


def test_a_far_reference_that_no_field_holds_is_refused() -> None:
    call = far_reference_call(10, TOKEN, feed=OTHER, max_age=60, decimals=6)
    assert [int.from_bytes(call[at : at + 32]) for at in (4, 100, 132)] == [10, 60, 6]
    assert call[36:68] == address_venue(TOKEN)
    assert call[68:100] == address_venue(OTHER)
    for chain_id, max_age, decimals in ((2**64, 60, 6), (10, 2**32, 6), (10, 60, 37)):
        with pytest.raises(InvalidRequest, match="out of range"):
            far_reference_call(chain_id, TOKEN, feed=OTHER, max_age=max_age, decimals=decimals)
