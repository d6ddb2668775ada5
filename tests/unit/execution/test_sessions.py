"""What an owner grants, refused where the executor would refuse it. The golden file holds its bytes to Solidity."""

from typing import Any

import pytest

from oms.errors import InvalidRequest
from oms.execution.sessions import (
    GrantedSpend,
    GrantedVenue,
    SessionTerms,
    address_venue,
    registry_venue,
    singleton_venue,
)
from oms.units import Address

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
