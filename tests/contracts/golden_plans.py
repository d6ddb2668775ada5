"""The plans behind `golden/from_python.json`: every kind and every amount, at the edges of their ranges."""

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from oms.execution.further_legs import (
    AcrossDeposit,
    AirSwapOrder,
    BalancerV3,
    FurtherLeg,
    ListedCall,
    Payout,
    Vault,
    Wrap,
    ZeroExOrder,
)
from oms.execution.plan_codec import (
    MAX_ASSETS,
    MAX_LEG_AMOUNT,
    MAX_TOKENS,
    SHARE_ONE,
    UINT40_MAX,
    All,
    Amount,
    Asset,
    Balancer,
    Bound,
    Concentrated,
    ConcentratedExactOut,
    ConstantProduct,
    Curve,
    Exact,
    FlashLoan,
    Hop,
    LenderKind,
    MakerQuote,
    PackedLeg,
    PackedPlan,
    Permit,
    Share,
    Solidly,
    SwapOn,
    UniswapV4,
    encode_plan,
    swap_assets,
)
from oms.units import UINT128_MAX, UINT256_MAX, ZERO_ADDRESS, Address

WETH = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
USDC = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
USDT = Address("0xdAC17F958D2ee523a2206206994597C13D831ec7")
DAI = Address("0x6B175474E89094C44Da98b954EedeAC495271d0F")
POOL = Address("0xD51a44d3FaE010294C616388b506AcdA1bfAAE46")
MAKER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")

DEADLINE = 1_773_164_352

FIELDS_TYPE = (
    "(uint256,uint256,(uint256,address,uint256)[],address[],"
    "(uint256,bool,uint256,uint256,uint256,uint256,uint256[],bytes)[],uint256,bytes)"
)
"""`ReadPlan` in `support/PlanReader.sol`."""


def _one(swap: SwapOn, amount: Amount | None = None) -> PackedPlan:
    leg = PackedLeg(0, 1, amount or Exact(25 * 10**18), swap)
    return PackedPlan(swap_assets((WETH, USDC), 25 * 10**18, 1), DEADLINE, (leg,))


QUOTE = MakerQuote(MAKER, 50_000 * 10**6, 25 * 10**18, DEADLINE, 7, True, bytes(range(65)))

DEPOSIT = AcrossDeposit(MAKER, USDT, 49_000 * 10**6, 10, ZERO_ADDRESS, DEADLINE - 60, DEADLINE + 3_600, 30)
WORD = bytes(range(32))


def _leaving(token: Address, swap: SwapOn) -> PackedPlan:
    """Sends away what asset 0 is."""
    assets = (Asset(token, Bound.FALL, 10**18), Asset(token, Bound.LEAVE, 10**18))
    return PackedPlan(assets, DEADLINE, (PackedLeg(0, 1, All(), swap),))


PLANS: dict[str, PackedPlan] = {
    "constant product": _one(ConstantProduct(0)),
    "constant product of the last fork": _one(ConstantProduct(255), All()),
    "concentrated": _one(Concentrated(0, 500)),
    "concentrated of the last fork and fee": _one(Concentrated(255, 2**24 - 1), All()),
    "v4": _one(UniswapV4(3_000, 60, native=False)),
    "v4 native": _one(UniswapV4(0, 1, native=True), Share(1)),
    "v4 with the least tick spacing": _one(UniswapV4(2**24 - 1, -(2**23), native=False)),
    "v4 with the greatest tick spacing": _one(UniswapV4(1, 2**23 - 1, native=True)),
    "curve stable": _one(Curve(POOL, 0, 2, crypto=False)),
    "curve crypto": _one(Curve(POOL, 255, 0, crypto=True), Share(SHARE_ONE - 1)),
    "balancer": _one(Balancer(bytes(range(32)))),
    "solidly volatile": _one(Solidly(1, stable=False)),
    "solidly stable": _one(Solidly(255, stable=True)),
    "maker quote": _one(QUOTE),
    "maker quote at its limits, signed by a contract": _one(
        MakerQuote(MAKER, UINT128_MAX, UINT128_MAX, UINT40_MAX, UINT256_MAX, False, bytes([0xAB]) * 300), All()
    ),
    "maker quote without a signature": _one(MakerQuote(MAKER, 0, 1, 0, 0, False, b"")),
    "exact output through one pool": _one(ConcentratedExactOut((Hop(0, 500),), ()), Exact(7)),
    "exact output through three pools": PackedPlan(
        swap_assets((WETH, USDC), 10**18, 5),
        DEADLINE,
        (PackedLeg(0, 1, Exact(6), ConcentratedExactOut((Hop(255, 2**24 - 1), Hop(0, 100), Hop(1, 0)), (3, 2))),),
        handed=(USDT, DAI),
    ),
    "every limit": PackedPlan(
        swap_assets(
            tuple(Address(to_checksum_address(f"0x{index:040x}")) for index in range(2**160 - MAX_ASSETS, 2**160)),
            UINT128_MAX,
            UINT128_MAX,
        ),
        UINT40_MAX,
        (
            PackedLeg(0, MAX_TOKENS - 1, Exact(MAX_LEG_AMOUNT), ConstantProduct(0), hands_on=True),
            PackedLeg(MAX_TOKENS - 1, MAX_ASSETS - 1, All(), Solidly(255, stable=True)),
        ),
        handed=(WETH,),
        pull=True,
        deliver=True,
    ),
    "split over two paths and a maker": PackedPlan(
        swap_assets((WETH, USDC, USDT, DAI), 25 * 10**18, 49_000 * 10**6),
        DEADLINE,
        (
            PackedLeg(0, 2, Share(2**31), ConstantProduct(0)),
            PackedLeg(2, 1, All(), Curve(POOL, 2, 1, crypto=False)),
            PackedLeg(0, 3, Share(2**30), Concentrated(0, 3_000)),
            PackedLeg(3, 1, All(), Balancer(bytes([0xFF]) * 32)),
            PackedLeg(0, 1, Exact(10**18), QUOTE),
            PackedLeg(0, 1, All(), UniswapV4(500, 10, native=True)),
        ),
        pull=True,
    ),
    "bounds of every kind": PackedPlan(
        (
            Asset(ZERO_ADDRESS, Bound.FALL, 1),
            Asset(WETH, Bound.RISE, 1),
            Asset(USDC, Bound.UNCHANGED, 3),
            Asset(USDT, Bound.FALL, UINT128_MAX),
            Asset(DAI, Bound.RISE, 2),
        ),
        DEADLINE,
        (PackedLeg(3, 4, All(), Concentrated(0, 100)), PackedLeg(0, 1, All(), ConstantProduct(0))),
    ),
    "wrap": PackedPlan(swap_assets((ZERO_ADDRESS, WETH), 1, 1), DEADLINE, (PackedLeg(0, 1, All(), Wrap()),)),
    "vault": _one(Vault(USDC)),
    "balancer v3": _one(BalancerV3(POOL), Share(2**30)),
    "airswap": _one(AirSwapOrder(MAKER, 50_000 * 10**6, 7, DEADLINE, False, 27, WORD, WORD[::-1])),
    "airswap at its limits": _one(
        AirSwapOrder(MAKER, UINT128_MAX, UINT256_MAX, UINT40_MAX, True, 255, b"\xff" * 32, bytes(32)), All()
    ),
    "0x order": _one(
        ZeroExOrder(MAKER, 50_000 * 10**6, 25 * 10**18, False, MAKER, bytes(32), DEADLINE, 9, 2, 28, WORD, WORD[::-1])
    ),
    "0x order at its limits": _one(
        ZeroExOrder(
            MAKER, UINT128_MAX, UINT128_MAX, True, MAKER, WORD, 2**64 - 1, UINT256_MAX, 255, 255, WORD, b"\xff" * 32
        )
    ),
    "payout": _leaving(USDC, Payout(MAKER)),
    "payout of the native coin": _leaving(ZERO_ADDRESS, Payout(MAKER)),
    "payout of what was bought": PackedPlan(
        (Asset(WETH, Bound.FALL, 10**18), Asset(USDC, Bound.LEAVE, 1)),
        DEADLINE,
        (PackedLeg(0, 1, All(), Concentrated(0, 500)), PackedLeg(1, 0, All(), Payout(MAKER))),
    ),
    "across": _leaving(USDC, DEPOSIT),
    "across at its limits": _leaving(
        USDC,
        AcrossDeposit(MAKER, USDT, UINT128_MAX, 2**64 - 1, MAKER, 2**32 - 1, 2**32 - 1, 2**32 - 1),
    ),
    "call": _one(ListedCall(POOL, pays=True, data=b"\x01\x02\x03\x04" + WORD)),
    "call of a selector alone": _one(ListedCall(POOL, pays=False, data=b"\xff" * 4)),
    "flash loan": _one(FlashLoan(POOL, LenderKind.BALANCER_V3, UINT128_MAX, (_one(QUOTE), _one(ConstantProduct(0))))),
    "flash loan within one": _one(
        FlashLoan(POOL, LenderKind.AAVE, 1, (_one(FlashLoan(POOL, LenderKind.BALANCER_V2, 0, (_one(Wrap()),))),))
    ),
    "delivered": PackedPlan(
        swap_assets((USDC, WETH), 1, 1), 0, (PackedLeg(0, 1, Exact(1), Concentrated(0, 100)),), deliver=True
    ),
    "pulled by permit": PackedPlan(
        swap_assets((USDC, WETH), 1, 1),
        DEADLINE,
        (PackedLeg(0, 1, All(), Concentrated(0, 100)),),
        pull=True,
        permit=Permit(2**64 - 1, bytes(range(65)), straight=False),
    ),
    "straight by permit": PackedPlan(
        swap_assets((USDC, WETH), 1, 1),
        DEADLINE,
        (PackedLeg(0, 1, All(), Concentrated(0, 100)),),
        permit=Permit(0, bytes([0xCD]) * 200, straight=True),
    ),
}


def fields_of(plan: PackedPlan) -> bytes:
    """The plan's fields as `PlanReader` returns them, written without the codec under test."""
    legs = [_leg(leg) for leg in plan.legs]
    flags = int(plan.pull) + 2 * int(plan.deliver) + 4 * int(plan.permit is not None)
    assets = [(int(asset.bound), asset.token, asset.amount) for asset in plan.assets]
    nonce, signature = (plan.permit.nonce, plan.permit.signature) if plan.permit is not None else (0, b"")
    return encode([FIELDS_TYPE], [(flags, plan.deadline, assets, list(plan.handed), legs, nonce, signature)])


def _leg(leg: PackedLeg) -> tuple[int, bool, int, int, int, int, list[int], bytes]:
    kind, words, tail = _particulars(leg.swap)
    mode, value = _amount(leg.amount)
    return kind, leg.hands_on, leg.index_in, leg.index_out, mode, value, words, tail


def _amount(amount: Amount) -> tuple[int, int]:
    match amount:
        case Exact(value):
            return 0, value
        case Share(parts):
            return 1, parts
        case All():
            return 2, 0


def _particulars(swap: SwapOn) -> tuple[int, list[int], bytes]:
    match swap:
        case ConstantProduct(venue):
            return 1, [venue], b""
        case Concentrated(venue, fee):
            return 2, [venue, fee], b""
        case UniswapV4(fee, spacing, native):
            return 3, [fee, spacing % 2**256, int(native)], b""
        case Curve(pool, i, j, crypto):
            return 5 if crypto else 4, [int(pool, 16), i, j], b""
        case Balancer(pool_id):
            return 6, [int.from_bytes(pool_id)], b""
        case Solidly(venue, stable):
            return 7, [venue, int(stable)], b""
        case MakerQuote(maker, gives, wants, expiry, nonce, partial, signature):
            return 8, [int(maker, 16), gives, wants, expiry, nonce, int(partial)], signature
        case FlashLoan(lender, kind, amount, plans):
            packed = [encode_plan(plan) for plan in plans]
            within = b"".join(len(plan).to_bytes(3) + plan for plan in packed)
            return 18, [int(lender, 16), int(kind), amount, len(plans)], within
        case ConcentratedExactOut(hops, between):
            return 9, [number for hop in hops for number in (hop.venue_id, hop.fee_pips)], bytes(between)
        case _:
            return _further(swap)


def _further(swap: FurtherLeg) -> tuple[int, list[int], bytes]:
    match swap:
        case Wrap():
            return 10, [], b""
        case Vault(vault):
            return 11, [int(vault, 16)], b""
        case BalancerV3(pool):
            return 12, [int(pool, 16)], b""
        case AirSwapOrder(signer, amount, nonce, expiry, light, v, r, s):
            return 13, [int(signer, 16), amount, nonce, expiry, int(light), v, _number(r), _number(s)], b""
        case ZeroExOrder(maker, gives, wants, open_to_all, origin, pool, expiry, salt, kind, v, r, s):
            terms = [int(maker, 16), gives, wants, int(open_to_all), int(origin, 16), _number(pool), expiry, salt]
            return 14, [*terms, kind, v, _number(r), _number(s)], b""
        case Payout(receiver):
            return 15, [int(receiver, 16)], b""
        case AcrossDeposit(recipient, token, amount, chain, relayer, quoted, until, exclusive):
            asked = [int(recipient, 16), int(token, 16), amount, chain]
            return 16, [*asked, int(relayer, 16), quoted, until, exclusive], b""
        case ListedCall(target, pays, data):
            return 17, [int(target, 16), int(pays)], data


def _number(word: bytes) -> int:
    return int.from_bytes(word)
