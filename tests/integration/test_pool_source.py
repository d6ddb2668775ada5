"""Pools loaded from a node quote what the chain then does: on the development chain and on recorded mainnet."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.anvil import Anvil, AnvilOptions
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.devnet import Devnet, chain
from oms.adapters.evm.devnet.chain import DAI, DESK, TOKENS, USDC, USDT, WBTC, WETH
from oms.adapters.evm.devnet.deploy import creation_address, deploy, encode_call, read_call
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.pools.uniswap_v4 import chain_key
from oms.adapters.evm.recording.process import RecordingProcess
from oms.adapters.evm.rpc import RpcClient, RpcError
from oms.adapters.evm.venues import MAINNET, ChainVenues
from oms.domain.token import Token
from oms.domain.venue import Family, PoolKey
from oms.errors import BeyondKnownRange, InvalidRequest, Terminal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.cryptoswap import CryptoSwapPool
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.units import Address

pytestmark = pytest.mark.fork

V4_KEY = "(address,address,uint24,int24,address)"
BY_ADDRESS = {token.address: token for token in TOKENS}

# What the recording holds, by (venue, label's fee, symbols in pool order).
RECORDED = {
    *(("uniswap_v2", 3000, ("USDC", "WETH")), ("uniswap_v2", 3000, ("DAI", "WETH"))),
    *(("uniswap_v3", fee, ("USDC", "WETH")) for fee in (100, 500, 3000)),
    *(("uniswap_v3", fee, ("WETH", "USDT")) for fee in (100, 500, 3000)),
    *(("uniswap_v3", fee, ("WBTC", "USDC")) for fee in (500, 3000)),
    *(("uniswap_v3", fee, ("WBTC", "USDT")) for fee in (500, 3000)),
    *(("uniswap_v3", fee, ("DAI", "WETH")) for fee in (500, 3000)),
    *(("uniswap_v3", 500, ("WBTC", "WETH")), ("pancakeswap_v3", 500, ("WETH", "USDT"))),
    *(("uniswap_v4", fee, ("WETH", stable)) for fee in (100, 500, 3000) for stable in ("USDC", "USDT")),
    *(("uniswap_v4", fee, ("WBTC", stable)) for fee in (500, 3000) for stable in ("USDC", "USDT")),
}


def symbols(key: PoolKey) -> tuple[str, ...]:
    return tuple(BY_ADDRESS[token].symbol for token in key.tokens)


def sizes(token: Token) -> list[int]:
    """From a dollar to some ten thousand."""
    whole = {"WETH": 10**15, "WBTC": 10**4}.get(token.symbol, 10**token.decimals)
    return [whole // 3, whole * 37, whole * 1_001, whole * 10_000]


def directions(listed: ListedPool) -> list[tuple[Token, Token]]:
    tokens = [BY_ADDRESS[token] for token in listed.key.tokens]
    return [(a, b) for a in tokens for b in tokens if a != b]


# --- the development chain -------------------------------------------------------------------------------------------


def devnet_venues(devnet: Devnet) -> ChainVenues:
    balancer = replace(MAINNET.balancer[0], pool_ids=devnet.balancer_pool_ids)
    return replace(MAINNET, balancer=(balancer,))


class CountingClient(RpcClient):
    """Counts HTTP requests."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.posts = 0

    def _post(self, method: str, body: Any) -> Any:
        self.posts += 1
        return super()._post(method, body)


def quoted_by_the_protocol(devnet: Devnet, key: PoolKey, sold: Token, bought: Token, amount: int) -> int:
    def view(target: str, signature: str, *values: Any, returns: str) -> tuple[Any, ...]:
        return read_call(devnet.anvil.rpc, Address(target), signature, *values, returns=returns)

    if key.family is Family.UNISWAP_V2:
        path = [sold.address, bought.address]
        signature = "getAmountsOut(uint256,address[])"
        return int(view(chain.V2_ROUTER, signature, amount, path, returns="(uint256[])")[0][1])
    if key.family is Family.UNISWAP_V3:
        asked: tuple[Any, ...] = (sold.address, bought.address, amount, key.fee_pips, 0)
        signature = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
        return int(view(chain.V3_QUOTER, signature, asked, returns="(uint256,uint160,uint32,uint256)")[0])
    if key.family is Family.UNISWAP_V4:
        return v4_quote(devnet.anvil.rpc, chain.V4_QUOTER, key, sold, amount)
    step = (bytes.fromhex(key.pool_id[2:]), 0, 1, amount, b"")
    signature = "queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],(address,bool,address,bool))"
    tokens, funds = [sold.address, bought.address], (DESK, False, DESK, False)
    deltas = view(chain.BALANCER_VAULT, signature, 0, [step], tokens, funds, returns="(int256[])")[0]
    return -int(deltas[1])


def v4_quote(rpc: RpcClient, quoter: Address, key: PoolKey, sold: Token, amount: int) -> int:
    own = chain_key(key)
    pool = (own.currency0, own.currency1, own.fee_pips, own.tick_spacing, own.hooks)
    signature = f"quoteExactInputSingle(({V4_KEY},bool,uint128,bytes))"
    asked = (pool, key.tokens[0] == sold.address, amount, b"")
    return int(read_call(rpc, quoter, signature, asked, returns="(uint256,uint256)")[0])


def test_every_pool_of_the_development_chain_is_found_and_the_hooked_one_skipped(shared_devnet: Devnet) -> None:
    with RpcClient(shared_devnet.rpc_url) as rpc:
        snapshot = EvmPoolSource(devnet_venues(shared_devnet)).snapshot(PinnedChain.at_latest(rpc), TOKENS)
    plain = {pool.pool_id for pool in shared_devnet.pools} - {key.pool_id for key in shared_devnet.hooked_keys}
    assert {listed.key.pool_id for listed in snapshot.pools} == plain
    assert {listed.pool.family for listed in snapshot.pools} == {
        *(Family.UNISWAP_V2, Family.UNISWAP_V3, Family.UNISWAP_V4, Family.BALANCER_WEIGHTED, Family.BALANCER_STABLE)
    }


def test_a_hooked_pool_is_skipped_with_its_hook_whether_events_or_a_known_key_name_it(shared_devnet: Devnet) -> None:
    (hooked,) = shared_devnet.hooked_keys
    by_key = replace(MAINNET, v4=(replace(MAINNET.v4[0], known_keys=(hooked,)),), log_window_blocks=0)
    unknown = replace(MAINNET, log_window_blocks=0)
    found = {}
    with RpcClient(shared_devnet.rpc_url) as rpc:
        for name, venues in (("events", MAINNET), ("key", by_key), ("neither", unknown)):
            pinned = PinnedChain.at_latest(rpc)
            snapshot = EvmPoolSource(venues).snapshot(pinned, TOKENS, venues=frozenset({"uniswap_v4"}))
            found[name] = [(entry.pool_id, entry.reason.lower()) for entry in snapshot.skipped]
    skipped = (hooked.pool_id, f"has hooks {hooked.hooks}".lower())
    assert found == {"events": [skipped], "key": [skipped], "neither": []}


def test_balancer_pools_are_found_by_the_vaults_events_without_their_ids(shared_devnet: Devnet) -> None:
    with RpcClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        snapshot = EvmPoolSource(MAINNET).snapshot(pinned, TOKENS, venues=frozenset({"balancer_v2"}))
    assert {listed.key.pool_id for listed in snapshot.pools} == set(shared_devnet.balancer_pool_ids)


def test_every_family_quotes_what_its_protocol_quotes(shared_devnet: Devnet) -> None:
    source = EvmPoolSource(devnet_venues(shared_devnet))
    compared: dict[Family, int] = {}
    with RpcClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        for listed in source.snapshot(pinned, TOKENS).pools:
            for sold, bought in directions(listed):
                for amount in sizes(sold):
                    ours = quote_extending(source, pinned, listed, sold, bought, amount)
                    theirs = quoted_by_the_protocol(shared_devnet, listed.key, sold, bought, amount)
                    assert ours == theirs, (listed.key, sold.symbol, amount)
                    compared[listed.key.family] = compared.get(listed.key.family, 0) + 1
    assert min(compared.values()) >= 24
    assert len(compared) == 5


def quote_extending(
    source: EvmPoolSource, pinned: PinnedChain, listed: ListedPool, sold: Token, bought: Token, amount: int
) -> int:
    for _ in range(20):
        try:
            return listed.pool.quote_in(sold.address, bought.address, amount).amount_out
        except BeyondKnownRange:
            wider = source.extend(pinned, listed, zero_for_one=listed.key.tokens[0] == sold.address)
            if wider is listed:
                raise
            listed = wider
    raise AssertionError("twenty extensions do not suffice")


def test_an_order_that_drains_a_pool_is_quoted_exactly_after_extensions(shared_devnet: Devnet) -> None:
    source = EvmPoolSource(devnet_venues(shared_devnet))
    drained = 0
    with RpcClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        for listed in source.snapshot(pinned, [WETH, USDC], venues=frozenset({"uniswap_v3", "uniswap_v4"})).pools:
            first = listed.pool.limits(WETH.address, USDC.address)
            amount = first.max_amount_in + first.max_amount_in // 3
            with pytest.raises(BeyondKnownRange):
                listed.pool.quote_in(WETH.address, USDC.address, amount)
            ours = quote_extending(source, pinned, listed, WETH, USDC, amount)
            assert ours == quoted_by_the_protocol(shared_devnet, listed.key, WETH, USDC, amount)
            drained += 1
    assert drained >= 2


def test_extending_to_the_end_of_the_ticks_ends_and_keeps_what_was_known(shared_devnet: Devnet) -> None:
    source = EvmPoolSource(devnet_venues(shared_devnet))
    with RpcClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        snapshot = source.snapshot(pinned, [WETH, USDC], venues=frozenset({"uniswap_v3"}))
        listed = next(entry for entry in snapshot.pools if entry.key.fee_pips == 3000)
        for zero_for_one in (True, False):
            for _ in range(50):
                wider = source.extend(pinned, listed, zero_for_one=zero_for_one)
                if wider is listed:
                    break
                before, after = map_of(listed), map_of(wider)
                assert set(zip(before.ticks, before.nets, strict=True)) <= set(
                    zip(after.ticks, after.nets, strict=True)
                )
                listed = wider
    whole = map_of(listed)
    assert (whole.known_min_tick, whole.known_max_tick) == (-887272, 887272)
    assert sum(whole.nets) == 0


def map_of(listed: ListedPool) -> Any:
    assert isinstance(listed.pool, ConcentratedPool)
    return listed.pool.tick_map


def test_a_snapshot_of_five_tokens_takes_few_requests(shared_devnet: Devnet) -> None:
    with CountingClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        before = rpc.posts
        EvmPoolSource(devnet_venues(shared_devnet)).snapshot(pinned, TOKENS)
        assert rpc.posts - before <= 10
        before = rpc.posts
        EvmPoolSource(devnet_venues(shared_devnet)).snapshot(pinned, [WETH, USDC])
        assert rpc.posts - before <= 6


def test_a_reloaded_pool_is_the_pool_of_the_snapshot(shared_devnet: Devnet) -> None:
    source = EvmPoolSource(devnet_venues(shared_devnet))
    with RpcClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        for listed in source.snapshot(pinned, TOKENS).pools:
            assert source.reload(pinned, listed.key) == listed


def test_what_does_not_exist_is_skipped_on_reload_and_unknown_venues_are_refused(shared_devnet: Devnet) -> None:
    source = EvmPoolSource(devnet_venues(shared_devnet))
    nowhere = Address("0x" + "12" * 20)
    key = PoolKey(Family.UNISWAP_V2, "uniswap_v2", nowhere, nowhere, (USDC.address, WETH.address), 3000)
    foreign = replace(key, family=Family.UNISWAP_V3, venue="quickswap")
    with RpcClient(shared_devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        gone = source.reload(pinned, key)
        assert isinstance(gone, SkippedPool)
        assert "does not exist" in gone.reason
        with pytest.raises(InvalidRequest, match="venue: quickswap"):
            source.reload(pinned, foreign)
        with pytest.raises(InvalidRequest, match=r"venues: no quickswap here; choose from .*uniswap_v2"):
            source.snapshot(pinned, TOKENS, venues=frozenset({"quickswap"}))
        with pytest.raises(InvalidRequest, match=r"token: .*two different"):
            source.snapshot(pinned, [WETH, WETH])
        with pytest.raises(InvalidRequest, match="chain: the node serves chain 1, not 8453"):
            EvmPoolSource(ChainVenues(8453, WETH.address)).snapshot(pinned, TOKENS)


# --- recorded mainnet ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording(oms_data: Path) -> Iterator[RecordingProcess]:
    own = [creation_address(DESK, 0)]  # where the tests' quoter goes
    with RecordingProcess.start(oms_data / "mainnet" / "alloc_24628608_merged.json.gz", own=own) as running:
        yield running


@pytest.fixture(scope="module")
def recorded_fork(recording: RecordingProcess, project: Path) -> Iterator[Anvil]:
    options = AnvilOptions(fork_url=recording.url, fork_block=24628607)
    with Anvil.start(options, project=project) as running:
        yield running


@pytest.fixture(scope="module")
def recorded_snapshot(recording: RecordingProcess) -> PoolSnapshot:
    with RpcClient(recording.url, timeout_seconds=60) as rpc:
        return EvmPoolSource(MAINNET).snapshot(PinnedChain.at_latest(rpc), TOKENS)


def named(snapshot: PoolSnapshot) -> set[tuple[str, int, tuple[str, ...]]]:
    return {(listed.key.venue, listed.key.fee_pips, symbols(listed.key)) for listed in snapshot.pools}


@pytest.mark.recorded
def test_the_recorded_pools_are_all_found_without_any_factory(recorded_snapshot: PoolSnapshot) -> None:
    assert named(recorded_snapshot) >= RECORDED
    curve = {listed.key.pool_id for listed in recorded_snapshot.pools if listed.key.venue == "curve"}
    assert "0x7F86Bf177Dd4F3494b841a37e810A34dD56c829B" in curve
    natives = {symbols(listed.key) for listed in recorded_snapshot.pools if listed.key.native}
    assert natives == {("WETH", "USDC"), ("WETH", "USDT")}


@pytest.mark.recorded
def test_a_fork_of_the_recording_gives_the_same_pools(recorded_fork: Anvil, recorded_snapshot: PoolSnapshot) -> None:
    snapshot = EvmPoolSource(MAINNET).snapshot(PinnedChain.at_latest(recorded_fork.rpc), TOKENS)
    assert snapshot.pools == recorded_snapshot.pools
    assert snapshot.skipped == recorded_snapshot.skipped


@pytest.mark.recorded
def test_where_the_recording_ends_a_quote_is_refused_and_no_extension_helps(
    recording: RecordingProcess, recorded_snapshot: PoolSnapshot
) -> None:
    source = EvmPoolSource(MAINNET)
    listed = next(entry for entry in recorded_snapshot.pools if entry.key.pool_id.startswith("0x88e6A0c2"))
    with RpcClient(recording.url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        for sold, bought in directions(listed):
            with pytest.raises(BeyondKnownRange):
                quote_extending(source, pinned, listed, sold, bought, 10**10 * 10**sold.decimals)


EXECUTION_REVERTED = 3
SLOTS = {WETH.symbol: (3, 4), USDC.symbol: (9, 10), USDT.symbol: (2, 5), WBTC.symbol: (0, 2), DAI.symbol: (2, 3)}
"""Where mainnet's tokens declare balances and allowances."""

SWAPPER = bytes.fromhex(
    "60803614601157604060045f3760405ffd5b"  # anything but 128 bytes is a callback: revert with both its deltas
    "63128acb0860e01b5f52"  # else call swap(address,bool,int256,uint160,bytes) on the pool in the first word,
    "3060045260203560245260403560445260603560645260a0608452"  # paying out to itself, with the other three words,
    "5f5f60c45f5f5f355af1503d5f5f3e3d5ff3"  # and return what it reverted with
)  # fmt: skip


def words(*values: int) -> bytes:
    return b"".join((value % 2**256).to_bytes(32, "big") for value in values)


def eth_call(anvil: Anvil, to: str, data: bytes, overrides: dict[str, Any]) -> bytes:
    call = {"from": DESK, "to": to, "data": "0x" + data.hex()}
    return bytes.fromhex(anvil.rpc.call("eth_call", call, "latest", overrides)[2:])


def v3_swapped(anvil: Anvil, key: PoolKey, sold: Token, amount: int) -> int:
    """What the pool's `swap` pays, told by its callback; fee-taking code of a fork included."""
    zero_for_one = key.tokens[0] == sold.address
    limit = 4295128740 if zero_for_one else 1461446703485210103287273052203988822378723970341
    data = words(int(key.settles_at, 16), zero_for_one, amount, limit)
    answer = eth_call(anvil, DESK, data, {DESK: {"code": "0x" + SWAPPER.hex()}})
    deltas = [int.from_bytes(answer[at : at + 32], "big", signed=True) for at in (0, 32)]
    assert deltas[0 if zero_for_one else 1] == amount
    return -deltas[1 if zero_for_one else 0]


def held(token: Token, owner: Address, amount: int, spender: Address | None = None) -> dict[str, Any]:
    """An override by which `owner` has `amount` of `token`, approved for `spender`."""
    balances, allowances = SLOTS[token.symbol]
    slots = {mapping_slot(int(owner, 16), balances): amount}
    if spender is not None:
        slots[mapping_slot(int(spender, 16), mapping_slot(int(owner, 16), allowances))] = amount
    return {
        token.address: {"stateDiff": {f"0x{slot:064x}": "0x" + words(value).hex() for slot, value in slots.items()}}
    }


def v2_pays(anvil: Anvil, listed: ListedPool, sold: Token, amount: int, amount_out: int) -> bool:
    """Whether the pair pays `amount_out` to one who has paid it `amount`."""
    pair = listed.key.settles_at
    reserves = read_call(anvil.rpc, pair, "getReserves()", returns="(uint112,uint112,uint32)")
    first = listed.key.tokens[0] == sold.address
    override = held(sold, pair, reserves[0 if first else 1] + amount)
    outs = (0, amount_out) if first else (amount_out, 0)
    try:
        eth_call(anvil, pair, encode_call("swap(uint256,uint256,address,bytes)", *outs, DESK, b""), override)
    except RpcError as refused:
        if "UniswapV2: K" in str(refused):
            return False
        raise
    return True


def curve_balances(listed: ListedPool) -> tuple[int, ...]:
    assert isinstance(listed.pool, CryptoSwapPool)
    return listed.pool.balances


def curve_pays(anvil: Anvil, listed: ListedPool, sold: Token, bought: Token, amount: int, amount_out: int) -> bool:
    """Whether `exchange` pays at least `amount_out`; the older generation does not say how much it pays."""
    key, reserves = listed.key, curve_balances(listed)
    i, j = key.tokens.index(sold.address), key.tokens.index(bought.address)
    # The pool's own balances are those it books; a recording need not hold all of them.
    desk, pool = held(sold, DESK, amount, spender=key.settles_at), held(sold, key.settles_at, reserves[i])
    sides = {sold.address: {"stateDiff": desk[sold.address]["stateDiff"] | pool[sold.address]["stateDiff"]}}
    override = sides | held(bought, key.settles_at, reserves[j])
    data = encode_call("exchange(uint256,uint256,uint256,uint256)", i, j, amount, amount_out)
    try:
        eth_call(anvil, key.settles_at, data, override)
    except RpcError as refused:
        if refused.failure.code == EXECUTION_REVERTED:
            return False
        raise
    return True


@pytest.fixture(scope="module")
def v4_quoter(recorded_fork: Anvil, project: Path) -> Address:
    artifact = Artifacts(project).published("@uniswap/v4-periphery/foundry-out/V4Quoter.sol/V4Quoter.json")
    return deploy(recorded_fork.rpc, DESK, artifact.with_arguments(chain.V4_MANAGER))


def recorded_quotes(
    snapshot: PoolSnapshot, families: Sequence[Family]
) -> Iterator[tuple[ListedPool, Token, Token, int, int]]:
    """Quotes of several sizes in both directions, as far as the recording goes."""
    for listed in snapshot.pools:
        if listed.key.family not in families:
            continue
        for sold, bought in directions(listed):
            for amount in sizes(sold):
                try:
                    out = listed.pool.quote_in(sold.address, bought.address, amount).amount_out
                except BeyondKnownRange:
                    continue
                yield listed, sold, bought, amount, out


@pytest.mark.recorded
def test_recorded_v3_pools_pay_what_they_quote(recorded_fork: Anvil, recorded_snapshot: PoolSnapshot) -> None:
    venues = set()
    for listed, sold, _, amount, out in recorded_quotes(recorded_snapshot, [Family.UNISWAP_V3]):
        assert v3_swapped(recorded_fork, listed.key, sold, amount) == out, (listed.key, sold.symbol, amount)
        venues.add((listed.key.venue, listed.key.pool_id, sold.symbol))
    assert len(venues) >= 24
    assert {venue for venue, _, _ in venues} == {"uniswap_v3", "pancakeswap_v3"}


@pytest.mark.recorded
def test_recorded_v4_pools_pay_what_they_quote(
    recorded_fork: Anvil, recorded_snapshot: PoolSnapshot, v4_quoter: Address
) -> None:
    compared = set()
    for listed, sold, _, amount, out in recorded_quotes(recorded_snapshot, [Family.UNISWAP_V4]):
        assert v4_quote(recorded_fork.rpc, v4_quoter, listed.key, sold, amount) == out, (listed.key, sold, amount)
        compared.add((listed.key.pool_id, sold.symbol))
    assert len(compared) >= 18


@pytest.mark.recorded
def test_recorded_pairs_pay_what_they_quote_and_not_a_unit_more(
    recorded_fork: Anvil, recorded_snapshot: PoolSnapshot
) -> None:
    compared = 0
    for listed, sold, _, amount, out in recorded_quotes(recorded_snapshot, [Family.UNISWAP_V2]):
        assert v2_pays(recorded_fork, listed, sold, amount, out), (listed.key, sold.symbol, amount)
        assert not v2_pays(recorded_fork, listed, sold, amount, out + 1), (listed.key, sold.symbol, amount)
        compared += 1
    assert compared >= 12


@pytest.mark.recorded
def test_recorded_curve_pools_pay_what_they_quote(recorded_fork: Anvil, recorded_snapshot: PoolSnapshot) -> None:
    compared = 0
    for listed, sold, bought, amount, out in recorded_quotes(recorded_snapshot, [Family.CURVE_CRYPTOSWAP]):
        asked = (recorded_fork, listed, sold, bought, amount)
        assert curve_pays(*asked, out), (listed.key, sold.symbol, amount, out)
        assert not curve_pays(*asked, out + 1), (listed.key, sold.symbol, amount, out)
        compared += 1
    assert compared >= 24


@pytest.mark.recorded
def test_a_node_that_answers_a_word_with_garbage_fails_loudly(recording: RecordingProcess) -> None:
    class Garbling(RpcClient):
        def _post(self, method: str, body: Any) -> Any:
            replies = super()._post(method, body)
            if method == "eth_getStorageAt" and isinstance(replies, list):
                return [reply | {"result": "0x" + "f" * 65} if "result" in reply else reply for reply in replies]
            return replies

    with Garbling(recording.url) as rpc, pytest.raises(Terminal, match="eth_getStorageAt: expected a hex number"):
        EvmPoolSource(MAINNET).snapshot(PinnedChain.at_latest(rpc), [WETH, USDC])
