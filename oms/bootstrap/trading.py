"""Planning and settling on an open fork: the path that `oms swap`, `oms simulate` and the demo share.

Owns: the order of opening, funding, planning and executing.
Must not: decide; `oms.application` does.
"""

from dataclasses import dataclass

from oms.adapters.makers.chain_time import chain_time
from oms.application.market_view import SilentVenue
from oms.application.plan_file import require_current
from oms.application.planning import PlanTerms, make_plan
from oms.application.quoting import QuoteReport
from oms.application.settling import Outcome, execute, new_order_id, preview
from oms.bootstrap.desk import OpenDesk, open_desk
from oms.bootstrap.quotes import OpenMarket, OrderWords
from oms.bootstrap.sessions import DESK
from oms.domain.plans import Intent, RoutePlan
from oms.domain.token import Token
from oms.domain.transactions import Simulation
from oms.risk.gate import CheckResult
from oms.units import ZERO_ADDRESS, Address, Bps


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person may set for a settlement; `None` takes the desk's settings."""

    slippage_bps: int | None = None
    deadline_seconds: int | None = None
    owner: Address = DESK
    funds: bool = True


class Trading:
    """A desk on an open fork."""

    def __init__(self, market: OpenMarket, terms: Terms) -> None:
        self.market = market
        self.terms = terms
        self.open_desk: OpenDesk = open_desk(
            market.settings,
            market.session,
            owner=terms.owner,
            exchanges=market.counterparties.exchanges,
            pulls_from_owner=terms.owner != DESK,
        )

    def close(self) -> None:
        """Close the journal."""
        self.open_desk.journal.close()

    def fund(self, token: Token, amount: int) -> bool:
        """Play money for the desk's own executor; another owner's real balances are left as they are."""
        if self.terms.owner != DESK or not self.terms.funds:
            return False
        return self.open_desk.fund_executor(token, amount)

    def plan(self, report: QuoteReport) -> tuple[RoutePlan, tuple[SilentVenue, ...]]:
        """The plan for a quote, with makers' signatures on it."""
        settings = self.market.settings
        ttl = self.terms.deadline_seconds or settings.deadline_seconds
        terms = PlanTerms(
            executor=self.open_desk.contracts.executor,
            slippage=Bps(self.terms.slippage_bps or settings.slippage_bps),
            deadline=chain_time(self.market.session.rpc) + ttl,
            max_hops=report.max_hops,
            pulls=self.open_desk.desk.account.pulls_from_owner,
        )
        return make_plan(report, terms, makers=self.market.makers, tokens=report.tokens, clock=self.market.clock)

    def require_current(self, plan: RoutePlan) -> None:
        """Refuse a plan for another chain, or past its deadline. Raises `InvalidRequest`."""
        session = self.market.session
        require_current(plan, chain_id=session.venues.chain_id, chain_time=chain_time(session.rpc))

    def preview(self, plan: RoutePlan) -> tuple[tuple[CheckResult, ...], Simulation | None]:
        """Check and simulate; nothing is recorded or sent."""
        return preview(self.open_desk.desk, plan)

    def execute(self, plan: RoutePlan) -> Outcome:
        """Run the order to its end."""
        return execute(self.open_desk.desk, plan, order_id=new_order_id())

    def residue(self, report: QuoteReport) -> "Residue":
        """What the executor still holds beside the order's two tokens, and what it allows anybody."""
        return residue(self.open_desk, report)

    def names(self) -> dict[Address, str]:
        """Accounts that a person should see by name."""
        contracts = self.open_desk.contracts
        known = {contracts.executor: "executor", contracts.owner: "owner"}
        for maker in self.market.counterparties.maker_addresses:
            known[maker] = "maker"
        return known


@dataclass(frozen=True, slots=True)
class Residue:
    """What a settlement left at the executor, in words, and whether that is nothing."""

    lines: tuple[str, ...]
    clean: bool


def residue(open_desk: OpenDesk, report: QuoteReport) -> Residue:
    """Balances of the tokens between, the native coin, and allowances to every venue."""
    executor, intent = open_desk.contracts.executor, report.intent
    between = [t for a, t in report.tokens.items() if t not in (intent.token_in, intent.token_out)]
    held = open_desk.settlement.balances([(executor, t.address) for t in between] + [(executor, ZERO_ADDRESS)])
    spenders = [open_desk.contracts.rfq_settlement, *(p.key.settles_at for p in report.view.snapshot.pools)]
    allowed = open_desk.allowances(list(report.tokens), dict.fromkeys(spenders))
    names = ", ".join(f"{raw} {t.symbol}" for t, raw in zip(between, held, strict=False))
    lines = (
        f"left between: {names}; native coin: {held[-1]} wei",
        f"allowances to {len(dict.fromkeys(spenders))} venues over {len(report.tokens)} tokens: {sum(allowed)}",
    )
    return Residue(lines, clean=not any(held) and not any(allowed))


def quote_for(market: OpenMarket, words: OrderWords) -> tuple[Intent, QuoteReport]:
    """The intent and its quote."""
    intent = market.intent(words)
    return intent, market.quote_intent(intent, venues=words.venues, max_hops=words.max_hops)
