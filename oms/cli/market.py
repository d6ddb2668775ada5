"""`oms market watch`: a pair across all venues, live in the terminal or a line at a time."""

import json
import sys
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from oms.application.plan_file import to_json_value
from oms.application.watching import DEPTHS_BPS, Pair, RoutePrice, Sight, VenuePrices, WatchBounds
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.quotes import open_market
from oms.bootstrap.sessions import Opening
from oms.bootstrap.watching import WatchWords, open_watch, watched
from oms.cli.options import ChainWords, on_chain, venue_set
from oms.cli.tables import WIDE, compact_table, exact_amount, progress, terminal, words
from oms.domain.plans import MAX_HOPS, Side


@click.group()
def market() -> None:
    """The market as it moves.

    \b
    Examples:
      oms market watch WETH USDC --size 10
      oms market watch WETH USDC --once --json
    """


@market.command()
@click.argument("base")
@click.argument("quote")
@click.option("--size", default="1", show_default=True, metavar="AMOUNT", help="Of the first token, both ways.")
@click.option("--interval", type=click.FloatRange(0.05, 3_600), default=1.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="One look, then end.")
@click.option("--blocks", type=click.IntRange(1), help="End after so many blocks.")
@click.option("--seconds", type=click.FloatRange(0.0, 10_000_000, min_open=True), help="End after so long.")
@click.option("--venues", metavar="A,B", help="Only these, as in `oms quote`.")
@click.option("--max-hops", type=click.IntRange(1, MAX_HOPS), help="Most pools in a row. Default 3.")
@on_chain
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def watch(
    base: str,
    quote: str,
    *,
    size: str,
    interval: float,
    once: bool,
    blocks: int | None,
    seconds: float | None,
    venues: str | None,
    max_hops: int | None,
    given: ChainWords,
    as_json: bool,
) -> None:
    """Watch BASE in QUOTE on every venue: prices for a size both ways, depth, and the best route, block by block.

    Pools are followed by the chain's logs and quoted again only where they changed; makers and exchanges are asked at
    each look. A terminal gets a live table, anything else a line for each change. Ctrl-C ends it.

    \b
    Examples:
      oms market watch WETH USDC --size 10
      oms market watch WETH USDC --rpc-url https://your-node --interval 3
      oms market watch WETH USDC --once                  one look, as a table or a line
      oms market watch WETH USDC --blocks 100 --json > weth-usdc.jsonl
    """
    bounds = WatchBounds(interval, looks=1 if once else None, blocks=blocks, seconds=seconds)
    asked = WatchWords(base, quote, size, venue_set(venues), max_hops)
    _watch(asked, bounds, given.opening(settles=False), as_json=as_json)


def _watch(asked: WatchWords, bounds: WatchBounds, opened: Opening, *, as_json: bool) -> None:
    with open_market(load_settings(), opened) as found:
        with progress("reading the pools"):
            watching, pair = open_watch(found, asked)
        looks = watched(found, watching, bounds)
        if sys.stdout.isatty() and not as_json:
            console = terminal()
            with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
                for sight in looks:
                    live.update(sight_view(sight, pair, width=console.width), refresh=True)
            return
        before: Sight | None = None
        for sight in looks:
            if sight == before:
                continue
            before = sight
            click.echo(json.dumps(sight_json(sight, pair)) if as_json else sight_line(sight, pair))
            sys.stdout.flush()


def sight_view(sight: Sight, pair: Pair, *, width: int) -> RenderableType:
    """One look as a table with its routes and notes."""
    lines = [Text.from_markup(line) for line in (*_route_lines(sight, pair), *_note_lines(sight))]
    return Group(_heading(sight, pair), venue_table(sight, pair, width=width), *lines)


def _heading(sight: Sight, pair: Pair) -> Text:
    block = sight.block
    return Text.from_markup(
        f"[bold]{words(f'{pair.base}/{pair.quote}')}[/] for {exact_amount(pair.size, pair.base)} · block "
        f"{block.number} {words(block.hash[:10])}… · {sight.age_seconds:.0f} s old · base fee "
        f"{block.base_fee_wei / 1e9:.3g} gwei · {sight.changed} pools changed, {sight.requoted} quoted again"
    )


def venue_table(sight: Sight, pair: Pair, *, width: int) -> Table:
    """Pools, best first, then makers and books."""
    table = compact_table("")
    table.add_column("venue", overflow="fold")
    for name in ("sell", "buy", "spread bp"):
        table.add_column(name, justify="right", no_wrap=True)
    shown = range(len(DEPTHS_BPS)) if width >= WIDE else range(1)
    for place in shown:
        table.add_column(f"depth {DEPTHS_BPS[place]} bp {words(str(pair.base))}", justify="right", no_wrap=True)
    table.add_column("moved bp", justify="right", no_wrap=True)
    for prices in (*sight.pools, *sight.beside):
        depths = [f"{prices.depths[place][0]:,.4g} / {prices.depths[place][1]:,.4g}" for place in shown]
        kind = "" if prices.kind == "pool" else "cyan"
        cells = (words(prices.venue), _number(prices.bid), _number(prices.ask), _bps(prices.spread_bps))
        table.add_row(*cells, *depths, _moved(prices), style=kind)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:#,.8g}"


def _bps(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _moved(prices: VenuePrices) -> str:
    return "" if not prices.change_bps else f"{prices.change_bps:+.2f}"


def _route_lines(sight: Sight, pair: Pair) -> list[str]:
    return [f"best route over pools, {_route_words(route, pair)}" for route in sight.routes]


def _route_words(route: RoutePrice, pair: Pair) -> str:
    verb = "sell" if route.side is Side.SELL else "buy"
    if route.price is None:
        return f"{verb}: [yellow]{words(route.reason)}[/]"
    gap = "" if route.gap_bps is None else f", gap {route.gap_bps:.4f} bp"
    why = f" ({words(route.reason)})" if route.reason else ""
    legs = f"{route.legs} leg{'' if route.legs == 1 else 's'}"
    return f"{verb} [bold]{route.price:,.8g}[/] {words(str(pair.quote))} net of gas, {legs}{gap}{why}"


def _note_lines(sight: Sight) -> list[str]:
    silent = [f"[yellow]no price from {words(entry.venue)}[/]: {words(entry.reason)}" for entry in sight.silent]
    return [*(f"[yellow]{words(note)}[/]" for note in sight.notes), *silent]


def sight_line(sight: Sight, pair: Pair) -> str:
    """One look on one line, without colours."""
    bids = [prices for prices in (*sight.pools, *sight.beside) if prices.bid is not None]
    asks = [prices for prices in (*sight.pools, *sight.beside) if prices.ask is not None]
    best = max(bids, key=lambda prices: prices.bid or 0.0, default=None)
    cheapest = min(asks, key=lambda prices: prices.ask or 0.0, default=None)
    shown = [
        f"block {sight.block.number} {sight.block.hash[:10]} {sight.age_seconds:.0f}s old",
        f"best sell {_at(best, best.bid if best else None)}",
        f"best buy {_at(cheapest, cheapest.ask if cheapest else None)}",
        *(f"route {_route_words(route, pair)}" for route in sight.routes),
        f"{sight.changed} changed, {sight.requoted} requoted",
        *_note_lines(sight),
    ]
    return " | ".join(Text.from_markup(each).plain for each in shown)


def _at(prices: VenuePrices | None, price: float | None) -> str:
    return "-" if prices is None else f"{_number(price)} {words(prices.venue)}"


def sight_json(sight: Sight, pair: Pair) -> dict[str, Any]:
    """One look, all of it; prices in whole quote tokens per whole base token, depths in whole base tokens."""
    return {
        "base": to_json_value(pair.base),
        "quote": to_json_value(pair.quote),
        "size": str(pair.size),
        "block": to_json_value(sight.block),
        "age_seconds": sight.age_seconds,
        "changed": sight.changed,
        "requoted": sight.requoted,
        "reorg_depth": sight.reorg_depth,
        "venues": [_prices_json(prices) for prices in (*sight.pools, *sight.beside)],
        "routes": [
            {
                "side": str(route.side),
                "net_price": route.price,
                "legs": route.legs,
                "gap_bps": route.gap_bps,
                "reason": route.reason,
            }
            for route in sight.routes
        ],
        "silent": [to_json_value(silent) for silent in sight.silent],
        "notes": list(sight.notes),
    }


def _prices_json(prices: VenuePrices) -> dict[str, Any]:
    return {
        "venue": prices.venue,
        "kind": prices.kind,
        "sell": prices.bid,
        "buy": prices.ask,
        "spread_bps": prices.spread_bps,
        "mid": prices.mid,
        "change_bps": prices.change_bps,
        "depth": {
            f"{bps}_bps": {"sell": sold, "buy": bought}
            for bps, (sold, bought) in zip(DEPTHS_BPS, prices.depths, strict=True)
        },
    }
