"""Single paths: what each pays, the least input for an output, and which are worth showing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused
from oms.routing.market import Market, Path
from oms.routing.single_paths import direct_paths, fill_path, input_for, longer_paths
from tests.unit.routing.market_samples import A, B, C, D, every_path, listed, market

DEEP = 10**24


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**20))
def test_the_input_for_an_output_is_the_least_one(wanted: int) -> None:
    found = market(listed(1, A, C, 10**21, 10**21), listed(2, C, B, 10**21, 2 * 10**21))
    (path,) = every_path(found, A, B, max_hops=2)
    amount = input_for(found.states, path, wanted)
    assert fill_path(found.states, path, amount)[0] >= wanted
    if amount > 1:
        assert pays(found, path, amount - 1) < wanted


def pays(found: Market, path: Path, amount: int) -> int:
    try:
        return fill_path(found.states, path, amount)[0]
    except QuoteRefused:
        return 0


def test_every_edge_between_the_two_is_a_direct_path() -> None:
    found = market(listed(1, A, B, DEEP, DEEP), listed(2, A, C, DEEP, DEEP), listed(3, A, B, DEEP, DEEP))
    assert [path[0].state_id[-1] for path in direct_paths(found, A, B)] == ["1", "3"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(90, 110), min_size=7, max_size=7), st.integers(2, 4))
def test_the_best_longer_path_for_the_size_comes_first(prices: list[int], max_hops: int) -> None:
    pairs = ((A, B), (A, C), (C, B), (A, C), (C, D), (D, B), (A, D))
    found = market(
        *(
            listed(i, *pair, DEEP, DEEP * price // 100)
            for i, (pair, price) in enumerate(zip(pairs, prices, strict=True))
        )
    )
    size = 10**18
    shown = longer_paths(found, A, B, dict.fromkeys((A, B, C, D), size), max_hops=max_hops, most=5)
    longer = [path for path in every_path(found, A, B, max_hops=max_hops) if len(path) > 1]
    assert set(shown) <= set(longer)
    assert len(shown) == min(5, len(longer))
    best = max(pays(found, path, size) for path in longer)
    assert pays(found, shown[0], size) >= best * (1 - 1e-4)


def test_a_token_without_a_worth_is_not_passed_through() -> None:
    found = market(listed(1, A, C, DEEP, DEEP), listed(2, C, B, DEEP, DEEP))
    assert longer_paths(found, A, B, {A: 10**18, B: 10**18}, max_hops=3, most=5) == []
