"""Sending one approved transaction: its intent in the journal before the bytes leave, what became of it after.

Owns: the order of these entries. Must not: build, judge or account for a transaction.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from oms.domain.events import TransactionIncluded, TransactionIntended, TransactionRefused, TransactionUnknown
from oms.domain.transactions import AccountRequest, AllowanceRequest, Receipt, SettlementRequest
from oms.errors import OmsError, OutcomeUnknown, StateConflict
from oms.execution.revert_reasons import explain_revert
from oms.ports.journal import Journal
from oms.ports.settlement import Settlement
from oms.risk.gate import Approved

S = TypeVar("S", SettlementRequest, AllowanceRequest, AccountRequest)


class GateDenied(OmsError):
    """The gate refused; nothing was sent."""

    exit_code = 2


def send_recorded(
    journal: Journal,
    settlement: Settlement,
    order_id: str,
    approved: Approved[S],
    *,
    purpose: str,
    note: Callable[[Receipt], None] = lambda _: None,
) -> Receipt:
    """Send, and wait for the block; `note` hears of the receipt before the journal, which may fail.

    Raises `OutcomeUnknown` where nobody can tell what became of it; the journal has the intent then.
    """
    intended: TransactionIntended | None = None

    def record(transaction_hash: str, nonce: int, payload_hash: str) -> None:
        nonlocal intended
        sender, chain = settlement.sender, settlement.chain
        event = TransactionIntended(order_id, purpose, transaction_hash, sender, nonce, payload_hash, chain)
        journal.append(event)
        intended = event

    try:
        receipt = settlement.send(approved, record_intent=record)
    except OutcomeUnknown as error:
        with suppress(StateConflict):  # the intent is in the journal; that nobody knows must reach the caller
            journal.append(TransactionUnknown(order_id, _hash_of(intended), str(error)))
        raise
    except OmsError as error:
        if intended is not None:
            with suppress(StateConflict):
                journal.append(TransactionRefused(order_id, intended.transaction_hash, str(error)))
        raise
    note(receipt)
    journal.append(TransactionIncluded.of(order_id, receipt))
    return receipt


def require_success(receipt: Receipt, purpose: str, *, remedy: str = "make a new plan") -> None:
    """Raises `StateConflict` with the reason where the transaction reverted."""
    if receipt.succeeded:
        return
    why = explain_revert(receipt.revert_data).sentence if receipt.revert_data else "no reason given"
    raise StateConflict(purpose, f"reverted as a whole, only gas was spent: {why}; {remedy}")


def _hash_of(intended: TransactionIntended | None) -> str:
    return intended.transaction_hash if intended is not None else ""
