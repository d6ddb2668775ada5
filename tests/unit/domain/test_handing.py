"""The rule by which a pool pays the next one, as who encodes and who estimates a plan both ask it."""

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.handing import ON_PATHS, Sale, handing_on, token_tables
from oms.domain.plans import SpendKind
from oms.domain.venue import Family
from oms.units import Address

A, B, C, D = (Address("0x" + digit * 40) for digit in "1234")
V2, V3 = Family.UNISWAP_V2, Family.UNISWAP_V3


def rest(token_in: Address, token_out: Address, family: Family | None = V2) -> Sale:
    return Sale(token_in, token_out, SpendKind.REST, family)


def test_each_hop_of_a_path_hands_on_but_the_last() -> None:
    path = [rest(A, B), rest(B, C, V3), rest(C, D)]
    handing = handing_on(path)
    assert handing == (True, True, False)
    assert token_tables(path, handing, (A, D)) == ((A, D), (B, C))


def test_what_one_concentrated_pool_gives_another_rests() -> None:
    path = [rest(A, B, V3), rest(B, C, V3), rest(C, D)]
    handing = handing_on(path)
    assert handing == (False, True, False)
    assert token_tables(path, handing, (A, D)) == ((A, D, B), (C,))


def test_a_token_that_two_legs_buy_or_two_sell_rests() -> None:
    assert handing_on([rest(A, B), rest(A, B, V3), rest(B, C)]) == (False, False, False)
    assert handing_on([rest(A, B), Sale(B, C, SpendKind.SHARE, V2), rest(B, C)]) == (False, False, False)


def test_the_next_leg_must_follow_at_once_and_sell_everything() -> None:
    assert handing_on([rest(A, B), rest(A, C), rest(B, C)]) == (False, False, False)
    assert handing_on([rest(A, B), Sale(B, C, SpendKind.EXACT, V2)]) == (False, False)


def test_makers_and_vaults_neither_pay_nor_are_paid_by_a_pool() -> None:
    for family in (None, *sorted(set(Family) - ON_PATHS)):
        assert handing_on([rest(A, B, family), rest(B, C)]) == (False, False)
        assert handing_on([rest(A, B), rest(B, C, family)]) == (False, False)


def test_no_legs_hand_nothing_on() -> None:
    assert handing_on([]) == ()


TOKENS = st.sampled_from([A, B, C, D])
SALES = st.builds(Sale, TOKENS, TOKENS, st.sampled_from(list(SpendKind)), st.sampled_from([None, *Family]))


@given(st.lists(SALES, min_size=1, max_size=6))
def test_a_handed_token_is_never_sold_or_bought_by_a_leg_that_is_not_on_its_way(sales: list[Sale]) -> None:
    handing = handing_on(sales)
    resting, handed = token_tables(sales, handing, (sales[0].token_in, sales[-1].token_out))
    assert not set(resting) & set(handed)
    assert set(resting) | set(handed) == {token for sale in sales for token in (sale.token_in, sale.token_out)}
    for number, sale in enumerate(sales):
        assert handing[number] or sale.token_out in resting
        assert (number > 0 and handing[number - 1]) or sale.token_in in resting
