"""Pools that follow their chain from block to block: what is known at one block, and how to get back.

Owns: the order in which events count, what is kept to undo a block, which pools must be read again and when.
Must not: ask a node, or know the time other than by blocks.

A followed pool is either listed (it can be quoted) or waiting (it cannot until it is read again). Each block keeps the
entries that it replaced, and nothing else, so that a block is undone by putting those back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import pairwise

from oms.domain.block import BlockHeader
from oms.domain.venue import PoolKey
from oms.errors import PoolOutdated, StateConflict
from oms.liquidity.freshness import CLOCKED, at_block_time, key_of, moves_unseen, near_its_edge
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.liquidity.pool_events import LogSource, PoolLog, sources_of

HISTORY_BLOCKS = 128
"""Blocks that can be undone."""
LONGEST_WAIT_BLOCKS = 64
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Waiting:
    """A followed pool that is not quoted until it is read again, which is not before `from_number`.

    `strikes` counts the readings in a row that left it unusable: each doubles the wait.
    """

    key: PoolKey
    reason: str
    from_number: int = 0
    strikes: int = 0


Entry = ListedPool | Waiting


@dataclass(frozen=True, slots=True)
class Undo:
    """The block before a block, and the entries as they were there."""

    header: BlockHeader
    before: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class FollowedPools:
    """All followed pools at one block, by pool id, with the blocks before it (oldest first) as far as they are kept.

    `skipped` are pools that exist and are not followed. `strikes` counts, by pool, how much oftener a check found it
    wrong than right of late; `clocked` are the pools that depend on time; `rotation` and `cursor` tell whose turn
    it is to be checked.
    """

    header: BlockHeader
    entries: Mapping[str, Entry]
    skipped: tuple[SkippedPool, ...] = ()
    history: tuple[Undo, ...] = ()
    sources: Mapping[LogSource, str] = field(default_factory=dict, repr=False)
    strikes: Mapping[str, int] = field(default_factory=dict)
    clocked: tuple[str, ...] = field(default=(), repr=False)
    rotation: tuple[str, ...] = field(default=(), repr=False)
    cursor: int = 0

    @classmethod
    def at(
        cls, header: BlockHeader, entries: Iterable[Entry], *, skipped: tuple[SkippedPool, ...] = (), seed: str = ""
    ) -> "FollowedPools":
        """Pools as known at a block, with no block to undo. `seed` decides in which order they are checked."""
        by_id = {entry.key.pool_id: entry for entry in entries}
        sources = {source: pool_id for pool_id, entry in by_id.items() for source in sources_of(entry.key)}
        rotation = sorted(by_id, key=lambda pool_id: sha256(f"{seed} {pool_id}".encode()).digest())
        clocked = tuple(pool_id for pool_id, entry in by_id.items() if entry.key.family in CLOCKED)
        cursor = header.pin.number  # so that frequent restarts do not check the same few pools
        return cls(header, by_id, skipped, sources=sources, clocked=clocked, rotation=tuple(rotation), cursor=cursor)

    @property
    def number(self) -> int:
        """The block's number."""
        return self.header.pin.number

    @property
    def snapshot(self) -> PoolSnapshot:
        """What can be quoted at this block, and why the rest cannot."""
        listed = tuple(entry for entry in self.entries.values() if isinstance(entry, ListedPool))
        waiting = (entry for entry in self.entries.values() if isinstance(entry, Waiting))
        lost = tuple(SkippedPool(entry.key.venue, entry.key.pool_id, entry.reason) for entry in waiting)
        return PoolSnapshot(self.header.pin, listed, (*self.skipped, *lost))

    @property
    def known_headers(self) -> tuple[BlockHeader, ...]:
        """The blocks that can be returned to, oldest first, this one last."""
        return (*(undo.header for undo in self.history), self.header)


def advanced(followed: FollowedPools, header: BlockHeader, logs: Sequence[PoolLog]) -> FollowedPools:
    """The pools after the next block. A pool whose event cannot be applied waits; other pools' logs are ignored.

    Raises `StateConflict` for a block that is not the next, or for logs that cannot all be of it.
    """
    if header.parent_hash != followed.header.pin.hash or header.pin.number != followed.number + 1:
        raise StateConflict("block", f"{header.pin.number} does not follow {followed.number}; ask for those between")
    entries = dict(followed.entries)
    before = _clocks_set(entries, followed.clocked, header.pin.timestamp)
    for log in in_order(logs, header):
        pool_id = followed.sources.get(log.source)
        if pool_id is None:
            continue
        entry = entries[pool_id]
        if isinstance(entry, Waiting):
            continue
        after = _applied(entry, log, number=header.pin.number)
        if after is not entry:
            before.setdefault(pool_id, entry)
            entries[pool_id] = after
    history = (*followed.history, Undo(followed.header, before))[-HISTORY_BLOCKS:]
    return replace(followed, header=header, entries=entries, history=history)


def in_order(logs: Sequence[PoolLog], header: BlockHeader) -> list[PoolLog]:
    """A block's logs in the chain's order, each once, however they were delivered.

    Raises `StateConflict` for a log of another block, or two different ones in the same place.
    """
    by_index: dict[int, PoolLog] = {}
    block_hash = header.pin.hash
    for log in logs:
        if log.block_hash != block_hash:
            raise StateConflict("logs", f"a log of {log.block_hash:.12} came with block {block_hash:.12}; ask again")
        if by_index.setdefault(log.log_index, log) != log:
            raise StateConflict("logs", f"two logs claim place {log.log_index} of {block_hash:.12}; ask again")
    ordered = [by_index[index] for index in sorted(by_index)]
    if any(a.transaction_index > b.transaction_index for a, b in pairwise(ordered)):
        raise StateConflict("logs", f"transactions and logs of {block_hash:.12} are in different orders; ask again")
    return ordered


def undone(followed: FollowedPools, block_hash: str) -> FollowedPools | None:
    """The pools as they were at an earlier block; None where that is not kept."""
    if followed.header.pin.hash == block_hash:
        return followed
    entries = dict(followed.entries)
    for depth, undo in enumerate(reversed(followed.history), start=1):
        entries.update(undo.before)
        if undo.header.pin.hash == block_hash:
            return replace(followed, header=undo.header, entries=entries, history=followed.history[:-depth])
    return None


def due(followed: FollowedPools, touched: Collection[str]) -> tuple[str, ...]:
    """The pools to read now: those that waited long enough, those whose state moves without events, and of the
    `touched` ones those whose price comes near the end of what is known.
    """
    number = followed.number
    return tuple(
        pool_id
        for pool_id, entry in followed.entries.items()
        if (isinstance(entry, Waiting) and entry.from_number <= number)
        or (isinstance(entry, ListedPool) and moves_unseen(entry.pool))
        or (pool_id in touched and isinstance(entry, ListedPool) and near_its_edge(entry.pool))
    )


def sampled(followed: FollowedPools, size: int, suspects: Collection[str]) -> tuple[tuple[str, ...], int]:
    """The pools to compare with the chain now, and the rotation's next place: half for `suspects`, half by turns."""
    listed = [pool_id for pool_id in followed.rotation if isinstance(followed.entries[pool_id], ListedPool)]
    if not listed or size <= 0:
        return (), 0
    start = followed.cursor % len(listed)
    turned = [*listed[start:], *listed[:start]]
    urgent = [pool_id for pool_id in turned if pool_id in suspects][: size // 2]
    regular = [pool_id for pool_id in turned[: size - len(urgent)] if pool_id not in urgent]
    return (*urgent, *regular), (start + size - len(urgent)) % len(listed)


def read_again(followed: FollowedPools, loaded: Mapping[str, ListedPool | SkippedPool]) -> FollowedPools:
    """The pools with some replaced by what the chain said at this block; one that it could not tell waits on."""
    number, replaced = followed.number, dict[str, Entry]()
    for pool_id, found in loaded.items():
        entry = followed.entries[pool_id]
        if isinstance(found, ListedPool):
            replaced[pool_id] = found
        else:
            strikes = entry.strikes + 1 if isinstance(entry, Waiting) else 1
            replaced[pool_id] = Waiting(entry.key, found.reason, number + _wait(strikes), strikes)
    return _with_entries(followed, replaced)


def quarantined(followed: FollowedPools, wrong: Mapping[str, str]) -> FollowedPools:
    """The pools without those that differ from the chain, each with the difference; they wait, longer each time.

    Since when they are wrong is unknown, so that the kept blocks forget them too: after an undo they wait as well.
    """
    strikes = dict(followed.strikes)
    waiting: dict[str, Waiting] = {}
    for pool_id, difference in wrong.items():
        strikes[pool_id] = strikes.get(pool_id, 0) + 1
        reason = f"differed from the chain at block {followed.number}: {difference}"[:_EXCERPT]
        until = followed.number + _wait(strikes[pool_id])
        waiting[pool_id] = Waiting(followed.entries[pool_id].key, reason, until)
    forgotten = {pool_id: replace(entry, from_number=0) for pool_id, entry in waiting.items()}
    history = tuple(
        replace(undo, before={**undo.before, **{key: forgotten[key] for key in forgotten if key in undo.before}})
        for undo in followed.history
    )
    if history:
        history = (*history[:-1], replace(history[-1], before={**history[-1].before, **forgotten}))
    return replace(followed, entries={**followed.entries, **waiting}, history=history, strikes=strikes)


def trusted(followed: FollowedPools, agreeing: Iterable[str]) -> FollowedPools:
    """The pools with one strike less against those that a check found right."""
    agreed = followed.strikes.keys() & set(agreeing)
    if not agreed:
        return followed
    eased = {key: count - (key in agreed) for key, count in followed.strikes.items()}
    return replace(followed, strikes={key: count for key, count in eased.items() if count})


def _wait(strikes: int) -> int:
    return min(1 << min(strikes - 1, 16), LONGEST_WAIT_BLOCKS)


def _with_entries(followed: FollowedPools, replaced: Mapping[str, Entry]) -> FollowedPools:
    """The entries replaced within this block: undoing it brings back what was there before the block."""
    if not replaced:
        return followed
    history = followed.history
    if history:
        last = history[-1]
        before = {pool_id: followed.entries[pool_id] for pool_id in replaced} | dict(last.before)
        history = (*history[:-1], replace(last, before=before))
    return replace(followed, entries={**followed.entries, **replaced}, history=history)


def _clocks_set(entries: dict[str, Entry], clocked: Iterable[str], timestamp: int) -> dict[str, Entry]:
    """Give the pools that depend on time the block's; what they were before."""
    before: dict[str, Entry] = {}
    for pool_id in clocked:
        entry = entries[pool_id]
        if isinstance(entry, ListedPool) and (pool := at_block_time(entry.pool, timestamp)) is not entry.pool:
            before[pool_id], entries[pool_id] = entry, ListedPool(entry.key, pool)
    return before


def _applied(entry: ListedPool, log: PoolLog, *, number: int) -> Entry:
    try:
        pool = entry.pool.apply(log.event)
    except PoolOutdated as outdated:
        return Waiting(entry.key, outdated.reason, number)
    if pool is entry.pool:
        return entry
    return ListedPool(key_of(entry.key, log.event), pool)
