"""Raw logs as events: every family's own, and whatever a stranger or a bad node may put in their place."""

from collections.abc import Sequence

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.evm.pools.logs import KINDS, TOPICS, UnreadableLog, decode, topic_of
from oms.liquidity.pool_events import (
    CoinsExchanged,
    CoinsMoved,
    LiquidityChanged,
    PoolEvent,
    PriceMoved,
    ProtocolFeeSet,
    ReservesSynced,
    SwapFeeSet,
    Unfollowable,
    VaultBalancesChanged,
    VaultSwapped,
)
from oms.units import Address

EMITTER, ID = "0x" + "ab" * 20, "0x" + "cd" * 32
USDC, WETH = (
    Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
    Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
)
PRICE, LIQUIDITY = 2**96 + 12_345, 10**20
V3_SWAP = "Swap(address,address,int256,int256,uint160,uint128,int24)"
V4_SWAP = "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)"
BALANCES = "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])"
Argument = int | str | bytes


def word(value: Argument) -> str:
    number = int(value, 16) if isinstance(value, str) else value
    return f"0x{number % 2**256:064x}" if isinstance(number, int) else "0x" + number.hex()


def told(signature: str, indexed: Sequence[Argument], types: Sequence[str], values: Sequence[object]) -> PoolEvent:
    found = decode(EMITTER, [topic_of(signature), *map(word, indexed)], "0x" + encode(types, values).hex())
    assert found is not None
    keyed = bool(indexed) and word(indexed[0]) == ID
    assert found[0] == (EMITTER, ID if keyed else "")
    return found[1]


def test_the_topics_are_the_well_known_ones() -> None:
    known = {
        "Sync(uint112,uint112)": "0x1c411e9a",
        V3_SWAP: "0xc42079f9",
        "Mint(address,address,int24,int24,uint128,uint256,uint256)": "0x7a53080b",
        "Burn(address,int24,int24,uint128,uint256,uint256)": "0x0c396cd9",
        V4_SWAP: "0x40e9cecb",
        "Swap(bytes32,address,address,uint256,uint256)": "0x2170c741",
        BALANCES: "0xe5ce2490",
        "TokenExchange(address,int128,uint256,int128,uint256)": "0x8b3e96f2",
    }
    assert {signature: topic_of(signature)[:10] for signature in known} == known
    assert {topic_of(signature) for signature in known} <= set(TOPICS)


def test_pairs() -> None:
    assert told("Sync(uint112,uint112)", (), ["uint112"] * 2, (5, 2**112 - 1)) == ReservesSynced(5, 2**112 - 1)
    assert told("Sync(uint256,uint256)", (), ["uint256"] * 2, (5, 2**200)) == ReservesSynced(5, 2**200)


def test_concentrated_pools() -> None:
    types = ["int256", "int256", "uint160", "uint128", "int24"]
    values = (-5, 7, PRICE, LIQUIDITY, -887_272)
    moved = PriceMoved(PRICE, LIQUIDITY, -887_272)
    assert told(V3_SWAP, (USDC, WETH), types, values) == moved
    pancake = "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)"
    assert told(pancake, (USDC, WETH), [*types, "uint128", "uint128"], (*values, 1, 2)) == moved
    mint = "Mint(address,address,int24,int24,uint128,uint256,uint256)"
    minted = told(mint, (USDC, -600, 60), ["address", "uint128", "uint256", "uint256"], (WETH, LIQUIDITY, 1, 2))
    assert minted == LiquidityChanged(-600, 60, LIQUIDITY)
    burn = "Burn(address,int24,int24,uint128,uint256,uint256)"
    burnt = told(burn, (USDC, -600, -60), ["uint128", "uint256", "uint256"], (LIQUIDITY, 1, 2))
    assert burnt == LiquidityChanged(-600, -60, -LIQUIDITY)


def test_v4_pools_are_told_apart_by_their_id() -> None:
    types = ["int128", "int128", "uint160", "uint128", "int24", "uint24"]
    assert told(V4_SWAP, (ID, USDC), types, (-5, 7, PRICE, LIQUIDITY, 3, 500)) == PriceMoved(PRICE, LIQUIDITY, 3, 500)
    modify = "ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)"
    changed = told(modify, (ID, USDC), ["int24", "int24", "int256", "bytes32"], (-60, 60, -LIQUIDITY, bytes(32)))
    assert changed == LiquidityChanged(-60, 60, -LIQUIDITY)
    fee = told("ProtocolFeeUpdated(bytes32,uint24)", (ID,), ["uint24"], (250 | 700 << 12,))
    assert fee == ProtocolFeeSet(250, 700)


def test_the_vaults_pools() -> None:
    swap = told("Swap(bytes32,address,address,uint256,uint256)", (ID, USDC, WETH), ["uint256"] * 2, (5, 7))
    assert swap == VaultSwapped(USDC, WETH, 5, 7)
    arrays = ["address[]", "int256[]", "uint256[]"]
    moved = told(BALANCES, (ID, USDC), arrays, ([USDC, WETH], [5, -7], [0, 2]))
    assert moved == VaultBalancesChanged((USDC, WETH), (5, -7), (0, 2))
    assert told("SwapFeePercentageChanged(uint256)", (), ["uint256"], (10**15,)) == SwapFeeSet(10**15)
    managed = "PoolBalanceManaged(bytes32,address,address,int256,int256)"
    assert told(managed, (ID, USDC, WETH), ["int256"] * 2, (1, 2)) == Unfollowable("PoolBalanceManaged")


def test_curve_pools() -> None:
    four = ["uint256"] * 4
    stable = "TokenExchange(address,int128,uint256,int128,uint256)"
    assert told(stable, (USDC,), four, (0, 5, 2, 7)) == CoinsExchanged(0, 5, 2, 7)
    crypto = "TokenExchange(address,uint256,uint256,uint256,uint256)"
    assert told(crypto, (USDC,), four, (0, 5, 2, 7)) == CoinsExchanged(0, 5, 2, 7)
    newer = "TokenExchange(address,uint256,uint256,uint256,uint256,uint256,uint256)"
    assert told(newer, (USDC,), ["uint256"] * 6, (0, 5, 2, 7, 8, 9)) == CoinsExchanged(0, 5, 2, 7, 9)
    added = "AddLiquidity(address,uint256[3],uint256[3],uint256,uint256)"
    assert told(added, (USDC,), ["uint256"] * 8, tuple(range(1, 9))) == CoinsMoved((1, 2, 3), (4, 5, 6), added=True)
    removed = "RemoveLiquidity(address,uint256[2],uint256[2],uint256)"
    assert told(removed, (USDC,), ["uint256"] * 5, tuple(range(1, 6))) == CoinsMoved((1, 2), (3, 4), added=False)
    imbalance = "RemoveLiquidityImbalance(address,uint256[4],uint256[4],uint256,uint256)"
    found = told(imbalance, (USDC,), ["uint256"] * 10, tuple(range(1, 11)))
    assert found == CoinsMoved((1, 2, 3, 4), (5, 6, 7, 8), added=False)
    assert told("RampA(uint256,uint256,uint256,uint256)", (), four, (1, 2, 3, 4)) == Unfollowable("RampA")


def test_what_is_not_a_pools_is_passed_over() -> None:
    assert decode(EMITTER, [topic_of("Transfer(address,address,uint256)"), word(1), word(2)], "0x") is None
    assert decode(EMITTER, [], "0x") is None


@pytest.mark.parametrize(
    ("signature", "indexed", "data"),
    [
        ("Sync(uint112,uint112)", (), (2**112, 1)),
        ("Sync(uint112,uint112)", (1,), (1, 1)),
        ("Sync(uint112,uint112)", (), (1,)),
        ("Sync(uint112,uint112)", (), (1, 1, 1)),
        (V3_SWAP, (1, 2), (1, 1, 2**160, 1, 1)),
        (V3_SWAP, (1, 2), (1, 1, 1, 2**128, 1)),
        (V3_SWAP, (1, 2), (1, 1, 1, 1, 2**23)),
        (V3_SWAP, (1, 2), (1, 1, 1, 1, 2**24 - 1)),  # minus one, but not sign-extended
        (V3_SWAP, (1,), (1, 1, 1, 1, 1)),
        (V4_SWAP, (1, 2), (1, 1, 1, 1, 1, 2**24)),
        (V4_SWAP, (), (1, 1, 1, 1, 1, 1)),
        ("ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)", (1, 2), (1, 2, 2**127, 0)),
        (BALANCES, (1, 2), (1, 2)),
        (BALANCES, (1, 2), (96, 96, 128, 2**255, 1)),
        (BALANCES, (1, 2), (96, 128, 96, 1, 2**161, 0)),
        ("Swap(bytes32,address,address,uint256,uint256)", (1, 2**160, 3), (1, 1)),
        ("TokenExchange(address,int128,uint256,int128,uint256)", (1,), (-1, 1, 1, 1)),
    ],
)
def test_data_that_do_not_fit_an_event_tell_nothing(
    signature: str, indexed: Sequence[int], data: Sequence[int]
) -> None:
    text = "0x" + "".join(word(value)[2:] for value in data)
    found = decode(EMITTER, [topic_of(signature), *map(word, indexed)], text)
    assert found is not None
    assert isinstance(found[1], Unfollowable)


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        (["0x12"], "0x"),
        (["0x" + "0g" * 32], "0x"),
        (["0x" + " 1" * 32], "0x"),
        ([], "0xabc"),
        ([], "zz"),
        ([], ""),
        ([], "0x" + " " * 64),
        ([], "0x" + "00 " * 32),
    ],
)
def test_what_is_no_hex_is_the_nodes_fault(topics: list[str], data: str) -> None:
    with pytest.raises(UnreadableLog):
        decode(EMITTER, [topic_of("Sync(uint112,uint112)"), *topics], data)


@given(st.sampled_from(TOPICS), st.lists(st.binary(min_size=32, max_size=32), max_size=4), st.binary(max_size=400))
def test_no_topic_and_data_make_decoding_fail_otherwise(topic: str, indexed: list[bytes], data: bytes) -> None:
    found = decode(EMITTER, [topic, *("0x" + each.hex() for each in indexed)], "0x" + data.hex())
    assert found is not None
    assert found[0][0] == EMITTER
    assert KINDS[topic].keyed or found[0][1] == ""
