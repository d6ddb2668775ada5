"""Whatever the courier drops, repeats, shuffles or delays, and however the chain forks, the follower arrives."""

import random
from pathlib import Path

import pytest

from oms.adapters.storage.pool_snapshots import PoolSnapshotFile
from oms.application.following import Follower, FollowingRules, Step
from oms.errors import Retryable
from oms.liquidity.followed import LONGEST_WAIT_BLOCKS
from oms.liquidity.freshness import difference
from oms.liquidity.listing import ListedPool
from tests.ports.fake_chain import FakeChain, Faults

RULES = FollowingRules(sample_size=4, save_every_blocks=5, max_gap_blocks=100)
ROUNDS = 40
QUICK, MANY = range(12), range(12, 150)


def patiently(follower: Follower) -> Step:
    """Advance, however often the node fails: a failed call must leave a state from which the next goes on."""
    for _ in range(200):
        try:
            return follower.advance()
        except Retryable:
            continue
    raise AssertionError("two hundred advances failed")


def assert_equal_to_a_fresh_load(follower: Follower, chain: FakeChain) -> None:
    fresh = {listed.key.pool_id: listed for listed in chain.snapshot(chain.tip.header).pools}
    followed = {listed.key.pool_id: listed for listed in follower.snapshot.pools}
    assert follower.followed.header == chain.tip.header
    assert followed.keys() == fresh.keys()
    assert {pool_id: difference(followed[pool_id].pool, fresh[pool_id].pool) for pool_id in fresh} == dict.fromkeys(
        fresh, ""
    )


class Mirror:
    """A consumer that knows only what the steps said changed."""

    def __init__(self) -> None:
        self.pools: dict[str, ListedPool] = {}

    def take(self, step: Step) -> None:
        self.pools |= step.changed
        for pool_id in step.removed:
            del self.pools[pool_id]

    def assert_equals(self, follower: Follower) -> None:
        assert self.pools == {listed.key.pool_id: listed for listed in follower.snapshot.pools}


def run_chaos(seed: int, path: Path) -> None:
    rng = random.Random(seed)
    chain = FakeChain(rng, with_bloom=seed % 3 != 0)
    chain.grow(3)
    store = PoolSnapshotFile(path)
    follower, mirror = Follower(chain, chain, store=store, rules=RULES), Mirror()
    mirror.take(patiently(follower))
    for _ in range(ROUNDS):
        chain.faults = Faults(
            drop=rng.choice((0, 0, 0.1, 0.5)), repeat=rng.choice((0, 0.5)), shuffle=rng.choice((0, 0.7)),
            stale=rng.choice((0, 0.3)), fail=rng.choice((0, 0.2)),
        )  # fmt: skip
        match rng.randrange(8):
            case 0:
                chain.reorganise(rng.randrange(1, min(65, len(chain.canonical))), longer=rng.randrange(3))
            case 1:
                chain.grow(rng.randrange(2, 40), actions=2)
            case 2:  # a crash: whatever was not saved is lost, and so is what the consumer knew
                follower, mirror = Follower(chain, chain, store=store, rules=RULES), Mirror()
            case _:
                chain.grow()
        mirror.take(patiently(follower))
        mirror.assert_equals(follower)
    chain.faults = Faults()
    for _ in range(2 * LONGEST_WAIT_BLOCKS + 20):  # every pool's turn comes, and the longest quarantine ends
        chain.grow(actions=1)
        mirror.take(patiently(follower))
    mirror.assert_equals(follower)
    assert_equal_to_a_fresh_load(follower, chain)


@pytest.mark.parametrize("seed", QUICK)
def test_chaos_ends_equal_to_a_fresh_load(seed: int, tmp_path: Path) -> None:
    run_chaos(seed, tmp_path / "pools")


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_much_more_chaos_ends_equal_to_a_fresh_load(seed: int, tmp_path: Path) -> None:
    run_chaos(seed, tmp_path / "pools")


@pytest.mark.parametrize("depth", [1, 2, 3, 17, 63, 64])
@pytest.mark.parametrize("longer", [0, 1, 5])
def test_a_reorganisation_is_undone_without_reading_everything_anew(depth: int, longer: int) -> None:
    chain = FakeChain(random.Random(depth))
    follower = Follower(chain, chain, rules=FollowingRules(sample_size=0))
    follower.advance()
    for _ in range(70):
        chain.grow()
        follower.advance()
    assert_equal_to_a_fresh_load(follower, chain)
    chain.reorganise(depth, longer=longer)
    step = follower.advance()
    assert (step.reorg_depth, step.blocks, step.anew) == (depth, depth + longer, False)
    assert_equal_to_a_fresh_load(follower, chain)


def test_every_depth_up_to_sixty_four_in_a_row_ends_equal_to_a_fresh_load() -> None:
    chain = FakeChain(random.Random(5), with_bloom=False, pools_per_family=1)
    follower = Follower(chain, chain, rules=FollowingRules(sample_size=0))
    chain.grow(70, actions=2)
    follower.advance()
    for depth in range(1, 65):
        for _ in range(depth):
            chain.grow(actions=1)
            follower.advance()
        chain.reorganise(depth)
        assert follower.advance().reorg_depth == depth
        assert_equal_to_a_fresh_load(follower, chain)


def test_a_reorganisation_beyond_the_history_reads_everything_anew() -> None:
    chain = FakeChain(random.Random(1))
    chain.grow(150, actions=1)
    follower = Follower(chain, chain)
    follower.advance()
    chain.grow(3)
    follower.advance()
    chain.reorganise(10)
    step = follower.advance()
    assert step.anew
    assert step.reorg_depth == 4  # all that is known of it: three blocks, and the one it was started at
    assert_equal_to_a_fresh_load(follower, chain)
