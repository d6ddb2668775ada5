"""What a chain charges for a transaction.

Owns: the port, and the rule of chains that charge for gas alone (Ethereum itself).
Must not: estimate gas (`oms.routing.gas_model` does), or know the present gas price.
"""

from dataclasses import dataclass
from typing import Protocol

from oms.units import Gas, Wei


class ExecutionFees(Protocol):
    """One chain's fees at one moment."""

    def fee_wei(self, gas: Gas, *, calldata_bytes: int = 0) -> Wei:
        """What a transaction pays that uses `gas`, whose own cost for `calldata_bytes` is in it.

        A chain that also pays for publishing the bytes elsewhere, as most second layers do, adds that here.
        """
        ...


@dataclass(frozen=True, slots=True)
class GasPriceFees:
    """Every unit of gas at one price, base fee and priority fee together; bytes cost nothing beyond their gas."""

    wei_per_gas: Wei

    def fee_wei(self, gas: Gas, *, calldata_bytes: int = 0) -> Wei:  # noqa: ARG002 (the port's)
        """See `ExecutionFees`."""
        return Wei(gas * self.wei_per_gas)
