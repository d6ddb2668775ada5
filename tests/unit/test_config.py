"""Settings from a text, over the defaults."""

from decimal import Decimal
from pathlib import Path

from oms.config import DEFAULT_ORDER_SIZES, Settings, read_settings

HERE = Path()


def read(toml: str) -> Settings:
    return read_settings(toml, home=HERE, data=HERE, project=HERE)


def test_an_empty_file_sets_the_defaults() -> None:
    assert read("").limits.max_order_size == DEFAULT_ORDER_SIZES


def test_to_limit_one_token_keeps_the_limits_of_the_others() -> None:
    sizes = read("[limits.max_order_size]\nWETH = 7\nPEPE = '1e9'").limits.max_order_size
    assert sizes == {**DEFAULT_ORDER_SIZES, "WETH": Decimal(7), "PEPE": Decimal(10**9)}
