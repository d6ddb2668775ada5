"""Gas of one leg of each kind from 10 on, at the protocols' own contracts.

Owns: the chain that they stand on, made anew for this, one plan of each kind, and which receipt counts.
Must not: run where `scripts/published` has not been, which makes 0x, Across, Balancer v3 and a vault of ERC-4626.

Conditions as in `benchmarks/gas.py`: hardfork osaka, plain ERC-20s of 18 decimals, 100 tokens, the whole transaction of
the second of two equal plans by an account of its own, 12 s apart, each kind from the same snapshot; the executor holds
its funds and enforces its end-to-end invariant.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak

from benchmarks.gas import AMOUNT_IN, MAKER, MAKER_KEY, VENUES, A, B
from benchmarks.measures import Findings, Measure, Reading
from benchmarks.single_calls import CHAIN_OF_CALLS, TRADER, gas_of_call
from oms.adapters.evm.addresses import v2_pair_address
from oms.adapters.evm.anvil import Anvil
from oms.adapters.evm.artifacts import Artifact, Artifacts
from oms.adapters.evm.chain import MULTICALL3
from oms.adapters.evm.contracts import deploy_on_fork, our_contracts
from oms.adapters.evm.devnet import chain
from oms.adapters.evm.devnet.build import BLOCK_SECONDS, GENESIS_TIMESTAMP, PUBLISHED
from oms.adapters.evm.devnet.deploy import Placement, Transactions, creation_address, deploy_at, encode_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import BalancerVenue, Places
from oms.execution.further_legs import (
    AcrossDeposit,
    AirSwapOrder,
    BalancerV3,
    ListedCall,
    Payout,
    Vault,
    Wrap,
    ZeroExOrder,
)
from oms.execution.leg_kinds import LegKind, LenderKind
from oms.execution.plan_codec import (
    All,
    Asset,
    Bound,
    ConstantProduct,
    FlashLoan,
    PackedLeg,
    PackedPlan,
    SwapOn,
    encode_plan,
    swap_assets,
)
from oms.units import ZERO_ADDRESS, Address

REMEDY: Final = "./scripts/published"
_FOLDER: Final = Path(".build") / "published"
_DEPTH: Final = 1_000_000 * 10**18
_DEADLINE: Final = GENESIS_TIMESTAMP + 365 * 86_400
_NATIVE: Final = ZERO_ADDRESS
_WETH: Final = chain.WETH.address
_PAIR: Final = v2_pair_address(chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH, A, B)
_PAYEE: Final = Address("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65")
_ACROSS_TO: Final = 10
_AIRSWAP_FEE_BPS: Final = 5
_QUOTE_BUFFER, _FILL_BUFFER = 3600, 21_600
_BALANCER_FEE = 3 * 10**15
_LAST = 2**256 - 1
_ROUTER_SWAP = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
_AAVE = "@aave/core-v3/artifacts/contracts/protocol"
_RAY = 10**27


@dataclass(frozen=True, slots=True)
class World:
    """Where everything is."""

    executor: Address
    places: Places
    balancer_v2: Address
    weighted_pool: Address
    vault: Address


@dataclass(frozen=True, slots=True)
class Call:
    """What an account sends that has no executor."""

    target: Address
    data: bytes
    value: int = 0


PlanOf = Callable[[World, int], PackedPlan]
"""A plan, of a number that no other plan of its kind has."""
CallOf = Callable[[World, int], Call]
"""The same at the protocol itself, by the trader, whose standing allowance it has."""


def _swap(tokens: tuple[Address, Address], leg: SwapOn) -> PackedPlan:
    return PackedPlan(swap_assets(tokens, AMOUNT_IN, 1), _DEADLINE, (PackedLeg(0, 1, All(), leg),))


def _leaving(leg: SwapOn) -> PackedPlan:
    assets = (Asset(A, Bound.FALL, AMOUNT_IN), Asset(A, Bound.LEAVE, AMOUNT_IN))
    return PackedPlan(assets, _DEADLINE, (PackedLeg(0, 1, All(), leg),))


def _airswap_order(world: World, number: int, taker: Address) -> AirSwapOrder:
    """One for one, signed for this taker and this amount."""
    order = (number, _DEADLINE, MAKER, B, AMOUNT_IN, _AIRSWAP_FEE_BPS, taker, A, AMOUNT_IN)
    kind = (
        "OrderERC20(uint256 nonce,uint256 expiry,address signerWallet,address signerToken,uint256 signerAmount,"
        "uint256 protocolFee,address senderWallet,address senderToken,uint256 senderAmount)"
    )
    types = ["uint256", "uint256", "address", "address", "uint256", "uint256", "address", "address", "uint256"]
    v, r, s = _signed(("SWAP_ERC20", "4.3", world.places.air_swap), kind, types, order)
    return AirSwapOrder(MAKER, AMOUNT_IN, number, _DEADLINE, light=False, v=v, r=r, s=s)


def _airswap_alone(world: World, number: int) -> Call:
    order = _airswap_order(world, number, TRADER)
    swap = "swap(address,uint256,uint256,address,address,uint256,address,uint256,uint8,bytes32,bytes32)"
    terms = (number, _DEADLINE, MAKER, B, AMOUNT_IN, A, AMOUNT_IN)
    return Call(world.places.air_swap, encode_call(swap, TRADER, *terms, order.v, order.r, order.s))


def _zero_ex_order(world: World, number: int, taker: Address) -> ZeroExOrder:
    """One for one, for this taker and this trader as its sender."""
    kind = (
        "RfqOrder(address makerToken,address takerToken,uint128 makerAmount,uint128 takerAmount,address maker,"
        "address taker,address txOrigin,bytes32 pool,uint64 expiry,uint256 salt)"
    )
    v, r, s = _signed(("ZeroEx", "1.0.0", world.places.zero_ex), kind, _RFQ_TYPES, _rfq_values(number, taker))
    return ZeroExOrder(
        maker=MAKER,
        maker_amount=AMOUNT_IN,
        taker_amount=AMOUNT_IN,
        open_to_all=False,
        tx_origin=TRADER,
        pool=bytes(32),
        expiry=_DEADLINE,
        salt=number,
        signature_type=2,
        v=v,
        r=r,
        s=s,
    )


_RFQ_TYPES: Final = (*["address"] * 2, *["uint128"] * 2, *["address"] * 3, "bytes32", "uint64", "uint256")


def _rfq_values(number: int, taker: Address) -> tuple[object, ...]:
    return (B, A, AMOUNT_IN, AMOUNT_IN, MAKER, taker, TRADER, bytes(32), _DEADLINE, number)


def _zero_ex_alone(world: World, number: int) -> Call:
    order = _zero_ex_order(world, number, TRADER)
    fill = f"fillRfqOrder(({','.join(_RFQ_TYPES)}),(uint8,uint8,bytes32,bytes32),uint128)"
    signature = (order.signature_type, order.v, order.r, order.s)
    return Call(world.places.zero_ex, encode_call(fill, _rfq_values(number, TRADER), signature, AMOUNT_IN))


def _signed(
    place: tuple[str, str, Address], kind: str, types: Sequence[str], values: Sequence[object]
) -> tuple[int, bytes, bytes]:
    """The maker's signature by EIP-712; `place` is the domain's name, version and contract."""
    name, version, contract = place
    domain_kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    parts = [keccak(domain_kind.encode()), keccak(name.encode()), keccak(version.encode()), chain.CHAIN_ID, contract]
    domain = keccak(encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], parts))
    struct = keccak(encode(["bytes32", *types], [keccak(kind.encode()), *values]))
    signed = Account.unsafe_sign_hash(keccak(b"\x19\x01" + domain + struct), MAKER_KEY)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


_ASKED: Final = AMOUNT_IN * 99 // 100
_TIMES: Final = (GENESIS_TIMESTAMP, GENESIS_TIMESTAMP + _QUOTE_BUFFER)


def _across(world: World, _: int) -> PackedPlan:
    return _leaving(AcrossDeposit(world.executor, B, _ASKED, _ACROSS_TO, ZERO_ADDRESS, *_TIMES, 0))


def _across_alone(world: World, _: int) -> Call:
    deposit = (
        "depositV3(address,address,address,address,uint256,uint256,uint256,address,uint32,uint32,uint32,bytes)",
        *(TRADER, TRADER, A, B, AMOUNT_IN, _ASKED, _ACROSS_TO, ZERO_ADDRESS, *_TIMES, 0, b""),
    )
    return Call(world.places.spoke_pool, encode_call(*deposit))


def _routed(receiver: Address) -> bytes:
    """Of Uniswap's router, a plain swap."""
    return encode_call(_ROUTER_SWAP, AMOUNT_IN, 1, [A, B], receiver, _DEADLINE)


def _call(world: World, _: int) -> PackedPlan:
    return _swap((A, B), ListedCall(chain.V2_ROUTER, pays=True, data=_routed(world.executor)))


def _flash(lender: Address, kind: LenderKind) -> PackedPlan:
    """What is borrowed is sold, and repaid from what is held, of which a premium may take a thousandth more."""
    loan = FlashLoan(lender, kind, AMOUNT_IN, (_swap((A, B), ConstantProduct(0)),))
    assets = swap_assets((A, B), AMOUNT_IN * 1001 // 1000, 1)
    return PackedPlan(assets, _DEADLINE, (PackedLeg(0, 1, All(), loan),))


def _vault_alone(signature: str) -> CallOf:
    return lambda world, _: Call(world.vault, encode_call(signature, *_of_trader(signature)))


def _of_trader(signature: str) -> tuple[object, ...]:
    return (AMOUNT_IN, *[TRADER] * signature.count("address"))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of leg, or one way of it."""

    name: str
    what: str
    plan: PlanOf
    alone: CallOf | None = None
    """Where an account can do as much by one call."""

    @property
    def measure(self) -> Measure:
        """Its key; the peer is the account that has no executor."""
        return Measure(key=f"gas.leg.{self.name}", unit="gas", what=self.what, peer=ALONE if self.alone else "")


ALONE: Final = "alone"
KINDS: Final = (
    Kind(
        "wrap",
        "native coin into WETH",
        lambda _, __: _swap((_NATIVE, _WETH), Wrap()),
        lambda _, __: Call(_WETH, encode_call("deposit()"), AMOUNT_IN),
    ),
    Kind(
        "unwrap",
        "WETH into native coin",
        lambda _, __: _swap((_WETH, _NATIVE), Wrap()),
        lambda _, __: Call(_WETH, encode_call("withdraw(uint256)", AMOUNT_IN)),
    ),
    Kind(
        "vault_deposit",
        "a deposit in OpenZeppelin's vault of ERC-4626",
        lambda world, _: _swap((A, world.vault), Vault(world.vault)),
        _vault_alone("deposit(uint256,address)"),
    ),
    Kind(
        "vault_redeem",
        "its redemption",
        lambda world, _: _swap((world.vault, A), Vault(world.vault)),
        _vault_alone("redeem(uint256,address,address)"),
    ),
    Kind(
        "balancer_v3",
        "a swap in a weighted pool of Balancer v3",
        lambda world, _: _swap((A, B), BalancerV3(world.weighted_pool)),
    ),
    Kind(
        "airswap",
        "a maker's order at AirSwap",
        lambda world, number: _swap((A, B), _airswap_order(world, number, world.executor)),
        _airswap_alone,
    ),
    Kind(
        "zeroex_rfq",
        "a maker's order at 0x v4",
        lambda world, number: _swap((A, B), _zero_ex_order(world, number, world.executor)),
        _zero_ex_alone,
    ),
    Kind(
        "payout",
        "a transfer to a listed address",
        lambda _, __: _leaving(Payout(_PAYEE)),
        lambda _, __: Call(A, encode_call("transfer(address,uint256)", _PAYEE, AMOUNT_IN)),
    ),
    Kind("across", "a deposit at Across", _across, _across_alone),
    Kind(
        "call",
        "a listed call: one v2 hop by Uniswap's router",
        _call,
        lambda _, __: Call(chain.V2_ROUTER, _routed(TRADER)),
    ),
    Kind(
        "flash_balancer_v2",
        "a loan of Balancer v2 around a plan of one v2 hop",
        lambda world, _: _flash(world.balancer_v2, LenderKind.BALANCER_V2),
    ),
    Kind(
        "flash_aave",
        "the same, a loan of Aave v3",
        lambda world, _: _flash(world.places.aave_pool, LenderKind.AAVE),
    ),
    Kind(
        "flash_balancer_v3",
        "the same, a loan of Balancer v3",
        lambda world, _: _flash(world.places.balancer_v3_vault, LenderKind.BALANCER_V3),
    ),
)
"""Kinds 10 to 18, in order."""
MEASURES: Final = tuple(kind.measure for kind in KINDS)


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path) -> None:
    """Build the chain and run each plan twice. Raises `VenueError` when one fails."""
    if not (project / _FOLDER / "made").is_file():
        findings.notes.append(f"0x, Across and Balancer v3 are not made ({REMEDY}), so legs' gas is not measured")
        return
    with Anvil.start(CHAIN_OF_CALLS, project=project) as anvil:
        world = Ground(anvil.rpc, Artifacts(project)).build()
        for each, kind in zip(MEASURES, KINDS, strict=True):
            if each not in wanted:
                continue
            ours = _second(anvil, [Call(world.executor, encode_plan(kind.plan(world, number))) for number in (1, 2)])
            if kind.alone is None:
                findings.readings.append(Reading(each, ours))
                continue
            theirs = _second(anvil, [kind.alone(world, number) for number in (1, 2)])
            findings.readings.append(Reading(each, ours, theirs, ours / theirs))


def _second(anvil: Anvil, calls: Sequence[Call]) -> int:
    """The receipt's gas of the second of two equal calls; the chain is as before afterwards."""
    snapshot = anvil.snapshot()
    used = [gas_of_call(anvil.rpc, each.target, each.data, what="a plan", value=each.value) for each in calls]
    anvil.revert(snapshot)
    return used[1]


@dataclass(frozen=True, slots=True)
class Ground:
    """A fresh Anvil, which must impersonate freely and not mine by itself."""

    rpc: RpcClient
    artifacts: Artifacts

    def build(self) -> World:
        """Protocols, tokens, what they hold, the executor and what it is told."""
        self.rpc.call("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        for account in (chain.BUILDER, TRADER, MAKER, _PAYEE):
            self.rpc.call("anvil_setBalance", account, hex(10**27))
        deploy_at(self.rpc, chain.BUILDER, self._at_known_places())
        self.rpc.call("anvil_autoImpersonateAccount", True)  # noqa: FBT003 (deploying ends the impersonation)
        transactions = Transactions.of(self.rpc, chain.BUILDER)
        zero_ex = self._zero_ex(transactions)
        spoke = self._across(transactions)
        balancer_v3, pool = self._balancer_v3(transactions)
        balancer_v2 = self._balancer_v2(transactions)
        aave = self._aave(transactions)
        airswap = self._airswap(transactions)
        vault = self._make(transactions, "OpenVault", A)
        self._pair(transactions)
        transactions.mine()
        places = Places(balancer_v3, aave, spoke, zero_ex=zero_ex, air_swap=airswap)
        venues = replace(VENUES, balancer=(BalancerVenue("balancer_v2", balancer_v2),), places=places)
        contracts = our_contracts(self.artifacts, venues, TRADER)
        deploy_on_fork(self.rpc, contracts, venues)
        self.rpc.call("anvil_autoImpersonateAccount", True)  # noqa: FBT003 (deploying ends the impersonation)
        world = World(contracts.executor, places, balancer_v2, pool, vault)
        self._fund(world)
        self._tell(world)
        return world

    def _published(self, name: str, *values: object) -> bytes:
        return self.artifacts.published(PUBLISHED[name]).with_arguments(*values)

    def _make(self, transactions: Transactions, name: str, *values: object) -> Address:
        """One of those that `scripts/published` has made, in a block of its own, as most are large."""
        path = self.artifacts.project / _FOLDER / f"{name}.json"
        made = transactions.create(name, Artifact.read(path, remedy=REMEDY).with_arguments(*values))
        transactions.mine()
        return made

    def _at_known_places(self) -> list[Placement]:
        token = self.artifacts.ours("DevToken")
        protocols = (
            ("WETH9", _WETH, ()),
            ("UniswapV2Factory", chain.V2_FACTORY, (chain.BUILDER,)),
            ("UniswapV2Router02", chain.V2_ROUTER, (chain.V2_FACTORY, _WETH)),
            ("Multicall3", MULTICALL3, ()),
        )
        tokens = [Placement(s, a, token.with_arguments(s, s, 18)) for s, a in (("A", A), ("B", B))]
        return tokens + [Placement(name, place, self._published(name, *args)) for name, place, args in protocols]

    def _zero_ex(self, transactions: Transactions) -> Address:
        """The proxy with its registry, and RFQ orders as its one feature."""
        migration = self._make(transactions, "InitialMigration", chain.BUILDER)
        proxy = self._make(transactions, "ZeroEx", migration)
        features = (
            self._make(transactions, "SimpleFunctionRegistryFeature"),
            self._make(transactions, "OwnableFeature"),
        )
        start = encode_call("initializeZeroEx(address,address,(address,address))", chain.BUILDER, proxy, features)
        transactions.add("start 0x", migration, start)
        collectors = self._make(transactions, "FeeCollectorController", _WETH, ZERO_ADDRESS)
        values = (proxy, _WETH, ZERO_ADDRESS, collectors, 70_000)
        orders = self._make(transactions, "NativeOrdersFeature", *values)
        step = encode_call("migrate(address,bytes,address)", orders, encode_call("migrate()"), chain.BUILDER)
        transactions.add("add RFQ orders", proxy, step)
        return proxy

    def _across(self, transactions: Transactions) -> Address:
        code = self._make(transactions, "Ethereum_SpokePool", _WETH, _QUOTE_BUFFER, _FILL_BUFFER)
        start = encode_call("initialize(uint32,address)", 0, chain.BUILDER)
        spoke = self._make(transactions, "ERC1967Proxy", code, start)
        route = encode_call("setEnableRoute(address,uint256,bool)", A, _ACROSS_TO, True)  # noqa: FBT003 (a value)
        transactions.add("open a route", spoke, route)
        return spoke

    def _balancer_v3(self, transactions: Transactions) -> tuple[Address, Address]:
        """The vault, whose parts know its address beforehand, and a weighted pool of both tokens."""
        vault = creation_address(transactions.sender, transactions.nonce + 3)
        admin = self._make(transactions, "VaultAdmin", vault, 4 * 365 * 86_400, 180 * 86_400, 10**6, 10**4)
        extension = self._make(transactions, "VaultExtension", vault, admin)
        fees = self._make(transactions, "ProtocolFeeController", vault, 5 * 10**17, 10**17)
        self._make(transactions, "Vault", extension, chain.BUILDER, fees)
        half, least = [5 * 10**17] * 2, [10**6] * 2
        pool = self._make(transactions, "WeightedPool", ("A and B", "AB", 2, half, "1", least), vault)
        self._fill_pool(transactions, vault, pool)
        return vault, pool

    def _fill_pool(self, transactions: Transactions, vault: Address, pool: Address) -> None:
        """By Multicall3, which calls itself while the vault is unlocked for it."""
        tokens = sorted((A, B), key=str.lower)
        register = (
            "registerPool(address,(address,uint8,address,bool)[],uint256,uint32,bool,(address,address,address),address,"
            "(bool,bool,bool,bool))"
        )
        configs = [(token, 0, ZERO_ADDRESS, False) for token in tokens]
        roles, liquidity = (ZERO_ADDRESS,) * 3, (False,) * 4
        values = (pool, configs, _BALANCER_FEE, _DEADLINE, False, roles, ZERO_ADDRESS, liquidity)
        transactions.add("register", vault, encode_call(register, *values))
        calls = []
        for token in tokens:
            transactions.add("mint", token, encode_call("mint(address,uint256)", vault, _DEPTH))
            calls.append((vault, encode_call("settle(address,uint256)", token, _DEPTH)))
        initialize = "initialize(address,address,address[],uint256[],uint256,bytes)"
        terms = (pool, chain.BUILDER, tokens, [_DEPTH, _DEPTH], 0, b"")
        calls.append((vault, encode_call(initialize, *terms)))
        unlock = encode_call("unlock(bytes)", encode_call("aggregate((address,bytes)[])", calls))
        aggregate = encode_call("aggregate((address,bytes)[])", [(vault, unlock)])
        transactions.add("initialize", MULTICALL3, aggregate)

    def _balancer_v2(self, transactions: Transactions) -> Address:
        authorizer = transactions.create("Authorizer", self._published("Authorizer", chain.BUILDER))
        code = self._published("Vault", authorizer, _WETH, 90 * 86_400, 30 * 86_400)
        vault = transactions.create("Vault", code)
        transactions.add("mint", A, encode_call("mint(address,uint256)", vault, _DEPTH))
        return vault

    def _aave(self, transactions: Transactions) -> Address:
        """The pool with one reserve. Whatever it asks its registry of addresses, the answer is the builder."""
        registry = Address("0x" + keccak(b"aave's registry")[12:].hex())
        self.rpc.call("anvil_setCode", registry, f"0x73{chain.BUILDER[2:]}5f5260205ff3")
        libraries = {
            name: self._aave_part(transactions, f"libraries/logic/{name}", {})
            for name in ("FlashLoanLogic", "PoolLogic", "SupplyLogic")
        }
        pool = self._aave_part(transactions, "pool/Pool", libraries, registry)
        tokens = [
            self._aave_part(transactions, f"tokenization/{name}", {}, pool)
            for name in ("AToken", "StableDebtToken", "VariableDebtToken")
        ]
        rates = (registry, 8 * _RAY // 10, 0, _RAY // 25, _RAY, _RAY // 50, _RAY, _RAY // 50, _RAY // 50, _RAY // 5)
        strategy = self._aave_part(transactions, "pool/DefaultReserveInterestRateStrategy", {}, *rates)
        initialize = "initialize(address,address,address,address,uint8,string,string,bytes)"
        named = (pool, chain.BUILDER, A, ZERO_ADDRESS, 18, "Aave", "aA", b"")
        # 18 decimals, active, flash loans allowed.
        settings = ((18 << 48) | (1 << 56) | (1 << 63),)
        for what, target, data in (
            ("start Aave", pool, encode_call("initialize(address)", registry)),
            ("premium", pool, encode_call("updateFlashloanPremiums(uint128,uint128)", 9, 0)),
            ("start aA", tokens[0], encode_call(initialize, *named)),
            ("reserve", pool, encode_call(f"initReserve({','.join(['address'] * 5)})", A, *tokens, strategy)),
            ("settings", pool, encode_call("setConfiguration(address,(uint256))", A, settings)),
            ("mint", A, encode_call("mint(address,uint256)", chain.BUILDER, _DEPTH)),
            ("approve", A, encode_call("approve(address,uint256)", pool, _DEPTH)),
            ("supply", pool, encode_call("supply(address,uint256,address,uint16)", A, _DEPTH, chain.BUILDER, 0)),
        ):
            transactions.add(what, target, data)
        transactions.mine()
        return pool

    def _aave_part(
        self, transactions: Transactions, path: str, libraries: Mapping[str, Address], *values: object
    ) -> Address:
        """Linked: a library's address stands as 34 digits of the hash of its name; those not needed become none."""
        name = path.rpartition("/")[2]
        found = json.loads(self.artifacts.published_path(f"{_AAVE}/{path}.sol/{name}.json").read_text())
        code = found["bytecode"]
        for library, place in libraries.items():
            marked = keccak(f"contracts/protocol/libraries/logic/{library}.sol:{library}".encode()).hex()[:34]
            code = code.replace(f"__${marked}$__", place[2:])
        code = bytes.fromhex(re.sub(r"__\$[0-9a-f]{34}\$__", "0" * 40, code)[2:])
        made = transactions.create(name, Artifact(name, tuple(found["abi"]), code, b"").with_arguments(*values))
        transactions.mine()
        return made

    def _airswap(self, transactions: Transactions) -> Address:
        artifact = self.artifacts.published("@airswap/swap-erc20/build/contracts/SwapERC20.sol/SwapERC20.json")
        return transactions.create("SwapERC20", artifact.with_arguments(_AIRSWAP_FEE_BPS, 7, chain.BUILDER, 10, 100))

    def _pair(self, transactions: Transactions) -> None:
        transactions.add("pair", chain.V2_FACTORY, encode_call("createPair(address,address)", A, B))
        for token in (A, B):
            transactions.add("mint", token, encode_call("mint(address,uint256)", _PAIR, _DEPTH))
        transactions.add("liquidity", _PAIR, encode_call("mint(address)", chain.BUILDER))

    def _fund(self, world: World) -> None:
        """The executor holds some of everything, as does whoever else is paid."""
        builder = Transactions.of(self.rpc, chain.BUILDER)
        for account in (world.executor, TRADER, MAKER, chain.BUILDER):
            for token in (A, B):
                builder.add("mint", token, encode_call("mint(address,uint256)", account, 10 * AMOUNT_IN))
        builder.add("approve", A, encode_call("approve(address,uint256)", world.vault, _LAST))
        for account in (world.executor, TRADER):
            builder.add("wrap", _WETH, encode_call("deposit()"), value=5 * AMOUNT_IN)
            builder.add("pay", _WETH, encode_call("transfer(address,uint256)", account, 5 * AMOUNT_IN))
            builder.add("deposit", world.vault, encode_call("deposit(uint256,address)", 5 * AMOUNT_IN, account))
        builder.mine()
        self.rpc.call("anvil_setBalance", world.executor, hex(10 * AMOUNT_IN))
        maker = Transactions.of(self.rpc, MAKER)
        for place in (world.places.zero_ex, world.places.air_swap):
            maker.add("approve", B, encode_call("approve(address,uint256)", place, _LAST))
        maker.mine()

    def _tell(self, world: World) -> None:
        """What the owner lists, a payee and one function of the router; and what the trader allows protocols itself."""
        trader, routed = Transactions.of(self.rpc, TRADER), keccak(_ROUTER_SWAP.encode())[:4]
        for kind, target, selector in ((LegKind.PAYOUT, _PAYEE, bytes(4)), (LegKind.CALL, chain.V2_ROUTER, routed)):
            listed = encode_call("setListed(uint8,address,bytes4,bool)", int(kind), target, selector, True)  # noqa: FBT003
            trader.add("list", world.executor, listed)
        places = world.places
        for place in (places.zero_ex, places.air_swap, places.spoke_pool, world.vault, chain.V2_ROUTER):
            trader.add("approve", A, encode_call("approve(address,uint256)", place, _LAST))
        trader.mine()
