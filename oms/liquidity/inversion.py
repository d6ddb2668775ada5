"""Turning exact-input pools round: the least input that buys an amount, where the venue has no exact output.

Owns: the search, in integers, on a function that pays more for more.
Must not: know any pool's mathematics, or guess where to start.
"""

from collections.abc import Callable

from oms.errors import QuoteRefused, Refusal


def least_input(pays: Callable[[int], int], wanted: int, *, guess: int) -> int:
    """The input at which `pays` reaches `wanted` while one unit less does not, found from `guess` outwards.

    Where `pays` never falls, that is the least input. Costs about twice the bits of the guess's error in calls.
    Raises `QuoteRefused` as `pays` does, when it refuses before it pays enough.
    """

    def reached(amount: int) -> bool:
        try:
            return pays(amount) >= wanted
        except QuoteRefused as refused:
            return refused.reason not in (Refusal.ZERO_OUTPUT, Refusal.ZERO_AMOUNT)

    low = high = max(guess, 1)
    step = 1
    if reached(high):
        while low > 0 and reached(low):
            low, high, step = max(low - step, 0), low, step * 4
    else:
        while not reached(high):
            low, high, step = high, high + step, step * 4
    while high - low > 1:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle
    pays(high)
    return high
