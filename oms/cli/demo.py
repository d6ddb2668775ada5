"""`oms demo`: the whole job on an embedded chain, told step by step."""

from pathlib import Path

import click
from rich.console import Console
from rich.rule import Rule

from oms.application.quoting import QuoteReport
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.quotes import OpenMarket, OrderWords, open_market
from oms.bootstrap.records import open_journal
from oms.bootstrap.sessions import Opening
from oms.bootstrap.trading import Terms, Trading, quote_for
from oms.cli import tables
from oms.cli.options import check_destination
from oms.cli.swap import Known, settle_shown, written_at_the_end
from oms.errors import StateConflict


@click.command()
@click.argument("amount", default="400")
@click.argument("token_in", default="WETH")
@click.argument("token_out", default="USDC")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The devnet's pools.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write plan and amounts here.")
def demo(amount: str, token_in: str, token_out: str, *, seed: int, json_file: Path | None) -> None:
    """The main job, end to end: quote, split, gate, simulate, settle, hedge, account.

    Everything is local: the protocols' real bytecode on a development chain, a maker and a paper exchange as processes
    of their own. No real money, no network.

    \b
    Examples:
      ./scripts/demo
      ./scripts/demo 25 WBTC USDC --json outcome.json
    """
    check_destination(json_file, option="json")
    settings = load_settings()
    console = tables.terminal()
    with tables.progress("building the devnet, a maker and an exchange"):
        opened = open_market(settings, Opening("devnet", settles=True, seed=seed, fresh=True))
    with opened as market:
        _introduce(console, market)
        trading = Trading(market, Terms())
        try:
            _run(console, trading, OrderWords(amount, token_in, token_out), json_file)
        finally:
            trading.close()
    with open_journal(settings) as journal:
        console.print(f"journal: {journal.verify()} entries, chain of hashes intact · oms journal show")
    if json_file is not None:
        console.print(f"written to {tables.words(str(json_file))}")


def _introduce(console: Console, market: OpenMarket) -> None:
    console.print(Rule("1 · a market", align="left"))
    url = tables.words(market.session.rpc.url)
    console.print(f"devnet at {url}: real bytecode, mainnet's addresses; pools open at the book's price")
    for service in market.counterparties.services:
        console.print(tables.words(f"{service.name}, a process of its own, at {service.url}"))
    for listing in market.counterparties.listings:
        source = listing.exchange.order_book(listing.symbol).source
        console.print(tables.words(f"{listing.symbol} on {listing.exchange.name}: {source}"))


def _run(console: Console, trading: Trading, words: OrderWords, json_file: Path | None) -> None:
    intent = trading.market.intent(words)
    trading.fund(intent.token_in, intent.amount)
    console.print(Rule("2 · every venue, side by side", align="left"))
    _, report = quote_for(trading.market, words)
    console.print(tables.quote_table(report, width=console.width))
    tables.quote_summary(console, report)
    console.print(Rule("3 · plan, gate, simulation, settlement, hedge", align="left"))
    plan, refusals = trading.plan(report)
    for refusal in refusals:
        console.print(f"[yellow]{tables.words(refusal.venue)} did not sign[/]: {tables.words(refusal.reason)}")
    known = Known(plan)
    with written_at_the_end(known, json_file):
        settle_shown(console, trading, known, report, dry_run=False)
    console.print(Rule("4 · every unit accounted for", align="left"))
    _account(console, trading, report)


def _account(console: Console, trading: Trading, report: QuoteReport) -> None:
    """What the executor holds and allows afterwards: nothing in between, and nothing approved."""
    left = trading.residue(report)
    for line in left.lines:
        console.print(tables.words(line))
    if not left.clean:
        raise StateConflict("demo", "something was left behind or approved; please report this")
