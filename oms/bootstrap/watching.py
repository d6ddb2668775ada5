"""Opening a watch: an open market's chain, its makers and exchanges, and the words of a pair, tied together.

Owns: that wiring, and the real wait between two looks. Must not: price anything.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from oms.adapters.evm.chain import PRIORITY_FEE_WEI, PinnedChain
from oms.adapters.evm.token_gas import token_gas_of
from oms.application.market_view import ExchangeListing
from oms.application.watching import Pair, Sight, Watch, WatchBounds, sights
from oms.bootstrap.following import open_follower
from oms.bootstrap.quotes import OpenMarket
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.units import parse_amount


@dataclass(frozen=True, slots=True)
class WatchWords:
    """A pair as somebody typed it."""

    base: str
    quote: str
    size: str
    venues: frozenset[str] | None = None
    max_hops: int | None = None


def open_watch(market: OpenMarket, words: WatchWords) -> tuple[Watch, Pair]:
    """A watch of the pair on the market's chain. Raises `InvalidRequest` naming the argument and the remedy."""
    session = market.session
    chain = PinnedChain.at_latest(session.rpc, expected_chain_id=session.venues.chain_id)
    base = market.directory.resolve(words.base, chain, field="base")
    quote = market.directory.resolve(words.quote, chain, field="quote")
    if base == quote:
        raise InvalidRequest("quote", f"{quote.symbol} twice; name two different tokens")
    pair = Pair(
        base,
        quote,
        parse_amount(words.size, base.decimals, field="size"),
        tuple(dict.fromkeys((base, quote, *market.directory.intermediates))),
        session.venues.wrapped_native,
        max_hops=words.max_hops or market.settings.max_hops,
        priority_fee_wei=PRIORITY_FEE_WEI,
        token_gas=token_gas_of(session.venues.chain_id),
    )
    wanted = _wanted(market, words.venues)
    names = None if wanted is None else wanted & session.venues.names
    home = market.settings.home if session.kind == "node" else None
    follower = open_follower(session.rpc, session.venues, pair.tokens, venue_names=names, home=home)
    makers = tuple(maker for maker in market.makers if _is_wanted(maker.name, "makers", wanted))
    return Watch(follower, pair, makers=makers, listings=_listings(market, pair, wanted), clock=market.clock), pair


def watched(market: OpenMarket, watch: Watch, bounds: WatchBounds) -> Iterator[Sight]:
    """The watch's looks by the machine's clock; an interrupt ends a wait at once."""
    wait: Callable[[float], None] = time.sleep
    return sights(watch, bounds, clock=market.clock, wait=wait)


def _wanted(market: OpenMarket, venues: frozenset[str] | None) -> frozenset[str] | None:
    """The venues asked for, without those that the desk has switched off; None for all."""
    listings = market.counterparties.listings
    known = market.session.venues.names | {maker.name for maker in market.makers}
    known |= {listing.exchange.name for listing in listings}
    unknown = sorted((venues or frozenset()) - known - {"makers", "exchanges"})
    if unknown:
        raise InvalidRequest("venues", f"no {', '.join(unknown)} here; choose from {', '.join(sorted(known))}")
    disabled = market.settings.limits.disabled_venues
    return venues if not disabled else (known if venues is None else venues) - disabled


def _is_wanted(name: str, group: str, wanted: frozenset[str] | None) -> bool:
    return wanted is None or name in wanted or group in wanted


def _listings(market: OpenMarket, pair: Pair, wanted: frozenset[str] | None) -> tuple[ExchangeListing, ...]:
    """The exchanges' markets of the pair, whichever way round they list it."""
    symbols: dict[str, Token] = {pair.base.symbol: pair.base, pair.quote.symbol: pair.quote}
    return tuple(
        ExchangeListing(item.exchange, item.symbol, symbols[item.base], symbols[item.quote], item.account)
        for item in market.counterparties.listings
        if {item.base, item.quote} == set(symbols) and _is_wanted(item.exchange.name, "exchanges", wanted)
    )
