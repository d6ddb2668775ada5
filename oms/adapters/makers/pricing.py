"""A small maker's prices: a fixed reference, a spread, and a price that worsens with size.

Owns: the ladder in both directions of a pair.
Must not: know inventory, or sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal

from oms.domain.quotes import IndicativeLadder, LadderLevel
from oms.domain.token import Token
from oms.units import BPS

_DOWN = Context(prec=30, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class PairPricing:
    """How one pair is priced: `mid` in quote per base, both in whole tokens.

    The level that ends at a total of S base is priced `spread_bps / 2 + skew_bps_per_base · S` away from the mid.
    `level_sizes` are the levels' own sizes in base.
    """

    base: Token
    quote: Token
    mid: Decimal
    spread_bps: Decimal
    skew_bps_per_base: Decimal
    level_sizes: tuple[Decimal, ...]

    def ladder(self, taker_token: Token, *, maker_name: str, at: float) -> IndicativeLadder:
        """Levels for a taker who gives `taker_token`; each size and price is rounded down, in the maker's favour."""
        if taker_token == self.base:
            return IndicativeLadder(maker_name, self.base, self.quote, self._bids(), at)
        return IndicativeLadder(maker_name, self.quote, self.base, self._asks(), at)

    def _bids(self) -> tuple[LadderLevel, ...]:
        priced = zip(self.level_sizes, self._distances_bps(), strict=True)
        levels = (LadderLevel(size, _plain(self.mid * (BPS - bps) / BPS)) for size, bps in priced if bps < BPS)
        return tuple(level for level in levels if level.price)

    def _asks(self) -> tuple[LadderLevel, ...]:
        levels = []
        for size, bps in zip(self.level_sizes, self._distances_bps(), strict=True):
            ask = self.mid * (BPS + bps) / BPS
            levels.append(LadderLevel(_plain(size * ask), _plain(_DOWN.divide(Decimal(1), ask))))
        return tuple(level for level in levels if level.size and level.price)

    def _distances_bps(self) -> Sequence[Decimal]:
        total, distances = Decimal(0), []
        for size in self.level_sizes:
            total += size
            distances.append(self.spread_bps / 2 + self.skew_bps_per_base * total)
        return distances


def _plain(value: Decimal) -> Decimal:
    """At most 24 decimals, so that the number prints without an exponent."""
    return value.quantize(Decimal(1).scaleb(-24), ROUND_DOWN, context=Context(prec=60)).normalize(Context(prec=60))
