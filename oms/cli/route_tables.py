"""A route and its reasons for the eye: the legs, the ways, the prices, what was left out, and a tree.

Owns: layout and rounding of `oms route`. Must not: compute anything that the explanation doesn't say.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from oms.application.explaining import ExplainedLeg, Explanation
from oms.application.quoting import QuoteReport, path_label
from oms.application.unused_venues import UnusedVenue, UnusedVenues, WhyUnused
from oms.cli.tables import WIDE, amount, compact_table, shown_amount, words
from oms.domain.plans import Side
from oms.domain.token import Token
from oms.units import BPS, Address, format_amount

_MEANING = {
    WhyUnused.PRICE: "its price is worse",
    WhyUnused.GAS: "would pay before gas, not after",
    WhyUnused.TOO_SHALLOW: "pays less than a leg is worth",
    WhyUnused.CLOSES_A_CIRCLE: "the plan trades the other way round",
    WhyUnused.SHARES_A_STATE: "draws on the same balance as a leg",
    WhyUnused.ALL_OR_NOTHING: "can only be had whole",
    WhyUnused.NO_PATH: "on no way of allowed length",
    WhyUnused.NO_PRICE: "trades nothing now",
    WhyUnused.IN_THE_GAP: "might add something; the gap counts it",
}


class Explained(NamedTuple):
    """What is shown: the quote, its explanation, and what it leaves alone."""

    report: QuoteReport
    explanation: Explanation
    unused: UnusedVenues


def price(value: float, token_in: Token, token_out: Token) -> str:
    """A price in base units as whole output tokens per whole input token."""
    return f"{value * 10.0 ** (token_in.decimals - token_out.decimals):,.8g}"


def leg_table(shown: Explained, *, width: int) -> Table:
    """The plan leg by leg, in settlement order."""
    tokens, out = shown.report.tokens, shown.report.intent.token_out
    wide = width >= WIDE
    table = compact_table(words(f"{shown.report.intent} · block {shown.report.view.snapshot.block.number}"))
    table.add_column("venue", overflow="fold")
    for name in ("in", "out", "share", "price before", "after", *(("gas", "charge") if wide else ()), "earns"):
        table.add_column(name, justify="right")
    for leg in shown.explanation.legs:
        given, got = tokens[leg.edge.token_in], tokens[leg.edge.token_out]
        charge = amount(leg.fill.charge, got) if leg.fill.charge else "-"
        extra = (f"{leg.fill.gas // 1000}k" if leg.fill.gas else "-", charge) if wide else ()
        table.add_row(
            words(leg.edge.label),
            shown_amount(leg.fill.amount_in, given),
            shown_amount(leg.fill.amount_out, got),
            f"{float(leg.share):.2%}",
            price(leg.price_before, given, got),
            price(leg.price_after, given, got),
            *extra,
            shown_amount(round(leg.surplus), out),
        )
    return table


def part_lines(console: Console, shown: Explained) -> None:
    """What a leg through an exchange is made of."""
    tokens = shown.report.tokens
    for leg in shown.explanation.legs:
        if len(leg.parts) == 1:
            continue
        got = tokens[leg.edge.token_out]
        console.print(f"[bold]{words(leg.edge.label)}[/] is made of")
        for part in leg.parts:
            cost = f", costs {shown_amount(part.cost, got)} ({part.cost_bps:.3g} bp)" if part.cost else ""
            console.print(f"  {words(part.label)}: {words(_place(part.source))} → {words(_place(part.target))}{cost}")


def _place(node: object) -> str:
    return str(node)


def way_table(shown: Explained) -> Table:
    """Every used way from input to output with the rate of its last unit."""
    intent, best = shown.report.intent, max(path.rate for path in shown.explanation.paths)
    table = compact_table("ways, and the rate at which each sold its last unit")
    table.add_column("way", overflow="fold")
    for name in ("share", "in", f"last {words(f'{intent.token_out}/{intent.token_in}')}", "below best bp"):
        table.add_column(name, justify="right")
    for path in shown.explanation.paths:
        table.add_row(
            words(path_label(path.edges, shown.report.tokens)),
            f"{path.share:.2%}",
            shown_amount(path.amount_in, intent.token_in),
            price(path.rate, intent.token_in, intent.token_out),
            f"{(best - path.rate) / best * BPS if best else 0.0:.3f}",
        )
    return table


def value_table(shown: Explained) -> Table:
    """What each token in play is worth: by the dual of the problem without gas, and at the plan's own last prices."""
    found, out = shown.explanation, shown.report.intent.token_out
    table = compact_table(words(f"what one token is worth in {out}"))
    for name in ("token", "dual price", "plan's last price", "apart bp"):
        table.add_column(name, justify="left" if name == "token" else "right")
    for address in found.tokens:
        token, own, dual = shown.report.tokens[address], found.values[address], found.duals.get(address)
        table.add_row(
            words(token.symbol),
            "-" if dual is None else price(dual, token, out),
            price(own, token, out),
            "-" if dual is None else f"{(own / dual - 1.0) * BPS:+.3f}",
        )
    return table


def unused_table(shown: Explained) -> Table:
    """The nearest of what the plan leaves alone."""
    intent, tokens = shown.report.intent, shown.report.tokens
    table = compact_table("left out, nearest first")
    table.add_column("venue", overflow="fold")
    table.add_column("trades")
    for name in (f"last {words(f'{intent.token_out}/{intent.token_in}')}", "behind bp"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    for venue in shown.unused.nearest:
        table.add_row(
            words(venue.label),
            words(f"{tokens[venue.token_in]}→{tokens[venue.token_out]}"),
            price(venue.rate, intent.token_in, intent.token_out),
            f"{venue.behind_bps or 0.0:.2f}",
            words(f"{venue.why}: {_why(venue, intent.token_out)}"),
        )
    return table


def _why(venue: UnusedVenue, out: Token) -> str:
    meaning = _MEANING[venue.why]
    if venue.why is WhyUnused.GAS:
        return (
            f"{meaning}: adds at most {amount(round(venue.gain), out)}, its gas is {amount(venue.gas_cost, out)} {out}"
        )
    if venue.why is WhyUnused.IN_THE_GAP:
        return f"might add up to {amount(round(venue.gain), out)} {out}; the gap counts it"
    return meaning


def unused_lines(console: Console, shown: Explained) -> None:
    """What the table has no room for, and what could not be read at all."""
    named = {venue.why: 0 for venue in shown.unused.nearest}
    for venue in shown.unused.nearest:
        named[venue.why] += 1
    rest = {why: count - named.get(why, 0) for why, count in shown.unused.counts.items()}
    told = ", ".join(f"{count} {why}" for why, count in sorted(rest.items()) if count)
    if told:
        console.print(f"[dim]and {shown.unused.rest} more: {words(told)}[/]")
    for skipped in shown.report.view.snapshot.skipped:
        console.print(f"[dim]skipped {words(skipped.venue)} {words(skipped.pool_id[:10])}…: {words(skipped.reason)}[/]")
    for silent in shown.report.view.silent:
        console.print(f"[yellow]no price from {words(silent.venue)}[/]: {words(silent.reason)}")


def flow_tree(shown: Explained) -> Tree:
    """The plan as a tree: token, the legs that sell it, the token that each brings; a token is opened once."""
    tokens, found = shown.report.tokens, shown.explanation
    leaving: dict[Address, list[ExplainedLeg]] = {}
    for leg in sorted(found.legs, key=lambda leg: -leg.share):
        leaving.setdefault(leg.edge.token_in, []).append(leg)
    root = Tree(f"[bold]{shown_amount(found.route.allocation.amount_in, tokens[found.token_in])}[/]", highlight=False)
    _branch(root, found.token_in, leaving, tokens, set())
    return root


def _branch(
    tree: Tree,
    token: Address,
    leaving: Mapping[Address, list[ExplainedLeg]],
    tokens: Mapping[Address, Token],
    opened: set[Address],
) -> None:
    opened.add(token)
    for leg in leaving.get(token, ()):
        reached = leg.edge.token_out
        goes_on = "" if reached not in leaving else " (as above)" if reached in opened else ""
        got = shown_amount(leg.fill.amount_out, tokens[reached])
        branch = tree.add(f"{float(leg.share):>6.1%}  [cyan]{words(leg.edge.label)}[/] → [bold]{got}[/]{goes_on}")
        if len(leg.parts) > 1:
            branch.add(f"[dim]{words(' · '.join(part.label for part in leg.parts))}[/]")
        if reached not in opened:
            _branch(branch, reached, leaving, tokens, opened)


def proof_lines(console: Console, shown: Explained) -> None:
    """Rate, bound, arbitrage, gap, gas and net."""
    report, found = shown.report, shown.explanation
    intent, route = report.intent, report.route
    certificate, plan = route.certificate, route.allocation
    selling = intent.side is Side.SELL
    bounded = intent.token_out if selling else intent.token_in
    console.print(rate_line(shown))
    result = plan.amount_out if selling else plan.amount_in
    after = ""
    if plan.charges and selling:
        after = f", {shown_amount(plan.amount_out - plan.charges, bounded)} after its exchanges' charges"
    console.print(f"{'brings' if selling else 'takes'} [bold]{shown_amount(result, bounded)}[/]{after}")
    limit = "no plan brings more than" if selling else "no plan takes less than"
    counted = "after charges, before gas, arbitrage apart" if plan.charges else "before gas and arbitrage apart"
    console.print(f"bound: {limit} {shown_amount(certificate.bound, bounded)} here, {counted}")
    if certificate.arbitrage:
        console.print(f"arbitrage apart: {shown_amount(certificate.arbitrage, bounded)} with no order at all")
    why = f" ({words(certificate.reason)})" if certificate.reason else ""
    console.print(f"gap [bold]{certificate.gap_bps:.4f} bp[/]{why}; {route.considered} edges considered")
    cost = shown_amount(report.gas_cost.of(plan.gas), intent.token_out)
    ether = format_amount(report.gas_wei, 18, places=8)
    charges = f", charges {shown_amount(plan.charges, intent.token_out)}" if plan.charges else ""
    console.print(
        f"gas {plan.gas:,} = {ether} ETH = {cost}{charges}; net [bold]{shown_amount(plan.net_out, intent.token_out)}[/]"
    )
    output = "the output after charges" if plan.charges else "the output"
    console.print(
        f"of {output} {shown_amount(round(found.rate * plan.amount_in), intent.token_out)} is the order at its last "
        f"rate, {shown_amount(round(found.surplus), intent.token_out)} what the legs earn above it"
    )


def rate_line(shown: Explained) -> str:
    """The order's marginal rate, and whether every way ends at it."""
    intent, found = shown.report.intent, shown.explanation
    last = price(found.rate, intent.token_in, intent.token_out)
    pair = words(f"{intent.token_out}/{intent.token_in}")
    if len(found.paths) < 2:
        return f"the last unit sold at {last} {pair}, on the one way used"
    if not found.spread_reason:
        return (
            f"the last unit sold at {last} {pair} on each of {len(found.paths)} ways ({found.spread_bps:.3f} bp apart)"
        )
    why = words(found.spread_reason)
    return f"the last unit sold at {last} {pair} on average; the ways end {found.spread_bps:.2f} bp apart: {why}"
