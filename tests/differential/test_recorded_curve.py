"""Curve's recorded mainnet answers and states, against our maths: views, storage layouts, and a real trade."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from oms.liquidity.curve_layout import (
    STABLESWAP_FUTURE_TIME_SLOT,
    THREE_POOL,
    TRICRYPTO2,
    TRICRYPTO_USDC,
    CryptoSwapDeployment,
    cryptoswap_slots,
    decode_cryptoswap,
    decode_stableswap,
    stableswap_slots,
)
from oms.liquidity.stableswap import Amplification, StableSwapPool

pytestmark = pytest.mark.recorded


class Recording:
    """One recorded mainnet state: the words known of an address, zero where the recording proves it."""

    def __init__(self, data: Path, name: str) -> None:
        self.facts: dict[str, Any] = json.loads(gzip.decompress((data / "mainnet" / f"{name}.json.gz").read_bytes()))
        self._accounts = {address.lower(): account for address, account in self.facts["alloc"].items()}

    def words(self, address: str) -> dict[int, int]:
        stored = self._accounts[address.lower()]["storage"]
        zero = self.facts["provedZero"].get(address.lower(), [])
        return {int(slot, 16): 0 for slot in zero} | {int(slot, 16): int(word, 16) for slot, word in stored.items()}


def test_every_recorded_view_answer_of_3pool_is_reproduced(oms_data: Path) -> None:
    folder = oms_data / "vectors" / "curve"
    state = json.loads((folder / "curve_tripool_block_24407242.json").read_text())
    address_of = {token["symbol"]: token["address"] for token in state["tokens"]}
    pool = StableSwapPool(
        pool_id=state["address"],
        tokens=tuple(address_of.values()),
        balances=tuple(state["balances"]),
        rates=tuple(10 ** (36 - token["decimals"]) for token in state["tokens"]),
        amplification=Amplification(
            state["initial_a"], state["future_a"], state["initial_a_time"], state["future_a_time"]
        ),
        fee=state["fee"],
        admin_fee=state["admin_fee"],
        timestamp=state["block_timestamp"],
    )
    entries = json.loads((folder / "quotes_tripool.json").read_text())["entries"]
    assert len(entries) == 18
    for key, answer in entries.items():
        _, function, path, amount = key.split("|")
        assert function == "get_dy"
        token_in, token_out = (address_of[symbol] for symbol in path.split("->"))
        assert pool.view_get_dy(token_in, token_out, int(amount)) == answer["value"], key
        assert -1 <= pool.quote_in(token_in, token_out, int(amount)).amount_out - answer["value"] <= 1
    assert pool.invariant() * 10**18 // state["lp_token_total_supply"] == state["virtual_price"]


def test_3pool_is_built_from_the_recorded_slots_alone(oms_data: Path) -> None:
    words = Recording(oms_data, "alloc_20526626").words(THREE_POOL.address)
    needed = {slot: words[slot] for slot in stableswap_slots(3)}
    pool = decode_stableswap(needed, deployment=THREE_POOL, timestamp=needed[STABLESWAP_FUTURE_TIME_SLOT] + 1)
    assert (pool.a(), pool.fee, pool.admin_fee) == (2000, 1_000_000, 5 * 10**9)
    dai, usdc, _ = THREE_POOL.tokens
    assert 9_990 * 10**6 < pool.quote_in(dai, usdc, 10_000 * 10**18).amount_out < 10_010 * 10**6


@pytest.mark.parametrize("deployment", [TRICRYPTO2, TRICRYPTO_USDC], ids=["tricrypto2", "tricryptoUSDC"])
def test_tricrypto_pools_are_built_from_the_recorded_slots_alone(
    oms_data: Path, deployment: CryptoSwapDeployment
) -> None:
    recording = Recording(oms_data, "alloc_24628608_merged")
    words = recording.words(deployment.address)
    needed = {slot: words[slot] for slot in cryptoswap_slots(deployment.generation).always}
    holder, slot = deployment.supply_at
    supply = recording.words(holder)[slot]
    pool = decode_cryptoswap(
        needed, deployment=deployment, total_supply=supply, timestamp=recording.facts["nextBlockTimestamp"]
    )
    dollar, _, weth = deployment.tokens
    swap = pool.quote_in(weth, dollar, 10**17)
    assert 205 * 10**6 < swap.amount_out < 207 * 10**6
    back = pool.quote_out(dollar, weth, 10**17)
    assert 205 * 10**6 < back.amount_in < 208 * 10**6


def test_a_real_trade_left_the_pool_as_predicted(oms_data: Path) -> None:
    """Block 24628607 sold WBTC for ETH in tricryptoUSDC; its state before and after are both recorded."""
    before = Recording(oms_data, "alloc_24628607").words(TRICRYPTO_USDC.address)
    after = Recording(oms_data, "alloc_24628608_merged").words(TRICRYPTO_USDC.address)
    always = cryptoswap_slots(TRICRYPTO_USDC.generation).always
    # The earlier recording doesn't say that no ramp is on; the later one proves that slot empty.
    start = {10: after[10]} | before
    pool = decode_cryptoswap(start, deployment=TRICRYPTO_USDC, total_supply=before[25], timestamp=after[6])
    _, wbtc, weth = TRICRYPTO_USDC.tokens
    swap = pool.quote_in(wbtc, weth, after[12] - before[12])
    assert swap.amount_out == before[13] - after[13]
    settled = decode_cryptoswap(
        {slot: after[slot] for slot in always}, deployment=TRICRYPTO_USDC, total_supply=after[25], timestamp=after[6]
    )
    assert swap.next_pool == settled
