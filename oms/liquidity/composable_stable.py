"""Balancer v2 stable pools: plain, meta-stable and composable, for swaps between their underlying tokens.

Owns: the amounts that `Vault.swap` moves through such a pool (given in and given out), and its refusals.
Must not: trade the pool's own share token (a swap with it is a join or an exit), fetch rates, or follow an
amplification that is ramping: rates and amplification are those of the block that settles.
Source: Balancer v2 `StableMath` (both generations), `BaseGeneralPool.onSwap`, `ComposableStablePool._onRegularSwap`;
StableSwap paper (Egorov 2019). With Ann = amplification * n, S the sum, and D the invariant:

    Ann * S + D = Ann * D + D ** (n + 1) / (n ** n * product of balances)
"""

from dataclasses import dataclass, replace
from enum import IntEnum

from oms.errors import PoolOutdated, QuoteRefused, Refusal, StateConflict
from oms.liquidity.balancer_vault import (
    ONE,
    TOO_MUCH_FOR_VAULT_DETAIL,
    UINT112_MAX,
    ZERO_AMOUNT_DETAIL,
    add_swap_fee,
    balances_after,
    check_balances,
    indexes,
    moved,
    subtract_swap_fee,
)
from oms.liquidity.least_input import least_input
from oms.liquidity.pool import Family, Limits, Swap
from oms.liquidity.pool_events import PoolEvent, SwapFeeSet, unknown_effect
from oms.units import UINT256_MAX, Address

GAS_PER_SWAP = 102_000
"""What a stable swap adds to a settlement, approval and both transfers included: `oms.routing.gas_model`, rounded,
for a balanced pool of three tokens."""

AMP_PRECISION = 1000
_MAX_ITERATIONS = 255


class InvariantVersion(IntEnum):
    """Which generation of `_calculateInvariant` a pool's bytecode holds."""

    ROUND_DOWN = 1
    """Accumulates D ** (n + 1) / (n ** n * product), always rounding down."""
    ROUND_UP = 2
    """Accumulates n ** n * product / D ** (n - 1), rounding up for swaps."""


@dataclass(frozen=True, slots=True)
class BalancerStablePool:
    """A stable pool's state at one block, its own share token left out.

    `balances` are the Vault's cash in base units. `scaling_factors` have 18 decimals: 10 ** (18 - decimals) times the
    token's rate. `amplification` is scaled by `AMP_PRECISION`, `swap_fee` by 1e18. A `rated` pool asks
    providers for its rates, which change without an event: it must be read anew at each block.
    """

    pool_id: str
    address: Address
    tokens: tuple[Address, ...]
    balances: tuple[int, ...]
    scaling_factors: tuple[int, ...]
    amplification: int
    swap_fee: int
    invariant_version: InvariantVersion = InvariantVersion.ROUND_DOWN
    rated: bool = False

    def __post_init__(self) -> None:
        if not 2 <= len(self.tokens) == len(self.balances) == len(self.scaling_factors):
            raise StateConflict(self.pool_id, "tokens, balances and scaling factors differ in number; load again")
        if min(self.scaling_factors) <= 0 or self.amplification < AMP_PRECISION:
            raise StateConflict(self.pool_id, "scaling factors and amplification must be positive; load again")
        check_balances(self.pool_id, self.balances, swap_fee=self.swap_fee)

    @property
    def family(self) -> Family:
        """Always `BALANCER_STABLE`."""
        return Family.BALANCER_STABLE

    def amount_out(self, i: int, j: int, amount_in: int) -> int:
        """Output in token `j` for exactly `amount_in` of token `i`, rounded down; may be zero, as on chain.

        Raises:
            QuoteRefused: where the Vault or the pool reverts: zero input, an output below zero, no convergence,
                arithmetic beyond 256 bits, an empty pool.
        """
        if amount_in <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, ZERO_AMOUNT_DETAIL)
        self._require_room(i, amount_in)
        factors = self.scaling_factors
        traded = _checked(subtract_swap_fee(amount_in, self.swap_fee) * factors[i]) // ONE
        balances = self._scaled_balances()
        invariant = self._invariant(balances)
        balances[i] += traded
        final = _balance_given_invariant(self.amplification, balances, invariant, index=j)
        bought = balances[j] - final - 1
        if bought < 0:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "the output is below the rounding (BAL#001); sell more")
        return bought * ONE // factors[j]

    def amount_in(self, i: int, j: int, amount_out: int) -> int:
        """Input in token `i` that the Vault takes for exactly `amount_out` of token `j` (given out), rounded up.

        Raises:
            QuoteRefused: where the Vault or the pool reverts; as `amount_out`, and for the whole balance or more.
        """
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, ZERO_AMOUNT_DETAIL)
        if amount_out >= self.balances[j]:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, f"the pool holds {self.balances[j]}; buy less")
        factors = self.scaling_factors
        balances = self._scaled_balances()
        invariant = self._invariant(balances)
        balances[j] -= amount_out * factors[j] // ONE
        final = _balance_given_invariant(self.amplification, balances, invariant, index=i)
        if final < balances[i]:
            raise QuoteRefused(Refusal.UNSAFE_STATE, "the input would be negative (BAL#001); buy more")
        needed = _checked((final - balances[i] + 1) * ONE)
        amount_in = add_swap_fee(-(-needed // factors[i]), self.swap_fee)
        self._require_room(i, amount_in)
        return amount_in

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """`Vault.swap` given in; see `amount_out`."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        return self._swapped(i, j, amount_in, amount_out=self.amount_out(i, j, amount_in))

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """`Vault.swap` given out; see `amount_in`. Sold as an exact input it may buy a trace less."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        return self._swapped(i, j, self.amount_in(i, j, amount_out), amount_out=amount_out)

    def quote_least_in(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """The least exact input that buys `amount_out` or more, settled as a swap given in."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        guess = self.amount_in(i, j, amount_out)
        ceiling = max(UINT112_MAX - self.balances[i], 1)
        amount_in = least_input(lambda x: self.amount_out(i, j, x), amount_out, guess=guess, ceiling=ceiling)
        return self._swapped(i, j, amount_in, amount_out=self.amount_out(i, j, amount_in))

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """The Vault's headroom, and all but one unit of the balance."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        if not all(self.balances):
            return Limits(0, 0)
        return Limits(UINT112_MAX - self.balances[i], self.balances[j] - 1)

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units of `token_out` per base unit of `token_in`, after the fee; zero for an empty pool."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        if not all(self.balances):
            return 0.0
        balances = self._scaled_balances()
        count = len(balances)
        invariant = float(self._invariant(balances))
        curvature = invariant
        for balance in balances:
            curvature *= invariant / (balance * count)
        linear = self.amplification * count / AMP_PRECISION
        slope = (linear + curvature / balances[i]) / (linear + curvature / balances[j])
        return slope * (self.scaling_factors[i] / self.scaling_factors[j]) * (1 - self.swap_fee / ONE)

    def apply(self, event: PoolEvent) -> "BalancerStablePool":
        """The pool after the Vault's `Swap` or `PoolBalanceChanged`, or its own new fee. Raises `PoolOutdated`."""
        if self.rated:
            raise unknown_effect(self.pool_id, event)
        if isinstance(event, SwapFeeSet):
            if not 0 <= event.swap_fee < ONE:
                raise PoolOutdated(self.pool_id, "the new swap fee is not below one; load the pool again")
            return replace(self, swap_fee=event.swap_fee)
        after = balances_after(self.pool_id, self.tokens, self.balances, event, share=self.address)
        return replace(self, balances=after)

    def _scaled_balances(self) -> list[int]:
        return [balance * factor // ONE for balance, factor in zip(self.balances, self.scaling_factors, strict=True)]

    def _invariant(self, balances: list[int]) -> int:
        if not all(balances):
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "a balance is zero; use another pool")
        if self.invariant_version is InvariantVersion.ROUND_UP:
            return _invariant_up(self.amplification, balances)
        return _invariant_down(self.amplification, balances)

    def _require_room(self, i: int, amount_in: int) -> None:
        if amount_in > UINT112_MAX - self.balances[i]:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, TOO_MUCH_FOR_VAULT_DETAIL)

    def _swapped(self, i: int, j: int, amount_in: int, *, amount_out: int) -> Swap:
        after = replace(self, balances=moved(self.balances, i, amount_in, j=j, amount_out=amount_out))
        return Swap(amount_in, amount_out, GAS_PER_SWAP, after)


def _invariant_down(amplification: int, balances: list[int]) -> int:
    """D by Newton's method, every division rounded down. Raises `QuoteRefused`."""
    count = len(balances)
    total = sum(balances)
    invariant = total
    ann = amplification * count
    linear = _checked(ann * total) // AMP_PRECISION
    for _ in range(_MAX_ITERATIONS):
        accumulated = invariant
        for balance in balances:
            accumulated = _checked(accumulated * invariant) // (balance * count)
        previous = invariant
        numerator = _checked((linear + accumulated * count) * invariant)
        denominator = _checked((ann - AMP_PRECISION) * invariant) // AMP_PRECISION + (count + 1) * accumulated
        invariant = _divided(numerator, denominator)
        if abs(invariant - previous) <= 1:
            return invariant
    raise QuoteRefused(Refusal.NOT_CONVERGED, "the invariant did not converge (BAL#321); use another pool")


def _invariant_up(amplification: int, balances: list[int]) -> int:
    """D by Newton's method, rounded up as the older pools do for swaps. Raises `QuoteRefused`."""
    count = len(balances)
    total = sum(balances)
    invariant = total
    ann = amplification * count
    for _ in range(_MAX_ITERATIONS):
        accumulated = balances[0] * count
        for balance in balances[1:]:
            accumulated = -(-_checked(accumulated * balance * count) // invariant)
        previous = invariant
        weighted = -(-_checked(ann * total * accumulated) // AMP_PRECISION)
        numerator = _checked(count * invariant * invariant + weighted)
        excess = _checked((ann - AMP_PRECISION) * accumulated) // AMP_PRECISION
        invariant = -(-numerator // ((count + 1) * invariant + excess))
        if abs(invariant - previous) <= 1:
            return invariant
    raise QuoteRefused(Refusal.NOT_CONVERGED, "the invariant did not converge (BAL#321); use another pool")


def _balance_given_invariant(amplification: int, balances: list[int], invariant: int, *, index: int) -> int:
    """The balance at `index` that keeps the invariant beside the others, rounded up. Raises `QuoteRefused`."""
    count = len(balances)
    ann = amplification * count
    accumulated = balances[0] * count
    for balance in balances[1:]:
        accumulated = _divided(_checked(accumulated * balance * count), invariant)
    total = sum(balances) - balances[index]
    squared = _checked(invariant * invariant)
    quotient = -_divided(-squared, _checked(ann * accumulated))
    constant = _checked(quotient * AMP_PRECISION * balances[index])
    linear = total + invariant // ann * AMP_PRECISION
    balance = -_divided(-_checked(squared + constant), invariant + linear)
    for _ in range(_MAX_ITERATIONS):
        previous = balance
        denominator = 2 * balance + linear - invariant
        if denominator < 0:
            raise QuoteRefused(Refusal.MATH_OVERFLOW, "the balance fell below zero (BAL#001); use another pool")
        balance = -_divided(-_checked(balance * balance + constant), denominator)
        if abs(balance - previous) <= 1:
            return balance
    raise QuoteRefused(Refusal.NOT_CONVERGED, "the balance did not converge (BAL#322); ask for less")


def _checked(value: int) -> int:
    if value > UINT256_MAX:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "arithmetic beyond 256 bits (BAL#003); ask for less")
    return value


def _divided(dividend: int, divisor: int) -> int:
    if not divisor:
        raise QuoteRefused(Refusal.UNSAFE_STATE, "division by zero (BAL#004); the pool is too unbalanced")
    return dividend // divisor
