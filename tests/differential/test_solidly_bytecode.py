"""Random swaps through Aerodrome's pair, compiled from its published source, against our maths."""

import random

import pytest

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.pool import Swap
from oms.liquidity.solidly import SolidlyPool
from oms.units import Address
from tests.differential.evm import Evm, Machine, PyEvm, Reverted
from tests.differential.solidly_deployment import DeployedPair

CASES_PER_PAIR = 50
PAIRS_PER_MACHINE = 40


def _random_pool(rng: random.Random, pair: DeployedPair, decimals: tuple[int, int], *, stable: bool) -> SolidlyPool:
    size, imbalance = rng.uniform(-3, 11), rng.choice((0.05, 0.5, 3, 8))
    reserve0, reserve1 = (int(10 ** (size + places + rng.uniform(-imbalance, imbalance))) + 1 for places in decimals)
    fee = rng.choice((0, 1, 5, 30, 100, 300))
    pair.set_state(reserve0, reserve1, fee=fee)
    return SolidlyPool(
        pool_id=pair.address,
        token0=Address(pair.tokens[0]),
        token1=Address(pair.tokens[1]),
        reserve0=reserve0,
        reserve1=reserve1,
        decimals0=decimals[0],
        decimals1=decimals[1],
        fee=fee,
        stable=stable,
    )


def _random_amount(rng: random.Random, reserve: int) -> int:
    if rng.random() < 0.85:
        return int(reserve * 10 ** rng.uniform(-9, 1))
    return rng.choice((0, 1, 2, rng.randint(1, 10_000), reserve * 1000, 2**100, 2**127, 2**240))


def _settled(pair: DeployedPair, zero_for_one: bool, amount_in: int) -> int | None:
    """What the pair promises and pays, or None if it reverts on the way; its reserves are those after."""
    try:
        promised = pair.promise(zero_for_one, amount_in)
        pair.swap(zero_for_one, amount_in, amount_out=promised)
    except Reverted:
        return None
    return promised


def _quoted(pool: SolidlyPool, token_in: Address, token_out: Address, amount_in: int) -> Swap | Refusal:
    try:
        return pool.quote_in(token_in, token_out, amount_in)
    except QuoteRefused as refused:
        return refused.reason


def _compare_one_swap(rng: random.Random, pair: DeployedPair, pool: SolidlyPool) -> bool:
    zero_for_one = rng.random() < 0.5
    token_in, token_out = pool.tokens if zero_for_one else pool.tokens[::-1]
    amount_in = _random_amount(rng, pool.reserve0 if zero_for_one else pool.reserve1)
    settled = _settled(pair, zero_for_one, amount_in)
    swap = _quoted(pool, token_in, token_out, amount_in)
    if isinstance(swap, Refusal):
        assert settled is None, (pool, zero_for_one, amount_in, swap)
        return False
    assert swap.amount_out == settled, (pool, zero_for_one, amount_in)
    after = swap.next_pool
    assert isinstance(after, SolidlyPool)
    assert pair.reserves() == (after.reserve0, after.reserve1), (pool, zero_for_one, amount_in)
    return True


def _run(machine_type: type[Evm] | type[PyEvm], cases: int, *, stable: bool, seed: int) -> None:
    rng = random.Random(seed)
    machine: Machine = machine_type()
    done = filled = pairs = 0
    while done < cases:
        if pairs and pairs % PAIRS_PER_MACHINE == 0:
            machine = machine_type()
        decimals = rng.choice((6, 8, 18)), rng.choice((6, 8, 18))
        pair = DeployedPair(machine, decimals=decimals, stable=stable)
        pairs += 1
        for _ in range(min(CASES_PER_PAIR, cases - done)):
            filled += _compare_one_swap(rng, pair, _random_pool(rng, pair, decimals, stable=stable))
            done += 1
    assert cases // 3 < filled < cases


@pytest.mark.parametrize("stable", [False, True])
def test_a_sample_of_swaps_equals_the_pairs(stable: bool) -> None:
    _run(Evm, 300, stable=stable, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("stable", [False, True])
def test_ten_thousand_swaps_equal_the_pairs(stable: bool) -> None:
    _run(Evm, 10_000, stable=stable, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("stable", [False, True])
def test_a_second_virtual_machine_agrees_on_pairs(stable: bool) -> None:
    _run(PyEvm, 40, stable=stable, seed=3)
