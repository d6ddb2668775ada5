"""What an owner grants, refused where the executor would refuse it. The golden file holds its bytes to Solidity."""

import pytest

from oms.errors import InvalidRequest
from oms.execution.sessions import (
    GrantedSpend,
    GrantedVenue,
    SessionTerms,
    address_venue,
    end_operator_call,
    far_reference_call,
    grant_call,
    grant_operator_call,
    registry_venue,
    singleton_venue,
)
from oms.units import Address

TOKEN = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
OTHER = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")


def test_terms_that_bound_nothing_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no limit"):
        GrantedSpend(TOKEN, 0, 1)
    with pytest.raises(InvalidRequest, match="no limit"):
        GrantedSpend(TOKEN, 1, 0)
    with pytest.raises(InvalidRequest, match="10000"):
        SessionTerms(1, frozenset({1}), 10_001, (), (), ())
    with pytest.raises(InvalidRequest, match="leg kind"):
        SessionTerms(1, frozenset({32}), 0, (), (), ())
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


def test_an_operator_is_granted_the_same_terms_by_another_function() -> None:
    terms = SessionTerms(1, frozenset({1}), 100, (GrantedVenue(1, bytes(32)),), (GrantedSpend(TOKEN, 1, 2),), (OTHER,))
    assert grant_operator_call(TOKEN, terms)[4:] == grant_call(TOKEN, terms)[4:]
    assert grant_operator_call(TOKEN, terms)[:4] != grant_call(TOKEN, terms)[:4]
    assert end_operator_call(TOKEN)[4:] == address_venue(TOKEN)


def test_a_far_reference_that_no_field_holds_is_refused() -> None:
    call = far_reference_call(10, TOKEN, feed=OTHER, max_age=60, decimals=6)
    assert [int.from_bytes(call[at : at + 32]) for at in (4, 100, 132)] == [10, 60, 6]
    assert call[36:68] == address_venue(TOKEN)
    assert call[68:100] == address_venue(OTHER)
    for chain_id, max_age, decimals in ((2**64, 60, 6), (10, 2**32, 6), (10, 60, 37)):
        with pytest.raises(InvalidRequest, match="out of range"):
            far_reference_call(chain_id, TOKEN, feed=OTHER, max_age=max_age, decimals=decimals)
