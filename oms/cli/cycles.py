"""`oms cycles`: circles of pools that pay for themselves, after gas."""

import json
from typing import Any

import click
from rich.table import Table

from oms.application.cycles import CyclesReport, find_cycles
from oms.application.plan_file import to_json_value
from oms.bootstrap.chain_market import open_chain_market
from oms.bootstrap.configuration import load_settings
from oms.cli.options import ChainWords, on_chain, venue_set
from oms.cli.tables import compact_table, progress, shown_amount, terminal, words
from oms.routing.cycles import MAX_HOPS, Cycle
from oms.units import Address


@click.command()
@click.argument("token", required=False)
@click.option("--max-hops", type=click.IntRange(2, MAX_HOPS), default=4, show_default=True, help="Most pools a circle.")
@click.option("--venues", metavar="A,B", help="Only these pool venues, such as uniswap_v3.")
@click.option("--gas-free", is_flag=True, help="Leave gas out: what the pools would pay to whoever trades for nothing.")
@on_chain
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
def cycles(
    token: str | None,
    *,
    max_hops: int,
    venues: str | None,
    gas_free: bool,
    given: ChainWords,
    as_json: bool,
) -> None:
    """Circles of pools from TOKEN back to it that earn more than their gas. Nothing is signed or sent.

    TOKEN is a symbol or an address; left out, the chain's wrapped coin. Each circle trades on what the ones above it
    left, so that their profits add up.

    \b
    Examples:
      oms cycles
      oms cycles USDC --max-hops 3
      oms cycles --gas-free --chain recorded --json
    """
    settings = load_settings()
    with (
        progress("reading the pools"),
        open_chain_market(settings, given.opening(settles=False)) as market,
    ):
        start = market.wrapped_native if token is None else market.token(token, "token")
        view = market.view([start], venues=venue_set(venues))
        report = find_cycles(view, start, max_hops=max_hops, gas_free=gas_free)
    if as_json:
        click.echo(json.dumps(cycles_json(report), indent=1))
        return
    console, start, found = terminal(), report.start, report.found
    console.print(cycles_table(report))
    if not found.cycles:
        why = "earns anything" if gas_free else "pays for its gas"
        console.print(f"no circle from {words(start.symbol)} {why}")
    total = shown_amount(found.net_profit, start)
    console.print(f"together [bold]{total}[/] after gas, on {len(report.view.snapshot.pools)} pools")
    console.print(f"all pools together hold arbitrage of at most {shown_amount(found.arbitrage, start)}, gas apart")


def cycles_table(report: CyclesReport) -> Table:
    """A row for each circle, in the order in which they are to be done."""
    start = report.start
    table = compact_table(words(f"circles from {start.symbol} · block {report.view.snapshot.block.number}"))
    table.add_column("#", justify="right")
    table.add_column("circle", overflow="fold")
    for name in ("in", "out", "profit", "gas cost", "net"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, cycle in enumerate(report.found.cycles, start=1):
        amounts = (cycle.amount_in, cycle.amount_out, cycle.profit, cycle.gas_cost, cycle.net_profit)
        table.add_row(str(number), words(_way(cycle, report)), *(shown_amount(raw, start) for raw in amounts))
    return table


def _way(cycle: Cycle, report: CyclesReport) -> str:
    tokens = report.view.by_address

    def symbol(address: Address) -> str:
        return tokens[address].symbol

    steps = [f"{leg.edge.label} → {symbol(leg.edge.token_out)}" for leg in cycle.legs]
    return f"{symbol(cycle.legs[0].edge.token_in)} → " + " → ".join(steps)


def cycles_json(report: CyclesReport) -> dict[str, Any]:
    """Everything that the table shows, exactly."""
    found = report.found
    return {
        "start": to_json_value(report.start),
        "block": to_json_value(report.view.snapshot.block),
        "arbitrage": str(found.arbitrage),
        "profit": str(found.profit),
        "net_profit": str(found.net_profit),
        "cycles": [
            {
                "amount_in": str(cycle.amount_in),
                "amount_out": str(cycle.amount_out),
                "profit": str(cycle.profit),
                "gas": str(cycle.gas),
                "gas_cost": str(cycle.gas_cost),
                "net_profit": str(cycle.net_profit),
                "legs": [
                    {
                        "venue": leg.edge.label,
                        "pool": leg.edge.state_id,
                        "token_in": leg.edge.token_in,
                        "token_out": leg.edge.token_out,
                        "amount_in": str(leg.amount_in),
                        "amount_out": str(leg.amount_out),
                    }
                    for leg in cycle.legs
                ],
            }
            for cycle in found.cycles
        ],
    }
