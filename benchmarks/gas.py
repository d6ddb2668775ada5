"""Gas of a settlement: our executor and Uniswap's Universal Router, the same swap on the same state of one Anvil.

Owns: the chain (the protocols' published bytecode, three plain tokens, a pool of each kind), both sides' calldata, and
which receipt counts.
Must not: use the development chain, whose tokens and prices may change.

Conditions: hardfork osaka; plain ERC-20s of 18 decimals; the second of two equal swaps by an account of its own, 12 s
apart, so that every balance it touches is there already; 100 tokens in; a minimum output of 99.5 % of the first swap's.
Ours holds its funds and enforces its end-to-end invariant; the Universal Router pulls them through a standing Permit2
allowance. Each path and side starts from the same snapshot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from eth_abi.abi import encode
from eth_account import Account

from benchmarks.measures import Findings, Measure, Reading
from benchmarks.single_calls import CHAIN_OF_CALLS, TRADER, gas_of_call
from oms.adapters.evm.addresses import v2_pair_address, v3_pool_address
from oms.adapters.evm.anvil import Anvil
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import deploy_on_fork, our_contracts
from oms.adapters.evm.devnet import chain
from oms.adapters.evm.devnet.build import BLOCK_SECONDS, GENESIS_TIMESTAMP, PUBLISHED
from oms.adapters.evm.devnet.deploy import Placement, Transactions, deploy_at, encode_call, read_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import ChainVenues, V2Venue, V3Venue, V4Venue
from oms.execution.plan_codec import (
    All,
    Concentrated,
    ConcentratedExactOut,
    ConstantProduct,
    Exact,
    Hop,
    MakerQuote,
    PackedLeg,
    PackedPlan,
    Permit,
    Share,
    SwapOn,
    UniswapV4,
    encode_leg,
    encode_plan,
    swap_assets,
)
from oms.execution.plan_permit import permit_digest
from oms.execution.rfq import QuoteTerms
from oms.units import ZERO_ADDRESS, Address

AMOUNT_IN: Final = 100 * 10**18
_HALF: Final = AMOUNT_IN // 2
_DEADLINE: Final = GENESIS_TIMESTAMP + 365 * 86_400
_DEPTH = 1_000_000 * 10**18
"""Of each token in each pool, so that 100 move the price by about 2 bps, and v3's tick."""
_FEE, _SPACING = 3000, 60
AMOUNT_OUT: Final = 99 * 10**18
"""What an exact output buys: about what 100 tokens bring through two pools."""
_SQRT_PRICE_ONE = 2**96
_RANGE = (-60_000, 60_000)
_KEY = "(address,address,uint24,int24,address)"

VENUES: Final = ChainVenues(
    chain.CHAIN_ID,
    chain.WETH.address,
    v2=(V2Venue("uniswap_v2", chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH),),
    v3=(V3Venue("uniswap_v3", chain.V3_FACTORY, chain.V3_FACTORY, chain.V3_POOL_INIT_HASH),),
    v4=(V4Venue("uniswap_v4", chain.V4_MANAGER),),
)
A = Address("0x3a9F1c7E5b2D84f6a0C3e9B17d52F8c64E0a1b93")
B = Address("0x7C2e5D91f4A8b36E0d7F19c58a42B6e3D90f5C17")
MAKER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")
TRADER_KEY: Final = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
MAKER_KEY: Final = "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"
"""Anvil's third and fourth account, whose keys everybody knows."""
C = Address("0xB84d3F6a2E97c15D0b8A6f42E3c91D75F0a2E6b8")
"""In pool order; as random as real addresses are, since zero bytes of calldata are cheaper."""
PAIRS: Final = ((A, B), (B, C), (A, C))
"""Of pairs and of concentrated pools."""


def _measure(path: str, what: str, peer: str, aim: float) -> Measure:
    return Measure(key=f"gas.{path}", unit="gas", what=what, aim=aim, less_is_better=True, peer=peer)


FLOOR, ROUTER = "floor", "universal_router"
FLOOR_AIM: Final = 1.07
PATHS: Final = (
    ("v2", "one constant-product hop, whole transaction", 0.87),
    ("v3", "one concentrated hop", 0.91),
    ("v4", "one hop in v4's singleton", 0.84),
    ("v2_v3", "two hops, v2 then v3", 0.88),
    ("v3_v3", "two concentrated hops, an exact output", 0.91),
    ("split", "one order, half through v2 and half through v3", 0.90),
)
PERMIT_V2 = Measure(
    key="gas.permit2_v2",
    unit="gas",
    what="one v2 hop, pulled from its owner by a signature that binds the plan, and paid to it",
    aim=115_000,
    less_is_better=True,
)
PERMIT_V3 = Measure(key="gas.permit2_v3", unit="gas", what="the same, one v3 hop", aim=124_000, less_is_better=True)
RFQ = Measure(key="gas.rfq", unit="gas", what="one maker's quote", aim=95_000, less_is_better=True)
SEVEN = Measure(key="gas.seven_leg_plan", unit="gas", what="seven legs on four paths: v2, v3, v4 and hops between")
CALLDATA = Measure(key="gas.calldata_bytes_per_leg", unit="bytes", what="that plan's, without head and assets")
APART = (PERMIT_V2, PERMIT_V3, RFQ, SEVEN, CALLDATA)
MEASURES = (
    *(
        _measure(path, what, peer, aim)
        for path, what, router_aim in PATHS
        for peer, aim in ((FLOOR, FLOOR_AIM), (ROUTER, router_aim))
    ),
    *APART,
)

CallOf = Callable[[int], bytes]
"""Calldata for a minimum output."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path as each side is told of it, and the token that it buys."""

    path: str
    bought: Address
    ours: CallOf
    floor: bytes
    router: CallOf


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path) -> None:
    """Build the chain and run each path on every side. Raises `VenueError` when a swap fails."""
    with Anvil.start(CHAIN_OF_CALLS, project=project) as anvil:
        ground = Ground(anvil.rpc, Artifacts(project))
        executor, floor, settlement = ground.build()
        for route in ROUTES:
            mine = [measure for measure in wanted if measure.key == f"gas.{route.path}"]
            if not mine:
                continue
            ours = _second_swap(anvil, executor, executor, route.bought, route.ours)
            peers = {
                FLOOR: _second_swap(anvil, floor, floor, route.bought, lambda _, call=route.floor: call),  # type: ignore[misc]
                ROUTER: _second_swap(anvil, chain.UNIVERSAL_ROUTER, TRADER, route.bought, route.router),
            }
            for each in mine:
                findings.readings.append(Reading(each, ours, peers[each.peer], ours / peers[each.peer]))
        for each in (measure for measure in wanted if measure in APART):
            findings.readings.append(Reading(each, _apart(anvil, each, executor, settlement)))


def _apart(anvil: Anvil, measure: Measure, executor: Address, settlement: Address) -> float:
    """What no peer does in the same way."""
    if measure is CALLDATA:
        return sum(len(leg) for leg in map(encode_leg, SEVEN_LEGS)) / len(SEVEN_LEGS)
    if measure is SEVEN:
        return _second_swap(anvil, executor, executor, B, _seven)
    if measure is RFQ:
        nonces = count(1)
        return _second_swap(
            anvil, executor, executor, B, lambda min_out: _quoted(min_out, next(nonces), executor, settlement)
        )
    swap = _V2_LEG if measure is PERMIT_V2 else _V3_LEG
    nonces = count(1)
    return _second_swap(anvil, executor, TRADER, B, lambda min_out: _permitted(swap, min_out, next(nonces), executor))


def _second_swap(anvil: Anvil, target: Address, receiver: Address, bought: Address, call_of: CallOf) -> int:
    """The receipt's gas of the second of two equal swaps; the chain is as before afterwards."""
    snapshot, what = anvil.snapshot(), f"a swap through {target}"
    before = _balance(anvil.rpc, bought, receiver)
    gas_of_call(anvil.rpc, target, call_of(1), what=what)
    received = _balance(anvil.rpc, bought, receiver) - before
    used = gas_of_call(anvil.rpc, target, call_of(received * 995 // 1000), what=what)
    anvil.revert(snapshot)
    return used


def _balance(rpc: RpcClient, token: Address, account: Address) -> int:
    (balance,) = read_call(rpc, token, "balanceOf(address)", account, returns="(uint256)")
    return int(balance)


@dataclass(frozen=True, slots=True)
class Ground:
    """A fresh Anvil, which must impersonate freely and not mine by itself."""

    rpc: RpcClient
    artifacts: Artifacts

    def build(self) -> tuple[Address, Address, Address]:
        """Protocols, tokens, pools, balances and allowances; returns executor, floor and the makers' settlement."""
        self.rpc.call("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        for account in (chain.BUILDER, TRADER, MAKER):
            self.rpc.call("anvil_setBalance", account, hex(10**24))
        deploy_at(self.rpc, chain.BUILDER, [*self._tokens(), *self._protocols()])
        permit2 = self.artifacts.published(PUBLISHED["Permit2"]).init_code
        self.rpc.call("anvil_setCode", chain.PERMIT2, "0x" + permit2.hex())
        contracts = our_contracts(self.artifacts, VENUES, TRADER)
        deploy_on_fork(self.rpc, contracts, VENUES)
        self.rpc.call("anvil_autoImpersonateAccount", True)  # noqa: FBT003 (deploying ends the impersonation)
        transactions = Transactions.of(self.rpc, chain.BUILDER)
        floor = transactions.create("BareSwapper", self.artifacts.ours("BareSwapper").with_arguments())
        self._fund(transactions, contracts.executor, floor)
        transactions.mine()
        self._allow(contracts.rfq_settlement)
        return contracts.executor, floor, contracts.rfq_settlement

    def _published(self, name: str, *values: object) -> bytes:
        return self.artifacts.published(PUBLISHED[name]).with_arguments(*values)

    def _tokens(self) -> list[Placement]:
        code = self.artifacts.ours("DevToken")
        return [Placement(s, a, code.with_arguments(s, s, 18)) for s, a in (("A", A), ("B", B), ("C", C))]

    def _protocols(self) -> list[Placement]:
        weth = chain.WETH.address
        parameters = (
            *(chain.PERMIT2, weth, chain.V2_FACTORY, chain.V3_FACTORY),
            *(chain.V2_PAIR_INIT_HASH, chain.V3_POOL_INIT_HASH, chain.V4_MANAGER),
            *(ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS),
        )
        placed: tuple[tuple[str, Address, tuple[object, ...]], ...] = (
            ("UniswapV2Factory", chain.V2_FACTORY, (chain.BUILDER,)),
            ("UniswapV3Factory", chain.V3_FACTORY, ()),
            ("PoolManager", chain.V4_MANAGER, (chain.BUILDER,)),
            ("UniversalRouter", chain.UNIVERSAL_ROUTER, (parameters,)),
        )
        return [Placement(name, address, self._published(name, *values)) for name, address, values in placed]

    def _fund(self, transactions: Transactions, executor: Address, floor: Address) -> None:
        seeder = transactions.create("PoolSeeder", self.artifacts.ours("PoolSeeder").with_arguments(chain.BUILDER))
        for token in (A, B, C):
            transactions.add("mint", token, encode_call("mint(address,uint256)", seeder, 100 * _DEPTH))
        for account in (executor, floor, TRADER):
            transactions.add("mint", A, encode_call("mint(address,uint256)", account, 10 * AMOUNT_IN))
        for token in (A, B):
            transactions.add("mint", token, encode_call("mint(address,uint256)", MAKER, 10 * AMOUNT_IN))
        for token0, token1 in PAIRS:
            self._v2_pair(transactions, token0, token1)
            self._v3_pool(transactions, seeder, token0, token1)
        self._v4_pool(transactions, seeder)

    def _v2_pair(self, transactions: Transactions, token0: Address, token1: Address) -> None:
        pair = v2_pair_address(chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH, token0, token1)
        transactions.add("pair", chain.V2_FACTORY, encode_call("createPair(address,address)", token0, token1))
        for token in (token0, token1):
            transactions.add("mint", token, encode_call("mint(address,uint256)", pair, _DEPTH))
        transactions.add("liquidity", pair, encode_call("mint(address)", chain.BUILDER))

    def _v3_pool(self, transactions: Transactions, seeder: Address, token0: Address, token1: Address) -> None:
        pool = v3_pool_address(chain.V3_FACTORY, chain.V3_POOL_INIT_HASH, token0, token1, fee_pips=_FEE)
        create = encode_call("createPool(address,address,uint24)", token0, token1, _FEE)
        transactions.add("pool", chain.V3_FACTORY, create)
        transactions.add("initialize", pool, encode_call("initialize(uint160)", _SQRT_PRICE_ONE))
        seed = encode_call("seedV3(address,(int24,int24,uint128)[])", pool, [(*_RANGE, _DEPTH)])
        transactions.add("seed v3", seeder, seed)

    def _v4_pool(self, transactions: Transactions, seeder: Address) -> None:
        initialize = encode_call(f"initialize({_KEY},uint160)", _V4_KEY, _SQRT_PRICE_ONE)
        transactions.add("initialize v4", chain.V4_MANAGER, initialize)
        signature = f"seedV4(address,{_KEY},(int24,int24,uint128)[])"
        seed = encode_call(signature, chain.V4_MANAGER, _V4_KEY, [(*_RANGE, _DEPTH)])
        transactions.add("seed v4", seeder, seed)

    def _allow(self, settlement: Address) -> None:
        """The standing allowances: to Permit2, by it to the router, and the maker's to the settlement."""
        transactions = Transactions.of(self.rpc, TRADER)
        transactions.add("approve", A, encode_call("approve(address,uint256)", chain.PERMIT2, 2**256 - 1))
        allow = encode_call("approve(address,address,uint160,uint48)", A, chain.UNIVERSAL_ROUTER, 2**160 - 1, 2**48 - 1)
        transactions.add("allow", chain.PERMIT2, allow)
        transactions.mine()
        maker = Transactions.of(self.rpc, MAKER)
        maker.add("approve", B, encode_call("approve(address,uint256)", settlement, 2**256 - 1))
        maker.mine()


_V4_KEY = (A, B, _FEE, _SPACING, ZERO_ADDRESS)
_V2_LEG = ConstantProduct(0)
_V3_LEG = Concentrated(0, _FEE)
_V4_LEG = UniswapV4(_FEE, _SPACING, native=False)


def _plan(*legs: PackedLeg, bought: Address = B, handed: tuple[Address, ...] = ()) -> CallOf:
    def calldata(min_out: int) -> bytes:
        assets = swap_assets((A, bought), AMOUNT_IN, min_out)
        return encode_plan(PackedPlan(assets, _DEADLINE, legs, handed))

    return calldata


def _permitted(swap: SwapOn, min_out: int, nonce: int, executor: Address) -> bytes:
    """Straight from the owner to the pool and back, signed by the owner. The nonces share a word, as a desk's do."""
    assets = swap_assets((A, B), AMOUNT_IN, min_out)
    unsigned = Permit(nonce, b"", straight=True)
    plan = PackedPlan(assets, _DEADLINE, (PackedLeg(0, 1, All(), swap),), permit=unsigned)
    digest = permit_digest(plan, executor=executor, chain_id=chain.CHAIN_ID)
    signature = bytes(Account.unsafe_sign_hash(digest, TRADER_KEY).signature)
    return encode_plan(replace(plan, permit=replace(unsigned, signature=signature)))


def _quoted(min_out: int, nonce: int, executor: Address, settlement: Address) -> bytes:
    """One for one, signed by the maker."""
    terms = QuoteTerms(MAKER, executor, B, A, AMOUNT_IN, AMOUNT_IN, _DEADLINE, nonce, partial_fill_allowed=False)
    signature = bytes(Account.unsafe_sign_hash(terms.digest(chain.CHAIN_ID, settlement), MAKER_KEY).signature)
    swap = MakerQuote(MAKER, AMOUNT_IN, AMOUNT_IN, _DEADLINE, nonce, partial_fill_allowed=False, signature=signature)
    return encode_plan(PackedPlan(swap_assets((A, B), AMOUNT_IN, min_out), _DEADLINE, (PackedLeg(0, 1, All(), swap),)))


def _seven(min_out: int) -> bytes:
    return encode_plan(PackedPlan(swap_assets((A, B, C), AMOUNT_IN, min_out), _DEADLINE, SEVEN_LEGS))


SEVEN_LEGS: Final = (
    PackedLeg(0, 1, Share(2**29), _V2_LEG),
    PackedLeg(0, 1, Share(2**29), _V3_LEG),
    PackedLeg(0, 1, Share(2**29), _V4_LEG),
    PackedLeg(0, 2, Share(2**31), _V3_LEG),
    PackedLeg(0, 2, All(), _V2_LEG),
    PackedLeg(2, 1, Share(2**31), _V3_LEG),
    PackedLeg(2, 1, All(), _V2_LEG),
)
"""A into B on three pools, and into B by way of C on four."""


# The Universal Router's commands (`Commands.sol`), v4 actions (`Actions.sol`) and stand-ins for addresses and amounts.
_V3_EXACT_IN, _V2_EXACT_IN, _V4_SWAP = 0x00, 0x08, 0x10
_SWAP_SINGLE, _SETTLE_ALL, _TAKE_ALL = 0x06, 0x0C, 0x0F
_SENDER, _ROUTER = Address("0x" + "1".zfill(40)), Address("0x" + "2".zfill(40))
_ALL_HELD = 2**255


def _commands(*commands: tuple[int, bytes]) -> bytes:
    codes, inputs = bytes(code for code, _ in commands), [data for _, data in commands]
    return encode_call("execute(bytes,bytes[],uint256)", codes, inputs, _DEADLINE)


def _v2_command(amount: int, min_out: int, *, recipient: Address = _SENDER) -> tuple[int, bytes]:
    types = ["address", "uint256", "uint256", "address[]", "bool"]
    return _V2_EXACT_IN, encode(types, [recipient, amount, min_out, [A, B], True])


def _v3_command(
    amount: int, min_out: int, *, path: tuple[Address, ...] = (A, B), from_user: bool = True
) -> tuple[int, bytes]:
    packed = _FEE.to_bytes(3, "big").join(bytes.fromhex(token[2:]) for token in path)
    types = ["address", "uint256", "uint256", "bytes", "bool"]
    return _V3_EXACT_IN, encode(types, [_SENDER, amount, min_out, packed, from_user])


def _v4_command(min_out: int) -> tuple[int, bytes]:
    single = f"({_KEY},bool,uint128,uint128,bytes)"
    steps = [
        encode([single], [(_V4_KEY, True, AMOUNT_IN, min_out, b"")]),
        encode(["address", "uint256"], [A, AMOUNT_IN]),
        encode(["address", "uint256"], [B, min_out]),
    ]
    return _V4_SWAP, encode(["bytes", "bytes[]"], [bytes([_SWAP_SINGLE, _SETTLE_ALL, _TAKE_ALL]), steps])


def _exact_out_plan(_: int) -> bytes:
    swap = ConcentratedExactOut((Hop(0, _FEE), Hop(0, _FEE)), (2,))
    legs = (PackedLeg(0, 1, Exact(AMOUNT_OUT), swap),)
    return encode_plan(PackedPlan(swap_assets((A, C), 2 * AMOUNT_IN, AMOUNT_OUT), _DEADLINE, legs, (B,)))


_UP: Final = True
"""Every pool sells its first token."""
PAIR_AB = v2_pair_address(chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH, A, B)
POOL_AB, POOL_BC = (
    v3_pool_address(chain.V3_FACTORY, chain.V3_POOL_INIT_HASH, low, high, fee_pips=_FEE) for low, high in PAIRS[:2]
)


ROUTES = (
    Route(
        "v2",
        B,
        _plan(PackedLeg(0, 1, All(), _V2_LEG)),
        encode_call("v2(address,address,uint256,bool)", PAIR_AB, A, AMOUNT_IN, _UP),
        lambda min_out: _commands(_v2_command(AMOUNT_IN, min_out)),
    ),
    Route(
        "v3",
        B,
        _plan(PackedLeg(0, 1, All(), _V3_LEG)),
        encode_call("v3(address,address,uint256,bool)", POOL_AB, A, AMOUNT_IN, _UP),
        lambda min_out: _commands(_v3_command(AMOUNT_IN, min_out)),
    ),
    Route(
        "v4",
        B,
        _plan(PackedLeg(0, 1, All(), _V4_LEG)),
        encode_call(f"v4(address,{_KEY},uint256,bool)", chain.V4_MANAGER, _V4_KEY, AMOUNT_IN, _UP),
        lambda min_out: _commands(_v4_command(min_out)),
    ),
    Route(
        "v2_v3",
        C,
        _plan(PackedLeg(0, 2, All(), _V2_LEG, hands_on=True), PackedLeg(2, 1, All(), _V3_LEG), bought=C, handed=(B,)),
        encode_call(
            "v2v3(address,address,address,uint256,bool,bool)",
            PAIR_AB,
            POOL_BC,
            A,
            AMOUNT_IN,
            _UP,
            _UP,
        ),
        lambda min_out: _commands(
            _v2_command(AMOUNT_IN, 0, recipient=_ROUTER), _v3_command(_ALL_HELD, min_out, path=(B, C), from_user=False)
        ),
    ),
    Route(
        "v3_v3",
        C,
        _exact_out_plan,
        encode_call(
            "v3v3(address,address,address,uint256,bool,bool)",
            POOL_AB,
            POOL_BC,
            A,
            AMOUNT_OUT,
            _UP,
            _UP,
        ),
        lambda min_out: _commands(_v3_command(AMOUNT_IN, min_out, path=(A, B, C))),
    ),
    Route(
        "split",
        B,
        _plan(PackedLeg(0, 1, Exact(_HALF), _V2_LEG), PackedLeg(0, 1, All(), _V3_LEG)),
        encode_call("split(address,address,address,uint256,bool)", PAIR_AB, POOL_AB, A, AMOUNT_IN, _UP),
        lambda min_out: _commands(_v2_command(_HALF, min_out // 2), _v3_command(_HALF, min_out // 2)),
    ),
)
