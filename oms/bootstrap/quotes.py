"""A market that can be quoted: an open chain, its tokens and pools, and whoever else answers there.

Owns: turning words into an intent, and the list of tokens that routes may pass through.
Must not: rank or split.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.pools.pinned import PinnedPools
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.token_gas import token_gas_of
from oms.adapters.evm.tokens import TokenDirectory
from oms.application.market_view import ExchangeListing, ExchangeTerms, MarketView, Sources, look
from oms.application.quoting import QuoteReport, quote
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.services import Counterparties, open_counterparties
from oms.bootstrap.sessions import ChainSession, Opening, open_session
from oms.config import Settings
from oms.domain.plans import Intent, Side
from oms.domain.quotes import OrderBook
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.ports.makers import Maker
from oms.units import parse_amount


@dataclass(frozen=True, slots=True)
class OrderWords:
    """An order as somebody typed it."""

    amount: str
    token_in: str
    token_out: str
    buy: bool = False
    venues: frozenset[str] | None = None
    max_hops: int | None = None


class OpenMarket:
    """An open chain with everybody who answers there. Use it as a context manager.

    Where it is opened to settle, books that we hold no account on are left out: a plan must be able to fill its legs.
    """

    def __init__(
        self,
        settings: Settings,
        session: ChainSession,
        counterparties: Counterparties,
        *,
        settles: bool,
        resources: ExitStack,
    ) -> None:
        self._settles = settles
        self.settings = settings
        self.session = session
        self.clock = SystemClock()
        self.counterparties = counterparties
        self._resources = resources
        self._seen: tuple[OrderBook, ...] = ()
        self._source = EvmPoolSource(session.venues)
        lag = settings.limits.max_node_lag_seconds if session.lives_in_the_present else None
        self._pools = PinnedPools(session.rpc, self._source, clock=self.clock, max_lag_seconds=lag)
        lists = () if settings.token_list is None else (settings.token_list,)
        self.directory = TokenDirectory.of_chain(session.venues.chain_id, lists=lists, tokens=session.tokens)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def makers(self) -> Sequence[Maker]:
        """The makers that answer here."""
        return self.counterparties.makers

    def intent(self, words: OrderWords) -> Intent:
        """What the words mean on this chain. Raises `InvalidRequest` naming the argument and the remedy."""
        chain = PinnedChain.at_latest(self.session.rpc, expected_chain_id=self.session.venues.chain_id)
        token_in = self.directory.resolve(words.token_in, chain, field="token_in")
        token_out = self.directory.resolve(words.token_out, chain, field="token_out")
        if token_in == token_out:
            raise InvalidRequest("token_out", f"{token_out.symbol} twice; name two different tokens")
        side = Side.BUY if words.buy else Side.SELL
        given = token_out if words.buy else token_in
        return Intent(side, token_in, token_out, parse_amount(words.amount, given.decimals))

    def tokens(self, intent: Intent) -> tuple[Token, ...]:
        """The order's two tokens and whatever routes may pass through."""
        return tuple(dict.fromkeys((intent.token_in, intent.token_out, *self.directory.intermediates)))

    def quote(self, words: OrderWords) -> QuoteReport:
        """The whole table for an order. Raises `InvalidRequest`, `QuoteRefused`, `VenueError`."""
        intent = self.intent(words)
        return self.quote_intent(intent, venues=words.venues, max_hops=words.max_hops)

    def quote_intent(
        self, intent: Intent, *, venues: frozenset[str] | None = None, max_hops: int | None = None
    ) -> QuoteReport:
        """The same for an intent."""
        self._check_venues(venues)
        venues = self._enabled(venues)
        tokens = self.tokens(intent)
        view = self._look(intent, tokens, venues)
        over_at = self.clock.now() + self.settings.search_seconds
        return quote(
            intent,
            view,
            tokens,
            wrapped_native=self.session.venues.wrapped_native,
            max_hops=max_hops or self.settings.max_hops,
            now=self.clock.now(),
            max_book_share=self.settings.limits.max_exposure_share if self._settles else None,
            is_over=lambda: self.clock.now() > over_at,
        )

    def _look(self, intent: Intent, tokens: Sequence[Token], venues: frozenset[str] | None) -> MarketView:
        symbols = {token.symbol: token for token in tokens}
        listings = tuple(
            ExchangeListing(
                listing.exchange, listing.symbol, symbols[listing.base], symbols[listing.quote], listing.account
            )
            for listing in self.counterparties.listings
            if listing.base in symbols and listing.quote in symbols and (listing.account or not self._settles)
        )
        dear = token_gas_of(self.session.venues.chain_id)
        sources = Sources(self._pools, tuple(self.makers), listings, self.clock, self._exchange_terms(), dear)
        view = look(sources, intent, tokens, venues=venues, earlier=self._seen)
        self._seen = tuple(market.book for market in view.books) or self._seen
        return replace(view, silent=(*self.counterparties.absent, *view.silent))

    def _exchange_terms(self) -> ExchangeTerms:
        """The desk's costs of exchanges; a limit price may be as far off as the gate lets any price be."""
        settings = self.settings
        reserve = settings.limits.max_slippage_bps
        return ExchangeTerms(settings.hedge_costs, settings.transfers, reserve, settles=self._settles)

    def _enabled(self, venues: frozenset[str] | None) -> frozenset[str] | None:
        """The venues asked for, without those that the desk has switched off."""
        disabled = self.settings.limits.disabled_venues
        if not disabled:
            return venues
        return (self._venue_names() if venues is None else venues) - disabled

    def _venue_names(self) -> frozenset[str]:
        others = {maker.name for maker in self.makers} | {item.exchange.name for item in self.counterparties.listings}
        return self._pools.venue_names | others

    def _check_venues(self, venues: frozenset[str] | None) -> None:
        """Every name asked for means something here."""
        known = self._venue_names() | {"makers", "exchanges"}
        unknown = sorted((venues or frozenset()) - known)
        if unknown:
            raise InvalidRequest("venues", f"no {', '.join(unknown)} here; choose from {', '.join(sorted(known))}")


def open_market(settings: Settings, opening: Opening, *, with_counterparties: bool = True) -> OpenMarket:
    """Open a chain for quoting, and start or find the makers and exchanges that go with it."""
    with ExitStack() as stack:
        session = stack.enter_context(open_session(settings, opening))
        counterparties = (
            stack.enter_context(open_counterparties(settings, session)) if with_counterparties else Counterparties()
        )
        return OpenMarket(settings, session, counterparties, settles=opening.settles, resources=stack.pop_all())
