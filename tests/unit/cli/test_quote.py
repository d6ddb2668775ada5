"""What a person and a program are told of a quote's proof and costs."""

import json
from dataclasses import replace

import pytest
from rich.text import Text

from oms.application.quoting import QuoteReport
from oms.cli.quote import quote_json
from oms.cli.tables import bound_line, costs_line
from tests.unit.application.samples import ETH, USD, book, buy, plan_of, pool, report, sell

REPORT = report(sell(20), pool(1, 500), pool(2, 700), gas_price=10**9)


def plain(line: str) -> str:
    return Text.from_markup(line).plain


def with_proof(found: QuoteReport, **changes: object) -> QuoteReport:
    certificate = replace(found.route.certificate, **changes)  # type: ignore[arg-type]
    return replace(found, route=replace(found.route, certificate=certificate))


def test_json_has_the_bound_the_gap_and_all_costs_and_numbers_add_up() -> None:
    found = with_proof(report(sell(20), pool(1, 500), books=[book(size="50")]), gap_bps=3.5, reason="lot size")
    told = json.loads(json.dumps(quote_json(found)))
    split, proof = told["split"], found.route.certificate
    assert (split["bound"], split["arbitrage"]) == (str(proof.bound), str(proof.arbitrage))
    assert (split["gap_bps"], split["gap_reason"]) == (3.5, "lot size")
    assert int(split["net_out"]) == int(split["amount_out"]) - int(split["gas_cost"]) - int(split["charges"])
    assert quote_json(REPORT)["split"]["gas_wei"] == str(REPORT.split.gas * 10**9)
    assert quote_json(REPORT)["split"]["gap_reason"] is None
    assert quote_json(REPORT)["notes"] == list(REPORT.notes) != []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gap_bps": -0.0001}, "at most {bound} USDC before gas, gap 0.00 bp"),
        ({"gap_bps": 4.25, "reason": "fixed cost"}, "at most {bound} USDC before gas, gap 4.25 bp (fixed cost)"),
        (
            {"gap_bps": 0.0, "arbitrage": 1_234_567},
            "at most {bound} USDC before gas, gap 0.00 bp; arbitrage apart 1.234567 USDC",
        ),
    ],
)
def test_the_bound_is_told_with_its_gap_reason_and_arbitrage(changes: dict[str, object], said: str) -> None:
    found = with_proof(REPORT, bound=39_000_000_000, **changes)
    assert plain(bound_line(found.intent, found.route.certificate)) == "bound " + said.format(bound="39,000.000")


def test_a_purchases_bound_is_the_least_input() -> None:
    found = with_proof(report(buy(2_000), pool(1, 500)), bound=10**18, gap_bps=0.0)
    assert plain(bound_line(found.intent, found.route.certificate)).startswith("bound at least 1.0000000 WETH")


def test_a_plan_tells_the_same_bound_as_its_quote() -> None:
    assert bound_line(REPORT.intent, plan_of(REPORT)) == bound_line(REPORT.intent, REPORT.route.certificate)


def test_gas_is_told_in_the_coin_and_in_the_output_token_and_charges_only_where_there_are_any() -> None:
    told = costs_line(USD, gas=195_404, gas_wei=172_548_907_234_880, gas_cost=462_550, charges=0)
    assert told == "gas 195,404: 0.000172548 of the chain's coin, 0.462550 USDC"
    assert costs_line(ETH, gas=1, gas_wei=1, gas_cost=1, charges=10**18).endswith("hedge and transfers 1.0000000 WETH")
