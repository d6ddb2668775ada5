"""`oms basket`: several tokens in, several out, traded as one."""

import json
from typing import Any

import click
from rich.table import Table

from oms.application.baskets import BasketReport, read_order, route_basket
from oms.application.plan_file import to_json_value
from oms.bootstrap.chain_market import open_chain_market
from oms.bootstrap.configuration import load_settings
from oms.cli.options import ChainWords, on_chain, venue_set
from oms.cli.tables import compact_table, exact_amount, progress, shown_amount, terminal, words
from oms.domain.plans import SHARE_DENOMINATOR, Spend, SpendKind
from oms.routing.baskets import Measure


@click.command()
@click.option("--sell", "sells", multiple=True, metavar="AMOUNT:TOKEN", help="Given, and sold whole. Repeat it.")
@click.option(
    "--buy",
    "buys",
    multiple=True,
    metavar="WANTED",
    help="TOKEN:60% of what comes out, TOKEN@PRICE for the best value at your prices, TOKEN for that at the market's, "
    "or AMOUNT:TOKEN with --with. Repeat it.",
)
@click.option("--with", "payer", metavar="TOKEN", help="Pays for the amounts of --buy; the least of it is spent.")
@click.option(
    "--by",
    type=click.Choice([measure.value for measure in Measure]),
    default=Measure.VALUE.value,
    show_default=True,
    help="What the shares are of: value at the market's prices before the trade, or whole tokens.",
)
@click.option(
    "--max-shortfall",
    type=click.FloatRange(min=0.0),
    metavar="BPS",
    help="Refuse to lose more than this against the market's prices before the trade, gas apart.",
)
@click.option("--venues", metavar="A,B", help="Only these pool venues, such as uniswap_v3.")
@on_chain
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
def basket(
    sells: tuple[str, ...],
    buys: tuple[str, ...],
    payer: str | None,
    *,
    by: str,
    max_shortfall: float | None,
    venues: str | None,
    given: ChainWords,
    as_json: bool,
) -> None:
    """Several tokens in, several out, netted and traded as one. Nothing is signed or sent.

    A token may be on both sides: what of it is wanted anyway isn't traded.

    \b
    Examples:
      oms basket --sell 10:WETH --sell 5:WBTC --buy USDC:60% --buy DAI:40%
      oms basket --sell 10:WETH --sell 20000:USDC --buy USDC:50% --buy WBTC:50% --max-shortfall 30
      oms basket --sell 10:WETH --buy USDC@1 --buy DAI@0.9995        whichever is worth more
      oms basket --buy 1000:USDC --buy 0.5:WBTC --with WETH          the least WETH for both
    """
    settings = load_settings()
    with (
        progress("reading the pools"),
        open_chain_market(settings, given.opening(settles=False)) as market,
    ):
        order = read_order(sells, buys, payer, market.token, by=Measure(by))
        view = market.view(order.tokens, venues=venue_set(venues))
        report = route_basket(view, order, max_shortfall_bps=max_shortfall)
    if as_json:
        click.echo(json.dumps(basket_json(report), indent=1))
        return
    console, result = terminal(), report.basket
    unit = report.view.by_address[result.unit]
    console.print(legs_table(report))
    console.print(totals_table(report))
    console.print(
        f"shortfall [bold]{result.shortfall_bps:.2f} bp[/] of {shown_amount(round(result.value_in), unit)} at the "
        f"prices before the trade, {result.net_shortfall_bps:.2f} bp with gas of {shown_amount(result.gas_cost, unit)}"
    )
    console.print(
        f"bound {shown_amount(result.bound, unit)}: at most {max(0.0, result.gap_bps):.3f} bp better, gas apart"
    )


def legs_table(report: BasketReport) -> Table:
    """The legs in settlement order."""
    tokens = report.view.by_address
    table = compact_table(f"basket · block {report.view.snapshot.block.number}")
    table.add_column("#", justify="right")
    table.add_column("leg", overflow="fold")
    for name in ("in", "spends", "out"):
        table.add_column(name, justify="right")
    for number, leg in enumerate(report.basket.legs, start=1):
        table.add_row(
            str(number),
            words(leg.edge.label),
            shown_amount(leg.amount_in, tokens[leg.edge.token_in]),
            _rule(leg.spend),
            shown_amount(leg.amount_out, tokens[leg.edge.token_out]),
        )
    return table


def _rule(spend: Spend) -> str:
    if spend.kind is SpendKind.SHARE:
        return f"{spend.share / SHARE_DENOMINATOR:.1%} of what is held"
    return "the rest" if spend.kind is SpendKind.REST else "exactly"


def totals_table(report: BasketReport) -> Table:
    """What is given and what is there afterwards, with its share of the value."""
    basket, tokens = report.basket, report.view.by_address
    table = compact_table("in and out")
    table.add_column("")
    table.add_column("amount", justify="right")
    table.add_column("of the value", justify="right")
    for side, amounts, value in (
        ("in", basket.amounts_in, basket.value_in),
        ("out", basket.amounts_out, basket.value_out),
    ):
        for address, raw in amounts.items():
            share = raw * basket.prices[address] / value if value else 0.0
            table.add_row(side, exact_amount(raw, tokens[address]), f"{share:.2%}")
    return table


def basket_json(report: BasketReport) -> dict[str, Any]:
    """Everything that the tables show, exactly."""
    basket = report.basket
    return {
        "block": to_json_value(report.view.snapshot.block),
        "amounts_in": {token: str(raw) for token, raw in basket.amounts_in.items()},
        "amounts_out": {token: str(raw) for token, raw in basket.amounts_out.items()},
        "unit": basket.unit,
        "result": str(basket.result),
        "bound": str(basket.bound),
        "gap_bps": basket.gap_bps,
        "arbitrage": str(basket.arbitrage),
        "shortfall_bps": basket.shortfall_bps,
        "net_shortfall_bps": basket.net_shortfall_bps,
        "gas": str(basket.gas),
        "gas_cost": str(basket.gas_cost),
        "prices": dict(basket.prices),
        "legs": [
            {
                "venue": leg.edge.label,
                "pool": leg.edge.state_id,
                "token_in": leg.edge.token_in,
                "token_out": leg.edge.token_out,
                "spend": leg.spend.kind.value,
                "amount_in": str(leg.amount_in),
                "amount_out": str(leg.amount_out),
            }
            for leg in basket.legs
        ],
    }
