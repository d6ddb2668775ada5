"""Who lives where on the development chain: mainnet's own addresses, so that code for mainnet runs unchanged.

Owns: the canonical addresses, and the tokens' metadata.
Must not: deploy or price anything.
"""

from typing import Final

from oms.adapters.evm.chain import MULTICALL3
from oms.domain.token import Token
from oms.units import Address

CHAIN_ID: Final = 1

WETH = Token(CHAIN_ID, Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), "WETH", 18)
USDC = Token(CHAIN_ID, Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"), "USDC", 6)
USDT = Token(CHAIN_ID, Address("0xdAC17F958D2ee523a2206206994597C13D831ec7"), "USDT", 6)
WBTC = Token(CHAIN_ID, Address("0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599"), "WBTC", 8)
DAI = Token(CHAIN_ID, Address("0x6B175474E89094C44Da98b954EedeAC495271d0F"), "DAI", 18)
TOKENS: Final = (WETH, USDC, USDT, WBTC, DAI)

TOKEN_NAMES: Final = {USDC: "USD Coin", USDT: "Tether USD", WBTC: "Wrapped BTC", DAI: "Dai Stablecoin"}

V2_FACTORY = Address("0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f")
V2_ROUTER = Address("0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D")
V2_PAIR_INIT_HASH: Final = bytes.fromhex("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f")
V3_FACTORY = Address("0x1F98431c8aD98523631AE4a59f267346ea31F984")
V3_QUOTER = Address("0x61fFE014bA17989E743c5F6cB21bF9697530B21e")
V3_ROUTER = Address("0xE592427A0AEce92De3Edee1F18E0157C05861564")
V3_POOL_INIT_HASH: Final = bytes.fromhex("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54")
V4_MANAGER = Address("0x000000000004444c5dc75cB358380D2e3dE08A90")
V4_QUOTER = Address("0x52F0E24D1c21C8A0cB1e5a5dD6198556BD9E1203")
V4_STATE_VIEW = Address("0x7fFE42C4a5DEeA5b0feC41C94C136Cf115597227")
PERMIT2 = Address("0x000000000022D473030F116dDEE9F6B43aC78BA3")
UNIVERSAL_ROUTER = Address("0x66a9893cC07D91D95644AEDD05D03f95e1dBA8Af")
BALANCER_VAULT = Address("0xBA12222222228d8Ba445958a75a0704d566BF2C8")
BALANCER_AUTHORIZER = Address("0xA331D84eC860Bf466b4CdCcFb4aC09a1B43F3aE6")
BALANCER_FEE_PROVIDER = Address("0x97207B095e4D5C9a6e4cfbfcd2C3358E03B90c4A")
BALANCER_WEIGHTED_FACTORY = Address("0xcC508a455F5b0073973107Db6a878DdBDab957bC")
BALANCER_STABLE_FACTORY = Address("0x8df6EfEc5547e31B0eb7d1291B511FF8a2bf987c")

DESK = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
"""Anvil's account 0; its key is public, and so are those of all its accounts."""
MAKER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
"""Anvil's account 1."""
BUILDER = Address("0x000000000000000000000000000000000000dEaD")
"""Sends all building transactions and owns the protocols' switches; nobody has its key, Anvil impersonates it."""

NO_OP_HOOK = Address("0x4f4D530000000000000000000000000000000040")
"""Its low bits ask for `afterSwap` alone (v4-core, `Hooks.AFTER_SWAP_FLAG` = 1 << 6)."""
NO_OP_HOOK_CODE: Final = bytes.fromhex("60003560e01c60e01b60005260406000f3")
"""Returns the selector it was called by and a zero word: what v4 wants of a hook that does nothing."""

ADDRESSES: Final = {
    "v2_factory": V2_FACTORY,
    "v2_router": V2_ROUTER,
    "v3_factory": V3_FACTORY,
    "v3_quoter": V3_QUOTER,
    "v3_router": V3_ROUTER,
    "v4_manager": V4_MANAGER,
    "v4_quoter": V4_QUOTER,
    "v4_state_view": V4_STATE_VIEW,
    "permit2": PERMIT2,
    "multicall3": MULTICALL3,
    "universal_router": UNIVERSAL_ROUTER,
    "balancer_vault": BALANCER_VAULT,
    "balancer_weighted_factory": BALANCER_WEIGHTED_FACTORY,
    "balancer_stable_factory": BALANCER_STABLE_FACTORY,
    "builder": BUILDER,
    "desk": DESK,
    "maker": MAKER,
    "no_op_hook": NO_OP_HOOK,
}
