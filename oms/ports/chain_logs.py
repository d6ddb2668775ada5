"""One chain as it grows: headers, pools' events by block, and pools read at a block."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from oms.domain.block import BlockHeader
from oms.domain.venue import PoolKey
from oms.liquidity.followed import FollowedPools
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.liquidity.pool_events import LogSource, PoolLog


class ChainLogs(Protocol):
    """A node's headers and logs. Every method raises `Retryable` where the chain moved under it or the node failed."""

    def head(self) -> BlockHeader:
        """The newest block."""
        ...

    def headers(self, numbers: Sequence[int]) -> tuple[BlockHeader, ...]:
        """The chain's present blocks of these numbers, in order. Raises `Retryable` where one is not there."""
        ...

    def logs(self, headers: Sequence[BlockHeader]) -> tuple[tuple[PoolLog, ...], ...]:
        """Each block's pool events, in the order in which the node gave them; several times, or out of order, or not
        all of them, if the node is a bad one.
        """
        ...

    def may_hold(self, header: BlockHeader, sources: Iterable[LogSource]) -> frozenset[LogSource]:
        """The sources that the block's filter of logs does not rule out; none where the chain keeps no such filter."""
        ...


class BlockPools(Protocol):
    """The pools between the tokens that a follower was opened for, read at a block that is still on the chain."""

    @property
    def subject(self) -> str:
        """What pools these are: equal for equal chains, tokens and venues."""
        ...

    def snapshot(self, header: BlockHeader) -> PoolSnapshot:
        """All of them. Raises `VenueError`; `Retryable` where the block was replaced meanwhile."""
        ...

    def load(self, header: BlockHeader, keys: Sequence[PoolKey]) -> tuple[ListedPool | SkippedPool, ...]:
        """Those of the keys, in order; skipped, with the reason, where one cannot be read. Raises as `snapshot`."""
        ...

    def widen(self, header: BlockHeader, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        """The pool with more ticks known in one direction; `listed` itself where the node holds no more."""
        ...


class PoolSnapshots(Protocol):
    """Where the followed pools of one chain are kept between runs."""

    def load(self, subject: str) -> FollowedPools | None:
        """What was saved last for this subject; None for nothing. Raises `StateConflict` for a damaged file."""
        ...

    def save(self, subject: str, followed: FollowedPools) -> None:
        """Keep `followed` in the last one's place, whole or not at all. Raises `StateConflict` where it cannot."""
        ...
