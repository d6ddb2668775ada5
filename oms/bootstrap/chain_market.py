"""A chain's pools alone, opened for looking: a session, its tokens and a snapshot between them.

Owns: that wiring. Must not: open makers or exchanges, or decide anything.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.pools.pinned import PinnedPools
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.tokens import TokenDirectory
from oms.application.pool_view import PoolView
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.sessions import ChainSession, Opening, open_session
from oms.config import Settings
from oms.domain.token import Token
from oms.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class ChainMarket:
    """An open chain whose pools can be looked at."""

    session: ChainSession
    directory: TokenDirectory
    pools: PinnedPools
    disabled: frozenset[str]

    def token(self, text: str, field: str) -> Token:
        """The token of a symbol or address. Raises `InvalidRequest` naming the field."""
        chain = PinnedChain.at_latest(self.session.rpc, expected_chain_id=self.session.venues.chain_id)
        return self.directory.resolve(text, chain, field=field)

    @property
    def wrapped_native(self) -> Token:
        """The chain's coin as a token."""
        return self.token(self.session.venues.wrapped_native, "token")

    def view(self, tokens: Sequence[Token], *, venues: frozenset[str] | None = None) -> PoolView:
        """All pools at the newest block between these tokens and those that routes pass through."""
        known = self.pools.venue_names
        unknown = sorted((venues or frozenset()) - known)
        if unknown:
            raise InvalidRequest("venues", f"no {', '.join(unknown)} here; choose from {', '.join(sorted(known))}")
        chosen = (known if venues is None else venues) - self.disabled
        between = tuple(dict.fromkeys((*tokens, *self.directory.intermediates)))
        snapshot = self.pools.snapshot(between, venues=chosen)
        return PoolView(snapshot, between, self.pools.gas_price(), self.session.venues.wrapped_native)


@contextmanager
def open_chain_market(settings: Settings, opening: Opening) -> Iterator[ChainMarket]:
    """Open a chain for looking at its pools; what was started for it ends with the block."""
    with open_session(settings, opening) as session:
        lag = settings.limits.max_node_lag_seconds if session.lives_in_the_present else None
        pools = PinnedPools(session.rpc, EvmPoolSource(session.venues), clock=SystemClock(), max_lag_seconds=lag)
        lists = () if settings.token_list is None else (settings.token_list,)
        directory = TokenDirectory.of_chain(session.venues.chain_id, lists=lists, tokens=session.tokens)
        yield ChainMarket(session, directory, pools, settings.limits.disabled_venues)
