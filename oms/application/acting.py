"""What an owner does with an executor beside trading: simulate the very call, judge, record, send.

Owns: the order of these steps for one call of an executor. Must not: build the call, or send what the gate refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.application.sending import GateDenied, require_success, send_recorded
from oms.application.unresolved import nothing_unresolved
from oms.domain.events import OrderApproved, OrderDenied, SimulationFailed
from oms.domain.transactions import AccountRequest, Receipt, Simulation
from oms.errors import StateConflict
from oms.execution.revert_reasons import explain_revert
from oms.execution.signed_plans import PlanResult, plan_results
from oms.ports.journal import Journal
from oms.ports.settlement import Settlement
from oms.risk.gate import CheckResult, Denied, judge
from oms.units import Address


@dataclass(frozen=True, slots=True)
class Act:
    """One call of an executor; `purpose` is its name in the journal."""

    purpose: str
    request: AccountRequest
    findings: tuple[CheckResult, ...] = ()
    watch: Sequence[tuple[Address, Address]] = ()
    """Balances to look at, by account and token, beside those that move by themselves."""
    takes_away: bool = False
    """It stops or ends something, and so waits for nothing that was sent before."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """An act that was simulated, with all that the gate is told."""

    act: Act
    findings: tuple[CheckResult, ...]
    simulation: Simulation

    @property
    def refused(self) -> tuple[CheckResult, ...]:
        """What stands against it, the simulation apart."""
        return tuple(each for each in self.findings if not each.passed and each.name != "simulation")


def preview_act(journal: Journal, settlement: Settlement, act: Act) -> Previewed:
    """Check and simulate; nothing is sent."""
    simulation = settlement.simulate(act.request.transaction, watch=act.watch)
    earlier = () if act.takes_away else (nothing_unresolved(journal, settlement, (), used=frozenset()),)
    return Previewed(act, (*act.findings, *earlier, _simulated(simulation)), simulation)


def require_sound(previewed: Previewed) -> None:
    """Raises `GateDenied` for a finding against it, `StateConflict` where it would revert."""
    if previewed.refused:
        denied = "; ".join(f"{each.name}: {each.detail}" for each in previewed.refused)
        raise GateDenied(f"the gate refuses, nothing was sent: {denied}")
    if not previewed.simulation.succeeded:
        raise StateConflict("simulation", f"would revert: {previewed.simulation.revert_reason}")


def perform(journal: Journal, settlement: Settlement, previewed: Previewed, *, order_id: str) -> Receipt:
    """Send what was previewed. Raises `GateDenied`, `StateConflict` where it reverts, `OutcomeUnknown`."""
    act = previewed.act
    verdict = judge(act.request, previewed.findings)
    if isinstance(verdict, Denied):
        if not previewed.simulation.succeeded:
            journal.append(SimulationFailed(order_id, previewed.simulation.revert_reason))
        journal.append(OrderDenied(order_id, act.purpose, verdict.reason))
        require_sound(previewed)
        raise GateDenied(f"the gate refuses, nothing was sent: {verdict.reason}")
    passed = "; ".join(f"{each.name}: {each.detail}" for each in verdict.checks)
    journal.append(OrderApproved(order_id, act.purpose, passed))
    receipt = send_recorded(journal, settlement, order_id, verdict, purpose=act.purpose)
    require_success(receipt, act.purpose, remedy="look at it again with `oms account`")
    return receipt


def results_of(simulation: Simulation) -> tuple[PlanResult, ...]:
    """What each plan of a simulated batch did. Raises `StateConflict` where the executor answered otherwise."""
    try:
        return plan_results(simulation.output)
    except ValueError as error:
        raise StateConflict("simulation", f"the executor answered {error}; see `oms deployed`") from error


def something_done(results: Iterable[PlanResult]) -> CheckResult:
    """At least one plan would run: a batch that does nothing costs gas all the same."""
    found = tuple(results)
    done = sum(each.done for each in found)
    if done:
        return CheckResult("batch", passed=True, detail=f"{done} of {len(found)} plans would run")
    why = explain_revert(found[0].reason).sentence if found else "it holds none"
    return CheckResult("batch", passed=False, detail=f"no plan would run: {why}")


def nothing_taken_from(sender: Address, simulation: Simulation) -> CheckResult:
    """Whoever sends for another loses nothing but gas: the contract in a file may be anything that answers like one."""
    fell = next((each for each in simulation.changes if each.account == sender and each.delta < 0), None)
    if fell is None:
        return CheckResult("relayer", passed=True, detail="loses nothing but gas")
    lost = f"would lose {-fell.delta} base units of {fell.token}"
    return CheckResult("relayer", passed=False, detail=f"{lost}; send nothing that takes from whoever sends it")


def _simulated(simulation: Simulation) -> CheckResult:
    if simulation.succeeded:
        return CheckResult("simulation", passed=True, detail=f"would succeed, {simulation.gas_used:,} gas")
    return CheckResult("simulation", passed=False, detail=f"would revert: {simulation.revert_reason}")
