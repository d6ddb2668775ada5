"""A watch ends each block where a fresh one would begin, quotes again only what changed, and survives silence."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from oms.application.following import Follower, FollowingRules
from oms.application.market_view import ExchangeListing
from oms.application.watching import Pair, Sight, VenuePrices, Watch, WatchBounds, sights
from oms.domain.plans import Side
from oms.domain.quotes import LadderLevel
from oms.domain.token import Token
from oms.domain.venue import Family
from oms.errors import Retryable
from oms.units import Wei
from tests.ports.fake_chain import A, B, C, FakeChain, Faults
from tests.ports.fakes import FakeMaker, FixedClock
from tests.unit.application import samples

BASE, QUOTE, THIRD = Token(1, A, "AAA", 18), Token(1, B, "BBB", 18), Token(1, C, "CCC", 18)
PAIR = Pair(BASE, QUOTE, 10**20, (BASE, QUOTE, THIRD), A, max_hops=2, priority_fee_wei=Wei(10**8))
NOW = 1_700_002_000.0
NO_CHECKS = FollowingRules(sample_size=0)


@dataclass
class Passing:
    """Time that passes only by waiting."""

    seconds: float = NOW
    waits: int = 0

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        self.waits += 1
        self.seconds += seconds


CURVES = (Family.UNISWAP_V2, Family.UNISWAP_V3, Family.UNISWAP_V4)


def chain_of(seed: int = 1) -> FakeChain:
    """A chain of pools whose routes are found quickly; every family's following has its own tests."""
    chain = FakeChain(random.Random(seed))
    world = chain.tip.world
    for pool_id, key in list(chain.keys.items()):
        if key.family not in CURVES:
            del chain.keys[pool_id], world.pools[pool_id]
    return chain


def watch_of(chain: FakeChain, *makers: FakeMaker, listings: tuple[ExchangeListing, ...] = ()) -> Watch:
    follower = Follower(chain, chain, rules=NO_CHECKS)
    return Watch(follower, PAIR, makers=makers, listings=listings, clock=FixedClock(NOW))


def plain(sight: Sight) -> tuple[object, ...]:
    """All that a fresh watch would say at the same block, but for the last digits of a route."""
    pools = tuple(replace(prices, change_bps=None) for prices in sight.pools)
    return sight.block, pools, [(route.side, round(route.price or 0.0, 9), route.legs) for route in sight.routes]


def maker_at(price: str) -> FakeMaker:
    levels = (LadderLevel(Decimal(1_000), Decimal(price)),)
    directions = {(BASE, QUOTE): levels, (QUOTE, BASE): (LadderLevel(Decimal(1_000), Decimal("0.4")),)}
    return FakeMaker("acme", samples.MAKER_KEY, samples.MAKER, samples.SETTLEMENT, directions, 0)


@pytest.mark.parametrize("seed", range(3))
def test_after_blocks_and_reorganisations_a_watch_says_what_a_fresh_one_does(seed: int) -> None:
    chain = chain_of(seed)
    watch = watch_of(chain)
    watch.look()
    for step in range(4):
        if step % 2:
            chain.reorganise(2)
        else:
            chain.grow(2, actions=3)
        assert plain(watch.look()) == plain(watch_of(chain).look())


def test_only_the_pools_of_a_block_are_quoted_again() -> None:
    chain = chain_of()
    watch = watch_of(chain)
    first = watch.look()
    assert first.requoted == len(first.pools) == len(chain.keys)
    chain.grow(actions=1)
    second = watch.look()
    assert second.changed == second.requoted <= 1
    assert watch.look().requoted == 0
    moved = [prices for prices in second.pools if prices.change_bps]
    assert len(moved) <= 1


def test_both_sides_hold_the_spread_and_deeper_falls_hold_more() -> None:
    sight = watch_of(chain_of()).look()
    for prices in sight.pools:
        assert prices.bid is not None
        assert prices.ask is not None
        assert prices.mid is not None
        assert prices.bid < prices.mid < prices.ask
        assert prices.spread_bps is not None
        assert prices.spread_bps > 0
        (near_sold, near_bought), (far_sold, far_bought) = prices.depths
        assert 0 <= near_sold <= far_sold
        assert 0 <= near_bought <= far_bought


def test_the_best_route_is_not_worse_than_any_pool_before_gas() -> None:
    watch = watch_of(chain_of())
    sight = watch.look()
    selling, buying = sight.routes
    assert (selling.side, buying.side) == (Side.SELL, Side.BUY)
    assert selling.price is not None
    assert buying.price is not None
    gas_share = 1e-4  # 1.1 gwei times less than a million gas of an order of 100 coins, with room
    assert selling.price >= max(prices.bid or 0 for prices in sight.pools) * (1 - gas_share)
    assert buying.price <= min(prices.ask or 1e9 for prices in sight.pools) * (1 + gas_share)


def test_a_reorganisation_is_said_with_its_depth() -> None:
    chain = chain_of()
    watch = watch_of(chain)
    watch.look()
    chain.grow(3)
    assert watch.look().notes == ("3 blocks at once",)
    chain.reorganise(2)
    sight = watch.look()
    assert sight.reorg_depth == 2
    assert sight.notes[0] == "reorganisation: 2 blocks undone"


def test_a_node_that_falls_silent_is_a_note_and_the_last_prices_stay() -> None:
    chain = chain_of()
    watch = watch_of(chain)
    before = watch.look()
    chain.faults = Faults(fail=1.0)
    silent = watch.look()
    assert (silent.block, silent.pools, silent.routes) == (before.block, before.pools, before.routes)
    assert silent.notes == ("the node gave no new block: fake: does not answer",)
    chain.faults = Faults()
    chain.grow()
    assert watch.look().block.number == before.block.number + 1


def test_a_node_that_never_answered_ends_the_watch() -> None:
    chain = chain_of()
    chain.faults = Faults(fail=1.0)
    with pytest.raises(Retryable):
        watch_of(chain).look()


def test_a_pool_that_cannot_be_quoted_any_more_loses_its_row() -> None:
    chain = chain_of()
    watch = Watch(Follower(chain, chain, rules=FollowingRules(sample_size=100)), PAIR, clock=FixedClock(NOW))
    rows = len(watch.look().pools)
    pair = next(pool_id for pool_id, key in chain.keys.items() if key.family is Family.UNISWAP_V2)
    chain.grow(actions=0)
    world = chain.tip.world.pools
    pool = world[pair]
    world[pair] = replace(pool, reserve0=pool.reserve0 + 10**20)  # type: ignore[attr-defined, type-var]
    sight = watch.look()
    assert len(sight.pools) == rows - 1
    assert any(note.startswith(f"quarantined v2 {pair[:10]}") for note in sight.notes)
    assert "1 pools can't be quoted now" in sight.notes


def test_a_maker_and_a_book_stand_beside_the_pools_and_a_silent_one_is_named() -> None:
    good = maker_at("2.5")
    mute = replace(good, name="mute", levels={})
    sight = watch_of(chain_of(), good, mute).look()
    (acme,) = sight.beside
    assert (acme.venue, acme.kind, acme.bid, acme.ask) == ("maker acme", "maker", 2.5, 2.5)
    assert [silent.venue for silent in sight.silent] == ["mute"]
    assert "unknown_pair" in sight.silent[0].reason


def test_a_book_is_priced_after_the_takers_fee() -> None:
    exchange = samples.exchange()
    pair = Pair(samples.ETH, samples.USD, 10**18, (samples.ETH, samples.USD), A)
    listing = ExchangeListing(exchange, "ETH/USDC", samples.ETH, samples.USD)
    chain = chain_of()
    watch = Watch(Follower(chain, chain, rules=NO_CHECKS), pair, listings=(listing,), clock=FixedClock(NOW))
    sight = watch.look()
    (book,) = sight.beside
    assert book.bid == pytest.approx(2_010 * 0.999)
    assert book.ask == pytest.approx(2_011 * 1.001, abs=0.01)
    assert [price for price, _ in book.depths] == [50, 50]
    assert [route.price for route in sight.routes] == [None, None]
    assert "no path" in sight.routes[0].reason


def looks(watch: Watch, bounds: WatchBounds, clock: Passing) -> Iterator[Sight]:
    return sights(watch, bounds, clock=clock, wait=clock.wait)


def test_a_watch_ends_at_whichever_bound_comes_first() -> None:
    clock = Passing()
    watch = watch_of(chain_of())
    assert len(list(looks(watch, WatchBounds(2.0, looks=1), clock))) == 1
    assert clock.waits == 0
    assert len(list(looks(watch, WatchBounds(2.0, seconds=5.0), clock))) == 4
    assert clock.seconds == NOW + 5.0
    assert len(list(looks(watch, WatchBounds(2.0, blocks=1), clock))) == 1


def test_blocks_are_counted_not_looks() -> None:
    chain, clock = chain_of(), Passing()
    watch = watch_of(chain)
    seen = []
    for sight in looks(watch, WatchBounds(1.0, blocks=3), clock):
        seen.append(sight.block.number)
        if len(seen) % 2 == 0:
            chain.grow()
    assert seen == [100, 100, 101, 101, 102]


def test_a_look_without_news_equals_the_one_before() -> None:
    watch = watch_of(chain_of())
    watch.look()
    assert watch.look() == watch.look()


def test_a_side_without_a_price_has_no_spread() -> None:
    assert VenuePrices("v", "pool", None, 2.0, ((0, 0), (0, 0)), None).spread_bps is None
