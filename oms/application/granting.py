"""A session as somebody asks for it: words into terms, refusal of what bounds nothing, and the terms in plain words.

Owns: what the words mean, and which grants are absurd although the executor would take them. Must not: send.

    --until 7d                    or 2026-12-01T00:00:00Z, or Unix seconds
    --venue uniswap_v3            a factory by its name: all of its pools. Or a kind and what its legs deal with:
    --venue concentrated:3        ... a factory by its number in the executor's registry
    --venue uniswap_v4:WETH/USDC:500:10        tokens, fee in pips, tick spacing; `:native` behind for the coin itself
    --venue curve_stable:0x…      a pool, a maker, a vault, a payee: whoever the kind deals with
    --venue balancer:0x…          a pool's identifier of 32 bytes
    --venue across:0x…@10         a receiver on the chain of that identifier, and on no other
    --spend 10:WETH/1d            what may fall, and within which time
    --rise USDC                   what may come in; `native` is the coin itself, which wrapping deals with
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from oms.application.bounded_files import read_at_most
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.execution.executor_state import FarReference
from oms.execution.leg_kinds import LegKind
from oms.execution.sessions import (
    BPS,
    KIND_RULES,
    SWITCHES,
    GrantedSpend,
    GrantedVenue,
    Naming,
    SessionTerms,
    address_venue,
    bridge_venue,
    registry_venue,
    singleton_venue,
)
from oms.units import UINT128_MAX, ZERO_ADDRESS, Address, format_amount, parse_amount

MOST_SECONDS: Final = 366 * 86_400
"""The longest that a key may be granted for: nobody remembers it after."""
LEAST_PERIOD: Final = 60
"""Seconds; a limit that is free again sooner than anybody could react is none."""
MOST_FILE_BYTES: Final = 1_000_000
COIN_DECIMALS: Final = 18

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,9})([smhdw])")
_WORD: Final = re.compile(r"0x[0-9a-fA-F]{64}")

Resolve = Callable[[str, str], Token]
"""A token from its symbol or address, and the option that named it."""
ParseAddress = Callable[[str, str], Address]
"""An address as somebody typed it, and the option that had it."""


class AbsurdGrant(InvalidRequest):
    """What would be granted bounds nothing, lets nothing be done, or would be refused by the executor."""


@dataclass(frozen=True, slots=True)
class GrantWords:
    """A grant as typed, or as a file has it under the same names."""

    key: str = ""
    until: str = ""
    most_loss_bps: int | None = None
    venues: Sequence[str] = ()
    kinds: Sequence[str] = ()
    spends: Sequence[str] = ()
    rises: Sequence[str] = ()
    gas_budget: str = ""
    switches: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What the executor is and has at this moment. `now` in Unix seconds of the chain."""

    now: int
    executor: Address
    owner: Address
    entry_point: Address
    factories: Mapping[str, tuple[int, int]]
    """Kind and number in the registry by name."""
    resolve: Resolve
    parse_address: ParseAddress


@dataclass(frozen=True, slots=True)
class Checked:
    """What only the chain knows of the venues and assets in a grant."""

    enabled: frozenset[tuple[int, int]] = frozenset()
    """Kinds and numbers of the factories that the executor knows."""
    priced: frozenset[Address] = frozenset()
    """Tokens for which the owner named a reference feed."""
    supplies: Mapping[Address, int] = field(default_factory=dict)
    """Base units in existence, where the token says."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A grant that words meant, with the tokens and venues by name for whoever reads it."""

    key: Address
    terms: SessionTerms
    tokens: Mapping[Address, Token]
    labels: Mapping[GrantedVenue, str]
    far: Sequence[FarReference] | None = None
    """Tokens of other chains that have a price; None where that was not asked, or the node would not tell."""
    far_chains: frozenset[int] = frozenset()
    """Chains on which somebody may receive what is bridged."""

    @property
    def bridged_into(self) -> Sequence[FarReference] | None:
        """Of `far`, those on chains that are granted."""
        if self.far is None:
            return None
        return [each for each in self.far if each.chain_id in self.far_chains]


def read_grant_file(path: Path) -> GrantWords:
    """A TOML or JSON file with the fields of `GrantWords`, switches as true or false. Raises `InvalidRequest`."""
    try:
        too_large = "larger than any grant; name a file of terms"
        raw = read_at_most(path, MOST_FILE_BYTES, field="file", too_large=too_large)
        found = json.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise InvalidRequest("file", f"{path} is not {kind}; see `oms session grant --help`") from error
    if not isinstance(found, dict):
        raise InvalidRequest("file", f"{path} holds no table of terms; see `oms session grant --help`")
    switches = frozenset(name for name in SWITCHES if _switch(path, found, name))
    values = {name: _checked(path, name, value) for name, value in found.items() if name not in SWITCHES}
    return GrantWords(**values, switches=switches)


def _switch(path: Path, found: Mapping[str, Any], name: str) -> bool:
    value = found.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest("file", f"{path}: {name} is neither true nor false")
    return value


def _checked(path: Path, name: str, value: Any) -> Any:
    known = {each.name: each.type for each in fields(GrantWords) if each.name != "switches"}
    if name not in known:
        choices = ", ".join((*known, *SWITCHES))
        raise InvalidRequest("file", f"{path}: {name[:40]} is no term of a session; choose from {choices}")
    if name == "most_loss_bps":
        fits = type(value) is int
    elif name in ("key", "until", "gas_budget"):
        fits = isinstance(value, str)
    else:
        fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not fits:
        raise InvalidRequest("file", f"{path}: {name} is {str(value)[:60]!r}; see `oms session grant --help`")
    return value


def merged(words: GrantWords, file: GrantWords) -> GrantWords:
    """What a file says, with what was typed beside it: single words replace, lists are added to."""
    return GrantWords(
        key=words.key or file.key,
        until=words.until or file.until,
        most_loss_bps=file.most_loss_bps if words.most_loss_bps is None else words.most_loss_bps,
        venues=(*file.venues, *words.venues),
        kinds=(*file.kinds, *words.kinds),
        spends=(*file.spends, *words.spends),
        rises=(*file.rises, *words.rises),
        gas_budget=words.gas_budget or file.gas_budget,
        switches=file.switches | words.switches,
    )


def read_terms(words: GrantWords, facts: GrantFacts) -> Asked:
    """What the words mean on this executor. Raises `InvalidRequest` for words that mean nothing."""
    if not words.key:
        raise AbsurdGrant("key", "is missing; name the address whose owner may trade, with --key")
    if not words.until:
        raise AbsurdGrant("until", "is missing: a session that never ends is not granted; say --until 7d")
    if words.most_loss_bps is None:
        remedy = f"say how far below the reference a plan may earn, or {BPS} to compare nothing"
        raise AbsurdGrant("most-loss-bps", f"is missing; {remedy}")
    labels = dict(_venue(text, facts) for text in words.venues)
    tokens: dict[Address, Token] = {}
    spends = [_spend(text, facts.resolve, tokens) for text in words.spends]
    rises = []
    for text in words.rises:
        token = facts.resolve(text, "rise")
        tokens[token.address] = token
        rises.append(token.address)
    kinds = {*(venue.kind for venue in labels), *(_kind(name) for name in words.kinds)}
    terms = SessionTerms(
        expiry=moment(words.until, facts.now),
        kinds=frozenset(int(kind) for kind in kinds),
        most_loss_bps=words.most_loss_bps,
        gas_budget=_coin(words.gas_budget),
        venues=tuple(labels),
        spends=tuple(spends),
        rises=tuple(rises),
        **dict.fromkeys(words.switches, True),
    )
    far_chains = frozenset(
        int(label.rpartition("@")[2]) for venue, label in labels.items() if venue.kind == LegKind.ACROSS
    )
    return Asked(facts.parse_address(words.key, "key"), terms, tokens, labels, far_chains=far_chains)


def moment(text: str, now: int) -> int:
    """A time in Unix seconds: so long after `now`, an ISO 8601 time, or the seconds themselves."""
    if _DURATION.fullmatch(text):
        return now + seconds_of(text, option="until")
    if re.fullmatch(r"\d{1,13}", text):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        reason = f"{text[:40]!r} is no time; write 7d, 2026-12-01T00:00:00Z or Unix seconds"
        raise InvalidRequest("until", reason) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def seconds_of(text: str, *, option: str) -> int:
    """A length of time such as `90s`, `12h` or `7d`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidRequest(option, f"{text[:40]!r} is no length of time; write 90s, 15m, 12h, 7d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def _kind(name: str) -> LegKind:
    try:
        return LegKind[name.strip().upper()]
    except KeyError:
        known = ", ".join(kind.name.lower() for kind in LegKind)
        raise InvalidRequest("kind", f"no kind of leg is called {name[:40]!r}; choose from {known}") from None


def _spend(text: str, resolve: Resolve, tokens: dict[Address, Token]) -> GrantedSpend:
    rest, slash, period = text.rpartition("/")
    amount, colon, name = rest.partition(":")
    if not slash or not colon:
        reason = f"{text[:60]!r} names no limit and period; write AMOUNT:TOKEN/PERIOD like 10:WETH/1d"
        raise AbsurdGrant("spend", reason)
    token = resolve(name, "spend")
    tokens[token.address] = token
    seconds = seconds_of(period, option="spend")
    return GrantedSpend(token.address, parse_amount(amount, token.decimals, field="spend"), seconds)


def _coin(text: str) -> int:
    return 0 if text in ("", "0") else parse_amount(text, COIN_DECIMALS, field="gas-budget")


def _venue(text: str, facts: GrantFacts) -> tuple[GrantedVenue, str]:
    name, colon, rest = text.partition(":")
    if not colon:
        if name not in facts.factories:
            known = ", ".join(sorted(facts.factories))
            raise InvalidRequest("venue", f"no factory {name[:40]!r} here; choose from {known}, or write KIND:ADDRESS")
        kind, number = facts.factories[name]
        return GrantedVenue(kind, registry_venue(number)), f"{name} (every pool of its factory)"
    named = _kind(name)
    return GrantedVenue(named, _identifier(named, rest, facts)), f"{named.name.lower()} {rest}"


def _identifier(kind: LegKind, text: str, facts: GrantFacts) -> bytes:
    match KIND_RULES[kind].naming:
        case Naming.REGISTRY:
            if not re.fullmatch(r"\d{1,3}", text) or int(text) > 255:
                raise InvalidRequest("venue", f"{text[:40]!r} is no number in the registry; write 0 to 255 or its name")
            return registry_venue(int(text))
        case Naming.ADDRESS:
            return address_venue(facts.parse_address(text, "venue"))
        case Naming.RECIPIENT:
            return _recipient(text, facts.parse_address)
        case Naming.POOL_ID:
            if not _WORD.fullmatch(text):
                raise InvalidRequest("venue", f"{text[:70]!r} is no pool's identifier; write 0x and 64 hex digits")
            return bytes.fromhex(text[2:])
        case Naming.SINGLETON:
            return _singleton(text, facts.resolve)
        case Naming.NOBODY:
            raise InvalidRequest("venue", f"{kind.name.lower()} deals with nobody of its own; name it with --kind")


def _recipient(text: str, parse_address: ParseAddress) -> bytes:
    recipient, at, chain = text.partition("@")
    if not at or not re.fullmatch(r"\d{1,20}", chain) or int(chain) >= 2**64:
        reason = f"{text[:70]!r} names no receiver on a chain; write ADDRESS@CHAIN_ID like 0x…@10"
        raise InvalidRequest("venue", reason)
    return bridge_venue(parse_address(recipient, "venue"), int(chain))


def _singleton(text: str, resolve: Resolve) -> bytes:
    found = re.fullmatch(r"([^/:]+)/([^/:]+):(\d{1,8}):(-?\d{1,7})(:native)?", text)
    if found is None or int(found[3]) >= 2**24 or not -(2**23) <= int(found[4]) < 2**23:
        raise InvalidRequest("venue", f"{text[:60]!r} is no v4 pool; write TOKEN/TOKEN:FEE_PIPS:TICK_SPACING")
    tokens = [resolve(found[n], "venue").address for n in (1, 2)]
    return singleton_venue(*tokens, fee=int(found[3]), tick_spacing=int(found[4]), native=found[5] is not None)


def numbered_venues(terms: SessionTerms) -> tuple[tuple[int, int], ...]:
    """Kind and number of each factory that is granted."""
    numbered = {kind for kind, rule in KIND_RULES.items() if rule.naming is Naming.REGISTRY}
    return tuple((each.kind, int.from_bytes(each.id, "big")) for each in terms.venues if each.kind in numbered)


def bridges_at_a_price(terms: SessionTerms) -> bool:
    """Whether it may bridge, and only into tokens of other chains that have a price."""
    return LegKind.ACROSS in terms.kinds and terms.most_loss_bps < BPS


def refuse_absurd(asked: Asked, facts: GrantFacts, checked: Checked) -> None:
    """Raises `AbsurdGrant`, naming the term, for what the executor would refuse and for what bounds nothing."""
    terms = asked.terms
    _refuse_key(asked.key, facts)
    _refuse_time(terms, facts.now)
    _refuse_kinds(terms, checked)
    _refuse_assets(asked, checked)
    _refuse_price(asked, checked)


def _refuse_key(key: Address, facts: GrantFacts) -> None:
    held = {
        ZERO_ADDRESS: "nobody's address",
        facts.executor: "the executor itself",
        facts.owner: "the owner, who needs no session",
        facts.entry_point: "the entry point, which speaks for the owner",
    }
    if key in held:
        raise AbsurdGrant("key", f"{key} is {held[key]}; name another account's")


def _refuse_time(terms: SessionTerms, now: int) -> None:
    if terms.expiry <= now:
        raise AbsurdGrant("until", f"{in_time(terms.expiry)} has passed on this chain; name a later time")
    if terms.expiry - now > MOST_SECONDS:
        reason = f"{in_time(terms.expiry)} is more than {MOST_SECONDS // 86_400} days away; grant again when it ends"
        raise AbsurdGrant("until", reason)


def _refuse_kinds(terms: SessionTerms, checked: Checked) -> None:
    if not terms.kinds:
        raise AbsurdGrant("venue", "none is named: the key could run no leg; name what it may trade with")
    unknown = [kind for kind in terms.kinds if kind not in KIND_RULES]
    if unknown:
        raise AbsurdGrant("kind", f"{unknown[0]} is no kind of leg that is known here")
    dealt = {venue.kind for venue in terms.venues}
    for kind in sorted(terms.kinds):
        rule, name = KIND_RULES[LegKind(kind)], LegKind(kind).name.lower()
        if rule.naming is not Naming.NOBODY and kind not in dealt:
            raise AbsurdGrant("kind", f"{name} needs to know whom it may deal with; add --venue {name}:…")
    if LegKind.CONCENTRATED_EXACT_OUT in terms.kinds and LegKind.CONCENTRATED not in dealt:
        raise AbsurdGrant("kind", "concentrated_exact_out asks for concentrated venues; add one with --venue")
    for venue in terms.venues:
        if venue.kind not in terms.kinds:
            raise AbsurdGrant("venue", f"is of kind {LegKind(venue.kind).name.lower()}, which is not granted")
        place = venue.kind, int.from_bytes(venue.id, "big")
        if KIND_RULES[LegKind(venue.kind)].naming is Naming.REGISTRY and place not in checked.enabled:
            reason = f"the executor knows no {LegKind(venue.kind).name.lower()} factory {place[1]}; see `oms account`"
            raise AbsurdGrant("venue", reason)


def _refuse_assets(asked: Asked, checked: Checked) -> None:
    terms = asked.terms
    if not terms.spends:
        raise AbsurdGrant("spend", "no limit is named: the key could sell nothing; say --spend 10:WETH/1d")
    if not terms.rises:
        raise AbsurdGrant("rise", "nothing may come in: no plan of the key could run; say --rise USDC")
    for option, tokens in (("spend", [each.token for each in terms.spends]), ("rise", list(terms.rises))):
        if len(set(tokens)) != len(tokens):
            twice = next(token for token in tokens if tokens.count(token) > 1)
            raise AbsurdGrant(option, f"{asked.tokens[twice].symbol} is named twice; name it once")
    for spend in terms.spends:
        token, supply = asked.tokens[spend.token], checked.supplies.get(spend.token, UINT128_MAX)
        if spend.period < LEAST_PERIOD:
            raise AbsurdGrant("spend", f"a limit within {spend.period} s is none; say at least {LEAST_PERIOD}s")
        if spend.limit >= supply:
            raise AbsurdGrant("spend", f"the limit is all the {token.symbol} that there is, so it is none; lower it")


def _refuse_price(asked: Asked, checked: Checked) -> None:
    terms = asked.terms
    if terms.most_loss_bps == BPS:
        unproved = [kind.name.lower() for kind, rule in KIND_RULES.items() if rule.unproved and kind in terms.kinds]
        if unproved:
            reason = f"without a floor nothing holds {', '.join(unproved)} to a price; set --most-loss-bps below {BPS}"
            raise AbsurdGrant("most-loss-bps", reason)
        return
    assets = dict.fromkeys((*(spend.token for spend in terms.spends), *terms.rises))
    unpriced = [asked.tokens[token].symbol for token in assets if token not in checked.priced]
    if unpriced:
        remedy = f"name one with `oms session reference`, or compare nothing with --most-loss-bps {BPS}"
        raise AbsurdGrant("most-loss-bps", f"the executor has no reference price of {', '.join(unpriced)}; {remedy}")
    if bridges_at_a_price(terms) and asked.bridged_into == []:
        remedy = "name one with `oms session reference TOKEN FEED --far-chain ID --decimals N --max-age 1h`"
        reason = "no bridge of this session could run: no token of a chain that it bridges into has a reference price"
        raise AbsurdGrant("venue", f"{reason} (FarFeedMissing); {remedy}")


def in_time(seconds: int) -> str:
    """Unix seconds as a date in UTC; those that no calendar holds as they are."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"


def in_length(seconds: int) -> str:
    """A length of time in its largest whole unit."""
    for unit in ("w", "d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]} {unit}"
    return f"{seconds} s"


def time_left(seconds: int) -> str:
    """About how long, rounded down to a tenth of its largest unit."""
    for unit in ("w", "d", "h", "m"):
        if seconds >= _UNITS[unit]:
            return f"{seconds * 10 // _UNITS[unit] / 10:g} {unit}"
    return f"{seconds} s"


def in_words(asked: Asked, facts: GrantFacts) -> tuple[str, ...]:
    """What the key may do once this is granted, a sentence each, the worst last."""
    terms, tokens = asked.terms, asked.tokens
    sold = [f"{_amount(spend, tokens)} within any {in_length(spend.period)}" for spend in terms.spends]
    lines = [
        f"until {in_time(terms.expiry)}, {time_left(terms.expiry - facts.now)} from now on this chain",
        f"sell at most {', '.join(sold)}",
        f"take in {', '.join(tokens[token].symbol for token in terms.rises)}, and nothing else",
        f"by legs of kind {', '.join(LegKind(kind).name.lower() for kind in sorted(terms.kinds))}",
        f"with {', '.join(asked.labels.values()) or 'nobody in particular'}",
        _price_words(terms),
    ]
    lines += [words for name, words in SWITCHES.items() if getattr(terms, name)]
    lines += [f"not {words}" for name, words in SWITCHES.items() if not getattr(terms, name)]
    coin = f"{format_amount(terms.gas_budget, COIN_DECIMALS)} of the native coin in all"
    lines.append(f"spend {coin if terms.gas_budget else 'nothing'} on gas of ERC-4337 operations")
    if bridges_at_a_price(terms):
        lines.append(_bridge_words(asked.bridged_into))
    away = [kind.name.lower() for kind, rule in KIND_RULES.items() if rule.sends_away and kind in terms.kinds]
    if away:
        lines.append(f"send away by {', '.join(away)}: what leaves counts as earned, so only the limits hold it")
    return (*lines, f"whoever has this key can spend {', '.join(sold)}, again and again until somebody revokes it")


def _bridge_words(far: Sequence[FarReference] | None) -> str:
    rest = "a bridge into any other token fails (FarFeedMissing)"
    if far is None:
        return f"bridge only into tokens that have a far reference, of which this node tells nothing: {rest}"
    there = ", ".join(f"{each.token} of chain {each.chain_id}" for each in far)
    return f"bridge only into {there or 'tokens that have a far reference'}: {rest}"


def _amount(spend: GrantedSpend, tokens: Mapping[Address, Token]) -> str:
    token = tokens[spend.token]
    return f"{format_amount(spend.limit, token.decimals)} {token.symbol}"


def _price_words(terms: SessionTerms) -> str:
    if terms.most_loss_bps == BPS:
        return "AT ANY PRICE: nothing is compared, so the key may lose all that it may sell"
    return f"losing at most {terms.most_loss_bps / 100:g} % of what it sells against the owner's reference prices"
