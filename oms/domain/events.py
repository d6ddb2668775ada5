"""What happened, in the past tense: the journal's records. Amounts are base units; times Unix seconds.

An event is a value that JSON can hold: strings, integers (stored as strings), and flat lists of them.
"""

from dataclasses import dataclass
from typing import Self

from oms.domain.transactions import Receipt


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """A person or program stated an intent."""

    order_id: str
    side: str
    token_in: str
    token_out: str
    amount: int


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The order was split; `plan` is its canonical JSON."""

    order_id: str
    plan_id: str
    block_number: int
    block_hash: str
    plan: str


@dataclass(frozen=True, slots=True)
class OrderApproved:
    """The gate let one action pass; `subject` names it."""

    order_id: str
    subject: str
    checks: str


@dataclass(frozen=True, slots=True)
class OrderDenied:
    """The gate refused one action."""

    order_id: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class SimulationSucceeded:
    """The exact transaction was run against the chain's state and did what the plan says."""

    order_id: str
    gas_used: int
    amount_out: int


@dataclass(frozen=True, slots=True)
class SimulationFailed:
    """The exact transaction was run against the chain's state and would not do what the plan says."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransactionIntended:
    """These signed bytes are about to leave the machine; durable before they do.

    `chain` names the one chain (each fork is its own) on which the nonce and the hash mean something. The hash is empty
    where the node signs, since it is not known before.
    """

    order_id: str
    purpose: str
    transaction_hash: str
    sender: str
    nonce: int
    payload_hash: str
    chain: str = ""


@dataclass(frozen=True, slots=True)
class TransactionIncluded:
    """The chain took the transaction; `succeeded` is its status."""

    order_id: str
    transaction_hash: str
    block_number: int
    succeeded: bool
    gas_used: int
    effective_gas_price: int

    @classmethod
    def of(cls, order_id: str, receipt: Receipt) -> Self:
        """What the receipt says, as an event of this order."""
        return cls(
            order_id,
            receipt.transaction_hash,
            receipt.block_number,
            receipt.succeeded,
            receipt.gas_used,
            receipt.effective_gas_price,
        )


@dataclass(frozen=True, slots=True)
class TransactionUnknown:
    """Sent, or perhaps not; it must be asked about before anything else is sent with its nonce."""

    order_id: str
    transaction_hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransactionRefused:
    """The transaction was recorded as intended and is certain never to be included."""

    order_id: str
    transaction_hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class LegSettled:
    """One leg's realised amounts beside the predicted ones."""

    order_id: str
    leg: int
    venue: str
    predicted_in: int
    predicted_out: int
    realised_in: int
    realised_out: int


@dataclass(frozen=True, slots=True)
class HedgeIntended:
    """A child order is about to be sent to an exchange under this id; durable before it is."""

    order_id: str
    client_order_id: str
    exchange: str
    symbol: str
    side: str
    size: str
    limit_price: str


@dataclass(frozen=True, slots=True)
class HedgeFilled:
    """The exchange filled the child order, whole or in part."""

    order_id: str
    client_order_id: str
    venue_order_id: str
    filled: str
    average_price: str
    fee: str
    fee_currency: str


@dataclass(frozen=True, slots=True)
class HedgeUnknown:
    """The child order's fate is not known; it must be asked about by its id, and never sent again under another."""

    order_id: str
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class HedgeRejected:
    """The exchange refused the child order; nothing was filled."""

    order_id: str
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """Every leg was attempted; `amount_out` over all legs, before gas.

    `outcome` is `filled`, `partial` (or not known, where an entry before says so), or `none`: nothing moved.
    """

    order_id: str
    outcome: str
    amount_in: int
    amount_out: int


@dataclass(frozen=True, slots=True)
class OrderFailed:
    """The order ended without effect but the gas of what reverted or was revoked, for this reason."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderInterrupted:
    """The order stopped after something was sent that lasts; the entries before say what."""

    order_id: str
    reason: str


Event = (
    OrderReceived
    | PlanMade
    | OrderApproved
    | OrderDenied
    | SimulationSucceeded
    | SimulationFailed
    | TransactionIntended
    | TransactionIncluded
    | TransactionUnknown
    | TransactionRefused
    | LegSettled
    | HedgeIntended
    | HedgeFilled
    | HedgeUnknown
    | HedgeRejected
    | OrderCompleted
    | OrderFailed
    | OrderInterrupted
)
