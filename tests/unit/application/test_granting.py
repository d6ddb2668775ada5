"""Grants as somebody asks for them: what the words mean, what is refused though it could be encoded, plain words."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.application.granting import (
    LEAST_PERIOD,
    MOST_SECONDS,
    AbsurdGrant,
    Asked,
    Checked,
    GrantFacts,
    GrantWords,
    in_words,
    merged,
    moment,
    numbered_venues,
    read_grant_file,
    read_terms,
    refuse_absurd,
    seconds_of,
    time_left,
)
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.execution.executor_state import FarReference
from oms.execution.leg_kinds import LegKind
from oms.execution.sessions import (
    GrantedSpend,
    GrantedVenue,
    address_venue,
    bridge_venue,
    registry_venue,
    singleton_venue,
)
from oms.units import Address
from tests.unit.application.samples import ETH, EXECUTOR, NOW, OWNER, USD

KEY = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
POOL = Address("0x" + "7" * 40)
ENTRY = Address("0x" + "5" * 40)


def resolve(text: str, option: str) -> Token:
    found = {"WETH": ETH, "USDC": USD}.get(text)
    if found is None:
        raise InvalidRequest(option, f"no token {text}")
    return found


FACTS = GrantFacts(
    now=NOW,
    executor=EXECUTOR,
    owner=OWNER,
    entry_point=ENTRY,
    factories={"uniswap_v3": (2, 0), "sushiswap": (1, 1)},
    resolve=resolve,
    parse_address=lambda text, _option: Address(text),
)
CHECKED = Checked(
    enabled=frozenset({(2, 0), (1, 1)}),
    priced=frozenset({ETH.address, USD.address}),
    supplies={ETH.address: 10**24, USD.address: 10**15},
)
WORDS = GrantWords(
    key=KEY, until="7d", most_loss_bps=50, venues=("uniswap_v3",), spends=("10:WETH/1d",), rises=("USDC",)
)


def checked(words: GrantWords, facts: Checked = CHECKED) -> Asked:
    asked = read_terms(words, FACTS)
    refuse_absurd(asked, FACTS, facts)
    return asked


def test_words_mean_what_they_say() -> None:
    asked = checked(replace(WORDS, gas_budget="0.5", switches=frozenset({"may_pull"}), kinds=("wrap",)))
    terms = asked.terms
    assert asked.key == KEY
    assert terms.expiry == NOW + 7 * 86_400
    assert terms.kinds == {LegKind.CONCENTRATED, LegKind.WRAP}
    assert list(terms.venues) == [GrantedVenue(2, registry_venue(0))]
    assert list(terms.spends) == [GrantedSpend(ETH.address, 10 * 10**18, 86_400)]
    assert list(terms.rises) == [USD.address]
    assert (terms.most_loss_bps, terms.may_pull, terms.gas_budget) == (50, True, 5 * 10**17)


@pytest.mark.parametrize(
    ("text", "kind", "identifier"),
    [
        ("sushiswap", 1, registry_venue(1)),
        ("concentrated:3", 2, registry_venue(3)),
        (f"curve_stable:{POOL}", 4, address_venue(POOL)),
        (f"maker_quote:{POOL}", 8, address_venue(POOL)),
        (f"across:{POOL}@8453", 16, bridge_venue(POOL, 8453)),
        ("balancer:0x" + "ab" * 32, 6, bytes.fromhex("ab" * 32)),
        (
            "uniswap_v4:USDC/WETH:500:-10:native",
            3,
            singleton_venue(ETH.address, USD.address, fee=500, tick_spacing=-10, native=True),
        ),
    ],
)
def test_a_venue_is_named_as_its_kind_names_it(text: str, kind: int, identifier: bytes) -> None:
    asked = read_terms(replace(WORDS, venues=(text,)), FACTS)
    assert list(asked.terms.venues) == [GrantedVenue(kind, identifier)]


@pytest.mark.parametrize(
    ("changes", "option", "said"),
    [
        ({"key": ""}, "key", "missing"),
        ({"until": ""}, "until", "never ends"),
        ({"most_loss_bps": None}, "most-loss-bps", "missing"),
        ({"venues": ("nowhere",)}, "venue", "choose from sushiswap, uniswap_v3"),
        ({"venues": ("concentrated:256",)}, "venue", "0 to 255"),
        ({"venues": ("balancer:0x12",)}, "venue", "64 hex digits"),
        ({"venues": ("wrap:0x12",)}, "venue", "--kind"),
        ({"venues": ("uniswap_v4:WETH/USDC:99999999:10",)}, "venue", "TICK_SPACING"),
        ({"venues": ("warp:1",)}, "kind", "choose from"),
        ({"kinds": ("swap",)}, "kind", "choose from"),
        ({"spends": ("10:WETH",)}, "spend", "no limit and period"),
        ({"spends": ("10:WETH/tomorrow",)}, "spend", "length of time"),
        ({"spends": ("0:WETH/1d",)}, "spend", "greater than zero"),
        ({"spends": ("10:NOPE/1d",)}, "spend", "no token"),
        ({"until": "soon"}, "until", "is no time"),
        ({"gas_budget": "much"}, "gas-budget", "not a decimal"),
        ({"most_loss_bps": 10_001}, "most_loss_bps", "not within"),
    ],
)
def test_words_that_mean_nothing_name_their_option(changes: dict[str, Any], option: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        read_terms(replace(WORDS, **changes), FACTS)
    assert caught.value.field == option


@pytest.mark.parametrize(
    ("changes", "option", "said"),
    [
        ({"key": OWNER}, "key", "needs no session"),
        ({"key": EXECUTOR}, "key", "the executor itself"),
        ({"key": ENTRY}, "key", "entry point"),
        ({"key": "0x" + "0" * 40}, "key", "nobody"),
        ({"until": str(NOW)}, "until", "has passed"),
        ({"until": str(NOW + MOST_SECONDS + 1)}, "until", "366 days"),
        ({"until": str(2**40 - 1)}, "until", "366 days"),
        ({"venues": ()}, "venue", "could run no leg"),
        ({"kinds": ("vault",)}, "kind", "--venue vault"),
        ({"venues": ("sushiswap",), "kinds": ("concentrated_exact_out",)}, "kind", "concentrated venues"),
        ({"venues": ("concentrated:7",)}, "venue", "no concentrated factory 7"),
        ({"spends": ()}, "spend", "sell nothing"),
        ({"rises": ()}, "rise", "nothing may come in"),
        ({"rises": ("USDC", "USDC")}, "rise", "named twice"),
        ({"spends": ("1:WETH/1d", "2:WETH/1h")}, "spend", "named twice"),
        ({"spends": (f"1:WETH/{LEAST_PERIOD - 1}s",)}, "spend", "is none"),
        ({"spends": ("1000000:WETH/1d",)}, "spend", "that there is"),
        ({"most_loss_bps": 10_000, "venues": (f"curve_stable:{POOL}",)}, "most-loss-bps", "curve_stable"),
        ({"most_loss_bps": 10_000, "venues": (f"payout:{POOL}",)}, "most-loss-bps", "payout"),
    ],
)
def test_what_bounds_nothing_is_refused_by_its_option(changes: dict[str, Any], option: str, said: str) -> None:
    with pytest.raises(AbsurdGrant, match=said) as caught:
        checked(replace(WORDS, **changes))
    assert caught.value.field == option
    assert caught.value.exit_code == 2


def test_a_floor_needs_a_reference_for_every_asset() -> None:
    with pytest.raises(AbsurdGrant, match="no reference price of USDC"):
        checked(WORDS, replace(CHECKED, priced=frozenset({ETH.address})))
    assert checked(replace(WORDS, most_loss_bps=10_000), replace(CHECKED, priced=frozenset())).key == KEY


def test_an_unproved_kind_is_granted_with_a_floor() -> None:
    assert checked(replace(WORDS, venues=(f"curve_stable:{POOL}",))).terms.kinds == {LegKind.CURVE_STABLE}


def test_plain_words_say_every_bound_and_the_worst_last() -> None:
    lines = in_words(checked(WORDS), FACTS)
    text = "\n".join(lines)
    for said in ("1 w from now", "sell at most 10 WETH within any 1 d", "take in USDC, and nothing else", "0.5 %"):
        assert said in text
    assert "not take the owner's own funds" in text
    assert "revokes" in lines[-1]
    loose = in_words(checked(replace(WORDS, most_loss_bps=10_000, switches=frozenset({"may_pull"}))), FACTS)
    assert any(line.startswith("AT ANY PRICE") for line in loose)
    assert "take the owner's own funds by its standing allowance" in loose


def test_what_leaves_is_told_not_to_be_held_by_a_floor() -> None:
    assert "only the limits hold it" in "\n".join(in_words(checked(replace(WORDS, venues=(f"payout:{POOL}",))), FACTS))


FAR = FarReference(10, POOL, ENTRY, 3_600, 6)


def bridging(far: tuple[FarReference, ...] | None) -> Asked:
    asked = replace(read_terms(replace(WORDS, venues=(f"across:{POOL}@10",)), FACTS), far=far)
    refuse_absurd(asked, FACTS, CHECKED)
    return asked


def test_a_bridge_with_a_floor_needs_a_price_on_some_other_chain() -> None:
    with pytest.raises(AbsurdGrant, match=r"FarFeedMissing.*oms session reference TOKEN FEED --far-chain"):
        bridging(())
    with pytest.raises(AbsurdGrant, match="of a chain that it bridges into"):
        bridging((replace(FAR, chain_id=8453),))
    text = "\n".join(in_words(bridging((FAR,)), FACTS))
    assert f"bridge only into {POOL} of chain 10" in text
    assert "FarFeedMissing" in text


def test_a_bridge_is_warned_of_where_the_node_tells_of_no_price() -> None:
    assert "of which this node tells nothing" in "\n".join(in_words(bridging(None), FACTS))
    assert "bridge" not in "\n".join(in_words(checked(WORDS), FACTS))


def test_only_factories_are_asked_about_by_number() -> None:
    asked = read_terms(replace(WORDS, venues=("sushiswap", f"vault:{POOL}", "concentrated:9")), FACTS)
    assert numbered_venues(asked.terms) == ((1, 1), (2, 9))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", NOW + 90), ("1w", NOW + 604_800), ("1800000000", 1_800_000_000), ("2026-12-01T00:00:00Z", 1_796_083_200)],
)
def test_a_moment_is_a_length_a_date_or_seconds(text: str, seconds: int) -> None:
    assert moment(text, NOW) == seconds


def test_a_date_without_a_zone_is_utc() -> None:
    assert moment("2026-12-01", NOW) == moment("2026-12-01T00:00:00+00:00", NOW)


@given(st.text(max_size=30))
def test_no_text_for_a_time_is_a_defect(text: str) -> None:
    for read in (lambda: moment(text, NOW), lambda: seconds_of(text, option="spend")):
        found: int | str
        try:
            found = read()
        except InvalidRequest as error:
            found = error.field
        assert isinstance(found, int) or found in ("until", "spend")


def test_what_is_left_is_rounded_down() -> None:
    assert [time_left(seconds) for seconds in (59, 3_599, 86_399, 604_799)] == ["59 s", "59.9 m", "23.9 h", "6.9 d"]


# --- files -------------------------------------------------------------------------------------------------------

Write = Callable[[str, str], Path]

TOML = f"""
key = "{KEY}"
until = "7d"
most_loss_bps = 50
may_pull = true
venues = ["uniswap_v3"]
spends = ["10:WETH/1d"]
rises = ["USDC"]
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def test_a_toml_and_a_json_file_say_the_same(write: Write) -> None:
    in_toml = read_grant_file(write("terms.toml", TOML))
    value = {
        "key": KEY,
        "until": "7d",
        "most_loss_bps": 50,
        "may_pull": True,
        "venues": ["uniswap_v3"],
        "spends": ["10:WETH/1d"],
        "rises": ["USDC"],
    }
    assert read_grant_file(write("terms.json", json.dumps(value))) == in_toml
    assert in_toml.switches == {"may_pull"}


def test_what_is_typed_replaces_single_words_and_adds_to_lists(write: Write) -> None:
    both = merged(
        GrantWords(until="12h", most_loss_bps=0, venues=("sushiswap",)), read_grant_file(write("t.toml", TOML))
    )
    assert (both.until, both.most_loss_bps, both.key) == ("12h", 0, KEY)
    assert both.venues == ("uniswap_v3", "sushiswap")
    assert both.switches == {"may_pull"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "limit = 5", "limit is no term"),
        ("a.toml", "may_pull = 1", "neither true nor false"),
        ("a.toml", 'venues = "uniswap_v3"', "venues is"),
        ("a.toml", "most_loss_bps = true", "most_loss_bps is"),
        ("a.toml", "spends = [1]", "spends is"),
        ("a.toml", 'switches = ["may_pull"]', "no term"),
        ("a.toml", "= =", "is not TOML"),
        ("a.json", "[1]", "no table"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.toml", "x = " + "[" * 100_000, "is not TOML"),
        ("a.toml", "# " + "x" * 1_100_000, "larger than any grant"),
    ],
)
def test_a_file_that_is_no_grant_is_refused_with_its_reason(write: Write, name: str, text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        read_grant_file(write(name, text))
    assert caught.value.field == "file"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot read .*nothing\.toml"):
        read_grant_file(tmp_path / "nothing.toml")
