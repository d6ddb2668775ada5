"""`oms session`: keys that may trade within bounds, granted, listed and revoked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from oms.application.granting import Asked, GrantFacts, GrantWords, in_words, merged, read_grant_file, seconds_of
from oms.application.owning import Intended, far_pricing
from oms.application.plan_file import to_json_value
from oms.bootstrap.accounts import open_executor
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.sessions import parse_account
from oms.cli.acts import Manner, carry_out, sender_of
from oms.cli.executor_tables import session_json, show_session
from oms.cli.options import ActWords, LookWords, OwnerActWords, executor_act, executor_look, owner_act
from oms.cli.tables import terminal, words
from oms.errors import InvalidRequest, StateConflict
from oms.execution.account_calls import reference_call
from oms.execution.sessions import MAX_DECIMALS, SWITCHES, grant_call, revoke_call
from oms.units import ZERO_ADDRESS

F = Callable[..., Any]


@click.group()
def session() -> None:
    """Keys other than the owner's, each with what it may trade, how much of it, and until when.

    \b
    Examples:
      oms session grant --key 0x… --until 7d --venue uniswap_v3 --spend 10:WETH/1d --rise USDC --most-loss-bps 50
      oms session list --chain desk
      oms session revoke 0x… --chain desk
      oms session reference WETH 0x… --max-age 1h        what a floor compares with
      oms session reference DAI 0x… --max-age 1d --far-chain 10        ... over a bridge
    """


def _switches(command: F) -> F:
    """An option for each switch that a grant has."""
    for name, meaning in reversed(list(SWITCHES.items())):
        option = click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=f"Let it {meaning}.")
        command = option(command)
    return command


@session.command()
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--key", default="", metavar="ADDRESS", help="Whom the session is for.")
@click.option("--until", default="", metavar="WHEN", help="7d from now, 2026-12-01T00:00:00Z, or Unix seconds.")
@click.option("--venue", "venues", multiple=True, metavar="VENUE", help="A factory by name, or KIND:WHOM. Repeat it.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="A kind of leg that names nobody, as wrap.")
@click.option("--spend", "spends", multiple=True, metavar="AMOUNT:TOKEN/PERIOD", help="What it may sell. Repeat it.")
@click.option("--rise", "rises", multiple=True, metavar="TOKEN", help="What may come in. Repeat it.")
@click.option(
    "--most-loss-bps", type=int, metavar="BPS", help="Below the owner's reference prices; 10000 compares nothing."
)
@click.option("--gas-budget", default="", metavar="COINS", help="Native coin for its ERC-4337 operations. Default: 0.")
@_switches
@owner_act
def grant(
    file: Path | None,
    *,
    key: str,
    until: str,
    venues: tuple[str, ...],
    kinds: tuple[str, ...],
    spends: tuple[str, ...],
    rises: tuple[str, ...],
    most_loss_bps: int | None,
    gas_budget: str,
    given: OwnerActWords,
    **switches: bool,
) -> None:
    """Let a key trade within bounds. Says in plain words what it may do, and asks before anything is sent.

    FILE is TOML or JSON with the same terms: key, until, venues, kinds, spends, rises, most_loss_bps, gas_budget, and
    switches such as may_pull. What is typed beside it replaces or adds. Whatever the key was granted before ends.

    A VENUE is a factory of this chain by name (uniswap_v3, sushiswap: all of its pools), or a kind of leg and whom it
    deals with: concentrated:3, uniswap_v4:WETH/USDC:500:10, curve_stable:0x…, balancer:0x…, maker_quote:0x….

    What bounds nothing is refused: no end or one beyond a year, no limit, one that is the whole supply or free again
    within a minute, kinds that only a floor holds to a price without one, tokens without a reference price, bridges
    where no token of another chain has one.

    \b
    Examples:
      oms session grant --key 0x… --until 7d --venue uniswap_v3 --spend 10:WETH/1d --rise USDC --most-loss-bps 50
      oms session grant terms.toml --dry-run
      oms session grant terms.toml --until 12h --yes --json
    """
    typed = GrantWords(
        key,
        until,
        most_loss_bps,
        venues,
        kinds,
        spends,
        rises,
        gas_budget,
        frozenset(name for name, switched_on in switches.items() if switched_on),
    )
    asked_words = typed if file is None else merged(typed, read_grant_file(file))
    which = given.which
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        facts = opened.grant_facts()
        asked = opened.asked(asked_words, facts)
        if not given.as_json:
            _show_grant(asked, facts)
        act = opened.act("session grant", grant_call(asked.key, asked.terms), sender_of(opened, given.sender))
        told = {"key": asked.key, "terms": to_json_value(asked.terms), "words": list(in_words(asked, facts))}
        carry_out(
            opened,
            act,
            Manner(given.dry_run, given.as_json, asks=not given.yes),
            results=lambda _previewed, _sent: told,
        )


def _show_grant(asked: Asked, facts: GrantFacts) -> None:
    console = terminal()
    console.print(f"on {facts.executor} the key [bold]{asked.key}[/] may")
    *lines, worst = in_words(asked, facts)
    for line in lines:
        console.print(f"  · {words(line)}", soft_wrap=True)
    console.print(f"[yellow]{words(worst)}[/]", soft_wrap=True)


@session.command()
@click.argument("key", metavar="KEY")
@executor_act
def revoke(key: str, *, given: ActWords) -> None:
    """End a key's session from this call on, with all that it signed. The owner or the guardian may.

    \b
    Examples:
      oms session revoke 0x… --chain desk
      oms session revoke 0x… --account 0x… --rpc-url URL --dry-run    the call, for the owner's own wallet
    """
    which, whose = given.which, parse_account(key)
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        sends = sender_of(opened, given.sender)
        if opened.granted(whose) == 0:
            raise StateConflict("key", f"{whose} was never granted a session; `oms session list` shows those that were")
        act = opened.act("session revoke", revoke_call(whose), sends, takes_away=True)
        carry_out(opened, act, Manner(given.dry_run, given.as_json))


@session.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended or expired.")
@click.option("--key", "keys", multiple=True, metavar="ADDRESS", help="Also this key's; repeatable.")
@click.option("--since", type=click.IntRange(0), metavar="BLOCK", help="Search logs from here; default the first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text; integers are strings.")
@executor_look
def list_sessions(
    *,
    everything: bool,
    keys: tuple[str, ...],
    since: int | None,
    as_json: bool,
    given: LookWords,
) -> None:
    """Sessions in force: what each key may do, what it has spent of late, and what is left.

    A limit counts what was sold in the running third of its period and the three before.

    \b
    Examples:
      oms session list --chain desk
      oms session list --account 0x… --rpc-url https://your-node --since 20000000 --json
    """
    which = given.which
    with open_executor(load_settings(), given.opening(settles=False), which) as opened:
        state, now = opened.state(since=since, keys=[parse_account(key) for key in keys]), opened.now()
        shown = [each for each in state.sessions if everything or each.standing(now) == "in force"]
        if as_json:
            told = {"executor": state.executor, "since": str(state.since), "time": str(now)}
            click.echo(json.dumps(told | {"sessions": [session_json(each, now) for each in shown]}, indent=1))
            return
        console = terminal()
        if not shown:
            others = f"; {len(state.sessions)} ended or expired, see --all" if state.sessions else ""
            console.print(f"no session is in force on {state.executor}{others}")
        for each in shown:
            show_session(console, each, state, opened.tokens, now)


@session.command()
@click.argument("token")
@click.argument("feed", metavar="FEED|none")
@click.option("--max-age", default="", metavar="TIME", help="As 1h: how old an answer may be. Needed with a feed.")
@click.option("--far-chain", type=click.IntRange(1, 2**64 - 1), metavar="ID", help="TOKEN is of that chain.")
@click.option("--decimals", type=click.IntRange(0, MAX_DECIMALS), metavar="N", help="The token's there; see below.")
@executor_act
def reference(
    token: str,
    feed: str,
    *,
    max_age: str,
    far_chain: int | None,
    decimals: int | None,
    given: ActWords,
) -> None:
    """Name the price feed by which sessions' floors are reckoned, or `none`. Only the owner may.

    FEED answers as Chainlink's do. All feeds of an executor must answer in one currency.

    With --far-chain, by its number, TOKEN is of that chain and FEED of the executor's: what a bridge asks for there.
    Without such a price no session with a floor may bridge into it. Nothing here can ask that token, so its --decimals
    are needed where it is not among the tokens that are known.

    \b
    Examples:
      oms session reference WETH 0x… --max-age 1h --chain desk
      oms session reference WETH none --chain desk
      oms session reference 0x… 0x… --max-age 1d --far-chain 10 --decimals 6 --chain desk
      oms session reference DAI none --far-chain 10 --chain desk
    """
    which = given.which
    if feed != "none" and not max_age:
        raise InvalidRequest("max-age", "is missing; say how old an answer of the feed may be, as 1h")
    if decimals is not None and far_chain is None:
        raise InvalidRequest("decimals", "are only said of a token on another chain; leave them out or add --far-chain")
    resolved = ZERO_ADDRESS if feed == "none" else parse_account(feed)
    seconds = seconds_of(max_age, option="max-age") if max_age else 0
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        if far_chain is None:
            intended = Intended(reference_call(opened.token(token, "token").address, resolved, seconds), ())
        else:
            far = opened.far_token(token, far_chain)
            intended = far_pricing(far, resolved, here=opened.chain_id, max_age=seconds, decimals=decimals)
        if not given.as_json:
            for line in intended.words:
                terminal().print(words(line), soft_wrap=True)
        act = opened.act("session reference", intended.data, sender_of(opened, given.sender))
        told = {"words": list(intended.words)} if intended.words else {}
        carry_out(opened, act, Manner(given.dry_run, given.as_json), results=lambda _previewed, _sent: told)
