"""Events that real bytecode emits, decoded and applied, give the state that the bytecode then holds."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from eth_abi.abi import encode

from oms.adapters.evm.pools.logs import KINDS, decode, topic_of
from oms.errors import PoolOutdated
from oms.liquidity.curve_layout import THREE_POOL, TRICRYPTO2, TRICRYPTO_USDC, CryptoSwapDeployment
from oms.liquidity.freshness import difference
from oms.liquidity.pool import Pool
from oms.liquidity.pool_events import LogSource, PoolEvent, sources_of
from oms.liquidity.solidly import SolidlyPool
from oms.units import Address
from tests.differential.balancer_deployment import GIVEN_IN, GIVEN_OUT, JOIN, ZERO_ADDRESS, Balancer, DeployedPool
from tests.differential.evm import SENDER, Evm, Reverted, calldata
from tests.differential.solidly_deployment import DeployedPair
from tests.differential.test_curve_bytecode import (
    Case,
    Stage,
    _balance_slot,
    cryptoswap_cases,
    stableswap_cases,
)
from tests.differential.test_curve_bytecode import (
    code_of as code_of,  # a fixture, which pytest finds by its name here
)
from tests.differential.test_loaded_pools import joined, load_balancer, made_tokens, unit

ONE = 10**18
TIMESTAMP = 1_750_000_000
EXIT = "exitPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
SHARE_TOKEN_CODE = bytes.fromhex("60003560e01c6318160ddd1460195760016000526020" + "6000f3" + "5b60005460005260206000f3")
"""Answers `totalSupply()` with its slot 0 and everything else with true."""


def events_of(evm: Evm, sources: Sequence[LogSource]) -> list[PoolEvent]:
    """The last call's events that concern the pool, as the follower would see them."""
    decoded = [decode(*log) for log in evm.logs]
    return [found[1] for found in decoded if found is not None and found[0] in sources]


def followed(pool: Pool, events: Sequence[PoolEvent]) -> Pool:
    for event in events:
        pool = pool.apply(event)
    return pool


# --- Solidly ---


@pytest.mark.parametrize("stable", [False, True])
def test_a_solidly_pair_is_followed_through_swaps_mints_and_burns(stable: bool) -> None:
    rng, evm = random.Random(3), Evm(timestamp=TIMESTAMP)
    pair = DeployedPair(evm, decimals=(6, 18), stable=stable)
    pair.set_state(10**12, 9 * 10**23, fee=30)
    tokens = [Address(token) for token in pair.tokens]
    pool: Pool = SolidlyPool(pair.address, *tokens, *pair.reserves(), 6, 18, 30, stable)  # type: ignore[call-arg, misc]
    for _ in range(30):
        down = rng.random() < 0.5
        amount = int(pair.reserves()[0 if down else 1] * rng.uniform(1e-6, 0.05))
        try:
            pair.swap(down, amount, amount_out=pair.promise(down, amount))
        except Reverted:
            continue
        pool = followed(pool, events_of(evm, [(pair.address.lower(), "")]))
        assert isinstance(pool, SolidlyPool)
        assert (pool.reserve0, pool.reserve1) == pair.reserves()


# --- Balancer ---


WEIGHTED = ("weighted-v1", "weighted-v2", "weighted-v3")
STABLE = ("stable-v1", "meta-stable", "stable-v2", "composable-v1", "composable-v2", "composable-v3")


@pytest.mark.parametrize("version", [*WEIGHTED, *STABLE])
def test_a_balancer_pool_of_each_factory_is_followed_through_swaps_joins_exits_and_share_trades(version: str) -> None:
    rng, balancer = random.Random(version), Balancer(Evm(timestamp=TIMESTAMP))
    tokens = made_tokens(balancer.machine)
    if version in WEIGHTED:
        deployed = balancer.create_weighted(version, tokens, [ONE // 5, 4 * ONE // 5], swap_fee=3 * 10**15)
    else:
        providers = [ZERO_ADDRESS] * 2
        deployed = balancer.create_stable(version, tokens, 200, swap_fee=4 * 10**14, rate_providers=providers)
    joined(balancer, deployed, tokens)
    listed = load_balancer(balancer, deployed)
    pool, settled = listed.pool, 0
    for step in range(25):
        if not act(rng, balancer, deployed, tokens, step):
            continue
        settled += 1
        pool = followed(pool, events_of(balancer.machine, sources_of(listed.key)))  # type: ignore[arg-type]
        assert difference(pool, load_balancer(balancer, deployed).pool) == ""
    assert settled >= 15


def act(rng: random.Random, balancer: Balancer, deployed: DeployedPool, tokens: Sequence[str], step: int) -> bool:
    """Something random; false where the chain refuses it."""
    composable = len(deployed.tokens) > len(tokens)
    i, j = rng.sample(range(len(deployed.tokens)), 2)
    try:
        if step % 5 == 3 and not composable:
            amounts = [unit(token) * rng.randrange(1, 20) for token in tokens]
            move(balancer, deployed, JOIN, [2**255] * 2, encode(["uint256", "uint256[]", "uint256"], [1, amounts, 0]))
        elif step % 5 == 4 and not composable:
            shares = encode(["uint256", "uint256"], [1, ONE * rng.randrange(1, 20)])
            move(balancer, deployed, EXIT, [0, 0], shares)
        else:
            sold = deployed.tokens[i]
            amount = (unit(sold) if sold in tokens else ONE) * rng.randrange(1, 50) + rng.randrange(1000)
            balancer.swap(deployed, i, j, amount // 7, kind=rng.choice((GIVEN_IN, GIVEN_OUT)))
    except Reverted:
        return False
    return True


def move(balancer: Balancer, deployed: DeployedPool, signature: str, limits: list[int], user_data: bytes) -> None:
    request = (list(deployed.tokens), limits, user_data, False)
    balancer.machine.call(balancer.vault, calldata(signature, deployed.pool_id, SENDER, SENDER, request))


# --- Curve ---


def settled_case(stage: Stage, case: Case) -> bool:
    stage.write(case.pool)
    try:
        stage.exchange(case)
    except Reverted:
        return False
    return True


@pytest.mark.recorded
def test_3pool_is_followed_through_exchanges(code_of: Callable[[str], bytes]) -> None:
    evm = Evm()
    stage, compared = Stage(evm, code_of), 0
    for case in stableswap_cases(21, 80):
        if settled_case(stage, case):
            after = followed(case.pool, events_of(evm, [(THREE_POOL.address.lower(), "")]))
            assert difference(after, stage.read(case.pool)) == ""
            compared += after != case.pool
    assert compared >= 40


@pytest.mark.recorded
@pytest.mark.parametrize("deployment", [TRICRYPTO2, TRICRYPTO_USDC], ids=["tricrypto2", "tricryptoUSDC"])
def test_tricrypto_pools_are_followed_through_exchanges(
    code_of: Callable[[str], bytes],
    deployment: CryptoSwapDeployment,
) -> None:
    evm = Evm()
    stage, compared = Stage(evm, code_of), 0
    for case in cryptoswap_cases(22, 60, deployment):
        if settled_case(stage, case):
            after = followed(case.pool, events_of(evm, [(deployment.address.lower(), "")]))
            assert difference(after, stage.read(case.pool)) == ""
            compared += after != case.pool
    assert compared >= 30


@pytest.mark.recorded
def test_3pool_is_followed_through_changes_of_liquidity(code_of: Callable[[str], bytes]) -> None:
    evm, rng = Evm(), random.Random(4)
    stage, share = Stage(evm, code_of), "0x" + "5a" * 20
    evm.set_code(share, SHARE_TOKEN_CODE)
    evm.set_storage(THREE_POOL.address, 5, int(share, 16))
    seen: dict[str, int] = {}
    for case in stableswap_cases(23, 60):
        stage.write(case.pool)
        evm.set_block(timestamp=case.pool.timestamp)
        evm.set_storage(share, 0, sum(b * r // ONE for b, r in zip(case.pool.balances, case.pool.rates, strict=True)))
        for coin in THREE_POOL.tokens:
            evm.set_storage(coin, _balance_slot(coin, SENDER), 2**254)
            evm.set_storage(coin, _balance_slot(coin, THREE_POOL.address), 2**200)
        amounts = [balance // rng.randrange(3, 10_000) for balance in case.pool.balances]
        shares = evm.get_storage(share, 0) // rng.randrange(2, 1000)
        kind, data = rng.choice(
            (
                ("add", calldata("add_liquidity(uint256[3],uint256)", amounts, 0)),
                ("remove", calldata("remove_liquidity(uint256,uint256[3])", shares, [0, 0, 0])),
                ("imbalance", calldata("remove_liquidity_imbalance(uint256[3],uint256)", amounts, 2**255)),
            )
        )
        try:
            evm.call(THREE_POOL.address, data)
        except Reverted:
            continue
        after = followed(case.pool, events_of(evm, [(THREE_POOL.address.lower(), "")]))
        assert difference(after, stage.read(case.pool)) == "", kind
        seen[kind] = seen.get(kind, 0) + (after != case.pool)
    assert min(seen[kind] for kind in ("add", "remove", "imbalance")) >= 3


@pytest.mark.recorded
def test_an_exchange_on_another_state_than_ours_is_noticed(code_of: Callable[[str], bytes]) -> None:
    """As after a log that got lost: what the pool paid betrays it."""
    evm = Evm()
    stage, noticed = Stage(evm, code_of), 0
    for case in stableswap_cases(24, 40):
        if (
            case.amount > 10**6
            and settled_case(stage, case)
            and (found := events_of(evm, [(case.pool.pool_id.lower(), "")]))
        ):
            other = type(case.pool)(**{**fields_of(case.pool), "balances": tuple(b * 2 for b in case.pool.balances)})
            try:
                followed(other, found)
            except PoolOutdated:
                noticed += 1
    assert noticed >= 10


def fields_of(pool: Any) -> dict[str, Any]:
    return {name: getattr(pool, name) for name in pool.__dataclass_fields__ if not name.startswith("_")}


@pytest.mark.recorded
def test_the_topics_of_curves_pools_are_in_their_bytecode(code_of: Callable[[str], bytes]) -> None:
    expected = {
        THREE_POOL.address: (
            "TokenExchange(address,int128,uint256,int128,uint256)",
            "AddLiquidity(address,uint256[3],uint256[3],uint256,uint256)",
            "RemoveLiquidity(address,uint256[3],uint256[3],uint256)",
            "RemoveLiquidityImbalance(address,uint256[3],uint256[3],uint256,uint256)",
            "RemoveLiquidityOne(address,uint256,uint256)",
            "NewFee(uint256,uint256)",
            "RampA(uint256,uint256,uint256,uint256)",
            "StopRampA(uint256,uint256)",
        ),
        TRICRYPTO2.address: (
            "TokenExchange(address,uint256,uint256,uint256,uint256)",
            "AddLiquidity(address,uint256[3],uint256,uint256)",
            "RemoveLiquidity(address,uint256[3],uint256)",
            "RemoveLiquidityOne(address,uint256,uint256,uint256)",
            "ClaimAdminFee(address,uint256)",
            "NewParameters(uint256,uint256,uint256,uint256,uint256,uint256,uint256)",
            "RampAgamma(uint256,uint256,uint256,uint256,uint256,uint256)",
            "StopRampA(uint256,uint256,uint256)",
        ),
        TRICRYPTO_USDC.address: (
            "TokenExchange(address,uint256,uint256,uint256,uint256,uint256,uint256)",
            "AddLiquidity(address,uint256[3],uint256,uint256,uint256)",
            "RemoveLiquidity(address,uint256[3],uint256)",
            "RemoveLiquidityOne(address,uint256,uint256,uint256,uint256,uint256)",
            "ClaimAdminFee(address,uint256)",
            "NewParameters(uint256,uint256,uint256,uint256,uint256,uint256)",
            "RampAgamma(uint256,uint256,uint256,uint256,uint256,uint256)",
            "StopRampA(uint256,uint256,uint256)",
        ),
    }
    for address, signatures in expected.items():
        code = code_of(address)
        assert [s for s in signatures if bytes.fromhex(topic_of(s)[2:]) not in code] == [], address
        assert [s for s in signatures if topic_of(s) not in KINDS] == []
