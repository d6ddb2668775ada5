"""`oms quote`: every venue side by side, the split that beats them, and how far it can be from the best there is."""

import json
from typing import Any

import click

from oms.application.plan_file import to_json_value
from oms.application.quoting import QuoteReport, VenueQuote
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.quotes import OrderWords, open_market
from oms.cli.options import ChainWords, on_chain, order_options, venue_set
from oms.cli.tables import progress, quote_summary, quote_table, terminal
from oms.routing.market import FirmEdge, PoolEdge


@click.command()
@order_options
@on_chain
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
def quote(
    amount: str,
    token_in: str,
    token_out: str,
    *,
    buy: bool,
    venues: str | None,
    max_hops: int | None,
    given: ChainWords,
    as_json: bool,
) -> None:
    """Quote AMOUNT of TOKEN_IN in TOKEN_OUT on every venue. Nothing is signed or sent.

    A token is a symbol, or an address where two share a symbol. The bound is what no way of trading on these venues
    could better, before gas; the gap is how far the split is from it.

    \b
    Examples:
      oms quote 25 WETH USDC
      oms quote 10 WETH USDC --buy                  WETH that buys 10 USDC
      oms quote 25 WETH USDC --rpc-url https://your-node
      oms quote 3 WETH WBTC --chain recorded --venues uniswap_v3,curve --max-hops 3
    """
    settings = load_settings()
    words = OrderWords(amount, token_in, token_out, buy=buy, venues=venue_set(venues), max_hops=max_hops)
    with (
        progress("asking every venue"),
        open_market(settings, given.opening(settles=False)) as market,
    ):
        report = market.quote(words)
    if as_json:
        click.echo(json.dumps(quote_json(report), indent=1))
        return
    console = terminal()
    console.print(quote_table(report, width=console.width))
    quote_summary(console, report)


def quote_json(report: QuoteReport) -> dict[str, Any]:
    """Everything that the tables show, exactly."""
    split, best, proof = report.split, report.best_single, report.route.certificate
    return {
        "intent": to_json_value(report.intent),
        "block": to_json_value(report.view.snapshot.block),
        "venues": [_row_json(row) for row in report.rows],
        "best_single": best.venue if best else None,
        "split": {
            "amount_in": str(split.amount_in),
            "amount_out": str(split.amount_out),
            "net_out": str(split.net_out),
            "gas": str(split.gas),
            "gas_wei": str(report.gas_wei),
            "gas_cost": str(report.gas_cost.of(split.gas)),
            "charges": str(split.charges),
            "bound": str(proof.bound),
            "net_bound": str(proof.net_bound),
            "gap_bps": proof.gap_bps,
            "gap_reason": proof.reason or None,
            "arbitrage": str(proof.arbitrage),
            "gain_bps": report.gain_bps,
            "legs": [
                {
                    "venue": leg.edge.label,
                    "token_in": leg.edge.token_in,
                    "token_out": leg.edge.token_out,
                    "amount_in": str(leg.amount_in),
                    "amount_out": str(leg.amount_out),
                    "firm": isinstance(leg.edge, PoolEdge | FirmEdge),
                }
                for leg in split.legs
            ],
        },
        "notes": list(report.notes),
        "silent": [to_json_value(silent) for silent in report.view.silent],
        "skipped": [to_json_value(skipped) for skipped in report.view.snapshot.skipped],
    }


def _row_json(row: VenueQuote) -> dict[str, Any]:
    return {
        "venue": row.venue,
        "hops": row.hops,
        "amount_in": str(row.amount_in),
        "amount_out": str(row.amount_out),
        "net_out": str(row.net_out),
        "gas": str(row.gas),
        "gas_cost": str(row.gas_cost),
        "charge": str(row.charge),
        "price": f"{float(row.price):.12g}",
        "impact_bps": row.impact_bps,
        "fee_bps": row.fee_bps,
        "price_is": row.firmness,
        "age_seconds": row.age_seconds,
        "refusal": row.refusal or None,
    }
