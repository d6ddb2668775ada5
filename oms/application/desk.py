"""The desk that an order's saga acts through: its ports, its accounts, and what it has sent so far.

Owns: the values that settling and hedging share. Must not: act.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from oms.config import RiskLimits
from oms.domain.plans import RoutePlan
from oms.domain.transactions import (
    AllowanceRequest,
    Receipt,
    TransactionRequest,
)
from oms.ports.clock import Clock
from oms.ports.exchange import Exchange
from oms.ports.journal import Journal
from oms.ports.settlement import Settlement
from oms.units import Address


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays, and through what: the executor's own balance, or the owner's by an exact approval."""

    owner: Address
    executor: Address
    pulls_from_owner: bool

    @property
    def payer(self) -> Address:
        """Whose balance of the input falls."""
        return self.owner if self.pulls_from_owner else self.executor

    @property
    def recipient(self) -> Address:
        """Whose balance of the output rises."""
        return self.owner if self.pulls_from_owner else self.executor


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the gate is told about the account and the chain at this moment. Amounts in the input token."""

    balance: int
    allowance: int
    chain_time: int
    latest_block: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that one order's saga acts through."""

    journal: Journal
    settlement: Settlement
    exchanges: Sequence[Exchange]
    limits: RiskLimits
    clock: Clock
    account: Account
    facts: Callable[[RoutePlan], ChainFacts]
    build: Callable[[RoutePlan], TransactionRequest]
    allowance: Callable[[RoutePlan, int], AllowanceRequest]


@dataclass(slots=True)
class Sent:
    """What the order has done to the world so far."""

    receipts: list[Receipt] = field(default_factory=list)
    approved: bool = False
    """An approval may stand."""
    lasting: bool = False
    """A settlement succeeded, or a child order was sent."""

    @property
    def stays(self) -> bool:
        """Whether more than spent gas is left of it."""
        return self.approved or self.lasting
