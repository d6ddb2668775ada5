"""`oms sign`, `oms relay` and `oms batch`: plans that are signed, sent for somebody else, and sent several at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from oms.application.acting import Previewed, nothing_taken_from, require_sound, results_of, something_done
from oms.application.plan_file import read_plan
from oms.application.relaying import SignedPlans, plans_within, read_signed, signed_checks, signed_json
from oms.application.sending import GateDenied
from oms.bootstrap.accounts import OpenExecutor, open_executor
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.executor_words import ExecutorWords
from oms.bootstrap.sessions import DESK, parse_account
from oms.cli.acts import Manner, Sent, act_json, carry_out, sender_of, show_placed, show_preview
from oms.cli.options import ActWords, LookWords, RelayWords, check_destination, executor_act, executor_look, relayed_act
from oms.cli.reverts import revert_json
from oms.cli.swap import write_json
from oms.cli.tables import compact_table, terminal, words
from oms.domain.plans import RoutePlan
from oms.domain.token import TokenAmount
from oms.errors import InvalidRequest, StateConflict
from oms.execution.plan_codec import Bound, PackedPlan
from oms.execution.revert_reasons import explain_revert
from oms.execution.signed_plans import PlanResult, SignedBatch, batch_call, signed_call
from oms.units import ZERO_ADDRESS, Address

CONTINUE = "PLACES"


def continue_mask(text: str | None, count: int) -> int:
    """Bit `i` for each plan that may fail without ending the batch: `all`, or places from 1, as `2,3`."""
    if text is None:
        return 0
    if text == "all":
        return (1 << count) - 1
    mask = 0
    for part in text.split(","):
        place = int(part) if part.strip().isdecimal() and len(part) < 5 else 0
        if not 1 <= place <= count:
            raise InvalidRequest("continue", f"{part[:20]!r} is no place of a plan here; write 1 to {count}, or all")
        mask |= 1 << (place - 1)
    return mask


@click.command()
@click.argument("plan_paths", metavar="PLAN.json...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--continue", "goes_on", metavar=CONTINUE, help="Plans that may fail: places as 2,3, or all. Else none.")
@executor_act
def batch(
    plan_paths: tuple[Path, ...],
    *,
    goes_on: str | None,
    given: ActWords,
) -> None:
    """Settle several plans in one transaction, in this order, each whole or not at all.

    Where a plan does not run, everything is undone, unless --continue names its place: then the next one runs. Plans
    trade what the executor itself holds; nothing is approved or pulled. A session's key may send its own with --from.

    \b
    Examples:
      oms swap 5 WETH USDC --chain desk --dry-run --plan a.json --venues uniswap_v3 --deadline 3600
      oms batch a.json b.json --chain desk
      oms batch a.json b.json c.json --chain desk --continue 2,3
      oms batch a.json b.json --chain desk --continue all --dry-run --json
    """
    plans = [read_plan(path) for path in plan_paths]
    mask = continue_mask(goes_on, len(plans))
    which = given.which
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        prepared = opened.prepared(plans)
        data = batch_call(prepared.packed, mask)
        act = opened.act(
            "batch", data, sender_of(opened, given.sender), findings=prepared.findings, watch=prepared.watch
        )
        telling = _Telling(opened, [_traded(plan, path) for plan, path in zip(plans, plan_paths, strict=True)])
        carry_out(
            opened,
            act,
            Manner(given.dry_run, given.as_json),
            results=telling.as_json,
            shown=telling.show,
            also=_nothing_done_is_refused,
        )


@dataclass(frozen=True, slots=True)
class Traded:
    """A plan of a batch: what it is called, what it trades in words, and the tokens that its result is about."""

    name: str
    words: str
    sold: Address
    bought: Address


def _traded(plan: RoutePlan, path: Path) -> Traded:
    given, wanted = plan.intent.token_in, plan.intent.token_out
    least = TokenAmount(wanted, plan.chain_amount_out_min)
    said = f"{TokenAmount(given, plan.chain_amount_in)} for at least {least}"
    return Traded(path.name, said, given.address, wanted.address)


def _nothing_done_is_refused(previewed: Previewed) -> Previewed:
    if not previewed.simulation.succeeded:
        return previewed
    return replace(previewed, findings=(*previewed.findings, something_done(results_of(previewed.simulation))))


class _Telling:
    """What each plan of a batch would do, and did."""

    def __init__(self, opened: OpenExecutor, plans: Sequence[Traded]) -> None:
        self._opened = opened
        self._plans = plans

    def as_json(self, previewed: Previewed, sent: Sent | None) -> dict[str, Any]:
        """Each plan's result before, and after if it was sent."""
        told: dict[str, Any] = {}
        if previewed.simulation.succeeded:
            told["simulated"] = [self._result_json(each) for each in results_of(previewed.simulation)]
        if sent is not None:
            told["results"] = [self._result_json(each) for each in self._done(sent)]
        return told

    def show(self, console: Console, previewed: Previewed, sent: Sent | None) -> None:
        """A line for each plan."""
        if sent is None and not previewed.simulation.succeeded:
            return
        results = results_of(previewed.simulation) if sent is None else self._done(sent)
        table = compact_table("would do" if sent is None else "did")
        state = "[green]runs[/]" if sent is None else "[green]done[/]"
        for title in ("", "plan", "trades", "sold", "bought", ""):
            table.add_column(title, overflow="fold")
        for index, (plan, each) in enumerate(zip(self._plans, results, strict=True), 1):
            table.add_row(str(index), words(plan.name), words(plan.words), *self._outcome(plan, each, state))
        console.print(table)

    def _outcome(self, plan: Traded, result: PlanResult, state: str) -> tuple[str, str, str]:
        if not result.done:
            return "", "", f"[red]{words(explain_revert(result.reason).sentence)}[/]"
        sold, bought = (
            words(_amount_words(self._opened, token, raw))
            for token, raw in ((plan.sold, result.spent), (plan.bought, result.received))
        )
        return sold, bought, state

    def _done(self, sent: Sent) -> Sequence[PlanResult]:
        return self._opened.done(sent.receipt.transaction_hash, len(self._plans))

    def _result_json(self, result: PlanResult) -> dict[str, Any]:
        told: dict[str, Any] = {"done": result.done, "spent": str(result.spent), "received": str(result.received)}
        return told if result.done else told | {"revert": revert_json(explain_revert(result.reason), result.reason)}


@click.command()
@click.argument("plan_paths", metavar="PLAN.json...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "out", type=click.Path(path_type=Path), help="Where the signed plans go. Needed to sign.")
@click.option("--key", metavar="ADDRESS", help="Who signs: a session's key. Default: the executor's owner.")
@click.option("--continue", "goes_on", metavar=CONTINUE, help="Plans that may fail: places as 2,3, or all. Else none.")
@click.option("--lane", type=click.IntRange(0, 2**32 - 1), help="Signed plans of a lane run in order. Default: lane 0.")
@click.option("--valid", type=click.IntRange(1), metavar="SECONDS", help="At most so long; never beyond a plan's own.")
@click.option("--typed-data", type=click.Path(path_type=Path), help="Write the EIP-712 document for a wallet.")
@click.option("--signature", metavar="HEX", help="What the wallet made of that document.")
@executor_look
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text; integers are strings.")
def sign(
    plan_paths: tuple[Path, ...],
    *,
    out: Path | None,
    key: str | None,
    goes_on: str | None,
    lane: int | None,
    valid: int | None,
    typed_data: Path | None,
    signature: str | None,
    given: LookWords,
    as_json: bool,
) -> None:
    """Sign plans that anybody may send, once, in this order, until their deadline.

    They are judged and simulated first, like any plan that is sent, for the signer. The desk's key signs, or a key that
    the fork's node holds; for any other, write the document with --typed-data, have a wallet sign it (EIP-712), and run
    this again with --signature. No private key is ever asked for.

    \b
    Examples:
      oms swap 5 WETH USDC --chain desk --dry-run --plan plan.json --venues uniswap_v3 --deadline 3600
      oms sign plan.json --chain desk -o signed.json
      oms sign plan.json --chain desk -o signed.json --key 0x…                a session's key
      oms sign plan.json --chain desk --key 0x… --typed-data document.json
      oms relay signed.json --chain desk
    """
    if (out is None) == (typed_data is None):
        raise InvalidRequest("out", "give either -o FILE to sign, or --typed-data FILE for a wallet to")
    check_destination(out, option="out")
    check_destination(typed_data, option="typed-data")
    by_wallet = None if signature is None else _octets(signature)
    plans = [read_plan(path) for path in plan_paths]
    mask = continue_mask(goes_on, len(plans))
    which = given.which
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        signer = opened.owner() if key is None else parse_account(key)
        prepared = opened.prepared(plans)
        asked = opened.unsigned(prepared, signer, continue_mask=mask, lane=lane or 0, deadline=valid)
        data = batch_call(prepared.packed, mask)
        act = opened.act("sign", data, signer, findings=prepared.findings, watch=prepared.watch)
        previewed = _nothing_done_is_refused(opened.preview(act))
        if not as_json:
            console = terminal()
            show_preview(console, opened, previewed)
            show_placed(console, opened)
            _Telling(opened, [_traded(plan, path) for plan, path in zip(plans, plan_paths, strict=True)]).show(
                console, previewed, None
            )
        try:
            require_sound(previewed)
        except (GateDenied, StateConflict):
            if as_json:
                click.echo(json.dumps(act_json(previewed, None), indent=1))
            raise
        if typed_data is not None:
            write_json(typed_data, opened.document(asked))
            told: dict[str, Any] = {"typed_data": str(typed_data), "digest": _digest(opened, asked)}
            said = f"{typed_data}: sign it with {signer}'s wallet, then run this again with -o and --signature"
        else:
            signed = _signed(opened, asked, by_wallet)
            write_json(_named(out), signed_json(signed))
            told = signed_json(signed)
            said = f"{out}: signed by {signer}, for whoever sends it by {asked.deadline}; `oms relay {out}`"
        click.echo(json.dumps(told, indent=1) if as_json else words(said))


def _named(out: Path | None) -> Path:
    if out is None:
        raise InvalidRequest("out", "is missing")
    return out


def _digest(opened: OpenExecutor, asked: SignedBatch) -> str:
    return "0x" + asked.digest(opened.chain_id, opened.executor).hex()


def _signed(opened: OpenExecutor, asked: SignedBatch, given: bytes | None) -> SignedPlans:
    """With the key's signature, which the executor would take. Raises `GateDenied` for one that it would not."""
    signature = opened.signature(asked) if given is None else given
    signed = SignedPlans(opened.chain_id, opened.executor, asked, signature)
    refused = [each for each in signed_checks(signed, opened.signed_facts(signed)) if not each.passed]
    if refused:
        raise GateDenied("nothing was written: " + "; ".join(f"{each.name}: {each.detail}" for each in refused))
    return signed


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise InvalidRequest("signature", "is not hex; copy what the wallet showed, from 0x on") from None


@click.command()
@click.argument("path", metavar="SIGNED.json", type=click.Path(path_type=Path))
@relayed_act
def relay(path: Path, *, given: RelayWords) -> None:
    """Send plans that somebody else signed. Whoever sends pays the gas, and can change nothing of them.

    What was signed is read from its bytes. Before anything is sent: the chain, the pause, the deadline, the session's
    grant, the number in its lane, the signature, and a simulation of the very call.

    \b
    Examples:
      oms relay signed.json --chain desk
      oms relay signed.json --chain desk --from 0x… --dry-run
    """
    signed = read_signed(path)
    within = plans_within(signed)
    which = ExecutorWords(DESK, executor=signed.executor)
    with open_executor(load_settings(), given.opening(settles=True), which) as opened:
        owner = opened.owner()
        findings = signed_checks(signed, opened.signed_facts(signed))
        sends = DESK if given.sender is None else parse_account(given.sender)
        watch = [(opened.executor, asset.token) for plan in within for asset in plan.assets]
        data = signed_call(signed.batch, signed.signature)
        act = opened.act("relay", data, sends, findings=findings, watch=_without_coin(watch))
        plans = [_traded_by_bytes(opened, plan, f"{path.name} {index}") for index, plan in enumerate(within, 1)]
        if not given.as_json:
            _show_signed(terminal(), signed, plans)
        telling = _Telling(opened, plans)
        carry_out(
            opened,
            act,
            Manner(given.dry_run, given.as_json),
            results=telling.as_json,
            shown=telling.show,
            also=lambda previewed: _nothing_taken(_nothing_done_is_refused(previewed), owner),
        )


def _nothing_taken(previewed: Previewed, owner: Address) -> Previewed:
    """The owner's own plans may take the owner's own funds."""
    sender = previewed.act.request.transaction.sender
    if sender == owner or not previewed.simulation.succeeded:
        return previewed
    finding = nothing_taken_from(sender, previewed.simulation)
    return replace(previewed, findings=(*previewed.findings, finding))


def _without_coin(watch: Sequence[tuple[Address, Address]]) -> list[tuple[Address, Address]]:
    return [pair for pair in dict.fromkeys(watch) if pair[1] != ZERO_ADDRESS]


def _show_signed(console: Console, signed: SignedPlans, plans: Sequence[Traded]) -> None:
    batch = signed.batch
    lane, number = divmod(batch.nonce, 2**64)
    console.print(f"signed by {batch.key} for executor {signed.executor} on chain {signed.chain_id}", soft_wrap=True)
    console.print(f"  lane {lane}, number {number}; holds until {batch.deadline}")
    for index, plan in enumerate(plans):
        ends = "the next runs where this fails" if batch.continue_mask >> index & 1 else "all or nothing"
        console.print(f"  plan {index + 1}: {words(plan.words)} ({ends})", soft_wrap=True)


def _traded_by_bytes(opened: OpenExecutor, plan: PackedPlan, name: str) -> Traded:
    """What a plan's bounds let go and ask for."""
    said = {Bound.FALL: "at most {} goes", Bound.RISE: "at least {} comes in", Bound.LEAVE: "at least {} leaves"}
    bounds = ", ".join(
        said[asset.bound].format(_amount_words(opened, asset.token, asset.amount))
        for asset in plan.assets
        if asset.bound in said
    )
    return Traded(name, bounds, plan.assets[0].token, plan.assets[1].token)


def _amount_words(opened: OpenExecutor, token: Address, amount: int) -> str:
    known = opened.tokens.get(token)
    return f"{amount} base units of {token}" if known is None else str(TokenAmount(known, amount))
