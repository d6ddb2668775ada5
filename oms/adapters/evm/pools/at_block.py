"""The pools of some tokens at any block still on the chain: the port `oms.ports.chain_logs.BlockPools`.

Owns: tying a source, a node, tokens and venues together. Must not: load pools itself, or follow anything.
"""

from collections.abc import Sequence
from hashlib import sha256

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.rpc import RpcClient
from oms.domain.block import BlockHeader
from oms.domain.token import Token
from oms.domain.venue import PoolKey
from oms.errors import Retryable, StateConflict
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool


class PoolsAtBlock:
    """All pools between `tokens` on the venues named, or on all; read by block number, and confirmed by its hash."""

    def __init__(
        self, rpc: RpcClient, source: EvmPoolSource, tokens: Sequence[Token], *, venues: frozenset[str] | None = None
    ) -> None:
        self._rpc = rpc
        self._source = source
        self._tokens = tuple(tokens)
        self._venues = venues

    @property
    def subject(self) -> str:
        """See `BlockPools.subject`: a digest of the chain's id, the tokens and the whole list of venues."""
        chosen = sorted(self._source.venues.names if self._venues is None else self._venues)
        tokens = sorted(token.address for token in self._tokens)
        return sha256(repr((self._source.venues, chosen, tokens)).encode()).hexdigest()

    def snapshot(self, header: BlockHeader) -> PoolSnapshot:
        """See `BlockPools.snapshot`."""
        try:
            return self._source.snapshot(PinnedChain(self._rpc, header.pin), self._tokens, venues=self._venues)
        except StateConflict as conflict:
            raise Retryable(self._rpc.venue, f"{conflict}") from conflict

    def load(self, header: BlockHeader, keys: Sequence[PoolKey]) -> tuple[ListedPool | SkippedPool, ...]:
        """See `BlockPools.load`."""
        try:
            return self._source.reload_all(PinnedChain(self._rpc, header.pin), keys)
        except StateConflict as conflict:
            raise Retryable(self._rpc.venue, f"{conflict}") from conflict

    def widen(self, header: BlockHeader, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        """See `BlockPools.widen`."""
        try:
            return self._source.extend(PinnedChain(self._rpc, header.pin), listed, zero_for_one=zero_for_one)
        except StateConflict as conflict:
            raise Retryable(self._rpc.venue, f"{conflict}") from conflict
