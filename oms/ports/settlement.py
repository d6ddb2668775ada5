"""Settling on a chain: simulate the exact transaction, then send it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from oms.domain.transactions import Receipt, Sendable, Simulation, TransactionRequest
from oms.risk.gate import Approved
from oms.units import Address, Gas, Wei

IntentRecorder = Callable[[str, int, str], None]
"""Called with transaction hash, nonce and payload hash before the bytes leave; it must not return before they are
durable."""


class Settlement(Protocol):
    """One chain's way to act for one account."""

    @property
    def sender(self) -> Address: ...

    @property
    def chain(self) -> str:
        """The one chain that this acts on; two forks of the same chain have two names."""
        ...

    def simulate(
        self,
        transaction: TransactionRequest,
        *,
        after: Sequence[TransactionRequest] = (),
        watch: Sequence[tuple[Address, Address]] = (),
    ) -> Simulation:
        """Run it on the newest state, `after` others, without effect; `watch` names (account, token) balances too."""
        ...

    def send(self, approved: Approved[Sendable], *, record_intent: IntentRecorder) -> Receipt:
        """Sign, record, send, and wait for inclusion. Raises `OutcomeUnknown` when that cannot be told."""
        ...

    def receipt(self, transaction_hash: str) -> Receipt | None:
        """What the chain did with a transaction; `None` while it has not included it. Raises `VenueError`."""
        ...

    def included_nonces(self) -> int:
        """How many transactions of the sender the chain has included: the first nonce that is still free."""
        ...

    def gas_price(self) -> Wei:
        """What a unit of gas would cost now."""
        ...

    def gas_estimate(self, transaction: TransactionRequest) -> Gas:
        """The node's estimate for the whole transaction."""
        ...
