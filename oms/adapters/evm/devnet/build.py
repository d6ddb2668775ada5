"""Building the development chain: contracts, tokens, pools and balances, on a fresh Anvil.

Owns: the order of things, and which published bytecode goes where.
Must not: decide prices or depth (`market`), or keep anything between runs (`cache`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.adapters.evm.addresses import V4Key, address_of, v2_pair_address, v3_pool_address
from oms.adapters.evm.anvil import AnvilOptions
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import MULTICALL3
from oms.adapters.evm.devnet import chain
from oms.adapters.evm.devnet.chain import BUILDER, DESK, MAKER, TOKENS, USDT, WETH
from oms.adapters.evm.devnet.deploy import Placement, Transactions, deploy_at, encode_call, read_call
from oms.adapters.evm.devnet.manifest import BuiltPool
from oms.adapters.evm.devnet.market import BalancerPlan, ConcentratedPlan, MarketPlan, PairPlan, ReferencePrices
from oms.adapters.evm.rpc import RpcClient
from oms.domain.token import Token
from oms.errors import Terminal
from oms.units import UINT256_MAX, ZERO_ADDRESS, Address, Wei

GENESIS_TIMESTAMP = 1_772_000_000
"""Block times are fixed while building, so that the same seed gives the same bytes."""
BLOCK_SECONDS = 12
BUILD_GAS_LIMIT = 10_000_000_000
"""Some hundred large transactions go into one block."""
GAS_LIMIT = 60_000_000
BASE_FEE_WEI = Wei(1_000_000_000)
EMPTY_CHAIN = AnvilOptions(
    chain_id=chain.CHAIN_ID,
    timestamp=GENESIS_TIMESTAMP,
    gas_limit=BUILD_GAS_LIMIT,
    base_fee_wei=BASE_FEE_WEI,
    mining=False,
    auto_impersonate=True,
)
"""An Anvil to build on: blocks are mined on request alone, and any account may send."""

_V2 = "@uniswap/v2-core/build"
_V2_PERIPHERY = "@uniswap/v2-periphery/build"
_V3 = "@uniswap/v3-core/artifacts/contracts"
_V3_PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts"
_V4 = "@uniswap/v4-core/out"
_V4_PERIPHERY = "@uniswap/v4-periphery/foundry-out"
_BALANCER = "@balancer-labs/v2-deployments/dist/tasks"
PUBLISHED = {
    "WETH9": f"{_V2_PERIPHERY}/WETH9.json",
    "UniswapV2Factory": f"{_V2}/UniswapV2Factory.json",
    "UniswapV2Pair": f"{_V2}/UniswapV2Pair.json",
    "UniswapV2Router02": f"{_V2_PERIPHERY}/UniswapV2Router02.json",
    "UniswapV3Factory": f"{_V3}/UniswapV3Factory.sol/UniswapV3Factory.json",
    "UniswapV3Pool": f"{_V3}/UniswapV3Pool.sol/UniswapV3Pool.json",
    "QuoterV2": f"{_V3_PERIPHERY}/lens/QuoterV2.sol/QuoterV2.json",
    "SwapRouter": f"{_V3_PERIPHERY}/SwapRouter.sol/SwapRouter.json",
    "PoolManager": f"{_V4}/PoolManager.sol/PoolManager.json",
    "V4Quoter": f"{_V4_PERIPHERY}/V4Quoter.sol/V4Quoter.json",
    "StateView": f"{_V4_PERIPHERY}/StateView.sol/StateView.json",
    "Permit2": "@1inch/solidity-utils/dist/src/permit2.json",
    # Of mainnet's source, but built with other settings: its bytes are not mainnet's, unlike its answers.
    "Multicall3": "@redstone-finance/evm-multicall/artifacts/contracts/Mulitcall3.sol/Multicall3.json",
    "UniversalRouter": "@uniswap/universal-router/artifacts/contracts/UniversalRouter.sol/UniversalRouter.json",
    "Authorizer": f"{_BALANCER}/20210418-authorizer/artifact/Authorizer.json",
    "Vault": f"{_BALANCER}/20210418-vault/artifact/Vault.json",
    "ProtocolFeePercentagesProvider": (
        f"{_BALANCER}/20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider.json"
    ),
    "WeightedPoolFactory": f"{_BALANCER}/20220908-weighted-pool-v2/artifact/WeightedPoolFactory.json",
    "StablePoolFactory": f"{_BALANCER}/20220609-stable-pool-v2/artifact/StablePoolFactory.json",
}
"""The npm artifacts whose bytecode is placed, or checked."""
OURS = ("DevToken", "NoReturnToken", "PoolSeeder")

_MAINNET_PAUSE_WINDOW = 7_776_000
_MAINNET_BUFFER_PERIOD = 2_592_000
_MAX_YIELD_FEE_WAD = 5 * 10**17
_MAX_AUM_FEE_WAD = 10**17
_DESK_USD = 5_000_000
_MAKER_USD = 60_000_000
_STOCK_USD = 2_000_000_000
"""Of each token, for the pools; what is not used stays with the seeder."""
_WEALTH_WEI = 10**25

_KEY = "(address,address,uint24,int24,address)"
_RANGES = "(int24,int24,uint128)[]"


@dataclass(frozen=True, slots=True)
class DevnetBuilder:
    """Builds on a fresh Anvil of mainnet's chain id, which must impersonate freely and not mine by itself."""

    rpc: RpcClient
    artifacts: Artifacts
    plan: MarketPlan
    prices: ReferencePrices

    def build(self) -> tuple[BuiltPool, ...]:
        """Everything, in dependency order; returns the pools. Raises `Terminal` when bytecode is missing or reverts."""
        self.rpc.call("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        self.rpc.call("anvil_setBalance", BUILDER, hex(_WEALTH_WEI))
        self._check_init_hashes()
        self._place_contracts()
        transactions = Transactions.of(self.rpc, BUILDER)
        seeder = self._fund(transactions)
        pairs = [self._pair(transactions, plan) for plan in self.plan.pairs]
        transactions.add("enable 1 bp", chain.V3_FACTORY, encode_call("enableFeeAmount(uint24,int24)", 100, 1))
        v3 = [self._v3_pool(transactions, seeder, plan) for plan in self.plan.v3_pools]
        v4 = [self._v4_pool(transactions, seeder, plan) for plan in self.plan.v4_pools]
        for token in TOKENS:
            approve = encode_call("approve(address,uint256)", chain.BALANCER_VAULT, UINT256_MAX)
            transactions.add("approve vault", token.address, approve)
        for plan in self.plan.balancer_pools:
            self._create_balancer(transactions, plan)
        transactions.mine()
        balancer = self._join_balancer(transactions)
        self._check_addresses([*pairs, *v3])
        self._close()
        return (*pairs, *v3, *v4, *balancer)

    def _close(self) -> None:
        """Leave the settings of an ordinary chain in the last block, from which the next ones follow."""
        self.rpc.call("evm_setBlockGasLimit", hex(GAS_LIMIT))
        self.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE_WEI))
        self.rpc.call("evm_mine")
        self.rpc.call("anvil_removeBlockTimestampInterval")

    def _init_code(self, name: str, *values: object) -> bytes:
        return self.artifacts.published(PUBLISHED[name]).with_arguments(*values)

    def _check_init_hashes(self) -> None:
        for name, wanted in (
            ("UniswapV2Pair", chain.V2_PAIR_INIT_HASH),
            ("UniswapV3Pool", chain.V3_POOL_INIT_HASH),
        ):
            if keccak(self._init_code(name)) != wanted:
                raise Terminal("artifacts", f"{name} is not the bytecode that mainnet runs; run `npm ci`")

    def _place_contracts(self) -> None:
        deploy_at(self.rpc, BUILDER, [*self._token_placements(), *self._protocol_placements()])
        deploy_at(self.rpc, BUILDER, self._balancer_placements())
        permit2 = self.artifacts.published(PUBLISHED["Permit2"]).init_code  # that package publishes the runtime code
        for address, code in ((chain.PERMIT2, permit2), (chain.NO_OP_HOOK, chain.NO_OP_HOOK_CODE)):
            self.rpc.call("anvil_setCode", address, "0x" + code.hex())

    def _token_placements(self) -> Iterable[Placement]:
        yield Placement("WETH9", WETH.address, self._init_code("WETH9"))
        for token, name in chain.TOKEN_NAMES.items():
            artifact = self.artifacts.ours("NoReturnToken" if token == USDT else "DevToken")
            yield Placement(token.symbol, token.address, artifact.with_arguments(name, token.symbol, token.decimals))

    def _protocol_placements(self) -> Iterable[Placement]:
        v3, weth, manager = chain.V3_FACTORY, WETH.address, chain.V4_MANAGER
        router_parameters = (
            *(chain.PERMIT2, weth, chain.V2_FACTORY, v3, chain.V2_PAIR_INIT_HASH, chain.V3_POOL_INIT_HASH, manager),
            *(ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS),  # position managers and bridge: not on this chain
        )
        placed: tuple[tuple[str, Address, tuple[object, ...]], ...] = (
            ("UniswapV2Factory", chain.V2_FACTORY, (BUILDER,)),
            ("UniswapV2Router02", chain.V2_ROUTER, (chain.V2_FACTORY, weth)),
            ("UniswapV3Factory", v3, ()),
            ("QuoterV2", chain.V3_QUOTER, (v3, weth)),
            ("SwapRouter", chain.V3_ROUTER, (v3, weth)),
            ("PoolManager", manager, (BUILDER,)),
            ("V4Quoter", chain.V4_QUOTER, (manager,)),
            ("StateView", chain.V4_STATE_VIEW, (manager,)),
            ("UniversalRouter", chain.UNIVERSAL_ROUTER, (router_parameters,)),
            ("Multicall3", MULTICALL3, ()),
            ("Authorizer", chain.BALANCER_AUTHORIZER, (BUILDER,)),
            (
                "Vault",
                chain.BALANCER_VAULT,
                (chain.BALANCER_AUTHORIZER, weth, _MAINNET_PAUSE_WINDOW, _MAINNET_BUFFER_PERIOD),
            ),
        )
        for name, address, values in placed:
            yield Placement(name, address, self._init_code(name, *values))

    def _balancer_placements(self) -> list[Placement]:
        vault, provider = chain.BALANCER_VAULT, chain.BALANCER_FEE_PROVIDER
        placed: tuple[tuple[str, Address, tuple[object, ...]], ...] = (
            ("ProtocolFeePercentagesProvider", provider, (vault, _MAX_YIELD_FEE_WAD, _MAX_AUM_FEE_WAD)),
            ("WeightedPoolFactory", chain.BALANCER_WEIGHTED_FACTORY, (vault, provider)),
            ("StablePoolFactory", chain.BALANCER_STABLE_FACTORY, (vault,)),
        )
        return [Placement(name, address, self._init_code(name, *values)) for name, address, values in placed]

    def _fund(self, transactions: Transactions) -> Address:
        """Give the builder, the seeder, the desk and the maker their tokens; returns the seeder."""
        seeder = transactions.create("PoolSeeder", self.artifacts.ours("PoolSeeder").with_arguments(BUILDER))
        self.rpc.call("anvil_setBalance", seeder, hex(_WEALTH_WEI))
        transactions.add("wrap ether", WETH.address, encode_call("deposit()"), value=_WEALTH_WEI // 2)
        for token in TOKENS:
            for account in (BUILDER, seeder):
                self._give(transactions, token, account, _STOCK_USD)
            self._give(transactions, token, DESK, _DESK_USD)
            self._give(transactions, token, MAKER, _MAKER_USD)
        return seeder

    def _give(self, transactions: Transactions, token: Token, account: Address, dollars: int) -> None:
        raw = int(dollars / self.prices.of(token)) * 10**token.decimals
        if token != WETH:
            transactions.add("mint", token.address, encode_call("mint(address,uint256)", account, raw))
        elif account != BUILDER:
            transactions.add("transfer", token.address, encode_call("transfer(address,uint256)", account, raw))

    def _pair(self, transactions: Transactions, plan: PairPlan) -> BuiltPool:
        first, second = plan.tokens
        pair = v2_pair_address(chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH, first.address, second.address)
        create = encode_call("createPair(address,address)", first.address, second.address)
        transactions.add("createPair", chain.V2_FACTORY, create)
        for token, amount in zip(plan.tokens, plan.reserves, strict=True):
            transactions.add("transfer", token.address, encode_call("transfer(address,uint256)", pair, amount))
        transactions.add("mint pair", pair, encode_call("mint(address)", BUILDER))
        return BuiltPool("uniswap_v2", pair, (first.address, second.address))

    def _v3_pool(self, transactions: Transactions, seeder: Address, plan: ConcentratedPlan) -> BuiltPool:
        first, second = plan.currencies
        pool = v3_pool_address(chain.V3_FACTORY, chain.V3_POOL_INIT_HASH, first, second, fee_pips=plan.fee_pips)
        create = encode_call("createPool(address,address,uint24)", first, second, plan.fee_pips)
        transactions.add("createPool", chain.V3_FACTORY, create)
        transactions.add("initialize", pool, encode_call("initialize(uint160)", plan.sqrt_price_x96))
        transactions.add("seed v3", seeder, encode_call(f"seedV3(address,{_RANGES})", pool, _range_rows(plan)))
        return BuiltPool("uniswap_v3", pool, (first, second), plan.fee_pips, plan.tick_spacing)

    def _v4_pool(self, transactions: Transactions, seeder: Address, plan: ConcentratedPlan) -> BuiltPool:
        hooks = plan.hooks or ZERO_ADDRESS
        key = (*plan.currencies, plan.fee_pips, plan.tick_spacing, hooks)
        initialize = encode_call(f"initialize({_KEY},uint160)", key, plan.sqrt_price_x96)
        transactions.add("initialize v4", chain.V4_MANAGER, initialize)
        seed = encode_call(f"seedV4(address,{_KEY},{_RANGES})", chain.V4_MANAGER, key, _range_rows(plan))
        transactions.add("seed v4", seeder, seed)
        pool_id = V4Key(*key).pool_id
        return BuiltPool("uniswap_v4", pool_id, plan.currencies, plan.fee_pips, plan.tick_spacing, hooks)

    def _create_balancer(self, transactions: Transactions, plan: BalancerPlan) -> None:
        tokens = [token.address for token in plan.tokens]
        if plan.weights_wad:
            factory = chain.BALANCER_WEIGHTED_FACTORY
            signature = "create(string,string,address[],uint256[],address[],uint256,address)"
            no_rates = [ZERO_ADDRESS] * len(tokens)
            data = encode_call(
                signature, plan.name, plan.name, tokens, plan.weights_wad, no_rates, plan.fee_wad, BUILDER
            )
        else:
            factory = chain.BALANCER_STABLE_FACTORY
            signature = "create(string,string,address[],uint256,uint256,address)"
            data = encode_call(signature, plan.name, plan.name, tokens, plan.amplification, plan.fee_wad, BUILDER)
        transactions.add(f"create {plan.name}", factory, data)

    def _join_balancer(self, transactions: Transactions) -> list[BuiltPool]:
        """Fill each Balancer pool with its opening balances; the factories announced the pools in their logs."""
        built = []
        for plan in self.plan.balancer_pools:
            weighted = bool(plan.weights_wad)
            pool = self._created(chain.BALANCER_WEIGHTED_FACTORY if weighted else chain.BALANCER_STABLE_FACTORY)
            (pool_id,) = read_call(self.rpc, pool, "getPoolId()", returns="(bytes32)")
            tokens = tuple(token.address for token in plan.tokens)
            init = encode(["uint256", "uint256[]"], [0, plan.balances])  # JoinKind.INIT
            join = encode_call(
                "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))",
                *(pool_id, BUILDER, BUILDER, (tokens, plan.balances, init, False)),
            )
            transactions.add(f"join {plan.name}", chain.BALANCER_VAULT, join)
            family = "balancer_weighted" if weighted else "balancer_stable"
            built.append(BuiltPool(family, "0x" + pool_id.hex(), tokens))
        transactions.mine()
        return built

    def _created(self, factory: Address) -> Address:
        """The pool in the factory's `PoolCreated(address)` log."""
        topic = "0x" + keccak(b"PoolCreated(address)").hex()
        logs = self.rpc.call("eth_getLogs", {"address": factory, "topics": [topic], "fromBlock": "0x0"})
        return address_of(int(str(logs[-1]["topics"][1]), 16))

    def _check_addresses(self, pools: Sequence[BuiltPool]) -> None:
        codes = self.rpc.batch(("eth_getCode", [pool.pool_id, "latest"]) for pool in pools)
        for pool, code in zip(pools, codes, strict=True):
            if not isinstance(code, str) or code == "0x":
                raise Terminal("devnet", f"no pool at the computed address {pool.pool_id}; this is a defect, report it")


def _range_rows(plan: ConcentratedPlan) -> list[tuple[int, int, int]]:
    return [(r.tick_lower, r.tick_upper, r.liquidity) for r in plan.ranges]
