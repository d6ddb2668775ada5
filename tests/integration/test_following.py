"""Following a real node's logs ends where a fresh load does: random trading on the development chain."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.chain_logs import EvmChainLogs
from oms.adapters.evm.devnet import Devnet
from oms.adapters.evm.devnet.chain import TOKENS
from oms.adapters.evm.pools.at_block import PoolsAtBlock
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.rpc import RpcClient
from oms.application.following import Follower, FollowingRules, Step
from oms.bootstrap.following import open_follower, snapshot_path
from oms.liquidity.freshness import difference
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool_events import LogSource
from tests.integration.random_trading import RandomTrader
from tests.integration.test_pool_source import devnet_venues

pytestmark = pytest.mark.fork

NO_CHECKS = FollowingRules(sample_size=0)
"""So that nothing but the logs can have kept the pools right."""


class RecordingClient(RpcClient):
    """Remembers the methods that were asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.methods: list[str] = []

    def _post(self, method: str, body: Any) -> Any:
        self.methods += [call["method"] for call in (body if isinstance(body, list) else [body])]
        return super()._post(method, body)


@pytest.fixture
def rpc(devnet: Devnet) -> Iterator[RecordingClient]:
    with RecordingClient(devnet.rpc_url) as client:
        yield client


def followed(
    devnet: Devnet, rpc: RpcClient, *, home: Path | None = None, rules: FollowingRules = NO_CHECKS
) -> Follower:
    return open_follower(rpc, devnet_venues(devnet), TOKENS, home=home, rules=rules)


def fresh(devnet: Devnet, rpc: RpcClient, follower: Follower) -> dict[str, ListedPool]:
    at_block = PoolsAtBlock(rpc, EvmPoolSource(devnet_venues(devnet)), TOKENS)
    return {listed.key.pool_id: listed for listed in at_block.snapshot(follower.followed.header).pools}


def assert_fresh(devnet: Devnet, rpc: RpcClient, follower: Follower) -> dict[str, ListedPool]:
    loaded = fresh(devnet, rpc, follower)
    pools = {listed.key.pool_id: listed for listed in follower.snapshot.pools}
    assert {pool_id: entry.key for pool_id, entry in pools.items()} == {k: entry.key for k, entry in loaded.items()}
    assert {k: difference(pools[k].pool, entry.pool) for k, entry in loaded.items()} == dict.fromkeys(loaded, "")
    return loaded


def traded(follower: Follower, trader: RandomTrader, *, blocks: int, actions: int = 8) -> Step:
    for _ in range(blocks):
        trader.block(list(follower.snapshot.pools), actions)
    return follower.advance()


def run(devnet: Devnet, rpc: RpcClient, *, seed: int, rounds: int) -> None:
    trader = RandomTrader(devnet, seed=seed)
    follower = followed(devnet, rpc)
    follower.advance()
    before = assert_fresh(devnet, rpc, follower)
    seen: set[str] = set()
    for _ in range(rounds):
        step = traded(follower, trader, blocks=2)
        after = assert_fresh(devnet, rpc, follower)
        moved = {k for k, entry in after.items() if difference(before[k].pool, entry.pool)}
        assert moved <= step.changed_pool_ids
        assert (step.quarantined, step.anew, step.removed) == ((), False, frozenset())
        seen |= {str(after[pool_id].key.family) for pool_id in moved}
        before = after
    assert seen == {"uniswap_v2", "uniswap_v3", "uniswap_v4", "balancer_weighted", "balancer_stable"}


def test_random_trading_in_every_pool_is_followed_by_logs_alone(devnet: Devnet, rpc: RecordingClient) -> None:
    run(devnet, rpc, seed=1, rounds=10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_much_more_random_trading_is_followed_by_logs_alone(devnet: Devnet, rpc: RecordingClient, seed: int) -> None:
    run(devnet, rpc, seed=seed, rounds=60)


def test_a_block_asks_for_its_header_its_logs_and_nothing_else(devnet: Devnet, rpc: RecordingClient) -> None:
    trader = RandomTrader(devnet, seed=11)
    follower = followed(devnet, rpc)
    follower.advance()
    trader.block([listed for listed in follower.snapshot.pools if listed.key.family == "uniswap_v2"], 5)
    rpc.methods.clear()
    step = follower.advance()
    assert step.blocks == 1
    assert step.changed
    assert rpc.methods == ["eth_getBlockByNumber", "eth_getLogs"]
    rpc.methods.clear()
    assert not follower.advance().changed_pool_ids
    assert rpc.methods == ["eth_getBlockByNumber"]


@pytest.mark.parametrize("depth", [1, 7])
def test_a_reorganised_node_is_followed_onto_its_new_branch(devnet: Devnet, rpc: RecordingClient, depth: int) -> None:
    trader = RandomTrader(devnet, seed=12)
    follower = followed(devnet, rpc)
    follower.advance()
    pools = [listed for listed in follower.snapshot.pools if listed.key.family == "uniswap_v2"]
    fork = devnet.anvil.snapshot()
    for _ in range(depth):
        trader.block(pools, 4)
        follower.advance()
    devnet.anvil.revert(fork)
    trader.queue = type(trader.queue).of(trader.rpc, trader.queue.sender)
    for _ in range(depth + 2):
        trader.block(pools, 4)
    step = follower.advance()
    assert (step.reorg_depth, step.blocks, step.anew) == (depth, depth + 2, False)
    assert_fresh(devnet, rpc, follower)


def test_a_restart_needs_only_the_gap(devnet: Devnet, rpc: RecordingClient, tmp_path: Path) -> None:
    trader = RandomTrader(devnet, seed=13)
    first = followed(devnet, rpc, home=tmp_path)
    first.advance()
    traded(first, trader, blocks=3)
    assert snapshot_path(tmp_path, 1).is_file()
    for _ in range(4):
        trader.block(list(first.snapshot.pools), 6)
    rpc.methods.clear()
    second = followed(devnet, rpc, home=tmp_path)  # the first one crashed: it saved at its start, and no more
    step = second.advance()
    assert not step.anew
    assert step.blocks >= 7
    assert set(rpc.methods) == {"eth_chainId", "eth_getBlockByNumber", "eth_getLogs"}
    assert_fresh(devnet, rpc, second)


def test_a_saved_state_of_another_chain_is_not_used(devnet: Devnet, rpc: RecordingClient, tmp_path: Path) -> None:
    """The development chain, built anew or turned back, shares its number with mainnet, but no block."""
    fork = devnet.anvil.snapshot()
    devnet.anvil.rpc.call("evm_mine")
    followed(devnet, rpc, home=tmp_path).advance()
    devnet.anvil.revert(fork)
    devnet.anvil.rpc.call("anvil_mine", "0x3", "0x20")
    second = followed(devnet, rpc, home=tmp_path)
    assert second.advance().anew
    assert_fresh(devnet, rpc, second)


def test_a_blocks_filter_holds_all_that_it_logged(devnet: Devnet, rpc: RecordingClient) -> None:
    trader, follower = RandomTrader(devnet, seed=15), followed(devnet, rpc)
    follower.advance()
    told: set[LogSource] = set()
    chain_logs = EvmChainLogs(rpc, chain_id=1)
    for _ in range(5):
        trader.block(list(follower.snapshot.pools), 8)
        head = chain_logs.head()
        (logs,) = chain_logs.logs([head])
        sources = {log.source for log in logs} & follower.followed.sources.keys()
        assert sources <= chain_logs.may_hold(head, follower.followed.sources)
        told |= sources
    assert len(told) > 8
    assert len(chain_logs.may_hold(follower.followed.header, follower.followed.sources)) < len(told)


def test_the_self_check_reads_a_few_pools_each_block_and_finds_them_right(devnet: Devnet, rpc: RecordingClient) -> None:
    trader = RandomTrader(devnet, seed=14)
    follower = followed(devnet, rpc, rules=FollowingRules(sample_size=5))
    follower.advance()
    rpc.methods.clear()
    for _ in range(6):
        assert not traded(follower, trader, blocks=1).quarantined
    assert "eth_getStorageAt" in rpc.methods
    assert_fresh(devnet, rpc, follower)
