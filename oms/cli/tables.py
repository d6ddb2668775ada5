"""What a person sees: quotes, plans, balances and outcomes as tables.

Owns: layout, rounding for the eye, colour. Everything exact goes to `--json` instead.
Must not: compute anything that the rest of the system doesn't know.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from oms.application.hedging import HedgeResult
from oms.application.quoting import QuoteReport, VenueQuote
from oms.application.settling import Outcome
from oms.cli.foreign_words import printable
from oms.domain.plans import ExchangeLeg, Intent, RoutePlan, Side, SpendKind
from oms.domain.token import Token, TokenAmount
from oms.domain.transactions import BalanceChange, Simulation, TransferLog
from oms.risk.gate import CheckResult
from oms.routing.certificate import Certificate
from oms.units import BPS, ZERO_ADDRESS, Address, format_amount

SIGNIFICANT = 8
"""Digits of an amount that a table shows, from the first that isn't zero."""

WIDE = 112
"""Columns of a terminal from which a quote's table shows all of its own."""

COIN_DECIMALS = 18
"""Of every chain's own coin."""

PIPE_WIDTH = 140
"""Columns where no terminal says how many it has, so that a file or a pipe gets whole lines."""


def terminal() -> Console:
    """Where everything is printed."""
    return Console(emoji=False) if sys.stdout.isatty() else Console(width=PIPE_WIDTH, emoji=False)


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


def quote_table(report: QuoteReport, *, width: int) -> Table:
    """Every venue for the whole order, best net first; with fewer columns where `width` is short of them."""
    intent = report.intent
    selling = intent.side is Side.SELL
    shown = intent.token_out if selling else intent.token_in
    block = report.view.snapshot.block
    mined = datetime.fromtimestamp(block.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    wide = width >= WIDE
    table = compact_table(words(f"{intent} · block {block.number}, {mined}"))
    table.add_column("venue", min_width=14, overflow="fold")
    table.add_column(words(f"{'out' if selling else 'in'} {shown}"), justify="right", no_wrap=True)
    table.add_column(words(f"{intent.token_out}/{intent.token_in}"), justify="right", no_wrap=True)
    for name in ("impact bp", "fee bp", "gas") if wide else ("impact bp", "fee bp"):
        table.add_column(name, justify="right")
    net_title = words(f"net {shown}" if selling else f"in+gas {shown}")
    table.add_column(net_title, justify="right", style="bold", no_wrap=True)
    if wide:
        table.add_column("price is")
        table.add_column("read s ago", justify="right")
    best = report.best_single
    for row in report.rows:
        cells = _quote_cells(row, report)
        if not wide:  # what the missing columns would say of a price that is no pool's goes to the name
            kind = "" if row.firmness == "pool state" else f" ({words(row.firmness)})"
            cells = [cells[0] + kind, *cells[1:5], cells[6]]
        table.add_row(*cells, style="green" if row is best else None)
    return table


def _quote_cells(row: VenueQuote, report: QuoteReport) -> list[str]:
    if row.refusal:
        blank = [""] * 5
        return [words(row.venue), words(row.refusal), *blank, words(row.firmness), f"{row.age_seconds:.1f}"]
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
        words(row.venue),
        shown,
        f"{float(row.price):,.6g}" if row.price < 1 else f"{float(row.price):,.4f}",
        f"{row.impact_bps:.2f}",
        fee,
        f"{row.gas // 1000}k" if row.gas else "-",
        net,
        words(row.firmness),
        f"{row.age_seconds:.1f}",
    ]


def quote_summary(console: Console, report: QuoteReport) -> None:
    """The best single venue, the split chosen, and what it gains."""
    intent, split, best = report.intent, report.split, report.best_single
    shown = intent.token_out if intent.side is Side.SELL else intent.token_in
    if best is not None:
        value = best.net_out if intent.side is Side.SELL else best.amount_in
        console.print(f"best single venue  [bold]{words(best.venue)}[/]: {shown_amount(value, shown)}")
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
            words(leg.edge.label),
            share,
            shown_amount(leg.amount_in, tokens[leg.edge.token_in]),
            shown_amount(leg.amount_out, tokens[leg.edge.token_out]),
        )
    console.print(table)
    total = split.net_out if intent.side is Side.SELL else split.amount_in
    gain = report.gain_bps
    gained = "" if gain is None else f", [bold green]{gain:+.2f} bp[/] against the best single venue, net of gas"
    word = "net" if intent.side is Side.SELL else "in"
    console.print(f"split {word} [bold]{shown_amount(total, shown)}[/]{gained}")
    console.print(bound_line(intent, report.route.certificate))
    gas_cost = report.gas_cost.of(split.gas)
    console.print(
        costs_line(intent.token_out, gas=split.gas, gas_wei=report.gas_wei, gas_cost=gas_cost, charges=split.charges)
    )
    for note in report.notes:
        console.print(f"[yellow]{words(note)}[/]")
    for silent in report.view.silent:
        console.print(f"[yellow]no price from {words(silent.venue)}[/]: {words(silent.reason)}")
    for skipped in report.view.snapshot.skipped:
        console.print(f"[dim]skipped {words(skipped.venue)} {words(skipped.pool_id[:10])}…: {words(skipped.reason)}[/]")


def bound_line(intent: Intent, proof: Certificate | RoutePlan) -> str:
    """What nothing could better, how far the split is from it and why, and the arbitrage that is no part of it."""
    selling = intent.side is Side.SELL
    token, most = (intent.token_out, "at most") if selling else (intent.token_in, "at least")
    gap = round(proof.gap_bps, 2) + 0.0  # no negative zero
    why = proof.gap_reason if isinstance(proof, RoutePlan) else proof.reason
    reason = f" ({words(why)})" if why else ""
    apart = f"; arbitrage apart {shown_amount(proof.arbitrage, token)}" if proof.arbitrage else ""
    return f"bound {most} {shown_amount(proof.bound, token)} before gas, gap [bold]{gap:.2f} bp[/]{reason}{apart}"


def costs_line(token_out: Token, *, gas: int, gas_wei: int, gas_cost: int, charges: int) -> str:
    """Gas in the chain's coin and in the output token, and what an exchange's fill is expected to cost beside it."""
    fee = format_amount(gas_wei, COIN_DECIMALS, places=9)
    besides = f"; hedge and transfers {shown_amount(charges, token_out)}" if charges else ""
    return f"gas {gas:,}: {fee} of the chain's coin, {shown_amount(gas_cost, token_out)}{besides}"


def shown_amount(raw: int, token: Token) -> str:
    """A rounded amount with its symbol."""
    return f"{amount(raw, token)} {words(token.symbol)}"


def exact_amount(raw: int, token: Token) -> str:
    """Every digit of an amount, with its symbol."""
    return words(str(TokenAmount(token, raw)))


def plan_table(plan: RoutePlan) -> Table:
    """The plan's legs in settlement order."""
    table = compact_table(f"plan {words(plan.plan_id)} · pinned to block {plan.block.number}")
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
            words(leg.venue if not isinstance(leg, ExchangeLeg) else f"{leg.venue} (off chain)"),
            exact_amount(leg.amount_in, leg.token_in),
            rule,
            exact_amount(leg.amount_out, leg.token_out),
        )
    return table


def proof_lines(console: Console, plan: RoutePlan) -> None:
    """How good the plan can at most be said to be, and what it costs beside its amounts."""
    console.print(bound_line(plan.intent, plan))
    console.print(
        costs_line(
            plan.intent.token_out, gas=plan.gas, gas_wei=plan.gas_wei, gas_cost=plan.gas_cost, charges=plan.charges
        )
    )


def exposure_lines(console: Console, plan: RoutePlan) -> None:
    """What each off-chain leg leaves open until it is filled."""
    for leg in plan.exchange_legs:
        base, quote = words(leg.symbol).split(":")[0].split("/")
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
        symbol = words("ETH" if change.token == ZERO_ADDRESS else token.symbol if token else change.token)
        decimals = COIN_DECIMALS if change.token == ZERO_ADDRESS else token.decimals if token else 0
        text = format_amount(change.delta, decimals)
        shown = Text(text, style="red") if change.delta < 0 else Text(f"+{text}", style="green")
        table.add_row(words(name), symbol, shown)
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
        text = exact_amount(log.amount, token) if token else f"{log.amount} of {log.token}"
        sender, recipient = (words(names.get(who, who)) for who in (log.sender, log.recipient))
        table.add_row(sender, recipient, text)
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
            words(leg.venue),
            exact_amount(leg.predicted_in, token_in),
            exact_amount(leg.realised_in, token_in),
            exact_amount(leg.predicted_out, token_out),
            exact_amount(leg.realised_out, token_out),
            _difference(leg.realised_out - leg.predicted_out, token_out),
        )
    for hedge in outcome.hedges:
        table.add_row(*_hedge_cells(hedge))
    table.add_section()
    token_in, token_out = plan.intent.token_in, plan.intent.token_out
    table.add_row(
        "total",
        exact_amount(plan.amount_in, token_in),
        exact_amount(outcome.realised_in, token_in),
        exact_amount(plan.amount_out, token_out),
        exact_amount(outcome.realised_out, token_out),
        _difference(outcome.realised_out - plan.amount_out, token_out),
        style="bold",
    )
    return table


def _hedge_cells(hedge: HedgeResult) -> list[str | Text]:
    leg = hedge.leg
    return [
        words(f"{leg.venue} (off chain)"),
        exact_amount(leg.amount_in, leg.token_in),
        exact_amount(hedge.realised_in, leg.token_in),
        exact_amount(leg.amount_out, leg.token_out),
        exact_amount(hedge.realised_out, leg.token_out),
        _difference(hedge.realised_out - leg.amount_out, leg.token_out),
    ]


def _difference(raw: int, token: Token) -> Text:
    if raw == 0:
        return Text("0", style="green")
    return Text(printable(f"{format_amount(raw, token.decimals)} {token}"), style="yellow")


def net_line(outcome: Outcome, gas_cost: int) -> str:
    """What the order brought after gas."""
    plan = outcome.plan
    net = outcome.realised_out - gas_cost
    token = plan.intent.token_out
    predicted = plan.amount_out - plan.gas_cost  # charges are expectations, not payments
    drift = (net - predicted) / predicted * BPS if predicted > 0 else 0.0
    return f"net of gas [bold]{shown_amount(net, token)}[/] (predicted {amount(predicted, token)}, {drift:+.3f} bp)"
