"""What an owner changes about its executor, by the commands, on a development chain that stays."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_hash.auto import keccak

from oms.adapters.evm.addresses import create2_address
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import CREATE2_PROXY, SALT, constructor_values, our_contracts
from oms.adapters.evm.devnet.chain import DESK, MAKER, USDC, WETH
from oms.adapters.evm.devnet.deploy import encode_call
from oms.adapters.evm.venues import MAINNET
from oms.application.owning import ENTRY_POINTS
from oms.application.registering import READING_GAS
from oms.units import ZERO_ADDRESS, Address
from tests.integration.command_line import CALLER, WORLD, Ran, oms, refused
from tests.integration.hostile_nodes import failing, hostile_node, http
from tests.integration.owners_chain import KEY, STRANGER, Owner

pytestmark = pytest.mark.fork

TWO_DAYS = 2 * 86_400
HASH = "0x" + "07" * 32


@pytest.fixture
def slow(owner: Owner, project: Path) -> Address:
    """An executor of the desk's whose registry waits two days."""
    artifacts, ours = Artifacts(project), our_contracts(Artifacts(project), MAINNET, DESK)
    known = dict(constructor_values(MAINNET, DESK)) | {"delay": TWO_DAYS}
    known |= {each.name[0].lower() + each.name[1:]: each.address for each in ours.shared}
    for name, argument in (("Steward", "steward"), ("Executor", "executor")):
        artifact = artifacts.ours(name)
        init_code = artifact.with_arguments_of(artifact.arguments_among(known))
        deploy = {"from": DESK, "to": CREATE2_PROXY, "data": "0x" + (SALT + init_code).hex(), "gas": hex(10_000_000)}
        owner.rpc.call("anvil_impersonateAccount", DESK)
        owner.rpc.call("eth_sendTransaction", deploy)
        owner.rpc.call("evm_mine")
        known[argument] = create2_address(CREATE2_PROXY, SALT, keccak(init_code))
        assert owner.rpc.call("eth_getCode", known[argument], "latest") != "0x"
    return Address(str(known["executor"]))


def held(owner: Owner, who: Address, token: Address = WETH.address) -> int:
    data = "0x" + encode_call("balanceOf(address)", who).hex()
    return int(str(owner.rpc.call("eth_call", {"to": token, "data": data}, "latest")), 16)


def later(owner: Owner, seconds: int) -> None:
    owner.rpc.call("evm_increaseTime", seconds)
    owner.rpc.call("evm_mine")


# --- withdrawing -------------------------------------------------------------------------------------------------


def test_what_the_executor_holds_goes_to_its_owner(owner: Owner) -> None:
    owner.call("transfer(address,uint256)", owner.executor, 3 * 10**18, target=WETH.address)
    there, before = held(owner, owner.executor), held(owner, DESK)
    told = owner.told("account", "withdraw", "WETH", "1.25", "--yes")
    assert held(owner, owner.executor) == there - 125 * 10**16
    assert held(owner, DESK) == before + 125 * 10**16
    assert any("1.25 WETH" in line and DESK in line for line in told["words"])
    text = owner.ran("account", "withdraw", "WETH", "all", "--yes")
    assert "withdraw: done in 0x" in text
    assert held(owner, owner.executor) == 0
    refused(owner.run("account", "withdraw", "WETH", "all", "--yes"), CALLER, "amount", "holds 0 WETH")


def test_the_coin_itself_is_withdrawn_during_a_pause(owner: Owner) -> None:
    owner.rpc.call("anvil_setBalance", owner.executor, hex(10**18))
    owner.ran("pause")
    owner.ran("account", "withdraw", "native", "0.4", "--yes")
    assert int(str(owner.rpc.call("eth_getBalance", owner.executor, "latest")), 16) == 6 * 10**17


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["WETH", "99999"], CALLER, ["amount", "the executor holds"]),
        (["WETH", "-1"], CALLER, ["-1"]),
        (["NOPE", "1"], CALLER, ["NOPE"]),
        (["WETH", "0.1", "--from", STRANGER], WORLD, ["would revert", "is not the executor's owner"]),
    ],
)
def test_a_withdrawal_that_cannot_be_is_refused(owner: Owner, words: list[str], code: int, said: list[str]) -> None:
    owner.call("transfer(address,uint256)", owner.executor, 10**18, target=WETH.address)
    before = owner.nonce()
    refused(owner.run("account", "withdraw", *words, "--yes"), code, *said)
    assert owner.nonce() == before


# --- asking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["account", "guardian", MAKER],
        ["account", "offer", STRANGER],
        ["venue", "disable", "sushiswap"],
        ["venue", "disable", "uniswap_v2"],
        ["venue", "propose", "concentrated:9", "--deployer", STRANGER, "--init-code-hash", HASH],
        ["listing", "propose", "payout", STRANGER],
        ["account", "skip-nonces", "3"],
    ],
)
def test_every_change_is_told_and_asked_about_unless_it_is_agreed_to(owner: Owner, words: list[str]) -> None:
    before = owner.nonce()
    done = owner.run(*words)
    refused(Ran(done.code, "", done.err), CALLER, "nothing was sent")
    assert f"on {owner.executor}:" in done.out
    refused(owner.run(*words, "--json"), CALLER, "yes", "--dry-run")
    told = owner.told(*words, "--dry-run")
    assert told["sent"] is None
    assert told["words"]
    assert told["call"]["to"] == owner.executor
    assert owner.nonce() == before


def test_options_before_a_commands_name_are_the_commands(owner: Owner) -> None:
    done = oms(owner.home, "account", "--chain", "own", "--json", "guardian", MAKER, "--dry-run")
    assert done.code == 0, done
    assert json.loads(done.out)["call"]["to"] == owner.executor
    refused(oms(owner.home, "account", "--key", KEY, "guardian", MAKER), CALLER, "key", "oms account guardian")


# --- whose it is -------------------------------------------------------------------------------------------------


def test_a_guardian_is_named_stops_and_is_dropped(owner: Owner) -> None:
    owner.ran("account", "guardian", MAKER, "--yes")
    assert owner.told("account")["guardian"] == MAKER
    owner.ran("venue", "disable", "sushiswap", "--from", MAKER, "--yes")
    refused(owner.run("account", "guardian", MAKER, "--yes"), CALLER, "guardian", "already")
    refused(owner.run("account", "guardian", owner.executor, "--yes"), CALLER, "itself")
    refused(owner.run("account", "guardian", STRANGER, "--yes", "--from", MAKER), WORLD, "would revert")
    assert "nobody but the owner" in owner.ran("account", "guardian", "none", "--yes")
    assert owner.told("account")["guardian"] == ZERO_ADDRESS
    refused(owner.run("account", "guardian", "none", "--yes"), CALLER, "none already")


def test_ownership_is_offered_taken_back_offered_again_and_accepted(owner: Owner) -> None:
    refused(owner.run("account", "accept", "--yes"), WORLD, "offered to nobody", "oms account offer")
    assert "everything that it holds" in owner.ran("account", "offer", STRANGER, "--yes")
    assert owner.told("account")["pending_owner"] == STRANGER
    owner.ran("account", "offer", "none", "--yes")
    assert owner.told("account")["pending_owner"] == ZERO_ADDRESS
    refused(owner.run("account", "offer", DESK, "--yes"), CALLER, "owns it already")
    owner.ran("account", "offer", STRANGER, "--yes")
    refused(owner.run("account", "accept", "--from", MAKER, "--yes"), WORLD, f"offered to {STRANGER}")
    told = owner.told("account", "accept", "--yes")
    assert told["call"]["from"] == STRANGER
    assert owner.told("account")["owner"] == STRANGER
    owner.ran("pause")  # by whom it now obeys


def test_an_entry_point_is_named_by_its_code_and_a_strange_one_with_a_warning(owner: Owner) -> None:
    known = next(iter(ENTRY_POINTS))
    refused(owner.run("account", "entry-point", known, "--yes"), CALLER, "entry-point", "no code")
    for address, said in ((known, "EntryPoint 0.7 speaks for the owner"), (STRANGER, "NO ENTRY POINT THAT IS KNOWN")):
        owner.rpc.call("anvil_setCode", address, "0x00")
        assert said in owner.ran("account", "entry-point", address, "--yes")
        assert owner.told("account")["entry_point"] == address
    owner.ran("account", "entry-point", "none", "--yes")
    assert owner.told("account")["entry_point"] == ZERO_ADDRESS
    refused(owner.run("account", "entry-point", owner.executor, "--yes"), CALLER, "itself")


def test_numbers_that_are_skipped_can_never_run(owner: Owner) -> None:
    path = owner.files / "signed.json"
    owner.ran("sign", owner.planned("1"), "-o", str(path))
    assert "numbers 0 to 2 can never run" in owner.ran("account", "skip-nonces", "3", "--yes")
    refused(owner.run("relay", str(path)), CALLER, "nonce", "was used")
    refused(owner.run("account", "skip-nonces", "3", "--yes"), CALLER, "next", "not beyond 3")
    refused(owner.run("account", "skip-nonces", str(2**64), "--yes"), CALLER, "next", "ends at")
    owner.granted()
    owner.ran("account", "skip-nonces", "7", "--lane", "5", "--from", KEY, "--yes")
    (session,) = owner.told("session", "list")["sessions"]
    assert {"lane": "5", "sequence": "7"} in session["lanes"]


# --- what it may trade with --------------------------------------------------------------------------------------


def enabled(owner: Owner, name: str, *which: str) -> bool:
    told = owner.told("account", *which)
    return bool(next(each["enabled"] for each in told["venues"] if each["name"] == name))


def test_a_factory_is_disabled_at_once_and_comes_back_after_the_delay(owner: Owner, slow: Address) -> None:
    which = ("--executor", slow)
    assert not enabled(owner, "sushiswap", *which)
    refused(owner.run("venue", "disable", "sushiswap", "--yes", *which), WORLD, "never added")
    refused(owner.run("venue", "apply", "sushiswap", "--yes", *which), WORLD, "no such addition waits")
    text = owner.ran("venue", "propose", "sushiswap", "--yes", *which)
    assert "it can be applied 2 d later" in text
    assert "by `oms venue apply sushiswap`" in text
    refused(owner.run("venue", "apply", "sushiswap", "--yes", *which), WORLD, "can be applied from", "d from now")
    assert "the delay begins anew" in owner.ran("venue", "propose", "sushiswap", "--dry-run", *which)
    later(owner, TWO_DAYS)
    told = owner.told("venue", "apply", "sushiswap", "--yes", *which)
    assert told["proposal"]["addition"]["name"] == "sushiswap"
    assert enabled(owner, "sushiswap", *which)
    refused(owner.run("venue", "propose", "sushiswap", "--yes", *which), WORLD, "is there already")
    assert "only after another 2 d" in owner.ran("venue", "disable", "sushiswap", "--yes", *which)
    assert not enabled(owner, "sushiswap", *which)


def switched_off(owner: Owner) -> list[str]:
    return [each["name"] for each in owner.told("account")["built_in"] if not each["on"]]


def test_a_built_in_venue_is_switched_off_by_the_guardian_and_on_by_the_owner(owner: Owner) -> None:
    assert switched_off(owner) == []
    plan = owner.planned("1")
    owner.ran("account", "guardian", MAKER, "--yes")
    text = owner.ran("venue", "disable", "uniswap_v3", "--from", MAKER, "--yes")
    for said in (
        "no plan may trade with pools of uniswap_v3",
        "costs about 12,000 gas more",
        "only the owner",
    ):
        assert said in text
    assert switched_off(owner) == ["uniswap_v3"]
    assert not enabled(owner, "uniswap_v3")
    shown = owner.ran("account")
    assert "off: uniswap_v3: no plan may deal with that" in shown
    assert "costs about 12,000 gas more" in shown
    told = json.loads(owner.run("batch", plan, "--dry-run", "--json").out)
    assert told["simulation"]["revert"]["cause"]["name"] == "VenueDisabled"
    refused(owner.run("venue", "disable", "concentrated:0", "--yes"), WORLD, "uniswap_v3 is off already")
    owner.ran("venue", "disable", "balancer:0", "--yes")
    assert switched_off(owner) == ["uniswap_v3", "balancer"]
    refused(owner.run("venue", "restore", "uniswap_v3", "--from", MAKER, "--yes"), WORLD, "is not the executor's owner")
    assert "balancer stays off" in owner.ran("venue", "restore", "uniswap_v3", "--yes")
    assert "no built-in venue is off then" in owner.ran("venue", "restore", "balancer", "--yes")
    assert switched_off(owner) == []
    assert owner.told("batch", owner.planned("1"))["results"][0]["done"] is True


def test_every_name_that_is_shown_as_built_in_can_be_switched_off_and_on(owner: Owner) -> None:
    names = [each["name"] for each in owner.told("account")["built_in"]]
    assert names[:2] == ["uniswap_v2", "uniswap_v3"]
    for name in names:
        owner.ran("venue", "disable", name, "--yes")
    assert switched_off(owner) == names
    assert "built in, on: nothing" in owner.ran("account")
    for name in names:
        owner.ran("venue", "restore", name, "--yes")
    assert switched_off(owner) == []


def test_what_is_told_of_gas_is_what_a_plan_costs_more(owner: Owner) -> None:
    plan = owner.planned("1")

    def gas() -> int:
        told = json.loads(owner.run("batch", plan, "--dry-run", "--json").out)
        return int(told["simulation"]["gas_used"])

    before = gas()
    owner.ran("venue", "disable", "balancer", "--yes")
    assert abs(gas() - before - READING_GAS) < READING_GAS // 10


def test_what_was_proposed_is_told_with_its_identifier_and_time(owner: Owner, slow: Address) -> None:
    words = ("concentrated:9", "--deployer", STRANGER, "--init-code-hash", HASH, "--executor", slow)
    told = owner.told("venue", "propose", *words, "--yes")
    (waits,) = owner.told("account", "--executor", slow)["proposals"]
    assert told["proposal"] == waits["identifier"]
    assert told["applicable_from"] == waits["applicable_from"]
    assert (waits["addition"]["kind"], waits["addition"]["number"]) == ("2", "9")


@pytest.mark.parametrize("by_identifier", [False, True])
def test_the_guardian_cancels_a_proposal(owner: Owner, slow: Address, by_identifier: bool) -> None:
    which = ("--executor", slow, "--yes")
    owner.ran("account", "guardian", MAKER, *which)
    told = owner.told("venue", "propose", "sushiswap", *which)
    meant = told["proposal"] if by_identifier else "sushiswap"
    owner.ran("venue", "cancel", meant, "--from", MAKER, *which)
    assert owner.told("account", "--executor", slow)["proposals"] == []
    refused(owner.run("venue", "cancel", meant, *which), WORLD, "no such addition waits")


def test_two_proposals_for_one_number_are_told_apart_by_their_identifiers(owner: Owner, slow: Address) -> None:
    which = ("--init-code-hash", HASH, "--executor", slow, "--yes")
    first = owner.told("venue", "propose", "concentrated:9", "--deployer", STRANGER, *which)["proposal"]
    second = owner.told("venue", "propose", "concentrated:9", "--deployer", MAKER, *which)["proposal"]
    refused(owner.run("venue", "cancel", "concentrated:9", "--executor", slow, "--yes"), CALLER, first, second)
    owner.ran("venue", "cancel", first, "--executor", slow, "--yes")
    later(owner, TWO_DAYS)
    owner.ran("venue", "apply", "concentrated:9", "--executor", slow, "--yes")
    found = [each for each in owner.told("account", "--executor", slow)["venues"] if each["number"] == "9"]
    assert [each["deployer"] for each in found] == [MAKER]


@pytest.mark.parametrize(
    ("kind", "function"), [("payout", []), ("across", []), ("call", ["poke(uint256)"]), ("call", ["0x12345678"])]
)
def test_an_address_is_listed_after_the_delay_and_taken_off_at_once(
    owner: Owner, slow: Address, kind: str, function: list[str]
) -> None:
    which = ("--executor", slow, "--yes")
    owner.rpc.call("anvil_setCode", KEY, "0x00")
    what = (kind, KEY, *function)
    text = owner.ran("listing", "propose", *what, *which)
    assert f"oms listing apply {kind} {KEY}" in text
    refused(owner.run("listing", "apply", *what, *which), WORLD, "can be applied from")
    later(owner, TWO_DAYS)
    owner.ran("listing", "apply", *what, *which)
    (listed,) = owner.told("account", "--executor", slow)["listings"]
    expected = (
        "0x00000000"
        if not function
        else "0x12345678"
        if function[0].startswith("0x")
        else "0x" + keccak(b"poke(uint256)")[:4].hex()
    )
    assert (listed["target"], listed["selector"]) == (KEY, expected)
    refused(owner.run("listing", "propose", *what, *which), WORLD, "is there already")
    owner.ran("listing", "disable", *what, *which)
    assert owner.told("account", "--executor", slow)["listings"] == []
    refused(owner.run("listing", "disable", *what, *which), WORLD, "is not listed")
    owner.ran("listing", "propose", *what, *which)
    owner.ran("listing", "cancel", *what, *which)
    assert owner.told("account", "--executor", slow)["proposals"] == []


def test_without_a_delay_an_addition_can_be_applied_at_once(owner: Owner) -> None:
    delay = int(owner.told("account")["registry_delay"])
    text = owner.ran("listing", "propose", "payout", STRANGER, "--yes")
    assert ("no delay" in text) == (delay == 0)
    later(owner, delay)
    owner.ran("listing", "apply", "payout", STRANGER, "--yes")
    assert [each["target"] for each in owner.told("account")["listings"]] == [STRANGER]


def test_what_takes_away_needs_no_logs(owner: Owner) -> None:
    def respond(request: Any) -> Any:
        first = request[0] if isinstance(request, list) else request
        if first["method"] == "eth_getLogs":
            return failing(request, {"code": -32005, "message": "block range is too wide"})
        return http(httpx.post(owner.rpc.url, json=request, timeout=15).content)

    with hostile_node(respond) as url:
        where = ("--rpc-url", url, "--executor", owner.executor, "--dry-run", "--json")
        for name in ("sushiswap", "uniswap_v3"):
            done = oms(owner.home, "venue", "disable", name, *where)
            assert done.code == 0, done
        refused(oms(owner.home, "venue", "cancel", "sushiswap", *where), WORLD, "too wide", "--since")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["venue", "propose", "uniswap_v3"], CALLER, ["for ever", "oms venue disable uniswap_v3"]),
        (["venue", "propose", "concentrated:0"], CALLER, ["for ever"]),
        (["venue", "disable", "solidly:0"], CALLER, ["no solidly factory is built in"]),
        (["venue", "restore", "uniswap_v2"], WORLD, ["uniswap_v2 is on already"]),
        (["venue", "restore", "sushiswap"], CALLER, ["no built-in venue", "uniswap_v3", "oms venue propose"]),
        (["venue", "disable", "balancer:0", "--from", STRANGER], WORLD, ["neither guardian nor owner"]),
        (["venue", "propose", "nowhere"], CALLER, ["venue", "sushiswap", "KIND:NUMBER"]),
        (["venue", "propose", "wrap:3"], CALLER, ["venue", "no factory here"]),
        (["venue", "propose", "concentrated:256"], CALLER, ["venue"]),
        (["venue", "propose", "concentrated:9"], CALLER, ["deployer", "is missing"]),
        (["venue", "propose", "concentrated:9", "--deployer", MAKER], CALLER, ["init-code-hash", "is missing"]),
        (["venue", "propose", "concentrated:9", "--deployer", MAKER, "--init-code-hash", "0x12"], CALLER, ["no hash"]),
        (["venue", "propose", "solidly:9", "--deployer", MAKER, "--init-code-hash", HASH], CALLER, ["of no use"]),
        (
            ["venue", "propose", "constant_product:9", "--deployer", MAKER, "--init-code-hash", HASH],
            CALLER,
            ["fee-pips"],
        ),
        (["venue", "propose", "sushiswap", "--deployer", MAKER], CALLER, ["leave the other options out"]),
        (["venue", "apply", "sushiswap"], WORLD, ["no such addition waits"]),
        (["venue", "cancel", HASH], WORLD, ["no such addition waits"]),
        (["listing", "propose", "wrap", MAKER], CALLER, ["kind", "payout, across, call"]),
        (["listing", "propose", "payout", "0x12"], CALLER, ["not an address"]),
        (["listing", "propose", "payout", MAKER, "f()"], CALLER, ["function", "of no use"]),
        (["listing", "propose", "call", MAKER], CALLER, ["function", "is missing"]),
        (["listing", "propose", "call", MAKER, "f(uint)"], CALLER, ["function", "full types"]),
        (["listing", "propose", "call", USDC.address, "poke()"], WORLD, ["would revert", "token"]),
        (["listing", "propose", "call", USDC.address, "approve(address,uint256)"], WORLD, ["would revert"]),
        (["listing", "propose", "payout", STRANGER, "--from", MAKER], WORLD, ["is not the executor's owner"]),
    ],
)
def test_words_that_cannot_be_meant_are_refused_before_anything_is_sent(
    owner: Owner, words: list[str], code: int, said: list[str]
) -> None:
    before = owner.nonce()
    refused(owner.run(*words, "--yes"), code, *said)
    assert owner.nonce() == before


def test_the_journal_knows_every_change(owner: Owner) -> None:
    told = owner.told("account", "guardian", MAKER, "--yes")
    shown = oms(owner.home, "journal", "show", "--order", told["sent"]["order_id"])
    for kind in ("OrderApproved", "TransactionIntended", "TransactionIncluded"):
        assert kind in shown.out
    assert "chain intact" in oms(owner.home, "journal", "verify").out


@pytest.mark.parametrize(
    "command",
    [
        *(["account", each] for each in ("withdraw", "guardian", "offer", "accept", "entry-point", "skip-nonces")),
        ["venue", "restore"],
        *([group, each] for group in ("venue", "listing") for each in ("propose", "apply", "cancel", "disable")),
    ],
)
def test_every_command_has_examples(devnet_home: Path, command: list[str]) -> None:
    done = oms(devnet_home, *command, "--help")
    assert done.code == 0
    for word in ("Examples:", "--json", "--yes", "--dry-run"):
        assert word in done.out
