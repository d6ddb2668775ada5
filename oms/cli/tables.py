"""What a person sees: quotes, plans, balances and outcomes as tables.

Owns: layout, rounding for the eye, colour. Everything exact goes to `--json` instead.
Must not: compute anything that the rest of the system doesn't know.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from oms.application.quoting import QuoteReport, VenueQuote
from oms.application.settling import HedgeResult, Outcome
from oms.cli.foreign_words import printable
from oms.domain.plans import ExchangeLeg, RoutePlan, Side, SpendKind
from oms.domain.token import Token, TokenAmount
from oms.domain.transactions import BalanceChange, Simulation, TransferLog
from oms.risk.gate import CheckResult
from oms.units import BPS, ZERO_ADDRESS, Address, format_amount

SIGNIFICANT = 8
"""Digits of an amount that a table shows, from the first that isn't zero."""

PIPE_WIDTH = 140
"""Columns where no terminal says how many it has, so that a file or a pipe gets whole lines."""


def terminal() -> Console:
    """Where everything is printed."""
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def progress(what: str) -> AbstractContextManager[object]:
    """A spinner on the error stream while something takes its time; nothing where nobody watches."""
    return Console(stderr=True).status(what) if sys.stderr.isatty() else nullcontext()


def words(text: str) -> str:
    """What somebody else said, so that it can neither style our output nor break it."""
    return escape(printable(text))


def amount(raw: int, token: Token) -> str:
    """Rounded towards zero to some significant digits; never used for anything but showing."""
    leading = len(str(abs(raw))) - token.decimals
    return format_amount(raw, token.decimals, places=min(max(2, SIGNIFICANT - leading), token.decimals))


def compact_table(title: str) -> Table:
    """A table that fits eighty columns where it can."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def quote_table(report: QuoteReport) -> Table:
    """Every venue for the whole order, best net first."""
    intent = report.intent
    selling = intent.side is Side.SELL
    shown = intent.token_out if selling else intent.token_in
    table = compact_table(f"{intent} · block {report.view.snapshot.block.number}")
    table.add_column("venue", min_width=14, overflow="fold")
    table.add_column(f"{'out' if selling else 'in'} {shown}", justify="right", no_wrap=True)
    table.add_column(f"{intent.token_out}/{intent.token_in}", justify="right", no_wrap=True)
    for name in ("impact bp", "fee bp", "gas"):
        table.add_column(name, justify="right")
    table.add_column(f"net {shown}" if selling else f"in+gas {shown}", justify="right", style="bold", no_wrap=True)
    table.add_column("price is")
    table.add_column("age s", justify="right")
    best = report.best_single
    for row in report.rows:
        table.add_row(*_quote_cells(row, report), style="green" if row is best else None)
    return table


def _quote_cells(row: VenueQuote, report: QuoteReport) -> list[str]:
    if row.refusal:
        return [
            row.venue,
            Text(row.refusal, style="dim").plain,
            "",
            "",
            "",
            "",
            "",
            row.firmness,
            f"{row.age_seconds:.1f}",
        ]
    intent = report.intent
    if intent.side is Side.SELL:
        shown, net = amount(row.amount_out, intent.token_out), amount(row.net_out, intent.token_out)
    else:
        gas_in = -(-row.gas_cost * row.amount_in // max(1, row.amount_out))
        shown, net = amount(row.amount_in, intent.token_in), amount(row.amount_in + gas_in, intent.token_in)
    fee = (
        "in price"
        if row.firmness in ("indicative", "firm")
        else "varies"
        if row.fee_bps is None
        else f"{row.fee_bps:.2f}"
    )
    return [
        row.venue,
        shown,
        f"{float(row.price):,.6g}" if row.price < 1 else f"{float(row.price):,.4f}",
        f"{row.impact_bps:.2f}",
        fee,
        f"{row.gas // 1000}k" if row.gas else "-",
        net,
        row.firmness,
        f"{row.age_seconds:.1f}",
    ]


def quote_summary(console: Console, report: QuoteReport) -> None:
    """The best single venue, the split chosen, and what it gains."""
    intent, split, best = report.intent, report.split, report.best_single
    shown = intent.token_out if intent.side is Side.SELL else intent.token_in
    if best is not None:
        value = best.net_out if intent.side is Side.SELL else best.amount_in
        console.print(f"best single venue  [bold]{best.venue}[/]: {amount(value, shown)} {shown}")
    else:
        console.print("no single venue fills the whole order")
    table = compact_table("split")
    for name in ("leg", "share", "in", "out"):
        table.add_column(name, justify="left" if name == "leg" else "right")
    tokens = report.tokens
    for leg in split.legs:
        share = (
            f"{Decimal(leg.amount_in) / Decimal(split.amount_in):.1%}"
            if leg.edge.token_in == intent.token_in.address
            else ""
        )
        table.add_row(
            leg.edge.label,
            share,
            shown_amount(leg.amount_in, tokens[leg.edge.token_in]),
            shown_amount(leg.amount_out, tokens[leg.edge.token_out]),
        )
    console.print(table)
    total = split.net_out if intent.side is Side.SELL else split.amount_in
    gain = report.gain_bps
    gained = "" if gain is None else f", [bold green]{gain:+.2f} bp[/] against the best single venue, net of gas"
    word = "net" if intent.side is Side.SELL else "in"
    console.print(f"split {word} [bold]{amount(total, shown)} {shown}[/]{gained}")
    for silent in report.view.silent:
        console.print(f"[yellow]no price from {words(silent.venue)}[/]: {words(silent.reason)}")
    for skipped in report.view.snapshot.skipped:
        console.print(f"[dim]skipped {skipped.venue} {skipped.pool_id[:10]}…: {words(skipped.reason)}[/]")


def shown_amount(raw: int, token: Token) -> str:
    """A rounded amount with its symbol."""
    return f"{amount(raw, token)} {token}"


def plan_table(plan: RoutePlan) -> Table:
    """The plan's legs in settlement order."""
    table = compact_table(f"plan {plan.plan_id} · pinned to block {plan.block.number}")
    table.add_column("#", justify="right")
    table.add_column("leg")
    for name in ("in", "spends", "out"):
        table.add_column(name, justify="right")
    for index, leg in enumerate(plan.legs):
        if isinstance(leg, ExchangeLeg):
            rule = f"limit {leg.limit_price}"
        elif leg.spend.kind is SpendKind.SHARE:
            rule = f"{leg.spend.share / 2**32:.1%} of what is held"
        else:
            rule = "the rest" if leg.spend.kind is SpendKind.REST else "exactly"
        table.add_row(
            str(index),
            leg.venue if not isinstance(leg, ExchangeLeg) else f"{leg.venue} (off chain)",
            str(TokenAmount(leg.token_in, leg.amount_in)),
            rule,
            str(TokenAmount(leg.token_out, leg.amount_out)),
        )
    return table


def exposure_lines(console: Console, plan: RoutePlan) -> None:
    """What each off-chain leg leaves open until it is filled."""
    for leg in plan.exchange_legs:
        base, quote = leg.symbol.split(":")[0].split("/")
        exposure = leg.exposure
        console.print(
            f"open between settlement and fill: {exposure.open_amount.normalize():f} {base} "
            f"(≈ {exposure.notional:,.2f} {quote} at {leg.expected_price:,.2f}; "
            f"at the limit it costs {exposure.worst_case_cost:,.2f} {quote} more) · book: {words(leg.book_source)}"
        )


def checks_table(findings: Sequence[CheckResult]) -> Table:
    """The gate's findings."""
    table = compact_table("risk gate")
    for name in ("check", "", "detail"):
        table.add_column(name)
    for finding in findings:
        mark = Text("pass", style="green") if finding.passed else Text("FAIL", style="bold red")
        table.add_row(words(finding.name), mark, words(finding.detail))
    return table


def changes_table(
    changes: Sequence[BalanceChange], tokens: Mapping[Address, Token], names: Mapping[Address, str], *, title: str
) -> Table:
    """Every balance that changes."""
    table = compact_table(title)
    table.add_column("account")
    table.add_column("token")
    table.add_column("change", justify="right")
    for change in sorted(changes, key=lambda c: (names.get(c.account, "~" + c.account), c.token)):
        token = tokens.get(change.token)
        name = names.get(change.account, change.account)
        symbol = "ETH" if change.token == ZERO_ADDRESS else token.symbol if token else change.token
        decimals = 18 if change.token == ZERO_ADDRESS else token.decimals if token else 0
        text = format_amount(change.delta, decimals)
        table.add_row(
            name, symbol, Text(text if change.delta < 0 else "+" + text, style="red" if change.delta < 0 else "green")
        )
    return table


def transfers_table(
    transfers: Sequence[TransferLog], tokens: Mapping[Address, Token], names: Mapping[Address, str]
) -> Table:
    """Every token transfer, in order."""
    table = compact_table("transfers")
    for name in ("from", "to", "amount"):
        table.add_column(name, justify="right" if name == "amount" else "left")
    for log in transfers:
        token = tokens.get(log.token)
        text = str(TokenAmount(token, log.amount)) if token else f"{log.amount} of {log.token}"
        table.add_row(names.get(log.sender, log.sender), names.get(log.recipient, log.recipient), text)
    return table


def simulation_line(simulation: Simulation) -> str:
    """One line about a simulation."""
    if simulation.succeeded:
        return f"simulated the exact transaction: succeeds, {simulation.gas_used:,} gas"
    return f"simulated the exact transaction: [red]would revert[/]: {words(simulation.revert_reason)}"


def outcome_table(outcome: Outcome, tokens: Mapping[Address, Token]) -> Table:
    """Predicted against realised, leg by leg and in total."""
    plan = outcome.plan
    table = compact_table("predicted against realised")
    table.add_column("leg")
    for name in ("in predicted", "in realised", "out predicted", "out realised", "difference"):
        table.add_column(name, justify="right")
    for leg in outcome.legs:
        token_in, token_out = tokens[leg.token_in], tokens[leg.token_out]
        table.add_row(
            leg.venue,
            str(TokenAmount(token_in, leg.predicted_in)),
            str(TokenAmount(token_in, leg.realised_in)),
            str(TokenAmount(token_out, leg.predicted_out)),
            str(TokenAmount(token_out, leg.realised_out)),
            _difference(leg.realised_out - leg.predicted_out, token_out),
        )
    for hedge in outcome.hedges:
        table.add_row(*_hedge_cells(hedge))
    table.add_section()
    token_in, token_out = plan.intent.token_in, plan.intent.token_out
    table.add_row(
        "total",
        str(TokenAmount(token_in, plan.amount_in)),
        str(TokenAmount(token_in, outcome.realised_in)),
        str(TokenAmount(token_out, plan.amount_out)),
        str(TokenAmount(token_out, outcome.realised_out)),
        _difference(outcome.realised_out - plan.amount_out, token_out),
        style="bold",
    )
    return table


def _hedge_cells(hedge: HedgeResult) -> list[str | Text]:
    leg = hedge.leg
    return [
        f"{leg.venue} (off chain)",
        str(TokenAmount(leg.token_in, leg.amount_in)),
        str(TokenAmount(leg.token_in, hedge.realised_in)),
        str(TokenAmount(leg.token_out, leg.amount_out)),
        str(TokenAmount(leg.token_out, hedge.realised_out)),
        _difference(hedge.realised_out - leg.amount_out, leg.token_out),
    ]


def _difference(raw: int, token: Token) -> Text:
    if raw == 0:
        return Text("0", style="green")
    return Text(f"{format_amount(raw, token.decimals)} {token}", style="yellow")


def net_line(outcome: Outcome, gas_cost: int) -> str:
    """What the order brought after gas."""
    plan = outcome.plan
    net = outcome.realised_out - gas_cost
    token = plan.intent.token_out
    predicted = plan.net_out
    drift = (net - predicted) / predicted * BPS if predicted > 0 else 0.0
    return f"net of gas [bold]{amount(net, token)} {token}[/] (predicted {amount(predicted, token)}, {drift:+.3f} bp)"
