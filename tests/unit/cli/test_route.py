"""What `oms route` shows, writes and draws; the drawing's geometry, and what hostile names can't do to it."""

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from oms.application.explaining import Explanation, explain
from oms.cli import route_tables
from oms.cli.flow_drawing import BAR_WIDTH, ORDER_HEIGHT, Layout, drawing, layout, write_whole
from oms.cli.route import explained, route_drawing, route_json, show
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.routing.allocation import FREE_GAS
from oms.routing.market import edges_of
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, sell
from tests.unit.application.samples import book, buy, ladder, pool, report
from tests.unit.application.samples import sell as sell_intent
from tests.unit.routing.market_samples import A, B, C, D, listed

SHOWN = explained(report(sell_intent(20), pool(1, 500), pool(2, 300), pool(3, 1), books=[book(size="4")]))
TOKENS = {address: Token(1, address, symbol, 18) for address, symbol in zip((A, B, C, D), "ABCD", strict=True)}


def text_of(*, explains: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=160, emoji=False)
    console.print(route_tables.leg_table(SHOWN, width=160))
    if explains:
        route_tables.part_lines(console, SHOWN)
        console.print(route_tables.flow_tree(SHOWN))
        console.print(route_tables.way_table(SHOWN))
        console.print(route_tables.value_table(SHOWN))
        console.print(route_tables.unused_table(SHOWN))
        route_tables.unused_lines(console, SHOWN)
    route_tables.proof_lines(console, SHOWN)
    return out.getvalue()


# --- words ---


def test_the_short_form_shows_the_legs_and_the_proof() -> None:
    text = text_of(explains=False)
    for leg in SHOWN.explanation.legs:
        assert leg.edge.label in text
    assert "bound: no plan brings more than" in text
    assert "gap " in text
    assert "left out" not in text


def test_the_explanation_adds_the_ways_the_prices_and_the_tree() -> None:
    text = text_of(explains=True)
    assert "ways, and the rate at which each sold its last unit" in text
    assert "what one token is worth in USDC" in text
    assert "20.000000 WETH" in text
    assert "└──" in text


def test_json_says_it_exactly() -> None:
    said = json.loads(json.dumps(route_json(SHOWN)))
    assert int(said["amount_in"]) == 20 * 10**18
    assert sum(int(leg["amount_in"]) for leg in said["legs"]) == 20 * 10**18
    assert sum(path["share"] for path in said["paths"]) == pytest.approx(1.0)
    assert set(said) >= {"bound", "gap_bps", "gas_wei", "net_out", "reason", "arbitrage", "dual_prices", "left_out"}
    assert sum(said["left_out_counts"].values()) + len({leg["venue"] for leg in said["legs"]}) >= 2


def test_a_purchase_and_a_maker_are_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = explained(report(buy(20_000), pool(1, 500)))
    show(shown, explains=True, svg=tmp_path / "plan.svg", force=False, as_json=False)
    said = capsys.readouterr().out
    assert "bound: no plan takes less than" in said
    assert "drawn in" in said
    from_maker = explained(report(sell_intent(1), ladders=[ladder(("5", "2000"))]))
    show(from_maker, explains=True, svg=None, force=False, as_json=False)
    assert "maker local" in capsys.readouterr().out


# --- the drawing ---


def placed(explanation: Explanation) -> Layout:
    return layout(explanation, TOKENS)


def a_network() -> Explanation:
    pools = [
        listed(1, A, B, 10**24, 10**24),
        listed(2, A, C, 3 * 10**24, 3 * 10**24),
        listed(3, C, B, 10**24, 10**24),
        listed(4, C, D, 10**24, 10**24),
        listed(5, D, B, 10**24, 10**24),
        listed(6, A, B, 10**22, 10**22),
    ]
    market = PreparedMarket.of(edges_of(pools, [A, B, C, D]))
    return explain(sell(market, A, B, 10**23, RouteTerms(FREE_GAS)), market)


@st.composite
def networks(draw: st.DrawFn) -> Explanation:
    ends = [(A, B), *draw(st.lists(st.sampled_from([(A, B), (A, C), (C, B), (A, D), (D, B)]), max_size=7))]
    pools = [
        listed(number, *pair, depth := draw(st.integers(10**22, 10**25)), depth)
        for number, pair in enumerate(ends, start=1)
    ]
    market = PreparedMarket.of(edges_of(pools, [A, B, C, D]))
    amount = draw(st.integers(10**20, 10**23))
    return explain(sell(market, A, B, amount, RouteTerms(FREE_GAS)), market)


@settings(max_examples=40, deadline=None)
@given(found=networks())
def test_everything_is_inside_the_box_and_ribbons_fill_their_bars(found: Explanation) -> None:
    drawn = placed(found)
    for bar in drawn.bars:
        assert 0 <= bar.x <= drawn.width - BAR_WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= drawn.height
        leaving = [r.thickness for r in drawn.ribbons if r.leg.edge.token_in == bar.token]
        arriving = [r.thickness for r in drawn.ribbons if r.leg.edge.token_out == bar.token]
        for side in (leaving, arriving):
            assert not side or sum(side) == pytest.approx(bar.height)
    for ribbon in drawn.ribbons:
        for x, y in ribbon.edge:
            assert 0 <= x <= drawn.width
            assert 0 <= y <= y + ribbon.thickness <= drawn.height
        assert [x for x, _ in ribbon.edge] == sorted(x for x, _ in ribbon.edge)


@settings(max_examples=40, deadline=None)
@given(found=networks())
def test_ribbons_meet_a_bar_side_by_side_and_labels_never_meet(found: Explanation) -> None:
    drawn = placed(found)
    for end, place in (("token_in", 0), ("token_out", -1)):
        for bar in drawn.bars:
            own = sorted(
                (r.edge[place][1], r.thickness) for r in drawn.ribbons if getattr(r.leg.edge, end) == bar.token
            )
            for (upper, thickness), (lower, _) in pairwise(own):
                assert upper + thickness <= lower + 1e-6
    labels = [ribbon.middle for ribbon in drawn.ribbons]
    for number, (x, y) in enumerate(labels):
        for other_x, other_y in labels[number + 1 :]:
            assert x != other_x or abs(y - other_y) >= 45


def test_the_whole_order_is_as_thick_as_a_bar_at_both_ends() -> None:
    drawn = placed(a_network())
    heights = {bar.token: bar.height for bar in drawn.bars}
    assert heights[A] == pytest.approx(ORDER_HEIGHT)
    assert heights[B] == pytest.approx(ORDER_HEIGHT)
    assert len(drawn.ribbons) == len(a_network().legs)


def test_the_drawing_is_well_formed_and_brings_nothing_from_elsewhere() -> None:
    text = route_drawing(SHOWN)
    root = ET.fromstring(text)  # noqa: S314 (our own words)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    ribbons = list(root.iter("{http://www.w3.org/2000/svg}path"))
    assert len(ribbons) == len(SHOWN.explanation.legs)
    for word in ("<script", "href", "url(", "@import", "foreignObject"):
        assert word not in text
    assert text.count("http") == 1
    assert "prefers-color-scheme: dark" in text


HOSTILE = (
    "</text><script>alert(1)</script>",
    '"><image href="http://x"/>',
    "\u202egnp\x1b[31m\x00",
    "&amp;<!--",
    "x" * 5_000,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_symbol_stays_text(name: str) -> None:
    found = a_network()
    tokens = {address: replace(token, symbol=name) for address, token in TOKENS.items()}
    text = drawing(found, tokens, title=name, notes=(name,))
    root = ET.fromstring(text)  # noqa: S314 (what is tested)
    tags = {node.tag.removeprefix("{http://www.w3.org/2000/svg}") for node in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "text", "path"}
    known = {"class", "d", "x", "y", "width", "height", "rx", "text-anchor", "viewBox", "role"}
    assert {attribute for node in root.iter() for attribute in node.attrib} <= known
    assert not {"\u202e", "\x1b", "\x00"} & set(text)
    assert len(text) < 60_000


def test_a_drawing_is_not_overwritten_unless_asked_and_leaves_no_part_behind(tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    write_whole(path, "one", force=False)
    with pytest.raises(InvalidRequest, match="--force"):
        write_whole(path, "two", force=False)
    assert path.read_text() == "one"
    write_whole(path, "three", force=True)
    assert path.read_text() == "three"
    assert list(tmp_path.iterdir()) == [path]


def test_a_drawing_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "absent" / "plan.svg", "x", force=False)
    assert list(tmp_path.iterdir()) == []
