"""The development chain: mainnet's addresses and bytecode, pools that agree, the same from the same seed."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import MULTICALL3, PinnedChain
from oms.adapters.evm.devnet import (
    Devnet,
    ReferencePrices,
    chain,
    fork_manifest,
    open_devnet,
    prepare_devnet,
    start_devnet_fork,
)
from oms.adapters.evm.devnet.build import PUBLISHED
from oms.adapters.evm.devnet.chain import DAI, DESK, MAKER, TOKENS, USDC, USDT, WBTC, WETH
from oms.adapters.evm.devnet.deploy import Transactions, deploy, encode_call, read_call
from oms.adapters.evm.devnet.manifest import BuiltPool
from oms.adapters.evm.forks import list_forks, stop_fork
from oms.adapters.evm.rpc import RpcClient, RpcError
from oms.domain.token import Token
from oms.errors import Terminal
from oms.units import ZERO_ADDRESS

pytestmark = pytest.mark.fork

PRICES = ReferencePrices()
KEY = "(address,address,uint24,int24,address)"
BPS = Decimal(10_000)

# Pools that mainnet has at these very addresses, or under these ids.
MAINNET_POOLS = {
    ("uniswap_v2", 0): "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc",
    ("uniswap_v3", 100): "0xE0554a476A092703abdB3Ef35c80e0D76d32939F",
    ("uniswap_v3", 500): "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640",
    ("uniswap_v3", 3000): "0x8ad599c3A0ff1De082011EFDDc58f1908eb6e6D8",
    ("uniswap_v4", 500): "0x21c67e77068de97969ba93d4aab21826d33ca12bb9f565d8496e8fda8a82ca27",
    ("uniswap_v4", 3000): "0xdce6394339af00981949f5f3baf27e3610c76326a700af57e4b3e3ae4977f78d",
}


def token_of(address: str) -> Token:
    return next(token for token in TOKENS if address in (token.address, ZERO_ADDRESS))


def view(devnet: Devnet, target: str, signature: str, *values: object, returns: str) -> tuple[Any, ...]:
    return read_call(devnet.anvil.rpc, target, signature, *values, returns=returns)  # type: ignore[arg-type]


def quoted_out(devnet: Devnet, pool: BuiltPool, sold: Token, bought: Token, amount: int) -> int:
    """What the protocol's own quoter says that this pool gives."""
    if pool.family == "uniswap_v2":
        path = [sold.address, bought.address]
        amounts = view(devnet, chain.V2_ROUTER, "getAmountsOut(uint256,address[])", amount, path, returns="(uint256[])")
        return int(amounts[0][1])
    if pool.family == "uniswap_v3":
        asked: tuple[object, ...] = (sold.address, bought.address, amount, pool.fee_pips, 0)
        signature = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"
        return int(view(devnet, chain.V3_QUOTER, signature, asked, returns="(uint256,uint160,uint32,uint256)")[0])
    if pool.family == "uniswap_v4":
        key = (*pool.tokens, pool.fee_pips, pool.tick_spacing, pool.hooks)
        asked = (key, token_of(pool.tokens[0]) == sold, amount, b"")
        signature = f"quoteExactInputSingle(({KEY},bool,uint128,bytes))"
        return int(view(devnet, chain.V4_QUOTER, signature, asked, returns="(uint256,uint256)")[0])
    step = (bytes.fromhex(pool.pool_id[2:]), 0, 1, amount, b"")
    signature = "queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],(address,bool,address,bool))"
    funds = (DESK, False, DESK, False)
    tokens = [sold.address, bought.address]
    deltas = view(devnet, chain.BALANCER_VAULT, signature, 0, [step], tokens, funds, returns="(int256[])")
    return -int(deltas[0][1])


def fee_bps(pool: BuiltPool) -> Decimal:
    fees = {"uniswap_v2": 30, "balancer_weighted": 30, "balancer_stable": 4}
    return Decimal(fees.get(pool.family, Decimal(pool.fee_pips) / 100))


@pytest.mark.parametrize(("family", "fee_pips"), list(MAINNET_POOLS))
def test_ether_dollar_pools_are_where_mainnet_has_them(shared_devnet: Devnet, family: str, fee_pips: int) -> None:
    ether = ZERO_ADDRESS if family == "uniswap_v4" else WETH.address
    found = [
        pool.pool_id
        for pool in shared_devnet.pools
        if (pool.family, pool.fee_pips, pool.hooks) == (family, fee_pips, ZERO_ADDRESS)
        and set(pool.tokens) == {ether, USDC.address}
    ]
    assert found == [MAINNET_POOLS[family, fee_pips]]


def test_pair_and_pool_bytecode_is_mainnets_own(project: Path) -> None:
    artifacts = Artifacts(project)
    for name, wanted in (("UniswapV2Pair", chain.V2_PAIR_INIT_HASH), ("UniswapV3Pool", chain.V3_POOL_INIT_HASH)):
        assert keccak(artifacts.published(PUBLISHED[name]).init_code) == wanted


def test_every_contract_is_at_its_address_and_knows_its_partners(shared_devnet: Devnet) -> None:
    accounts = {"builder", "desk", "maker"}
    contracts = [a for name, a in shared_devnet.addresses.items() if name not in accounts]
    contracts += [token.address for token in shared_devnet.tokens]
    assert all(PinnedChain.at_latest(shared_devnet.anvil.rpc, expected_chain_id=1).code(contracts))
    for contract, getter, partner in (
        (chain.V2_ROUTER, "factory()", chain.V2_FACTORY),
        (chain.V2_ROUTER, "WETH()", WETH.address),
        (chain.V3_QUOTER, "factory()", chain.V3_FACTORY),
        (chain.V3_ROUTER, "WETH9()", WETH.address),
        (chain.V4_QUOTER, "poolManager()", chain.V4_MANAGER),
        (chain.V4_STATE_VIEW, "poolManager()", chain.V4_MANAGER),
        (chain.UNIVERSAL_ROUTER, "poolManager()", chain.V4_MANAGER),
        (chain.BALANCER_VAULT, "WETH()", WETH.address),
        (chain.BALANCER_VAULT, "getAuthorizer()", chain.BALANCER_AUTHORIZER),
        (chain.BALANCER_WEIGHTED_FACTORY, "getVault()", chain.BALANCER_VAULT),
        # On mainnet the vault created its fee collector at this address.
        (chain.BALANCER_VAULT, "getProtocolFeesCollector()", "0xce88686553686DA562CE7Cea497CE749DA109f9F"),
    ):
        (answer,) = view(shared_devnet, contract, getter, returns="(address)")
        assert answer.lower() == partner.lower(), (contract, getter)


def test_permit2_signs_for_mainnet(shared_devnet: Devnet) -> None:
    (separator,) = view(shared_devnet, chain.PERMIT2, "DOMAIN_SEPARATOR()", returns="(bytes32)")
    assert separator.hex() == "866a5aba21966af95d6c7ab78eb2b2fc913915c28be3b9aa07cc04ff903e3f28"


def test_multicall3_answers_all_that_it_can_and_says_which_call_failed(shared_devnet: Devnet) -> None:
    decimals, unknown = encode_call("decimals()"), encode_call("noSuchFunction()")
    asked = [(token.address, True, decimals) for token in TOKENS] + [(chain.V2_ROUTER, True, unknown)]
    signature = "aggregate3((address,bool,bytes)[])"
    (answers,) = view(shared_devnet, MULTICALL3, signature, asked, returns="((bool,bytes)[])")
    assert [(done, int.from_bytes(data)) for done, data in answers[:-1]] == [(True, t.decimals) for t in TOKENS]
    assert answers[-1] == (False, b"")
    asked[-1] = (chain.V2_ROUTER, False, unknown)
    with pytest.raises(RpcError, match="Multicall3: call failed"):
        view(shared_devnet, MULTICALL3, signature, asked, returns="((bool,bytes)[])")


def test_the_factories_list_what_was_built(shared_devnet: Devnet) -> None:
    (pairs,) = view(shared_devnet, chain.V2_FACTORY, "allPairsLength()", returns="(uint256)")
    assert pairs == sum(pool.family == "uniswap_v2" for pool in shared_devnet.pools) == 6
    for pool in shared_devnet.pools:
        if pool.family == "uniswap_v3":
            asked = (*pool.tokens, pool.fee_pips)
            (found,) = view(
                shared_devnet, chain.V3_FACTORY, "getPool(address,address,uint24)", *asked, returns="(address)"
            )
            assert found == pool.pool_id.lower()


def test_all_prices_agree_within_five_basis_points_after_fees(shared_devnet: Devnet) -> None:
    checked = 0
    for pool in shared_devnet.pools:
        tokens = [token_of(address) for address in pool.tokens]
        for sold, bought in ((tokens[0], tokens[1]), (tokens[1], tokens[0])):
            amount = int(100 / PRICES.of(sold) * 10**sold.decimals)
            out = Decimal(quoted_out(shared_devnet, pool, sold, bought, amount))
            value = out / 10**bought.decimals * PRICES.of(bought)
            paid = Decimal(amount) / 10**sold.decimals * PRICES.of(sold)
            off_bps = (value / paid - 1) * BPS + fee_bps(pool)
            assert abs(off_bps) < 5, (pool, sold.symbol, off_bps)
            checked += 1
    assert checked == 2 * 25


def test_a_million_dollars_of_ether_sells_with_less_than_half_a_percent_of_impact(shared_devnet: Devnet) -> None:
    pool = next(p for p in shared_devnet.pools if p.pool_id == MAINNET_POOLS["uniswap_v3", 500])
    amount = 480 * 10**18
    out = Decimal(quoted_out(shared_devnet, pool, WETH, USDC, amount)) / 10**6
    impact_bps = (1 - out / (480 * PRICES.eth)) * BPS - 5
    assert 1 < impact_bps < 50


def test_concentrated_pools_have_many_initialised_ticks(shared_devnet: Devnet) -> None:
    for pool in shared_devnet.pools:
        if pool.family != "uniswap_v3":
            continue
        topic = "0x" + keccak(b"Mint(address,address,int24,int24,uint128,uint256,uint256)").hex()
        logs = shared_devnet.anvil.rpc.call(
            "eth_getLogs", {"address": pool.pool_id, "topics": [topic], "fromBlock": "0x0"}
        )
        ticks = {log["topics"][index] for log in logs for index in (2, 3)}
        assert len(ticks) >= 30, pool


def test_the_hooked_pool_is_named_and_trades_like_any_other(shared_devnet: Devnet) -> None:
    (key,) = shared_devnet.hooked_keys
    assert key.hooks == chain.NO_OP_HOOK
    pool = next(pool for pool in shared_devnet.pools if pool.pool_id == key.pool_id)
    assert quoted_out(shared_devnet, pool, WETH, USDC, 10**18) > 2_000 * 10**6


def test_desk_and_maker_hold_every_token_and_only_ten_thousand_ether(shared_devnet: Devnet) -> None:
    for token in TOKENS:
        for account, dollars in ((DESK, 5_000_000), (MAKER, 60_000_000)):
            (held,) = view(shared_devnet, token.address, "balanceOf(address)", account, returns="(uint256)")
            worth = Decimal(held) / 10**token.decimals * PRICES.of(token)
            assert abs(worth - dollars) <= PRICES.of(token), (token, account)
    balances = shared_devnet.anvil.rpc.batch(("eth_getBalance", [account, "latest"]) for account in (DESK, MAKER))
    assert [int(balance, 16) for balance in balances] == [10_000 * 10**18] * 2


def test_usdt_returns_nothing_and_the_others_return_true(shared_devnet: Devnet) -> None:
    data = "0x" + encode_call("transfer(address,uint256)", MAKER, 1).hex()
    for token in TOKENS:
        answer = shared_devnet.anvil.rpc.call("eth_call", {"from": DESK, "to": token.address, "data": data}, "latest")
        assert answer == ("0x" if token == USDT else "0x" + "00" * 31 + "01"), token


def test_token_metadata_is_mainnets(shared_devnet: Devnet) -> None:
    for token in TOKENS:
        assert view(shared_devnet, token.address, "symbol()", returns="(string)") == (token.symbol,)
        assert view(shared_devnet, token.address, "decimals()", returns="(uint8)") == (token.decimals,)


def test_a_swap_settles_as_the_router_quoted_it(devnet: Devnet) -> None:
    pool = next(p for p in devnet.pools if p.pool_id == MAINNET_POOLS["uniswap_v2", 0])
    expected = quoted_out(devnet, pool, WETH, USDC, 10**18)
    before = view(devnet, USDC.address, "balanceOf(address)", DESK, returns="(uint256)")[0]
    transactions = Transactions.of(devnet.anvil.rpc, DESK)
    deadline = 2**255
    swap = encode_call(
        "swapExactETHForTokens(uint256,address[],address,uint256)",
        *(expected, [WETH.address, USDC.address], DESK, deadline),
    )
    transactions.add("swap", chain.V2_ROUTER, swap, value=10**18, gas=500_000)
    transactions.mine()
    after = view(devnet, USDC.address, "balanceOf(address)", DESK, returns="(uint256)")[0]
    assert after - before == expected


def test_the_newest_block_is_of_now_and_ordinary(shared_devnet: Devnet) -> None:
    header = shared_devnet.anvil.rpc.call("eth_getBlockByNumber", "latest", False)
    assert abs(int(header["timestamp"], 16) - time.time()) < 120
    assert int(header["gasLimit"], 16) == 60_000_000
    assert int(header["baseFeePerGas"], 16) == 10**9


def test_a_contract_can_be_deployed_by_anybody_later(devnet: Devnet, project: Path) -> None:
    init_code = Artifacts(project).ours("DevToken").with_arguments("Another", "USDC", 6)
    address = deploy(devnet.anvil.rpc, MAKER, init_code)
    assert view(devnet, address, "symbol()", returns="(string)") == ("USDC",)


def accounts_of(state: Path) -> dict[str, Any]:
    accounts: dict[str, Any] = json.loads(state.read_text())["accounts"]
    return accounts


def test_two_builds_of_one_seed_are_equal_and_another_seed_is_not(
    project: Path, devnet_home: Path, shared_devnet: Devnet, tmp_path: Path
) -> None:
    first = prepare_devnet(home=devnet_home, project=project)
    second = prepare_devnet(home=tmp_path, project=project)
    other = prepare_devnet(home=tmp_path, project=project, seed=2)
    assert first.state != second.state
    assert accounts_of(first.state) == accounts_of(second.state)
    assert first.manifest == second.manifest
    assert accounts_of(other.state) != accounts_of(second.state)
    assert [pool.pool_id for pool in other.manifest.pools] == [pool.pool_id for pool in second.manifest.pools]


def test_pools_open_at_the_prices_that_were_asked_for(project: Path, tmp_path: Path) -> None:
    prices = ReferencePrices(eth=Decimal("2345.67"), btc=Decimal("65432.1"))
    with open_devnet(home=tmp_path, project=project, prices=prices) as devnet:
        pool = next(p for p in devnet.pools if p.pool_id == MAINNET_POOLS["uniswap_v3", 500])
        out = Decimal(quoted_out(devnet, pool, WETH, USDC, 10**16)) / 10**4
        assert abs(out / prices.eth - 1) * BPS < 10
        assert devnet.manifest.prices_usd["WETH"] == prices.eth


def test_a_saved_chain_is_loaded_not_built_and_starts_quickly(
    project: Path, devnet_home: Path, shared_devnet: Devnet
) -> None:
    state = prepare_devnet(home=devnet_home, project=project).state
    built_at = state.stat().st_mtime_ns
    started = time.perf_counter()
    with open_devnet(home=devnet_home, project=project) as again:
        took_seconds = time.perf_counter() - started
        assert again.manifest == shared_devnet.manifest
        assert state.stat().st_mtime_ns == built_at
        pool = next(p for p in again.pools if p.pool_id == MAINNET_POOLS["uniswap_v3", 500])
        assert quoted_out(again, pool, WETH, USDC, 10**18) == quoted_out(shared_devnet, pool, WETH, USDC, 10**18)
    assert took_seconds < 3  # 0.15 s on an idle machine


def test_a_damaged_cache_is_built_again(project: Path, tmp_path: Path) -> None:
    saved = prepare_devnet(home=tmp_path, project=project)
    manifest = next(saved.state.parent.glob("*.manifest.json"))
    manifest.write_text("{")
    assert prepare_devnet(home=tmp_path, project=project) == saved


def test_a_home_that_cannot_be_written_says_so(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file")
    with pytest.raises(Terminal, match=r"could not write .*free disk space"):
        prepare_devnet(home=home, project=project)


def test_a_detached_chain_is_found_with_its_manifest_until_it_goes_down(project: Path, devnet_home: Path) -> None:
    record = start_devnet_fork(home=devnet_home, project=project, name="detached")
    try:
        assert fork_manifest(devnet_home, "detached") == prepare_devnet(home=devnet_home, project=project).manifest
        with RpcClient(record.url) as rpc:
            (symbol,) = read_call(rpc, USDT.address, "symbol()", returns="(string)")
            assert symbol == "USDT"
            assert PinnedChain.at_latest(rpc).block.timestamp > 1_790_000_000
    finally:
        stop_fork(devnet_home, "detached")
    assert fork_manifest(devnet_home, "detached") is None
    assert list_forks(devnet_home) == ()


def test_missing_bytecode_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match=r"node_modules/@uniswap/.*is missing; run `npm ci`"):
        Artifacts(tmp_path).published(PUBLISHED["UniswapV2Pair"])
    with pytest.raises(Terminal, match=r"out/Executor.sol/Executor.json is missing; run `./scripts/demo`"):
        Artifacts(tmp_path).ours("Executor")


def test_wrapped_bitcoin_and_dai_are_traded_too(shared_devnet: Devnet) -> None:
    traded = {token_of(address) for pool in shared_devnet.pools for address in pool.tokens}
    assert {WBTC, DAI} <= traded
