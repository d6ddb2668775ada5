"""A made-up order book around a given mid, the same for the same seed.

Owns: its shape: one tick wide at the touch, thinner near it, gaps growing with distance.
Must not: pass for a market; its source says that it is generated.
"""

import random
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from oms.domain.quotes import BookLevel, OrderBook

_MEAN_SIZE = 6.0
_MEAN_GAP_TICKS = 3.0


def generated_book(
    seed: int,
    mid: Decimal,
    *,
    exchange: str = "paper",
    symbol: str = "ETH/USDT",
    price_step: Decimal = Decimal("0.01"),
    size_step: Decimal = Decimal("0.001"),
    levels: int = 500,
    received_at: float = 0.0,
) -> OrderBook:
    """A book whose best prices are the nearest ticks on either side of `mid`, never at it."""
    dice = random.Random(seed)  # noqa: S311 (a market model, not a secret)
    below = ((mid / price_step).to_integral_value(ROUND_CEILING) - 1) * price_step
    above = ((mid / price_step).to_integral_value(ROUND_FLOOR) + 1) * price_step
    shape = (dice, price_step, size_step, levels)
    return OrderBook(
        exchange=exchange,
        symbol=symbol,
        bids=_side(below, lambda price, step: price - step, *shape),
        asks=_side(above, lambda price, step: price + step, *shape),
        sequence=seed,
        received_at=received_at,
        source=f"generated, seed {seed}, mid {mid:f}",
    )


def _side(
    start: Decimal,
    away: Callable[[Decimal, Decimal], Decimal],
    dice: random.Random,
    price_step: Decimal,
    size_step: Decimal,
    count: int,
) -> tuple[BookLevel, ...]:
    price, levels = start, []
    for rank in range(count):
        if price <= 0:
            break
        mean = _MEAN_SIZE * (0.5 + min(rank, 40) / 20)
        lots = max(1, round(dice.expovariate(1 / mean) / float(size_step)))
        levels.append(BookLevel(price, lots * size_step))
        price = away(price, price_step * max(1, round(dice.expovariate(1 / _MEAN_GAP_TICKS))))
    return tuple(levels)
