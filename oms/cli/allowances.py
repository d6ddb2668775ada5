"""`oms allowances`: whether anything of an owner's stands approved to an executor."""

import json

import click
from rich.table import Table

from oms.application.plan_file import to_json_value
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.custody import Allowance, Approvals, ApprovalWords, find_approvals
from oms.bootstrap.sessions import parse_account
from oms.cli.options import ChainWords, on_chain
from oms.cli.tables import terminal, words
from oms.errors import StateConflict


@click.command()
@click.argument("owner", metavar="OWNER")
@on_chain
@click.option("--executor", "executors", multiple=True, metavar="ADDRESS", help="A further executor; repeatable.")
@click.option("--token", "tokens", multiple=True, metavar="TOKEN", help="A further token; repeatable.")
@click.option("--since", type=click.IntRange(0), metavar="BLOCK", help="Also any token approved since, by the logs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table; integers are strings.")
def allowances(
    owner: str,
    *,
    given: ChainWords,
    executors: tuple[str, ...],
    tokens: tuple[str, ...],
    since: int | None,
    as_json: bool,
) -> None:
    """What OWNER lets executors take now, by ERC-20 and by Permit2 allowances. Nothing is sent.

    An executor needs none between plans: exit code 0 says that none stands, 3 that one does, or cannot be read. Looks
    at every known token, at the executor that belongs to OWNER, at its parts, and at each --executor.

    \b
    Examples:
      oms allowances 0x… --rpc-url https://your-node
      oms allowances 0x… --rpc-url https://your-node --since 20000000     tokens that nobody listed, too
      oms allowances 0x… --chain devnet --executor 0x… --token 0x…
    """
    asked = ApprovalWords(
        parse_account(owner), tuple(parse_account(each) for each in executors), tokens=tokens, since=since
    )
    found = find_approvals(load_settings(), given.opening(settles=False), asked)
    if as_json:
        shown = [to_json_value(each) | {"stands": each.stands} for each in found.found]
        click.echo(json.dumps({"none_stands": not found.standing, "allowances": shown}, indent=1))
    else:
        _show(found)
    if found.standing:
        one = found.standing[0]
        more = f" and {len(found.standing) - 1} more" if len(found.standing) > 1 else ""
        reason = f"{_said(one)} {found.tokens[one.token]} to {one.spender} by {one.kind}{more}; revoke it"
        raise StateConflict("allowance", f"stands: {reason}")


def _show(found: Approvals) -> None:
    looked = f"{len(found.tokens)} tokens, {len(found.spenders)} spenders, {len(found.found)} allowances read"
    left = [each for each in found.found if each.amount != 0]
    if not left:
        click.echo(f"none stands: {looked}, all zero")
        return
    table = Table(title=looked, title_justify="left")
    for title in ("token", "spender", "by", "amount", ""):
        table.add_column(title)
    for each in left:
        state = "[red]stands[/]" if each.stands else "expired"
        token, spender = words(found.tokens[each.token]), words(found.spenders[each.spender])
        table.add_row(token, spender, each.kind, _said(each), state)
    terminal().print(table)


def _said(allowance: Allowance) -> str:
    if allowance.amount is None:
        return "an unreadable amount of"
    return "everything of" if allowance.amount >= 2**128 else f"{allowance.amount} of"
