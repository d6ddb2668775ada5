"""The initialized ticks of a concentrated pool, as far as they were loaded, and the boundaries between its steps.

Owns: where a swap's next step must stop. Must not: guess a tick that was not loaded, or compute amounts.
Source: Uniswap v3 core `TickBitmap.nextInitializedTickWithinOneWord`, which v4 keeps.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from oms.errors import StateConflict
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick


@dataclass(frozen=True, slots=True)
class TickMap:
    """The initialized ticks, ascending, with their `liquidity_net`, complete on [known_min_tick, known_max_tick].

    A tick whose net is zero but which is initialized belongs in it: the chain stops there, and rounds.
    A range that ends on bitmap words (first tick a multiple of 256 spacings, last tick 255 spacings on) loses nothing.
    """

    ticks: tuple[int, ...]
    nets: tuple[int, ...]
    known_min_tick: int = MIN_TICK
    known_max_tick: int = MAX_TICK

    def __post_init__(self) -> None:
        if len(self.ticks) != len(self.nets) or any(a >= b for a, b in zip(self.ticks, self.ticks[1:], strict=False)):
            raise StateConflict("tick map", "ticks must ascend, with one liquidity_net each; load them again")
        if self.ticks and not self.known_min_tick <= self.ticks[0] <= self.ticks[-1] <= self.known_max_tick:
            raise StateConflict("tick map", "an initialized tick lies outside the known range; widen the range")

    @classmethod
    def of(
        cls, liquidity_net: Mapping[int, int], *, known_min_tick: int = MIN_TICK, known_max_tick: int = MAX_TICK
    ) -> "TickMap":
        """Build from {tick: liquidity_net}; ticks outside the known range are left out."""
        ticks = tuple(tick for tick in sorted(liquidity_net) if known_min_tick <= tick <= known_max_tick)
        return cls(ticks, tuple(liquidity_net[tick] for tick in ticks), known_min_tick, known_max_tick)


class Boundary(NamedTuple):
    """Where a step may go at most. `known` is false where it was cut at the known range's edge."""

    tick: int
    sqrt_price_x96: int
    net: int | None
    known: bool


def next_boundary(
    tick_map: TickMap, tick: int, *, spacing: int, zero_for_one: bool, over_words: bool = False
) -> Boundary:
    """`nextInitializedTickWithinOneWord`, clamped to the tick range, and cut at the edge of what is known.

    With `over_words` the ends of bitmap words are no boundaries.
    """
    ticks = tick_map.ticks
    index = bisect_right(ticks, tick)
    if zero_for_one:
        index -= 1
        end = MIN_TICK if over_words else max((tick // spacing & ~0xFF) * spacing, MIN_TICK)
        initialized = index >= 0 and ticks[index] >= end
        known = initialized or end >= tick_map.known_min_tick
        edge = tick_map.known_min_tick - 1
    else:
        end = MAX_TICK if over_words else min((tick // spacing + 1 | 0xFF) * spacing, MAX_TICK)
        initialized = index < len(ticks) and ticks[index] <= end
        known = initialized or end <= tick_map.known_max_tick
        edge = tick_map.known_max_tick + 1
    if initialized:
        return Boundary(ticks[index], sqrt_price_at_tick(ticks[index]), tick_map.nets[index], known=True)
    reached = end if known else edge
    return Boundary(reached, sqrt_price_at_tick(reached), None, known)
