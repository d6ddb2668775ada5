"""Curve's pools against their own bytecode: `exchange` itself is executed on random states, and all it wrote compared.

3pool, tricrypto2 and tricryptoUSDC with their math contracts, as recorded from mainnet, run in revm; a sample runs in
py-evm as a second opinion. Coins are the recorded WETH9 (for all that return a bool) and USDT (which returns nothing).
A case is a random state written to storage, a time, a pair and an amount; where the chain reverts we must refuse.
"""

import gzip
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from oms.errors import QuoteRefused
from oms.liquidity import tricrypto_ng_math
from oms.liquidity.cryptoswap import AGammaRamp, CryptoSwapPool, DynamicFee
from oms.liquidity.cryptoswap_peg import Generation, Peg, PegRules, Prices
from oms.liquidity.curve_layout import (
    CRYPTOSWAP_SLOTS,
    STABLESWAP_BALANCES,
    STABLESWAP_RAMP_SLOTS,
    THREE_POOL,
    TRICRYPTO2,
    TRICRYPTO_USDC,
    CryptoSwapDeployment,
    cryptoswap_slots,
    decode_cryptoswap,
    decode_stableswap,
)
from oms.liquidity.pool import Pool
from oms.liquidity.stableswap import Amplification, StableSwapPool
from tests.differential.evm import SENDER, Evm, Machine, PyEvm, Reverted, calldata

pytestmark = pytest.mark.recorded

MATH_OF = {
    Generation.TRICRYPTO: "0x8F68f4810CcE3194B6cB6F3d50fa58c2c9bDD1d5",
    Generation.TRICRYPTO_NG: "0xcBFf3004a20dBfE2731543AA38599A526e0fD6eE",
}
DAI, USDC, USDT = THREE_POOL.tokens
WBTC, WETH = TRICRYPTO2.tokens[1:]
THREE_POOL_SHARE = "0x6c3F90f043a72FA612CbAC8115EEe7f52CdE6E49"
NOW = 1_773_164_315
WAD = 10**18
FEW, MANY, SECOND_OPINION = 300, 10_000, 12


@pytest.fixture(scope="module")
def code_of(oms_data: Path) -> Callable[[str], bytes]:
    entries = json.loads(gzip.decompress((oms_data / "mainnet" / "bytecodes.json.gz").read_bytes()))
    by_address = {address: entry["code"] for entry in entries.values() for address in entry["addresses"]}
    return lambda address: bytes.fromhex(by_address[address.lower()].removeprefix("0x"))


@dataclass(frozen=True)
class Case:
    """A state, and a trade on it."""

    pool: Any
    i: int
    j: int
    amount: int


class Stage:
    """Curve's contracts on a machine, with coins that the trader and the pools have plenty of."""

    def __init__(self, machine: Machine, code_of: Callable[[str], bytes]) -> None:
        self.machine = machine
        for address in (THREE_POOL.address, TRICRYPTO2.address, TRICRYPTO_USDC.address, *MATH_OF.values(), USDT, WETH):
            machine.set_code(address, code_of(address))
        for coin in (DAI, USDC, WBTC):
            machine.set_code(coin, code_of(WETH))
        machine.set_code(TRICRYPTO2.supply_at[0], code_of(TRICRYPTO2.supply_at[0]))
        machine.set_balance(WETH, 2**200)
        machine.set_balance(TRICRYPTO_USDC.address, 2**200)
        for k, coin in enumerate(THREE_POOL.tokens):
            machine.set_storage(THREE_POOL.address, _keccak_word(0) + k, int(coin, 16))
        for pool in (THREE_POOL, TRICRYPTO2, TRICRYPTO_USDC):
            for coin in pool.tokens:
                machine.set_storage(coin, _allowance_slot(coin, SENDER, pool.address), 2**256 - 1)

    def exchange(self, case: Case) -> int:
        """What the trader received; the pool's storage is left as `exchange` wrote it. Raises `Reverted`."""
        pool, machine = case.pool, self.machine
        token_in, token_out = pool.tokens[case.i], pool.tokens[case.j]
        for coin in (token_in, token_out):
            machine.set_storage(coin, _balance_slot(coin, SENDER), 2**254)
            machine.set_storage(coin, _balance_slot(coin, pool.pool_id), 2**200)
        machine.set_block(timestamp=pool.timestamp)
        integer = "int128" if isinstance(pool, StableSwapPool) else "uint256"
        signature = f"exchange({integer},{integer},uint256,uint256)"
        machine.call(pool.pool_id, calldata(signature, case.i, case.j, case.amount, 0))
        return machine.get_storage(token_out, _balance_slot(token_out, SENDER)) - 2**254

    def write(self, pool: Any) -> None:
        if isinstance(pool, StableSwapPool):
            words = stableswap_words(pool)
        else:
            words = cryptoswap_words(pool)
            deployment = _deployment(pool)
            self.machine.set_storage(*deployment.supply_at, pool.total_supply)
        for slot, word in words.items():
            self.machine.set_storage(pool.pool_id, slot, word)

    def read(self, pool: Any) -> Any:
        """The pool as decoded from what storage holds now."""
        if isinstance(pool, StableSwapPool):
            words = {slot: self.machine.get_storage(pool.pool_id, slot) for slot in stableswap_words(pool)}
            return decode_stableswap(words, deployment=THREE_POOL, timestamp=pool.timestamp)
        deployment = _deployment(pool)
        words = {slot: self.machine.get_storage(pool.pool_id, slot) for slot in cryptoswap_words(pool)}
        supply = self.machine.get_storage(*deployment.supply_at)
        return decode_cryptoswap(words, deployment=deployment, total_supply=supply, timestamp=pool.timestamp)


def stableswap_words(pool: StableSwapPool) -> dict[int, int]:
    a = pool.amplification
    words = {2: pool.fee, 3: pool.admin_fee, 15: int(pool.killed)}
    words |= {6: a.initial, 7: a.future, 8: a.initial_time, 9: a.future_time}
    return words | {STABLESWAP_BALANCES + k: balance for k, balance in enumerate(pool.balances)}


def cryptoswap_words(pool: CryptoSwapPool) -> dict[int, int]:
    at, peg, ramp, fee = CRYPTOSWAP_SLOTS[pool.generation], pool.peg, pool.ramp, pool.fee
    words = {at.balances + k: balance for k, balance in enumerate(pool.balances)}
    words |= {
        at.price_scale: _pack(peg.price_scale),
        at.price_oracle: _pack(peg.price_oracle),
        at.last_prices: _pack(peg.last_prices),
        at.last_prices_timestamp: peg.last_prices_timestamp,
        at.initial_a_gamma: ramp.initial_a << 128 | ramp.initial_gamma,
        at.initial_time: ramp.initial_time,
        at.future_a_gamma: ramp.future_a << 128 | ramp.future_gamma,
        at.future_time: ramp.future_time,
        at.d: peg.d,
        at.xcp_profit: peg.xcp_profit,
        at.virtual_price: peg.virtual_price,
    }
    step = pool.rules.adjustment_step or 0
    if pool.generation is Generation.TRICRYPTO_NG:
        words[1] = pool.precisions[0] << 128 | pool.precisions[1] << 64 | pool.precisions[2]
        words[18] = pool.rules.allowed_extra_profit << 128 | step << 64 | pool.rules.ma_time
        words[20] = fee.mid_fee << 128 | fee.out_fee << 64 | fee.fee_gamma
        return words
    return words | {
        8: pool.rules.allowed_extra_profit,
        10: fee.fee_gamma,
        12: step,
        14: pool.rules.ma_time,
        16: fee.mid_fee,
        17: fee.out_fee,
        29: int(peg.not_adjusted),
        30: int(pool.killed),
    }


def random_stableswap(dice: random.Random) -> Case:
    wild = dice.random() < 0.3
    size = _log(dice, 10, 10**15) if wild else _log(dice, 10**4, 10**10)
    spread = dice.choice([1.02, 3, 50, 10**4])
    balances = tuple(
        int(size * 10**decimals * math.exp(dice.uniform(-1, 1) * math.log(spread))) for decimals in (18, 6, 6)
    )
    if dice.random() < 0.02:
        balances = tuple(dice.choice([0, 1, 10**30, 2**190, balance]) for balance in balances)
    i, j = dice.sample(range(3), 2)
    amount = int(balances[i] * math.exp(dice.uniform(-25, 5))) + dice.randrange(1, 50)
    if dice.random() < 0.03:
        amount = dice.choice([1, 2, 10**30, 2**150, 2**196])
    pool = StableSwapPool(
        pool_id=THREE_POOL.address,
        tokens=THREE_POOL.tokens,
        balances=balances,
        rates=THREE_POOL.rates,
        amplification=_random_amplification(dice),
        fee=dice.choice([1_000_000, 4_000_000, dice.randrange(5 * 10**9)]),
        admin_fee=dice.choice([0, 5 * 10**9, 10**10]),
        timestamp=NOW,
        killed=dice.random() < 0.01,
    )
    return Case(pool, i, j, amount)


def _random_amplification(dice: random.Random) -> Amplification:
    initial, future = _log(dice, 1, 10**6), dice.choice([200, 2000, 4000, _log(dice, 1, 10**6)])
    begun = NOW - dice.randrange(10**6)
    ends = dice.choice([0, NOW, NOW - dice.randrange(10**6), NOW + dice.randrange(1, 10**6)])
    return Amplification(initial, future, begun, ends)


def random_cryptoswap(dice: random.Random, deployment: CryptoSwapDeployment) -> Case:
    """A pool near its peg, or far from it, with profits on either side of what lets the price scale move."""
    generation = deployment.generation
    scale = (_log(dice, 10**4, 10**5) * WAD + dice.randrange(WAD), _log(dice, 500, 10**4) * WAD + dice.randrange(WAD))
    ramp = _random_ramp(dice)
    ann, gamma = ramp.at(NOW)
    size = _log(dice, 10**22, 10**27) if dice.random() < 0.9 else _log(dice, 10**16, 10**34)
    spread = dice.choice([1.02, 1.2, 2, 8])
    values = [size * math.exp(dice.uniform(-1, 1) * math.log(spread)) for _ in range(3)]
    balances = (int(values[0] / 10**12), int(values[1] / scale[0] * 10**8), int(values[2] / scale[1] * 10**18))
    xp = (balances[0] * 10**12, balances[1] * scale[0] * 10**10 // WAD, balances[2] * scale[1] // WAD)
    try:
        d = tricrypto_ng_math.newton_d(ann, gamma, xp)
        xcp = tricrypto_ng_math.geometric_mean((d // 3, d * WAD // (3 * scale[0]), d * WAD // (3 * scale[1])))
    except QuoteRefused:
        d = xcp = sum(xp)
    virtual_price = WAD + _log(dice, 10**12, 10**18)
    profit = 2 * virtual_price - WAD + dice.choice([-1, 1]) * _log(dice, 1, 10**15)
    near = dice.choice([0.0001, 0.01, 0.3])
    peg = Peg(
        price_scale=scale,
        price_oracle=_nearby(dice, scale, near),
        last_prices=_nearby(dice, scale, near),
        last_prices_timestamp=NOW - dice.choice([0, 0, 12, dice.randrange(10**4), dice.randrange(10**5)]),
        d=d + dice.choice([0, 0, 0, -1, 1, d // 10**9, -d // 10**9]),
        xcp_profit=max(profit, 0),
        virtual_price=virtual_price - dice.choice([0, 1, 10**9, 10**13, -(10**12)]) if dice.random() < 0.99 else 0,
        not_adjusted=generation is Generation.TRICRYPTO and dice.random() < 0.3,
    )
    i, j = dice.sample(range(3), 2)
    amount = int(balances[i] * math.exp(dice.uniform(-14, 1.5))) + dice.randrange(1, 50)
    if dice.random() < 0.06:
        amount = dice.choice([1, 2, 10**3, 10**5, 10**5 + 1, balances[i] * 200, 2**140, 2**190])
    pool = CryptoSwapPool(
        pool_id=deployment.address,
        tokens=deployment.tokens,
        generation=generation,
        balances=balances,
        precisions=(10**12, 10**10, 1),
        ramp=ramp,
        fee=DynamicFee(*dice.choice([(3 * 10**6, 3 * 10**7, 5 * 10**14), _random_fee(dice)])),
        peg=peg,
        rules=PegRules(
            dice.choice([0, 2 * 10**12]), dice.choice([490 * 10**12, 10**11, 10**15]), dice.choice([600, 865])
        ),
        total_supply=max(xcp * WAD // virtual_price, 1),
        timestamp=NOW,
        killed=generation is Generation.TRICRYPTO and dice.random() < 0.01,
    )
    return Case(pool, i, j, amount)


def _random_fee(dice: random.Random) -> tuple[int, int, int]:
    mid = dice.randrange(5 * 10**5, 10**9)
    return mid, dice.randrange(mid, 10**10), dice.choice([0, _log(dice, 10**9, 10**18)])


def _random_ramp(dice: random.Random) -> AGammaRamp:
    usual = (1_707_629, 11_809_167_828_997)
    other = (_log(dice, 2700, 270_000_000), _log(dice, 10**10, 5 * 10**16))
    if dice.random() < 0.02:
        other = (dice.choice([2699, 270_000_001]), 10**12)
    future, initial = dice.choice([usual, usual, usual, other]), dice.choice([usual, other])
    ends = dice.choice([0, 0, 0, 0, 1, NOW, NOW - dice.randrange(10**5), NOW + dice.randrange(1, 10**6)])
    return AGammaRamp(*initial, *future, NOW - dice.randrange(10**6), ends)


def _nearby(dice: random.Random, prices: Prices, part: float) -> Prices:
    return int(prices[0] * (1 + dice.uniform(-part, part))), int(prices[1] * (1 + dice.uniform(-part, part)))


def settle(stage: Stage, case: Case) -> tuple[int, Pool] | None:
    """What the chain does, or None where it reverts."""
    stage.write(case.pool)
    try:
        paid = stage.exchange(case)
    except Reverted:
        return None
    return paid, stage.read(case.pool)


def predict(case: Case) -> tuple[int, Pool] | None:
    """What we say that it does, or None where we refuse. Each amount is computed afresh and from the cache."""
    pool = case.pool
    try:
        swap = pool.quote_in(pool.tokens[case.i], pool.tokens[case.j], case.amount)
    except QuoteRefused:
        return None
    assert pool.amount_out(case.i, case.j, case.amount) == swap.amount_out
    return swap.amount_out, swap.next_pool


def compare(stage: Stage, cases: Iterator[Case]) -> Counter[str]:
    """Run all cases; fail at the first that differs. Returns how many settled, reverted and moved the price scale."""
    seen: Counter[str] = Counter()
    for case in cases:
        told, done = predict(case), settle(stage, case)
        assert _comparable(told) == _comparable(done), case
        seen["settled" if done else "reverted"] += 1
        if done and isinstance(case.pool, CryptoSwapPool):
            seen["repegged"] += done[1].peg.price_scale != case.pool.peg.price_scale  # type: ignore[attr-defined]
    return seen


def _comparable(outcome: tuple[int, Any] | None) -> tuple[int, dict[int, int]] | None:
    """The amount, and the state after as storage words without those that only matter during a ramp."""
    if outcome is None:
        return None
    paid, pool = outcome
    idle: tuple[int, ...]
    if isinstance(pool, StableSwapPool):
        words, idle = stableswap_words(pool), STABLESWAP_RAMP_SLOTS
    else:
        words, idle = cryptoswap_words(pool), cryptoswap_slots(pool.generation).ramp
    return paid, {slot: word for slot, word in words.items() if slot not in idle}


def stableswap_cases(seed: int, count: int) -> Iterator[Case]:
    dice = random.Random(seed)
    return (random_stableswap(dice) for _ in range(count))


def cryptoswap_cases(seed: int, count: int, deployment: CryptoSwapDeployment) -> Iterator[Case]:
    dice = random.Random(seed)
    return (random_cryptoswap(dice, deployment) for _ in range(count))


@pytest.fixture
def stage(code_of: Callable[[str], bytes]) -> Stage:
    return Stage(Evm(), code_of)


def test_3pool_settles_as_its_bytecode_does(stage: Stage) -> None:
    seen = compare(stage, stableswap_cases(1, FEW))
    assert seen["settled"] > FEW // 2
    assert seen["reverted"] > 0


@pytest.mark.parametrize("deployment", [TRICRYPTO2, TRICRYPTO_USDC], ids=["tricrypto2", "tricryptoUSDC"])
def test_tricrypto_pools_settle_as_their_bytecode_does(stage: Stage, deployment: CryptoSwapDeployment) -> None:
    seen = compare(stage, cryptoswap_cases(2, FEW, deployment))
    assert seen["settled"] > FEW // 2
    assert seen["reverted"] > 0
    assert seen["repegged"] > 0


@pytest.mark.slow
def test_3pool_settles_as_its_bytecode_does_ten_thousand_times(stage: Stage) -> None:
    seen = compare(stage, stableswap_cases(3, MANY))
    assert seen["settled"] > MANY // 2
    assert seen["reverted"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("deployment", [TRICRYPTO2, TRICRYPTO_USDC], ids=["tricrypto2", "tricryptoUSDC"])
def test_tricrypto_pools_settle_as_their_bytecode_does_ten_thousand_times(
    stage: Stage, deployment: CryptoSwapDeployment
) -> None:
    seen = compare(stage, cryptoswap_cases(4, MANY, deployment))
    assert seen["settled"] > MANY // 2
    assert seen["reverted"] > 50
    assert seen["repegged"] > 50


@pytest.mark.slow
def test_a_second_virtual_machine_agrees(code_of: Callable[[str], bytes]) -> None:
    stage = Stage(PyEvm(), code_of)
    seen = compare(stage, stableswap_cases(5, SECOND_OPINION))
    for deployment in (TRICRYPTO2, TRICRYPTO_USDC):
        seen += compare(stage, cryptoswap_cases(6, SECOND_OPINION, deployment))
    assert seen["settled"] > SECOND_OPINION


def test_several_trades_in_one_block_follow_each_other_as_on_chain(stage: Stage) -> None:
    """The predicted state after one trade is the start of the next; the chain keeps its own."""
    dice = random.Random(7)
    for cases in (
        stableswap_cases(8, 20),
        cryptoswap_cases(9, 20, TRICRYPTO2),
        cryptoswap_cases(10, 20, TRICRYPTO_USDC),
    ):
        for case in cases:
            stage.write(case.pool)
            _follow(stage, case.pool, dice)


def _follow(stage: Stage, pool: Any, dice: random.Random) -> None:
    for _ in range(4):
        i, j = dice.sample(range(3), 2)
        case = Case(pool, i, j, pool.balances[i] // dice.randrange(20, 2000) + 1)
        told = predict(case)
        try:
            done = stage.exchange(case)
        except Reverted:
            assert told is None
            return
        assert told is not None
        assert told[0] == done
        assert _comparable(told) == _comparable((done, stage.read(pool)))
        pool = told[1]


@pytest.mark.parametrize("deployment", [TRICRYPTO2, TRICRYPTO_USDC], ids=["tricrypto2", "tricryptoUSDC"])
def test_a_block_later_the_moving_average_has_moved_as_on_chain(stage: Stage, deployment: CryptoSwapDeployment) -> None:
    dice = random.Random(11)
    for case in cryptoswap_cases(12, 10, deployment):
        stage.write(case.pool)
        for later in (0, 12, 600):
            _follow(stage, stage.read(case.pool).at(NOW + later), dice)


def _deployment(pool: CryptoSwapPool) -> CryptoSwapDeployment:
    return TRICRYPTO2 if pool.generation is Generation.TRICRYPTO else TRICRYPTO_USDC


def _log(dice: random.Random, low: float, high: float) -> int:
    return int(math.exp(dice.uniform(math.log(low), math.log(high))))


def _pack(prices: Prices) -> int:
    return prices[1] << 128 | prices[0]


def _keccak_word(*words: int) -> int:
    return int.from_bytes(keccak(b"".join(word.to_bytes(32, "big") for word in words)), "big")


def _balance_slot(coin: str, owner: str) -> int:
    return _keccak_word(int(owner, 16), 2 if coin == USDT else 3)


def _allowance_slot(coin: str, owner: str, spender: str) -> int:
    return _keccak_word(int(spender, 16), _keccak_word(int(owner, 16), 5 if coin == USDT else 4))
