"""Somebody who trades at random in every pool of the development chain, and adds and takes liquidity."""

import random
from collections.abc import Callable

from eth_abi.abi import encode

from oms.adapters.evm.addresses import V4Key
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.devnet import Devnet, chain
from oms.adapters.evm.devnet.chain import BUILDER, TOKENS, USDT, WETH
from oms.adapters.evm.devnet.deploy import Transactions, encode_call
from oms.domain.venue import Family
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.weighted import WeightedPool
from oms.units import UINT256_MAX, ZERO_ADDRESS, Address
from tests.integration.conftest import PROJECT

V4_KEY = "(address,address,uint24,int24,address)"
_V4_OUT = "@uniswap/v4-core/out"
_SEED_V3 = "seedV3(address,(int24,int24,uint128)[])"
_V3_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
_V4_SWAP = f"swap({V4_KEY},(bool,int256,uint160),(bool,bool),bytes)"
_V4_MODIFY = f"modifyLiquidity({V4_KEY},(int24,int24,int256,bytes32),bytes)"
_VAULT_SWAP = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
_JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
_EXIT = "exitPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
_EXACT_TOKENS_IN = _EXACT_SHARES_IN = 1
_V2_ADD = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
_V2_SWAP = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
_LOWEST, _HIGHEST = 4295128739 + 1, 1461446703485210103287273052203988822378723970342 - 1


class RandomTrader:
    """Acts as the chain's builder, who holds plenty of every token; one seed, one history."""

    def __init__(self, devnet: Devnet, *, seed: int) -> None:
        self.rng = random.Random(seed)
        artifacts = Artifacts(PROJECT)
        self.rpc = devnet.anvil.rpc
        self.rpc.call("anvil_autoImpersonateAccount", True)
        self.rpc.call("anvil_setBalance", BUILDER, hex(10**27))
        self.queue = Transactions.of(self.rpc, BUILDER)
        self.seeder = self.queue.create("seeder", artifacts.ours("PoolSeeder").with_arguments(BUILDER))
        names = ("PoolSwapTest", "PoolModifyLiquidityTest")
        self.v4_swapper, self.v4_minter = (
            self.queue.create(
                name, artifacts.published(f"{_V4_OUT}/{name}.sol/{name}.json").with_arguments(chain.V4_MANAGER)
            )
            for name in names
        )
        self.queue.add("wrap", WETH.address, encode_call("deposit()"), value=10**26)
        spenders = (chain.V2_ROUTER, chain.V3_ROUTER, self.v4_swapper, self.v4_minter)
        for token in TOKENS:
            if token == WETH:
                give = encode_call("transfer(address,uint256)", self.seeder, 10**7 * 10**18)
                self.queue.add("give", token.address, give)
            else:
                for account in (BUILDER, self.seeder):
                    mint = encode_call("mint(address,uint256)", account, 10**10 * 10**token.decimals)
                    self.queue.add("mint", token.address, mint)
            for spender in spenders:
                approve = encode_call("approve(address,uint256)", spender, UINT256_MAX)
                self.queue.add("approve", token.address, approve)
        self.queue.mine()
        self.minted: list[tuple[ListedPool, int, int, int]] = []

    def block(self, pools: list[ListedPool], actions: int) -> None:
        """One block with that many random actions in random pools."""
        for _ in range(actions):
            listed = self.rng.choice(pools)
            self.rng.choice(self._actions(listed))(listed)
        self.queue.mine()

    def empty_blocks(self, count: int) -> None:
        """Blocks in which nothing happens."""
        self.rpc.call("anvil_mine", hex(count))

    def _actions(self, listed: ListedPool) -> list[Callable[[ListedPool], None]]:
        match listed.key.family:
            case Family.UNISWAP_V2:
                return [self._v2_swap, self._v2_swap, self._v2_add]
            case Family.UNISWAP_V3:
                return [self._v3_swap, self._v3_swap, self._v3_mint, self._v3_mint_and_burn]
            case Family.UNISWAP_V4 if USDT.address in listed.key.tokens:
                return [self._v4_fee]  # the protocol's test routers cannot pay in a token that returns nothing
            case Family.UNISWAP_V4:
                return [self._v4_swap, self._v4_swap, self._v4_modify, self._v4_fee]
            case _:
                return [self._vault_swap, self._vault_swap, self._vault_join, self._vault_exit]

    def _sold(self, listed: ListedPool) -> tuple[Address, Address, int]:
        """Two tokens and an amount that is some thousandths of what the pool can take."""
        token_in, token_out = self.rng.sample(listed.key.tokens, 2)
        most = listed.pool.limits(token_in, token_out).max_amount_out
        if listed.key.family is Family.UNISWAP_V2 or not listed.pool.marginal_price(token_in, token_out):
            most = min(most, listed.pool.limits(token_out, token_in).max_amount_out)
        price = listed.pool.marginal_price(token_in, token_out)
        return token_in, token_out, max(int(most / price * self.rng.uniform(0.0001, 0.01)), 1000)

    def _v2_swap(self, listed: ListedPool) -> None:
        token_in, token_out, amount = self._sold(listed)
        data = encode_call(_V2_SWAP, amount, 0, [token_in, token_out], BUILDER, UINT256_MAX)
        self.queue.add("v2 swap", chain.V2_ROUTER, data)

    def _v2_add(self, listed: ListedPool) -> None:
        token0, token1 = listed.key.tokens
        amounts = [listed.pool.limits(*pair).max_amount_out // 500 for pair in ((token1, token0), (token0, token1))]
        data = encode_call(_V2_ADD, token0, token1, *amounts, 0, 0, BUILDER, UINT256_MAX)
        self.queue.add("v2 add", chain.V2_ROUTER, data)

    def _v3_swap(self, listed: ListedPool) -> None:
        token_in, token_out, amount = self._sold(listed)
        row = (token_in, token_out, listed.key.fee_pips, BUILDER, UINT256_MAX, amount, 0, 0)
        self.queue.add("v3 swap", chain.V3_ROUTER, encode_call(_V3_SWAP, row))

    def _range(self, listed: ListedPool) -> tuple[int, int, int]:
        """A position around or beside the price, narrow or wide, and an amount of liquidity."""
        pool = listed.pool
        assert isinstance(pool, ConcentratedPool)
        spacing = pool.tick_spacing
        centre = pool.tick // spacing + self.rng.randrange(-12, 13)
        width = self.rng.choice((1, 2, 5, 40, 4_000 // spacing + 1))
        return (centre - width) * spacing, (centre + width) * spacing, pool.liquidity // self.rng.randrange(50, 400) + 1

    def _v3_mint(self, listed: ListedPool) -> None:
        lower, upper, liquidity = self._range(listed)
        data = encode_call(
            "seedV3(address,(int24,int24,uint128)[])", listed.key.settles_at, [(lower, upper, liquidity)]
        )
        self.queue.add("v3 mint", self.seeder, data)
        self.minted.append((listed, lower, upper, liquidity))

    def _v3_mint_and_burn(self, listed: ListedPool) -> None:
        self._v3_mint(listed)
        self.queue.mine()
        burns = Transactions.of(self.rpc, self.seeder)
        self.rpc.call("anvil_setBalance", self.seeder, hex(10**24))
        listed, lower, upper, liquidity = self.minted.pop(self.rng.randrange(len(self.minted)))
        part = self.rng.choice((liquidity, liquidity, liquidity // 2, 0))
        burns.add("v3 burn", listed.key.settles_at, encode_call("burn(int24,int24,uint128)", lower, upper, part))
        burns.mine()

    def _v4_key(self, listed: ListedPool) -> tuple[object, ...]:
        token0, token1 = listed.key.tokens
        key = V4Key(ZERO_ADDRESS if listed.key.native else token0, token1, listed.key.fee_pips, listed.key.tick_spacing)
        return (key.currency0, key.currency1, key.fee_pips, key.tick_spacing, key.hooks)

    def _v4_swap(self, listed: ListedPool) -> None:
        token_in, _, amount = self._sold(listed)
        down = token_in == listed.key.tokens[0]
        row = (down, -amount, _LOWEST if down else _HIGHEST)
        data = encode_call(_V4_SWAP, self._v4_key(listed), row, (False, False), b"")
        self.queue.add("v4 swap", self.v4_swapper, data, value=amount if listed.key.native and down else 0)

    def _v4_modify(self, listed: ListedPool) -> None:
        lower, upper, liquidity = self._range(listed)
        for delta in (liquidity, -self.rng.choice((liquidity, liquidity // 3, 0))):
            if delta or self.rng.random() < 0.2:
                row = (lower, upper, delta, bytes(32))
                data = encode_call(_V4_MODIFY, self._v4_key(listed), row, b"")
                value = 10**23 if listed.key.native and delta > 0 else 0
                self.queue.add("v4 modify", self.v4_minter, data, value=value)

    def _v4_fee(self, listed: ListedPool) -> None:
        controller = encode_call("setProtocolFeeController(address)", BUILDER)
        self.queue.add("v4 controller", chain.V4_MANAGER, controller)
        fee = self.rng.choice((0, 1000, 250 | 700 << 12))
        data = encode_call(f"setProtocolFee({V4_KEY},uint24)", self._v4_key(listed), fee)
        self.queue.add("v4 fee", chain.V4_MANAGER, data)

    def _vault_swap(self, listed: ListedPool) -> None:
        token_in, token_out, amount = self._sold(listed)
        step = (bytes.fromhex(listed.key.pool_id[2:]), 0, token_in, token_out, amount, b"")
        data = encode_call(_VAULT_SWAP, step, (BUILDER, False, BUILDER, False), 0, UINT256_MAX)
        self.queue.add("vault swap", chain.BALANCER_VAULT, data)

    def _vault_join(self, listed: ListedPool) -> None:
        pool = listed.pool
        assert isinstance(pool, WeightedPool | BalancerStablePool)
        amounts = [balance // self.rng.randrange(200, 5_000) for balance in pool.balances]
        user_data = encode(["uint256", "uint256[]", "uint256"], [_EXACT_TOKENS_IN, amounts, 0])
        self._vault_move(listed, _JOIN, [UINT256_MAX], user_data)

    def _vault_exit(self, listed: ListedPool) -> None:
        shares = 10**18 * self.rng.randrange(1, 50)
        self._vault_move(listed, _EXIT, [0], encode(["uint256", "uint256"], [_EXACT_SHARES_IN, shares]))

    def _vault_move(self, listed: ListedPool, signature: str, limit: list[int], user_data: bytes) -> None:
        tokens = list(listed.key.tokens)
        row = (tokens, limit * len(tokens), user_data, False)
        data = encode_call(signature, bytes.fromhex(listed.key.pool_id[2:]), BUILDER, BUILDER, row)
        self.queue.add("vault move", chain.BALANCER_VAULT, data)
