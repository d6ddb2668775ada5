"""What the journal says was about to be sent, and not what became of it: found, and settled by asking.

Owns: the matching of intents with their outcomes, and the questions to the chain and to the exchanges.
Must not: send anything.
"""

from collections.abc import Sequence

from oms.domain.events import (
    Event,
    HedgeFilled,
    HedgeIntended,
    HedgeRejected,
    TransactionIncluded,
    TransactionIntended,
    TransactionRefused,
)
from oms.domain.orders import OrderStatus
from oms.errors import OmsError, VenueError
from oms.ports.exchange import Exchange
from oms.ports.journal import Journal
from oms.ports.settlement import Settlement
from oms.risk.gate import CheckResult

Intended = TransactionIntended | HedgeIntended


def unresolved(journal: Journal) -> tuple[Intended, ...]:
    """Every intent, oldest first, whose outcome the journal does not know, on whatever chain or exchange."""
    open_intents: dict[tuple[str, str], Intended] = {}
    for entry in journal.entries():
        _apply(open_intents, entry.event)
    return tuple(open_intents.values())


def _apply(open_intents: dict[tuple[str, str], Intended], event: Event) -> None:
    match event:
        case TransactionIntended():
            open_intents[event.order_id, event.transaction_hash] = event
        case HedgeIntended():
            open_intents[event.order_id, event.client_order_id] = event
        case TransactionIncluded() | TransactionRefused():
            if open_intents.pop((event.order_id, event.transaction_hash), None) is None:
                open_intents.pop((event.order_id, ""), None)  # the node signed: the hash was not known before
        case HedgeFilled() | HedgeRejected():
            open_intents.pop((event.order_id, event.client_order_id), None)
        case _:
            pass


def nothing_unresolved(
    journal: Journal, settlement: Settlement, exchanges: Sequence[Exchange], *, used: frozenset[str]
) -> CheckResult:
    """Nothing sent before may still take effect: by this account on this chain, or on the exchanges `used`.

    What the chain has included, or cannot include any more, is written to the journal. Intents on other chains stay
    unresolved there and stop nothing here.
    """
    problems = [_problem(journal, settlement, exchanges, used, intent) for intent in unresolved(journal)]
    found = [problem for problem in problems if problem]
    if found:
        return CheckResult("earlier orders", passed=False, detail=found[0])
    return CheckResult("earlier orders", passed=True, detail="nothing is unresolved here")


def _problem(
    journal: Journal, settlement: Settlement, exchanges: Sequence[Exchange], used: frozenset[str], intent: Intended
) -> str:
    if isinstance(intent, HedgeIntended):
        return _hedge_problem(exchanges, intent) if intent.exchange in used else ""
    if (intent.chain, intent.sender) != (settlement.chain, settlement.sender):
        return ""
    try:
        return _transaction_problem(journal, settlement, intent)
    except VenueError as error:
        return f"the {intent.purpose} of order {intent.order_id} cannot be asked about ({error}); try again"


def _transaction_problem(journal: Journal, settlement: Settlement, intent: TransactionIntended) -> str:
    """Empty once the chain has decided: included, or its nonce used by another."""
    taken = settlement.included_nonces() > intent.nonce  # before the receipt, so that none can slip in between
    if intent.transaction_hash:
        receipt = settlement.receipt(intent.transaction_hash)
        if receipt is not None:
            journal.append(TransactionIncluded.of(intent.order_id, receipt))
            return ""
        if taken:
            reason = f"nonce {intent.nonce} was used by another transaction"
            journal.append(TransactionRefused(intent.order_id, intent.transaction_hash, reason))
    if taken:
        return ""
    name = intent.transaction_hash or f"nonce {intent.nonce}"
    return f"the {intent.purpose} of order {intent.order_id} ({name}) may still be included; wait, or use a new fork"


def _hedge_problem(exchanges: Sequence[Exchange], intent: HedgeIntended) -> str:
    """Empty once the exchange does not hold the order open."""
    name = f"order {intent.client_order_id} on {intent.exchange}"
    exchange = next((each for each in exchanges if each.name == intent.exchange), None)
    if exchange is None:
        return f"{name} cannot be asked about; connect {intent.exchange}"
    try:
        report = exchange.order(intent.client_order_id)
    except OmsError as error:
        return f"{name} cannot be asked about ({error}); try again"
    if report is not None and report.status is OrderStatus.OPEN:
        return f"{name} is still open; cancel it there or wait"
    return ""
