"""The whole path on real bytecode: quote, plan, gate, simulate, settle; predicted equals realised to the unit."""

import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.bootstrap.quotes import OpenMarket, OrderWords, open_market
from oms.bootstrap.sessions import RECORDED_FILE, Opening, parse_account
from oms.bootstrap.trading import Terms, Trading, quote_for
from oms.config import RiskLimits, Settings
from oms.domain.events import TransactionIntended, TransactionRefused
from oms.domain.plans import RoutePlan
from oms.domain.venue import Family
from oms.errors import QuoteRefused

pytestmark = pytest.mark.fork

MAKER_ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture(scope="module")
def settings(project: Path, devnet_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = project.parent / "shared" / "data"
    limits = RiskLimits(max_price_impact_bps=5_000)
    del tmp_path_factory
    return Settings(home=devnet_home, data=data, project=project, limits=limits)


@pytest.fixture(scope="module")
def devnet_market(settings: Settings) -> Iterator[OpenMarket]:
    with open_market(settings, Opening("devnet", settles=True, fresh=True), with_counterparties=False) as market:
        yield market


@pytest.fixture
def trading(devnet_market: OpenMarket) -> Iterator[Trading]:
    """A desk whose effects on the chain are undone after the test."""
    rpc = devnet_market.session.rpc
    snapshot = rpc.call("evm_snapshot")
    opened = Trading(devnet_market, Terms())
    yield opened
    opened.close()
    rpc.call("evm_revert", snapshot)


def settled(trading: Trading, words: OrderWords) -> tuple[RoutePlan, bool]:
    """Run an order to its end; the plan, and whether every leg and total came out exactly."""
    _, report = quote_for(trading.market, words)
    trading.fund(report.intent.token_in, report.split.amount_in)
    _, report = quote_for(trading.market, words)
    plan, _ = trading.plan(report)
    outcome = trading.execute(plan)
    assert not outcome.denied, outcome.denied
    assert trading.residue(report).clean
    exact = outcome.exact and outcome.realised_in == plan.amount_in and outcome.realised_out == plan.amount_out
    return plan, exact


@pytest.mark.parametrize(
    ("venue", "family", "token_in", "token_out"),
    [
        ("uniswap_v2", Family.UNISWAP_V2, "WETH", "USDC"),
        ("uniswap_v3", Family.UNISWAP_V3, "USDC", "WETH"),
        ("uniswap_v4", Family.UNISWAP_V4, "WETH", "USDT"),
        ("uniswap_v4", Family.UNISWAP_V4, "USDC", "WBTC"),
        ("balancer_v2", Family.BALANCER_WEIGHTED, "WBTC", "WETH"),
        ("balancer_v2", Family.BALANCER_STABLE, "USDT", "DAI"),
    ],
)
def test_each_family_settles_exactly(
    trading: Trading, venue: str, family: Family, token_in: str, token_out: str
) -> None:
    words = OrderWords("1.2345", token_in, token_out, venues=frozenset({venue}), max_hops=1)
    plan, exact = settled(trading, words)
    assert exact
    assert {leg.key.family for leg in plan.chain_legs if hasattr(leg, "key")} == {family}


@pytest.mark.parametrize("seed", range(12))
def test_random_orders_settle_exactly_over_every_venue(trading: Trading, seed: int) -> None:
    rng = random.Random(seed)
    token_in, token_out = rng.sample(["WETH", "USDC", "USDT", "WBTC", "DAI"], 2)
    dollars = 10 ** rng.uniform(1, 6.3)
    price = {"WETH": 2060, "WBTC": 71_000}.get(token_in, 1)
    amount = f"{dollars / price:.5f}"
    plan, exact = settled(trading, OrderWords(amount, token_in, token_out, max_hops=rng.choice([1, 2, 3])))
    assert exact, plan


@pytest.mark.parametrize(
    ("token_in", "token_out", "wanted"), [("USDC", "WETH", "150"), ("WETH", "USDT", "12345.678901")]
)
def test_a_purchase_brings_at_least_what_was_wanted(
    trading: Trading, token_in: str, token_out: str, wanted: str
) -> None:
    plan, exact = settled(trading, OrderWords(wanted, token_in, token_out, buy=True))
    assert exact
    assert plan.amount_out >= plan.intent.amount
    assert plan.chain_amount_out_min >= plan.intent.amount


def test_another_account_pays_from_its_own_balance_and_leaves_no_approval(devnet_market: OpenMarket) -> None:
    owner = parse_account(MAKER_ACCOUNT)
    rpc = devnet_market.session.rpc
    snapshot = rpc.call("evm_snapshot")
    trading = Trading(devnet_market, Terms(owner=owner))
    token = devnet_market.directory.resolve("WETH")
    (before,) = trading.open_desk.settlement.balances([(owner, token.address)])
    try:
        _, exact = settled(trading, OrderWords("3", "WETH", "USDC"))
        (after,) = trading.open_desk.settlement.balances([(owner, token.address)])
    finally:
        trading.close()
        rpc.call("evm_revert", snapshot)
    assert exact
    assert before - after == 3 * 10**18


def test_a_plan_made_before_other_trades_is_refused_by_the_gate(trading: Trading) -> None:
    words = OrderWords("5", "WETH", "USDC")
    intent, report = quote_for(trading.market, words)
    trading.fund(intent.token_in, intent.amount)
    plan, _ = trading.plan(report)
    for _ in range(3):
        trading.market.session.rpc.call("evm_mine")
    outcome = trading.execute(plan)
    assert "quote age" in outcome.denied
    assert outcome.receipt is None


def test_a_plan_whose_pool_moved_fails_its_simulation_and_nothing_is_sent(trading: Trading) -> None:
    words = OrderWords("5", "WETH", "USDC", venues=frozenset({"uniswap_v2"}), max_hops=1)
    intent, report = quote_for(trading.market, words)
    trading.fund(intent.token_in, 2 * intent.amount)
    stale, _ = trading.plan(report)
    settled(trading, words)
    outcome = trading.execute(stale)
    assert "simulation" in outcome.denied or "quote age" in outcome.denied
    assert outcome.receipt is None


def test_an_executor_without_funds_is_refused_before_anything_is_sent(trading: Trading) -> None:
    intent, report = quote_for(trading.market, OrderWords("5", "WBTC", "USDC"))
    del intent
    plan, _ = trading.plan(report)
    outcome = trading.execute(plan)
    assert "balance of executor" in outcome.denied
    assert outcome.receipt is None


def test_the_chain_tells_again_what_became_of_a_transaction_and_its_whole_cost(trading: Trading) -> None:
    intent, report = quote_for(trading.market, OrderWords("5", "WETH", "USDC"))
    trading.fund(intent.token_in, intent.amount)
    plan, _ = trading.plan(report)
    settlement = trading.open_desk.settlement
    outcome = trading.execute(plan)
    assert outcome.receipt is not None
    assert settlement.receipt(outcome.receipt.transaction_hash) == outcome.receipt
    assert outcome.fees_wei == outcome.receipt.gas_used * outcome.receipt.effective_gas_price > 0
    assert settlement.receipt("0x" + "12" * 32) is None


def test_nothing_is_sent_after_an_intent_whose_outcome_the_chain_does_not_tell(trading: Trading) -> None:
    intent, report = quote_for(trading.market, OrderWords("5", "WETH", "USDC"))
    trading.fund(intent.token_in, intent.amount)
    plan, _ = trading.plan(report)
    desk = trading.open_desk
    nonce, name = desk.settlement.included_nonces(), "0x" + secrets.token_hex(32)
    earlier = secrets.token_hex(12)
    desk.journal.append(
        TransactionIntended(earlier, "settlement", name, desk.settlement.sender, nonce, "0x", desk.settlement.chain)
    )
    outcome = trading.execute(plan)
    assert name in outcome.denied
    assert desk.settlement.included_nonces() == nonce
    desk.journal.append(TransactionRefused(earlier, name, "never sent by this test"))
    assert trading.execute(plan).settled


def test_more_than_there_is_liquidity_for_is_refused(devnet_market: OpenMarket) -> None:
    with pytest.raises(QuoteRefused, match="beyond the liquidity"):
        devnet_market.quote(OrderWords("900000000", "WETH", "USDC", buy=True, max_hops=1))


def test_a_pool_with_hooks_is_listed_as_skipped_with_the_reason(devnet_market: OpenMarket) -> None:
    skipped = devnet_market.quote(OrderWords("1", "WETH", "USDC")).view.snapshot.skipped
    assert [entry.venue for entry in skipped if "has hooks" in entry.reason] == ["uniswap_v4"]


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("amount", "token_in", "token_out"),
    [("20", "WETH", "USDC"), ("15000", "USDC", "WETH"), ("0.5", "WBTC", "USDT"), ("3", "WETH", "WBTC")],
)
def test_orders_on_recorded_mainnet_settle_exactly(
    settings: Settings, oms_data: Path, amount: str, token_in: str, token_out: str
) -> None:
    opening = Opening(recording=oms_data / RECORDED_FILE, settles=True)
    with open_market(settings, opening, with_counterparties=False) as market:
        trading = Trading(market, Terms())
        try:
            plan, exact = settled(trading, OrderWords(amount, token_in, token_out))
        finally:
            trading.close()
    assert exact, plan
