"""What may be traded with, changed: words for factories, functions and proposals, and what is refused."""

from dataclasses import replace

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.application.registering import (
    RegistryFacts,
    applying,
    built_in_of,
    cancelling,
    disabling,
    in_words,
    listing_of,
    place_of,
    proposing,
    restored_of,
    switching,
    venue_entry,
    waiting,
)
from oms.errors import InvalidRequest, StateConflict
from oms.execution.executor_state import BuiltIn, Listing, Proposal, VenueEntry
from oms.units import ZERO_ADDRESS, Address
from tests.unit.application.samples import EXECUTOR, NOW

FORK = VenueEntry(1, 1, "fork", Address("0x" + "1" * 40), 3000, b"\1" * 32)
PAYEE = Listing(15, Address("0x" + "2" * 40), bytes(4))
FIRST, SECOND, VAULTS = BuiltIn(1, "first", True), BuiltIn(2, "second", True), BuiltIn(6, "balancer", False)
FACTS = RegistryFacts(EXECUTOR, NOW, 2 * 86_400, (FORK,), (FIRST, SECOND, VAULTS), ())


def proposed(addition: VenueEntry | Listing, when: int = NOW, *, number: int = 1) -> Proposal:
    return Proposal(bytes([number]) * 32, addition, when)


def test_a_factory_is_named_or_numbered() -> None:
    assert place_of("fork", FACTS) == place_of("constant_product:1", FACTS) == (1, 1)
    assert place_of("solidly:255", FACTS) == (7, 255)


@given(st.text(max_size=30))
def test_any_other_words_are_refused_by_a_message(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^venue: "):
        place_of(text + " ", FACTS)


@pytest.mark.parametrize(
    "text", ["solidly:0", "solidly:000", "concentrated:256", "solidly:\u0660", "wrap:1", "first", "balancer", ":"]
)
def test_a_number_that_no_factory_can_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^venue: "):
        place_of(text, FACTS)


def test_a_known_factory_is_proposed_with_all_that_belongs_to_it() -> None:
    assert venue_entry("fork", FACTS, deployer=None, init_code_hash="", fee_pips=None) == FORK
    numbered = venue_entry(
        "constant_product:1", FACTS, deployer=FORK.deployer, init_code_hash="0x" + "01" * 32, fee_pips=3000
    )
    assert numbered == FORK


@pytest.mark.parametrize("function", ["deposit(uint256)", "f()", "f((address,uint256)[],bytes)"])
def test_a_function_is_its_selector(function: str) -> None:
    assert listing_of("call", PAYEE.target, function).selector == keccak(function.encode())[:4]


@given(st.text(max_size=60))
def test_a_text_that_is_no_function_is_refused_by_a_message(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^function: "):
        listing_of("call", PAYEE.target, text + " ")


@pytest.mark.parametrize("text", ["", "f", "f(uint)", "f(int,address)", "f(a b)", "0x1234", "\u0444()", "(uint256)"])
def test_a_function_without_its_full_types_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^function: "):
        listing_of("call", PAYEE.target, text)


def test_the_delay_is_told_with_when_it_ends() -> None:
    told = proposing(PAYEE, FACTS, present=False).words
    assert "2 d later" in told[-1]
    assert "at once" in proposing(PAYEE, replace(FACTS, delay=0), present=False).words[-1]


def test_what_takes_the_place_of_another_factory_says_so() -> None:
    other = replace(FORK, deployer=Address("0x" + "3" * 40))
    assert any(
        f"replaces the factory at {other.deployer}" in each for each in proposing(FORK, FACTS, present=other).words
    )
    empty = VenueEntry(1, 1, "fork", ZERO_ADDRESS, 0, bytes(32))
    assert not any("replaces" in each for each in proposing(FORK, FACTS, present=empty).words)
    for addition, present in ((FORK, FORK), (PAYEE, True)):
        with pytest.raises(StateConflict, match="is there already"):
            proposing(addition, FACTS, present=present)


@given(st.integers(0, 10**7))
def test_a_proposal_is_applied_from_its_second_on_and_not_before(wait: int) -> None:
    proposal = proposed(PAYEE, NOW + wait)
    if wait == 0:
        assert applying(proposal, FACTS).data
        return
    with pytest.raises(StateConflict, match="from now; wait"):
        applying(proposal, FACTS)
    assert applying(proposal, replace(FACTS, now=NOW + wait)).data


def test_the_proposal_that_is_meant_is_found_or_asked_for() -> None:
    first, second, third = proposed(FORK), proposed(replace(FORK, fee_pips=1), number=2), proposed(PAYEE, number=3)
    facts = replace(FACTS, proposals=(first, second, third))
    assert waiting(facts, listing=PAYEE) == third
    assert waiting(facts, identifier="0x" + "02" * 32) == second
    with pytest.raises(InvalidRequest, match="0x0101"):
        waiting(facts, place=(1, 1))
    with pytest.raises(StateConflict, match="no such addition waits"):
        waiting(facts, place=(1, 2))


def test_what_takes_away_waits_for_nothing() -> None:
    assert cancelling(proposed(PAYEE)).takes_away
    assert disabling(PAYEE, FACTS).takes_away
    assert disabling(FORK, FACTS).takes_away
    assert not proposing(PAYEE, FACTS, present=False).takes_away
    with pytest.raises(StateConflict, match="never added"):
        disabling(VenueEntry(1, 2, "", ZERO_ADDRESS, 0, bytes(32)), FACTS)


def test_what_stands_in_the_code_is_meant_by_its_name_or_its_kind_and_nothing_else_is() -> None:
    assert built_in_of("first", FACTS) == built_in_of("constant_product:0", FACTS) == FIRST
    assert built_in_of("balancer", FACTS) == built_in_of("balancer:000", FACTS) == VAULTS
    for text in ("fork", "constant_product", "constant_product:1", "solidly:0", "concentrated_exact_out:0", ""):
        assert built_in_of(text, FACTS) is None
        with pytest.raises(InvalidRequest, match="choose from first, second, balancer"):
            restored_of(text, FACTS)


def test_what_is_off_is_told_with_what_it_costs_and_how_it_comes_back() -> None:
    intended = switching(SECOND, FACTS, on=False)
    assert intended.takes_away
    text = "\n".join(intended.words)
    for said in (
        "pools of second (exact outputs too) any more",
        "12,000 gas",
        "balancer is off too",
        "oms venue restore second",
    ):
        assert said in text
    only = replace(FACTS, fixed=(FIRST, SECOND))
    assert "already" not in "\n".join(switching(SECOND, only, on=False).words)


def test_plans_cost_more_until_the_last_that_is_off_comes_back() -> None:
    assert "no longer" in switching(VAULTS, FACTS, on=True).words[-1]
    assert not switching(VAULTS, FACTS, on=True).takes_away
    facts = replace(FACTS, fixed=(replace(FIRST, on=False), SECOND, VAULTS))
    assert "first stays off" in switching(VAULTS, facts, on=True).words[-1]
    for venue, on in ((FIRST, True), (VAULTS, False)):
        with pytest.raises(StateConflict, match="already"):
            switching(venue, FACTS, on=on)


def test_a_kind_that_is_not_known_here_is_told_by_its_number() -> None:
    assert in_words(Listing(30, PAYEE.target, bytes(4))).startswith("kind 30 ")
