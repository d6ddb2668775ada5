"""`oms venue` and `oms listing`: what an executor may trade with, added slowly and taken away at once.

Owns: their options and help. Must not: decide what may be added; `oms.application.registering` does.
"""

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

from oms.application.acting import Previewed
from oms.application.granting import in_time
from oms.application.plan_file import to_json_value
from oms.application.registering import (
    LISTED,
    RegistryFacts,
    applying,
    built_in_of,
    cancelling,
    disabling,
    is_identifier,
    listing_of,
    place_of,
    proposing,
    restored_of,
    switching,
    venue_entry,
    waiting,
)
from oms.bootstrap.accounts import OpenExecutor
from oms.bootstrap.registry import applicable_from, is_listed, present_venue, registry_facts
from oms.bootstrap.sessions import parse_account
from oms.cli.acts import Results, Sent, carry_out_intended, opened_by
from oms.cli.options import OwnerActWords, owner_act
from oms.errors import InvalidRequest, StateConflict
from oms.execution.executor_state import Proposal, VenueEntry

F = Callable[..., Any]


@click.group()
def venue() -> None:
    """Factories whose pools an executor may trade with, and venues that stand in its code.

    What adds a factory is proposed, and applied once the registry's delay has passed; what takes one away acts at once.
    What stands in the code is switched off and on, both at once. `oms account` shows the factories, the delay, the
    proposals that wait and what is off.

    \b
    Examples:
      oms venue propose sushiswap --chain desk
      oms venue apply sushiswap --chain desk
      oms venue disable sushiswap --chain desk
      oms venue disable uniswap_v2 --chain desk
      oms venue restore uniswap_v2 --chain desk
    """


@click.group()
def listing() -> None:
    """Whom plans may pay, bridge to or call.

    What adds one is proposed, and applied once the registry's delay has passed; what takes one away acts at once.

    \b
    Examples:
      oms listing propose payout 0x… --chain desk
      oms listing propose call 0x… 'deposit(uint256)' --chain desk
      oms listing apply payout 0x… --chain desk
      oms listing disable payout 0x… --chain desk
    """


def _since(command: F) -> F:
    option = click.option(
        "--since", type=click.IntRange(0), metavar="BLOCK", help="Search logs of proposals from here."
    )
    return option(command)


_VENUE = click.argument("venue", metavar="VENUE")
_MEANT = click.argument("meant", metavar="VENUE|PROPOSAL")


@venue.command("propose")
@_VENUE
@click.option("--deployer", metavar="ADDRESS", help="Of a factory that has no name here; the Solidly factory itself.")
@click.option("--init-code-hash", default="", metavar="HASH", help="Its pools'; none for Solidly.")
@click.option("--fee-pips", type=click.IntRange(0, 999_999), metavar="PIPS", help="Of constant_product pairs alone.")
@_since
@owner_act
def propose_venue(
    venue: str,
    *,
    deployer: str | None,
    init_code_hash: str,
    fee_pips: int | None,
    since: int | None,
    given: OwnerActWords,
) -> None:
    """Announce a factory; says when it can be applied. Only the owner may.

    VENUE is a factory of this chain by name, or KIND:NUMBER with all that belongs to it: constant_product,
    concentrated or solidly, and a number from 1 to 255, under which sessions are granted it.

    \b
    Examples:
      oms venue propose sushiswap --chain desk
      oms venue propose concentrated:9 --deployer 0x… --init-code-hash 0x… --chain desk
      oms venue propose constant_product:9 --deployer 0x… --init-code-hash 0x… --fee-pips 2500 --chain desk
    """
    with opened_by(given) as opened:
        facts = registry_facts(opened, since=since)
        address = None if deployer is None else parse_account(deployer)
        entry = venue_entry(venue, facts, deployer=address, init_code_hash=init_code_hash, fee_pips=fee_pips)
        present = present_venue(opened, (entry.kind, entry.number))
        intended = proposing(entry, facts, present=present)
        told = _Proposed(opened, f"oms venue apply {venue}")
        carry_out_intended(opened, "venue propose", intended, given, results=told.results, shown=told.shown)


@venue.command("apply")
@_MEANT
@_since
@owner_act
def apply_venue(meant: str, *, since: int | None, given: OwnerActWords) -> None:
    """Add a factory that was proposed, once its time has come. Only the owner may.

    \b
    Examples:
      oms venue apply sushiswap --chain desk
      oms venue apply concentrated:9 --chain desk
    """
    with opened_by(given) as opened:
        facts = registry_facts(opened, since=since)
        proposal = _waiting_venue(meant, facts)
        carry_out_intended(opened, "venue apply", applying(proposal, facts), given, results=_naming(proposal))


@venue.command("cancel")
@_MEANT
@_since
@owner_act
def cancel_venue(meant: str, *, since: int | None, given: OwnerActWords) -> None:
    """Drop a factory's proposal, at once. The owner or the guardian (--from) may.

    \b
    Examples:
      oms venue cancel sushiswap --chain desk
      oms venue cancel 0x… --from 0x… --chain desk      a proposal by its identifier, as the guardian
    """
    with opened_by(given) as opened:
        proposal = _waiting_venue(meant, registry_facts(opened, since=since))
        carry_out_intended(opened, "venue cancel", cancelling(proposal), given, results=_naming(proposal))


@venue.command("disable")
@_VENUE
@owner_act
def disable_venue(venue: str, *, given: OwnerActWords) -> None:
    """Take a factory away, or switch off what stands in the code, at once. The owner or the guardian (--from) may.

    What stands in the code goes by its name, or its kind and 0: uniswap_v2, uniswap_v3, or any other kind of leg, of
    which all is meant. While one is off every plan costs more gas, the owner's about 12,000; `oms venue restore` ends
    that.

    \b
    Examples:
      oms venue disable sushiswap --chain desk
      oms venue disable solidly:1 --from 0x… --chain desk       as the guardian
      oms venue disable uniswap_v2 --chain desk
      oms venue disable balancer:0 --from 0x… --chain desk
    """
    with opened_by(given) as opened:
        facts = registry_facts(opened, proposals=False)
        built_in = built_in_of(venue, facts)
        if built_in is None:
            intended = disabling(present_venue(opened, place_of(venue, facts)), facts)
        else:
            intended = switching(built_in, facts, on=False)
        carry_out_intended(opened, "venue disable", intended, given)


@venue.command("restore")
@_VENUE
@owner_act
def restore_venue(venue: str, *, given: OwnerActWords) -> None:
    """Switch on again what stands in the code and was switched off, at once. Only the owner may.

    A factory that was disabled does not come back so, but by `oms venue propose`.

    \b
    Examples:
      oms venue restore uniswap_v2 --chain desk
      oms venue restore balancer:0 --chain desk
    """
    with opened_by(given) as opened:
        facts = registry_facts(opened, proposals=False)
        intended = switching(restored_of(venue, facts), facts, on=True)
        carry_out_intended(opened, "venue restore", intended, given)


def _listing_words(command: F) -> F:
    kinds = "|".join(kind.name.lower() for kind in LISTED)
    for argument in (
        click.argument("function", metavar="[FUNCTION]", required=False),
        click.argument("target", metavar="ADDRESS"),
        click.argument("kind", metavar=kinds),
    ):
        command = argument(command)
    return command


@listing.command("propose")
@_listing_words
@_since
@owner_act
def propose_listing(kind: str, target: str, function: str | None, *, since: int | None, given: OwnerActWords) -> None:
    """Announce a payee, a receiver of bridged tokens, or a function; says when it can be applied. The owner may.

    FUNCTION, of `call` alone, is a signature with its full types, or its selector. Tokens, and functions that move
    allowances or tokens, are refused by the executor.

    \b
    Examples:
      oms listing propose payout 0x… --chain desk
      oms listing propose across 0x… --chain desk
      oms listing propose call 0x… 'deposit(uint256)' --chain desk
    """
    with opened_by(given) as opened:
        what = listing_of(kind, parse_account(target), function)
        facts = registry_facts(opened, since=since)
        intended = proposing(what, facts, present=is_listed(opened, what))
        told = _Proposed(opened, f"oms listing apply {' '.join(_spelt(kind, target, function))}")
        carry_out_intended(opened, "listing propose", intended, given, results=told.results, shown=told.shown)


@listing.command("apply")
@_listing_words
@_since
@owner_act
def apply_listing(kind: str, target: str, function: str | None, *, since: int | None, given: OwnerActWords) -> None:
    """Add what was proposed, once its time has come. Only the owner may.

    \b
    Examples:
      oms listing apply payout 0x… --chain desk
      oms listing apply call 0x… 'deposit(uint256)' --chain desk
    """
    with opened_by(given) as opened:
        facts = registry_facts(opened, since=since)
        proposal = waiting(facts, listing=listing_of(kind, parse_account(target), function))
        carry_out_intended(opened, "listing apply", applying(proposal, facts), given, results=_naming(proposal))


@listing.command("cancel")
@_listing_words
@_since
@owner_act
def cancel_listing(kind: str, target: str, function: str | None, *, since: int | None, given: OwnerActWords) -> None:
    """Drop a listing's proposal, at once. The owner or the guardian (--from) may.

    \b
    Examples:
      oms listing cancel payout 0x… --chain desk
      oms listing cancel payout 0x… --from 0x… --chain desk      as the guardian
    """
    with opened_by(given) as opened:
        what = listing_of(kind, parse_account(target), function)
        proposal = waiting(registry_facts(opened, since=since), listing=what)
        carry_out_intended(opened, "listing cancel", cancelling(proposal), given, results=_naming(proposal))


@listing.command("disable")
@_listing_words
@owner_act
def disable_listing(kind: str, target: str, function: str | None, *, given: OwnerActWords) -> None:
    """Take a payee, a receiver or a function off the list, at once. The owner or the guardian (--from) may.

    \b
    Examples:
      oms listing disable payout 0x… --chain desk
      oms listing disable call 0x… 0xb6b55f25 --from 0x… --chain desk      as the guardian
    """
    with opened_by(given) as opened:
        what = listing_of(kind, parse_account(target), function)
        if not is_listed(opened, what):
            raise StateConflict("registry", f"{kind} {target} is not listed; see `oms account`")
        carry_out_intended(opened, "listing disable", disabling(what, registry_facts(opened, proposals=False)), given)


class _Proposed:
    """Which proposal came of it and when it can be applied, for a person and in JSON."""

    def __init__(self, opened: OpenExecutor, apply_by: str) -> None:
        self._opened = opened
        self._apply_by = apply_by

    def results(self, previewed: Previewed, sent: Sent | None) -> dict[str, Any]:
        """The identifier by the simulation, and once it is sent what the executor says of it."""
        identifier = previewed.simulation.output
        told: dict[str, Any] = {"proposal": f"0x{identifier.hex()}" if len(identifier) == 32 else None}
        if sent is not None:
            told["applicable_from"] = str(applicable_from(self._opened, identifier))
        return told

    def shown(self, console: Console, previewed: Previewed, sent: Sent | None) -> None:
        """Once it is sent, from when on, and by which command."""
        if sent is None:
            return
        when = in_time(applicable_from(self._opened, previewed.simulation.output))
        console.print(f"it can be applied from {when} on, by `{self._apply_by}`", soft_wrap=True)


def _naming(proposal: Proposal) -> Results:
    """Which proposal is meant, in JSON."""
    told = {"proposal": to_json_value(proposal)}
    return lambda _previewed, _sent: told


def _waiting_venue(meant: str, facts: RegistryFacts) -> Proposal:
    if is_identifier(meant):
        proposal = waiting(facts, identifier=meant)
        if not isinstance(proposal.addition, VenueEntry):
            raise InvalidRequest("venue", f"{meant} proposes a listing; use `oms listing`")
        return proposal
    return waiting(facts, place=place_of(meant, facts))


def _spelt(kind: str, target: str, function: str | None) -> tuple[str, ...]:
    return (kind, target) if function is None else (kind, target, f"'{function}'")
