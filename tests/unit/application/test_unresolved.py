"""What was about to be sent and is not accounted for: found in the journal, and asked about before anything is sent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from oms.application.desk import Desk
from oms.application.settling import Outcome, execute
from oms.application.unresolved import unresolved
from oms.domain.events import (
    Event,
    HedgeFilled,
    HedgeIntended,
    HedgeRejected,
    HedgeUnknown,
    TransactionIncluded,
    TransactionIntended,
    TransactionRefused,
    TransactionUnknown,
)
from oms.domain.orders import ExchangeOrderReport, OrderStatus
from oms.domain.plans import RoutePlan, Side
from oms.domain.transactions import Receipt
from oms.errors import OmsError, Retryable
from oms.units import Gas, Wei
from tests.ports.fakes import FakeExchange
from tests.unit.application.samples import (
    OWNER,
    FakeJournal,
    FakeSettlement,
    book,
    desk_for,
    exchange,
    plan_of,
    pool,
    report,
    sell,
)

HASH = "0x" + "11" * 32
INTENDED = TransactionIntended("earlier", "settlement", HASH, OWNER, 7, "0x", "1:fake")
UNSIGNED = replace(INTENDED, transaction_hash="")
HEDGE = HedgeIntended("earlier", "earlier-0", "paper", "ETH/USDC", "sell", "1", "2000")
INCLUDED = Receipt(HASH, 99, succeeded=True, gas_used=Gas(5), effective_gas_price=Wei(6), transfers=())


@pytest.fixture(scope="module")
def plan() -> RoutePlan:
    return plan_of(report(sell(20), pool(1, 500)))


@pytest.fixture(scope="module")
def hedged() -> RoutePlan:
    return plan_of(report(sell(20), pool(1, 500), books=[book(size="8")]))


def desk_after(
    plan: RoutePlan, *events: Event, exchanges: tuple[FakeExchange, ...] = ()
) -> tuple[Desk, FakeSettlement]:
    desk, _, settlement = desk_for(plan, journal=FakeJournal(list(events)), exchanges=exchanges)
    return desk, settlement


def run(desk: Desk, plan: RoutePlan) -> Outcome:
    return execute(desk, plan, order_id="new")


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([INTENDED], [INTENDED]),
        ([INTENDED, TransactionUnknown("earlier", HASH, "")], [INTENDED]),
        ([INTENDED, TransactionIncluded.of("earlier", INCLUDED)], []),
        ([INTENDED, TransactionIncluded.of("other", INCLUDED)], [INTENDED]),
        ([INTENDED, TransactionRefused("earlier", HASH, "")], []),
        ([UNSIGNED, TransactionIncluded.of("earlier", INCLUDED)], []),
        ([UNSIGNED, TransactionRefused("earlier", "", "")], []),
        ([HEDGE, INTENDED], [HEDGE, INTENDED]),
        ([HEDGE, HedgeUnknown("earlier", "earlier-0", "")], [HEDGE]),
        ([HEDGE, HedgeRejected("earlier", "earlier-0", "")], []),
        ([HEDGE, HedgeFilled("earlier", "earlier-0", "1", "1", "1", "0", "USDC")], []),
        ([HEDGE, HedgeRejected("earlier", "earlier-1", "")], [HEDGE]),
    ],
)
def test_an_intent_is_open_until_its_own_outcome_is_recorded(events: list[Event], left: list[Event]) -> None:
    assert list(unresolved(FakeJournal(events))) == left


def test_nothing_is_sent_while_an_earlier_transaction_may_still_be_included(plan: RoutePlan) -> None:
    desk, settlement = desk_after(plan, INTENDED)
    outcome = run(desk, plan)
    assert "may still be included" in outcome.denied
    assert HASH in outcome.denied
    assert settlement.sent == []


def test_a_transaction_that_was_included_meanwhile_is_recorded_and_stops_nothing(plan: RoutePlan) -> None:
    desk, settlement = desk_after(plan, INTENDED)
    settlement.receipts[HASH] = INCLUDED
    assert run(desk, plan).settled
    assert unresolved(desk.journal) == ()
    (late,) = (e.event for e in desk.journal.entries("earlier") if isinstance(e.event, TransactionIncluded))
    assert late == TransactionIncluded("earlier", HASH, 99, succeeded=True, gas_used=5, effective_gas_price=6)


def test_a_transaction_whose_nonce_went_to_another_is_recorded_as_refused_and_stops_nothing(plan: RoutePlan) -> None:
    desk, settlement = desk_after(plan, INTENDED)
    settlement.included = 8
    assert run(desk, plan).settled
    assert unresolved(desk.journal) == ()


@pytest.mark.parametrize(("nonces", "settles"), [(7, False), (8, True)])
def test_a_transaction_without_a_hash_is_judged_by_its_nonce(plan: RoutePlan, nonces: int, settles: bool) -> None:
    desk, settlement = desk_after(plan, UNSIGNED)
    settlement.included = nonces
    assert run(desk, plan).settled is settles
    assert unresolved(desk.journal) == (UNSIGNED,)


@pytest.mark.parametrize("elsewhere", [{"chain": "1:another fork"}, {"chain": ""}, {"sender": "0x" + "5" * 40}])
def test_what_is_open_on_another_chain_or_account_stops_nothing_and_stays_open(
    plan: RoutePlan, elsewhere: dict[str, str]
) -> None:
    intent = replace(INTENDED, **elsewhere)  # type: ignore[arg-type]
    desk, _ = desk_after(plan, intent)
    assert run(desk, plan).settled
    assert unresolved(desk.journal) == (intent,)


def test_a_chain_that_cannot_be_asked_stops_the_order(plan: RoutePlan) -> None:
    desk, settlement = desk_after(plan, INTENDED)
    settlement.on_receipt = Retryable("rpc", "ReadTimeout")
    assert "cannot be asked about" in run(desk, plan).denied
    assert settlement.sent == []


class Remembering(FakeExchange):
    """An exchange that says of an earlier order what the test wants."""

    status: OrderStatus | OmsError | None = None

    def order(self, client_order_id: str) -> ExchangeOrderReport | None:
        if isinstance(self.status, OmsError):
            raise self.status
        if client_order_id != HEDGE.client_order_id or self.status is None:
            return super().order(client_order_id)
        one, none = Decimal(1), Decimal(0)
        return ExchangeOrderReport(
            "paper", client_order_id, "1", "ETH/USDC", Side.SELL, self.status, one, none, None, ()
        )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (OrderStatus.OPEN, "still open"),
        (Retryable("paper", "no answer"), "cannot be asked about"),
        (OrderStatus.CLOSED, ""),
        (None, ""),
    ],
)
def test_an_earlier_child_order_that_may_be_open_stops_orders_that_use_its_exchange(
    plan: RoutePlan, hedged: RoutePlan, status: OrderStatus | OmsError | None, reason: str
) -> None:
    plain = exchange()
    venue = Remembering(plain.name, plain.book, plain.rules, plain.held)
    venue.status = status
    desk, _ = desk_after(hedged, HEDGE, exchanges=(venue,))
    outcome = run(desk, hedged)
    assert outcome.settled is not bool(reason)
    assert reason in outcome.denied
    on_chain, _ = desk_after(plan, HEDGE, exchanges=(venue,))
    assert run(on_chain, plan).settled
