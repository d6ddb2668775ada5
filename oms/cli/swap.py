"""`oms swap` and `oms simulate`: plan, check, simulate, settle on a fork, compare."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from oms.application.plan_file import read_plan, to_json_value
from oms.application.quoting import QuoteReport
from oms.application.sending import GateDenied as GateDenied
from oms.application.settling import Outcome
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.quotes import OrderWords, open_market
from oms.bootstrap.sessions import DESK, parse_account
from oms.bootstrap.trading import Terms, Trading, quote_for
from oms.cli import tables
from oms.cli.options import ChainWords, check_destination, on_chain, order_options, venue_set
from oms.cli.reverts import revert_lines, simulation_json
from oms.domain.plans import RoutePlan
from oms.domain.token import Token
from oms.domain.transactions import Simulation
from oms.errors import InvalidRequest, StateConflict
from oms.execution.revert_reasons import explain_revert
from oms.risk.gate import CheckResult
from oms.units import Address


@click.command()
@order_options
@on_chain
@click.option(
    "--slippage-bps", type=click.IntRange(1, 10_000), help="Least accepted output, below the plan. Default 30."
)
@click.option("--deadline", "deadline_seconds", type=click.IntRange(5, 3_600), help="Seconds the plan may live.")
@click.option("--account", metavar="ADDRESS", help="Act for this account on the fork, with its own balances.")
@click.option("--dry-run", is_flag=True, help="Stop after the simulation.")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Write the plan here.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write plan and outcome here.")
def swap(
    amount: str,
    token_in: str,
    token_out: str,
    *,
    buy: bool,
    venues: str | None,
    max_hops: int | None,
    given: ChainWords,
    slippage_bps: int | None,
    deadline_seconds: int | None,
    account: str | None,
    dry_run: bool,
    plan_file: Path | None,
    json_file: Path | None,
) -> None:
    """Swap AMOUNT of TOKEN_IN into TOKEN_OUT on a fork, by the best split over all venues.

    Shows the plan, the gate's findings and every balance that would change, settles the on-chain legs in one
    transaction, fills the off-chain leg, and compares predicted with realised amounts. Never sends to a live chain.

    \b
    Examples:
      oms swap 25 WETH USDC
      oms swap 25 WETH USDC --rpc-url https://your-node      on a local fork of it, with play money
      oms swap 5 WETH USDC --rpc-url https://your-node --account 0x…   with that account's own balances
    """
    check_destination(plan_file, option="plan")
    check_destination(json_file, option="json")
    settings = load_settings()
    words = OrderWords(amount, token_in, token_out, buy=buy, venues=venue_set(venues), max_hops=max_hops)
    terms = Terms(slippage_bps, deadline_seconds, owner=_owner(account))
    console = tables.terminal()
    with tables.progress("opening the chain"):
        opened = open_market(settings, given.opening(settles=True))
    with opened as market:
        trading = Trading(market, terms)
        try:
            _swap(console, trading, words, dry_run=dry_run, plan_file=plan_file, json_file=json_file)
        finally:
            trading.close()


def _owner(account: str | None) -> Address:
    if account is None:
        return DESK
    return parse_account(account)


def _swap(
    console: Console,
    trading: Trading,
    words: OrderWords,
    *,
    dry_run: bool,
    plan_file: Path | None,
    json_file: Path | None,
) -> None:
    with tables.progress("asking every venue"):
        intent, report = quote_for(trading.market, words)
    if trading.fund(intent.token_in, report.split.amount_in):
        given = tables.exact_amount(report.split.amount_in, intent.token_in)
        console.print(f"[dim]play money: the executor was given {given}[/]")
        _, report = quote_for(trading.market, words)
    plan, refusals = trading.plan(report)
    for refusal in refusals:
        console.print(f"[yellow]{tables.words(refusal.venue)} did not sign[/]: {tables.words(refusal.reason)}")
    if plan_file is not None:
        write_json(plan_file, {"plan": to_json_value(plan)})
    known = Known(plan)
    with written_at_the_end(known, json_file):
        settle_shown(console, trading, known, report, dry_run=dry_run)


@dataclass(slots=True)
class Known:
    """What is known of an order by now; `problem` is why its command ended, where that is not as it should."""

    plan: RoutePlan
    findings: tuple[CheckResult, ...] = ()
    simulation: Simulation | None = None
    denied: str = ""
    outcome: Outcome | None = None
    problem: str = ""


@contextmanager
def written_at_the_end(known: Known, path: Path | None) -> Iterator[None]:
    """However the order ends, `path` tells what is known of it. Raises `StateConflict` where the disk refuses."""
    try:
        yield
    except BaseException as problem:
        known.problem = str(problem) or "interrupted"
        with suppress(StateConflict):  # what ended the order is told; that its file is missing can be seen
            _write_known(known, path)
        raise
    _write_known(known, path)


def _write_known(known: Known, path: Path | None) -> None:
    if path is not None:
        write_json(path, known_json(known))


def settle_shown(console: Console, trading: Trading, known: Known, report: QuoteReport, *, dry_run: bool) -> None:
    """Show the plan, the gate and the simulation; settle; show what became of it.

    Raises `GateDenied` with nothing sent, and `StateConflict` when a leg was not settled, or not as predicted.
    """
    plan = known.plan
    tokens: dict[Address, Token] = dict(report.tokens)
    console.print(tables.plan_table(plan))
    tables.proof_lines(console, plan)
    tables.exposure_lines(console, plan)
    known.findings, simulation = trading.preview(plan)
    known.simulation = simulation
    console.print(tables.checks_table(known.findings))
    if simulation is not None:
        console.print(tables.simulation_line(simulation))
        if simulation.revert_data:
            revert_lines(console, explain_revert(simulation.revert_data))
        console.print(
            tables.changes_table(simulation.changes, tokens, trading.names(), title="balances that would change")
        )
    if dry_run:
        known.denied = "; ".join(f"{f.name}: {f.detail}" for f in known.findings if not f.passed)
        if known.denied:
            raise GateDenied(f"the gate refuses: {known.denied}")
        console.print("dry run: nothing was sent")
        return
    outcome = known.outcome = trading.execute(plan)
    known.findings, known.denied = outcome.findings, outcome.denied
    if outcome.denied:
        raise GateDenied(f"the gate refuses, nothing was sent: {outcome.denied}")
    show_outcome(console, outcome, tokens, report)
    require_settled(outcome)


def show_outcome(console: Console, outcome: Outcome, tokens: dict[Address, Token], report: QuoteReport) -> None:
    """Predicted against realised, and the net."""
    receipt = outcome.receipt
    if receipt is not None:
        console.print(
            f"settled in one transaction {receipt.transaction_hash} · block {receipt.block_number} · "
            f"{receipt.gas_used:,} gas (estimated {outcome.plan.gas:,})"
        )
    console.print(tables.outcome_table(outcome, tokens))
    console.print(tables.net_line(outcome, fees_in_output(report, outcome.fees_wei)))
    for hedge in outcome.hedges:
        if hedge.problem:
            console.print(f"[red]{tables.words(hedge.leg.venue)}: {tables.words(hedge.problem)}[/]")


def fees_in_output(report: QuoteReport, fees_wei: int) -> int:
    """What the chain took in base units of the output token, rounded up, at the price of the coin that was quoted."""
    gas_price = report.view.gas_price
    return math.ceil(Fraction(report.gas_cost.out_per_gas) * fees_wei / gas_price) if gas_price else 0


def require_settled(outcome: Outcome) -> None:
    """Raises `StateConflict` unless every leg was settled whole, and those on the chain as predicted."""
    if not outcome.settled:
        open_legs = "; ".join(f"{hedge.leg.venue}: {hedge.problem}" for hedge in outcome.hedges if hedge.problem)
        done = "the on-chain legs settled" if outcome.receipt is not None else "nothing went on chain"
        remedy = f"see `oms journal show --order {outcome.order_id}`, then fill the rest or undo it"
        raise StateConflict("order", f"{done}, and this is open: {open_legs}; {remedy}")
    if not outcome.exact:
        raise StateConflict("settlement", "an on-chain leg did not come out as predicted; please report this plan")


def known_json(known: Known) -> dict[str, Any]:
    """The plan and the gate's findings, what went wrong, and what became of each leg and asset, where it is known."""
    result: dict[str, Any] = {"plan": to_json_value(known.plan), "findings": to_json_value(known.findings)}
    result |= {name: text for name, text in (("denied", known.denied), ("problem", known.problem)) if text}
    refused = known.denied or known.problem
    if refused and known.simulation is not None and not known.simulation.succeeded:
        result["revert"] = simulation_json(known.simulation)["revert"]
    return result if known.outcome is None else result | outcome_json(known.plan, known.outcome)


def outcome_json(plan: RoutePlan, outcome: Outcome) -> dict[str, Any]:
    """Per leg and per asset predicted and realised amounts as strings; an asset is its symbol, where that is one's."""
    result: dict[str, Any] = {}
    result["legs"] = [to_json_value(leg) for leg in outcome.legs]
    result["hedges"] = [to_json_value(hedge) for hedge in outcome.hedges]
    given, wanted = plan.intent.token_in, plan.intent.token_out
    names = [given.symbol, wanted.symbol]
    if given.symbol == wanted.symbol:
        names = [f"{token.symbol}@{token.address}" for token in (given, wanted)]
    amounts = ((-plan.amount_in, -outcome.realised_in), (plan.amount_out, outcome.realised_out))
    assets = dict(zip(names, amounts, strict=True))
    result["assets"] = {
        name: {"predicted": str(predicted), "realised": str(realised)} for name, (predicted, realised) in assets.items()
    }
    result["order_id"] = outcome.order_id
    result["exact"] = outcome.exact
    result["settled"] = outcome.settled
    if outcome.receipt is not None:
        result["transaction"] = outcome.receipt.transaction_hash
        result["gas_used"] = str(outcome.receipt.gas_used)
        result["fees_wei"] = str(outcome.fees_wei)
    return result


def write_json(path: Path, value: Any) -> None:
    """Write, whole or not at all. Raises `StateConflict` where the disk refuses."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(json.dumps(value, indent=1) + "\n")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        reason = f"cannot write {path}: {error.strerror}; what was done is in `oms journal show`"
        raise StateConflict("json", reason) from error


@click.command()
@click.argument("plan_path", metavar="PLAN.json", type=click.Path(path_type=Path))
@on_chain
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
def simulate(plan_path: Path, *, given: ChainWords, as_json: bool) -> None:
    """What a plan would do on a fork now: balances, gas, transfers, or why it would revert.

    A revert is told by the contract's error with its arguments, in plain words, with whatever error it passes on; the
    exit code is 3 then.

    \b
    Examples:
      oms swap 25 WETH USDC --dry-run --plan plan.json
      oms simulate plan.json
      oms simulate plan.json --json
    """
    settings = load_settings()
    plan = read_plan(plan_path)
    if not plan.chain_legs:
        raise InvalidRequest("plan", "has no on-chain leg; there is nothing to simulate")
    with open_market(settings, given.opening(settles=True), with_counterparties=False) as market:
        trading = Trading(market, Terms())
        try:
            trading.require_current(plan)
            _simulate(None if as_json else tables.terminal(), trading, plan)
        finally:
            trading.close()


def _simulate(console: Console | None, trading: Trading, plan: RoutePlan) -> None:
    """Shown on the console, or as JSON without one. Raises `StateConflict` where it would revert."""
    trading.fund(plan.intent.token_in, plan.chain_amount_in)
    desk = trading.open_desk.desk
    simulation = desk.settlement.simulate(desk.build(plan))
    if console is None:
        click.echo(json.dumps(simulation_json(simulation), indent=1))
    else:
        _show_simulation(console, trading, plan, simulation)
    if not simulation.succeeded:
        raise StateConflict("simulation", f"would revert: {simulation.revert_reason}")


def _show_simulation(console: Console, trading: Trading, plan: RoutePlan, simulation: Simulation) -> None:
    tokens = {t.address: t for leg in plan.chain_legs for t in (leg.token_in, leg.token_out)}
    console.print(tables.plan_table(plan))
    console.print(tables.simulation_line(simulation))
    if simulation.revert_data:
        revert_lines(console, explain_revert(simulation.revert_data))
    if not simulation.succeeded:
        return
    console.print(tables.changes_table(simulation.changes, tokens, trading.names(), title="balances that would change"))
    console.print(tables.transfers_table(simulation.transfers, tokens, trading.names()))
