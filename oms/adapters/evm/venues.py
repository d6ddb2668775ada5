"""Where the protocols are deployed: data by chain id, and the types that a caller extends it with.

Owns: factories, init code hashes, fee tiers, storage layouts, well-known pools.
Must not: read a chain.
Sources: the protocols' own deployment pages (docs.uniswap.org, developer.pancakeswap.finance, docs.sushi.com,
docs.balancer.fi, docs.curve.finance, aerodrome-finance/contracts); each CREATE2 rule is tested on known pool addresses.
"""

from dataclasses import dataclass

from oms.adapters.evm.addresses import V4Key
from oms.liquidity.curve_layout import (
    THREE_POOL,
    TRICRYPTO2,
    TRICRYPTO_USDC,
    CryptoSwapDeployment,
    StableSwapDeployment,
)
from oms.units import ZERO_ADDRESS, Address


@dataclass(frozen=True, slots=True)
class V2Venue:
    """A factory of constant-product pairs that keep Uniswap v2's storage layout. `fee_pips` is the whole swap fee."""

    name: str
    factory: Address
    init_code_hash: bytes
    fee_pips: int = 3000


@dataclass(frozen=True, slots=True)
class ConcentratedLayout:
    """Slots of a concentrated pool, relative to its base: 0 for a contract of its own."""

    liquidity: int
    ticks: int
    bitmap: int


UNISWAP_V3_LAYOUT = ConcentratedLayout(liquidity=4, ticks=5, bitmap=6)
PANCAKE_V3_LAYOUT = ConcentratedLayout(liquidity=5, ticks=6, bitmap=7)
"""PancakeSwap's 32-bit protocol fee pushes the end of `slot0` into a second slot."""
UNISWAP_V4_LAYOUT = ConcentratedLayout(liquidity=3, ticks=4, bitmap=5)

V4_POOLS_SLOT = 6
"""Where v4's pool manager declares `mapping(PoolId => Pool.State)` (`StateLibrary.POOLS_SLOT`)."""

UNISWAP_TIERS = ((100, 1), (500, 10), (3000, 60), (10000, 200))
"""(fee in pips, tick spacing) that a factory of Uniswap's enables."""
PANCAKE_TIERS = ((100, 1), (500, 10), (2500, 50), (10000, 200))


@dataclass(frozen=True, slots=True)
class V3Venue:
    """A factory of concentrated pools; `deployer` is the CREATE2 account, which PancakeSwap keeps apart."""

    name: str
    factory: Address
    deployer: Address
    init_code_hash: bytes
    tiers: tuple[tuple[int, int], ...] = UNISWAP_TIERS
    layout: ConcentratedLayout = UNISWAP_V3_LAYOUT


@dataclass(frozen=True, slots=True)
class V4Venue:
    """A v4 pool manager. `known_keys` are looked at beside the plain tiers, hooked ones to be listed as skipped."""

    name: str
    pool_manager: Address
    state_view: Address | None = None
    tiers: tuple[tuple[int, int], ...] = UNISWAP_TIERS
    known_keys: tuple[V4Key, ...] = ()


@dataclass(frozen=True, slots=True)
class CurveVenue:
    """Curve: pools whose code and storage layout are known, and the registry that names others where it exists."""

    name: str
    stableswap: tuple[StableSwapDeployment, ...] = ()
    cryptoswap: tuple[CryptoSwapDeployment, ...] = ()
    meta_registry: Address | None = None


@dataclass(frozen=True, slots=True)
class BalancerVenue:
    """A Balancer v2 vault and the pool ids to look at; the vault has no index by token."""

    name: str
    vault: Address
    pool_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SolidlyVenue:
    """A factory of stable and volatile pairs (Aerodrome, Velodrome v2), found through its `getPool` view."""

    name: str
    factory: Address


@dataclass(frozen=True, slots=True)
class Places:
    """What plans deal with beside pools; zero for what a chain lacks.

    Sources, by their packages: balancer/sdk 6.1, aave-dao/aave-address-book 4.68, across-protocol/contracts 3.0,
    0x/contract-addresses 8.13, airswap/swap-erc20 5.0, which lists no Optimism.
    """

    balancer_v3_vault: Address = ZERO_ADDRESS
    aave_pool: Address = ZERO_ADDRESS
    spoke_pool: Address = ZERO_ADDRESS
    zero_ex: Address = ZERO_ADDRESS
    air_swap: Address = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class ChainVenues:
    """All venues of one chain. Build your own, or `extended` a built-in one, to add deployments or pools."""

    chain_id: int
    wrapped_native: Address
    v2: tuple[V2Venue, ...] = ()
    v3: tuple[V3Venue, ...] = ()
    v4: tuple[V4Venue, ...] = ()
    curve: tuple[CurveVenue, ...] = ()
    balancer: tuple[BalancerVenue, ...] = ()
    solidly: tuple[SolidlyVenue, ...] = ()
    places: Places = Places()
    log_window_blocks: int = 10_000
    """How far back logs are searched for pools that no rule computes; 0 turns the search off."""

    @property
    def names(self) -> frozenset[str]:
        """Every venue's name, for checking what a caller asked for."""
        families = (self.v2, self.v3, self.v4, self.curve, self.balancer, self.solidly)
        return frozenset(venue.name for family in families for venue in family)


def _hash(text: str) -> bytes:
    return bytes.fromhex(text)


_UNISWAP_V2_CODE = _hash("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f")
_SUSHISWAP_CODE = _hash("e18a34eb0e04b04f7a0ac29a6e80748dca96319b42c54d679cb821dca90c6303")
_PANCAKE_V2_CODE = _hash("57224589c67f3f30a6b0d7a1b54cf3153ab84563bc609ef41dfb34f8b2974d2d")
_UNISWAP_V3_CODE = _hash("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54")
_PANCAKE_V3_CODE = _hash("6ce8eb472fa82df5469c6ab6d485f17c3ad13c8cd7af59b3d4a8026c5ce0f7e2")

_BALANCER_VAULT = Address("0xBA12222222228d8Ba445958a75a0704d566BF2C8")
_BALANCER_V3_VAULT = Address("0xbA1333333333a1BA1108E8412f11850A5C319bA9")
_AIR_SWAP = Address("0xD82E10B9A4107939e55fCCa9B53A9ede6CF2fC46")
_ZERO_EX = Address("0xDef1C0ded9bec7F1a1670819833240f027b25EfF")
_AAVE_POOL = Address("0x794a61358D6845594F94dc1DB02A252b5b4814aD")
_WETH_OF_OP_STACK = Address("0x4200000000000000000000000000000000000006")


def _uniswap_v3(factory: str, *, tiers: tuple[tuple[int, int], ...] = UNISWAP_TIERS) -> V3Venue:
    return V3Venue("uniswap_v3", Address(factory), Address(factory), _UNISWAP_V3_CODE, tiers)


_UNISWAP_V3_FIRST = _uniswap_v3("0x1F98431c8aD98523631AE4a59f267346ea31F984")
_PANCAKE_V3 = V3Venue(
    "pancakeswap_v3",
    Address("0x0BFbCF9fa4f9C56B0F40a671Ad40E0805A091865"),
    Address("0x41ff9AA7e16B8B1a8a8dc4f0eFacd93D02d071c9"),
    _PANCAKE_V3_CODE,
    PANCAKE_TIERS,
    PANCAKE_V3_LAYOUT,
)

MAINNET = ChainVenues(
    1,
    Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
    v2=(
        V2Venue("uniswap_v2", Address("0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"), _UNISWAP_V2_CODE),
        V2Venue("sushiswap", Address("0xC0AEe478e3658e2610c5F7A4A2E1777cE9e4f2Ac"), _SUSHISWAP_CODE),
        V2Venue("pancakeswap_v2", Address("0x1097053Fd2ea711dad45caCcc45EfF7548fCB362"), _PANCAKE_V2_CODE, 2500),
    ),
    v3=(_UNISWAP_V3_FIRST, _PANCAKE_V3),
    v4=(
        V4Venue(
            "uniswap_v4",
            Address("0x000000000004444c5dc75cB358380D2e3dE08A90"),
            Address("0x7fFE42C4a5DEeA5b0feC41C94C136Cf115597227"),
        ),
    ),
    curve=(
        CurveVenue(
            "curve",
            (THREE_POOL,),
            (TRICRYPTO2, TRICRYPTO_USDC),
            Address("0xF98B45FA17DE75FB1aD0e7aFD971b0ca00e379fC"),
        ),
    ),
    balancer=(
        BalancerVenue(
            "balancer_v2",
            _BALANCER_VAULT,
            (
                "0x5c6ee304399dbdb9c8ef030ab642b10820db8f56000200000000000000000014",  # BAL/WETH 80/20
                "0x96646936b91d6b9d7d0c47c496afbf3d6ec7b6f8000200000000000000000019",  # USDC/WETH 50/50
                "0x0b09dea16768f0799065c475be02919503cb2a3500020000000000000000001a",  # DAI/WETH 40/60
                "0x3e5fa9518ea95c3e533eb377c001702a9aacaa32000200000000000000000052",  # WETH/USDT 50/50
                "0xa6f548df93de924d73be7d25dc02554c6bd66db500020000000000000000000e",  # WBTC/WETH 50/50
                "0x32296969ef14eb0c6d29669c550d4a0449130230000200000000000000000080",  # wstETH/WETH stable
                "0x9c6d47ff73e0f5e51be5fd53236e3f595c5793f200020000000000000000042c",  # wstETH/cbETH stable
            ),
        ),
    ),
    places=Places(
        _BALANCER_V3_VAULT,
        Address("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"),
        Address("0x5c7BCd6E7De5423a257D81B442095A1a6ced35C5"),
        _ZERO_EX,
        _AIR_SWAP,
    ),
)

BASE = ChainVenues(
    8453,
    _WETH_OF_OP_STACK,
    v2=(
        V2Venue("uniswap_v2", Address("0x8909Dc15e40173Ff4699343b6eB8132c65e18eC6"), _UNISWAP_V2_CODE),
        V2Venue("pancakeswap_v2", Address("0x02a84c1b3BBD7401a5f7fa98a384EBC70bB5749E"), _PANCAKE_V2_CODE, 2500),
    ),
    v3=(_uniswap_v3("0x33128a8fC17869897dcE68Ed026d694621f6FDfD"), _PANCAKE_V3),
    v4=(
        V4Venue(
            "uniswap_v4",
            Address("0x498581fF718922c3f8e6A244956aF099B2652b2b"),
            Address("0xA3c0c9b65baD0b08107Aa264b0f3dB444b867A71"),
        ),
    ),
    balancer=(BalancerVenue("balancer_v2", _BALANCER_VAULT),),
    solidly=(SolidlyVenue("aerodrome", Address("0x420DD381b31aEf6683db6B902084cB0FFECe40Da")),),
    places=Places(
        _BALANCER_V3_VAULT,
        Address("0xA238Dd80C259a72e81d7e4664a9801593F98d1c5"),
        Address("0x09aea4b2242abC8bb4BB78D537A67a245A7bEC64"),
        _ZERO_EX,
        _AIR_SWAP,
    ),
)

ARBITRUM = ChainVenues(
    42161,
    Address("0x82aF49447D8a07e3bd95BD0d56f35241523fBab1"),
    v2=(
        V2Venue("uniswap_v2", Address("0xf1D7CC64Fb4452F05c498126312eBE29f30Fbcf9"), _UNISWAP_V2_CODE),
        V2Venue("sushiswap", Address("0xc35DADB65012eC5796536bD9864eD8773aBc74C4"), _SUSHISWAP_CODE),
        V2Venue("pancakeswap_v2", Address("0x02a84c1b3BBD7401a5f7fa98a384EBC70bB5749E"), _PANCAKE_V2_CODE, 2500),
    ),
    v3=(_UNISWAP_V3_FIRST, _PANCAKE_V3),
    v4=(
        V4Venue(
            "uniswap_v4",
            Address("0x360E68faCcca8cA495c1B759Fd9EEe466db9FB32"),
            Address("0x76Fd297e2D437cd7f76d50F01AfE6160f86e9990"),
        ),
    ),
    balancer=(BalancerVenue("balancer_v2", _BALANCER_VAULT),),
    places=Places(
        _BALANCER_V3_VAULT, _AAVE_POOL, Address("0xe35e9842fceaCA96570B734083f4a58e8F7C5f2A"), _ZERO_EX, _AIR_SWAP
    ),
)

OPTIMISM = ChainVenues(
    10,
    _WETH_OF_OP_STACK,
    v2=(V2Venue("uniswap_v2", Address("0x0c3c1c532F1e39EdF36BE9Fe0bE1410313E074Bf"), _UNISWAP_V2_CODE),),
    v3=(_UNISWAP_V3_FIRST,),
    v4=(
        V4Venue(
            "uniswap_v4",
            Address("0x9a13F98Cb987694C9F086b1F5eB990EeA8264Ec3"),
            Address("0xc18a3169788F4F75A170290584ECA6395C75Ecdb"),
        ),
    ),
    balancer=(BalancerVenue("balancer_v2", _BALANCER_VAULT),),
    solidly=(SolidlyVenue("velodrome", Address("0xF1046053aa5682b4F9a81b5481394DA16BE5FF5a")),),
    places=Places(
        _BALANCER_V3_VAULT,
        _AAVE_POOL,
        Address("0x6f26Bf09B1C792e3228e5467807a900A503c0281"),
        Address("0xDEF1ABE32c034e558Cdd535791643C58a13aCC10"),
    ),
)

BUILT_IN: dict[int, ChainVenues] = {venues.chain_id: venues for venues in (MAINNET, BASE, ARBITRUM, OPTIMISM)}


def venues_of(chain_id: int) -> ChainVenues:
    """The built-in deployments of a chain; one without any for a chain that is not listed."""
    return BUILT_IN.get(chain_id, ChainVenues(chain_id, ZERO_ADDRESS))
