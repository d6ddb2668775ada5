"""A pool source tied to one node, pinning the newest block at each snapshot.

Owns: the pin between a snapshot and its extensions, and refusing a node that lags behind the present.
Must not: load pools itself.
"""

from collections.abc import Sequence

from oms.adapters.evm.chain import PRIORITY_FEE_WEI, PinnedChain
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.rpc import RpcClient
from oms.domain.token import Token
from oms.errors import Retryable, StateConflict
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.ports.clock import Clock
from oms.units import Wei


class PinnedPools:
    """Implements `oms.ports.pools.ChainPools`. `max_lag_seconds` is `None` where blocks may be old, as on a fork."""

    def __init__(self, rpc: RpcClient, source: EvmPoolSource, *, clock: Clock, max_lag_seconds: float | None) -> None:
        self._rpc = rpc
        self._source = source
        self._clock = clock
        self._max_lag_seconds = max_lag_seconds
        self._chain: PinnedChain | None = None

    @property
    def venue_names(self) -> frozenset[str]:
        """Every on-chain venue that this chain has."""
        return self._source.venues.names

    def snapshot(self, tokens: Sequence[Token], *, venues: frozenset[str] | None = None) -> PoolSnapshot:
        """See `ChainPools.snapshot`. Raises `Retryable` for a node whose newest block is too old."""
        chain = PinnedChain.at_latest(self._rpc, expected_chain_id=self._source.venues.chain_id)
        self._check_lag(chain)
        self._chain = chain
        return self._source.snapshot(chain, tokens, venues=venues)

    def extend(self, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        """See `ChainPools.extend`."""
        return self._source.extend(self._pinned(), listed, zero_for_one=zero_for_one)

    def gas_price(self) -> Wei:
        """See `ChainPools.gas_price`."""
        return Wei(self._pinned().block.base_fee_wei + PRIORITY_FEE_WEI)

    def _pinned(self) -> PinnedChain:
        if self._chain is None:
            raise StateConflict("pools", "no block is pinned yet; take a snapshot first")
        return self._chain

    def _check_lag(self, chain: PinnedChain) -> None:
        lag = self._clock.now() - chain.block.timestamp
        if self._max_lag_seconds is not None and lag > self._max_lag_seconds:
            why = f"its newest block {chain.block.number} is {lag:.0f} s old, so it lags"
            raise Retryable(self._rpc.venue, f"{why}; use another node, or raise limits.max_node_lag_seconds")
