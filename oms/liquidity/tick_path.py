"""A pool's whole steps in one direction, cumulated as far as any quote has asked.

Owns: the fast exact quote, by bisection over whole steps and one partial step.
Must not: change once grown, or round otherwise than `ConcentratedPool.swap`, its plain twin.
"""

from bisect import bisect_left
from threading import Lock
from typing import NamedTuple

from oms.errors import BeyondKnownRange, QuoteRefused, Refusal
from oms.liquidity.pool import Limits
from oms.liquidity.swap_math import PIPS, amount_paid, amount_taken, fee_on, price_after_input, swap_step
from oms.liquidity.tick_map import TickMap, next_boundary
from oms.liquidity.tick_math import MAX_SQRT_PRICE_X96, MIN_SQRT_PRICE_X96, tick_at_sqrt_price
from oms.units import UINT128_MAX

INT256_MAX = 2**255 - 1
INT128_MAX = 2**127 - 1
_NEVER = 2**512
"""Input that completes a step when the whole input is fee: more than any order."""


class PathPoint(NamedTuple):
    """State before a step, and what the whole steps before it took in and paid out."""

    amount_in: int
    amount_out: int
    sqrt_price_x96: int
    liquidity: int
    tick: int
    ticks_crossed: int


class TickPath:
    """The whole steps from a pool's state in one direction, cumulated; grown on demand, never changed.

    `starts[i]` is the state before step i and `starts[i + 1]` the one after it; `ends_in[i]` and `ends_out[i]` are what
    steps 0..i take and pay. Lists only grow, `starts` first, so that readers need no lock.
    The last step may be one that can be entered but not completed (`cut` is its index): at the known range's edge, or
    where the ticks' data contradict the pool's liquidity. Its `ends_in` is then the most that stays inside, and its
    `ends_out` what reaching the edge would pay.
    """

    __slots__ = (
        "_cut_price",
        "_end",
        "_limit",
        "_lock",
        "_map",
        "_spacing",
        "cut",
        "ends_in",
        "ends_out",
        "fee_pips",
        "kept_pips",
        "largest",
        "starts",
        "walked_in",
        "zero_for_one",
    )

    def __init__(
        self,
        origin: PathPoint,
        tick_map: TickMap,
        *,
        zero_for_one: bool,
        spacing: int,
        fee_pips: int,
        largest: int,
    ) -> None:
        """`largest` is the amount type's maximum: int256's in v3; int128's in v4, where `settle` takes no more."""
        self.zero_for_one = zero_for_one
        self.fee_pips = fee_pips
        self.kept_pips = PIPS - fee_pips
        self.largest = largest
        self.starts = [origin]
        self.ends_in: list[int] = []
        self.ends_out: list[int] = []
        self.walked_in = 0
        self.cut = -1
        self._cut_price = 0
        self._map = tick_map
        self._spacing = spacing
        self._limit = widest_limit(zero_for_one)
        price = origin.sqrt_price_x96
        exhausted = price <= self._limit if zero_for_one else price >= self._limit
        self._end = Refusal.INSUFFICIENT_LIQUIDITY if exhausted else None
        self._lock = Lock()

    def reach_in(self, amount_in: int) -> int:
        """Return the step in which an input ends, walking on as far as that needs. Raises `QuoteRefused`."""
        if amount_in <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "sell more than zero")
        if amount_in > self.largest:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the input exceeds what the pool can be asked; sell less")
        return self._walk(self.ends_in, amount_in)

    def reach_out(self, amount_out: int) -> int:
        """Return the step in which an output is complete, likewise."""
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "buy more than zero")
        if amount_out > self.largest:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the output exceeds what the pool can be asked; buy less")
        if self.fee_pips == PIPS:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the fee is the whole input; sell instead")
        return self._walk(self.ends_out, amount_out)

    def sell(self, amount_in: int) -> PathPoint:
        """Return the state after selling `amount_in`, with the totals in and out. Raises `QuoteRefused`."""
        index = self.reach_in(amount_in)
        if amount_in == self.ends_in[index]:
            return self._within_caps(self.starts[index + 1])
        return self._within_caps(self._sell_part(self.starts[index], amount_in - self.starts[index].amount_in))

    def buy(self, amount_out: int) -> PathPoint:
        """Return the state after buying `amount_out`, with the totals in and out. Raises `QuoteRefused`."""
        index = self.reach_out(amount_out)
        start, after = self.starts[index], self.starts[index + 1]
        target = self._cut_price if index == self.cut else after.sqrt_price_x96
        wanted = amount_out - start.amount_out
        step = swap_step(start.sqrt_price_x96, target, start.liquidity, wanted, exact_in=False, fee_pips=self.fee_pips)
        total_in = start.amount_in + step.amount_in + step.fee
        if step.price == target:
            if index == self.cut:
                raise self._refusal()
            return self._within_caps(after._replace(amount_in=total_in, amount_out=amount_out))
        tick = start.tick if step.price == start.sqrt_price_x96 else tick_at_sqrt_price(step.price)
        return self._within_caps(
            PathPoint(total_in, amount_out, step.price, start.liquidity, tick, start.ticks_crossed)
        )

    def limits(self) -> Limits:
        """Return the largest input that can be sold on the known range, and what it buys."""
        try:
            self._walk(self.ends_in, self.largest)
        except QuoteRefused:
            if not self.ends_in or not self.ends_in[-1]:
                return Limits(0, 0)
        most = min(self.ends_in[-1], self.largest)
        try:
            return Limits(most, self.sell(most).amount_out)
        except QuoteRefused:
            # Only v4 gets here: the input fits in int128 and its output does not.
            return Limits(self.buy(self.largest).amount_in, self.largest)

    def _walk(self, ends: list[int], amount: int) -> int:
        """Return the first step whose cumulated end covers `amount`; `ends` is `ends_in` or `ends_out`."""
        if not ends or ends[-1] < amount:
            with self._lock:
                while self._end is None and (not ends or ends[-1] < amount):
                    self._append()
        index = bisect_left(ends, amount)
        if index == len(ends):
            raise self._refusal()
        return index

    def _append(self) -> None:
        start = self.starts[-1]
        # Without liquidity all steps are worth nothing: the chain's stops at word ends can be passed over.
        boundary = next_boundary(
            self._map,
            start.tick,
            spacing=self._spacing,
            zero_for_one=self.zero_for_one,
            over_words=not start.liquidity,
        )
        target = _nearer(boundary.sqrt_price_x96, self._limit, zero_for_one=self.zero_for_one)
        whole = amount_taken(start.sqrt_price_x96, target, start.liquidity)
        cost = whole + fee_on(whole, self.fee_pips) if self.kept_pips or not whole else _NEVER
        liquidity, crossed = start.liquidity, start.ticks_crossed
        tick = boundary.tick - 1 if self.zero_for_one else boundary.tick
        if target != boundary.sqrt_price_x96:
            tick = tick_at_sqrt_price(target)
        elif boundary.net is not None:
            liquidity += -boundary.net if self.zero_for_one else boundary.net
            crossed += 1
        end_out = start.amount_out + amount_paid(start.sqrt_price_x96, target, start.liquidity)
        if not boundary.known or not 0 <= liquidity <= UINT128_MAX:
            self._end_cut(start, target, cost=cost, end_out=end_out, known=boundary.known)
            return
        self._push(PathPoint(start.amount_in + cost, end_out, target, liquidity, tick, crossed), end_out=end_out)
        if target == self._limit:
            self._end = Refusal.INSUFFICIENT_LIQUIDITY

    def _end_cut(self, start: PathPoint, target: int, *, cost: int, end_out: int, known: bool) -> None:
        if cost > 1:
            self.cut, self._cut_price = len(self.ends_in), target
            self._push(self._sell_part(start, cost - 1), end_out=end_out)
        self._end = Refusal.UNSAFE_STATE if known else Refusal.BEYOND_KNOWN_RANGE

    def _push(self, after: PathPoint, *, end_out: int) -> None:
        self.starts.append(after)
        self.ends_in.append(after.amount_in)
        self.ends_out.append(end_out)
        self.walked_in = min(after.amount_in, self.largest)

    def _sell_part(self, start: PathPoint, amount_in: int) -> PathPoint:
        """Return the state after an input that does not complete the step."""
        price = start.sqrt_price_x96
        traded = amount_in * self.kept_pips // PIPS
        price_after = price_after_input(price, start.liquidity, traded, zero_for_one=self.zero_for_one)
        amount_out = amount_paid(price, price_after, start.liquidity)
        tick = start.tick if price_after == price else tick_at_sqrt_price(price_after)
        totals = start.amount_in + amount_in, start.amount_out + amount_out
        return PathPoint(*totals, price_after, start.liquidity, tick, start.ticks_crossed)

    def _within_caps(self, after: PathPoint) -> PathPoint:
        if max(after.amount_in, after.amount_out) > self.largest:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the amount exceeds int128; trade less")
        return after

    def _refusal(self) -> QuoteRefused:
        return refused(self._end or Refusal.INSUFFICIENT_LIQUIDITY)


def widest_limit(zero_for_one: bool) -> int:
    """Return the price limit that routers pass: one inside the lowest or highest price."""
    return MIN_SQRT_PRICE_X96 + 1 if zero_for_one else MAX_SQRT_PRICE_X96 - 1


def refused(reason: Refusal) -> QuoteRefused:
    """Return the refusal that says why a swap cannot be whole, and what to do about it."""
    if reason is Refusal.BEYOND_KNOWN_RANGE:
        return BeyondKnownRange("the price would leave the ticks that were loaded; load more ticks or trade less")
    if reason is Refusal.UNSAFE_STATE:
        return QuoteRefused(reason, "the ticks contradict the pool's liquidity; load the pool again")
    return QuoteRefused(reason, "the pool cannot fill the whole amount; trade less")


def _nearer(price: int, limit: int, *, zero_for_one: bool) -> int:
    return max(price, limit) if zero_for_one else min(price, limit)
