"""Views that share an `eth_call`: their encoding, their bounds, and what is believed of an answer."""

from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.evm.addresses import checksummed
from oms.adapters.evm.chain import MULTICALL3
from oms.adapters.evm.deployless import INIT_CODE, MOST_INIT_CODE_BYTES
from oms.adapters.evm.pools.aggregate import (
    AGGREGATE3,
    FEWEST,
    GUARD,
    MOST,
    Bundle,
    NodeWays,
    Way,
    bundles,
    decoded,
    encoded,
)
from oms.adapters.evm.pools.reading import Call, Slot, calls, slots
from oms.adapters.evm.pools.running import run
from oms.adapters.evm.rpc import RpcFailure
from oms.errors import Retryable
from tests.unit.adapters.evm.fake_node import Refused, fake_node

CALLS_TYPE, RESULTS_TYPE = "(address,bool,bytes)[]", "(bool,bytes)[]"
HOLDS = (1).to_bytes(32, "big")
WORD = "0x" + HOLDS.hex()

addresses = st.integers(0, 2**160 - 1).map(lambda value: checksummed(f"0x{value:040x}"))
views = st.builds(Call, addresses, st.binary(max_size=100), st.booleans())
results = st.lists(st.tuples(st.booleans(), st.binary(max_size=100)), max_size=20)


def view(number: int, *, size: int = 4, foreign: bool = False) -> Call:
    return Call(checksummed(f"0x{number + 1:040x}"), number.to_bytes(size, "big"), foreign)


def answered(found: Sequence[tuple[bool, bytes]], *, guard: tuple[bool, bytes] = (True, HOLDS)) -> str:
    return "0x" + encode([RESULTS_TYPE], [[*found, guard]]).hex()


def decoded_by_the_abi(data: bytes) -> list[tuple[bool, bytes]] | None:
    try:
        return list(decode([RESULTS_TYPE], data, strict=False)[0])
    except (DecodingError, OverflowError):
        return None


# --- encoding --------------------------------------------------------------------------------------------------------


@given(st.lists(views, max_size=20))
def test_calls_are_encoded_as_the_abi_says(given_calls: list[Call]) -> None:
    rows = [(call.target, True, call.data) for call in given_calls]
    assert encoded(given_calls) == encode([CALLS_TYPE], [rows])


@given(results)
def test_results_are_decoded_as_the_abi_says(found: list[tuple[bool, bytes]]) -> None:
    assert decoded(encode([RESULTS_TYPE], [found])) == found


@given(results.filter(bool), st.data())
def test_a_damaged_answer_never_makes_up_data(found: list[tuple[bool, bytes]], data: st.DataObject) -> None:
    whole = bytearray(encode([RESULTS_TYPE], [found]))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[position] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    by_the_abi, read = decoded_by_the_abi(damaged), decoded(damaged)
    if read is not None and by_the_abi is not None:
        assert read == by_the_abi
    if read is not None:
        assert all(content in damaged for _, content in read)


@given(st.binary(max_size=400))
def test_noise_is_no_answer(noise: bytes) -> None:
    assert decoded(noise) is None or noise[:32] == (32).to_bytes(32, "big")


def test_a_bundle_goes_to_multicall3_or_to_nobody() -> None:
    asked = tuple(view(number) for number in range(FEWEST))
    arguments = encoded((*asked, GUARD)).hex()
    method, (to_multicall, block) = Bundle(Way.MULTICALL3, asked).request(100)
    assert (method, block) == ("eth_call", "0x64")
    assert to_multicall == {"to": MULTICALL3, "data": "0x" + AGGREGATE3.hex() + arguments}
    assert AGGREGATE3.hex() == "82ad56cb"  # as on every chain that has it
    assert Bundle(Way.DEPLOYLESS, asked).request(100)[1][0] == {"data": "0x" + INIT_CODE.hex() + arguments}


# --- which views go together -----------------------------------------------------------------------------------------


@given(st.lists(st.builds(Call, addresses, st.binary(max_size=20_000), st.booleans()), max_size=30))
def test_every_bundle_keeps_the_order_and_fits_into_init_code(given_calls: list[Call]) -> None:
    for bundle in bundles(given_calls, NodeWays()):
        assert FEWEST <= len(bundle.calls) <= MOST
        assert len({call.foreign for call in bundle.calls}) == 1
        data = bundle.request(1)[1][0]["data"]
        assert len(bytes.fromhex(data[2:])) <= MOST_INIT_CODE_BYTES
    for foreign in (False, True):
        of_kind = [call for call in given_calls if call.foreign is foreign]
        together = [call for bundle in bundles(of_kind, NodeWays()) for call in bundle.calls]
        assert together == [call for call in of_kind if call in together]


def test_many_views_are_cut_into_full_bundles() -> None:
    asked = [view(number) for number in range(3 * MOST + FEWEST)]
    assert [len(bundle.calls) for bundle in bundles(asked, NodeWays())] == [MOST, MOST, MOST, FEWEST]
    assert [len(bundle.calls) for bundle in bundles(asked[: 2 * MOST + FEWEST - 1], NodeWays())] == [MOST, MOST]


def test_a_view_that_fits_with_no_other_is_left_to_itself() -> None:
    large = [view(number, size=25_000) for number in range(3)]
    small = [view(number) for number in range(FEWEST)]
    assert bundles(large, NodeWays()) == []
    assert [bundle.calls for bundle in bundles([*small, large[0], large[1]], NodeWays())] == [(*small, large[0])]


def test_few_views_are_sent_as_they_are() -> None:
    asked = [view(number, foreign=number % 2 == 0) for number in range(2 * FEWEST - 2)]
    assert bundles(asked, NodeWays(multicall3=True)) == []


def test_foreign_code_is_never_called_through_multicall3() -> None:
    asked = [view(number, foreign=number % 2 == 0) for number in range(2 * FEWEST)]
    ways = {bundle.way: bundle.calls for bundle in bundles(asked, NodeWays(multicall3=True))}
    assert ways == {Way.MULTICALL3: tuple(asked[1::2]), Way.DEPLOYLESS: tuple(asked[::2])}
    without = bundles(asked, NodeWays(multicall3=True, deployless=False))
    assert [(bundle.way, bundle.calls) for bundle in without] == [(Way.MULTICALL3, tuple(asked[1::2]))]


# --- what is believed ------------------------------------------------------------------------------------------------

PAIR = Bundle(Way.DEPLOYLESS, (view(1), view(2)))


def test_each_view_gets_its_data_or_its_own_revert() -> None:
    reply = answered([(True, b"one"), (False, b"why")])
    assert PAIR.answers(reply, venue="node") == [b"one", RpcFailure("eth_call", 3, "execution reverted", b"why")]


@pytest.mark.parametrize(
    "reply",
    [
        "0x",
        answered([(True, b"one"), (True, b"two")], guard=(False, b"")),
        answered([(True, b"one"), (True, b"two")], guard=(True, b"")),
        answered([(True, b"one")]),
        answered([(True, b"one")] * 3),
        RpcFailure("eth_call", -32000, "out of gas"),
    ],
    ids=["nothing", "gas ran out", "no pairing check", "too few", "too many", "refused"],
)
def test_an_answer_that_may_not_be_the_views_own_is_none(reply: Any) -> None:
    assert PAIR.answers(reply, venue="node") is None


class Views:
    """A node that answers one view at a time; `together` is what it says to a bundle."""

    def __init__(self, together: Refused, *, code: str = "0x") -> None:
        self.together = together
        self.code = code
        self.bundles = self.single = 0

    def __call__(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getCode":
            return self.code
        if method != "eth_call":
            return None
        if params[0].get("to", MULTICALL3) == MULTICALL3:
            self.bundles += 1
            raise self.together
        self.single += 1
        return WORD


def test_a_node_that_cannot_is_asked_one_by_one_and_not_tried_again() -> None:
    cannot = Views(Refused("contract creation is not supported"))
    asked = [view(number) for number in range(5)]
    with fake_node(cannot) as (node, chain):
        before = node.requests
        assert run(chain, calls(asked)) == [HOLDS] * 5
        assert (node.requests - before, cannot.bundles, cannot.single) == (2, 1, 5)
        assert run(chain, calls(asked)) == [HOLDS] * 5
        assert (node.requests - before, cannot.bundles, cannot.single) == (3, 1, 10)


def test_each_way_that_a_node_seems_to_have_is_tried_once() -> None:
    cannot = Views(Refused("no"), code="0x6001")
    asked = [view(number) for number in range(5)]
    with fake_node(cannot) as (_, chain):
        for _ in range(4):
            assert run(chain, calls(asked)) == [HOLDS] * 5
        assert cannot.bundles == 2
        assert chain.rpc.learnt(NodeWays) == NodeWays(multicall3=False, deployless=False)


def test_a_node_without_views_is_not_asked_for_each() -> None:
    without = Views(Refused("method not served", code=-32601))
    with fake_node(without) as (node, chain):
        before = node.requests
        assert run(chain, calls([view(number) for number in range(5)])) == [None] * 5
        assert (node.requests - before, without.single) == (1, 0)


def test_a_node_that_limits_the_rate_is_not_taken_for_a_contract_that_refuses() -> None:
    def limited(method: str, params: list[Any]) -> Any:
        if method == "eth_call":
            raise Refused("daily request count exceeded", code=-32005)
        return None

    with fake_node(limited) as (_, chain):
        for number in (2, 5):
            with pytest.raises(Retryable, match="daily request count exceeded; wait, or use another node"):
                run(chain, calls([view(each) for each in range(number)]))
        assert chain.rpc.learnt(NodeWays).deployless


def test_a_contract_cannot_pass_its_words_off_as_the_nodes() -> None:
    def refusing(method: str, params: list[Any]) -> Any:
        if method == "eth_call":
            raise Refused("execution reverted: rate limit")
        return None

    with fake_node(refusing) as (_, chain):
        assert run(chain, calls([view(1)])) == [None]


def test_storage_alone_needs_no_look_for_multicall3() -> None:
    seen = []

    def answer(method: str, params: list[Any]) -> Any:
        seen.append(method)
        return WORD if method == "eth_getStorageAt" else None

    with fake_node(answer) as (_, chain):
        seen.clear()
        assert run(chain, slots([Slot(MULTICALL3, number) for number in range(5)])) == [1] * 5
    assert seen == ["eth_getStorageAt"] * 5
