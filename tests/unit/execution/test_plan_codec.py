"""The packed plan's codec: one plan, one encoding."""

from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from oms.errors import InvalidRequest
from oms.execution.plan_codec import (
    MAX_LEG_AMOUNT,
    SHARE_ONE,
    UINT40_MAX,
    All,
    Balancer,
    Concentrated,
    ConstantProduct,
    Curve,
    Exact,
    MakerQuote,
    MalformedPlan,
    PackedLeg,
    PackedPlan,
    Share,
    Solidly,
    UniswapV4,
    decode_calldata,
    decode_plan,
    encode_plan,
    executor_calldata,
)
from oms.units import UINT128_MAX, UINT256_MAX, Address

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: Address(to_checksum_address(raw)))
bytes1 = st.integers(0, 255)
uint24 = st.integers(0, 2**24 - 1)
uint128 = st.integers(1, UINT128_MAX)
amounts = st.one_of(
    st.builds(Exact, st.integers(1, MAX_LEG_AMOUNT)), st.builds(Share, st.integers(1, SHARE_ONE - 1)), st.builds(All)
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


@st.composite
def plans(draw: st.DrawFn) -> PackedPlan:
    tokens = tuple(draw(st.lists(addresses, min_size=2, max_size=16, unique=True)))
    sources = [index for index in range(len(tokens)) if index != 1]
    legs = []
    for _ in range(draw(st.integers(1, 5))):
        source = draw(st.sampled_from(sources))
        target = draw(st.sampled_from([index for index in range(1, len(tokens)) if index != source]))
        legs.append(PackedLeg(source, target, draw(amounts), draw(swaps)))
    pull, deliver = draw(st.booleans()), draw(st.booleans())
    deadline = draw(st.integers(0, UINT40_MAX))
    return PackedPlan(tokens, draw(uint128), draw(uint128), deadline, tuple(legs), pull=pull, deliver=deliver)


PLAN = PackedPlan(
    (
        Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
        Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
    ),
    10**18,
    1,
    1_773_164_352,
    (PackedLeg(0, 1, Exact(10**18), Concentrated(0, 500)),),
)


@given(plans())
def test_decoding_undoes_encoding(plan: PackedPlan) -> None:
    assert decode_plan(encode_plan(plan)) == plan
    assert decode_calldata(executor_calldata(plan)) == plan


@given(st.binary(max_size=200))
def test_bytes_that_decode_are_the_encoding_of_what_they_decode_to(data: bytes) -> None:
    data = encode_plan(PLAN)[:80] + data
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
    packed = encode_plan(plan)
    whole = encode_plan(replace(plan, legs=plan.legs[:-1])) if len(plan.legs) > 1 else b""
    length = data.draw(st.integers(len(whole) + 1 if whole else 0, len(packed) - 1))
    with pytest.raises(MalformedPlan):
        decode_plan(packed[:length])


def test_a_v3_leg_takes_eight_bytes_beyond_its_amount() -> None:
    all_of_it = replace(PLAN, legs=(PackedLeg(0, 1, All(), Concentrated(0, 500)),))
    assert len(encode_plan(all_of_it)) == 80 + 8
    assert encode_plan(all_of_it)[80:].hex() == "02000102000001f4"


@pytest.mark.parametrize("tail", [b"\0", bytes(31), b"\x02"])
def test_bytes_after_the_last_leg_are_refused(tail: bytes) -> None:
    with pytest.raises(MalformedPlan):
        decode_plan(encode_plan(PLAN) + tail)


def test_a_call_with_anything_beside_its_plan_is_refused() -> None:
    call = executor_calldata(PLAN)
    for damaged in (call + bytes(32), call[:-1], b"\0\0\0\0" + call[4:], call[:4] + bytes(31) + b"\x40" + call[36:]):
        with pytest.raises(MalformedPlan):
            decode_calldata(damaged)


def test_what_the_executor_would_refuse_cannot_be_built() -> None:
    weth, usdc = PLAN.tokens
    dai = Address("0x6B175474E89094C44Da98b954EedeAC495271d0F")
    leg = PLAN.legs[0]
    for change in (
        {"tokens": (weth,)},
        {"tokens": (weth, Address(weth.lower()))},
        {"amount_in": 0},
        {"amount_in": UINT128_MAX + 1},
        {"min_out": 0},
        {"deadline": UINT40_MAX + 1},
        {"legs": ()},
        {"legs": (replace(leg, index_out=2),)},
        {"legs": (replace(leg, index_out=0),)},
        {"tokens": (weth, usdc, dai), "legs": (replace(leg, index_in=1, index_out=2),)},
        {"tokens": (weth, usdc, dai), "legs": (replace(leg, index_in=2, index_out=0),)},
    ):
        with pytest.raises(MalformedPlan):
            replace(PLAN, **change)


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
        encode_plan(replace(PLAN, tokens=(Address("WETH"), PLAN.tokens[1])))


def test_a_malformed_plan_is_the_callers_fault() -> None:
    assert issubclass(MalformedPlan, InvalidRequest)
    assert MalformedPlan("why").exit_code == 2
