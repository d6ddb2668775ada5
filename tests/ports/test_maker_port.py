"""What every maker behind the port must do: the in-memory fake, and our server as a process over HTTP."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest

from oms.adapters.local_process import LocalProcess
from oms.adapters.makers.http import HttpMaker, MakerTerms, maker_info
from oms.adapters.makers.typed_data import signer_of
from oms.domain.quotes import LadderLevel, QuoteRequest
from oms.domain.token import Token
from oms.errors import Terminal
from oms.liquidity.rfq_ladder import ladder_amount_in, ladder_amount_out, ladder_capacity
from oms.ports.makers import Maker
from oms.units import Address
from tests.ports.fakes import FakeMaker, FixedClock
from tests.ports.local_http import ToyNode, http_server

KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
MAKER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
TAKER = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
SETTLEMENT = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")
WETH = Token(1, Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), "WETH", 18)
USDC = Token(1, Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"), "USDC", 6)
DAI = Token(1, Address("0x6B175474E89094C44Da98b954EedeAC495271d0F"), "DAI", 18)
NOW = 1_723_161_255


def maker_config(rpc_url: str) -> dict[str, object]:
    return {
        "name": "linden",
        "rpc_url": rpc_url,
        "chain_id": 1,
        "settlement": SETTLEMENT,
        "key_env": "TEST_MAKER_KEY",
        "tokens": [
            {"symbol": "WETH", "address": WETH.address, "decimals": 18},
            {"symbol": "USDC", "address": USDC.address, "decimals": 6},
        ],
        "pairs": [{"base": "WETH", "quote": "USDC", "mid": "2681.62", "spread_bps": "4"}],
        "inventory_share": "0.5",
    }


@pytest.fixture(scope="module")
def served() -> Iterator[HttpMaker]:
    node = ToyNode(NOW, {WETH.address: 400 * 10**18, USDC.address: 2_000_000 * 10**6})
    terms = MakerTerms(1, MAKER, SETTLEMENT)
    with (
        http_server(node.handle) as rpc_url,
        LocalProcess.start(
            "oms.adapters.makers.server", maker_config(rpc_url), environment={"TEST_MAKER_KEY": KEY}
        ) as server,
    ):
        maker = HttpMaker("linden", server.url, terms=terms, chain_time=lambda: NOW, clock=FixedClock())
        yield maker
        info = maker_info(server.url)
        maker.close()
    assert (info.maker, info.settlement, info.pairs) == (MAKER, SETTLEMENT, ((WETH.address, USDC.address),))


@pytest.fixture(params=["fake", "server"])
def maker(request: pytest.FixtureRequest) -> Maker:
    if request.param == "server":
        served: HttpMaker = request.getfixturevalue("served")
        return served
    levels = {
        (WETH, USDC): (LadderLevel(Decimal(5), Decimal(2680)), LadderLevel(Decimal(20), Decimal(2679))),
        (USDC, WETH): (LadderLevel(Decimal(100_000), Decimal("0.00037")),),
    }
    return FakeMaker("linden", KEY, MAKER, SETTLEMENT, levels, NOW)


def test_our_server_states_what_all_its_quotes_together_can_pay(served: HttpMaker) -> None:
    assert served.ladder(WETH, USDC).inventory == Decimal(1_000_000), "half of what it holds"


@pytest.mark.parametrize(("given", "wanted"), [(WETH, USDC), (USDC, WETH)])
def test_a_ladder_names_the_tokens_asked_for_and_is_sorted_best_first(
    maker: Maker, given: Token, wanted: Token
) -> None:
    ladder = maker.ladder(given, wanted)

    assert (ladder.maker_name, ladder.taker_token, ladder.maker_token) == (maker.name, given, wanted)
    assert ladder_capacity(ladder) > 0
    assert all(better.price >= worse.price for better, worse in pairwise(ladder.levels))


@pytest.mark.parametrize(("given", "wanted", "amount"), [(WETH, USDC, 6 * 10**18), (USDC, WETH, 12_345_678_901)])
def test_a_firm_quote_for_an_exact_input_is_signed_at_the_ladders_price(
    maker: Maker, given: Token, wanted: Token, amount: int
) -> None:
    quote = maker.firm_quote(QuoteRequest(1, TAKER, given.address, wanted.address, taker_amount=amount))

    assert quote.taker_amount == amount
    assert quote.maker_amount == ladder_amount_out(maker.ladder(given, wanted), amount)
    assert signer_of(quote) == quote.maker == MAKER
    assert (quote.taker, quote.settlement, quote.chain_id) == (TAKER, SETTLEMENT, 1)
    assert quote.expiry > NOW


def test_a_firm_quote_for_an_exact_output_asks_the_ladders_input_for_it(maker: Maker) -> None:
    wanted = 10_000_000_001

    quote = maker.firm_quote(QuoteRequest(1, TAKER, WETH.address, USDC.address, maker_amount=wanted))

    assert quote.maker_amount == wanted
    assert quote.taker_amount == ladder_amount_in(maker.ladder(WETH, USDC), wanted)


def test_two_quotes_never_share_a_nonce(maker: Maker) -> None:
    request = QuoteRequest(1, TAKER, WETH.address, USDC.address, taker_amount=10**18)

    assert maker.firm_quote(request).nonce != maker.firm_quote(request).nonce


def test_a_pair_that_the_maker_does_not_trade_is_refused_for_good(maker: Maker) -> None:
    with pytest.raises(Terminal, match="unknown_pair"):
        maker.ladder(DAI, USDC)
    with pytest.raises(Terminal, match="unknown_pair"):
        maker.firm_quote(QuoteRequest(1, TAKER, DAI.address, USDC.address, taker_amount=10**18))


def test_more_than_the_maker_has_is_refused_for_good(maker: Maker) -> None:
    too_much = ladder_capacity(maker.ladder(WETH, USDC)) * 2

    with pytest.raises(Terminal, match="refused"):
        maker.firm_quote(QuoteRequest(1, TAKER, WETH.address, USDC.address, taker_amount=too_much))
