"""The initialized ticks of a concentrated pool, as far as they were loaded, and the boundaries between its steps.

Owns: where a swap's next step must stop. Must not: guess a tick that was not loaded, or compute amounts.
Source: Uniswap v3 core `TickBitmap.nextInitializedTickWithinOneWord`, which v4 keeps.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from oms.errors import StateConflict
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick


@dataclass(frozen=True, slots=True)
class TickMap:
    """The initialized ticks, ascending, with their `liquidity_net`, complete on [known_min_tick, known_max_tick].

    A tick whose net is zero but which is initialized belongs in it: the chain stops there, and rounds.
    A range that ends on bitmap words (first tick a multiple of 256 spacings, last tick 255 spacings on) loses nothing.
    `grosses`, where known, are the ticks' `liquidity_gross`: they tell when a tick stops being initialized.
    """

    ticks: tuple[int, ...]
    nets: tuple[int, ...]
    known_min_tick: int = MIN_TICK
    known_max_tick: int = MAX_TICK
    grosses: tuple[int, ...] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if len(self.ticks) != len(self.nets) or any(a >= b for a, b in zip(self.ticks, self.ticks[1:], strict=False)):
            raise StateConflict("tick map", "ticks must ascend, with one liquidity_net each; load them again")
        if self.grosses is not None and len(self.grosses) != len(self.ticks):
            raise StateConflict("tick map", "each tick has one liquidity_gross; load them again")
        if self.ticks and not self.known_min_tick <= self.ticks[0] <= self.ticks[-1] <= self.known_max_tick:
            raise StateConflict("tick map", "an initialized tick lies outside the known range; widen the range")

    @classmethod
    def of(
        cls,
        liquidity_net: Mapping[int, int],
        *,
        known_min_tick: int = MIN_TICK,
        known_max_tick: int = MAX_TICK,
        liquidity_gross: Mapping[int, int] | None = None,
    ) -> "TickMap":
        """Build from {tick: liquidity_net}; ticks outside the known range are left out."""
        ticks = tuple(tick for tick in sorted(liquidity_net) if known_min_tick <= tick <= known_max_tick)
        grosses = None if liquidity_gross is None else tuple(liquidity_gross[tick] for tick in ticks)
        return cls(ticks, tuple(liquidity_net[tick] for tick in ticks), known_min_tick, known_max_tick, grosses)

    def crossed(self, tick: int, new_tick: int) -> int:
        """By how much the liquidity in range differs at `new_tick` from that at `tick`; both on the known range."""
        low, high = sorted((tick, new_tick))
        between = sum(self.nets[bisect_right(self.ticks, low) : bisect_right(self.ticks, high)])
        return between if new_tick > tick else -between

    def with_liquidity(self, lower: int, upper: int, delta: int) -> "TickMap":
        """The ticks after `delta` more liquidity (less where negative) on [lower, upper).

        What lies outside the known range stays unknown. Raises `StateConflict` where a tick could not have had that
        liquidity, or where it is unknown whether the tick is still initialized.
        """
        changed = self
        for tick, net in ((lower, delta), (upper, -delta)):
            if self.known_min_tick <= tick <= self.known_max_tick:
                changed = changed._with_net(tick, net, gross=delta)
        return changed

    def _with_net(self, tick: int, net: int, *, gross: int) -> "TickMap":
        at = bisect_left(self.ticks, tick)
        held = at < len(self.ticks) and self.ticks[at] == tick
        if not held and gross < 0:
            raise StateConflict("tick map", f"tick {tick} holds no liquidity to take away; load the ticks again")
        new_net = net + (self.nets[at] if held else 0)
        new_gross = None
        if self.grosses is not None:
            new_gross = gross + (self.grosses[at] if held else 0)
            if new_gross < abs(new_net):
                raise StateConflict("tick map", f"tick {tick} holds less than was taken from it; load the ticks again")
        elif gross < 0 and not new_net:
            raise StateConflict("tick map", f"tick {tick} may or may not be initialized still; load the ticks again")
        gone = new_gross == 0
        return TickMap(
            _spliced(self.ticks, at, () if gone else (tick,), over=held),
            _spliced(self.nets, at, () if gone else (new_net,), over=held),
            self.known_min_tick,
            self.known_max_tick,
            None if new_gross is None else _spliced(self.grosses or (), at, () if gone else (new_gross,), over=held),
        )


def _spliced(values: tuple[int, ...], at: int, new: tuple[int, ...], *, over: bool) -> tuple[int, ...]:
    """`values` with `new` at a position, in its entry's place where it goes `over` one."""
    return values[:at] + new + values[at + over :]


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
