"""All families' loaders as one source of pools, for one chain's venues.

Owns: which loaders run for which venue. Must not: know any storage layout, or quote.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.pools import uniswap_v2, uniswap_v3, uniswap_v4
from oms.adapters.evm.pools.reading import Loading, run, together
from oms.adapters.evm.pools.ticks import TickStore, load_more
from oms.adapters.evm.venues import ChainVenues, V3Venue, V4Venue
from oms.domain.token import Token
from oms.domain.venue import Family, PoolKey
from oms.errors import InvalidRequest
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.units import Address

V = TypeVar("V", V3Venue, V4Venue)
Loaded = ListedPool | SkippedPool | None
Batch = Loading[list[Loaded]]


class EvmPoolSource:
    """Loads pools of the venues given. Implements `oms.ports.pool_source.PoolSource[PinnedChain]`."""

    def __init__(self, venues: ChainVenues) -> None:
        self.venues = venues

    def snapshot(
        self, chain: PinnedChain, tokens: Sequence[Token], *, venues: frozenset[str] | None = None
    ) -> PoolSnapshot:
        """All pools between any two of `tokens` at the chain's block; see the port."""
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
        loaded = run(chain, self._loading(key))
        chain.confirm()
        return loaded or SkippedPool(key.venue, key.pool_id, "it does not exist at this block")

    def _loadings(self, chain: PinnedChain, tokens: Sequence[Address], *, wanted: frozenset[str]) -> list[Batch]:
        pairs, wrapped = list(combinations(tokens, 2)), self.venues.wrapped_native
        window = self.venues.log_window_blocks
        since = chain.block.number - window + 1 if window else None
        batches: list[Batch] = []
        for v2 in self.venues.v2:
            if v2.name in wanted:
                batches.append(together([uniswap_v2.load(uniswap_v2.pair_key(v2, a, b)) for a, b in pairs]))
        for v3 in self.venues.v3:
            if v3.name in wanted:
                keys = [uniswap_v3.pool_key(v3, a, b, tier=tier) for a, b in pairs for tier in v3.tiers]
                batches.append(together([uniswap_v3.load(v3, key) for key in keys]))
        for v4 in self.venues.v4:
            if v4.name in wanted:
                batches.append(uniswap_v4.load_all(v4, tokens, wrapped=wrapped, from_block=since))
        return batches

    def _loading(self, key: PoolKey) -> Loading[Loaded]:
        match key.family:
            case Family.UNISWAP_V2:
                return uniswap_v2.load(key)
            case Family.UNISWAP_V3:
                return uniswap_v3.load(_named(self.venues.v3, key), key)
            case Family.UNISWAP_V4:
                venue = _named(self.venues.v4, key)
                return uniswap_v4.load(venue, uniswap_v4.chain_key(key), wrapped=self.venues.wrapped_native)
        raise InvalidRequest("pool", f"{key.family} pools cannot be loaded from a chain")

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
            raise InvalidRequest("venues", f"no {', '.join(sorted(unknown))} here; choose from {', '.join(sorted(known))}")
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
