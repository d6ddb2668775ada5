"""Recorded pools without a closed form: what their responses say beside what the pools pay, and the chain paid."""

import json
import math
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

import pytest

from benchmarks.auction import Auction
from oms.domain.venue import Family
from oms.errors import QuoteRefused
from oms.liquidity.pool import Pool
from oms.liquidity.price_response import is_fitted, log_marginal_price, response_of
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stableswap import Amplification, StableSwapPool

pytestmark = pytest.mark.recorded

SHARES = tuple(10 ** (step / 4) for step in range(-28, 1))


def _three_pool(data: Path) -> StableSwapPool:
    state = json.loads((data / "vectors" / "curve" / "curve_tripool_block_24407242.json").read_text())
    ramp = (state["initial_a"], state["future_a"], state["initial_a_time"], state["future_a_time"])
    return StableSwapPool(
        pool_id=state["address"],
        tokens=tuple(token["address"] for token in state["tokens"]),
        balances=tuple(state["balances"]),
        rates=tuple(10 ** (36 - token["decimals"]) for token in state["tokens"]),
        amplification=Amplification(*ramp),
        fee=state["fee"],
        admin_fee=state["admin_fee"],
        timestamp=state["block_timestamp"],
    )


def _aerodrome(data: Path) -> Iterable[SolidlyPool]:
    for file in sorted((data / "vectors" / "aerodrome").glob("aerodrome_*.json")):
        state = json.loads(file.read_text())
        first, second = state["token0"], state["token1"]
        yield SolidlyPool(
            state["pool"],
            first["address"],
            second["address"],
            state["reserves_token0"],
            state["reserves_token1"],
            first["decimals"],
            second["decimals"],
            state["fee_raw"],
            state["stable"],
        )


def _pools(data: Path) -> list[Pool]:
    auction = [listed.pool for listed in Auction.load(data).pools_of(Family.BALANCER_STABLE)]
    return [_three_pool(data), *_aerodrome(data), *auction]


def test_no_recorded_pool_pays_more_than_its_response_and_none_a_millionth_less(oms_data: Path) -> None:
    checked = 0
    for pool in _pools(oms_data):
        for token_in, token_out in permutations(pool.tokens, 2):
            response = response_of(pool, token_in, token_out)
            unit = 1.0 + 1.02 * math.exp(response.log_price)
            held = response.end.amount_out
            assert response.log_price == pytest.approx(log_marginal_price(pool, token_in, token_out), abs=1e-12)
            for share in SHARES:
                amount = int(held * math.exp(-response.log_price) * share)
                try:
                    paid = pool.quote_in(token_in, token_out, amount).amount_out
                except QuoteRefused:
                    continue
                over = response.sold(float(amount)) - paid
                assert -1e-12 * paid - unit <= over <= 1e-7 * paid + 2.0 * unit + 1e-12 * held
                checked += 1
    assert checked > 1_000


def test_the_chain_s_own_answers_lie_below_3pool_s_responses_by_a_ten_millionth(oms_data: Path) -> None:
    pool = _three_pool(oms_data)
    assert is_fitted(pool)
    folder = oms_data / "vectors" / "curve"
    state = json.loads((folder / "curve_tripool_block_24407242.json").read_text())
    address_of = {token["symbol"]: token["address"] for token in state["tokens"]}
    for key, answer in json.loads((folder / "quotes_tripool.json").read_text())["entries"].items():
        _, _, path, amount = key.split("|")
        token_in, token_out = (address_of[symbol] for symbol in path.split("->"))
        response = response_of(pool, token_in, token_out)
        over = response.sold(float(amount)) - answer["value"]
        unit = 1.0 + math.exp(response.log_price)
        assert -2.0 * unit <= over <= 1e-7 * answer["value"] + 2.0 * unit
