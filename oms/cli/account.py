"""`oms account`, `oms pause` and `oms resume`: an executor looked at, stopped and let go on."""

import json
from pathlib import Path

import click

from oms.bootstrap.accounts import OpenExecutor, open_executor
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.sessions import parse_account
from oms.cli.acts import Manner, carry_out
from oms.cli.executor_tables import show_state, state_json
from oms.cli.options import act_options, chain_options, executor_options, executor_words, opening
from oms.cli.tables import terminal
from oms.execution.account_calls import PAUSE, RESUME
from oms.units import Address


@click.command()
@executor_options
@chain_options
@click.option("--key", "keys", multiple=True, metavar="ADDRESS", help="Also this key's session; repeatable.")
@click.option("--since", type=click.IntRange(0), metavar="BLOCK", help="Search logs from here; default the first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables; integers are strings.")
def account(
    *,
    account: str | None,
    executor: str | None,
    record: Path | None,
    chain: str | None,
    rpc_url: str | None,
    recording: Path | None,
    keys: tuple[str, ...],
    since: int | None,
    as_json: bool,
) -> None:
    """An executor: whose it is, what it may trade with, and who else may have it trade. Nothing is sent.

    Logs say which keys, venues and listings there were; the executor itself is asked about each. What a session lists
    comes from the transaction that granted it, where that can be read; otherwise known tokens and venues are tried.

    \b
    Examples:
      oms account --chain desk                                    the desk's own, on a fork of `oms fork up`
      oms account --account 0x… --rpc-url https://your-node       an owner's
      oms account --executor 0x… --rpc-url URL --since 20000000   where the node keeps logs only so far
      oms account --record deployments/1-mine.json --rpc-url URL --json
    """
    words = executor_words(account, executor, record)
    settings = load_settings()
    with open_executor(settings, opening(chain, rpc_url, recording, settles=False), words) as opened:
        state = opened.state(since=since, keys=[parse_account(key) for key in keys])
        now = opened.now()
        if as_json:
            click.echo(json.dumps(state_json(state, now), indent=1))
            return
        show_state(terminal(), state, opened.tokens, now)


@click.command()
@executor_options
@chain_options
@act_options
def pause(
    *,
    account: str | None,
    executor: str | None,
    record: Path | None,
    chain: str | None,
    rpc_url: str | None,
    recording: Path | None,
    sender: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Stop every plan of an executor, the owner's own included. The owner or the guardian may.

    Withdrawals stay possible, and only the owner can resume.

    \b
    Examples:
      oms pause --chain desk
      oms pause --chain desk --from 0x…           as the guardian
      oms pause --account 0x… --rpc-url URL --dry-run    the call, to be sent from the owner's own wallet
    """
    words = executor_words(account, executor, record)
    with open_executor(load_settings(), opening(chain, rpc_url, recording, settles=True), words) as opened:
        act = opened.act("pause", PAUSE, sender_of(opened, sender), takes_away=True)
        carry_out(opened, act, Manner(dry_run, as_json))


@click.command()
@executor_options
@chain_options
@act_options
def resume(
    *,
    account: str | None,
    executor: str | None,
    record: Path | None,
    chain: str | None,
    rpc_url: str | None,
    recording: Path | None,
    sender: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let plans run again after a pause. Only the owner may.

    \b
    Examples:
      oms resume --chain desk
      oms resume --account 0x… --rpc-url URL --dry-run
    """
    words = executor_words(account, executor, record)
    with open_executor(load_settings(), opening(chain, rpc_url, recording, settles=True), words) as opened:
        act = opened.act("resume", RESUME, sender_of(opened, sender))
        carry_out(opened, act, Manner(dry_run, as_json))


def sender_of(opened: OpenExecutor, sender: str | None) -> Address:
    """Who sends: whoever was named, or the executor's owner."""
    return opened.owner() if sender is None else parse_account(sender)
