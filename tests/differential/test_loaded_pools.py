"""Pools as the loaders read them, through views of real bytecode, quote what that bytecode then does."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import pytest
from eth_abi.abi import encode

from oms.adapters.evm.addresses import checksummed
from oms.adapters.evm.pools import balancer as balancer_loader
from oms.adapters.evm.pools import solidly as solidly_loader
from oms.adapters.evm.pools.reading import Answer, Call, Code, Loading, Logs, Read, Slot
from oms.adapters.evm.rpc import RpcFailure
from oms.adapters.evm.venues import BalancerVenue, SolidlyVenue
from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import BalancerStablePool, InvariantVersion
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.weighted import PowVersion, WeightedPool
from oms.units import Address
from tests.differential.balancer_deployment import GIVEN_IN, ZERO_ADDRESS, Balancer, DeployedPool, address_of
from tests.differential.evm import SENDER, Evm, Machine, Reverted, calldata
from tests.differential.plain_token import give, rate_code, token_code
from tests.differential.solidly_deployment import DeployedPair

T = TypeVar("T")
ONE = 10**18
TIMESTAMP = 1_750_000_000
DECIMALS = (6, 18)

WEIGHTED = {"weighted-v1": PowVersion.V1, "weighted-v2": PowVersion.V2, "weighted-v3": PowVersion.V2}
STABLE = {
    "stable-v1": InvariantVersion.ROUND_UP,
    "meta-stable": InvariantVersion.ROUND_UP,
    "stable-v2": InvariantVersion.ROUND_DOWN,
    "composable-v1": InvariantVersion.ROUND_DOWN,
    "composable-v2": InvariantVersion.ROUND_DOWN,
    "composable-v3": InvariantVersion.ROUND_DOWN,
}
RATED = [version for version in STABLE if not version.startswith("stable")]


def loaded(machine: Machine, loading: Loading[T], *, said: Mapping[bytes, bytes] | None = None) -> T:
    """Run a loader against a virtual machine in a node's place; `said` answers some calldata instead of it."""
    answers: list[Answer] | None = None
    while True:
        try:
            reads = next(loading) if answers is None else loading.send(answers)
        except StopIteration as stop:
            result: T = stop.value
            return result
        answers = [_answer(machine, read, said=said or {}) for read in reads]


def _answer(machine: Machine, read: Read, *, said: Mapping[bytes, bytes]) -> Answer:
    match read:
        case Call(_, data) if data in said:
            return said[data]
        case Slot(address, slot):
            return machine.get_storage(address, slot)
        case Code(address):
            return machine.get_code(address)
        case Logs():
            return ()
        case Call(target, data):
            try:
                return machine.call(target, data, commit=False)
            except Reverted as reverted:
                return RpcFailure("eth_call", 3, "execution reverted", reverted.data)


def made_tokens(machine: Machine) -> list[str]:
    tokens = sorted((address_of(f"token {places}") for places in DECIMALS), key=lambda address: int(address, 16))
    for address in tokens:
        machine.set_code(address, token_code(6 if address == address_of("token 6") else 18))
        give(machine, address, SENDER, 2**200)
    return tokens


def unit(token: str) -> int:
    return 10 ** (6 if token == address_of("token 6") else 18)


def joined(balancer: Balancer, pool: DeployedPool, tokens: Sequence[str]) -> None:
    balancer.join(pool, [1_000 * unit(token) if token in tokens else 0 for token in pool.tokens])


def load_balancer(balancer: Balancer, deployed: DeployedPool, *, timestamp: int = TIMESTAMP) -> ListedPool:
    venue = BalancerVenue("balancer_v2", Address(balancer.vault))
    found = loaded(balancer.machine, balancer_loader.load(venue, "0x" + deployed.pool_id.hex(), timestamp=timestamp))
    assert isinstance(found, ListedPool), found
    return found


def assert_quotes_settle(balancer: Balancer, deployed: DeployedPool, listed: ListedPool, tokens: Sequence[str]) -> None:
    for sold, bought in ((tokens[0], tokens[1]), (tokens[1], tokens[0])):
        for amount in (unit(sold) // 1000, 17 * unit(sold), 250 * unit(sold) + 1):
            quoted = listed.pool.quote_in(Address(sold), Address(bought), amount).amount_out
            i, j = deployed.tokens.index(sold), deployed.tokens.index(bought)
            assert balancer.swap(deployed, i, j, amount, kind=GIVEN_IN, commit=False) == quoted


@pytest.mark.parametrize("version", WEIGHTED)
def test_a_weighted_pool_of_each_factory_is_read_as_its_own_generation(version: str) -> None:
    balancer = Balancer(Evm(timestamp=TIMESTAMP))
    tokens = made_tokens(balancer.machine)
    deployed = balancer.create_weighted(version, tokens, [ONE // 5, ONE * 4 // 5], swap_fee=3 * 10**15)
    joined(balancer, deployed, tokens)
    listed = load_balancer(balancer, deployed)
    assert isinstance(listed.pool, WeightedPool)
    assert listed.pool.pow_version is WEIGHTED[version]
    assert listed.key.fee_pips == 3000
    assert listed.key.settles_at == balancer.vault
    assert_quotes_settle(balancer, deployed, listed, tokens)


@pytest.mark.parametrize("version", STABLE)
def test_a_stable_pool_of_each_factory_is_read_as_its_own_generation_without_its_share_token(version: str) -> None:
    balancer = Balancer(Evm(timestamp=TIMESTAMP))
    tokens = made_tokens(balancer.machine)
    providers = [ZERO_ADDRESS, ZERO_ADDRESS]
    if version in RATED:
        providers[1] = address_of("rate")
        balancer.machine.set_code(providers[1], rate_code(ONE * 118 // 100))
    deployed = balancer.create_stable(version, tokens, 200, swap_fee=4 * 10**14, rate_providers=providers)
    joined(balancer, deployed, tokens)
    listed = load_balancer(balancer, deployed)
    assert isinstance(listed.pool, BalancerStablePool)
    assert listed.pool.invariant_version is STABLE[version]
    assert list(listed.key.tokens) == tokens
    assert listed.pool.amplification == 200_000
    assert_quotes_settle(balancer, deployed, listed, tokens)


@pytest.mark.parametrize("version", RATED)
def test_a_cached_rate_that_has_run_out_is_replaced_by_the_one_the_swap_will_fetch(version: str) -> None:
    machine = Evm(timestamp=TIMESTAMP)
    balancer = Balancer(machine)
    tokens = made_tokens(machine)
    provider = address_of("rate")
    machine.set_code(provider, rate_code(ONE))
    deployed = balancer.create_stable(version, tokens, 200, swap_fee=10**15, rate_providers=[provider, ZERO_ADDRESS])
    joined(balancer, deployed, tokens)
    before = load_balancer(balancer, deployed)
    machine.set_code(provider, rate_code(ONE * 107 // 100))
    machine.set_block(timestamp=TIMESTAMP + 60)
    after = load_balancer(balancer, deployed, timestamp=TIMESTAMP + 60)
    assert before.pool != after.pool
    assert_quotes_settle(balancer, deployed, after, tokens)


def test_a_pool_with_a_moving_amplification_is_skipped() -> None:
    balancer = Balancer(Evm(timestamp=TIMESTAMP))
    tokens = made_tokens(balancer.machine)
    deployed = balancer.create_stable("stable-v2", tokens, 200, swap_fee=10**15, rate_providers=[ZERO_ADDRESS] * 2)
    joined(balancer, deployed, tokens)
    pool_id = "0x" + deployed.pool_id.hex()
    loading = balancer_loader.load(BalancerVenue("balancer_v2", Address(balancer.vault)), pool_id, timestamp=TIMESTAMP)
    moving = {calldata("getAmplificationParameter()"): encode(["uint256", "bool", "uint256"], [200_000, True, 1000])}
    skipped = SkippedPool("balancer_v2", pool_id, "its amplification is being changed")
    assert loaded(balancer.machine, loading, said=moving) == skipped


def test_a_pool_of_other_tokens_or_of_nobody_is_not_listed() -> None:
    balancer = Balancer(Evm(timestamp=TIMESTAMP))
    tokens = made_tokens(balancer.machine)
    deployed = balancer.create_weighted("weighted-v3", tokens, [ONE // 2, ONE // 2], swap_fee=10**15)
    venue = BalancerVenue("balancer_v2", Address(balancer.vault), ("0x" + deployed.pool_id.hex(), "0x" + "12" * 32))
    wanted = [Address(tokens[0]), Address(address_of("another"))]
    found = balancer_loader.load_all(venue, wanted, from_block=0, timestamp=TIMESTAMP)
    assert loaded(balancer.machine, found) == [None, None]


@pytest.mark.parametrize("stable", [False, True])
def test_a_solidly_pair_is_found_by_its_factory_and_pays_what_it_quotes(stable: bool) -> None:
    machine = Evm(timestamp=TIMESTAMP)
    pair = DeployedPair(machine, decimals=DECIMALS, stable=stable)
    pair.set_state(*(5_000 * 10**places for places in DECIMALS), fee=5 if stable else 30)
    venue = SolidlyVenue("aerodrome", Address(address_of("pair factory")))
    token0, token1 = (Address(token) for token in pair.tokens)
    known = {calldata("getPool(address,address,bool)", token0, token1, stable): encode(["address"], [pair.address])}
    (listed,) = loaded(machine, solidly_loader.load_all(venue, [token1, token0]), said=known)
    assert isinstance(listed, ListedPool)
    assert listed.key == PoolKey(
        family=Family.SOLIDLY,
        venue="aerodrome",
        pool_id=pair.address,
        settles_at=Address(pair.address),
        tokens=(token0, token1),
        fee_pips=500 if stable else 3000,
        stable=stable,
    )
    for sold, bought in ((token0, token1), (token1, token0)):
        amount = pair.reserves()[0 if sold == token0 else 1] // 7
        quoted = listed.pool.quote_in(sold, bought, amount).amount_out
        assert quoted == pair.promise(sold == token0, amount)
    assert loaded(machine, solidly_loader.load(venue, listed.key)) == listed
    with pytest.raises(Reverted):
        pair.swap(True, 10**6, amount_out=listed.pool.quote_in(token0, token1, 10**6).amount_out * 2)


TOKEN0, TOKEN1, PAIR = (Address(checksummed("0x" + digit * 40)) for digit in "123")
METADATA = ["uint256", "uint256", "uint256", "uint256", "bool", "address", "address"]


def solidly_answers(*, reserve1: int = 7 * 10**18, token0: str = TOKEN0, paused: bool = False) -> dict[bytes, bytes]:
    state = [10**6, 10**18, 5 * 10**6, reserve1, True, token0, TOKEN1]
    return {
        calldata("getPool(address,address,bool)", TOKEN0, TOKEN1, True): encode(["address"], [PAIR]),
        calldata("getPool(address,address,bool)", TOKEN0, TOKEN1, False): encode(["address"], [ZERO_ADDRESS]),
        calldata("metadata()"): encode(METADATA, state),
        calldata("getFee(address,bool)", PAIR, True): encode(["uint256"], [5]),
        calldata("isPaused()"): encode(["bool"], [paused]),
    }


def load_solidly(answers: dict[bytes, bytes]) -> list[ListedPool | SkippedPool | None]:
    venue = SolidlyVenue("aerodrome", Address(address_of("pair factory")))
    return loaded(Evm(), solidly_loader.load_all(venue, [TOKEN1, TOKEN0]), said=answers)


def test_a_solidly_pair_is_what_its_views_say() -> None:
    (listed,) = load_solidly(solidly_answers())
    assert isinstance(listed, ListedPool)
    assert listed.pool == SolidlyPool(PAIR, TOKEN0, TOKEN1, 5 * 10**6, 7 * 10**18, 6, 18, 5, stable=True)
    assert (listed.key.pool_id, listed.key.fee_pips, listed.key.label) == (PAIR, 500, "aerodrome stable")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (solidly_answers(paused=True), "its factory is paused"),
        (solidly_answers(reserve1=0), "it is empty"),
        (solidly_answers(token0=PAIR), "not the pair that its factory names"),
        (solidly_answers() | {calldata("metadata()"): b""}, "a view answered nothing"),
        (solidly_answers() | {calldata("metadata()"): encode(["uint256"] * 7, [7] * 7)}, "not the pair"),
        (solidly_answers() | {calldata("isPaused()"): b"\1"}, "a view answered 1 bytes"),
    ],
)
def test_a_solidly_pair_that_cannot_be_trusted_is_skipped(answers: dict[bytes, bytes], reason: str) -> None:
    (found,) = load_solidly(answers)
    assert isinstance(found, SkippedPool)
    assert reason in found.reason
