"""What an owner changes about its executor: the call, and in plain words what will be so once it is done.

Owns: those words, and refusing what changes nothing or cannot be meant. Must not: send.
Sources: `contracts/interfaces/I{Account,Executor,Batches,UserOperations}.sol`.
"""

from dataclasses import dataclass
from typing import Final

from oms.domain.token import Token
from oms.errors import InvalidRequest, StateConflict
from oms.execution.account_calls import (
    ACCEPT,
    entry_point_call,
    guardian_call,
    offer_call,
    skip_nonces_call,
    withdraw_call,
)
from oms.execution.executor_state import LaneState
from oms.execution.sessions import MAX_DECIMALS, far_reference_call
from oms.units import ZERO_ADDRESS, Address, format_amount, parse_amount

ENTRY_POINTS: Final = {
    Address("0x0000000071727De22E5E9d8BAf0edAc6f37da032"): "EntryPoint 0.7",
    Address("0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108"): "EntryPoint 0.8",
}
"""ERC-4337's, at one address on every chain (eth-infinitism/account-abstraction, releases)."""

ALL: Final = "all"
"""As an amount: whatever there is."""
MOST_NUMBERS: Final = 2**64 - 1
MOST_LANES: Final = 2**192


@dataclass(frozen=True, slots=True)
class Intended:
    """A call, and what it does in a sentence each; the last is what to know before saying yes."""

    data: bytes
    words: tuple[str, ...]
    takes_away: bool = False


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Whose an executor is at this moment; zero for nobody."""

    executor: Address
    owner: Address
    pending_owner: Address
    guardian: Address
    entry_point: Address


def withdrawal(facts: AccountFacts, token: Token, amount: str, *, held: int) -> Intended:
    """Out of the executor and to its owner. Raises `InvalidRequest` for more than the `held` base units."""
    holds = f"{format_amount(held, token.decimals)} {token.symbol}"
    raw = held if amount == ALL else parse_amount(amount, token.decimals)
    if raw > held or not held:
        raise InvalidRequest(
            "amount", f"the executor holds {holds}; withdraw no more, or write {ALL!r} where it has any"
        )
    out, left = format_amount(raw, token.decimals), format_amount(held - raw, token.decimals)
    words = (
        f"{out} {token.symbol} of the {holds} that the executor holds go to its owner {facts.owner}",
        f"{left} {token.symbol} stay; a withdrawal goes to the owner whoever sends it, and during a pause too",
    )
    return Intended(withdraw_call(token.address, raw), words)


def guarding(facts: AccountFacts, to: Address) -> Intended:
    """Another guardian, or none. Raises `InvalidRequest` where it is that already, or could not guard."""
    _refuse_same(to, facts.guardian, option="guardian")
    if to == facts.executor:
        raise InvalidRequest("guardian", "is the executor itself, which pauses nothing; name another account")
    former = "" if facts.guardian == ZERO_ADDRESS else f"; {facts.guardian}, guardian until now, may no longer"
    if to == ZERO_ADDRESS:
        words = f"nobody but the owner {facts.owner} may stop this executor then{former}"
        return Intended(guardian_call(to), (words,))
    powers = "pause it, end sessions, disable factories and listings and drop proposals"
    last = "it can take nothing out and add nothing, but stop everything at once; only the owner can resume"
    return Intended(guardian_call(to), (f"{to} may {powers}{former}", last))


def offering(facts: AccountFacts, to: Address) -> Intended:
    """To whom ownership is offered, or nobody. Raises `InvalidRequest` where that changes nothing."""
    _refuse_same(to, facts.pending_owner, option="to")
    if to in (facts.owner, facts.executor):
        whose = "owns it already" if to == facts.owner else "is the executor itself"
        raise InvalidRequest("to", f"{to} {whose}; name another account, or `none` to take an offer back")
    taken = "" if facts.pending_owner == ZERO_ADDRESS else f"{facts.pending_owner} may no longer take over"
    if to == ZERO_ADDRESS:
        return Intended(offer_call(to), (taken,), takes_away=True)
    words = (
        f"{to} may take over this executor from {facts.owner}, by `oms account accept`, at any time from then on",
        "with the change of owner end all sessions, signatures, reference prices, proposals, guardian and entry point",
        *((taken,) if taken else ()),
        "whoever takes over has everything that it holds; until then `oms account offer none` takes the offer back",
    )
    return Intended(offer_call(to), words)


def accepting(facts: AccountFacts, sender: Address) -> Intended:
    """Taking over. Raises `StateConflict` where it was offered to nobody, or to another."""
    if facts.pending_owner == ZERO_ADDRESS:
        reason = "is offered to nobody; the owner offers it with `oms account offer ADDRESS`"
        raise StateConflict("ownership", reason)
    if sender != facts.pending_owner:
        reason = f"is offered to {facts.pending_owner}, not to {sender}; send --from that account"
        raise StateConflict("ownership", reason)
    words = (
        f"{sender} becomes the owner of this executor and of all that it holds; {facts.owner} no longer is",
        "every session ends, and with it what its key signed; what the former owner signed can no longer run either",
        "all reference prices end, for tokens of this chain and of others, and every proposal to the registry",
        f"{_former('guardian', facts.guardian)}, {_former('entry point', facts.entry_point)}",
        "what stays: factories and listings that were applied, a pause, and built-in venues that are off",
        "look at it with `oms account` afterwards, and name your own guardian, entry point, references and sessions",
    )
    return Intended(ACCEPT, words)


def _former(what: str, who: Address) -> str:
    return f"there was no {what}" if who == ZERO_ADDRESS else f"{who} is no longer {what}"


@dataclass(frozen=True, slots=True)
class FarToken:
    """A token of another chain; `symbol` and `decimals` where it is known here."""

    chain_id: int
    address: Address
    symbol: str = ""
    decimals: int | None = None

    def __str__(self) -> str:
        return f"{self.symbol or 'token'} {self.address} of chain {self.chain_id}"


def far_pricing(token: FarToken, feed: Address, *, here: int, max_age: int, decimals: int | None) -> Intended:
    """A feed for a token of another chain than `here`, or with zero none; nobody on this chain can ask that token.

    Raises `InvalidRequest` for a chain or token that cannot be meant, or decimals that are missing or known otherwise.
    """
    if token.chain_id == here:
        raise InvalidRequest("far-chain", f"{here} is this executor's own chain; leave --far-chain out")
    if token.address == ZERO_ADDRESS:
        raise InvalidRequest("token", "is nobody's address, and bridges ask for a token; name the wrapped coin")
    if feed == ZERO_ADDRESS:
        if decimals is not None:
            raise InvalidRequest("decimals", "are of no use without a feed; leave them out")
        call = far_reference_call(token.chain_id, token.address, feed=feed, max_age=0, decimals=0)
        return Intended(call, (f"sessions with a floor may no longer bridge into {token}",))
    if decimals is None and token.decimals is None:
        raise InvalidRequest("decimals", f"are missing: nothing here knows those of {token}; look them up there")
    if None not in (decimals, token.decimals) and decimals != token.decimals:
        raise InvalidRequest("decimals", f"are not {decimals}: {token} has {token.decimals}; correct them")
    places = token.decimals if decimals is None else decimals
    if places is None or not 0 <= places <= MAX_DECIMALS:
        raise InvalidRequest("decimals", f"{places} is not within 0 and {MAX_DECIMALS}")
    words = (
        f"sessions with a floor may bridge into {token}, at the price of {feed} and with {places} decimals",
        "nothing here can ask that token: see on its own chain that it is what the feed prices, decimals included",
    )
    call = far_reference_call(token.chain_id, token.address, feed=feed, max_age=max_age, decimals=places)
    return Intended(call, words)


def entering(facts: AccountFacts, to: Address, *, stands: bool) -> Intended:
    """Another entry point, or none. Raises `InvalidRequest` where it is that already, or nothing stands there."""
    _refuse_same(to, facts.entry_point, option="entry-point")
    former = "" if facts.entry_point == ZERO_ADDRESS else f"; {facts.entry_point} no longer speaks for the owner"
    if to == ZERO_ADDRESS:
        words = f"no ERC-4337 operation is taken any more{former}"
        return Intended(entry_point_call(to), (words,), takes_away=True)
    if to == facts.executor or not stands:
        what = "is the executor itself" if to == facts.executor else "has no code on this chain"
        raise InvalidRequest("entry-point", f"{to} {what}; name an ERC-4337 entry point")
    known = ENTRY_POINTS.get(to)
    last = "it is trusted with everything that the owner may do, withdrawals included"
    if known is None:
        last = f"it is NO ENTRY POINT THAT IS KNOWN HERE, and {last}: whoever rules it has the executor"
    return Intended(entry_point_call(to), (f"{known or to} speaks for the owner{former}", last))


def skipping(key: Address, lane: LaneState, next_number: int) -> Intended:
    """A key's own numbers given up. Raises `InvalidRequest` for those that are behind, or beyond a lane's end."""
    if not lane.sequence < next_number <= MOST_NUMBERS:
        reason = f"{next_number} is not beyond {lane.sequence}, with which lane {lane.lane} goes on; name a higher one"
        raise InvalidRequest("next", reason if next_number <= MOST_NUMBERS else f"a lane ends at {MOST_NUMBERS}")
    words = (
        f"lane {lane.lane} of {key} goes on with number {next_number} instead of {lane.sequence}",
        f"what was signed with {_numbers(lane.sequence, next_number - 1)} can never run; this cannot be undone",
    )
    return Intended(skip_nonces_call(lane.lane, next_number), words, takes_away=True)


def _numbers(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"


def _refuse_same(to: Address, now: Address, *, option: str) -> None:
    if to == now:
        raise InvalidRequest(option, "there is none already" if to == ZERO_ADDRESS else f"is {to} already")
