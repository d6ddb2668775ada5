"""What venues lose to given prices: nothing at their own, a parabola beside them, pools of several tokens once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.routing.prepared import PreparedMarket
from oms.routing.surplus import losses, surplus
from tests.unit.routing.markets import FAIR, KINDS, NAMES, TOKENS, Sketch, crowds, market

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
TIGHT = KINDS[:3]


def fair(on: PreparedMarket, moved: float = 0.0, token: int = 0) -> "np.typing.NDArray[np.float64]":
    """Log values in dollars per base unit, one token's moved."""
    values = []
    for name in on.table.tokens:
        place = NAMES.index(name)
        values.append(math.log(FAIR[place] / 10.0 ** TOKENS[place].decimals) + (moved if place == token else 0.0))
    return np.array(values)


@given(crowds(kinds=TIGHT, most=8))
@QUICK
def test_venues_within_their_fees_lose_nothing_at_fair_prices(drawn: list[Sketch]) -> None:
    on = market(*drawn)
    # raw amounts are whole base units: a pool of 1,000 dollars of WBTC is off by less than a tenth of the least fee
    assert surplus(on.table, fair(on)) == pytest.approx(0.0, abs=1e-9)
    assert len(losses(on.table, fair(on)).numbers) == 0


@given(st.floats(0.01, 0.5), st.sampled_from([1e4, 1e6]))
@QUICK
def test_a_pair_loses_what_its_curve_says(moved: float, dollars: float) -> None:
    """Selling to a pair with reserves worth D each, no fee: (sqrt(e**m) - 1)**2 * D when a token gains m."""
    on = market(Sketch("product", 0, 1, dollars, 0.0, 0))
    expected = dollars * (math.exp(moved / 2) - 1) ** 2
    assert surplus(on.table, fair(on, moved)) == pytest.approx(expected, rel=1e-5)


@given(crowds(kinds=TIGHT, most=8), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@QUICK
def test_the_loss_is_convex_in_the_prices(drawn: list[Sketch], here: float, there: float) -> None:
    """In prices, not their logarithms: at the middle of two price vectors it is at most the mean."""
    on = market(*drawn)
    one, other = fair(on, here), fair(on, there)
    middle = np.log((np.exp(one) + np.exp(other)) / 2)
    mean = (surplus(on.table, one) + surplus(on.table, other)) / 2
    assert surplus(on.table, middle) <= mean * (1 + 1e-9) + 1e-9


def test_a_pool_of_three_tokens_loses_no_more_than_without_its_fee() -> None:
    on = market(Sketch("weighted", 1, 2, 1e6, 0.0, 100, 3))
    values = fair(on, 1.0, token=1)
    pairs = float(losses(on.table, values).amounts.sum())
    held = sum(
        balance * math.exp(values[on.table.index[token]])
        for token, balance in zip(_pool(on).tokens, _pool(on).balances, strict=True)
    )
    joint = surplus(on.table, values)
    assert 0.0 < joint <= pairs
    # value held, less the least value on its curve: the weights' geometric mean
    weights = [weight / sum(_pool(on).weights) for weight in _pool(on).weights]
    least = math.exp(
        sum(
            weight * (math.log(balance / weight) + float(values[on.table.index[token]]))
            for token, balance, weight in zip(_pool(on).tokens, _pool(on).balances, weights, strict=True)
        )
    )
    assert joint <= (held - least) * (1 + 1e-9)


def _pool(on: PreparedMarket):  # type: ignore[no-untyped-def]
    return on.edges[0].listed.pool  # type: ignore[union-attr]
