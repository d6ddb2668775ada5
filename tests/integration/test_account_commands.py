"""What an owner does with an executor beside trading, by the commands, on a development chain that stays."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import our_contracts
from oms.adapters.evm.deployment_record import record_of
from oms.adapters.evm.devnet.chain import DESK, MAKER, USDC, WETH
from oms.adapters.evm.venues import MAINNET
from oms.units import Address
from tests.integration.command_line import CALLER, WORLD, Ran, oms, refused
from tests.integration.hostile_nodes import answered, failing, hostile_node, http, noise
from tests.integration.owners_chain import KEY, STRANGER, Owner
from tests.integration.test_commands import Terminal

pytestmark = pytest.mark.fork

OUTSIDE = Account.from_key("0x" + "42" * 32)
"""A key that no node here holds."""


# --- looking -----------------------------------------------------------------------------------------------------


def test_an_executor_is_shown_with_its_factories(owner: Owner) -> None:
    told = owner.told("account")
    assert (told["executor"], told["owner"], told["paused"]) == (owner.executor, DESK, False)
    numbers = {each["name"]: (each["kind"], each["number"], each["enabled"]) for each in told["venues"]}
    assert numbers["uniswap_v3"] == ("2", "0", True)
    assert numbers["sushiswap"] == ("1", "1", True)
    text = owner.ran("account")
    assert owner.executor in text
    assert "no session was granted" in text


def test_what_was_disabled_listed_and_proposed_is_shown(owner: Owner) -> None:
    owner.call("disableVenue(uint8,uint8)", 1, 1)
    owner.call("setListed(uint8,address,bytes4,bool)", 15, STRANGER, bytes(4), True)
    owner.call("setListed(uint8,address,bytes4,bool)", 15, MAKER, bytes(4), True)
    owner.call("disableListing(uint8,address,bytes4)", 15, MAKER, bytes(4))
    owner.call("proposeVenue(uint8,uint8,address,bytes32,uint24)", 2, 9, STRANGER, b"\x07" * 32, 0)
    owner.call("proposeListing(uint8,address,bytes4)", 16, STRANGER, bytes(4))
    owner.call("setGuardian(address)", MAKER)
    owner.call("offerOwnership(address)", STRANGER)
    told = owner.told("account")
    assert [each["name"] for each in told["venues"] if not each["enabled"]] == ["sushiswap"]
    assert [(each["kind"], each["target"]) for each in told["listings"]] == [("15", STRANGER)]
    waiting = [each["addition"] for each in told["proposals"]]
    assert [(each["kind"], each.get("number")) for each in waiting] == [("2", "9"), ("16", None)]
    assert (told["guardian"], told["pending_owner"]) == (MAKER, STRANGER)
    text = owner.ran("account")
    assert "disabled" in text
    assert "proposed" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--executor", WETH.address], ["does not answer", "--executor"]),
        (["--executor", STRANGER], ["nothing stands at"]),
        (["--account", STRANGER], ["nothing stands at"]),
    ],
)
def test_what_is_no_executor_is_refused_by_a_message(owner: Owner, words: list[str], said: list[str]) -> None:
    for command in (["account"], ["session", "list"]):
        refused(owner.run(*command, *words), WORLD, *said)


def test_the_executor_of_a_record_is_meant_by_it(owner: Owner, project: Path, tmp_path: Path) -> None:
    contracts = our_contracts(Artifacts(project), MAINNET, DESK)
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record_of(owner.rpc, contracts, MAINNET)))
    assert owner.told("account", "--record", str(path))["executor"] == owner.executor
    assert owner.told("pause", "--record", str(path), "--dry-run")["placed_here"] is False
    refused(owner.run("account", "--record", str(path), "--account", DESK), CALLER, "give one of")
    path.write_text(path.read_text().replace('"id": 1', '"id": 10', 1))
    refused(owner.run("account", "--record", str(path)), CALLER, "is of chain 10")
    path.write_text("{}")
    refused(owner.run("account", "--record", str(path)), CALLER, "no record of a deployment")


@pytest.mark.parametrize("seed", range(6))
def test_a_node_of_random_words_ends_in_a_message(devnet_home: Path, seed: int) -> None:
    says = noise(seed, now=int(time.time()))
    with hostile_node(lambda request: answered(request, says)) as url:
        for command in (["account"], ["session", "list"]):
            done = oms(devnet_home, *command, "--rpc-url", url)
            refused(done, done.code)
            assert done.code in (CALLER, WORLD)


@pytest.mark.parametrize(
    "logs",
    [
        "none",
        {"a": 1},
        [7],
        [{"address": "EXECUTOR"}],
        [{"address": "EXECUTOR", "topics": ["GRANTED"], "data": "0x", "transactionHash": "0x"}],
        [{"address": "EXECUTOR", "topics": ["GRANTED", "0x12", "0xzz"], "data": "0x00", "transactionHash": "0x"}],
    ],
)
def test_malformed_logs_are_not_taken_for_none(owner: Owner, logs: Any) -> None:
    granted = "0x" + keccak(b"SessionGranted(address,uint256,uint40,uint32)").hex()
    text = json.dumps(logs).replace("EXECUTOR", owner.executor).replace("GRANTED", granted)

    def says(method: str, params: list[Any]) -> Any:
        if method == "eth_getLogs":
            return json.loads(text)
        if method == "web3_clientVersion":
            return "nobody/1"
        return owner.rpc.call(method, *params)

    with hostile_node(lambda request: answered(request, says)) as url:
        refused(oms(owner.home, "session", "list", "--rpc-url", url), WORLD, "ogs", "use another node")


def test_a_node_that_will_not_search_logs_is_told_to_begin_later(owner: Owner) -> None:
    def respond(request: Any) -> Any:
        first = request[0] if isinstance(request, list) else request
        if first["method"] == "eth_getLogs":
            return failing(request, {"code": -32005, "message": "block range is too wide"})
        return answered(request, lambda method, params: owner.rpc.call(method, *params))

    with hostile_node(respond) as url:
        done = oms(owner.home, "session", "list", "--rpc-url", url, "--executor", owner.executor)
        refused(done, WORLD, "block range is too wide", "--since")


# --- pausing -----------------------------------------------------------------------------------------------------


def test_a_pause_stops_plans_until_the_owner_resumes(owner: Owner) -> None:
    plan = owner.planned("1")
    assert "pause: done in 0x" in owner.ran("pause")
    assert owner.told("account")["paused"] is True
    refused(owner.run("simulate", plan), WORLD, "paused")
    told = json.loads(owner.run("batch", plan, "--dry-run", "--json").out)
    assert told["simulation"]["revert"]["name"] == "IsPaused"
    owner.ran("resume")
    assert owner.told("account")["paused"] is False


def test_the_guardian_pauses_and_cannot_resume(owner: Owner) -> None:
    owner.call("setGuardian(address)", MAKER)
    owner.ran("pause", "--from", MAKER)
    refused(owner.run("resume", "--from", MAKER), WORLD, "would revert", "is not the executor's owner")
    refused(owner.run("pause", "--from", STRANGER), WORLD, "neither guardian nor owner")


def test_a_dry_run_sends_nothing_and_gives_the_call(owner: Owner) -> None:
    before = owner.nonce()
    told = owner.told("pause", "--dry-run")
    assert told["sent"] is None
    assert told["call"] == {"from": DESK, "to": owner.executor, "data": "0x8456cb59", "value": "0"}
    assert owner.nonce() == before
    assert "0x8456cb59" in owner.ran("pause", "--dry-run")


def test_a_chain_that_ends_with_the_command_says_so(devnet_home: Path) -> None:
    done = oms(devnet_home, "pause", "--chain", "devnet")
    assert done.code == 0, done.err
    assert "oms fork up" in done.out
    assert "no executor stood there" in done.out


# --- sessions ----------------------------------------------------------------------------------------------------


def test_a_session_is_granted_used_counted_and_revoked(owner: Owner) -> None:
    told = owner.granted("--gas-budget", "0.05", "--kind", "wrap")
    assert told["sent"]["transaction"].startswith("0x")
    assert any("10 WETH within any 1 d" in line for line in told["words"])
    owner.ran("batch", owner.planned("4"), "--from", KEY)
    (session,) = owner.told("session", "list")["sessions"]
    assert (session["key"], session["standing"], session["grant"], session["told"]) == (KEY, "in force", "1", True)
    assert session["kinds"] == ["concentrated", "wrap"]
    assert session["rules"]["gas_budget"] == str(5 * 10**16)
    (spend,) = session["spends"]
    assert (spend["spent"], spend["free"]) == (str(4 * 10**18), str(6 * 10**18))
    plan = owner.planned("7")
    refused(owner.run("batch", plan, "--from", KEY), WORLD, "would revert")
    told = json.loads(owner.run("batch", plan, "--from", KEY, "--json").out)
    assert told["simulation"]["revert"]["cause"]["name"] == "SpendLimit"
    owner.ran("session", "revoke", KEY)
    assert owner.told("session", "list")["sessions"] == []
    (ended,) = owner.told("session", "list", "--all")["sessions"]
    assert ended["standing"] == "ended"
    assert "1 ended or expired" in owner.ran("session", "list")
    refused(owner.run("batch", owner.planned("1"), "--from", KEY), WORLD, "revoked")


def test_lists_are_tried_where_the_grants_transaction_is_not_known(owner: Owner) -> None:
    owner.granted()
    owner.rpc.call("evm_mine")
    newest = str(int(str(owner.rpc.call("eth_blockNumber")), 16))
    assert owner.told("session", "list", "--since", newest)["sessions"] == []
    (session,) = owner.told("session", "list", "--since", newest, "--key", KEY)["sessions"]
    assert session["told"] is False
    assert [each["token"] for each in session["spends"]] == [WETH.address]
    assert session["rises"] == [USDC.address]
    assert [each["kind"] for each in session["venues"]] == ["2"]
    refused(owner.run("session", "list", "--since", "99999999"), CALLER, "since", "newest")


def test_a_grant_is_asked_about_unless_it_is_agreed_to(owner: Owner) -> None:
    words = ["session", "grant", "--key", KEY, "--until", "7d", "--venue", "uniswap_v3", "--spend", "10:WETH/1d",
             "--rise", "USDC", "--most-loss-bps", "10000"]  # fmt: skip
    before = owner.nonce()
    done = owner.run(*words)
    refused(Ran(done.code, "", done.err), CALLER, "nothing was sent")
    assert "AT ANY PRICE" in done.out
    refused(owner.run(*words, "--json"), CALLER, "yes", "--dry-run")
    assert owner.nonce() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--until", "2y"], ["until", "write 7d"]),
        (["--until", "500d"], ["until", "366 days"]),
        (["--venue", "concentrated:77"], ["venue", "no concentrated factory 77"]),
        (["--spend", "1:NOPE/1d"], ["spend", "NOPE"]),
        (["--spend", "99999999999:USDC/1d"], ["spend", "that there is"]),
        (["--most-loss-bps", "50"], ["most-loss-bps", "no reference price of WETH, USDC", "oms session reference"]),
        (["--venue", f"curve_stable:{STRANGER}"], ["most-loss-bps", "curve_stable"]),
        (["--key", DESK], ["key", "needs no session"]),
        (["--key", "0x12"], ["key", "not an address"]),
    ],
)
def test_an_absurd_grant_is_refused_before_anything_is_sent(owner: Owner, words: list[str], said: list[str]) -> None:
    before = owner.nonce()
    done = owner.run("session", "grant", "--key", KEY, "--until", "7d", "--venue", "uniswap_v3", "--spend",
                     "10:WETH/1d", "--rise", "USDC", "--most-loss-bps", "10000", "--yes", *words)  # fmt: skip
    refused(done, CALLER, *said)
    assert owner.nonce() == before


def test_terms_come_from_a_file_too(owner: Owner) -> None:
    path = owner.files / "terms.toml"
    path.write_text(
        f'key = "{KEY}"\nuntil = "1h"\nmost_loss_bps = 10000\nmay_pull = true\nvenues = ["sushiswap"]\n'
        'spends = ["5:native/1d"]\nrises = ["WETH"]\nkinds = ["wrap"]\n'
    )
    owner.ran("session", "grant", str(path), "--rise", "USDC", "--yes")
    (session,) = owner.told("session", "list")["sessions"]
    assert session["rules"]["may_pull"] is True
    assert session["rises"] == [WETH.address, USDC.address]
    assert [each["token"] for each in session["spends"]] == ["0x" + "0" * 40]
    assert "the native coin" in owner.ran("session", "list")


def feed(price: int) -> str:
    """A contract that answers any question with 8, a price, and the block's time twice: a feed of eight decimals."""
    return f"0x60085f5267{price:016x}6020524260405242606052600860805260a05ff3"


FEEDS = {"WETH": Address("0x" + "f1" * 20), "USDC": Address("0x" + "f2" * 20)}
FAR = Address("0x7F5c764cBc14f9669B88837ca1490cCa17c31607")
"""USDC.e on chain 10."""
UNKNOWN = Address("0x" + "77" * 20)
"""Of which no list tells."""


def priced(owner: Owner) -> int:
    """Feeds for both tokens, WETH at what Uniswap v3 gives for it; its price."""
    quoted = json.loads(owner.ran("quote", "1", "WETH", "USDC", "--venues", "uniswap_v3", "--json"))
    price = int(quoted["venues"][0]["amount_out"]) * 100
    for (symbol, address), worth in zip(FEEDS.items(), (price, 10**8), strict=True):
        owner.rpc.call("anvil_setCode", address, feed(worth))
        owner.ran("session", "reference", symbol, address, "--max-age", "1h")
    return price


def test_a_floor_is_reckoned_by_the_references_that_the_owner_names(owner: Owner) -> None:
    price = priced(owner)
    assert {each["feed"].lower() for each in owner.told("account")["references"]} == set(FEEDS.values())
    owner.granted(loss="50")
    owner.ran("batch", owner.planned("1"), "--from", KEY)
    owner.rpc.call("anvil_setCode", FEEDS["WETH"], feed(price * 2))
    told = json.loads(owner.run("batch", owner.planned("1"), "--from", KEY, "--json").out)
    assert told["simulation"]["revert"]["cause"]["name"] == "BelowReference"
    owner.ran("session", "reference", "WETH", "none")
    assert len(owner.told("account")["references"]) == 1
    refused(owner.run("session", "reference", "WETH", STRANGER), CALLER, "max-age")


def test_a_token_of_another_chain_is_priced_shown_and_no_longer_priced(owner: Owner) -> None:
    source = FEEDS["USDC"]
    owner.rpc.call("anvil_setCode", source, feed(10**8))
    there = ("--max-age", "1d", "--far-chain", "10")
    told = owner.told("session", "reference", UNKNOWN, source, *there, "--decimals", "6")
    assert "nothing here can ask that token" in told["words"][-1]
    text = owner.ran("session", "reference", "USDC.e", source, *there)
    assert f"USDC.e {FAR} of chain 10" in text
    found = owner.told("account")["far_references"]
    assert [(each["chain_id"], each["token"].lower(), each["decimals"], each["max_age"]) for each in found] == [
        ("10", UNKNOWN, "6", "86400"),
        ("10", FAR.lower(), "6", "86400"),
    ]
    assert {each["feed"].lower() for each in found} == {source}
    shown = owner.ran("account")
    assert f"far reference: {FAR} of chain 10 (6 decimals) by {found[0]['feed']}, at most 1 d old" in shown
    owner.ran("session", "reference", "USDC.e", "none", "--far-chain", "10")
    assert [each["token"].lower() for each in owner.told("account")["far_references"]] == [UNKNOWN]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["WETH", STRANGER, "--max-age", "1h", "--decimals", "18"], CALLER, ["decimals", "--far-chain"]),
        ([UNKNOWN, STRANGER, "--max-age", "1h", "--far-chain", "10"], CALLER, ["decimals", "are missing"]),
        ([FAR, STRANGER, "--max-age", "1h", "--far-chain", "10", "--decimals", "18"], CALLER, ["decimals", "has 6"]),
        ([UNKNOWN, STRANGER, "--far-chain", "10", "--decimals", "6"], CALLER, ["max-age"]),
        (["NOPE", STRANGER, "--max-age", "1h", "--far-chain", "10"], CALLER, ["no token NOPE on chain 10"]),
        (["USDC", STRANGER, "--max-age", "1h", "--far-chain", "10"], CALLER, ["ambiguous on chain 10", FAR]),
        (["USDC", STRANGER, "--max-age", "1h", "--far-chain", "1"], CALLER, ["far-chain", "own chain"]),
        (["DAI", STRANGER, "--max-age", "1h", "--far-chain", "10"], WORLD, ["would revert"]),
        (["DAI", "none", "--far-chain", "10", "--from", STRANGER], WORLD, ["is not the executor's owner"]),
    ],
)
def test_a_far_price_that_cannot_be_is_refused(owner: Owner, words: list[str], code: int, said: list[str]) -> None:
    before = owner.nonce()
    refused(owner.run("session", "reference", *words), code, *said)
    assert owner.nonce() == before


def test_a_session_with_a_floor_may_bridge_once_a_far_token_has_a_price(owner: Owner) -> None:
    priced(owner)
    words = ["session", "grant", "--key", KEY, "--until", "7d", "--venue", f"across:{owner.executor}@10", "--spend",
             "10:WETH/1d", "--rise", "USDC", "--most-loss-bps", "50", "--yes"]  # fmt: skip
    before = owner.nonce()
    refused(owner.run(*words), CALLER, "FarFeedMissing", "oms session reference TOKEN FEED --far-chain")
    assert owner.nonce() == before
    owner.ran("session", "reference", "USDC.e", FEEDS["USDC"], "--max-age", "1h", "--far-chain", "10")
    assert any(f"bridge only into {FAR} of chain 10" in line for line in owner.told(*words)["words"])
    (session,) = owner.told("session", "list")["sessions"]
    assert session["kinds"] == ["across"]


def test_a_bridge_is_granted_with_a_warning_where_the_node_searches_no_logs(owner: Owner) -> None:
    priced(owner)

    def respond(request: Any) -> Any:
        first = request[0] if isinstance(request, list) else request
        if first["method"] == "eth_getLogs":
            return failing(request, {"code": -32005, "message": "block range is too wide"})
        return http(httpx.post(owner.rpc.url, json=request, timeout=15).content)

    with hostile_node(respond) as url:
        done = oms(owner.home, "session", "grant", "--key", KEY, "--until", "7d",
                   "--venue", f"across:{owner.executor}@10", "--spend", "10:WETH/1d",
                   "--rise", "USDC", "--most-loss-bps", "50", "--dry-run", "--json",
                   "--rpc-url", url, "--executor", owner.executor)  # fmt: skip
    assert done.code == 0, done
    assert any("of which this node tells nothing" in line for line in json.loads(done.out)["words"])


def test_session_reference_and_signatures_end_with_the_owner_that_gave_them(owner: Owner) -> None:
    priced(owner)
    owner.ran("session", "reference", "USDC.e", FEEDS["USDC"], "--max-age", "1h", "--far-chain", "10")
    owner.granted(loss="50")
    plan = owner.planned("1")
    by_key, by_owner = signed_by(owner, KEY, name="key.json"), signed_by(owner, DESK, name="owner.json")
    assert owner.told("relay", str(by_key), "--dry-run")["simulated"][0]["done"] is True
    owner.call("proposeListing(uint8,address,bytes4)", 16, MAKER, bytes(4))
    owner.call("setGuardian(address)", MAKER)
    owner.ran("venue", "disable", "balancer", "--yes")
    owner.ran("account", "offer", STRANGER, "--yes")
    text = owner.ran("account", "accept", "--yes")
    for said in ("every session ends", "what its key signed", "reference prices end", f"{MAKER} is no longer guardian"):
        assert said in text
    told = owner.told("account")
    assert (told["owner"], told["guardian"]) == (STRANGER, "0x" + "0" * 40)
    assert (told["references"], told["far_references"], told["proposals"]) == ([], [], [])
    assert [each["name"] for each in told["built_in"] if not each["on"]] == ["balancer"]
    (session,) = told["sessions"]
    assert (session["standing"], session["rules"]["expiry"]) == ("ended", "0")
    assert owner.told("session", "list")["sessions"] == []
    refused(owner.run("relay", str(by_key)), CALLER, "the session was revoked, or its owner left")
    refused(owner.run("relay", str(by_owner)), CALLER, "was never granted a session")
    told = json.loads(owner.run("batch", plan, "--from", KEY, "--json").out)
    assert told["simulation"]["revert"]["name"] == "FormerOwners"
    again = owner.run("session", "grant", "--key", KEY, "--until", "7d", "--venue", "uniswap_v3", "--spend",
                      "10:WETH/1d", "--rise", "USDC", "--most-loss-bps", "50", "--yes")  # fmt: skip
    refused(again, CALLER, "no reference price of WETH, USDC")


def test_a_session_that_was_never_granted_cannot_be_revoked(owner: Owner) -> None:
    refused(owner.run("session", "revoke", STRANGER), WORLD, "never granted", "oms session list")


# --- several plans -----------------------------------------------------------------------------------------------


def test_plans_run_in_one_transaction_and_each_is_told(owner: Owner) -> None:
    first, second = owner.planned("2", name="a.json"), owner.planned("3", name="b.json")
    before = owner.nonce()
    told = owner.told("batch", first, second)
    assert owner.nonce() == before + 1
    assert [each["done"] for each in told["results"]] == [True, True]
    assert [each["spent"] for each in told["results"]] == [str(2 * 10**18), str(3 * 10**18)]
    assert told["simulated"] == told["results"]


def test_a_plan_that_fails_undoes_all_or_is_passed_over(owner: Owner) -> None:
    plan = owner.planned("300", "--slippage-bps", "1")
    whole = owner.run("batch", plan, plan, "--json")
    refused(Ran(whole.code, "", whole.err), WORLD, "would revert")
    revert = json.loads(whole.out)["simulation"]["revert"]
    assert (revert["name"], revert["arguments"]["index"], revert["cause"]["name"]) == (
        "PlanFailed",
        "1",
        "MinOutMissed",
    )
    told = owner.told("batch", plan, plan, "--continue", "2")
    assert [each["done"] for each in told["results"]] == [True, False]
    assert told["results"][1]["revert"]["name"] == "MinOutMissed"


def test_a_batch_that_would_do_nothing_is_not_sent(owner: Owner) -> None:
    owner.granted()
    plan = owner.planned("11")
    before = owner.nonce()
    refused(owner.run("batch", plan, "--from", KEY, "--continue", "all"), CALLER, "no plan would run")
    assert owner.nonce() == before


@pytest.mark.parametrize(("places", "said"), [("3", "1 to 2"), ("0", "1 to 2"), ("x", "1 to 2")])
def test_places_that_no_plan_has_are_refused(owner: Owner, places: str, said: str) -> None:
    plan = owner.planned("1")
    refused(owner.run("batch", plan, plan, "--continue", places), CALLER, "continue", said)


# --- signed plans ------------------------------------------------------------------------------------------------


def signed_by(owner: Owner, key: str, *more: str, amount: str = "1", name: str = "signed.json") -> Path:
    path = owner.files / name
    owner.ran("sign", owner.planned(amount), "-o", str(path), "--key", key, *more)
    return path


@pytest.mark.parametrize("key", [DESK, KEY])
def test_what_was_signed_is_sent_once_by_anybody(owner: Owner, key: str) -> None:
    owner.granted()
    path = signed_by(owner, key)
    told = owner.told("relay", str(path), "--from", STRANGER)
    assert [each["spent"] for each in told["results"]] == [str(10**18)]
    refused(owner.run("relay", str(path)), CALLER, "nonce", "was used")


def test_a_lane_runs_in_order_and_others_beside_it(owner: Owner) -> None:
    first = json.loads(signed_by(owner, DESK).read_text())
    beside = signed_by(owner, DESK, "--lane", "5")
    owner.ran("relay", str(beside))
    lanes = {each["lane"]: each["sequence"] for each in owner.told("account")["lanes"]}
    assert lanes == {"0": "0", "5": "1"}
    assert first["nonce"] == "0"


def test_what_a_key_signed_ends_with_its_session(owner: Owner) -> None:
    owner.granted()
    path = signed_by(owner, KEY)
    owner.granted()
    refused(owner.run("relay", str(path)), CALLER, "grant 1 is not grant 2")
    owner.ran("session", "revoke", KEY)
    refused(owner.run("relay", str(path)), CALLER, "revoked")


def test_a_wallet_signs_the_document_of_a_key_that_nobody_here_holds(owner: Owner) -> None:
    owner.granted(key=OUTSIDE.address)
    plan, document, out = owner.planned("1"), owner.files / "document.json", owner.files / "outside.json"
    refused(owner.run("sign", plan, "-o", str(out), "--key", OUTSIDE.address), CALLER, "--typed-data", "--signature")
    owner.ran("sign", plan, "--key", OUTSIDE.address, "--typed-data", str(document))
    typed = json.loads(document.read_text())
    typed["message"]["plans"] = [bytes.fromhex(each[2:]) for each in typed["message"]["plans"]]
    signable = encode_typed_data(full_message=typed)
    wrong = Account.sign_message(signable, "0x" + "43" * 32).signature.hex()
    refused(
        owner.run("sign", plan, "--key", OUTSIDE.address, "-o", str(out), "--signature", wrong), CALLER, "signature"
    )
    assert not out.exists()
    right = "0x" + OUTSIDE.sign_message(signable).signature.hex().removeprefix("0x")
    owner.ran("sign", plan, "--key", OUTSIDE.address, "-o", str(out), "--signature", right)
    owner.ran("relay", str(out))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("chain_id", "10", "use that chain's node"),
        ("deadline", "1", "has passed"),
        ("continue_mask", "1", "signature"),
        ("key", STRANGER, "never granted"),
        ("executor", STRANGER, "nothing stands"),
        ("signature", "0x", "nobody's"),
        ("plans", [], "plans"),
    ],
)
def test_a_signed_file_that_was_changed_is_never_sent(owner: Owner, field: str, value: Any, said: str) -> None:
    path = signed_by(owner, DESK)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    before = owner.nonce()
    done = owner.run("relay", str(path))
    refused(Ran(done.code, "", done.err), done.code, said)
    assert done.code in (CALLER, WORLD)
    assert owner.nonce() == before


def test_the_journal_knows_every_act_and_stays_whole(owner: Owner) -> None:
    told = owner.told("pause")
    shown = oms(owner.home, "journal", "show", "--order", told["sent"]["order_id"])
    for kind in ("OrderApproved", "TransactionIntended", "TransactionIncluded"):
        assert kind in shown.out
    assert "chain intact" in oms(owner.home, "journal", "verify").out


@pytest.mark.parametrize(
    "command", [["account"], ["pause"], ["resume"], ["sign"], ["relay"], ["batch"], ["session", "grant"],
                ["session", "list"], ["session", "revoke"], ["session", "reference"]]
)  # fmt: skip
def test_every_command_has_examples(devnet_home: Path, command: list[str]) -> None:
    done = oms(devnet_home, *command, "--help")
    assert done.code == 0
    assert "Examples:" in done.out
    assert "--json" in done.out


@pytest.mark.recorded
@pytest.mark.slow
def test_the_same_holds_on_recorded_mainnet(project: Path, oms_data: Path, tmp_path: Path) -> None:
    terminal = Terminal(project, tmp_path, oms_data)
    recording = str(oms_data / "mainnet" / "alloc_24628608_merged.json.gz")
    terminal.run("fork", "up", "--recording", recording, "--alone", "--name", "past")

    def told(*words: str) -> Any:
        return json.loads(terminal.run(*words, "--chain", "past", "--json"))

    try:
        granted = told("session", "grant", "--key", KEY, "--until", "7d", "--venue", "uniswap_v3", "--spend",
                       "10:WETH/1d", "--rise", "USDC", "--most-loss-bps", "10000", "--yes")  # fmt: skip
        assert granted["placed_here"] is True
        plan, signed = str(tmp_path / "plan.json"), str(tmp_path / "signed.json")
        terminal.run("swap", "4", "WETH", "USDC", "--chain", "past", "--venues", "uniswap_v3", "--max-hops", "1",
                     "--deadline", "3600", "--dry-run", "--plan", plan)  # fmt: skip
        assert told("sign", plan, "-o", signed, "--key", KEY)["key"] == KEY
        (result,) = told("relay", signed)["results"]
        assert (result["done"], result["spent"]) == (True, str(4 * 10**18))
        (session,) = told("session", "list")["sessions"]
        assert (session["told"], session["spends"][0]["free"]) == (True, str(6 * 10**18))
        assert told("pause")["sent"] is not None
        assert told("account")["paused"] is True
    finally:
        terminal.run("fork", "down", "--all")
