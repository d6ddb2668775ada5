"""Asking a market maker for prices."""

from typing import Protocol

from oms.domain.quotes import FirmQuote, IndicativeLadder, QuoteRequest
from oms.domain.token import Token


class Maker(Protocol):
    """One maker that answers requests for quote.

    Raises, for every method: `Retryable` when it is silent, late or busy; `Terminal` when it refuses, answers
    nonsense, or signs for something else than was asked.
    """

    @property
    def name(self) -> str: ...

    def ladder(self, taker_token: Token, maker_token: Token) -> IndicativeLadder:
        """What it would pay in `maker_token` for `taker_token`, unsigned. No levels: it has nothing to give now."""
        ...

    def firm_quote(self, request: QuoteRequest) -> FirmQuote:
        """A signed quote for exactly what `request` says; every field has been checked against it."""
        ...
