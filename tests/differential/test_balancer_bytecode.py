"""Random swaps through the real Balancer v2 Vault and the real pools of every factory, against our maths.

Each case is a `Vault.swap` on a pool made by its own factory, given in or given out, at the state that earlier swaps
left: the amount must be equal to the unit, a revert must be a refusal, and the balances afterwards must be equal.
"""

import random
from dataclasses import dataclass
from functools import partial

import pytest

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.composable_stable import BalancerStablePool, InvariantVersion
from oms.liquidity.pool import Swap
from oms.liquidity.weighted import PowVersion, WeightedPool
from oms.units import Address
from tests.differential.balancer_deployment import (
    GIVEN_IN,
    GIVEN_OUT,
    ZERO_ADDRESS,
    Balancer,
    DeployedPool,
    address_of,
)
from tests.differential.evm import SENDER, Evm, Machine, PyEvm, Reverted
from tests.differential.plain_token import give, rate_code, token_code

ONE = 10**18
SWAPS_PER_POOL = 25
POOLS_PER_MACHINE = 40

WEIGHTED = {"weighted-v1": PowVersion.V1, "weighted-v2": PowVersion.V2, "weighted-v3": PowVersion.V2}
STABLE = {
    "stable-v1": InvariantVersion.ROUND_UP,
    "meta-stable": InvariantVersion.ROUND_UP,
    "stable-v2": InvariantVersion.ROUND_DOWN,
    "composable-v1": InvariantVersion.ROUND_DOWN,
    "composable-v2": InvariantVersion.ROUND_DOWN,
    "composable-v3": InvariantVersion.ROUND_DOWN,
}

_PREEMPTED = {Refusal.AMOUNT_TOO_LARGE, Refusal.INSUFFICIENT_LIQUIDITY}
REASONS = {
    "BAL#001": {Refusal.ZERO_OUTPUT, Refusal.INSUFFICIENT_LIQUIDITY, Refusal.UNSAFE_STATE, Refusal.MATH_OVERFLOW},
    "BAL#003": {Refusal.MATH_OVERFLOW, *_PREEMPTED},
    "BAL#004": {Refusal.UNSAFE_STATE, *_PREEMPTED},
    "BAL#304": {Refusal.AMOUNT_TOO_LARGE},
    "BAL#305": {Refusal.AMOUNT_TOO_LARGE},
    "BAL#321": {Refusal.NOT_CONVERGED, *_PREEMPTED},
    "BAL#322": {Refusal.NOT_CONVERGED, *_PREEMPTED},
    "BAL#510": {Refusal.ZERO_AMOUNT},
    "BAL#526": {Refusal.AMOUNT_TOO_LARGE},
}
"""The refusals that may stand for each of the chain's error codes. What the Vault would reject at the end anyway, or
what no pool can pay, is refused before the pool's arithmetic gets a chance to fail on it."""


@dataclass(slots=True)
class Case:
    """A pool on the machine beside our own; `offsets` are the positions of our tokens among the registered ones."""

    deployed: DeployedPool
    pool: WeightedPool | BalancerStablePool
    offsets: list[int]


def _log_uniform(rng: random.Random, low: float, high: float) -> int:
    return int(10 ** rng.uniform(low, high))


def _tokens(machine: Machine, rng: random.Random, decimals: list[int]) -> list[tuple[str, int]]:
    """Fresh tokens with these decimals, sorted by address as the Vault wants them."""
    made = [(address_of(f"token {rng.random()}"), places) for places in decimals]
    for address, places in made:
        machine.set_code(address, token_code(places))
        give(machine, address, SENDER, 2**200)
    return sorted(made, key=lambda token: int(token[0], 16))


def _random_weights(rng: random.Random, count: int) -> list[int]:
    # Equal, simple and odd ratios, so that exponents of 1, 2 and 4 come up as often as any others.
    shares = [rng.choice((1, 1, 2, 4, rng.randint(1, 30))) for _ in range(count)]
    if rng.random() < 0.4:
        shares = [share * rng.randint(10**6, 10**7) for share in shares]
    weights = [max(ONE * share // sum(shares), ONE // 50) for share in shares]
    heaviest = weights.index(max(weights))
    weights[heaviest] += ONE - sum(weights)
    return weights


def _random_fee(rng: random.Random) -> int:
    return rng.choice((10**12, 4 * 10**14, 3 * 10**15, 10**17, _log_uniform(rng, 12, 17)))


def _random_weighted(balancer: Balancer, rng: random.Random, version: str) -> Case:
    count = rng.choice((2, 2, 2, 3, 4, 8))
    tokens = _tokens(balancer.machine, rng, [rng.choice((0, 2, 6, 8, 18, 18)) for _ in range(count)])
    weights, fee = _random_weights(rng, count), _random_fee(rng)
    deployed = balancer.create_weighted(version, [address for address, _ in tokens], weights, swap_fee=fee)
    highest = rng.choice((6, 9, 9, 16))
    amounts = [min(_log_uniform(rng, -1, highest) * 10**places + 10**7, 2**112 - 1) for _, places in tokens]
    balancer.join(deployed, amounts)
    pool = WeightedPool(
        pool_id="0x" + deployed.pool_id.hex(),
        address=Address(deployed.address),
        tokens=tuple(Address(token) for token in deployed.tokens),
        balances=balancer.balances(deployed),
        weights=tuple(weights),
        decimals=tuple(places for _, places in tokens),
        swap_fee=fee,
        pow_version=WEIGHTED[version],
    )
    return Case(deployed, pool, list(range(count)))


def _rate_providers(machine: Machine, rng: random.Random, version: str, count: int) -> tuple[list[str], list[int]]:
    providers, rates = [ZERO_ADDRESS] * count, [ONE] * count
    if version.startswith("stable"):
        return providers, rates
    for k in range(count):
        if rng.random() < 0.5:
            rates[k] = rng.randint(ONE // 2, 3 * ONE)
            providers[k] = address_of(f"rate {rng.random()}")
            machine.set_code(providers[k], rate_code(rates[k]))
    return providers, rates


def _random_stable(balancer: Balancer, rng: random.Random, version: str) -> Case:
    count = 2 if version == "meta-stable" else rng.choice((2, 2, 3, 4, 5))
    tokens = _tokens(balancer.machine, rng, [rng.choice((6, 8, 18, 18)) for _ in range(count)])
    providers, rates = _rate_providers(balancer.machine, rng, version, count)
    amplification, fee = rng.choice((1, 5, 50, 200, 5000, rng.randint(1, 5000))), _random_fee(rng)
    addresses = [address for address, _ in tokens]
    deployed = balancer.create_stable(version, addresses, amplification, swap_fee=fee, rate_providers=providers)
    offsets = [deployed.tokens.index(address) for address in addresses]
    size, imbalance = rng.uniform(1, rng.choice((6, 9, 12))), rng.choice((0.1, 1, 3))
    amounts = [0] * len(deployed.tokens)
    for offset, (_, places) in zip(offsets, tokens, strict=True):
        amounts[offset] = _log_uniform(rng, size + places - imbalance, size + places)
    balancer.join(deployed, amounts)
    registered = balancer.balances(deployed)
    pool = BalancerStablePool(
        pool_id="0x" + deployed.pool_id.hex(),
        address=Address(deployed.address),
        tokens=tuple(Address(address) for address in addresses),
        balances=tuple(registered[offset] for offset in offsets),
        scaling_factors=tuple(10 ** (18 - places) * rate for (_, places), rate in zip(tokens, rates, strict=True)),
        amplification=amplification * 1000,
        swap_fee=fee,
        invariant_version=STABLE[version],
    )
    return Case(deployed, pool, offsets)


def _usual_amount(rng: random.Random, balance: int) -> int:
    return int(balance * 10 ** rng.uniform(-9, -0.3))


def _extreme_amount(rng: random.Random, balance: int) -> int:
    if rng.random() < 0.5:
        # About the limits of 30 % and of the whole balance.
        limit = balance * rng.choice((3, 10)) // 10
        return max(limit + rng.randint(-3, 3), 0)
    return rng.choice((0, 1, 2, rng.randint(1, 1000), balance * 3, 2**112 - 1 - balance, 2**112 - balance, 2**130))


def _expected(case: Case, i: int, j: int, amount: int, *, kind: int) -> Swap | Refusal:
    token_in, token_out = case.pool.tokens[i], case.pool.tokens[j]
    try:
        quote = case.pool.quote_in if kind == GIVEN_IN else case.pool.quote_out
        return quote(token_in, token_out, amount)
    except QuoteRefused as refused:
        return refused.reason


def _swapped(
    balancer: Balancer, deployed: DeployedPool, places: tuple[int, int], amount: int, *, kind: int, commit: bool
) -> int | str:
    """The Vault's answer, or its error code."""
    try:
        return balancer.swap(deployed, *places, amount, kind=kind, commit=commit)
    except Reverted as reverted:
        return reverted.reason


def _compare_one_swap(balancer: Balancer, rng: random.Random, case: Case) -> bool:
    """Swap on both sides and compare; False if both refused. Afterwards both hold the next state.

    Extreme amounts are tried without keeping the result: a pool that was drained once refuses all that follows.
    """
    i, j = rng.sample(range(len(case.pool.tokens)), 2)
    kind = rng.choice((GIVEN_IN, GIVEN_OUT))
    usual = rng.random() < 0.7
    amount = (_usual_amount if usual else _extreme_amount)(rng, case.pool.balances[i if kind == GIVEN_IN else j])
    expected = _expected(case, i, j, amount, kind=kind)
    where = (case.pool, i, j, amount, kind, expected)
    places = case.offsets[i], case.offsets[j]
    answer = _swapped(balancer, case.deployed, places, amount, kind=kind, commit=usual)
    if isinstance(answer, str):
        assert expected in REASONS[answer], (where, answer)
        return False
    assert isinstance(expected, Swap), (where, answer)
    assert answer == (expected.amount_out if kind == GIVEN_IN else expected.amount_in), where
    if not usual:
        return True
    registered = balancer.balances(case.deployed)
    assert isinstance(expected.next_pool, WeightedPool | BalancerStablePool)
    assert tuple(registered[offset] for offset in case.offsets) == expected.next_pool.balances, where
    case.pool = expected.next_pool
    return True


def _run(machine_type: type[Evm] | type[PyEvm], version: str, cases: int, *, seed: int) -> None:
    rng = random.Random(f"{version} {seed}")
    make = partial(_random_weighted if version in WEIGHTED else _random_stable, version=version)
    balancer: Balancer | None = None
    swaps = filled = pools = 0
    while swaps < cases:
        if balancer is None or pools % POOLS_PER_MACHINE == 0:
            balancer = Balancer(machine_type())
        pools += 1
        try:
            case = make(balancer, rng)
        except Reverted as reverted:
            if reverted.reason in ("BAL#321", "BAL#322"):
                continue  # too unbalanced to be opened
            raise
        for _ in range(min(SWAPS_PER_POOL, cases - swaps)):
            filled += _compare_one_swap(balancer, rng, case)
            swaps += 1
    # Neither all reverts nor none: the cases must have reached both.
    assert cases // 3 < filled < cases


@pytest.mark.parametrize("version", [*WEIGHTED, *STABLE])
def test_a_sample_of_swaps_equals_the_vaults(version: str) -> None:
    _run(Evm, version, 60 if version in STABLE else 110, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("version", [*WEIGHTED, *STABLE])
def test_ten_thousand_swaps_per_family_equal_the_vaults(version: str) -> None:
    _run(Evm, version, 2_000 if version in STABLE else 4_000, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["weighted-v1", "weighted-v3", "stable-v1", "composable-v3"])
def test_a_second_virtual_machine_agrees(version: str) -> None:
    _run(PyEvm, version, 20, seed=3)
