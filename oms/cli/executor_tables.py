"""An executor and its sessions as a person and a program see them.

Owns: their layout, and their JSON. Must not: read a chain.
"""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from oms.application.granting import COIN_DECIMALS, in_length, in_time, time_left
from oms.application.plan_file import to_json_value
from oms.application.registering import READING_COSTS
from oms.cli.tables import compact_table, words
from oms.domain.token import Token
from oms.execution.executor_state import ExecutorState, Listing, SessionState, SpendState, VenueEntry
from oms.execution.leg_kinds import LegKind
from oms.execution.sessions import BPS, KIND_RULES, SWITCHES, GrantedVenue, Naming
from oms.units import ZERO_ADDRESS, Address, format_amount

Tokens = Mapping[Address, Token]


def state_json(state: ExecutorState, now: int) -> dict[str, Any]:
    """Everything that was read; integers as strings."""
    told: dict[str, Any] = to_json_value(state)
    told["venues"] = [to_json_value(each) | {"enabled": state.may_trade(each)} for each in state.venues]
    told["sessions"] = [session_json(each, now) for each in state.sessions]
    return told


def session_json(session: SessionState, now: int) -> dict[str, Any]:
    """A session with its standing, the names of its kinds, and what is spent of each limit."""
    told: dict[str, Any] = to_json_value(session)
    told["standing"] = session.standing(now)
    told["kinds"] = [kind_name(kind) for kind in sorted(session.kinds)]
    told["spends"] = [to_json_value(each) | {"spent": str(each.spent)} for each in session.spends]
    return told


def show_state(console: Console, state: ExecutorState, tokens: Tokens, now: int) -> None:
    """The executor, then what it may trade with, then its sessions."""
    console.print(f"executor [bold]{state.executor}[/] · chain {state.chain_id} · block {state.block}")
    console.print(f"  state       {'[red]paused[/]' if state.paused else '[green]runs[/]'}")
    for name, who in (
        ("owner", state.owner),
        ("pending", state.pending_owner),
        ("guardian", state.guardian),
        ("entry point", state.entry_point),
    ):
        console.print(f"  {name:<11} {'nobody' if who == ZERO_ADDRESS else who}")
    delay = in_length(state.registry_delay) if state.registry_delay else "none: additions act at once"
    console.print(f"  {'delay':<11} {delay}")
    lanes = ", ".join(f"lane {each.lane}: {each.sequence}" for each in state.lanes)
    console.print(f"  {'next nonce':<11} {lanes}")
    console.print(venues_table(state))
    _show_built_in(console, state)
    _show_registry(console, state, tokens)
    if not state.sessions:
        console.print(f"no session was granted since block {state.since}")
    for session in state.sessions:
        show_session(console, session, state, tokens, now)


def venues_table(state: ExecutorState) -> Any:
    """Factories by kind and number, with those that are disabled or switched off."""
    table = compact_table("factories")
    for title in ("kind", "number", "name", "factory or deployer", "fee"):
        table.add_column(title)
    for each in state.venues:
        where = each.deployer if each.enabled else "[red]disabled, or never added[/]"
        if each.enabled and not state.may_trade(each):
            where = f"[red]switched off[/], {each.deployer}"
        fee = f"{each.fee_pips / 100:g} bp" if each.fee_pips else ""
        table.add_row(kind_name(each.kind), str(each.number), words(each.name), where, fee)
    return table


def _show_built_in(console: Console, state: ExecutorState) -> None:
    on, off = ([words(each.name) for each in state.built_in if each.on is wanted] for wanted in (True, False))
    console.print(f"built in, on: {', '.join(on) or 'nothing'}", soft_wrap=True)
    if off:
        more = f"no plan may deal with that, and while any is off {READING_COSTS}"
        console.print(f"built in, [red]off: {', '.join(off)}[/]: {more} (`oms venue restore`)", soft_wrap=True)


def _show_registry(console: Console, state: ExecutorState, tokens: Tokens) -> None:
    for listing in state.listings:
        console.print(f"listed: {_listing(listing)}")
    for proposal in state.proposals:
        addition = proposal.addition
        what = _listing(addition) if isinstance(addition, Listing) else _addition(addition)
        when = in_time(proposal.applicable_from)
        console.print(f"[yellow]proposed[/]: {what}, from {when} on (0x{proposal.identifier.hex()})", soft_wrap=True)
    for each in state.references:
        age = in_length(each.max_age)
        console.print(f"reference: {_symbol(each.token, tokens)} by {each.feed}, at most {age} old", soft_wrap=True)
    for far in state.far_references:
        whose = f"{far.token} of chain {far.chain_id} ({far.decimals} decimals)"
        console.print(f"far reference: {whose} by {far.feed}, at most {in_length(far.max_age)} old", soft_wrap=True)


def _listing(listing: Listing) -> str:
    function = f" function 0x{listing.selector.hex()}" if any(listing.selector) else ""
    return f"{kind_name(listing.kind)} {listing.target}{function}"


def _addition(entry: VenueEntry) -> str:
    return f"{kind_name(entry.kind)} factory {entry.number} {words(entry.name)} at {entry.deployer}"


def show_session(console: Console, session: SessionState, state: ExecutorState, tokens: Tokens, now: int) -> None:
    """One key: its standing, its rules, and what is spent and left of each limit."""
    standing = session.standing(now)
    left = f", {time_left(session.expiry - now)} left" if standing == "in force" else ""
    until = f" until {in_time(session.expiry)}{left}" if session.expiry else ""
    colour = "green" if standing == "in force" else "red"
    console.print(f"session of [bold]{session.key}[/]: [{colour}]{standing}[/], grant {session.grant}{until}")
    if standing != "in force":
        return
    names = {(each.kind, each.number): each.name for each in state.venues}
    console.print(f"  kinds    {', '.join(kind_name(kind) for kind in sorted(session.kinds))}", soft_wrap=True)
    venues = ", ".join(words(venue_name(each, names)) for each in session.venues)
    console.print(f"  venues   {venues or 'none'}", soft_wrap=True)
    console.print(f"  takes in {', '.join(_symbol(each, tokens) for each in session.rises) or 'nothing'}")
    loss = int(session.rules["most_loss_bps"])
    console.print(f"  loss     {'[red]any: nothing is compared[/]' if loss == BPS else f'at most {loss / 100:g} %'}")
    console.print(f"  gas      {format_amount(int(session.rules['gas_budget']), COIN_DECIMALS)} left by ERC-4337")
    for name, meaning in SWITCHES.items():
        console.print(f"  {name:<8} {'[yellow]may[/]' if session.rules[name] else 'may not'} {words(meaning)}")
    console.print(f"  nonces   {', '.join(f'lane {each.lane}: {each.sequence}' for each in session.lanes)}")
    console.print(_spends_table(session.spends, tokens))
    if not session.told:
        console.print(
            "  [yellow]the grant's own transaction does not tell its lists[/]: there may be more than is shown"
        )


def _spends_table(spends: tuple[SpendState, ...], tokens: Tokens) -> Any:
    table = compact_table("")
    for title in ("sells", "limit", "within", "spent of late", "left"):
        table.add_column(title, justify="left" if title in ("sells", "within") else "right")
    for each in spends:
        amounts = [_exact(raw, tokens.get(each.token)) for raw in (each.limit, each.spent, each.free)]
        table.add_row(_symbol(each.token, tokens), amounts[0], in_length(each.period), *amounts[1:])
    return table


def _exact(raw: int, token: Token | None) -> str:
    return f"{raw} base units" if token is None else format_amount(raw, token.decimals)


def _symbol(token: Address, tokens: Tokens) -> str:
    if token == ZERO_ADDRESS:
        return "the native coin"
    return words(tokens[token].symbol) if token in tokens else token


def kind_name(kind: int) -> str:
    """A leg kind's name, or its number where it is not known here."""
    return LegKind(kind).name.lower() if kind in KIND_RULES else f"kind {kind}"


def venue_name(venue: GrantedVenue, names: Mapping[tuple[int, int], str]) -> str:
    """A granted venue in words."""
    kind, number = kind_name(venue.kind), int.from_bytes(venue.id, "big")
    naming = KIND_RULES[LegKind(venue.kind)].naming if venue.kind in KIND_RULES else None
    if naming is Naming.REGISTRY:
        return names.get((venue.kind, number)) or f"{kind} factory {number}"
    if naming is Naming.ADDRESS:
        return f"{kind} 0x{venue.id[12:].hex()}"
    return f"{kind} 0x{venue.id.hex()}"
