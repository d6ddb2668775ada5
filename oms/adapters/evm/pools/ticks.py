"""Ticks of concentrated pools, loaded outwards from the price by bitmap word, as far as the node holds them.

Owns: where the words lie, what they say, and how far the result is known. Must not: walk a swap.
Source: v3 core `TickBitmap`, `Tick.Info` (liquidityGross uint128, liquidityNet int128 in the first word); v4 alike.

A range is known from the last bitmap word read on one side to the last on the other. It ends earlier, just before a
tick, where there were more ticks than one load takes, or where the node does not hold a tick or a word.
"""

from collections.abc import Callable
from dataclasses import dataclass

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.pools.reading import Loading, Slot, both, slots
from oms.adapters.evm.venues import ConcentratedLayout
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK
from oms.units import Address

FIRST_TICKS = 24
"""Initialized ticks a side that a snapshot loads; enough for a few percent in the busiest pools."""
MORE_TICKS = 190
"""Initialized ticks that an extension loads: with their words, one HTTP request."""
MORE_WORDS = 8


@dataclass(frozen=True, slots=True)
class TickStore:
    """Where one pool keeps liquidity, ticks and bitmap: a contract, and the slot that the layout starts from."""

    address: Address
    layout: ConcentratedLayout
    base: int = 0

    def liquidity(self) -> Slot:
        """The word of the liquidity in range."""
        return Slot(self.address, self.base + self.layout.liquidity)

    def word(self, index: int) -> Slot:
        """A bitmap word, of 256 spacings."""
        return Slot(self.address, mapping_slot(index, self.base + self.layout.bitmap))

    def tick(self, tick: int) -> Slot:
        """A tick's liquidity word."""
        return Slot(self.address, mapping_slot(tick, self.base + self.layout.ticks))


@dataclass(frozen=True, slots=True)
class _Side:
    """What one direction's load found: net and gross by tick, and the last tick up to which nothing is missing."""

    nets: dict[int, int]
    grosses: dict[int, int]
    edge: int


def first_words(spacing: int) -> int:
    """How many words a side a snapshot reads: narrow spacings have narrow words."""
    return 3 if spacing < 10 else 2


def load_around(store: TickStore, tick: int, *, spacing: int) -> Loading[TickMap | None]:
    """The ticks around the price; None where not even the nearest are held."""
    words = first_words(spacing)
    below, above = yield from both(
        _below(store, tick + 1, spacing=spacing, words=words, most=FIRST_TICKS),
        _above(store, tick, spacing=spacing, words=words, most=FIRST_TICKS),
    )
    if below.edge > tick and above.edge <= tick:
        return None
    return TickMap.of(
        below.nets | above.nets,
        known_min_tick=below.edge,
        known_max_tick=above.edge,
        liquidity_gross=below.grosses | above.grosses,
    )


def load_more(store: TickStore, known: TickMap, *, spacing: int, upward: bool) -> Loading[TickMap]:
    """`known` with more ticks beyond one of its ends; the same object where the node holds no more."""
    nets = dict(zip(known.ticks, known.nets, strict=True))
    grosses = None if known.grosses is None else dict(zip(known.ticks, known.grosses, strict=True))
    if upward:
        above = yield from _above(store, known.known_max_tick, spacing=spacing, words=MORE_WORDS, most=MORE_TICKS)
        low, high, found = known.known_min_tick, max(known.known_max_tick, above.edge), above
    else:
        below = yield from _below(store, known.known_min_tick, spacing=spacing, words=MORE_WORDS, most=MORE_TICKS)
        low, high, found = min(known.known_min_tick, below.edge), known.known_max_tick, below
    if (low, high) == (known.known_min_tick, known.known_max_tick):
        return known
    return TickMap.of(
        nets | found.nets,
        known_min_tick=low,
        known_max_tick=high,
        liquidity_gross=None if grosses is None else grosses | found.grosses,
    )


def _above(store: TickStore, known: int, *, spacing: int, words: int, most: int) -> Loading[_Side]:
    """Ticks higher than `known`."""
    if known >= MAX_TICK:
        return _Side({}, {}, known)
    first, last = known // spacing + 1 >> 8, MAX_TICK // spacing >> 8
    indexes = range(first, min(first + words, last + 1))
    set_ticks, read = yield from _bitmap(store, list(indexes), spacing=spacing)
    if not read:
        return _Side({}, {}, known)
    end = MAX_TICK if read[-1] == last else (read[-1] << 8 | 255) * spacing
    wanted = sorted(tick for tick in set_ticks if tick > known)
    return (yield from _nets(store, wanted, most=most, end=end, before=lambda tick: tick - 1))


def _below(store: TickStore, known: int, *, spacing: int, words: int, most: int) -> Loading[_Side]:
    """Ticks lower than `known`."""
    if known <= MIN_TICK:
        return _Side({}, {}, known)
    first, last = (known - 1) // spacing >> 8, -(-MIN_TICK // spacing) >> 8
    indexes = range(first, max(first - words, last - 1), -1)
    set_ticks, read = yield from _bitmap(store, list(indexes), spacing=spacing)
    if not read:
        return _Side({}, {}, known)
    end = max(MIN_TICK, (read[-1] << 8) * spacing)
    wanted = sorted((tick for tick in set_ticks if tick < known), reverse=True)
    return (yield from _nets(store, wanted, most=most, end=end, before=lambda tick: tick + 1))


def _bitmap(store: TickStore, indexes: list[int], *, spacing: int) -> Loading[tuple[list[int], list[int]]]:
    """The set ticks of the words read before the first one that the node does not hold, and those words' indexes."""
    words = yield from slots(store.word(index) for index in indexes)
    held = indexes[: words.index(None)] if None in words else indexes
    ticks: list[int] = []
    for index, word in zip(held, words, strict=False):
        bits = word or 0
        while bits:
            lowest = bits & -bits
            ticks.append((index << 8 | lowest.bit_length() - 1) * spacing)
            bits ^= lowest
    return ticks, held


def _nets(store: TickStore, wanted: list[int], *, most: int, end: int, before: Callable[[int], int]) -> Loading[_Side]:
    """The nearest of `wanted`, which lead away from the price; the edge is `end`, or before the first one lacking."""
    words = yield from slots(store.tick(tick) for tick in wanted[:most])
    nets: dict[int, int] = {}
    grosses: dict[int, int] = {}
    for tick, word in zip(wanted, words, strict=False):
        if word is None:
            return _Side(nets, grosses, before(tick))
        net = word >> 128
        nets[tick] = net - 2**128 if net >> 127 else net
        grosses[tick] = word % 2**128
    return _Side(nets, grosses, before(wanted[most]) if len(wanted) > most else end)
