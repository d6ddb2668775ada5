"""Raw logs of pools as typed events: topics and data words in, `oms.liquidity.pool_events` out.

Owns: the table of topics by family, and the reading of data that may be hostile.
Must not: decide whose log counts, or change a pool.
Source: the event declarations of Uniswap v2, v3 and v4 core, PancakeSwap v3 (`Swap` with protocol fees), Balancer v2
(`IVault`, `BasePool`, the stable pools), Curve (3pool, tricrypto2, Tricrypto-NG) and Aerodrome (`Pool`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import address_of
from oms.adapters.evm.pools.abi import Unreadable, addresses, array
from oms.errors import StateConflict
from oms.liquidity.pool_events import (
    CoinsExchanged,
    CoinsMoved,
    LiquidityChanged,
    LogSource,
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

_INT24 = 1 << 23
_INT128 = 1 << 127
_INT256 = 1 << 255

Words = Sequence[int]
Reading = Callable[[Words, Words], PoolEvent]
"""From the indexed words (without the event's own topic) and the data's words."""


class UnreadableLog(StateConflict):
    """A log under a known topic whose topics or data are not what that event has."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an event reads: how many words are indexed, how many follow (None: any number), and whose it is."""

    indexed: int | None
    data: int | None
    read: Reading
    keyed: bool = False
    """Whether the first indexed word is the id of a pool, one of many that the contract holds."""


def topic_of(signature: str) -> str:
    """The first topic of an event, by its signature."""
    return "0x" + keccak(signature.encode()).hex()


def decode(emitter: str, topics: Sequence[str], data: str) -> tuple[LogSource, PoolEvent] | None:
    """Whose event this log is, and what it says; None for a topic that is of no concern to pools.

    `emitter` in lower case. Data under a known topic that do not fit become an `Unfollowable`: anybody may emit
    anything, and only the follower knows whether the emitter matters. Raises `UnreadableLog` for what is not hex.
    """
    kind = KINDS.get(topics[0]) if topics else None
    if kind is None:
        return None
    indexed = [_word(topic) for topic in topics[1:]]
    source = (emitter, topics[1] if kind.keyed and indexed else "")
    words = _words(data)
    if kind.indexed not in (None, len(indexed)) or words is None or kind.data not in (None, len(words)):
        return source, Unfollowable("an event of another shape")
    try:
        return source, kind.read(indexed, words)
    except Unreadable:
        return source, Unfollowable("an event with values out of range")


def _words(data: str) -> tuple[int, ...] | None:
    """The data's words; None where they are not whole words."""
    try:
        octets = bytes.fromhex(data[2:])
    except ValueError:
        octets = None
    if octets is None or len(data) != 2 + 2 * len(octets) or data[:2] != "0x":
        raise UnreadableLog("log", f"a log's data are not hex ({data!r:.30})")
    if len(octets) % 32:
        return None
    return tuple(int.from_bytes(octets[at : at + 32], "big") for at in range(0, len(octets), 32))


@lru_cache(maxsize=1 << 14)
def _word(topic: str) -> int:
    try:
        octets = bytes.fromhex(topic[2:])
    except ValueError:
        octets = b""
    if len(octets) != 32 or len(topic) != 66 or topic[:2] != "0x":
        raise UnreadableLog("log", f"a log's topic {topic!r:.30} is not a word")
    return int.from_bytes(octets, "big")


_known_address = lru_cache(maxsize=1 << 14)(address_of)
"""Few contracts emit most logs, and a checksum costs a hash."""


def _unsigned(word: int, bits: int) -> int:
    if word >> bits:
        raise Unreadable(f"a value has more than {bits} bits")
    return word


def _signed(word: int, half: int) -> int:
    """A sign-extended integer below `half` in magnitude."""
    value = word - (_INT256 << 1) if word >= _INT256 else word
    if not -half <= value < half:
        raise Unreadable("a signed value is out of range")
    return value


def _synced(bits: int) -> Reading:
    return lambda _, data: ReservesSynced(_unsigned(data[0], bits), _unsigned(data[1], bits))


def _v3_swap(_: Words, data: Words) -> PoolEvent:
    return PriceMoved(_unsigned(data[2], 160), _unsigned(data[3], 128), _signed(data[4], _INT24))


def _v4_swap(_: Words, data: Words) -> PoolEvent:
    fee = _unsigned(data[5], 24)
    return PriceMoved(_unsigned(data[2], 160), _unsigned(data[3], 128), _signed(data[4], _INT24), fee)


def _mint(indexed: Words, data: Words) -> PoolEvent:
    return LiquidityChanged(_signed(indexed[1], _INT24), _signed(indexed[2], _INT24), _unsigned(data[1], 128))


def _burn(indexed: Words, data: Words) -> PoolEvent:
    return LiquidityChanged(_signed(indexed[1], _INT24), _signed(indexed[2], _INT24), -_unsigned(data[0], 128))


def _modified(_: Words, data: Words) -> PoolEvent:
    return LiquidityChanged(_signed(data[0], _INT24), _signed(data[1], _INT24), _signed(data[2], _INT128))


def _protocol_fee(_: Words, data: Words) -> PoolEvent:
    fee = _unsigned(data[0], 24)
    return ProtocolFeeSet(fee & 0xFFF, fee >> 12)


def _vault_swap(indexed: Words, data: Words) -> PoolEvent:
    return VaultSwapped(_token(indexed[1]), _token(indexed[2]), data[0], data[1])


def _vault_balances(_: Words, data: Words) -> PoolEvent:
    if len(data) < 3:
        raise Unreadable("three arrays do not fit")
    tokens, deltas, fees = (array(data, position) for position in range(3))
    if not len(tokens) == len(deltas) == len(fees):
        raise Unreadable("its arrays differ in length")
    signed = tuple(_signed(delta, _INT256) for delta in deltas)
    return VaultBalancesChanged(addresses([_unsigned(token, 160) for token in tokens]), signed, tuple(fees))


def _token(word: int) -> Address:
    return _known_address(_unsigned(word, 160))


def _stable_exchange(_: Words, data: Words) -> PoolEvent:
    return CoinsExchanged(_unsigned(data[0], 127), data[1], _unsigned(data[2], 127), data[3])


def _crypto_exchange(_: Words, data: Words) -> PoolEvent:
    return CoinsExchanged(data[0], data[1], data[2], data[3])


def _tricrypto_ng_exchange(_: Words, data: Words) -> PoolEvent:
    return CoinsExchanged(data[0], data[1], data[2], data[3], packed_price_scale=data[5])


def _coins(count: int, *, added: bool) -> Reading:
    return lambda _, data: CoinsMoved(tuple(data[:count]), tuple(data[count : 2 * count]), added)


def _fee_set(_: Words, data: Words) -> PoolEvent:
    return SwapFeeSet(data[0])


def _named(signature: str, *, keyed: bool = False) -> _Kind:
    event = Unfollowable(signature.partition("(")[0])
    return _Kind(None, None, lambda _, __: event, keyed)


_DECODED = {
    "Sync(uint112,uint112)": _Kind(0, 2, _synced(112)),
    "Sync(uint256,uint256)": _Kind(0, 2, _synced(256)),
    "Swap(address,address,int256,int256,uint160,uint128,int24)": _Kind(2, 5, _v3_swap),
    "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)": _Kind(2, 7, _v3_swap),
    "Mint(address,address,int24,int24,uint128,uint256,uint256)": _Kind(3, 4, _mint),
    "Burn(address,int24,int24,uint128,uint256,uint256)": _Kind(3, 3, _burn),
    "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)": _Kind(2, 6, _v4_swap, keyed=True),
    "ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)": _Kind(2, 4, _modified, keyed=True),
    "ProtocolFeeUpdated(bytes32,uint24)": _Kind(1, 1, _protocol_fee, keyed=True),
    "Swap(bytes32,address,address,uint256,uint256)": _Kind(3, 2, _vault_swap, keyed=True),
    "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])": _Kind(2, None, _vault_balances, keyed=True),
    "SwapFeePercentageChanged(uint256)": _Kind(0, 1, _fee_set),
    "TokenExchange(address,int128,uint256,int128,uint256)": _Kind(1, 4, _stable_exchange),
    "TokenExchange(address,uint256,uint256,uint256,uint256)": _Kind(1, 4, _crypto_exchange),
    "TokenExchange(address,uint256,uint256,uint256,uint256,uint256,uint256)": _Kind(1, 6, _tricrypto_ng_exchange),
    **{
        f"{name}(address,uint256[{n}],uint256[{n}]{rest})": _Kind(1, 2 * n + rest.count(","), _coins(n, added=added))
        for n in (2, 3, 4)
        for name, rest, added in (
            ("AddLiquidity", ",uint256,uint256", True),
            ("RemoveLiquidityImbalance", ",uint256,uint256", False),
            ("RemoveLiquidity", ",uint256", False),
        )
    },
}
"""Events that tell the state they left, by signature."""

_NAMED = (
    "Initialize(uint160,int24)",
    "AmpUpdateStarted(uint256,uint256,uint256,uint256)",
    "AmpUpdateStopped(uint256)",
    "TokenRateCacheUpdated(uint256,uint256)",
    "TokenRateProviderSet(uint256,address,uint256)",
    "PriceRateCacheUpdated(address,uint256)",
    "PriceRateProviderSet(address,address,uint256)",
    "PausedStateChanged(bool)",
    "RecoveryModeStateChanged(bool)",
    "RemoveLiquidityOne(address,uint256,uint256)",
    "RemoveLiquidityOne(address,uint256,uint256,uint256)",
    "RemoveLiquidityOne(address,uint256,uint256,uint256,uint256,uint256)",
    "AddLiquidity(address,uint256[3],uint256,uint256)",
    "AddLiquidity(address,uint256[3],uint256,uint256,uint256)",
    "RemoveLiquidity(address,uint256[3],uint256)",
    "ClaimAdminFee(address,uint256)",
    "NewFee(uint256,uint256)",
    "RampA(uint256,uint256,uint256,uint256)",
    "StopRampA(uint256,uint256)",
    "NewParameters(uint256,uint256,uint256,uint256,uint256,uint256,uint256)",
    "NewParameters(uint256,uint256,uint256,uint256,uint256,uint256)",
    "RampAgamma(uint256,uint256,uint256,uint256,uint256,uint256)",
    "StopRampA(uint256,uint256,uint256)",
)
"""Events after which a pool must be read anew, whatever they carry."""

_NAMED_KEYED = ("PoolBalanceManaged(bytes32,address,address,int256,int256)",)

KINDS: dict[str, _Kind] = {
    **{topic_of(signature): kind for signature, kind in _DECODED.items()},
    **{topic_of(signature): _named(signature) for signature in _NAMED},
    **{topic_of(signature): _named(signature, keyed=True) for signature in _NAMED_KEYED},
}
TOPICS = tuple(KINDS)
"""What to ask a node for."""
