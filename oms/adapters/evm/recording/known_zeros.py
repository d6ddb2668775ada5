"""Slots that a recording does not hold and that are zero all the same, or may be read as zero without harm.

Owns: which slots those are. Two kinds:
- accounts of our own, which the recorded chain has never seen: their entries in any token's balance and allowance
  mappings (declared at slots 0..63, Solidity layout) are zero, because nobody ever wrote them;
- fee growth, protocol fees and oracle observations of listed concentrated pools: they change no amount of a swap.
Must not: call anything else zero. A price, a tick's liquidity or a stranger's balance that is unknown stays an error.
Source: Solidity's storage layout; Uniswap v3-core `UniswapV3Pool` and `libraries/Tick`, v4-core `libraries/Pool` and
`PoolManager` (its mapping of pools is slot 6), PancakeSwap v3 (its slot0 takes two words).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.recording.format import Recording

MAPPING_SLOTS = range(64)
"""Declaration slots in which a token may keep balances and allowances."""
V4_POOL_MANAGER = "0x000000000004444c5dc75cb358380d2e3de08a90"
_V4_POOLS_SLOT = 6
_OBSERVATIONS = 65_535
_BITMAP_WORDS = 12  # on either side of the current one: as far as recordings are looked through
_V3_SPACINGS = (1, 10, 50, 60, 200)

_NATIVE = 0
_USDC = 0xA0B86991C6218B36C1D19D4A2E9EB0CE3606EB48
_USDT = 0xDAC17F958D2EE523A2206206994597C13D831EC7
_WBTC = 0x2260FAC5E5542A773AA44FBCFEDF7C193BC2C599
_V4_PAIRS = ((_NATIVE, _USDC), (_NATIVE, _USDT), (_WBTC, _USDC), (_WBTC, _USDT))
_V4_FEES = ((100, 1), (500, 10), (3000, 60))  # fee in pips, tick spacing

_Words = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class PoolLayout:
    """Where one concentrated pool keeps its ticks, and how far apart they may lie."""

    ticks_slot: int
    bitmap_slot: int
    tick: int
    spacings: tuple[int, ...]


def own_token_slots(own: Iterable[str], spenders: Iterable[str]) -> frozenset[int]:
    """Balance and allowance slots of the accounts `own`, in any token, towards each other and `spenders`.

    Costs a hash per account, declaration slot and spender: 200,000 (1.1 s) for 10 accounts and 308 spenders.
    """
    owners = [int(address, 16) for address in own]
    allowed = owners + [int(address, 16) for address in spenders]
    slots = set()
    for owner in owners:
        for declared_at in MAPPING_SLOTS:
            balance = mapping_slot(owner, declared_at)
            slots.add(balance)
            slots.update(mapping_slot(spender, balance) for spender in allowed)
    return frozenset(slots)


def pool_accounting_slots(recording: Recording, address: str) -> frozenset[int]:
    """Fee growth, protocol fee and tick accounting slots of the listed pool or pools that `address` holds."""
    held = recording.accounts[address].storage if address in recording.accounts else {}
    slots: set[int] = set()
    if (tick := recording.pool_ticks.get(address)) is not None:
        first = _first_accounting_slot(held)
        slots.update((first, first + 1, first + 2))
        slots.update(_beside_ticks(held, PoolLayout(first + 4, first + 5, tick, _V3_SPACINGS)))
    if address == V4_POOL_MANAGER:
        slots.update(_v4_slots(held))
    return frozenset(slots)


def observation_slots(recording: Recording, address: str) -> range:
    """Slots of the oracle's ring of observations, if `address` is a listed pool."""
    if address not in recording.pool_ticks:
        return range(0)
    held = recording.accounts[address].storage if address in recording.accounts else {}
    start = _first_accounting_slot(held) + 7
    return range(start, start + _OBSERVATIONS)


def _first_accounting_slot(held: _Words) -> int:
    # Uniswap keeps `liquidity` at slot 4 and PancakeSwap, whose slot0 takes two words, at slot 5
    return 2 if 5 in held else 1


def _v4_slots(held: _Words) -> Iterator[int]:
    for pair in _V4_PAIRS:
        for fee, spacing in _V4_FEES:
            key = b"".join(part.to_bytes(32, "big") for part in (*pair, fee, spacing, 0))
            base = mapping_slot(int.from_bytes(keccak(key), "big"), _V4_POOLS_SLOT)
            if base not in held:
                continue
            tick = held[base] >> 160 & 0xFFFFFF
            tick -= tick >> 23 << 24
            yield from (base + 1, base + 2)
            yield from _beside_ticks(held, PoolLayout(base + 4, base + 5, tick, (spacing,)))


def _beside_ticks(held: _Words, layout: PoolLayout) -> Iterator[int]:
    """The slots after each recorded tick's liquidity: its fee growth and oracle figures."""
    for spacing in layout.spacings:
        middle = layout.tick // spacing >> 8
        for word_at in range(middle - _BITMAP_WORDS, middle + _BITMAP_WORDS + 1):
            word = held.get(mapping_slot(word_at % 2**256, layout.bitmap_slot), 0)
            for bit in range(word.bit_length()):
                if not word >> bit & 1:
                    continue
                slot = mapping_slot(((word_at << 8) + bit) * spacing % 2**256, layout.ticks_slot)
                if slot in held:
                    yield from (slot + 1, slot + 2, slot + 3)
