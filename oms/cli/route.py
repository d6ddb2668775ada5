"""`oms route`: the plan for an order and why it is this one; as tables, a tree, JSON or a drawing."""

import json
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from oms.application.explaining import ExplainedLeg, explain
from oms.application.plan_file import to_json_value
from oms.application.quoting import QuoteReport
from oms.application.unused_venues import UnusedVenue, unused_venues
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.quotes import OrderWords, open_market
from oms.cli import route_tables as tables
from oms.cli.flow_drawing import already_there, drawing, write_whole
from oms.cli.options import ChainWords, check_destination, on_chain, order_options, venue_set
from oms.cli.route_tables import Explained
from oms.cli.tables import progress, terminal
from oms.routing.route import RouteTerms


@click.command()
@order_options
@on_chain
@click.option("--explain", "explains", is_flag=True, help="Why this plan: ways, prices, bound, and what was left out.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw the plan into this file.")
@click.option("--force", is_flag=True, help="Replace the drawing that is there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
def route(
    amount: str,
    token_in: str,
    token_out: str,
    *,
    buy: bool,
    venues: str | None,
    max_hops: int | None,
    given: ChainWords,
    explains: bool,
    svg: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """The best plan for AMOUNT of TOKEN_IN in TOKEN_OUT, and how far it can be from the best there is.

    With --explain: what each leg earns, that all ways end at one rate, the tokens' dual prices, the bound, and the
    nearest venues that were left out with the reason. Nothing is signed or sent.

    \b
    Examples:
      oms route 400 WETH USDC
      oms route 400 WETH USDC --explain --svg plan.svg
      oms route 250000 USDC WETH --explain --max-hops 3 --rpc-url https://your-node
      oms route 10 WETH USDC --buy --json              WETH that buys 10 USDC
    """
    check_destination(svg, option="svg")
    if svg is not None and svg.exists() and not force:
        raise already_there(svg)
    settings = load_settings()
    words = OrderWords(amount, token_in, token_out, buy=buy, venues=venue_set(venues), max_hops=max_hops)
    with (
        progress("asking every venue"),
        open_market(settings, given.opening(settles=False)) as market,
    ):
        report = market.quote(words)
    show(explained(report), explains=explains, svg=svg, force=force, as_json=as_json)


def explained(report: QuoteReport) -> Explained:
    """A quote with its explanation, on the market that it was routed over."""
    explanation = explain(report.route, report.prepared)
    terms = RouteTerms(report.gas_cost, report.max_hops)
    return Explained(report, explanation, unused_venues(explanation, report.prepared, terms))


def show(shown: Explained, *, explains: bool, svg: Path | None, force: bool, as_json: bool) -> None:
    """Print what was asked for, and write the drawing."""
    if svg is not None:
        write_whole(svg, route_drawing(shown), force=force)
    if as_json:
        click.echo(json.dumps(route_json(shown), indent=1))
        return
    console = terminal()
    console.print(tables.leg_table(shown, width=console.width))
    if explains:
        tables.part_lines(console, shown)
        console.print(tables.flow_tree(shown))
        console.print(tables.way_table(shown))
        console.print(tables.value_table(shown))
    tables.proof_lines(console, shown)
    if explains:
        if shown.unused.nearest:
            console.print(tables.unused_table(shown))
        tables.unused_lines(console, shown)
    if svg is not None:
        console.print(Text(f"drawn in {svg}"))


def route_drawing(shown: Explained) -> str:
    """The plan as an SVG document."""
    report, certificate = shown.report, shown.report.route.certificate
    block = report.view.snapshot.block
    rate = Text.from_markup(tables.rate_line(shown)).plain
    gap = f"at most {certificate.gap_bps:.4f} bp from the best there is; gas {report.route.allocation.gas:,}"
    title = f"{report.intent} · block {block.number}"
    return drawing(shown.explanation, report.tokens, title=title, notes=(rate, gap))


def route_json(shown: Explained) -> dict[str, Any]:
    """Everything that the tables show, exactly; prices are floats in base units, output per input."""
    report, found = shown.report, shown.explanation
    plan, certificate = report.route.allocation, report.route.certificate
    return {
        "intent": to_json_value(report.intent),
        "block": to_json_value(report.view.snapshot.block),
        "amount_in": str(plan.amount_in),
        "amount_out": str(plan.amount_out),
        "net_out": str(plan.net_out),
        "charges": str(plan.charges),
        "gas": str(plan.gas),
        "gas_wei": str(report.gas_wei),
        "bound": str(certificate.bound),
        "net_bound": str(certificate.net_bound),
        "arbitrage": str(certificate.arbitrage),
        "gap_bps": certificate.gap_bps,
        "reason": certificate.reason,
        "considered": report.route.considered,
        "marginal_rate": found.rate,
        "spread_bps": found.spread_bps,
        "spread_reason": found.spread_reason,
        "legs": [_leg_json(leg) for leg in found.legs],
        "paths": [
            {
                "venues": [edge.label for edge in path.edges],
                "tokens": [*(edge.token_in for edge in path.edges), found.token_out],
                "amount_in": str(path.amount_in),
                "share": path.share,
                "marginal_rate": path.rate,
            }
            for path in found.paths
        ],
        "values": dict(found.values),
        "dual_prices": dict(found.duals),
        "left_out": [_unused_json(venue) for venue in shown.unused.nearest],
        "left_out_counts": {str(why): count for why, count in sorted(shown.unused.counts.items())},
        "silent": [to_json_value(silent) for silent in report.view.silent],
        "skipped": [to_json_value(skipped) for skipped in report.view.snapshot.skipped],
    }


def _leg_json(leg: ExplainedLeg) -> dict[str, Any]:
    return {
        "venue": leg.edge.label,
        "token_in": leg.edge.token_in,
        "token_out": leg.edge.token_out,
        "amount_in": str(leg.fill.amount_in),
        "amount_out": str(leg.fill.amount_out),
        "share": float(leg.share),
        "order_share": float(leg.order_share),
        "price_before": leg.price_before,
        "price_after": leg.price_after,
        "gas": str(leg.fill.gas),
        "charge": str(leg.fill.charge),
        "surplus": leg.surplus,
        "parts": [
            {"label": part.label, "from": str(part.source), "to": str(part.target), "cost": str(part.cost)}
            for part in leg.parts
        ],
    }


def _unused_json(venue: UnusedVenue) -> dict[str, Any]:
    return {
        "venue": venue.label,
        "token_in": venue.token_in,
        "token_out": venue.token_out,
        "why": str(venue.why),
        "marginal_rate": venue.rate,
        "behind_bps": venue.behind_bps,
        "gain": venue.gain,
        "gas_cost": str(venue.gas_cost),
    }
