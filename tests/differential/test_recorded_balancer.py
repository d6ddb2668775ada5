"""Every recorded answer of `querySwap` on mainnet's Balancer v2 pools, against our maths."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from oms.errors import QuoteRefused
from oms.liquidity.balancer_vault import ONE
from oms.liquidity.composable_stable import BalancerStablePool, InvariantVersion
from oms.liquidity.weighted import PowVersion, WeightedPool

pytestmark = pytest.mark.recorded

BalancerPool = WeightedPool | BalancerStablePool


def _fee(text: str) -> int:
    fee = Fraction(text) * ONE
    assert fee.denominator == 1
    return int(fee)


def _pool(state: dict[str, Any]) -> BalancerPool:
    tokens = tuple(token["address"] for token in state["tokens"])
    balances = tuple(state["balances"])
    if "weights" in state:
        return WeightedPool(
            pool_id=state["pool_id"],
            address=state["address"],
            tokens=tokens,
            balances=balances,
            weights=tuple(state["weights"]),
            decimals=tuple(token["decimals"] for token in state["tokens"]),
            swap_fee=_fee(state["fee"]),
            pow_version=PowVersion(state["pow_version"]),
        )
    assert state["bpt_idx"] is None
    return BalancerStablePool(
        pool_id=state["pool_id"],
        address=state["address"],
        tokens=tokens,
        balances=balances,
        scaling_factors=tuple(state["resolved_scaling_factors"]),
        amplification=state["amp"],
        swap_fee=_fee(state["fee"]),
        invariant_version=InvariantVersion(state["invariant_version"]),
    )


def _pools(folder: Path) -> dict[str, tuple[BalancerPool, list[str]]]:
    states = [json.loads(file.read_text()) for file in sorted(folder.glob("balancer_*.json"))]
    return {state["address"]: (_pool(state), [token["symbol"] for token in state["tokens"]]) for state in states}


def _answers(folder: Path) -> list[tuple[str, str, str, int, int | None]]:
    """(pool, kind, `A->B` or `i->j`, amount, answer or None for a revert)."""
    found = []
    for file in sorted(folder.glob("quotes_*.json")):
        for key, answer in json.loads(file.read_text())["entries"].items():
            pool, function, kind, *direction, amount = key.split("|")
            assert function == "querySwap"
            path = "->".join(part.removeprefix("i=").removeprefix("j=") for part in direction)
            found.append((pool, kind, path, int(amount), answer.get("value")))
    return found


def _index(symbols: list[str], name: str) -> int:
    return int(name) if name.isdigit() else symbols.index(name)


def test_every_recorded_answer_is_reproduced_and_every_recorded_revert_is_refused(oms_data: Path) -> None:
    folder = oms_data / "vectors" / "balancer"
    pools, answers = _pools(folder), _answers(folder)
    assert len(answers) == 249
    wrong = []
    for address, kind, path, amount, expected in answers:
        pool, symbols = pools[address]
        i, j = (_index(symbols, name) for name in path.split("->"))
        quote = pool.amount_out if kind == "GIVEN_IN" else pool.amount_in
        try:
            got: int | None = quote(i, j, amount)
        except QuoteRefused:
            got = None
        if got != expected:
            wrong.append((address, kind, path, amount, expected, got))
    assert wrong == []
