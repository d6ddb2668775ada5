"""An executor as people and programs see it."""

from dataclasses import replace
from io import StringIO

from rich.console import Console

from oms.cli.executor_tables import show_state, state_json, venue_name
from oms.execution.executor_state import (
    BuiltIn,
    ExecutorState,
    FarReference,
    LaneState,
    Listing,
    Proposal,
    Reference,
    SessionState,
    SpendState,
    VenueEntry,
)
from oms.execution.sessions import GrantedVenue, address_venue, registry_venue
from oms.units import ZERO_ADDRESS, Address
from tests.unit.application.samples import ETH, EXECUTOR, NOW, OWNER, USD

KEY = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
STRANGER = Address("0x" + "6" * 40)
TOKENS = {ETH.address: ETH, USD.address: USD}
RULES: dict[str, int | bool] = {
    "expiry": NOW + 3_600,
    "kinds": 1 << 2 | 1 << 30,
    "most_loss_bps": 50,
    "may_pull": True,
    "gas_budget": 10**17,
}
SESSION = SessionState(
    key=KEY,
    grant=3,
    rules=RULES,
    venues=(GrantedVenue(2, registry_venue(0)), GrantedVenue(8, address_venue(STRANGER))),
    spends=(SpendState(ETH.address, 10 * 10**18, 86_400, 4 * 10**18), SpendState(STRANGER, 7, 60, 7)),
    rises=(USD.address, ZERO_ADDRESS),
    lanes=(LaneState(0, 5),),
    told=True,
)
STATE = ExecutorState(
    executor=EXECUTOR,
    chain_id=1,
    block=100,
    time=NOW,
    since=0,
    owner=OWNER,
    pending_owner=ZERO_ADDRESS,
    guardian=STRANGER,
    entry_point=ZERO_ADDRESS,
    paused=True,
    registry_delay=86_400,
    venues=(
        VenueEntry(2, 0, "uniswap_v3", STRANGER, 0, bytes(32)),
        VenueEntry(1, 4, "", ZERO_ADDRESS, 0, bytes(32)),
    ),
    built_in=(BuiltIn(2, "uniswap_v3", True), BuiltIn(10, "wrap", True)),
    listings=(Listing(15, STRANGER, bytes(4)), Listing(17, STRANGER, b"\x12\x34\x56\x78")),
    proposals=(Proposal(b"\x01" * 32, Listing(15, KEY, bytes(4)), NOW + 60),),
    references=(Reference(ETH.address, STRANGER, 3_600),),
    far_references=(FarReference(10, STRANGER, KEY, 86_400, 6),),
    sessions=(SESSION,),
    lanes=(LaneState(0, 0), LaneState(7, 2)),
)


def shown(state: ExecutorState, now: int = NOW) -> str:
    out = StringIO()
    show_state(Console(file=out, width=140), state, TOKENS, now)
    return out.getvalue()


def test_everything_that_an_owner_looks_for_is_shown() -> None:
    text = shown(STATE)
    for said in (
        "paused",
        "pending     nobody",
        f"guardian    {STRANGER}",
        "delay       1 d",
        "lane 7: 2",
        "disabled, or never added",
        f"listed: payout {STRANGER}",
        "function 0x12345678",
        f"payout {KEY}, from 2024-",
        "reference: WETH",
        f"far reference: {STRANGER} of chain 10 (6 decimals) by {KEY}, at most 1 d old",
        "built in, on: uniswap_v3, wrap",
        "in force, grant 3",
        "1 h left",
        "kind 30",
        f"uniswap_v3, maker_quote {STRANGER}",
        "USDC, the native coin",
        "at most 0.5 %",
        "0.1 left by ERC-4337",
        "may take the owner's own funds",
        "7 base units",
    ):
        assert said in text, said
    (limit,) = (line.split() for line in text.splitlines() if line.strip().startswith("WETH"))
    assert limit == ["WETH", "10", "1", "d", "6", "4"]


def test_what_is_switched_off_is_shown_with_what_it_costs() -> None:
    off = replace(STATE, built_in=(BuiltIn(2, "uniswap_v3", False), BuiltIn(10, "wrap", True)))
    text = shown(off)
    for said in ("on: wrap", "off: uniswap_v3: ", "12,000 gas more", f"switched off, {STRANGER}"):
        assert said in text, said
    assert not any(said in shown(STATE) for said in ("off: ", "gas more", "switched off"))
    assert [each["enabled"] for each in state_json(off, NOW)["venues"]] == [False, False]
    assert [each["on"] for each in state_json(off, NOW)["built_in"]] == [False, True]


def test_a_session_that_ended_shows_no_limits() -> None:
    assert "[expired" not in shown(STATE)
    later = shown(STATE, NOW + 3_601)
    assert "expired, grant 3" in later
    assert "left by ERC-4337" not in later
    revoked = replace(SESSION, rules=RULES | {"expiry": 0})
    assert "ended, grant 3" in shown(replace(STATE, sessions=(revoked,)))


def test_lists_that_were_only_tried_are_told_to_be_perhaps_incomplete() -> None:
    assert "there may be more" not in shown(STATE)
    assert "there may be more" in shown(replace(STATE, sessions=(replace(SESSION, told=False),)))


def test_json_has_exact_integers_as_text_and_what_is_derived() -> None:
    told = state_json(STATE, NOW)
    assert told["paused"] is True
    assert [each["enabled"] for each in told["venues"]] == [True, False]
    (session,) = told["sessions"]
    assert session["standing"] == "in force"
    assert session["kinds"] == ["concentrated", "kind 30"]
    assert session["rules"]["may_pull"] is True
    assert (session["spends"][0]["spent"], session["spends"][0]["free"]) == (str(6 * 10**18), str(4 * 10**18))


def test_a_venue_is_named_as_its_kind_allows() -> None:
    assert venue_name(GrantedVenue(2, registry_venue(9)), {}) == "concentrated factory 9"
    assert venue_name(GrantedVenue(6, b"\xab" * 32), {}) == "balancer 0x" + "ab" * 32
    assert venue_name(GrantedVenue(200, bytes(32)), {}) == "kind 200 0x" + "00" * 32
