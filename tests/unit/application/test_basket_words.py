"""What the words of a basket mean, and which of them mean nothing."""

from decimal import Decimal

import pytest

from oms.application.baskets import BasketOrder, read_order
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.routing.baskets import Measure
from oms.units import Address

WETH = Token(1, Address("0x" + "1" * 40), "WETH", 18)
USDC = Token(1, Address("0x" + "2" * 40), "USDC", 6)
TOKENS = {token.symbol: token for token in (WETH, USDC)}


def resolve(text: str, field: str) -> Token:
    if text not in TOKENS:
        raise InvalidRequest(field, f"{text!r} is not known")
    return TOKENS[text]


def read(*buys: str, sells: tuple[str, ...] = ("10:WETH",), payer: str | None = None) -> BasketOrder:
    return read_order(sells, buys, payer, resolve)


def test_shares_amounts_and_prices_are_told_apart() -> None:
    shares = read("USDC:60%", "WETH:40%")
    assert shares.sells == {WETH: 10 * 10**18}
    assert shares.shares == {USDC: Decimal(60), WETH: Decimal(40)}
    assert shares.by is Measure.VALUE
    assert read("USDC@0.999").prices == {USDC: Decimal("0.999")}
    assert read("USDC").prices == {USDC: None}
    bought = read("1_000.5:USDC", sells=(), payer="WETH")
    assert (bought.buys, bought.payer) == ({USDC: 1_000_500_000}, WETH)
    assert bought.tokens == (USDC, WETH)


@pytest.mark.parametrize(
    ("buys", "sells", "payer", "field"),
    [
        ((), ("1:WETH",), None, "buy"),
        (("USDC:60%",), ("1:WETH",), None, "buy"),
        (("USDC:60%", "WETH@2"), ("1:WETH",), None, "buy"),
        (("USDC:60%", "USDC:40%"), ("1:WETH",), None, "buy"),
        (("USDC@0",), ("1:WETH",), None, "buy"),
        (("USDC@x",), ("1:WETH",), None, "buy"),
        (("USDC", "WETH@2"), ("1:WETH",), None, "buy"),
        (("USDC:100%",), (), None, "sell"),
        (("USDC:100%",), ("WETH",), None, "sell"),
        (("USDC:100%",), ("1:WETH", "2:WETH"), None, "sell"),
        (("USDC:100%",), ("-1:WETH",), None, "sell"),
        (("USDC:100%",), ("1:WETH",), "USDC", "sell"),
        (("5:USDC",), ("1:WETH",), None, "buy"),
        (("5:USDC",), (), None, "buy"),
        (("5:DOGE",), (), "WETH", "buy"),
    ],
)
def test_words_that_mean_nothing_name_their_option(
    buys: tuple[str, ...], sells: tuple[str, ...], payer: str | None, field: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        read(*buys, sells=sells, payer=payer)
    assert error.value.field == field
