"""Following a chain: the newest block's pools, from the last ones and the logs between, checked as they go.

Owns: the order of asking (headers, logs, readings), when everything is read anew, and when the pools are saved.
Must not: know how a log or an event is made up, or decide what an event does (`oms.liquidity.followed`).

`Follower.advance()` is all a caller needs: it takes the pools to the node's newest block, over a reorganisation if need
be, and says what changed. It may fail at any point with a `VenueError`; the pools then stand at the last block that was
whole, and the next call goes on from there. Start and restart are the same path: a saved state is a head start only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from oms.domain.block import BlockHeader, BlockPin
from oms.errors import InvalidRequest, Retryable, StateConflict
from oms.liquidity.followed import (
    Entry,
    FollowedPools,
    advanced,
    due,
    quarantined,
    read_again,
    sampled,
    trusted,
    undone,
)
from oms.liquidity.freshness import difference
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.ports.chain_logs import BlockPools, ChainLogs, PoolSnapshots

CHUNK_BLOCKS = 64
"""Blocks whose logs are asked for together."""
_DESCENT_BLOCKS = 16
_SUSPECT_BLOCKS = 8
"""When more blocks are caught up with at once, left-out logs are found by turns only."""
_VENUE = "follower"


@dataclass(frozen=True, slots=True)
class FollowingRules:
    """How closely to follow. A gap above `max_gap_blocks` is cheaper to read anew than to catch up with."""

    sample_size: int = 8
    max_gap_blocks: int = 1_000
    save_every_blocks: int = 16
    seed: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What one advance did. `changed` and `removed` are against the step before, by pool id.

    `removed` pools can't be quoted now. `reorg_depth` counts blocks undone (that many or more, if `anew`), `blocks`
    those applied. `reloaded` were read because an event could not be applied, or as their state moves without events;
    `quarantined` differed from the chain. With `anew`, everything was read at `block`. `notes` are for people.
    """

    block: BlockPin
    changed: Mapping[str, ListedPool]
    removed: frozenset[str] = frozenset()
    reorg_depth: int = 0
    blocks: int = 0
    reloaded: tuple[str, ...] = ()
    quarantined: tuple[SkippedPool, ...] = ()
    anew: bool = False
    notes: tuple[str, ...] = ()

    @property
    def changed_pool_ids(self) -> frozenset[str]:
        """Every pool that must be quoted again, or no more."""
        return self.removed | self.changed.keys()


class Follower:
    """One chain's pools at its newest block. Not for several threads at once; what it hands out never changes."""

    def __init__(
        self,
        chain: ChainLogs,
        pools: BlockPools,
        *,
        store: PoolSnapshots | None = None,
        rules: FollowingRules | None = None,
    ) -> None:
        self._chain = chain
        self._pools = pools
        self._store = store
        self._rules = rules or FollowingRules()
        self._followed: FollowedPools | None = None
        self._reported: Mapping[str, Entry] = {}
        self._saved_number: int | None = None
        self._notes: list[str] = []

    @property
    def followed(self) -> FollowedPools:
        """The pools as they stand. Raises `StateConflict` before the first advance."""
        if self._followed is None:
            raise StateConflict("pools", "no block is known yet; advance first")
        return self._followed

    @property
    def snapshot(self) -> PoolSnapshot:
        """What can be quoted at the block of the last step, and why the rest cannot."""
        return self.followed.snapshot

    def advance(self) -> Step:
        """Go to the node's newest block and say what changed since the last step; nothing, if it is the same block.

        Raises `VenueError` when the node fails, `Retryable` also where the chain moved meanwhile.
        """
        head = self._chain.head()
        followed = self._followed or self._restored(head)
        if followed is None:
            return self.read_anew(head)
        if head.pin.hash == followed.header.pin.hash:
            return self._reported_step(followed, Step(head.pin, {}))
        path = self._path(followed, head)
        if path is None:
            within = head.pin.number - followed.number <= self._rules.max_gap_blocks
            return replace(self.read_anew(head), reorg_depth=len(followed.known_headers) if within else 0)
        base, branch = path
        depth = followed.number - base.number
        suspects: frozenset[str] = frozenset()
        for start in range(0, len(branch), CHUNK_BLOCKS):
            base, suspects = self._advanced(base, branch[start : start + CHUNK_BLOCKS])
            self._followed = base if start + CHUNK_BLOCKS < len(branch) else self._followed
        now, step = self._read_and_checked(base, suspects, since=self._reported)
        return self._reported_step(now, replace(step, reorg_depth=depth, blocks=len(branch)))

    def read_anew(self, head: BlockHeader | None = None) -> Step:
        """Read everything at the newest block, pools that appeared since included."""
        head = head or self._chain.head()
        snapshot = self._pools.snapshot(head)
        anew = FollowedPools.at(head, snapshot.pools, skipped=snapshot.skipped, seed=self._rules.seed)
        return self._reported_step(anew, Step(head.pin, {}, anew=True))

    def widen(self, pool_id: str, *, zero_for_one: bool) -> ListedPool:
        """The pool with more ticks known in one direction, which it keeps; as it was, where the node holds no more.

        For a quote that was refused as beyond the known range. The next step will not report this change. Raises
        `InvalidRequest` for a pool that is not quoted now, `Retryable` where its block was replaced meanwhile.
        """
        followed = self.followed
        listed = followed.entries.get(pool_id)
        if not isinstance(listed, ListedPool):
            raise InvalidRequest("pool", f"{pool_id} is not quoted at block {followed.number}; see the snapshot")
        wider = self._pools.widen(followed.header, listed, zero_for_one=zero_for_one)
        if wider is not listed:
            self._followed = read_again(followed, {pool_id: wider})
            self._reported = {**self._reported, pool_id: wider}
        return wider

    def save(self) -> None:
        """Keep the pools for the next run. Raises `StateConflict` where that fails."""
        if self._store is not None and self._followed is not None:
            self._store.save(self._pools.subject, self._followed)
            self._saved_number = self._followed.number

    def _restored(self, head: BlockHeader) -> FollowedPools | None:
        """The pools that were saved, if they are this chain's and can be read."""
        if self._store is None:
            return None
        try:
            saved = self._store.load(self._pools.subject)
        except StateConflict as conflict:
            self._notes.append(f"the saved pools are not used: {conflict}")
            return None
        if saved is None or saved.header.pin.chain_id != head.pin.chain_id:
            return None
        self._saved_number = saved.number
        seed = self._rules.seed
        return FollowedPools.at(saved.header, saved.entries.values(), skipped=saved.skipped, seed=seed)

    def _path(self, followed: FollowedPools, head: BlockHeader) -> tuple[FollowedPools, tuple[BlockHeader, ...]] | None:
        """The pools at the last common block and the blocks from there to `head`; None where that is out of reach."""
        known = {header.pin.hash for header in followed.known_headers}
        oldest = followed.known_headers[0].pin.number
        if head.pin.hash in known:
            return _at(followed, head.pin.hash), ()
        if not oldest < head.pin.number <= followed.number + self._rules.max_gap_blocks:
            return None
        branch = [head]
        self._extend_down(branch, to=min(followed.number + 1, head.pin.number))
        while branch[0].parent_hash not in known:
            if branch[0].pin.number <= oldest + 1:
                return None
            self._extend_down(branch, to=max(branch[0].pin.number - _DESCENT_BLOCKS, oldest + 1))
        while branch[0].pin.hash in known:
            branch.pop(0)
        return _at(followed, branch[0].parent_hash), tuple(branch)

    def _extend_down(self, branch: list[BlockHeader], *, to: int) -> None:
        """Put the blocks from number `to` before the branch, each the next one's parent."""
        below = self._chain.headers(range(to, branch[0].pin.number))
        for parent, child in pairwise((*below, branch[0])):
            if child.parent_hash != parent.pin.hash:
                raise Retryable(_VENUE, f"the chain moved at block {child.pin.number} while it was read; ask again")
        branch[:0] = below

    def _advanced(self, base: FollowedPools, branch: Sequence[BlockHeader]) -> tuple[FollowedPools, frozenset[str]]:
        """The pools after the blocks, and those whose logs may have been left out."""
        suspects: set[str] = set()
        for header, logs in zip(branch, self._chain.logs(branch), strict=True):
            try:
                base = advanced(base, header, logs)
            except StateConflict as conflict:
                raise Retryable(_VENUE, f"{conflict}") from conflict
            if len(branch) <= _SUSPECT_BLOCKS:
                silent = self._chain.may_hold(header, base.sources) - {log.source for log in logs}
                suspects |= {base.sources[source] for source in silent}
        return base, frozenset(suspects)

    def _read_and_checked(
        self, base: FollowedPools, suspects: frozenset[str], *, since: Mapping[str, Entry]
    ) -> tuple[FollowedPools, Step]:
        """The pools with those read that need it, and without those that a comparison with the chain finds wrong."""
        touched = {pool_id for pool_id, entry in base.entries.items() if since.get(pool_id) is not entry}
        wanted = due(base, touched)
        sample, cursor = sampled(base, self._rules.sample_size, suspects)
        sample = tuple(pool_id for pool_id in sample if pool_id not in wanted)
        asked = (*wanted, *sample)
        found = self._pools.load(base.header, [base.entries[pool_id].key for pool_id in asked]) if asked else ()
        loaded = dict(zip(asked, found, strict=True))
        wrong = {pool_id: why for pool_id in sample if (why := _why_wrong(base.entries[pool_id], loaded[pool_id]))}
        now = read_again(base, {pool_id: loaded[pool_id] for pool_id in wanted})
        now = trusted(quarantined(now, wrong), [pool_id for pool_id in sample if pool_id not in wrong])
        lost = tuple(SkippedPool(base.entries[pool_id].key.venue, pool_id, why) for pool_id, why in wrong.items())
        return replace(now, cursor=cursor), Step(base.header.pin, {}, reloaded=wanted, quarantined=lost)

    def _reported_step(self, now: FollowedPools, step: Step) -> Step:
        """Make `now` what stands, and complete the step with what differs from what was last reported."""
        before, self._followed, self._reported = self._reported, now, now.entries
        changed: dict[str, ListedPool] = {}
        removed = {pool_id for pool_id, entry in before.items() if isinstance(entry, ListedPool)} - now.entries.keys()
        for pool_id, entry in now.entries.items():
            old = before.get(pool_id)
            if old is entry:
                continue
            if isinstance(entry, ListedPool):
                if old != entry:
                    changed[pool_id] = entry
            elif isinstance(old, ListedPool):
                removed.add(pool_id)
        self._save_when_due()
        notes, self._notes = tuple(dict.fromkeys(self._notes)), []
        return replace(step, changed=changed, removed=frozenset(removed), notes=notes)

    def _save_when_due(self) -> None:
        now = self.followed.number
        if self._saved_number is not None and abs(now - self._saved_number) < self._rules.save_every_blocks:
            return
        try:
            self.save()
        except StateConflict as conflict:
            self._notes.append(f"the pools were not saved: {conflict}")


def _why_wrong(entry: Entry, found: ListedPool | SkippedPool) -> str:
    if isinstance(found, SkippedPool):
        return found.reason
    if not isinstance(entry, ListedPool):
        return ""
    return difference(entry.pool, found.pool) or ("" if entry.key == found.key else "its identity")


def _at(followed: FollowedPools, block_hash: str) -> FollowedPools:
    """The pools at a block that is known to be kept."""
    found = undone(followed, block_hash)
    if found is None:
        raise StateConflict("block", f"{block_hash:.12} is not kept; read the pools anew")
    return found
