"""`oms account withdraw|guardian|offer|accept|entry-point|skip-nonces`: what an owner changes about an executor.

Owns: their options and help. Must not: decide what may be meant; `oms.application.owning` does.
"""

import click

from oms.application.owning import (
    MOST_LANES,
    accepting,
    entering,
    guarding,
    offering,
    skipping,
    withdrawal,
)
from oms.bootstrap.registry import account_facts, code_stands, holding, lane_of
from oms.bootstrap.sessions import parse_account
from oms.cli.acts import carry_out_intended, opened_by, sender_of
from oms.cli.options import OwnerActWords, owner_act
from oms.units import ZERO_ADDRESS, Address

NOBODY = "none"


@click.command()
@click.argument("token")
@click.argument("amount", metavar="AMOUNT|all")
@owner_act
def withdraw(token: str, amount: str, *, given: OwnerActWords) -> None:
    """Send what the executor holds to its owner. Works during a pause too. Only the owner may.

    TOKEN is a symbol or an address; `native` is the coin itself.

    \b
    Examples:
      oms account withdraw USDC 1000 --chain desk
      oms account withdraw native all --chain desk
      oms account withdraw WETH 2.5 --account 0x… --rpc-url URL --dry-run    the call, for the owner's own wallet
    """
    with opened_by(given) as opened:
        facts, resolved = account_facts(opened), opened.token(token, "token")
        intended = withdrawal(facts, resolved, amount, held=holding(opened, resolved.address))
        watch = [(who, resolved.address) for who in (facts.executor, facts.owner)]
        carry_out_intended(opened, "withdraw", intended, given, watch=watch)


@click.command()
@click.argument("address", metavar="ADDRESS|none")
@owner_act
def guardian(address: str, *, given: OwnerActWords) -> None:
    """Name who may stop everything beside the owner: pause, end sessions, disable, cancel. Only the owner may.

    \b
    Examples:
      oms account guardian 0x… --chain desk
      oms account guardian none --chain desk
    """
    with opened_by(given) as opened:
        intended = guarding(account_facts(opened), _somebody(address))
        carry_out_intended(opened, "guardian", intended, given)


@click.command()
@click.argument("address", metavar="ADDRESS|none")
@owner_act
def offer(address: str, *, given: OwnerActWords) -> None:
    """Offer ownership to an account, which takes it by `oms account accept`; `none` takes an offer back.

    Nothing changes hands before the other account accepts. Only the owner may.

    \b
    Examples:
      oms account offer 0x… --chain desk
      oms account offer none --chain desk
    """
    with opened_by(given) as opened:
        intended = offering(account_facts(opened), _somebody(address))
        carry_out_intended(opened, "ownership offer", intended, given)


@click.command()
@owner_act
def accept(*, given: OwnerActWords) -> None:
    """Take over an executor that was offered. Sent by whom it was offered to, unless --from says otherwise.

    What the former owner gave ends: sessions, what was signed, references, proposals, guardian, entry point. What
    stops or was applied stays: a pause, built-in venues that are off, factories and listings.

    `--account` still names the former owner: the executor's address came from it and stays.

    \b
    Examples:
      oms account accept --chain desk
      oms account accept --executor 0x… --rpc-url URL --dry-run    the call, for the new owner's own wallet
    """
    with opened_by(given) as opened:
        facts = account_facts(opened)
        sends = facts.pending_owner if given.sender is None else parse_account(given.sender)
        carry_out_intended(opened, "ownership accept", accepting(facts, sends), given, sender=sends)


@click.command("entry-point")
@click.argument("address", metavar="ADDRESS|none")
@owner_act
def entry_point(address: str, *, given: OwnerActWords) -> None:
    """Name the ERC-4337 entry point whose validated operations count as the owner's. Only the owner may.

    It is trusted with everything that the owner may do, so name only one of ERC-4337's own.

    \b
    Examples:
      oms account entry-point 0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108 --chain desk
      oms account entry-point none --chain desk
    """
    with opened_by(given) as opened:
        facts, to = account_facts(opened), _somebody(address)
        intended = entering(facts, to, stands=to != ZERO_ADDRESS and code_stands(opened, to))
        carry_out_intended(opened, "entry point", intended, given)


@click.command("skip-nonces")
@click.argument("next_number", metavar="NEXT", type=click.IntRange(1))
@click.option("--lane", type=click.IntRange(0, MOST_LANES - 1), default=0, metavar="LANE", help="Default: 0.")
@owner_act
def skip_nonces(next_number: int, *, lane: int, given: OwnerActWords) -> None:
    """Give up your own numbers of a lane below NEXT, so that nothing signed with them can run.

    The owner's are meant, or those of the session's key that --from names.

    \b
    Examples:
      oms account skip-nonces 5 --chain desk                     what was signed with 0 to 4 is void
      oms account skip-nonces 1 --lane 7 --from 0x… --chain desk   a session key's lane
    """
    with opened_by(given) as opened:
        key = sender_of(opened, given.sender)
        intended = skipping(key, lane_of(opened, key, lane), next_number)
        carry_out_intended(opened, "skip nonces", intended, given)


def _somebody(text: str) -> Address:
    """An address, or nobody's."""
    return ZERO_ADDRESS if text.lower() == NOBODY else parse_account(text)
