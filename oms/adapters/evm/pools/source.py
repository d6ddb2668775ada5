"""All families' loaders as one source of pools, for one chain's venues.

Owns: which loaders run for which venue. Must not: know any storage layout, or quote.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.pools import balancer, curve, solidly, uniswap_v2, uniswap_v3, uniswap_v4
from oms.adapters.evm.pools.reading import Loading, together
from oms.adapters.evm.pools.running import run
from oms.adapters.evm.pools.ticks import TickStore, load_more
from oms.adapters.evm.venues import BalancerVenue, ChainVenues, CurveVenue, SolidlyVenue, V3Venue, V4Venue
from oms.domain.token import Token
from oms.domain.venue import Family, PoolKey
from oms.errors import InvalidRequest
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.units import Address

V = TypeVar("V", V3Venue, V4Venue, CurveVenue, BalancerVenue, SolidlyVenue)
Loaded = ListedPool | SkippedPool | None
Batch = Loading[list[Loaded]]


class EvmPoolSource:
    """Loads pools of the venues given; `pinned.PinnedPools` ties it to a node for the port `oms.ports.pools`."""

    def __init__(self, venues: ChainVenues) -> None:
        self.venues = venues

    def snapshot(
        self, chain: PinnedChain, tokens: Sequence[Token], *, venues: frozenset[str] | None = None
    ) -> PoolSnapshot:
        """All pools between any two of `tokens` at the chain's block, on the venues named or on all.

        Raises:
            InvalidRequest: an unknown venue, a token of another chain, or fewer than two tokens.
            VenueError: the node failed, or answered what no node should.
            StateConflict: the block was replaced while it was read.
        """
        wanted = self._checked_venues(chain, venues)
        addresses = _checked_tokens(chain, tokens)
        batches = run(chain, together(self._loadings(chain, addresses, wanted=wanted)))
        chain.confirm()
        loaded = [entry for batch in batches for entry in batch]
        return PoolSnapshot(
            chain.block,
            tuple(entry for entry in loaded if isinstance(entry, ListedPool)),
            tuple(entry for entry in loaded if isinstance(entry, SkippedPool)),
        )

    def extend(self, chain: PinnedChain, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        """The same pool with more ticks in one direction; `listed` itself where the node holds no more."""
        pool = listed.pool
        if not isinstance(pool, ConcentratedPool):
            return listed
        more = load_more(
            self._tick_store(listed.key), pool.tick_map, spacing=pool.tick_spacing, upward=not zero_for_one
        )
        tick_map = run(chain, more)
        if tick_map is pool.tick_map:
            return listed
        chain.confirm()
        return ListedPool(listed.key, replace(pool, tick_map=tick_map))

    def reload(self, chain: PinnedChain, key: PoolKey) -> ListedPool | SkippedPool:
        """One pool at the chain's block; skipped, with the reason, where it cannot be read."""
        loaded = run(chain, self._loading(chain, key))
        chain.confirm()
        return loaded or SkippedPool(key.venue, key.pool_id, "it does not exist at this block")

    def reload_all(self, chain: PinnedChain, keys: Sequence[PoolKey]) -> tuple[ListedPool | SkippedPool, ...]:
        """As `reload`, for many pools in as few round trips."""
        loaded = run(chain, together([self._loading(chain, key) for key in keys]))
        chain.confirm()
        return tuple(
            found or SkippedPool(key.venue, key.pool_id, "it does not exist at this block")
            for key, found in zip(keys, loaded, strict=True)
        )

    def _loadings(self, chain: PinnedChain, tokens: Sequence[Address], *, wanted: frozenset[str]) -> list[Batch]:
        pairs, wrapped = list(combinations(tokens, 2)), self.venues.wrapped_native
        window = self.venues.log_window_blocks
        since = chain.block.number - window + 1 if window else None
        timestamp = chain.block.timestamp
        pools = self.venues
        batches: list[tuple[str, Batch]] = [
            *((v2.name, uniswap_v2.load_all(v2, pairs)) for v2 in pools.v2),
            *((v3.name, uniswap_v3.load_all(v3, pairs)) for v3 in pools.v3),
            *((v4.name, uniswap_v4.load_all(v4, tokens, wrapped=wrapped, from_block=since)) for v4 in pools.v4),
            *((c.name, curve.load_all(c, tokens, timestamp=timestamp)) for c in pools.curve),
            *((b.name, balancer.load_all(b, tokens, from_block=since, timestamp=timestamp)) for b in pools.balancer),
            *((s.name, solidly.load_all(s, tokens)) for s in pools.solidly),
        ]
        return [batch for name, batch in batches if name in wanted]

    def _loading(self, chain: PinnedChain, key: PoolKey) -> Loading[Loaded]:
        timestamp = chain.block.timestamp
        match key.family:
            case Family.UNISWAP_V2:
                return uniswap_v2.load(key)
            case Family.UNISWAP_V3:
                return uniswap_v3.load(_named(self.venues.v3, key), key)
            case Family.UNISWAP_V4:
                venue = _named(self.venues.v4, key)
                return uniswap_v4.load(venue, uniswap_v4.chain_key(key), wrapped=self.venues.wrapped_native)
            case Family.CURVE_STABLESWAP | Family.CURVE_CRYPTOSWAP:
                return curve.load(_named(self.venues.curve, key), key.pool_id, timestamp=timestamp)
            case Family.BALANCER_WEIGHTED | Family.BALANCER_STABLE:
                return balancer.load(_named(self.venues.balancer, key), key.pool_id, timestamp=timestamp)
            case Family.SOLIDLY:
                return solidly.load(_named(self.venues.solidly, key), key)

    def _tick_store(self, key: PoolKey) -> TickStore:
        if key.family is Family.UNISWAP_V3:
            return uniswap_v3.tick_store(_named(self.venues.v3, key), key)
        return uniswap_v4.tick_store(_named(self.venues.v4, key), key)

    def _checked_venues(self, chain: PinnedChain, venues: frozenset[str] | None) -> frozenset[str]:
        if chain.block.chain_id != self.venues.chain_id:
            raise InvalidRequest("chain", f"the node serves chain {chain.block.chain_id}, not {self.venues.chain_id}")
        known = self.venues.names
        unknown = (venues or frozenset()) - known
        if unknown:
            choice = ", ".join(sorted(known))
            raise InvalidRequest("venues", f"no {', '.join(sorted(unknown))} here; choose from {choice}")
        return known if venues is None else venues


def _named(venues: Sequence[V], key: PoolKey) -> V:
    for venue in venues:
        if venue.name == key.venue:
            return venue
    raise InvalidRequest("venue", f"{key.venue} is not among this chain's venues; add it to them")


def _checked_tokens(chain: PinnedChain, tokens: Sequence[Token]) -> list[Address]:
    for token in tokens:
        if token.chain_id != chain.block.chain_id:
            raise InvalidRequest("token", f"{token.symbol} is on chain {token.chain_id}, not {chain.block.chain_id}")
    addresses = list(dict.fromkeys(token.address for token in tokens))
    if len(addresses) < 2:
        raise InvalidRequest("token", "a pool trades two tokens; name two different ones")
    return addresses
