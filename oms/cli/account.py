"""`oms account`, `oms pause` and `oms resume`: an executor looked at, changed, stopped and let go on."""

import json
from collections.abc import Mapping

import click

from oms.bootstrap.accounts import open_executor
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.sessions import parse_account
from oms.cli.account_acts import accept, entry_point, guardian, offer, skip_nonces, withdraw
from oms.cli.acts import Manner, carry_out, sender_of
from oms.cli.executor_tables import show_state, state_json
from oms.cli.options import ActWords, LookWords, executor_act, executor_look
from oms.cli.tables import terminal
from oms.errors import InvalidRequest
from oms.execution.account_calls import PAUSE, RESUME


@click.group(invoke_without_command=True)
@executor_look
@click.option("--key", "keys", multiple=True, metavar="ADDRESS", help="Also this key's session; repeatable.")
@click.option("--since", type=click.IntRange(0), metavar="BLOCK", help="Search logs from here; default the first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
@click.pass_context
def account(
    context: click.Context,
    *,
    given: LookWords,
    keys: tuple[str, ...],
    since: int | None,
    as_json: bool,
) -> None:
    """An executor: whose it is, what it may trade with, and who else may have it trade. Alone it sends nothing.

    With one of the commands below it changes whose it is: each says what will be so, simulates, and asks.

    Logs say which keys, venues and listings there were; the executor itself is asked about each. What a session lists
    comes from the transaction that granted it, where that can be read; otherwise known tokens and venues are tried.

    \b
    Examples:
      oms account --chain desk                                    the desk's own, on a fork of `oms fork up`
      oms account --account 0x… --rpc-url https://your-node       an owner's
      oms account --executor 0x… --rpc-url URL --since 20000000   where the node keeps logs only so far
      oms account --record deployments/1-mine.json --rpc-url URL --json
      oms account withdraw USDC 100 --chain desk
    """
    if context.invoked_subcommand is not None:
        _hand_on(context, unusable={"key": bool(keys), "since": since is not None})
        return
    which = given.which
    settings = load_settings()
    with open_executor(settings, given.opening(settles=False), which) as opened:
        state = opened.state(since=since, keys=[parse_account(key) for key in keys])
        now = opened.now()
        if as_json:
            click.echo(json.dumps(state_json(state, now), indent=1))
            return
        show_state(terminal(), state, opened.tokens, now)


def _hand_on(context: click.Context, *, unusable: Mapping[str, bool]) -> None:
    """Options before a command's name are the command's. Raises `InvalidRequest` for those that it does not have."""
    name = str(context.invoked_subcommand)
    for option in (option for option, given in unusable.items() if given):
        raise InvalidRequest(option, f"is of no use to `oms account {name}`; leave it out")
    typed = {key: value for key, value in context.params.items() if value not in (None, False, ())}
    context.default_map = {name: typed}


for each in (withdraw, guardian, offer, accept, entry_point, skip_nonces):
    account.add_command(each)


@click.command()
@executor_act
def pause(*, given: ActWords) -> None:
    """Stop every plan of an executor, the owner's own included. The owner or the guardian may.

    Withdrawals stay possible, and only the owner can resume.

    \b
    Examples:
      oms pause --chain desk
      oms pause --chain desk --from 0x…           as the guardian
      oms pause --account 0x… --rpc-url URL --dry-run    the call, to be sent from the owner's own wallet
    """
    which = given.which
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        act = opened.act("pause", PAUSE, sender_of(opened, given.sender), takes_away=True)
        carry_out(opened, act, Manner(given.dry_run, given.as_json))


@click.command()
@executor_act
def resume(*, given: ActWords) -> None:
    """Let plans run again after a pause. Only the owner may.

    \b
    Examples:
      oms resume --chain desk
      oms resume --account 0x… --rpc-url URL --dry-run
    """
    which = given.which
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        act = opened.act("resume", RESUME, sender_of(opened, given.sender))
        carry_out(opened, act, Manner(given.dry_run, given.as_json))
