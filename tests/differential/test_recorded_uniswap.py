"""Every answer that mainnet's v3 quoter gave for WBTC/WETH 0.3 % at block 24407242."""

import json
from pathlib import Path

import pytest

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.pool import Family
from oms.liquidity.tick_map import TickMap
from oms.units import Address

pytestmark = pytest.mark.recorded

WBTC, WETH = Address("WBTC"), Address("WETH")


@pytest.fixture(scope="module")
def folder(oms_data: Path) -> Path:
    found = oms_data / "vectors" / "uniswap_v3"
    if not found.is_dir():
        pytest.skip(f"no recorded quotes at {found}")
    return found


@pytest.fixture(scope="module")
def pool(folder: Path) -> ConcentratedPool:
    recorded = json.loads((folder / "uniswap_v3_wbtc_weth_block_24407242.json").read_text())
    scalars = recorded["scalars"]
    return ConcentratedPool(
        recorded["pool"],
        Family.UNISWAP_V3,
        (WBTC, WETH),
        scalars["fee"],
        scalars["tick_spacing"],
        scalars["sqrt_price_x96"],
        scalars["tick"],
        scalars["liquidity"],
        TickMap.of({int(tick): net for tick, (_, net, _) in recorded["tick_data"].items()}),
    )


@pytest.fixture(scope="module")
def answers(folder: Path) -> list[tuple[bool, bool, int, int]]:
    """(exact input?, zero for one?, amount, answer)."""
    entries = json.loads((folder / "quotes_wbtc_weth_24407242.json").read_text())["entries"]
    rows = []
    for key, entry in entries.items():
        _, function, pair, amount = key.split("|")
        rows.append((function == "quoteExactInputSingle", pair == "WBTC->WETH", int(amount), entry["value"]))
    return rows


def test_swap_gives_all_eighty_answers_with_the_quoter_s_silent_partial_fills(
    pool: ConcentratedPool, answers: list[tuple[bool, bool, int, int]]
) -> None:
    assert len(answers) == 80
    for exact_in, zero_for_one, amount, answer in answers:
        delta = pool.swap(zero_for_one, amount if exact_in else -amount)
        asked_side = zero_for_one != exact_in
        assert abs(delta.amount0 if asked_side else delta.amount1) == answer, (exact_in, zero_for_one, amount)


def test_quotes_give_the_same_answers_or_refuse_a_partial_fill(
    pool: ConcentratedPool, answers: list[tuple[bool, bool, int, int]]
) -> None:
    refused = 0
    for exact_in, zero_for_one, amount, answer in answers:
        delta = pool.swap(zero_for_one, amount if exact_in else -amount)
        taken, paid = (delta.amount0, -delta.amount1) if zero_for_one else (delta.amount1, -delta.amount0)
        token_in, token_out = (WBTC, WETH) if zero_for_one else (WETH, WBTC)
        if amount != (taken if exact_in else paid):
            with pytest.raises(QuoteRefused) as refusal:
                (pool.quote_in if exact_in else pool.quote_out)(token_in, token_out, amount)
            assert refusal.value.reason is Refusal.INSUFFICIENT_LIQUIDITY
            refused += 1
        elif exact_in:
            assert pool.quote_in(token_in, token_out, amount).amount_out == answer
            assert pool.amount_out(zero_for_one, amount) == answer
        else:
            assert pool.quote_out(token_in, token_out, amount).amount_in == answer
            assert pool.amount_in(zero_for_one, amount) == answer
    assert refused == 11
