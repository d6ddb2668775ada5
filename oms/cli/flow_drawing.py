"""A route as a flow diagram in one SVG file: tokens are bars, legs are ribbons as thick as their share of the order.

Owns: the layout and the markup. Must not: compute a price, load anything from elsewhere, or trust a name: token symbols
and venue names are others' words, so they are cut, cleaned and escaped.

Columns alternate, tokens in settlement order and the legs that leave them; each leg has a slot of its own in its column
where its label stands, so that labels never meet. A ribbon that passes a column keeps a slot there too. The layering is
that of Sugiyama et al. (1981) with one barycentre sweep.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from oms.application.explaining import ExplainedLeg, Explanation
from oms.cli.foreign_words import printable
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.routing.market import BookEdge, PoolEdge
from oms.units import Address, format_amount

ORDER_HEIGHT = 220.0
"""Thickness of the whole order, in pixels."""
BAR_WIDTH, LEG_WIDTH, CURVE_WIDTH = 14.0, 236.0, 64.0
LABEL_HEIGHT, CAPTION_HEIGHT, GAP, MARGIN, HEADER = 48.0, 34.0, 16.0, 28.0, 92.0
LONGEST_LABEL = 40
_LIGHT = {
    "ink": "#1c2430",
    "dim": "#5b6675",
    "paper": "#ffffff",
    "pool": "#2f6fdb",
    "maker": "#1f9d6b",
    "book": "#c7731a",
}
_DARK = {
    "ink": "#e8ecf2",
    "dim": "#9aa7b8",
    "paper": "#12161c",
    "pool": "#6ea2ff",
    "maker": "#4fd09b",
    "book": "#f0a350",
}


def _rules(colours: Mapping[str, str]) -> str:
    """Plain rules without variables, which some viewers don't know."""
    kinds = " ".join(f".{kind} {{ fill: {colours[kind]}; stroke: {colours[kind]}; }}" for kind in _KINDS)
    return (
        f"text {{ fill: {colours['ink']}; stroke: {colours['paper']}; }} .dim {{ fill: {colours['dim']}; }} "
        f".paper {{ fill: {colours['paper']}; }} .bar {{ fill: {colours['ink']}; }} {kinds}"
    )


_KINDS = ("pool", "maker", "book")
_STYLE = f"""
svg {{ font: 12px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }}
text {{ paint-order: stroke; stroke-width: 3px; stroke-linejoin: round; }}
.strong {{ font-weight: 600; }} .title {{ font-size: 16px; font-weight: 600; }}
.ribbon {{ fill-opacity: .32; stroke-width: .8px; stroke-opacity: .8; }}
{_rules(_LIGHT)}
@media (prefers-color-scheme: dark) {{ {_rules(_DARK)} }}
"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One token: the box of its bar, and its caption above it."""

    token: Address
    x: float
    y: float
    height: float
    lines: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ribbon:
    """One leg: its upper edge from bar to bar, its thickness, and its label around `middle`."""

    leg: ExplainedLeg
    kind: str
    edge: tuple[Point, ...]
    thickness: float
    middle: Point
    lines: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in pixels from the upper left corner."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]


@dataclass(slots=True)
class _Slot:
    """One place in one column: `flow` of it is ribbon or bar, the rest room for words."""

    room: float
    flow: float
    behind: list["_Slot"] = field(default_factory=list)
    y: float = 0.0
    caption: float = 0.0

    @property
    def top(self) -> float:
        """Where the flow begins: under the caption, in the middle of what is left."""
        return self.y + self.caption + (self.room - self.caption - self.flow) / 2

    @property
    def centre(self) -> float:
        """The middle of the flow."""
        return self.top + self.flow / 2


def layout(explanation: Explanation, tokens: Mapping[Address, Token]) -> Layout:
    """Place the plan's tokens and legs."""
    return _Layouter(explanation, tokens).placed()


class _Layouter:
    def __init__(self, explanation: Explanation, tokens: Mapping[Address, Token]) -> None:
        self.explanation, self.tokens = explanation, tokens
        self.ranks = _ranks(explanation)
        self.columns: list[list[_Slot]] = [[] for _ in range(2 * max(self.ranks.values()) + 1)]
        self.bars: dict[Address, _Slot] = {}
        self.ways: list[tuple[ExplainedLeg, list[_Slot]]] = []

    def placed(self) -> Layout:
        self._fill_columns()
        inner = max(_tall(column) for column in self.columns)
        for column in self.columns:
            _stack(column, inner)
        bars = tuple(self._bar(token) for token in self.explanation.tokens)
        width = self._x(len(self.columns) - 1) + BAR_WIDTH + LEG_WIDTH / 3 + MARGIN
        return Layout(width, HEADER + inner + MARGIN, bars, tuple(self._ribbons()))

    def _fill_columns(self) -> None:
        for token in self.explanation.tokens:
            flow = self._share(token) * ORDER_HEIGHT
            slot = _Slot(flow + CAPTION_HEIGHT, flow, caption=CAPTION_HEIGHT)
            self.bars[token] = slot
            self.columns[2 * self.ranks[token]].append(slot)
        for leg in sorted(self.explanation.legs, key=self._place):
            self._add_way(leg)

    def _place(self, leg: ExplainedLeg) -> tuple[int, int, float]:
        """Legs to one token beside each other, the farthest above."""
        end = leg.edge.token_out
        return -self.ranks[end], self.explanation.tokens.index(end), -float(leg.order_share)

    def _add_way(self, leg: ExplainedLeg) -> None:
        start, end = self.ranks[leg.edge.token_in], self.ranks[leg.edge.token_out]
        thickness = float(leg.order_share) * ORDER_HEIGHT
        before, slots = self.bars[leg.edge.token_in], []
        for column in range(2 * start + 1, 2 * end):
            is_label = column == 2 * start + 1
            slot = _Slot(max(thickness, LABEL_HEIGHT if is_label else 0.0), thickness, [before])
            self.columns[column].append(slot)
            slots.append(slot)
            before = slot
        self.bars[leg.edge.token_out].behind.append(before)
        self.ways.append((leg, slots))

    def _share(self, token: Address) -> float:
        """What part of the order passes through a token."""
        legs = self.explanation.legs
        if token == self.explanation.token_in:
            return 1.0
        return float(sum(leg.order_share for leg in legs if leg.edge.token_out == token))

    def _x(self, column: int) -> float:
        tokens, legs = (column + 1) // 2, column // 2
        return MARGIN + tokens * (BAR_WIDTH + CURVE_WIDTH) + legs * (LEG_WIDTH + CURVE_WIDTH)

    def _bar(self, token: Address) -> Bar:
        slot, known = self.bars[token], self.tokens[token]
        legs = self.explanation.legs
        spent = sum(leg.fill.amount_in for leg in legs if leg.edge.token_in == token)
        passed = spent or sum(leg.fill.amount_out for leg in legs if leg.edge.token_out == token)
        lines = (cut(known.symbol, 20), cut(figure(passed, known), 24))
        return Bar(token, self._x(2 * self.ranks[token]), HEADER + slot.top, slot.flow, lines)

    def _ribbons(self) -> list[Ribbon]:
        leaving, arriving = self._ports(outward=True), self._ports(outward=False)
        return [self._ribbon(leg, slots, leaving[id(leg)], arriving[id(leg)]) for leg, slots in self.ways]

    def _ports(self, *, outward: bool) -> dict[int, float]:
        """Where each ribbon meets its bar, one below the other in the order of their slots."""
        ports: dict[int, float] = {}
        for token, bar in self.bars.items():
            own = [way for way in self.ways if token == (way[0].edge.token_in if outward else way[0].edge.token_out)]
            own.sort(key=lambda way: way[1][0 if outward else -1].centre)
            y = HEADER + bar.top
            for leg, slots in own:
                ports[id(leg)] = y
                y += slots[0].flow
        return ports

    def _ribbon(self, leg: ExplainedLeg, slots: Sequence[_Slot], leaves: float, arrives: float) -> Ribbon:
        column = 2 * self.ranks[leg.edge.token_in]
        edge: list[Point] = [(self._x(column) + BAR_WIDTH, leaves)]
        for offset, slot in enumerate(slots, start=1):
            x, y = self._x(column + offset), HEADER + slot.top
            edge += [(x, y), (x + (LEG_WIDTH if (column + offset) % 2 else BAR_WIDTH), y)]
        edge.append((self._x(2 * self.ranks[leg.edge.token_out]), arrives))
        middle = (self._x(column + 1) + LEG_WIDTH / 2, HEADER + slots[0].centre)
        return Ribbon(leg, kind_of(leg), tuple(edge), slots[0].flow, middle, self._label(leg))

    def _label(self, leg: ExplainedLeg) -> tuple[str, str, str]:
        given, got = self.tokens[leg.edge.token_in], self.tokens[leg.edge.token_out]
        scale = 10.0 ** (given.decimals - got.decimals)
        amounts = f"{figure(leg.fill.amount_in, given)} {given} → {figure(leg.fill.amount_out, got)} {got}"
        prices = f"{leg.price_before * scale:,.7g} ↘ {leg.price_after * scale:,.7g}"
        return cut(leg.edge.label), cut(amounts), cut(f"{float(leg.share):.1%} · {prices}")


def _ranks(explanation: Explanation) -> dict[Address, int]:
    """Each token's column: the longest way to it."""
    ranks = dict.fromkeys(explanation.tokens, 0)
    for token in explanation.tokens:
        for leg in explanation.legs:
            if leg.edge.token_in == token:
                ranks[leg.edge.token_out] = max(ranks[leg.edge.token_out], ranks[token] + 1)
    return ranks


def _tall(column: Sequence[_Slot]) -> float:
    return sum(slot.room for slot in column) + GAP * (len(column) - 1)


def _stack(column: list[_Slot], inner: float) -> None:
    """Slots from top to bottom, each near what it continues, the column in the middle."""
    column.sort(key=lambda slot: sum(each.centre for each in slot.behind) / max(1, len(slot.behind)))
    y = (inner - _tall(column)) / 2
    for slot in column:
        slot.y = y
        y += slot.room + GAP


def kind_of(leg: ExplainedLeg) -> str:
    """A pool, a maker or a book: the ribbon's colour."""
    if isinstance(leg.edge, PoolEdge):
        return "pool"
    return "book" if isinstance(leg.edge, BookEdge) else "maker"


def cut(text: str, longest: int = LONGEST_LABEL) -> str:
    """Others' words, fit for one line of a drawing; not escaped yet."""
    line = printable(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def figure(raw: int, token: Token) -> str:
    """An amount with about six digits."""
    whole = len(str(abs(raw))) - token.decimals
    return format_amount(raw, token.decimals, places=min(token.decimals, max(0, 6 - max(0, whole))))


def drawing(explanation: Explanation, tokens: Mapping[Address, Token], *, title: str, notes: Sequence[str]) -> str:
    """The plan as a standalone SVG document; `notes` are lines below the title."""
    placed = layout(explanation, tokens)
    width = max(placed.width, 640.0)
    shown = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {placed.height:.0f}" '
        f'width="{width:.0f}" height="{placed.height:.0f}" role="img">',
        f"<title>{_safe(title)}</title>",
        f"<desc>{_safe('; '.join(notes))}</desc>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{placed.height:.0f}"/>',
        _text(MARGIN, 30.0, title, "title", anchor="start"),
        *(_text(MARGIN, 50.0 + 17.0 * row, note, "dim", anchor="start") for row, note in enumerate(notes[:2])),
        *(_ribbon_markup(ribbon) for ribbon in placed.ribbons),
        *(_bar_markup(bar) for bar in placed.bars),
        *(_label_markup(ribbon) for ribbon in placed.ribbons),
        "</svg>",
    ]
    return "\n".join(shown) + "\n"


def _ribbon_markup(ribbon: Ribbon) -> str:
    there, back = _curve(ribbon.edge), _curve([(x, y + ribbon.thickness) for x, y in reversed(ribbon.edge)])
    start, turn = ribbon.edge[0], ribbon.edge[-1]
    tip = f"{ribbon.lines[0]}: {ribbon.lines[1]}, {ribbon.lines[2]}"
    return (
        f'<path class="ribbon {ribbon.kind}" d="M{start[0]:.1f} {start[1]:.2f} {there} '
        f'L{turn[0]:.1f} {turn[1] + ribbon.thickness:.2f} {back} Z"><title>{_safe(tip)}</title></path>'
    )


def _curve(points: Sequence[Point]) -> str:
    """Smooth where it changes height, straight where it doesn't."""
    pieces = []
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (x0 + x1) / 2
        pieces.append(f"C{middle:.1f} {y0:.2f} {middle:.1f} {y1:.2f} {x1:.1f} {y1:.2f}")
    return " ".join(pieces)


def _bar_markup(bar: Bar) -> str:
    box = (
        f'<rect class="bar" x="{bar.x:.1f}" y="{bar.y:.2f}" width="{BAR_WIDTH:.0f}" height="{bar.height:.2f}" rx="2"/>'
    )
    name = _text(bar.x, bar.y - 20.0, bar.lines[0], "strong", anchor="start")
    return f"{box}{name}{_text(bar.x, bar.y - 6.0, bar.lines[1], 'dim', anchor='start')}"


def _label_markup(ribbon: Ribbon) -> str:
    x, y = ribbon.middle
    classes = ("strong", "", "dim")
    return "".join(_text(x, y - 11.0 + 15.0 * row, line, classes[row]) for row, line in enumerate(ribbon.lines))


def _text(x: float, y: float, words: str, style: str, *, anchor: str = "middle") -> str:
    named = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{_safe(words)}</text>'


def _safe(text: str) -> str:
    return escape(printable(text), {'"': "&quot;"})


def write_whole(path: Path, text: str, *, force: bool) -> None:
    """Write the file at once or not at all. Raises `InvalidRequest` where there is one already, unless `force`."""
    part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}")
    try:
        with part.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if force:
            part.replace(path)
        else:
            path.hardlink_to(part)
    except FileExistsError:
        raise already_there(path) from None
    finally:
        part.unlink(missing_ok=True)


def already_there(path: Path) -> InvalidRequest:
    """The refusal to overwrite."""
    return InvalidRequest("svg", f"{path} is already there; give --force to replace it, or another name")
