"""The gas estimate beside receipts on recorded mainnet: real tokens, real pools, real bytecode."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.settling_chain import oracle_words, used_words, write_words
from oms.adapters.evm.token_gas import token_gas_of
from oms.adapters.evm.venues import MAINNET
from oms.bootstrap.quotes import OpenMarket, OrderWords, open_market
from oms.bootstrap.sessions import RECORDED_FILE, Opening
from oms.bootstrap.trading import Terms, Trading, quote_for
from oms.config import RiskLimits, Settings
from oms.domain.venue import Family
from oms.liquidity.listing import ListedPool
from oms.routing.gas_model import GasTerms, plan_gas
from oms.units import Address

pytestmark = [pytest.mark.slow, pytest.mark.recorded, pytest.mark.fork]

VENUES = frozenset({"uniswap_v2", "uniswap_v3", "uniswap_v4"})
ORDERS = [
    (amount, token_in, token_out)
    for token_in, amounts in (
        ("WETH", ("0.7", "11")),
        ("USDC", ("2100", "31000")),
        ("USDT", ("1700", "27000")),
        ("WBTC", ("0.06", "0.5")),
        ("DAI", ("1300", "21000")),
    )
    for token_out in ("WETH", "USDC", "USDT")
    if token_in != token_out
    for amount in amounts
]


@pytest.fixture(scope="module")
def market(oms_data: Path, project: Path, devnet_home: Path) -> Iterator[OpenMarket]:
    settings = Settings(home=devnet_home, data=oms_data, project=project, limits=RiskLimits(max_price_impact_bps=5_000))
    opening = Opening(recording=oms_data / RECORDED_FILE, settles=True)
    with open_market(settings, opening, with_counterparties=False) as opened:
        yield opened


def make_used(market: OpenMarket, listed: ListedPool) -> None:
    """Where the recording holds no fee growth, oracle or protocol's account, it reads as zero; on mainnet none is."""
    rpc = market.session.rpc
    write_words(rpc, used_words(listed.pool, MAINNET))
    if listed.key.family is Family.UNISWAP_V3:
        address = Address(listed.key.pool_id)
        slot0 = int(str(rpc.call("eth_getStorageAt", address, "0x0", "latest")), 16)
        write_words(rpc, ((address, slot, word) for slot, word in oracle_words(slot0)))
        write_words(rpc, [(address, 3, 1 << 128 | 1)])


def estimated_and_used(trading: Trading, order: OrderWords) -> tuple[int, int]:
    """The estimate for a sale from an executor that keeps as much again and holds nothing else; and the receipt's."""
    rpc = trading.market.session.rpc
    snapshot = rpc.call("evm_snapshot")
    _, report = quote_for(trading.market, order)
    trading.fund(report.intent.token_in, 2 * report.intent.amount)
    _, report = quote_for(trading.market, order)
    outcome = trading.execute(trading.plan(report)[0])
    assert outcome.receipt is not None, outcome.denied
    terms = GasTerms(has_output=False, token_gas=token_gas_of(1))
    estimate = plan_gas(report.split.legs, report.market.states, terms=terms)
    rpc.call("evm_revert", snapshot)
    return estimate, outcome.receipt.gas_used


def test_orders_with_real_tokens_are_estimated_within_two_per_cent_nine_times_in_ten(market: OpenMarket) -> None:
    trading = Trading(market, Terms())
    used: set[str] = set()
    errors = []
    for amount, token_in, token_out in ORDERS:
        order = replace(OrderWords(amount, token_in, token_out), max_hops=2, venues=VENUES)
        for listed in quote_for(market, order)[1].view.snapshot.pools:
            if listed.key.pool_id not in used:
                make_used(market, listed)
                used.add(listed.key.pool_id)
        estimate, gas_used = estimated_and_used(trading, order)
        errors.append(estimate / gas_used - 1)
    trading.close()
    assert sum(abs(error) <= 0.02 for error in errors) >= 0.9 * len(ORDERS), sorted(errors)
    assert max(map(abs, errors)) < 0.04
