"""Every error that `oms` raises on purpose.

    OmsError
    ├── InvalidRequest            the caller's fault: names the field and the remedy; exit code 2
    ├── InvalidTransition         an event that its order's state does not allow
    ├── StateConflict             the journal or the plan is not what the caller believed it to be
    │   └── PoolOutdated          an event that a pool's known state cannot take up: load the pool again
    ├── QuoteRefused              a pool or book cannot fill this amount, where the chain would revert
    │   └── BeyondKnownRange      it might, but over state that was not loaded
    └── VenueError                the world's fault: RPC, maker, exchange; exit code 3
        ├── Retryable             nothing happened; asking again is safe
        ├── Terminal              nothing happened, and asking again will not help
        └── OutcomeUnknown        something may have happened; ask about it, never repeat it

Messages are one line and end with what to do next. Fields are typed, so that callers need not parse text.
"""

from enum import StrEnum


class OmsError(Exception):
    """Root of all expected failures."""

    exit_code = 3


class InvalidRequest(OmsError):
    """What the caller asked for cannot be meant; `field` names the culprit."""

    exit_code = 2

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class InvalidTransition(OmsError):
    """The event does not apply to the state it met."""


class StateConflict(OmsError):
    """Stored or pinned state differs from what this step was built on."""

    def __init__(self, subject: str, reason: str) -> None:
        self.subject = subject
        self.reason = reason
        super().__init__(f"{subject}: {reason}")


class PoolOutdated(StateConflict):
    """A pool's event cannot be applied exactly to the state that is known of it; load the pool again."""


class Refusal(StrEnum):
    """Why a pool refuses a quote; each stands for a revert of the settling function."""

    ZERO_AMOUNT = "zero amount"
    UNKNOWN_TOKEN = "token not in pool"  # noqa: S105 (a reason, not a secret)
    INSUFFICIENT_LIQUIDITY = "insufficient liquidity"
    AMOUNT_TOO_LARGE = "amount above the pool's limit"
    BELOW_MINIMUM = "below the venue's minimum"
    MATH_OVERFLOW = "arithmetic overflow"
    NOT_CONVERGED = "invariant did not converge"
    UNSAFE_STATE = "pool state outside its safe bounds"
    ZERO_OUTPUT = "output rounds to zero"
    BEYOND_KNOWN_RANGE = "outside the loaded range"
    NO_PATH = "no path"
    WORSE_THAN_QUOTED = "worse than quoted"
    TOO_MUCH_GAS = "more gas than a transaction may use"


class QuoteRefused(OmsError):
    """The pool would revert, or not fill the whole amount."""

    exit_code = 2

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}{f': {detail}' if detail else ''}")


class BeyondKnownRange(QuoteRefused):
    """The quote needs state that was not loaded; load more, or ask for less."""

    exit_code = 3

    def __init__(self, detail: str = "") -> None:
        super().__init__(Refusal.BEYOND_KNOWN_RANGE, detail)


class VenueError(OmsError):
    """A node, maker or exchange failed; `venue` names it."""

    def __init__(self, venue: str, reason: str) -> None:
        self.venue = venue
        self.reason = reason
        super().__init__(f"{venue}: {reason}")


class Retryable(VenueError):
    """Nothing happened at the venue; the same request may be sent again."""


class Terminal(VenueError):
    """Nothing happened at the venue, and the same request would fail again."""


class OutcomeUnknown(VenueError):
    """The venue may have acted; query it before anything else is sent."""
