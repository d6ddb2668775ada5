"""Fills of makers and books on shared state: limits that hold over all edges, charges, and the parts of an edge."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.plans import Side
from oms.errors import InvalidRequest, QuoteRefused, Refusal, StateConflict
from oms.routing.book_market import AssetAt, BookMarket, InventoryEdge
from oms.routing.hedge_cost import HedgeRate
from oms.routing.market import BookEdge, Edge, Market, Taken, fill, initial_state, initial_states, parts
from tests.unit.routing.market_samples import A, B
from tests.unit.routing.venue_samples import (
    BTC,
    ETH,
    USD,
    book,
    book_edge,
    books,
    firm_edge,
    ladder_edge,
    rules,
)

BOOK = book([("2000", "5"), ("1999", "20")], [("2001", "5"), ("2002", "20")])
MARKET = BookMarket(BOOK, rules(), ETH, USD)
HEDGE = HedgeRate(slippage_bps=1.25, variance_bps=0.25)
bps = st.decimals(0, 50, places=3)
hedges = st.builds(HedgeRate, st.floats(0, 30), st.floats(0, 30))


def filled(edges: list[Edge], amounts: list[int], *, lots: bool = False) -> tuple[Taken, list[int]]:
    """The shared state and the outputs after filling the edges one after another; a refused fill brings 0."""
    state = initial_states(edges)[edges[0].state_id]
    outputs = []
    for edge, amount in zip(edges, amounts, strict=True):
        try:
            done = fill(edge, state, amount, lots=lots)
        except QuoteRefused:
            outputs.append(0)
            continue
        state = done.next_state
        outputs.append(done.amount_out)
    assert isinstance(state, Taken)
    return state, outputs


def refusal(edge: Edge, state: object, amount: int) -> Refusal:
    with pytest.raises(QuoteRefused) as refused:
        fill(edge, state, amount)
    return refused.value.reason


# --- books between their joins


def test_a_book_draws_on_the_balance_at_the_exchange_and_no_more() -> None:
    edge = book_edge(MARKET, selling=True, balance=3 * 10**18)
    start = initial_state(edge)
    done = fill(edge, start, 3 * 10**18)
    assert done.amount_out == 5_997_000_000
    assert refusal(edge, start, 3 * 10**18 + 1) is Refusal.AMOUNT_TOO_LARGE
    assert refusal(edge, done.next_state, 10**16) is Refusal.AMOUNT_TOO_LARGE


def test_an_empty_balance_fills_nothing() -> None:
    edge = book_edge(MARKET, selling=False, balance=0)
    assert refusal(edge, initial_state(edge), 10**8) is Refusal.AMOUNT_TOO_LARGE


def test_all_books_of_one_exchange_share_the_balance_of_an_asset() -> None:
    other = BookMarket(book([("20", "50")], [("21", "50")], symbol="BTC/ETH"), rules(symbol="BTC/ETH"), BTC, ETH)
    for_dollars = book_edge(MARKET, selling=True, balance=10 * 10**18)
    for_bitcoin = book_edge(other, selling=False, balance=10 * 10**18)
    state, outputs = filled([for_dollars, for_bitcoin, for_bitcoin], [4 * 10**18, 7 * 10**18, 6 * 10**18])
    assert [bool(output) for output in outputs] == [True, False, True]
    assert state.drawn["give", A] == 10 * 10**18


def test_what_a_trade_brings_does_not_fill_the_balance_again() -> None:
    selling = book_edge(MARKET, selling=True, balance=10**18)
    buying = book_edge(MARKET, selling=False, balance=10**9)
    _, outputs = filled([selling, buying, selling], [10**18, 10**9, 10**17])
    assert [bool(output) for output in outputs] == [True, True, False]


def test_the_desks_bounds_hold_over_all_fills_of_a_plan() -> None:
    edge = book_edge(MARKET, selling=True, max_out=3_000_000_000)
    once = fill(edge, initial_state(edge), 10**18)
    assert refusal(edge, once.next_state, 10**18) is Refusal.AMOUNT_TOO_LARGE


def test_the_charge_is_beside_the_amount_that_settles() -> None:
    free = book_edge(MARKET, selling=True)
    dear = book_edge(MARKET, selling=True, give_bps=Decimal(2), receive_bps=Decimal("0.5"), hedge=HEDGE)
    plain, charged = (fill(edge, initial_state(edge), 10**18) for edge in (free, dear))
    assert plain.charge == 0
    assert charged.amount_out == plain.amount_out == 1_999_000_000
    assert charged.charge == 399_800 + 249_875 + 49_975 + 99_950


@settings(max_examples=60, deadline=None)
@given(books(), st.booleans(), bps, bps, hedges, st.lists(st.integers(1, 10**19), min_size=2, max_size=5))
def test_parts_of_a_fill_add_up_to_the_whole(
    market: BookMarket, selling: bool, give: Decimal, receive: Decimal, hedge: HedgeRate, amounts: list[int]
) -> None:
    edge = book_edge(market, selling=selling, give_bps=give, receive_bps=receive, hedge=hedge)
    scaled = amounts if selling else [amount // 10**9 + 1 for amount in amounts]
    state = start = initial_state(edge)
    done = []
    for amount in scaled:
        try:
            done.append(fill(edge, state, amount, lots=False))
        except QuoteRefused:
            continue
        state = done[-1].next_state
    if not done:
        return
    whole = fill(edge, start, sum(each.amount_in for each in done), lots=False)
    assert whole.amount_out == sum(each.amount_out for each in done)
    assert whole.charge == sum(each.charge for each in done)
    assert min(each.charge for each in done) >= 0
    assert whole.next_state == done[-1].next_state
    assert sum(part.cost for part in parts(edge, whole.amount_in, whole.amount_out)) == whole.charge


@settings(max_examples=60, deadline=None)
@given(books(), st.booleans(), st.integers(0, 10**20), st.lists(st.integers(1, 10**20), min_size=1, max_size=6))
def test_no_sequence_of_fills_gives_more_than_the_balance(
    market: BookMarket, selling: bool, balance: int, amounts: list[int]
) -> None:
    edge = book_edge(market, selling=selling, balance=balance)
    state, outputs = filled([edge] * len(amounts), amounts)
    given_ = sum(amount for amount, output in zip(amounts, outputs, strict=True) if output)
    assert state.drawn.get(("give", edge.token_in), 0) == given_ <= balance


def test_a_book_edge_lists_join_book_and_join_with_their_costs() -> None:
    edge = book_edge(MARKET, selling=True, balance=10**19, give_bps=Decimal(2), receive_bps=Decimal("0.5"), hedge=HEDGE)
    give, trade, receive = parts(edge, 10**18, 1_999_000_000)
    assert (str(give.source), str(give.target)) == ("WETH on chain", "WETH at paper")
    assert (str(trade.source), str(trade.target)) == ("WETH at paper", "USDC at paper")
    assert (str(receive.source), str(receive.target)) == ("USDC at paper", "USDC on chain")
    assert (give.amount_in, give.amount_out, give.capacity, give.cost) == (10**18, 10**18, 10**19, 399_800)
    assert (trade.amount_in, trade.amount_out, trade.cost) == (10**18, 1_999_000_000, 249_875 + 49_975)
    assert (receive.amount_in, receive.amount_out, receive.cost) == (1_999_000_000, 1_999_000_000, 99_950)
    assert trade.cost_bps == pytest.approx(1.5)


def test_an_edge_on_chain_and_a_bare_book_are_one_part() -> None:
    bare = BookEdge(MARKET, A, B, hedge=HEDGE)
    (only,) = parts(bare, 10**18, 1_999_000_000)
    assert (only.source, only.target, only.cost) == (A, B, 299_850)
    (maker,) = parts(ladder_edge([("1", "2000")]), 10**18, 2_000_000_000)
    assert (maker.label, maker.cost) == ("maker linden", 0)


@pytest.mark.parametrize(
    ("source", "target"),
    [(AssetAt(ETH), AssetAt(ETH)), (AssetAt(ETH), AssetAt(USD, "paper")), (AssetAt(ETH, "a"), AssetAt(ETH, "b"))],
)
def test_a_join_takes_one_token_between_the_chain_and_an_exchange(source: AssetAt, target: AssetAt) -> None:
    with pytest.raises(InvalidRequest, match="one token in two places"):
        InventoryEdge(source, target, None, Decimal(1))


@pytest.mark.parametrize(("capacity", "cost"), [(-1, "1"), (1, "-1"), (1, "NaN")])
def test_a_join_has_no_negative_capacity_or_cost(capacity: int, cost: str) -> None:
    with pytest.raises(InvalidRequest, match="below zero"):
        InventoryEdge(AssetAt(ETH), AssetAt(ETH, "paper"), capacity, Decimal(cost))


@pytest.mark.parametrize("selling", [True, False])
def test_a_join_that_brings_tokens_back_can_be_limited_too(selling: bool) -> None:
    edge = book_edge(MARKET, selling=selling)
    assert edge.joins is not None
    back = edge.joins.receive
    limited = BookEdge(
        MARKET,
        edge.token_in,
        edge.token_out,
        joins=type(edge.joins)(edge.joins.give, InventoryEdge(back.source, back.target, 1_000, back.cost_bps)),
    )
    amount = 10**18 if selling else 3_000_000_000
    assert refusal(limited, initial_state(limited), amount) is Refusal.AMOUNT_TOO_LARGE
    assert MARKET.side(edge.token_in) is (Side.SELL if selling else Side.BUY)


# --- a maker's quotes on its one inventory


def test_ladders_of_one_maker_that_pay_one_token_share_what_it_has() -> None:
    of_ether = ladder_edge([("10", "2000")], inventory="15000")
    of_bitcoin = ladder_edge([("1", "10000")], taker=BTC, inventory="15000")
    _, outputs = filled([of_ether, of_bitcoin, of_bitcoin], [5 * 10**18, 10**8, 5 * 10**7])
    assert outputs == [10_000_000_000, 0, 5_000_000_000]


def test_without_a_stated_inventory_all_ladders_are_held_to_the_deepest() -> None:
    of_ether, of_bitcoin = ladder_edge([("5", "2000")]), ladder_edge([("1", "8000")], taker=BTC)
    _, outputs = filled([of_bitcoin, of_ether, of_ether], [10**8, 2 * 10**18, 10**18])
    assert outputs == [8_000_000_000, 0, 2_000_000_000]


def test_a_maker_that_signed_for_more_than_it_shows_has_that_much() -> None:
    shown, firm = ladder_edge([("1", "2000")]), firm_edge(4 * 10**18, 8_000_000_000)
    state, outputs = filled([shown, firm], [10**18, 3 * 10**18])
    assert outputs == [2_000_000_000, 6_000_000_000]
    assert state.stocks["give", B] == 8_000_000_000


@pytest.mark.parametrize(
    ("first", "second", "least"), [("9000", None, 9_000), (None, "9000", 9_000), ("9000", "7000", 7_000)]
)
def test_what_a_maker_states_counts_before_what_it_shows_and_the_least_before_more(
    first: str | None, second: str | None, least: int
) -> None:
    of_ether = ladder_edge([("10", "2000")], inventory=first)
    of_bitcoin = ladder_edge([("1", "30000")], taker=BTC, inventory=second)
    states = initial_states([of_ether, of_bitcoin])
    state = states["maker:linden"]
    assert isinstance(state, Taken)
    assert state.stocks == {("give", B): least * 10**6}


def test_the_least_balance_that_two_books_of_one_exchange_state_is_the_limit() -> None:
    edges: list[Edge] = [book_edge(MARKET, selling=True, balance=balance) for balance in (5 * 10**18, 3 * 10**18)]
    _, outputs = filled([*edges, edges[0]], [2 * 10**18, 10**18, 10**16])
    assert [bool(output) for output in outputs] == [True, True, False]


def test_other_makers_and_other_tokens_have_stocks_of_their_own() -> None:
    edges: list[Edge] = [
        ladder_edge([("5", "2000")]),
        ladder_edge([("5", "2000")], name="acacia"),
        ladder_edge([("10000", "0.0005")], taker=USD, maker=ETH),
    ]
    market = Market.of(edges)
    for edge, amount in zip(edges, [5 * 10**18, 5 * 10**18, 10**10], strict=True):
        assert fill(edge, market.states[edge.state_id], amount).amount_out > 0
    state, outputs = filled([edges[0], edges[2]], [5 * 10**18, 10**10])
    assert all(outputs)
    assert set(state.drawn) == {("give", B), ("give", A)}


def test_a_firm_quote_and_a_ladder_of_one_maker_share_its_inventory_and_its_levels() -> None:
    firm = firm_edge(2 * 10**18, 4_000_000_000)
    shown = ladder_edge([("2", "2000"), ("8", "1999")], inventory="10000")
    state, outputs = filled([firm, shown, shown], [2 * 10**18, 10**18, 4 * 10**18])
    assert outputs == [4_000_000_000, 1_999_000_000, 0], "the ladder stands where the firm quote left it"
    assert state.drawn["give", B] == 5_999_000_000


def test_two_firm_quotes_are_two_offers() -> None:
    first, second = firm_edge(10**18, 2_000_000_000), firm_edge(10**18, 1_990_000_000, nonce=2)
    _, outputs = filled([first, second, first], [10**18, 10**18, 1])
    assert outputs == [2_000_000_000, 1_990_000_000, 0]


def test_a_quote_for_all_or_nothing_asks_for_more_when_less_is_given() -> None:
    edge = firm_edge(10**18, 2_000_000_000, partial=False)
    start = initial_state(edge)
    assert refusal(edge, start, 10**17) is Refusal.BELOW_MINIMUM
    assert refusal(edge, start, 2 * 10**18) is Refusal.AMOUNT_TOO_LARGE
    assert fill(edge, start, 10**18).amount_out == 2_000_000_000


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ether", "bitcoin", "firm"]), st.integers(1, 8 * 10**18)), min_size=1, max_size=8
    ),
    st.integers(1, 30_000),
)
def test_a_maker_never_gives_more_than_it_has_stated(fills: list[tuple[str, int]], inventory: int) -> None:
    stated = str(inventory)
    edges: dict[str, Edge] = {
        "ether": ladder_edge([("5", "2000"), ("5", "1990")], inventory=stated),
        "bitcoin": ladder_edge([("0.3", "30000"), ("0.5", "29000")], taker=BTC, inventory=stated),
        "firm": firm_edge(3 * 10**18, 6_000_000_000),
    }
    market = Market.of(edges.values())
    state, total = market.states["maker:linden"], 0
    for name, amount in fills:
        try:
            done = fill(edges[name], state, amount // 10**10 if name == "bitcoin" else amount)
        except QuoteRefused:
            continue
        state, total = done.next_state, total + done.amount_out
        assert done.charge == 0
    assert total <= inventory * 10**6
    assert isinstance(state, Taken)
    assert total == state.drawn.get(("give", B), 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 4 * 10**18), min_size=1, max_size=6))
def test_a_ladder_poured_in_portions_gives_what_it_gives_at_once(amounts: list[int]) -> None:
    edge = ladder_edge([("5", "2000.123457"), ("20", "1999.5")])
    start = state = initial_state(edge)
    gained = poured = 0
    for amount in amounts:
        try:
            done = fill(edge, state, amount)
        except QuoteRefused:
            continue
        state, gained, poured = done.next_state, gained + done.amount_out, poured + amount
    if poured:
        assert gained == fill(edge, start, poured).amount_out


def test_an_edge_is_not_filled_on_another_kinds_state() -> None:
    with pytest.raises(StateConflict, match="start from initial_states"):
        fill(book_edge(MARKET, selling=True), 0, 10**18)
