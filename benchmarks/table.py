"""Readings as a table for people.

Owns: rounding for the eye. Must not: be parsed; the JSON file is for that.
"""

from collections.abc import Iterable

from rich.table import Table

from benchmarks.measures import Measure, Reading


def readings_table(readings: Iterable[Reading]) -> Table:
    """Value, peer's value, ratio, aim, and whether it is met."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("measure", "value", "unit", "peer's", "peer", "ratio", "aim", "met"):
        right = heading in {"value", "peer's", "ratio", "aim"}
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for reading in readings:
        measure, beside = reading.measure, reading.peer_value is not None
        table.add_row(
            measure.key,
            _figure(reading.value),
            measure.unit,
            _figure(reading.peer_value) if reading.peer_value is not None else "",
            measure.peer if beside else "",
            f"{_figure(reading.ratio)}×" if reading.ratio is not None else "",
            measure.aim_text,
            {True: "yes", False: "[bold]no[/bold]", None: ""}[reading.met],
        )
    return table


def measures_table(measures: Iterable[Measure]) -> Table:
    """What can be measured."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("key", "unit", "aim", "what"):
        table.add_column(heading, no_wrap=heading != "what")
    for measure in measures:
        table.add_row(measure.key, measure.unit, measure.aim_text, measure.what)
        for key in measure.keys[1:]:
            table.add_row(f"  {key}", *("ratio", "", "ours / peer's") if "_vs_" in key else (measure.unit, "", "peer"))
    return table


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
