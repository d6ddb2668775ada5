"""Settings from a text, over the defaults."""

from decimal import Decimal
from pathlib import Path

import pytest

from oms.config import DEFAULT_ORDER_SIZES, DEFAULT_VOLATILITIES, Settings, read_settings
from oms.errors import InvalidRequest

HERE = Path()


def read(toml: str) -> Settings:
    return read_settings(toml, home=HERE, data=HERE, project=HERE)


def test_an_empty_file_sets_the_defaults() -> None:
    assert read("").limits.max_order_size == DEFAULT_ORDER_SIZES


def test_to_limit_one_token_keeps_the_limits_of_the_others() -> None:
    sizes = read("[limits.max_order_size]\nWETH = 7\nPEPE = '1e9'").limits.max_order_size
    assert sizes == {**DEFAULT_ORDER_SIZES, "WETH": Decimal(7), "PEPE": Decimal(10**9)}


def test_to_set_one_volatility_keeps_the_others() -> None:
    costs = read("[hedge_costs.volatility_bps_per_sqrt_hour]\nWETH = 90").hedge_costs
    assert costs.volatility("WETH") == 90.0
    assert costs.volatility("WBTC") == DEFAULT_VOLATILITIES["WBTC"]
    assert costs.volatility("PEPE") == costs.default_volatility


def test_a_transfer_costs_what_is_set_for_its_exchange_and_token_else_the_default() -> None:
    costs = read("[transfers]\ndefault_bps = 1.5\n[transfers.by_exchange.kraken]\nWETH = 3").transfers
    told = [costs.bps("kraken", "WETH"), costs.bps("kraken", "USDC"), costs.bps("binance", "WETH")]
    assert told == [Decimal(3), Decimal("1.5"), Decimal("1.5")]


@pytest.mark.parametrize(
    "toml",
    [
        "[hedge_costs]\nrisk_aversion = -1",
        "[hedge_costs]\nlatency_seconds = nan",
        "[hedge_costs]\nopen_seconds = inf",
        "[hedge_costs.volatility_bps_per_sqrt_hour]\nWETH = -5",
        "[hedge_costs]\nspeed = 1",
        "[transfers]\ndefault_bps = -0.1",
        "[transfers.by_exchange.kraken]\nWETH = nan",
        "max_hops = 7",
    ],
)
def test_costs_that_are_none_are_refused_by_name(toml: str) -> None:
    with pytest.raises(InvalidRequest, match="see the defaults"):
        read(toml)


def test_routes_may_have_six_hops() -> None:
    assert read("max_hops = 6").max_hops == 6
