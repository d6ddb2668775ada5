"""The follower's decisions, one by one: gaps, branches, lost logs, quarantine, restarts; chaos has its own file."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from oms.adapters.storage.pool_snapshots import PoolSnapshotFile
from oms.application.following import Follower, FollowingRules
from oms.domain.block import BlockHeader
from oms.domain.venue import Family, PoolKey
from oms.errors import BeyondKnownRange, InvalidRequest, PoolOutdated, Retryable, StateConflict
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.followed import FollowedPools, Waiting, advanced, in_order, quarantined, trusted, undone
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.liquidity.pool_events import PoolLog, ReservesSynced, Unfollowable
from tests.ports.fake_chain import A, B, FakeChain, Faults, address
from tests.unit.application.test_following_chaos import assert_equal_to_a_fresh_load

NO_CHECKS = FollowingRules(sample_size=0)


def chain_of(seed: int = 1, *, with_bloom: bool = True) -> FakeChain:
    return FakeChain(random.Random(seed), with_bloom=with_bloom)


def following(chain: FakeChain, rules: FollowingRules = NO_CHECKS) -> Follower:
    follower = Follower(chain, chain, rules=rules)
    follower.advance()
    return follower


def by_family(follower: Follower, family: Family) -> ListedPool:
    return next(listed for listed in follower.snapshot.pools if listed.key.family is family)


def the_pair(chain: FakeChain) -> str:
    return next(pool_id for pool_id, key in chain.keys.items() if key.family is Family.UNISWAP_V2)


# --- steps ---


def test_a_block_changes_only_the_pools_that_it_touched_and_leaves_the_others_the_very_same() -> None:
    chain = chain_of()
    follower = following(chain)
    before = {listed.key.pool_id: listed for listed in follower.snapshot.pools}
    chain.grow(actions=3)
    step = follower.advance()
    after = {listed.key.pool_id: listed for listed in follower.snapshot.pools}
    clocked = {k for k, entry in after.items() if entry.key.family is Family.CURVE_CRYPTOSWAP}
    assert 1 <= len(step.changed) <= 3 + len(clocked)
    for pool_id, listed in after.items():
        assert (listed is before[pool_id]) == (pool_id not in step.changed_pool_ids)


def test_no_new_block_is_no_change() -> None:
    follower = following(chain_of())
    step = follower.advance()
    assert (step.changed_pool_ids, step.blocks, step.anew) == (frozenset(), 0, False)


def test_blocks_that_were_missed_are_caught_up_with_in_one_step() -> None:
    chain = chain_of()
    follower = following(chain)
    chain.grow(150, actions=1)
    step = follower.advance()
    assert (step.blocks, step.reorg_depth, step.anew) == (150, 0, False)
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_gap_longer_than_the_rules_allow_is_read_anew() -> None:
    chain = chain_of()
    follower = following(chain, replace(NO_CHECKS, max_gap_blocks=10))
    chain.grow(11, actions=1)
    step = follower.advance()
    assert (step.anew, step.blocks, step.reorg_depth) == (True, 0, 0)
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_node_that_falls_back_is_followed_back() -> None:
    chain = chain_of()
    follower = following(chain)
    chain.grow(3)
    follower.advance()
    last = chain.canonical.pop()
    step = follower.advance()
    assert (step.reorg_depth, step.blocks) == (1, 0)
    assert_equal_to_a_fresh_load(follower, chain)
    chain.canonical.append(last)
    assert follower.advance().blocks == 1
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_failing_node_leaves_the_pools_where_they_were_and_loses_no_change() -> None:
    chain = chain_of(3)
    follower = following(chain)
    chain.grow(100, actions=1)
    opening = chain.blocks[chain.canonical[0]].world.pools
    wanted = {pool_id for pool_id, pool in chain.tip.world.pools.items() if pool != opening[pool_id]}
    chain.faults = Faults(fail=0.5)
    changed: set[str] = set()
    for _ in range(200):
        try:
            changed |= follower.advance().changed_pool_ids
        except Retryable:
            continue
    assert changed >= wanted
    chain.faults = Faults()
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_chain_that_moves_while_its_headers_are_read_is_asked_again() -> None:
    class Moving(FakeChain):
        def headers(self, numbers: Sequence[int]) -> tuple[BlockHeader, ...]:
            self.reorganise(3)
            return super().headers(numbers)

    chain = Moving(random.Random(1))
    follower = following(chain)
    chain.grow(5)
    with pytest.raises(Retryable, match="the chain moved at block"):
        follower.advance()


def test_before_the_first_advance_there_is_nothing_to_quote() -> None:
    chain = chain_of()
    with pytest.raises(StateConflict, match="advance first"):
        _ = Follower(chain, chain).snapshot


# --- what cannot be applied ---


class Telling(FakeChain):
    """Adds an event that tells nothing, of its pair, to every block."""

    def logs(self, headers: Sequence[BlockHeader]) -> tuple[tuple[PoolLog, ...], ...]:
        extra = [
            PoolLog(header.pin.hash, 10**6, 10**6, (the_pair(self).lower(), ""), Unfollowable("Mystery"))
            for header in headers
        ]
        return tuple((*logs, each) for logs, each in zip(super().logs(headers), extra, strict=True))


def test_a_pool_whose_event_cannot_be_applied_is_read_again_and_the_others_are_not() -> None:
    chain = Telling(random.Random(1))
    follower = following(chain)
    readings = chain.readings
    chain.grow(3)
    step = follower.advance()
    assert step.reloaded == (the_pair(chain),)
    assert chain.readings == readings + 1
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_pool_that_cannot_be_read_again_waits_with_the_reason_and_comes_back() -> None:
    class Unreadable(Telling):
        broken = True

        def load(self, header: BlockHeader, keys: Sequence[PoolKey]) -> tuple[ListedPool | SkippedPool, ...]:
            found = super().load(header, keys)
            if not self.broken:
                return found
            paused = SkippedPool("v2", the_pair(self), "it is paused")
            return tuple(
                paused if key.pool_id == paused.pool_id else each for key, each in zip(keys, found, strict=True)
            )

    chain = Unreadable(random.Random(1))
    chain.broken = False
    follower = following(chain)
    chain.broken = True
    chain.grow()
    step = follower.advance()
    assert step.removed == {the_pair(chain)}
    assert SkippedPool("v2", the_pair(chain), "it is paused") in follower.snapshot.skipped
    chain.broken = False
    came_back = False
    for _ in range(4):
        chain.grow()
        came_back |= the_pair(chain) in follower.advance().changed
    assert came_back
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_pool_with_rates_is_read_at_every_block() -> None:
    chain = chain_of()
    rated = next(k for k, key in chain.keys.items() if key.family is Family.BALANCER_STABLE)
    pool = chain.tip.world.pools[rated]
    assert isinstance(pool, BalancerStablePool)
    chain.tip.world.pools[rated] = replace(pool, rated=True)
    follower = following(chain)
    for _ in range(5):
        chain.grow()
        assert rated in follower.advance().reloaded
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_pool_is_widened_when_a_quote_needs_more_ticks_and_stays_so() -> None:
    chain = chain_of()
    follower = following(chain)
    narrow = by_family(follower, Family.UNISWAP_V3)
    with pytest.raises(BeyondKnownRange):
        narrow.pool.quote_in(A, B, 10**26)
    wider = follower.widen(narrow.key.pool_id, zero_for_one=True)
    assert wider.pool.quote_in(A, B, 10**26).amount_out
    assert by_family(follower, Family.UNISWAP_V3) is wider
    assert follower.widen(narrow.key.pool_id, zero_for_one=True) is wider
    chain.grow(actions=0)
    assert follower.advance().changed_pool_ids == frozenset()
    with pytest.raises(InvalidRequest, match="not quoted at block"):
        follower.widen("nobody", zero_for_one=True)


# --- the self-check ---


@pytest.mark.parametrize("with_bloom", [True, False])
def test_a_pool_whose_logs_were_dropped_is_found_quarantined_and_read_again(with_bloom: bool) -> None:
    chain = chain_of(2, with_bloom=with_bloom)
    follower = following(chain, FollowingRules(sample_size=4))
    chain.grow()
    follower.advance()
    chain.faults = Faults(drop=1.0)
    chain.grow(actions=2)
    touched = {k for k, p in chain.tip.world.pools.items() if p != chain.blocks[chain.canonical[-2]].world.pools[k]}
    assert touched
    step = follower.advance()
    chain.faults = Faults()
    found = {skipped.pool_id for skipped in step.quarantined}
    if with_bloom:
        assert found == touched  # the block's filter betrays them at once
    for _ in range(12):
        quoted = {listed.key.pool_id for listed in follower.snapshot.pools}
        assert not {skipped.pool_id for skipped in step.quarantined} & quoted
        chain.grow(actions=0)
        step = follower.advance()
        found |= {skipped.pool_id for skipped in step.quarantined}
    assert found == touched
    assert_equal_to_a_fresh_load(follower, chain)


def test_a_quarantined_pool_is_not_quoted_and_says_since_when_and_why() -> None:
    chain = chain_of(2)
    follower = following(chain, FollowingRules(sample_size=100))
    chain.faults = Faults(drop=1.0)
    chain.grow(actions=2)
    step = follower.advance()
    assert step.quarantined
    for skipped in step.quarantined:
        assert skipped.pool_id in step.removed
        reasons = [entry.reason for entry in follower.snapshot.skipped if entry.pool_id == skipped.pool_id]
        assert reasons == [f"differed from the chain at block {step.block.number}: {skipped.reason}"]


def test_a_pool_that_keeps_being_wrong_is_kept_out_longer_each_time_and_forgiven_step_by_step() -> None:
    chain = chain_of()
    followed, pair = following(chain).followed, the_pair(chain)

    def wait_after_another() -> tuple[FollowedPools, int]:
        after = quarantined(followed, {pair: "its reserves"})
        entry = after.entries[pair]
        assert isinstance(entry, Waiting)
        return after, entry.from_number - after.number

    waits = []
    for _ in range(9):
        followed, wait = wait_after_another()
        waits.append(wait)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    for expected in (9, 8, 7, 6):
        assert followed.strikes == {pair: expected}
        followed = trusted(followed, [pair, "another"])
    assert wait_after_another()[1] == 32


def test_a_state_that_was_found_wrong_does_not_come_back_with_an_undone_block() -> None:
    chain = chain_of(2)
    follower = following(chain, FollowingRules(sample_size=100))
    chain.grow(2)
    follower.advance()
    chain.faults = Faults(drop=1.0)
    chain.grow(3, actions=6)  # three blocks in which the followed pools go wrong, noticed at the last
    assert follower.advance().quarantined
    chain.faults = Faults()
    chain.reorganise(2)  # the first of the three stays
    step = follower.advance()
    assert step.reorg_depth == 2
    assert not step.quarantined  # the check would have found a wrong state that came back
    assert_equal_to_a_fresh_load(follower, chain)


def test_every_pool_takes_its_turn_within_as_many_blocks_as_the_sample_needs() -> None:
    chain = chain_of(4, with_bloom=False)
    asked: list[str] = []

    class Watched(FakeChain):
        def load(self, header: BlockHeader, keys: Sequence[PoolKey]) -> tuple[ListedPool | SkippedPool, ...]:
            asked.extend(key.pool_id for key in keys)
            return super().load(header, keys)

    chain = Watched(random.Random(4), with_bloom=False)
    follower = following(chain, FollowingRules(sample_size=3, seed="x"))
    asked.clear()
    for _ in range(-(-len(chain.keys) // 3)):
        chain.grow(actions=0)
        follower.advance()
    assert set(asked) == set(chain.keys)


# --- restarts ---


def test_a_crash_between_applying_and_saving_loses_nothing(tmp_path: Path) -> None:
    chain = chain_of()
    store = PoolSnapshotFile(tmp_path / "pools")
    first = Follower(chain, chain, store=store, rules=replace(NO_CHECKS, save_every_blocks=10**6))
    first.advance()  # saves, as nothing was saved before
    for _ in range(7):
        chain.grow()
        first.advance()
    second = Follower(chain, chain, store=store, rules=NO_CHECKS)
    readings = chain.readings
    step = second.advance()
    assert (step.blocks, step.anew, chain.readings) == (7, False, readings)
    assert {k: entry.pool for k, entry in step.changed.items()} == {
        listed.key.pool_id: listed.pool for listed in first.snapshot.pools
    }
    assert_equal_to_a_fresh_load(second, chain)


def test_a_saved_block_that_is_no_longer_on_the_chain_is_not_used(tmp_path: Path) -> None:
    chain = chain_of()
    chain.grow(4)
    store = PoolSnapshotFile(tmp_path / "pools")
    Follower(chain, chain, store=store).advance()
    chain.reorganise(2)
    second = Follower(chain, chain, store=store)
    assert second.advance().anew
    assert_equal_to_a_fresh_load(second, chain)


def test_a_damaged_file_is_told_and_everything_is_read_from_the_chain(tmp_path: Path) -> None:
    chain = chain_of()
    path = tmp_path / "pools"
    Follower(chain, chain, store=PoolSnapshotFile(path)).advance()
    path.write_bytes(path.read_bytes()[:-3])
    second = Follower(chain, chain, store=PoolSnapshotFile(path))
    step = second.advance()
    assert step.anew
    assert len(step.notes) == 1
    assert "is damaged; delete it" in step.notes[0]
    assert_equal_to_a_fresh_load(second, chain)


def test_a_file_that_cannot_be_written_is_told_and_does_not_stop_the_following(tmp_path: Path) -> None:
    chain = chain_of()
    (tmp_path / "file").write_text("")
    follower = Follower(chain, chain, store=PoolSnapshotFile(tmp_path / "file" / "pools"))
    step = follower.advance()
    assert any("were not saved" in note for note in step.notes)
    with pytest.raises(StateConflict, match="not saved"):
        follower.save()


# --- the pure part ---


def header_after(followed: FollowedPools, *, number: int | None = None, parent: str | None = None) -> BlockHeader:
    pin = followed.header.pin
    new = replace(pin, number=number or pin.number + 1, hash="0x" + "cd" * 32, timestamp=pin.timestamp + 12)
    return BlockHeader(new, parent or pin.hash)


def sync(header: BlockHeader, index: int, reserve: int, *, transaction: int = 0, source: str = "") -> PoolLog:
    event = ReservesSynced(reserve, reserve)
    return PoolLog(header.pin.hash, transaction, index, (source or the_pair(chain_of()).lower(), ""), event)


def test_only_the_next_block_can_be_applied() -> None:
    followed = following(chain_of()).followed
    for header in (header_after(followed, number=999), header_after(followed, parent="0x" + "00" * 32)):
        with pytest.raises(StateConflict, match="does not follow"):
            advanced(followed, header, ())


def test_logs_count_in_the_chains_order_each_once() -> None:
    followed = following(chain_of()).followed
    header = header_after(followed)
    logs = [sync(header, index, 1_000 + index, transaction=index // 2) for index in range(6)]
    rng = random.Random(1)
    for _ in range(10):
        delivered = [*logs, *rng.choices(logs, k=5)]
        rng.shuffle(delivered)
        assert in_order(delivered, header) == logs
        pool = advanced(followed, header, delivered).entries[the_pair(chain_of())]
        assert isinstance(pool, ListedPool)
        assert pool.pool.limits(A, B).max_amount_out < 1_005
    assert followed.entries[the_pair(chain_of())] is not pool


def test_logs_that_contradict_each_other_or_the_block_are_refused() -> None:
    followed = following(chain_of()).followed
    header = header_after(followed)
    for logs, why in (
        ([sync(header, 1, 5)._replace(block_hash="0x" + "99" * 32)], "came with block"),
        ([sync(header, 1, 5), sync(header, 1, 6)], "two logs claim place 1"),
        ([sync(header, 1, 5, transaction=2), sync(header, 2, 6, transaction=1)], "different orders"),
    ):
        with pytest.raises(StateConflict, match=why):
            in_order(logs, header)


def test_a_log_of_an_unknown_pool_or_of_another_contract_is_ignored() -> None:
    followed = following(chain_of()).followed
    header = header_after(followed)
    log = sync(header, 1, 5, source=address(123_456))
    v4_id = next(k for k, key in chain_of().keys.items() if key.family is Family.UNISWAP_V4)
    forged = log._replace(source=(address(666), v4_id), log_index=2)  # anybody may emit about any id
    after = advanced(followed, header, [log, forged])
    assert after.entries == followed.entries


def test_history_is_bounded_keeps_only_what_changed_and_gives_every_kept_block_back() -> None:
    chain = chain_of()
    followed = following(chain).followed
    states = [followed]
    for _ in range(140):
        chain.grow(actions=2)
        tip = chain.tip.header
        followed = advanced(followed, tip, chain.logs([tip])[0])
        states.append(followed)
    assert len(followed.history) == 128
    assert max(len(undo.before) for undo in followed.history) <= 2
    for state in states[-129:]:
        back = undone(followed, state.header.pin.hash)
        assert back is not None
        assert (back.header, back.entries) == (state.header, state.entries)
    assert undone(followed, states[0].header.pin.hash) is None


def test_outdated_pools_are_a_conflict_that_names_the_pool() -> None:
    error = PoolOutdated("0xpool", "load it again")
    assert isinstance(error, StateConflict)
    assert str(error) == "0xpool: load it again"
