"""The smallest input that buys a wanted output, for settling an exact-out request by an exact-in swap.

Owns: `least_input`, a search over any venue's exact-in function.
Must not: know a venue's formula.
"""

from collections.abc import Callable

from oms.errors import QuoteRefused, Refusal


def least_input(amount_out: Callable[[int], int], wanted: int, *, guess: int, ceiling: int) -> int:
    """The least `x` found in `[1, ceiling]` with `amount_out(x) >= wanted`, one less being refused or not enough.

    Where the venue's rounding makes `amount_out` dip, a smaller such `x` may exist; the one returned still suffices.
    A guess near the answer costs about ten evaluations.

    Raises:
        QuoteRefused: `INSUFFICIENT_LIQUIDITY` if not even `ceiling` suffices.
    """

    def suffices(amount_in: int) -> bool:
        try:
            return amount_out(amount_in) >= wanted
        except QuoteRefused:
            return False

    high = min(max(guess, 1), ceiling)
    low, step = high - 1, 1
    if suffices(high):
        while low > 0 and suffices(low):
            low, high, step = max(low - step, 0), low, step * 2
    else:
        low, high = high, _first_sufficient(suffices, high, ceiling)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def _first_sufficient(suffices: Callable[[int], bool], failing: int, ceiling: int) -> int:
    step = 1
    while failing < ceiling:
        candidate = min(failing + step, ceiling)
        if suffices(candidate):
            return candidate
        failing, step = candidate, step * 2
    raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "no input buys that much; ask for less")
