"""What `oms swap` and the demo say, write and end with, on a desk of fakes."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from rich.console import Console

from oms.accounting.realised import LegResult
from oms.application.hedging import HedgeResult
from oms.application.quoting import QuoteReport
from oms.application.settling import Outcome
from oms.bootstrap.trading import Trading
from oms.cli.swap import GateDenied, Known, fees_in_output, known_json, settle_shown, written_at_the_end
from oms.domain.plans import RoutePlan
from oms.domain.transactions import Receipt, Simulation
from oms.errors import OmsError, OutcomeUnknown, StateConflict
from oms.execution.revert_reasons import explain_revert
from oms.risk.gate import CheckResult
from oms.routing.allocation import GasCost
from oms.units import Address, Gas, Wei
from tests.unit.application.samples import DIGEST, EXECUTOR, book, plan_of, pool, report, sell

REPORT = report(sell(20), pool(1, 500), books=[book(size="4")])
PLAN = plan_of(REPORT)
PASSED = CheckResult("size", passed=True, detail="20 WETH")
FAILED = CheckResult("size", passed=False, detail="too much; lower the amount")
RECEIPT = Receipt(DIGEST, 101, True, Gas(200_000), Wei(10**9), ())


class OnFakes(Trading):
    """Answers what it is told, and sends nothing."""

    def __init__(
        self,
        answer: Outcome | OmsError,
        *,
        findings: Sequence[CheckResult] = (PASSED,),
        simulation: Simulation | None = None,
    ) -> None:
        self.answer = answer
        self.findings = tuple(findings)
        self.simulation = simulation
        self.executed = 0

    def preview(self, plan: RoutePlan, **_: Any) -> tuple[tuple[CheckResult, ...], Simulation | None]:
        return self.findings, self.simulation

    def execute(self, plan: RoutePlan, **_: Any) -> Outcome:
        self.executed += 1
        if isinstance(self.answer, OmsError):
            raise self.answer
        return self.answer

    def names(self) -> dict[Address, str]:
        return {EXECUTOR: "executor"}


def leg_results(*, short_by: int = 0) -> tuple[LegResult, ...]:
    return tuple(
        LegResult(
            leg.venue,
            leg.token_in.address,
            leg.token_out.address,
            leg.amount_in,
            leg.amount_out,
            leg.amount_in,
            leg.amount_out - short_by,
        )
        for leg in PLAN.chain_legs
    )


def settled(*, problem: str = "", short_by: int = 0) -> Outcome:
    """Every leg as predicted, but for what is told."""
    leg = PLAN.exchange_legs[0]
    amounts = (0, 0) if problem else (leg.amount_in, leg.amount_out)
    hedge = HedgeResult(leg, "one-0", (), *amounts, problem)
    return Outcome("one", PLAN, (PASSED,), receipt=RECEIPT, legs=leg_results(short_by=short_by), hedges=(hedge,))


def run(trading: Trading, path: Path, *, found: QuoteReport = REPORT, dry_run: bool = False) -> str:
    """What is shown of an order whose end is written to `path`."""
    shown = io.StringIO()
    console = Console(file=shown, width=300, emoji=False)
    known = Known(PLAN)
    with written_at_the_end(known, path):
        settle_shown(console, trading, known, found, dry_run=dry_run)
    return shown.getvalue()


def test_an_order_that_settled_whole_is_shown_and_written(tmp_path: Path) -> None:
    shown = run(OnFakes(settled()), tmp_path / "out.json")
    assert "predicted against realised" in shown
    written = json.loads((tmp_path / "out.json").read_text())
    assert (written["settled"], written["exact"], written["order_id"]) == (True, True, "one")
    assert not {"denied", "problem"} & set(written)
    assert written["assets"] == {
        "WETH": {"predicted": str(-PLAN.amount_in), "realised": str(-PLAN.amount_in)},
        "USDC": {"predicted": str(PLAN.amount_out), "realised": str(PLAN.amount_out)},
    }


@pytest.mark.parametrize("problem", ["unknown: no answer", "refused: margin", "filled 1 of 4; the rest is open"])
def test_an_off_chain_leg_that_is_not_filled_ends_the_command_with_code_3_after_all_is_written(
    tmp_path: Path, problem: str
) -> None:
    with pytest.raises(StateConflict, match="oms journal show --order one") as caught:
        run(OnFakes(settled(problem=problem)), tmp_path / "out.json")
    assert caught.value.exit_code == 3
    assert f"paper ETH/USDC: {problem}" in str(caught.value)
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["settled"] is False
    assert written["hedges"][0]["problem"] == problem
    assert written["problem"] == str(caught.value)
    assert written["assets"]["USDC"]["realised"] == str(PLAN.chain_amount_out)


def test_an_inexact_leg_ends_the_command_with_code_3_after_all_is_written(tmp_path: Path) -> None:
    with pytest.raises(StateConflict, match="please report this plan") as caught:
        run(OnFakes(settled(short_by=1)), tmp_path / "out.json")
    assert caught.value.exit_code == 3
    written = json.loads((tmp_path / "out.json").read_text())
    assert (written["settled"], written["exact"]) == (True, False)


def test_a_simulation_that_reverts_is_shown_and_written_by_the_errors_name(tmp_path: Path) -> None:
    data = keccak(b"MinOutMissed(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [99, 100])
    reverted = Simulation(False, Gas(21_000), (), (), data, explain_revert(data).sentence)
    shown = io.StringIO()
    known, path = Known(PLAN), tmp_path / "out.json"
    trading = OnFakes(settled(), findings=(FAILED,), simulation=reverted)
    with pytest.raises(GateDenied), written_at_the_end(known, path):
        settle_shown(Console(file=shown, width=300), trading, known, REPORT, dry_run=True)
    assert "MinOutMissed(received=99, minOut=100)" in shown.getvalue()
    revert = json.loads(path.read_text())["revert"]
    assert (revert["name"], revert["arguments"]) == ("MinOutMissed", {"received": "99", "minOut": "100"})
    assert revert["data"] == "0x" + data.hex()


def test_what_the_gate_refuses_is_written_with_its_reason(tmp_path: Path) -> None:
    trading = OnFakes(Outcome("one", PLAN, (FAILED,), denied="size: too much; lower the amount"))
    with pytest.raises(GateDenied, match="nothing was sent: size: too much") as caught:
        run(trading, tmp_path / "out.json")
    assert caught.value.exit_code == 2
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["denied"] == "size: too much; lower the amount"
    assert written["findings"] == [{"name": "size", "passed": False, "detail": "too much; lower the amount"}]
    assert written["settled"] is False
    assert written["plan"]["plan_id"] == PLAN.plan_id


def test_a_dry_run_that_the_gate_refuses_is_written_and_nothing_is_executed(tmp_path: Path) -> None:
    trading = OnFakes(settled(), findings=(PASSED, FAILED))
    with pytest.raises(GateDenied, match="lower the amount"):
        run(trading, tmp_path / "out.json", dry_run=True)
    assert trading.executed == 0
    assert json.loads((tmp_path / "out.json").read_text())["denied"] == "size: too much; lower the amount"


def test_a_dry_run_writes_plan_and_findings(tmp_path: Path) -> None:
    trading = OnFakes(settled())
    assert "nothing was sent" in run(trading, tmp_path / "out.json", dry_run=True)
    assert trading.executed == 0
    assert set(json.loads((tmp_path / "out.json").read_text())) == {"plan", "findings"}


def test_an_unknown_outcome_is_written_as_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(OutcomeUnknown):
        run(OnFakes(OutcomeUnknown("rpc", "no answer; ask for 0xdd")), tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["problem"] == "rpc: no answer; ask for 0xdd"
    assert set(written) == {"plan", "findings", "problem"}


def test_a_file_that_cannot_be_written_hides_no_failure(tmp_path: Path) -> None:
    with pytest.raises(GateDenied):
        run(OnFakes(Outcome("one", PLAN, (FAILED,), denied="no")), tmp_path / "absent" / "out.json")
    with pytest.raises(StateConflict, match="cannot write"):
        run(OnFakes(settled()), tmp_path / "absent" / "out.json")


def test_fees_are_valued_at_the_quoted_price_of_the_coin_and_rounded_up() -> None:
    priced = report(sell(20), pool(1, 500), gas_price=10**9)
    quoted = replace(priced, gas_cost=GasCost(2.5))
    assert fees_in_output(quoted, 200_000 * 10**9) == 500_000
    assert fees_in_output(quoted, 200_000 * 10**9 + 1) == 500_001
    assert fees_in_output(quoted, 0) == 0
    assert fees_in_output(REPORT, 10**15) == 0, "a chain without a gas price has none to value fees at"


def test_two_assets_of_one_symbol_are_told_apart_by_address() -> None:
    wanted = replace(PLAN.intent.token_out, symbol=PLAN.intent.token_in.symbol)
    plan = replace(PLAN, intent=replace(PLAN.intent, token_out=wanted))
    found = known_json(Known(plan, outcome=replace(settled(), plan=plan)))
    assert set(found["assets"]) == {f"WETH@{t.address}" for t in (plan.intent.token_in, wanted)}


def test_foreign_words_neither_style_nor_drive_the_terminal(tmp_path: Path) -> None:
    rude = replace(PLAN.exchange_legs[0], exchange="[red]x[/]\x1b[2J", book_source="\x07:smile:[bold]")
    plan = replace(PLAN, exchange_legs=(rude,))
    hedge = HedgeResult(rude, "one-0", (), rude.amount_in, rude.amount_out)
    shown = io.StringIO()
    console = Console(file=shown, width=300, emoji=False)
    outcome = Outcome("one", plan, (PASSED,), receipt=RECEIPT, legs=leg_results(), hedges=(hedge,))
    settle_shown(console, OnFakes(outcome), Known(plan), REPORT, dry_run=False)
    text = shown.getvalue()
    assert text.count("[red]x[/]?[2J ETH/USDC (off chain)") == 2
    assert "?:smile:[bold]" in text
    assert not {"\x1b", "\x07"} & set(text)
