"""What an executor may trade with, changed: words for factories and listings, proposals and when they can be applied.

Owns: what the words mean, which changes are refused before the chain would, and plain words for each. Must not: send.

    uniswap_v3            a factory of this chain by its name
    concentrated:9        ... or by kind and number in the executor's registry
    balancer              what stands in the code, by its name or as balancer:0: only switched off and on again
    payout 0x…            a payee; across 0x… a receiver of bridged tokens; call 0x… 'deposit(uint256)' a function
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_hash.auto import keccak

from oms.application.granting import in_length, in_time, time_left
from oms.application.owning import Intended
from oms.errors import InvalidRequest, StateConflict
from oms.execution.account_calls import apply_call, cancel_call, disable_call, propose_call, restore_call
from oms.execution.executor_state import BuiltIn, Listing, Proposal, VenueEntry
from oms.execution.leg_kinds import LegKind
from oms.execution.sessions import KIND_RULES, Naming
from oms.units import ZERO_ADDRESS, Address

LISTED: Final = (LegKind.PAYOUT, LegKind.ACROSS, LegKind.CALL)
"""Kinds of legs that look at the list of addresses."""
NO_SELECTOR: Final = bytes(4)

READING_GAS: Final = 12_000
"""About what a plan of one or two legs costs its owner more while a built-in venue is off; measured on Anvil."""
READING_COSTS: Final = (
    f"every plan of the owner's costs about {READING_GAS:,} gas more, and 20,000 at eight legs, as it is read before "
    "it runs; a session's, read in any case, about 1,100 more a leg"
)

_PURPOSES: Final = {
    LegKind.PAYOUT: "plans may pay {target}, any amount of any declared asset",
    LegKind.ACROSS: "plans may bridge to {target} on other chains by Across",
    LegKind.CALL: "plans may call the function 0x{selector} of {target} with any arguments",
}
_NUMBER: Final = re.compile(r"([a-z0-9_]{1,40}):([0-9]{1,3})")
_IDENTIFIER: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_SIGNATURE: Final = re.compile(r"[A-Za-z_$][\w$]{0,100}\([\w,()\[\]]{0,300}\)", re.ASCII)
_SHORT_TYPE: Final = re.compile(r"\b(u?int|fixed|ufixed|byte)\b")
_SELECTOR: Final = re.compile(r"0x[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True)
class RegistryFacts:
    """An executor's registry at this moment; `now` in Unix seconds of the chain, `delay` in seconds."""

    executor: Address
    now: int
    delay: int
    built_in: Sequence[VenueEntry]
    """Factories that the chain's executors are told of."""
    fixed: Sequence[BuiltIn]
    """Venues that stand in the executor's code, on or off."""
    proposals: Sequence[Proposal]


def place_of(text: str, facts: RegistryFacts) -> tuple[int, int]:
    """Kind and number of a factory. Raises `InvalidRequest` for one that is not known, or stands in the code."""
    named = {each.name: (each.kind, each.number) for each in facts.built_in}
    if built_in_of(text, facts) is not None:
        remedy = f"`oms venue disable {text}` switches it off and `oms venue restore {text}` on"
        raise InvalidRequest("venue", f"{text} stands in the executor's code for ever; {remedy}")
    if text in named:
        return named[text]
    found = _NUMBER.fullmatch(text)
    kinds = {kind.name.lower(): kind for kind, rule in KIND_RULES.items() if rule.naming is Naming.REGISTRY}
    if found is None or found[1] not in kinds or int(found[2]) > 255:
        choices = ", ".join(sorted(named)) or "none by name"
        reason = f"{text[:40]!r} is no factory here; choose from {choices}, or write KIND:NUMBER like concentrated:9"
        raise InvalidRequest("venue", f"{reason} ({', '.join(kinds)})")
    if int(found[2]) == 0:
        raise InvalidRequest("venue", f"{text} is nothing: no {found[1]} factory is built in; write a number from 1 on")
    return int(kinds[found[1]]), int(found[2])


def built_in_of(text: str, facts: RegistryFacts) -> BuiltIn | None:
    """The venue in the executor's code that is meant by its name or as KIND:0, if one is."""
    found = _NUMBER.fullmatch(text)
    kind = found[1] if found is not None and int(found[2]) == 0 else None
    meant = (each for each in facts.fixed if each.name == text or LegKind(each.kind).name.lower() == kind)
    return next(meant, None)


def restored_of(text: str, facts: RegistryFacts) -> BuiltIn:
    """The same, where nothing else can be meant. Raises `InvalidRequest`."""
    found = built_in_of(text, facts)
    if found is None:
        names = ", ".join(each.name for each in facts.fixed)
        reason = f"{text[:40]!r} is no built-in venue; choose from {names}. A factory comes back by `oms venue propose`"
        raise InvalidRequest("venue", reason)
    return found


def switching(venue: BuiltIn, facts: RegistryFacts, *, on: bool) -> Intended:
    """A built-in venue switched off or on again. Raises `StateConflict` where it is that already."""
    if venue.on == on:
        raise StateConflict("registry", f"{venue.name} is {'on' if on else 'off'} already; see `oms account`")
    others = ", ".join(each.name for each in facts.fixed if not each.on and each != venue)
    if on:
        last = "no built-in venue is off then, so that plans cost the gas of being read no longer"
        if others:
            last = f"{others} stays off: {READING_COSTS}"
        return Intended(restore_call(venue.kind), (f"plans may {_use(venue)} again, at once", last))
    already = f" (they cost that already: {others} is off too)" if others else ""
    lines = (
        f"no plan may {_use(venue)} any more, at once, the owner's own included",
        f"while it is off {READING_COSTS}{already}",
        f"only the owner can switch it on again, at once, by `oms venue restore {venue.name}`",
    )
    return Intended(disable_call(_entry(venue)), lines, takes_away=True)


def _use(venue: BuiltIn) -> str:
    kind = LegKind(venue.kind)
    if KIND_RULES[kind].naming is not Naming.REGISTRY:
        return f"have a leg of kind {kind.name.lower()}"
    exact = " (exact outputs too)" if kind is LegKind.CONCENTRATED else ""
    return f"trade with pools of {venue.name}{exact}"


def _entry(venue: BuiltIn) -> VenueEntry:
    return VenueEntry(venue.kind, 0, venue.name, ZERO_ADDRESS, 0, bytes(32))


def venue_entry(
    text: str, facts: RegistryFacts, *, deployer: Address | None, init_code_hash: str, fee_pips: int | None
) -> VenueEntry:
    """The factory to propose: all of it by name, or each part. Raises `InvalidRequest` where a part is missing."""
    kind, number = place_of(text, facts)
    known = next((each for each in facts.built_in if each.name == text), None)
    if known is not None:
        if deployer is not None or init_code_hash or fee_pips is not None:
            raise InvalidRequest("venue", f"{text} is known with all that belongs to it; leave the other options out")
        return known
    if deployer is None or deployer == ZERO_ADDRESS:
        raise InvalidRequest("deployer", "is missing: the address in the pools' CREATE2 rule; for Solidly the factory")
    solidly = kind == LegKind.SOLIDLY
    if solidly == bool(init_code_hash):
        remedy = "leave it out: a Solidly factory is asked for its pools" if solidly else "the pools' init code hash"
        raise InvalidRequest("init-code-hash", f"{'is of no use' if solidly else 'is missing'}; {remedy}")
    if init_code_hash and not _IDENTIFIER.fullmatch(init_code_hash):
        raise InvalidRequest("init-code-hash", f"{init_code_hash[:70]!r} is no hash; write 0x and 64 hex digits")
    if (kind == LegKind.CONSTANT_PRODUCT) != (fee_pips is not None):
        needed = kind == LegKind.CONSTANT_PRODUCT
        remedy = "say the pairs' fee in millionths" if needed else "only constant_product pairs have one"
        raise InvalidRequest("fee-pips", f"{'is missing' if needed else 'is of no use'}; {remedy}")
    code = bytes.fromhex(init_code_hash[2:]) if init_code_hash else bytes(32)
    name = next((each.name for each in facts.built_in if (each.kind, each.number) == (kind, number)), "")
    return VenueEntry(kind, number, name, deployer, fee_pips or 0, code)


def listing_of(kind: str, target: Address, function: str | None) -> Listing:
    """A listing by its words. Raises `InvalidRequest` for a kind that looks at no list, or a function out of place."""
    known = {each.name.lower(): each for each in LISTED}
    if kind not in known:
        raise InvalidRequest("kind", f"{kind[:40]!r} looks at no list; choose from {', '.join(known)}")
    found = known[kind]
    if (function is not None) != (found is LegKind.CALL):
        remedy = "name one like 'deposit(uint256)'" if found is LegKind.CALL else f"{kind} names an address alone"
        raise InvalidRequest("function", f"{'is missing' if function is None else 'is of no use'}; {remedy}")
    return Listing(int(found), target, NO_SELECTOR if function is None else _selector(function))


def _selector(function: str) -> bytes:
    if _SELECTOR.fullmatch(function):
        return bytes.fromhex(function[2:])
    if not _SIGNATURE.fullmatch(function) or _SHORT_TYPE.search(function[function.index("(") :]):
        reason = f"{function[:60]!r} is no function; write its full types like 'deposit(uint256)', or 0x and 8 digits"
        raise InvalidRequest("function", reason)
    return keccak(function.encode())[:4]


def proposing(addition: VenueEntry | Listing, facts: RegistryFacts, *, present: VenueEntry | bool) -> Intended:
    """An addition announced; `present` is what stands there now. Raises `StateConflict` where it is that already."""
    if present == addition or present is True:
        raise StateConflict("registry", f"{in_words(addition)} is there already; see `oms account`")
    replaces = isinstance(present, VenueEntry) and present.enabled
    lines = [f"{_purpose(addition)}, once this is applied"]
    if isinstance(present, VenueEntry) and replaces:
        lines.append(
            f"it replaces the factory at {present.deployer}, of which plans and sessions know the number alone"
        )
    if any(each.addition == addition for each in facts.proposals):
        lines.append("it was proposed before: the delay begins anew")
    return Intended(propose_call(addition), (*lines, _when(facts)))


def _when(facts: RegistryFacts) -> str:
    if not facts.delay:
        return "this executor's registry has no delay: it can be applied at once"
    until = "until then the owner or the guardian can cancel it"
    return f"it can be applied {in_length(facts.delay)} later, from about {in_time(facts.now + facts.delay)}; {until}"


def waiting(
    facts: RegistryFacts, *, identifier: str = "", place: tuple[int, int] | None = None, listing: Listing | None = None
) -> Proposal:
    """The one proposal that is meant. Raises `StateConflict` where none waits, `InvalidRequest` where several do."""
    if identifier:
        meant = [each for each in facts.proposals if each.identifier.hex() == identifier[2:].lower()]
    else:
        meant = [each for each in facts.proposals if _place(each.addition) == place or each.addition == listing]
    if not meant:
        reason = "no such addition waits to be applied; propose it, or look at `oms account`"
        raise StateConflict("proposal", f"{reason}, with --since BLOCK where logs are kept only so far")
    if len(meant) > 1:
        several = ", ".join(f"0x{each.identifier.hex()}" for each in meant)
        raise InvalidRequest("proposal", f"several wait for that place; name one of {several}")
    return meant[0]


def _place(addition: VenueEntry | Listing) -> tuple[int, int] | None:
    return (addition.kind, addition.number) if isinstance(addition, VenueEntry) else None


def applying(proposal: Proposal, facts: RegistryFacts) -> Intended:
    """A proposal made to hold. Raises `StateConflict` before its time."""
    if proposal.applicable_from > facts.now:
        left = time_left(proposal.applicable_from - facts.now)
        when = f"can be applied from {in_time(proposal.applicable_from)} on, {left} from now"
        raise StateConflict("proposal", f"{when}; wait, or drop it with `cancel`")
    lines = (f"{_purpose(proposal.addition)} from now on", "`disable` takes it away again at once")
    return Intended(apply_call(proposal.addition), lines)


def cancelling(proposal: Proposal) -> Intended:
    """A proposal dropped."""
    lines = (
        f"the proposal of {in_words(proposal.addition)} is dropped",
        "to add it after all, propose it anew and wait again",
    )
    return Intended(cancel_call(proposal.identifier), lines, takes_away=True)


def disabling(what: VenueEntry | Listing, facts: RegistryFacts) -> Intended:
    """A factory or listing taken away. Raises `StateConflict` where it is not there."""
    if isinstance(what, VenueEntry) and not what.enabled:
        raise StateConflict("registry", f"{in_words(what)} is disabled, or was never added; see `oms account`")
    back = f"only after another {in_length(facts.delay)}" if facts.delay else "by proposing and applying it anew"
    lines = (f"no plan may deal with {in_words(what)} any more, at once", f"it comes back {back}")
    return Intended(disable_call(what), lines, takes_away=True)


def in_words(addition: VenueEntry | Listing) -> str:
    """A factory or a listing as a person names it."""
    kind = LegKind(addition.kind).name.lower() if addition.kind in KIND_RULES else f"kind {addition.kind}"
    if isinstance(addition, VenueEntry):
        name = f" {addition.name}" if addition.name else ""
        where = f" at {addition.deployer}" if addition.enabled else ""
        return f"{kind} factory {addition.number}{name}{where}"
    function = f" function 0x{addition.selector.hex()}" if any(addition.selector) else ""
    return f"{kind} {addition.target}{function}"


def _purpose(addition: VenueEntry | Listing) -> str:
    if isinstance(addition, VenueEntry):
        fee = f", at a fee of {addition.fee_pips / 100:g} bp" if addition.fee_pips else ""
        return f"plans may trade with every pool of {in_words(addition)}{fee}"
    pattern = _PURPOSES.get(LegKind(addition.kind)) if addition.kind in KIND_RULES else None
    if pattern is None:
        return f"plans may deal with {in_words(addition)}"
    return pattern.format(target=addition.target, selector=addition.selector.hex())


def is_identifier(text: str) -> bool:
    """Whether somebody wrote a proposal's identifier, rather than what it is about."""
    return _IDENTIFIER.fullmatch(text) is not None
