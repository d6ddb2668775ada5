"""Every recorded answer of `getAmountOut` on Base's Aerodrome pools, against our maths."""

import json
from pathlib import Path

import pytest

from oms.errors import QuoteRefused
from oms.liquidity.solidly import SolidlyPool

pytestmark = pytest.mark.recorded


def test_every_recorded_answer_is_reproduced(oms_data: Path) -> None:
    folder = oms_data / "vectors" / "aerodrome"
    pools = {}
    for file in sorted(folder.glob("aerodrome_*.json")):
        state = json.loads(file.read_text())
        tokens = state["token0"], state["token1"]
        pool = SolidlyPool(
            pool_id=state["pool"],
            token0=tokens[0]["address"],
            token1=tokens[1]["address"],
            reserve0=state["reserves_token0"],
            reserve1=state["reserves_token1"],
            decimals0=tokens[0]["decimals"],
            decimals1=tokens[1]["decimals"],
            fee=state["fee_raw"],
            stable=state["stable"],
        )
        pools[state["pool"]] = pool, f"{tokens[0]['symbol']}->{tokens[1]['symbol']}"
    checked = 0
    for file in sorted(folder.glob("test_*.json")):
        for key, answer in json.loads(file.read_text())["entries"].items():
            address, function, path, amount = key.split("|")
            assert function == "getAmountOut"
            pool, forward = pools[address]
            try:
                got: int | None = pool.amount_out(path == forward, int(amount))
            except QuoteRefused:
                got = None
            assert got == answer.get("value"), key
            checked += 1
    assert checked == 26
