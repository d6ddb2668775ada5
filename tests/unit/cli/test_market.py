"""One look of `oms market watch` as a line, as JSON and as a table."""

import io
import json
from dataclasses import replace

from rich.console import Console

from oms.application.market_view import SilentVenue
from oms.cli.market import sight_json, sight_line, sight_view
from tests.unit.application.test_watching import PAIR, chain_of, maker_at, watch_of

SIGHT = replace(
    watch_of(chain_of(), maker_at("2.5")).look(),
    notes=("reorganisation: 2 blocks undone",),
    silent=(SilentVenue("mute", "late\x1b[31m\nand [bold]rude"),),
)


def view(width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, emoji=False).print(sight_view(SIGHT, PAIR, width=width))
    return out.getvalue()


def test_a_line_says_block_best_prices_routes_and_notes() -> None:
    line = sight_line(SIGHT, PAIR)
    assert line.count("\n") == 0
    assert "\x1b" not in line
    for word in (
        "block 100",
        "best sell 2.5000000 maker acme",
        "route sell",
        "route buy",
        "2 blocks undone",
        "[bold]rude",
    ):
        assert word in line


def test_json_holds_every_venue_with_its_depths() -> None:
    said = json.loads(json.dumps(sight_json(SIGHT, PAIR)))
    assert len(said["venues"]) == len(SIGHT.pools) + 1
    assert {venue["kind"] for venue in said["venues"]} == {"pool", "maker"}
    assert set(said["venues"][0]["depth"]) == {"10_bps", "50_bps"}
    assert [route["side"] for route in said["routes"]] == ["sell", "buy"]
    assert said["notes"] == ["reorganisation: 2 blocks undone"]


def test_a_wide_table_shows_both_depths_and_a_narrow_one_the_nearer() -> None:
    assert "depth 50 bp" in view(140)
    assert "depth 50 bp" not in view(90)
    assert "depth 10 bp" in view(90)


def test_words_of_others_cannot_style_the_terminal() -> None:
    assert "\x1b" not in view(140)
    assert "[bold]rude" in view(140)
