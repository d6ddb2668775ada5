"""What the executor's swaps cost, beside what they cost when `benchmarks/gas_snapshot.json` was kept."""

import json
from pathlib import Path

import pytest

from benchmarks import gas
from benchmarks.measures import Findings

pytestmark = pytest.mark.fork
TOLERANCE = 0.001
"""Signatures differ by a zero byte or two from one address of ours to another."""


def test_no_swap_costs_more_or_less_than_its_snapshot(project: Path) -> None:
    kept = json.loads((project / "benchmarks" / "gas_snapshot.json").read_text())
    findings = Findings()
    gas.measure([measure for measure in gas.MEASURES if measure.key in kept], findings, project=project)
    found = {reading.measure.key: reading.value for reading in findings.readings}
    assert found.keys() == kept.keys()
    off = {key: (kept[key], found[key]) for key in kept if abs(found[key] / kept[key] - 1) > TOLERANCE}
    assert not off, "if that was meant, write the new figures into benchmarks/gas_snapshot.json"
