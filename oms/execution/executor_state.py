"""An executor as it stands at one block: whose it is, what it may trade with, and who else may have it trade.

Owns: these values. Must not: read a chain; `oms.adapters.evm.executor_reading` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.execution.sessions import GrantedVenue, kinds_of
from oms.execution.signed_plans import nonce_of
from oms.units import ZERO_ADDRESS, Address


@dataclass(frozen=True, slots=True)
class VenueEntry:
    """A factory by its number; without a deployer it is disabled."""

    kind: int
    number: int
    name: str
    deployer: Address
    fee_pips: int
    init_code_hash: bytes

    @property
    def enabled(self) -> bool:
        """Whether plans may trade with its pools."""
        return self.deployer != ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """The venue of a leg kind that stands in the executor's code, and whether plans may deal with it."""

    kind: int
    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """An address that legs of a kind may deal with, by that function where the kind names one."""

    kind: int
    target: Address
    selector: bytes


@dataclass(frozen=True, slots=True)
class Proposal:
    """An addition that waits; `applicable_from` in Unix seconds."""

    identifier: bytes
    addition: VenueEntry | Listing
    applicable_from: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The feed that says what a token is worth; `max_age` in seconds."""

    token: Address
    feed: Address
    max_age: int


@dataclass(frozen=True, slots=True)
class FarReference:
    """The feed on this chain that says what a token of another one is worth; `decimals` are the token's there."""

    chain_id: int
    token: Address
    feed: Address
    max_age: int
    decimals: int


@dataclass(frozen=True, slots=True)
class SpendState:
    """A key's limit for a token. `free` of it may be spent now; all in base units, `period` in seconds."""

    token: Address
    limit: int
    period: int
    free: int

    @property
    def spent(self) -> int:
        """What counts against the limit now: a period's worth and up to a third more."""
        return self.limit - self.free


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane in which a key signed, or would begin, and the number that it signs with next."""

    lane: int
    sequence: int

    @property
    def nonce(self) -> int:
        """As `SignedBatch` takes it."""
        return nonce_of(self.lane, self.sequence)


@dataclass(frozen=True, slots=True)
class SessionState:
    """What a key was last granted and has left of it.

    `rules` are the scalars by name, as `SessionTerms` has them. `told` says whether the grant's own transaction told
    what it lists; otherwise known tokens and venues were tried, and there may be more.
    """

    key: Address
    grant: int
    rules: Mapping[str, int | bool]
    venues: tuple[GrantedVenue, ...]
    spends: tuple[SpendState, ...]
    rises: tuple[Address, ...]
    lanes: tuple[LaneState, ...]
    told: bool

    @property
    def expiry(self) -> int:
        """Last second in Unix time; zero where it was revoked, or who granted it is no longer the owner."""
        return int(self.rules["expiry"])

    @property
    def kinds(self) -> frozenset[int]:
        """Leg kinds that it may use."""
        return kinds_of(int(self.rules["kinds"]))

    def standing(self, time: int) -> str:
        """In force, expired or ended (revoked, or by a change of owner), at a chain's time."""
        if self.grant == 0:
            return "never granted"
        if self.expiry == 0:
            return "ended"
        return "expired" if time > self.expiry else "in force"


@dataclass(frozen=True, slots=True)
class ExecutorState:
    """All that can be read of an executor. `time` is the block's; `since` the block from which logs were searched."""

    executor: Address
    chain_id: int
    block: int
    time: int
    since: int
    owner: Address
    pending_owner: Address
    guardian: Address
    entry_point: Address
    paused: bool
    registry_delay: int
    venues: tuple[VenueEntry, ...]
    built_in: tuple[BuiltIn, ...]
    listings: tuple[Listing, ...]
    proposals: tuple[Proposal, ...]
    references: tuple[Reference, ...]
    far_references: tuple[FarReference, ...]
    sessions: tuple[SessionState, ...]
    lanes: tuple[LaneState, ...]
    """The owner's."""

    @property
    def switched_off(self) -> frozenset[int]:
        """Kinds whose built-in venue is off."""
        return frozenset(each.kind for each in self.built_in if not each.on)

    def may_trade(self, venue: VenueEntry) -> bool:
        """Whether plans may trade with a factory's pools: one that stands in the code may be switched off."""
        return venue.enabled and not (venue.number == 0 and venue.kind in self.switched_off)

    def session(self, key: Address) -> SessionState | None:
        """What a key was last granted, if anything."""
        return next((each for each in self.sessions if each.key == key), None)
