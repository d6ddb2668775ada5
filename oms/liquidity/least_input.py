"""The smallest input that buys a wanted output, for settling an exact-out request by an exact-in swap.

Owns: `least_input`, a search over any venue's exact-in function.
Must not: know a venue's formula.
"""

from collections.abc import Callable

from oms.errors import QuoteRefused, Refusal

_TOO_SMALL = (Refusal.ZERO_AMOUNT, Refusal.ZERO_OUTPUT)


def least_input(amount_out: Callable[[int], int], wanted: int, *, guess: int, ceiling: int) -> int:
    """The least `x` found in `[1, ceiling]` with `amount_out(x) >= wanted`, and `amount_out(x - 1) < wanted`.

    Where the venue's rounding makes `amount_out` dip, a smaller such `x` may exist; the one returned still suffices.
    A guess near the answer costs about ten evaluations.

    Raises:
        QuoteRefused: whatever `amount_out` refuses but an input or output of zero; `INSUFFICIENT_LIQUIDITY` if even
            `ceiling` does not suffice.
    """

    def suffices(amount_in: int) -> bool:
        try:
            return amount_out(amount_in) >= wanted
        except QuoteRefused as refusal:
            if refusal.reason in _TOO_SMALL:
                return False
            raise

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
