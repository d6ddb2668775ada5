"""From a route plan to the one call that settles its on-chain legs.

Owns: the mapping of legs to packed legs, and the plan's token table.
Must not: choose amounts; they are the plan's.
"""

from collections.abc import Mapping

from oms.domain.handing import Sale, handing_on, token_tables
from oms.domain.plans import ChainLeg, MakerLeg, PoolLeg, RoutePlan, Spend, SpendKind
from oms.domain.transactions import AllowanceRequest, TransactionRequest
from oms.domain.venue import Family, PoolKey
from oms.errors import InvalidRequest, StateConflict
from oms.execution.approvals import exact_approval
from oms.execution.plan_codec import (
    All,
    Balancer,
    Concentrated,
    ConstantProduct,
    Curve,
    Exact,
    MakerQuote,
    PackedLeg,
    PackedPlan,
    Share,
    Solidly,
    SwapOn,
    UniswapV4,
    encode_plan,
    swap_assets,
)
from oms.units import Address

VenueIds = Mapping[tuple[Family, str], int]
"""The executor's number for each factory, by family and venue name."""


def settlement_transaction(
    plan: RoutePlan, *, owner: Address, executor: Address, venue_ids: VenueIds, pulls_from_owner: bool
) -> TransactionRequest:
    """The owner's call of the executor. Raises `StateConflict` for a leg that this executor cannot settle."""
    packed = packed_plan(plan, executor=executor, venue_ids=venue_ids, pulls_from_owner=pulls_from_owner)
    return TransactionRequest(plan.block.chain_id, owner, executor, encode_plan(packed), purpose="settlement")


def packed_bytes(plan: RoutePlan, *, executor: Address, venue_ids: VenueIds) -> bytes:
    """The plan as one of a batch, on what the executor itself holds. Raises `InvalidRequest` where it has other legs.

    No funds are pulled: an approval for a plan that does not run would stand.
    """
    if not plan.chain_legs or len(plan.chain_legs) != len(plan.legs):
        raise InvalidRequest("plan", f"{plan.plan_id} has legs that no chain settles; plan it with --venues of pools")
    return encode_plan(packed_plan(plan, executor=executor, venue_ids=venue_ids, pulls_from_owner=False))


def allowance_request(plan: RoutePlan, *, owner: Address, executor: Address, amount: int) -> AllowanceRequest:
    """The owner's approval of the executor for `amount` of the plan's input.

    Raises `StateConflict` for more than the plan pulls: what is left would stand.
    """
    token = plan.intent.token_in
    data = exact_approval(executor, amount, needed=plan.chain_amount_in)
    transaction = TransactionRequest(plan.block.chain_id, owner, token.address, data, purpose="exact approval")
    return AllowanceRequest(plan.plan_id, transaction, token, executor, amount)


def packed_plan(plan: RoutePlan, *, executor: Address, venue_ids: VenueIds, pulls_from_owner: bool) -> PackedPlan:
    """The plan's on-chain legs as the executor reads them; funds and proceeds are the owner's where they are pulled."""
    sales = tuple(map(_sale, plan.chain_legs))
    handing = handing_on(sales)
    ends = plan.intent.token_in.address, plan.intent.token_out.address
    assets, handed = token_tables(sales, handing, ends)
    index = {token: position for position, token in enumerate((*assets, *handed))}
    legs = tuple(
        PackedLeg(
            index[leg.token_in.address],
            index[leg.token_out.address],
            _amount(leg.spend, leg.amount_in),
            _swap(leg, executor, venue_ids),
            hands_on,
        )
        for leg, hands_on in zip(plan.chain_legs, handing, strict=True)
    )
    return PackedPlan(
        assets=swap_assets(assets, plan.chain_amount_in, plan.chain_amount_out_min),
        handed=handed,
        deadline=plan.deadline,
        legs=legs,
        pull=pulls_from_owner,
        deliver=pulls_from_owner,
    )


def _sale(leg: ChainLeg) -> Sale:
    family = leg.key.family if isinstance(leg, PoolLeg) else None
    return Sale(leg.token_in.address, leg.token_out.address, leg.spend.kind, family)


def _amount(spend: Spend, exact: int) -> Exact | Share | All:
    match spend.kind:
        case SpendKind.EXACT:
            return Exact(exact)
        case SpendKind.SHARE:
            return Share(spend.share)
        case SpendKind.REST:
            return All()


def _swap(leg: ChainLeg, executor: Address, venue_ids: VenueIds) -> SwapOn:
    return _maker_quote(leg, executor) if isinstance(leg, MakerLeg) else _pool_swap(leg, venue_ids)


def _maker_quote(leg: MakerLeg, executor: Address) -> MakerQuote:
    quote = leg.quote
    if quote.taker != executor:
        raise StateConflict(leg.venue, f"signed for {quote.taker}, not for this executor; ask for a quote again")
    return MakerQuote(
        maker=quote.maker,
        maker_amount=quote.maker_amount,
        taker_amount=quote.taker_amount,
        expiry=quote.expiry,
        nonce=quote.nonce,
        partial_fill_allowed=quote.partial_fill_allowed,
        signature=quote.signature,
    )


def _pool_swap(leg: PoolLeg, venue_ids: VenueIds) -> SwapOn:
    key = leg.key
    match key.family:
        case Family.UNISWAP_V2:
            return ConstantProduct(_venue_id(key, venue_ids))
        case Family.UNISWAP_V3:
            return Concentrated(_venue_id(key, venue_ids), key.fee_pips)
        case Family.UNISWAP_V4:
            return UniswapV4(key.fee_pips, key.tick_spacing, key.native)
        case Family.CURVE_STABLESWAP | Family.CURVE_CRYPTOSWAP:
            i, j = key.tokens.index(leg.token_in.address), key.tokens.index(leg.token_out.address)
            return Curve(key.settles_at, i, j, key.family is Family.CURVE_CRYPTOSWAP)
        case Family.BALANCER_WEIGHTED | Family.BALANCER_STABLE:
            return Balancer(bytes.fromhex(key.pool_id[2:]))
        case Family.SOLIDLY:
            return Solidly(_venue_id(key, venue_ids), key.stable)


def _venue_id(key: PoolKey, venue_ids: VenueIds) -> int:
    number = venue_ids.get((key.family, key.venue))
    if number is None:
        raise StateConflict(key.label, "is not in the executor's list of venues; add it with setVenue")
    return number
