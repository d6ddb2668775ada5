"""How long additions to the registry wait: two days wherever others are, not at all where nobody is."""

import pytest

from oms.adapters.evm.contracts import REGISTRY_DELAY_SECONDS, constructor_values, registry_delay
from oms.adapters.evm.devnet.chain import DESK
from oms.adapters.evm.venues import BUILT_IN, MAINNET


@pytest.mark.parametrize("chain_id", sorted(BUILT_IN))
def test_a_chain_that_others_use_waits_two_days_and_its_fork_does_not(chain_id: int) -> None:
    assert registry_delay(chain_id, development=False) == REGISTRY_DELAY_SECONDS == 2 * 24 * 60 * 60
    assert registry_delay(chain_id, development=True) == 0


def test_anvils_own_chain_waits_for_nothing() -> None:
    assert registry_delay(31_337, development=False) == 0


def test_the_steward_is_told_the_delay() -> None:
    assert constructor_values(MAINNET, DESK)["delay"] == 0
    assert constructor_values(MAINNET, DESK, delay=REGISTRY_DELAY_SECONDS)["delay"] == 172_800
