"""Opening a follower: a node, a chain's venues and some tokens, tied together.

Owns: that wiring. Must not: decide how to follow.
"""

from collections.abc import Sequence
from pathlib import Path

from oms.adapters.evm.chain_logs import EvmChainLogs
from oms.adapters.evm.pools.at_block import PoolsAtBlock
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import ChainVenues
from oms.adapters.storage.pool_snapshots import PoolSnapshotFile
from oms.application.following import Follower, FollowingRules
from oms.domain.token import Token


def open_follower(
    rpc: RpcClient,
    venues: ChainVenues,
    tokens: Sequence[Token],
    *,
    venue_names: frozenset[str] | None = None,
    home: Path | None = None,
    rules: FollowingRules | None = None,
) -> Follower:
    """A follower of all pools between `tokens`, such as a session's `rpc` and `venues`; nothing is asked yet.

    With `home` the pools are kept in its cache, a file per chain, so that a restart needs only the blocks since.
    """
    store = None if home is None else PoolSnapshotFile(snapshot_path(home, venues.chain_id))
    pools = PoolsAtBlock(rpc, EvmPoolSource(venues), tokens, venues=venue_names)
    return Follower(EvmChainLogs(rpc, chain_id=venues.chain_id), pools, store=store, rules=rules)


def snapshot_path(home: Path, chain_id: int) -> Path:
    """Where a chain's followed pools are kept."""
    return home / "cache" / f"pools-{chain_id}.snapshot"
