"""The bench's names, its documentation, and what it makes of its figures; measuring itself is not tested."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import MEASURES, bench
from benchmarks.measures import Measure, Reading, selected
from benchmarks.peers.serving import Subject
from benchmarks.quotes import ROUNDS, Case
from oms.errors import InvalidRequest

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks.md"
RATE = Measure(key="quote.some_per_s", unit="quotes/s", what="", aim=8.0, peer="rival")
COST = Measure(key="cli.some_s", unit="s", what="", aim=1.5, less_is_better=True)


def test_the_page_documents_every_key_and_no_other() -> None:
    documented = re.findall(r"^\| `([a-z0-9_.]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert documented == [measure.key for measure in MEASURES]


def test_the_list_names_every_key_that_a_run_may_write() -> None:
    result = CliRunner().invoke(bench, ["--list"])
    assert result.exit_code == 0
    listed = {line.split()[0] for line in result.output.splitlines() if line.strip()}
    assert {key for measure in MEASURES for key in measure.keys} <= listed


def test_a_name_stands_for_its_key_or_for_all_that_begin_with_it() -> None:
    assert {m.key for m in selected(MEASURES, ["gas.v2"])} == {"gas.v2"}
    assert {m.key for m in selected(MEASURES, ["gas.v2_vs_universal_router"])} == {"gas.v2"}
    assert {m.key for m in selected(MEASURES, ["quote.v2"])} == {"quote.v2_per_s", "quote.v2_with_state_per_s"}
    assert {m.key.split(".")[0] for m in selected(MEASURES, ["gas", "cli"])} == {"gas", "cli"}
    assert selected(MEASURES, []) == list(MEASURES)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nothing measured is called"):
        selected(MEASURES, ["quote.v"])


def test_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    reading = Reading.of_rounds(RATE, [80.0, 20.0, 90.0], [10.0, 2.0, 10.0])
    assert (reading.value, reading.peer_value, reading.ratio) == (80.0, 10.0, 9.0)
    assert reading.flat() == {
        "quote.some_per_s": 80.0,
        "quote.some_per_s_rival": 10.0,
        "quote.some_per_s_vs_rival": 9.0,
    }


def test_an_aim_is_judged_on_the_ratio_where_there_is_a_peer_and_not_at_all_without_it() -> None:
    assert Reading(RATE, 100.0, 10.0, 10.0).met is True
    assert Reading(RATE, 100.0, 50.0, 2.0).met is False
    assert Reading(RATE, 100.0).met is None
    assert Reading(COST, 1.4).met is True
    assert Reading(COST, 1.6).met is False


def test_no_amount_is_quoted_twice_in_all_rounds() -> None:
    case = Case(RATE, None, "", {}, Subject(max, 0), 1_000, 1_000_000)
    amounts = [amount for offset in range(ROUNDS) for amount in case.amounts(500, offset=offset)]
    assert len(set(amounts)) == len(amounts) == 500 * ROUNDS
    assert min(amounts) == 1_000
    assert max(amounts) <= 1_000_000
