"""Every chain's fees keep the port's promises: more gas never costs less, nor do more bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.ports.fees import ExecutionFees, GasPriceFees
from oms.units import Gas, Wei

IMPLEMENTATIONS: list[ExecutionFees] = [GasPriceFees(Wei(0)), GasPriceFees(Wei(1_100_000_000))]
gas_amounts = st.integers(0, 2**24).map(Gas)
sizes = st.integers(0, 2**17)


@pytest.mark.parametrize("fees", IMPLEMENTATIONS)
@given(gas=gas_amounts, more=gas_amounts, calldata_bytes=sizes, further=sizes)
def test_more_gas_or_more_bytes_never_cost_less(
    fees: ExecutionFees, gas: Gas, more: Gas, calldata_bytes: int, further: int
) -> None:
    least = fees.fee_wei(gas, calldata_bytes=calldata_bytes)
    assert 0 <= least <= fees.fee_wei(Gas(gas + more), calldata_bytes=calldata_bytes + further)


def test_where_only_gas_is_charged_the_fee_is_gas_times_its_price() -> None:
    assert GasPriceFees(Wei(1_100_000_000)).fee_wei(Gas(100_000), calldata_bytes=512) == 110_000_000_000_000
