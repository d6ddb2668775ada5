"""The packed plan's codec: one plan, one encoding."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from oms.errors import InvalidRequest
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
    MAX_LEG_AMOUNT,
    MAX_LOAN_DEPTH,
    SHARE_ONE,
    UINT40_MAX,
    All,
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
    MalformedPlan,
    PackedLeg,
    PackedPlan,
    Permit,
    Share,
    Solidly,
    UniswapV4,
    decode_plan,
    encode_plan,
    swap_assets,
)
from oms.units import UINT128_MAX, UINT256_MAX, ZERO_ADDRESS, Address

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: Address(to_checksum_address(raw)))
bytes1 = st.integers(0, 255)
uint24 = st.integers(0, 2**24 - 1)
uint32 = st.integers(0, 2**32 - 1)
uint40 = st.integers(0, UINT40_MAX)
uint64 = st.integers(0, 2**64 - 1)
uint128 = st.integers(1, UINT128_MAX)
uint256 = st.integers(0, UINT256_MAX)
words = st.binary(min_size=32, max_size=32)
exact_amounts = st.builds(Exact, st.integers(1, MAX_LEG_AMOUNT))
amounts = st.one_of(exact_amounts, st.builds(Share, st.integers(1, SHARE_ONE - 1)), st.builds(All))
on_paths = st.one_of(
    st.builds(ConstantProduct, bytes1),
    st.builds(Concentrated, bytes1, uint24),
    st.builds(Solidly, st.integers(1, 255), st.booleans()),
)
swaps = st.one_of(
    st.builds(ConstantProduct, bytes1),
    st.builds(Concentrated, bytes1, uint24),
    st.builds(UniswapV4, uint24, st.integers(-(2**23), 2**23 - 1), st.booleans()),
    st.builds(Curve, addresses, bytes1, bytes1, st.booleans()),
    st.builds(Balancer, st.binary(min_size=32, max_size=32)),
    st.builds(Solidly, st.integers(1, 255), st.booleans()),
    st.builds(
        MakerQuote,
        addresses,
        st.integers(0, UINT128_MAX),
        uint128,
        st.integers(0, UINT40_MAX),
        st.integers(0, UINT256_MAX),
        st.booleans(),
        st.binary(max_size=100),
    ),
)

further = st.one_of(
    st.builds(Wrap),
    st.builds(Vault, addresses),
    st.builds(BalancerV3, addresses),
    st.builds(AirSwapOrder, addresses, uint128, uint256, uint40, st.booleans(), bytes1, words, words),
    st.builds(
        ZeroExOrder,
        addresses,
        uint128,
        uint128,
        st.booleans(),
        addresses,
        words,
        uint64,
        uint256,
        bytes1,
        bytes1,
        words,
        words,
    ),
    st.builds(Payout, addresses),
    st.builds(
        AcrossDeposit,
        addresses,
        addresses.filter(lambda token: token != ZERO_ADDRESS),
        uint128,
        uint64,
        addresses,
        uint32,
        uint32,
        uint32,
    ),
    st.builds(ListedCall, addresses, st.booleans(), st.binary(min_size=4, max_size=100)),
)


@st.composite
def loans(draw: st.DrawFn) -> FlashLoan:
    within = st.lists(plans(lending=False), min_size=1, max_size=2).map(tuple)
    return FlashLoan(draw(addresses), draw(st.sampled_from(LenderKind)), draw(uint128), draw(within))


@st.composite
def exact_outputs(draw: st.DrawFn, tokens: int) -> ConcentratedExactOut:
    hops = tuple(draw(st.lists(st.builds(Hop, bytes1, uint24), min_size=1, max_size=4)))
    indices = st.lists(st.integers(0, tokens - 1), min_size=len(hops) - 1, max_size=len(hops) - 1)
    return ConcentratedExactOut(hops, tuple(draw(indices)))


@st.composite
def assets(draw: st.DrawFn, tokens: Sequence[Address]) -> tuple[Asset, ...]:
    others = []
    gains = draw(st.sampled_from((Bound.RISE, Bound.LEAVE)))
    second = tokens[0] if gains is Bound.LEAVE and draw(st.booleans()) else tokens[1]
    for token in tokens[2:]:
        bound = draw(st.sampled_from((Bound.UNCHANGED, Bound.FALL, Bound.RISE)))
        others.append(Asset(token, bound, draw(st.integers(bound is not Bound.UNCHANGED, UINT128_MAX))))
    return (Asset(tokens[0], Bound.FALL, draw(uint128)), Asset(second, gains, draw(uint128)), *others)


@st.composite
def plans(draw: st.DrawFn, *, lending: bool = True) -> PackedPlan:
    tokens = draw(st.lists(addresses, min_size=2, max_size=16, unique=True))
    declared = draw(st.integers(2, min(len(tokens), 15)))
    legs: list[PackedLeg] = []
    for _ in range(draw(st.integers(1, 4))):
        legs.extend(draw(paths(len(tokens), declared, lending=lending)))
    permit = draw(
        st.one_of(st.none(), st.builds(Permit, st.integers(0, 2**64 - 1), st.binary(max_size=100), st.booleans()))
    )
    return PackedPlan(
        draw(assets(tokens))[:declared],
        draw(st.integers(0, UINT40_MAX)),
        tuple(legs),
        tuple(tokens[declared:]),
        pull=draw(st.booleans()) if permit is None else not permit.straight,
        deliver=draw(st.booleans()),
        permit=permit,
    )


@st.composite
def paths(draw: st.DrawFn, tokens: int, declared: int, *, lending: bool) -> list[PackedLeg]:
    """One leg, or several of which each hands on to the next."""
    hops = draw(st.integers(1, 3))
    places = [draw(st.integers(0, declared - 1))]
    for index in range(hops):
        last = (declared if index == hops - 1 else tokens) - 1
        places.append(draw(st.integers(0, last).filter(lambda place: place != places[-1])))
    if hops == 1:
        if draw(st.booleans()):
            return [PackedLeg(places[0], places[1], draw(exact_amounts), draw(exact_outputs(tokens)))]
        apart = st.one_of(swaps, further, loans()) if lending else st.one_of(swaps, further)
        return [PackedLeg(places[0], places[1], draw(amounts), draw(apart))]
    return [
        PackedLeg(
            places[index],
            places[index + 1],
            All() if index else draw(amounts),
            draw(on_paths),
            hands_on=index < hops - 1,
        )
        for index in range(hops)
    ]


PLAN = PackedPlan(
    swap_assets(
        (
            Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
            Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
        ),
        10**18,
        1,
    ),
    1_773_164_352,
    (PackedLeg(0, 1, Exact(10**18), Concentrated(0, 500)),),
)
LEGS_AT = 8 + 2 * 37


@given(plans())
def test_decoding_undoes_encoding(plan: PackedPlan) -> None:
    assert decode_plan(encode_plan(plan)) == plan


@given(st.binary(max_size=200))
def test_bytes_that_decode_are_the_encoding_of_what_they_decode_to(data: bytes) -> None:
    data = encode_plan(PLAN)[:LEGS_AT] + data
    try:
        plan = decode_plan(data)
    except MalformedPlan:
        return
    assert encode_plan(plan) == data


@given(plans(), st.data())
def test_a_flipped_bit_gives_another_plan_or_none(plan: PackedPlan, data: st.DataObject) -> None:
    packed = bytearray(encode_plan(plan))
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    try:
        other = decode_plan(bytes(packed))
    except MalformedPlan:
        return
    assert other != plan
    assert encode_plan(other) == bytes(packed)


@given(plans(), st.data())
def test_a_plan_cut_within_its_last_leg_is_refused(plan: PackedPlan, data: st.DataObject) -> None:
    plan = replace(plan, permit=None)
    packed = encode_plan(plan)
    heads = [index + 1 for index, leg in enumerate(plan.legs[:-1]) if not leg.hands_on]
    whole = {len(encode_plan(replace(plan, legs=plan.legs[:count]))) for count in heads}
    lengths = st.integers(0, len(packed) - 1).filter(lambda length: length not in whole)
    with pytest.raises(MalformedPlan):
        decode_plan(packed[: data.draw(lengths)])


@given(plans(), st.data())
def test_a_permit_cut_anywhere_is_no_longer_itself(plan: PackedPlan, data: st.DataObject) -> None:
    plan = replace(plan, permit=Permit(7, b"\xaa" * 65, straight=not plan.pull))
    packed = encode_plan(plan)
    length = data.draw(st.integers(len(packed) - 75, len(packed) - 1))
    try:
        other = decode_plan(packed[:length])
    except MalformedPlan:
        return
    assert other != plan


def test_a_v3_leg_takes_six_bytes_beyond_its_amount() -> None:
    all_of_it = replace(PLAN, legs=(PackedLeg(0, 1, All(), Concentrated(0, 500)),))
    assert encode_plan(all_of_it)[LEGS_AT:].hex() == "4201000001f4"


@pytest.mark.parametrize("tail", [b"\0", bytes(31), b"\x02"])
def test_bytes_after_the_last_leg_are_refused(tail: bytes) -> None:
    with pytest.raises(MalformedPlan):
        decode_plan(encode_plan(PLAN) + tail)


WETH, USDC = PLAN.tokens
DAI = Address("0x6B175474E89094C44Da98b954EedeAC495271d0F")
LEG = PLAN.legs[0]
PAIR_LEG = PackedLeg(0, 2, All(), ConstantProduct(0), hands_on=True)


@pytest.mark.parametrize(
    "change",
    [
        {"assets": PLAN.assets[:1]},
        {"assets": swap_assets((WETH, Address(WETH.lower())), 1, 1)},
        {"assets": PLAN.assets[::-1]},
        {"assets": (PLAN.assets[0], replace(PLAN.assets[1], token=WETH))},
        {"assets": (replace(PLAN.assets[0], bound=Bound.LEAVE), PLAN.assets[1])},
        {"assets": (*PLAN.assets, Asset(DAI, Bound.LEAVE, 1))},
        {"assets": (*PLAN.assets, Asset(WETH, Bound.UNCHANGED, 0))},
        {"deadline": UINT40_MAX + 1},
        {"legs": ()},
        {"legs": (replace(LEG, index_out=2),)},
        {"legs": (replace(LEG, index_out=0),)},
        {"handed": (DAI,), "legs": (replace(LEG, index_out=2),)},
        {"handed": (DAI,), "legs": (replace(LEG, index_in=2),)},
        {"handed": (DAI,), "legs": (PAIR_LEG,)},
        {"handed": (DAI,), "legs": (PAIR_LEG, replace(LEG, index_in=2))},
        {"handed": (DAI,), "legs": (PAIR_LEG, replace(LEG, amount=All()))},
        {"handed": (DAI,), "legs": (PAIR_LEG, PackedLeg(2, 1, All(), Balancer(bytes(32))))},
        {"legs": (replace(LEG, amount=All(), swap=ConcentratedExactOut((Hop(0, 500),), ())),)},
        {"pull": True, "permit": Permit(0, b"", straight=True)},
        {"permit": Permit(0, b"", straight=False)},
    ],
)
def test_what_the_executor_would_refuse_cannot_be_built(change: dict[str, object]) -> None:
    with pytest.raises(MalformedPlan):
        replace(PLAN, **change)  # type: ignore[arg-type]


def _loan_of(plan: PackedPlan) -> PackedPlan:
    loan = FlashLoan(DAI, LenderKind.AAVE, 7, (plan,))
    return replace(PLAN, legs=(PackedLeg(0, 1, All(), loan),))


def _within(loan: PackedPlan, inner: bytes) -> bytes:
    """The loan's plan with other bytes within, and both lengths made right."""
    particulars = encode_plan(loan)[LEGS_AT + 4 : LEGS_AT + 4 + 38] + len(inner).to_bytes(3) + inner
    return encode_plan(loan)[: LEGS_AT + 2] + len(particulars).to_bytes(2) + particulars


def test_loans_stand_within_loans_to_a_depth_that_readers_bear() -> None:
    plan = PLAN
    for _ in range(MAX_LOAN_DEPTH):
        plan = _loan_of(plan)
        assert decode_plan(encode_plan(plan)) == plan
    with pytest.raises(MalformedPlan, match="depth"):
        _loan_of(plan)
    packed = encode_plan(plan)
    for _ in range(300):
        packed = _within(_loan_of(PLAN), packed)
    with pytest.raises(MalformedPlan, match="depth"):
        decode_plan(packed)


def test_what_a_loan_runs_is_read_as_strictly_as_a_plan() -> None:
    loan = _loan_of(PLAN)
    assert _within(loan, encode_plan(PLAN)) == encode_plan(loan)
    for inner in (b"", encode_plan(PLAN)[:-1], encode_plan(PLAN) + b"\0", b"\1" + encode_plan(PLAN)[1:]):
        with pytest.raises(MalformedPlan):
            decode_plan(_within(loan, inner))


@given(further, st.data())
def test_particulars_of_another_length_are_refused(leg: FurtherLeg, data: st.DataObject) -> None:
    packed = encode_plan(replace(PLAN, legs=(PackedLeg(0, 1, All(), leg),)))
    particulars = packed[LEGS_AT + 4 :]
    # What a call carries may have any length that has a selector.
    longest = 24 if isinstance(leg, ListedCall) else len(particulars) + 20
    size = data.draw(st.integers(0, longest).filter(lambda size: size != len(particulars)))
    other = (particulars + bytes(20))[:size]
    with pytest.raises(MalformedPlan):
        decode_plan(packed[: LEGS_AT + 2] + size.to_bytes(2) + other)


def test_values_that_no_further_leg_has_are_refused() -> None:
    word = bytes(32)
    with pytest.raises(MalformedPlan, match="names no function"):
        ListedCall(DAI, pays=False, data=b"abc")
    with pytest.raises(MalformedPlan, match="no token"):
        AcrossDeposit(DAI, ZERO_ADDRESS, 1, 1, DAI, 0, 0, 0)
    with pytest.raises(MalformedPlan, match="output_amount"):
        AcrossDeposit(DAI, DAI, 0, 1, DAI, 0, 0, 0)
    with pytest.raises(MalformedPlan, match="fill_deadline"):
        AcrossDeposit(DAI, DAI, 1, 1, DAI, 0, 2**32, 0)
    with pytest.raises(MalformedPlan, match="r has 32 bytes"):
        AirSwapOrder(DAI, 1, 0, 0, False, 27, b"", word)
    with pytest.raises(MalformedPlan, match="taker_amount"):
        ZeroExOrder(DAI, 1, 0, False, DAI, word, 0, 0, 2, 27, word, word)
    with pytest.raises(MalformedPlan, match="number of plans"):
        FlashLoan(DAI, LenderKind.AAVE, 1, ())
    with pytest.raises(MalformedPlan, match="length of a leg's particulars"):
        ListedCall(DAI, pays=True, data=bytes(2**16)).pack()


def test_a_bound_without_an_amount_is_refused_where_one_is_due() -> None:
    for bound in (Bound.FALL, Bound.RISE):
        with pytest.raises(MalformedPlan, match="amount"):
            Asset(WETH, bound, 0)
    assert Asset(WETH, Bound.UNCHANGED, 0).amount == 0


def test_numbers_that_do_not_fit_their_field_are_refused() -> None:
    with pytest.raises(MalformedPlan, match="exact amount"):
        Exact(MAX_LEG_AMOUNT + 1)
    with pytest.raises(MalformedPlan, match="share"):
        Share(SHARE_ONE)
    with pytest.raises(MalformedPlan, match="fee_pips"):
        Concentrated(0, 2**24)
    with pytest.raises(MalformedPlan, match="32 bytes"):
        Balancer(b"short")
    with pytest.raises(MalformedPlan, match="no address"):
        encode_plan(replace(PLAN, assets=swap_assets((Address("WETH"), USDC), 1, 1)))


def test_a_malformed_plan_is_the_callers_fault() -> None:
    assert issubclass(MalformedPlan, InvalidRequest)
    assert MalformedPlan("why").exit_code == 2
