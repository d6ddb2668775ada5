"""Balancer v2 weighted pools: constant weighted product of two to eight balances.

Owns: the amounts that `Vault.swap` moves through a `WeightedPool` (given in and given out), and its refusals.
Must not: join or exit, price the pool's share token, or model paused pools.
Source: Balancer v2 `WeightedMath._calcOutGivenIn`, `_calcInGivenOut`, `FixedPoint.powUp`,
`BaseMinimalSwapInfoPool.onSwap`; Balancer white paper, section 3.

    out = balance_out * (1 - (balance_in / (balance_in + in)) ** (weight_in / weight_out))
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

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
    largest_before_fee,
    moved,
)
from oms.liquidity.least_input import least_input
from oms.liquidity.log_exp import power, power_below_one
from oms.liquidity.pool import Family, Limits, Swap
from oms.liquidity.pool_events import PoolEvent, SwapFeeSet
from oms.units import UINT256_MAX, Address

GAS_PER_SWAP = 68_000
"""What a weighted swap adds to a settlement, approval and both transfers included: `oms.routing.gas_model`, rounded."""

MAX_IN_RATIO = 3 * 10**17
MAX_OUT_RATIO = 3 * 10**17
_POWER_ERROR_DIVISOR = 10**14
"""The contract grants its own `pow` a relative error of 1e-14."""

_TWO = 2 * ONE
_FOUR = 4 * ONE


class PowVersion(StrEnum):
    """How a pool's bytecode raises to a power."""

    V1 = "v1"
    """Always by logarithm, plus the error bound (pools of the first factories, 2021)."""
    V2 = "v2"
    """Exponents of exactly 1, 2 and 4 by multiplication (factories of 2022 and later)."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Constants of one direction; balances are scaled to 18 decimals, limits are raw amounts."""

    balance_in: int
    balance_out: int
    exponent_out: int
    max_amount_out: int
    room_in: int
    scale_in: int
    scale_out: int
    selling: tuple[int, int, int, int, int, int, int, int, bool]
    """What `amount_out` needs, in the order in which it unpacks it."""


@dataclass(frozen=True, slots=True)
class WeightedPool:
    """A weighted pool's state at one block.

    `weights` and `swap_fee` have 18 decimals; `balances` are the Vault's cash, in base units; all in the order in
    which the tokens are registered. `pool_id` is the Vault's 32-byte id.
    """

    pool_id: str
    address: Address
    tokens: tuple[Address, ...]
    balances: tuple[int, ...]
    weights: tuple[int, ...]
    decimals: tuple[int, ...]
    swap_fee: int
    pow_version: PowVersion = PowVersion.V2
    _pairs: dict[tuple[int, int], _Pair] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 2 <= len(self.tokens) == len(self.balances) == len(self.weights) == len(self.decimals):
            raise StateConflict(self.pool_id, "tokens, balances, weights and decimals differ in number; load again")
        if min(self.weights) <= 0 or min(self.decimals) < 0 or max(self.decimals) > 18:
            raise StateConflict(self.pool_id, "weights must be positive, decimals from 0 to 18; load again")
        check_balances(self.pool_id, self.balances, swap_fee=self.swap_fee)

    @property
    def family(self) -> Family:
        """Always `BALANCER_WEIGHTED`."""
        return Family.BALANCER_WEIGHTED

    def amount_out(self, i: int, j: int, amount_in: int) -> int:
        """Output in token `j` for exactly `amount_in` of token `i`, rounded down; may be zero, as on chain.

        Raises:
            QuoteRefused: zero input, more than 30 % of the balance, or beyond the Vault's range.
        """
        pair = self._pairs.get((i, j)) or self._pair(i, j)
        max_amount_in, kept, scale_in, scale_out, inflated, balance_in, balance_out, exponent, shortcut = pair.selling
        if not 0 < amount_in <= max_amount_in:
            raise self._input_refused(pair, amount_in)
        # The routing's hot path, 2 µs in all; hence the tuple, and the fee and powUp written out. Twin in the tests.
        divisor = balance_in + amount_in * kept // ONE * scale_in
        base = (inflated + divisor - 1) // divisor
        if shortcut:
            raised = base if exponent == ONE else _power_up(base, exponent, version=PowVersion.V2)
        else:
            # FixedPoint.powUp: the power, plus its relative error of 1e-14 rounded up, plus one.
            raw = power_below_one(base, exponent)
            raised = raw + (raw - 1) // _POWER_ERROR_DIVISOR + 2
        if raised >= ONE:
            return 0
        return balance_out * (ONE - raised) // ONE // scale_out

    def amount_in(self, i: int, j: int, amount_out: int) -> int:
        """Input in token `i` that the Vault takes for exactly `amount_out` of token `j` (given out), rounded up.

        Raises:
            QuoteRefused: zero output, more than 30 % of the balance, or beyond the Vault's range.
        """
        pair = self._pairs.get((i, j)) or self._pair(i, j)
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, ZERO_AMOUNT_DETAIL)
        if not pair.balance_in or not pair.balance_out:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the pool is empty; use another pool")
        if amount_out > pair.max_amount_out:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "more than 30 % of the pool (BAL#305); buy less")
        base = -(-pair.balance_out * ONE // (pair.balance_out - amount_out * pair.scale_out))
        # Never below one: the base is not, and the error bound is added.
        ratio = _power_up(base, pair.exponent_out, version=self.pow_version) - ONE
        product = pair.balance_in * ratio
        if product > UINT256_MAX:
            raise QuoteRefused(Refusal.MATH_OVERFLOW, "the input exceeds 256 bits (BAL#003); buy less")
        amount_in = add_swap_fee(-(-product // (ONE * pair.scale_in)), self.swap_fee)
        if amount_in > pair.room_in:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, TOO_MUCH_FOR_VAULT_DETAIL)
        return amount_in

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """`Vault.swap` given in; see `amount_out`."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        return self._swapped(i, j, amount_in, amount_out=self.amount_out(i, j, amount_in))

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """`Vault.swap` given out; see `amount_in`.

        Sold as an exact input instead, this `amount_in` may buy a trace less (relative 1e-14 of the balance), as both
        of the contract's roundings favour the pool: see `quote_least_in`.
        """
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        return self._swapped(i, j, self.amount_in(i, j, amount_out), amount_out=amount_out)

    def quote_least_in(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """The least exact input that buys `amount_out` or more, settled as a swap given in."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        guess = self.amount_in(i, j, amount_out)
        ceiling = max(self.limits(token_in, token_out).max_amount_in, 1)
        amount_in = least_input(lambda x: self.amount_out(i, j, x), amount_out, guess=guess, ceiling=ceiling)
        return self._swapped(i, j, amount_in, amount_out=self.amount_out(i, j, amount_in))

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """30 % of each balance, the input before its fee."""
        pair = self._pair(*indexes(self.pool_id, self.tokens, token_in, token_out))
        return Limits(pair.selling[0], pair.max_amount_out if pair.balance_in else 0)

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units of `token_out` per base unit of `token_in`, after the fee; zero for an empty pool."""
        i, j = indexes(self.pool_id, self.tokens, token_in, token_out)
        if not self.balances[i]:
            return 0.0
        ratio = (self.balances[j] * self.weights[i]) / (self.balances[i] * self.weights[j])
        return ratio * (1 - self.swap_fee / ONE)

    def apply(self, event: PoolEvent) -> "WeightedPool":
        """The pool after the Vault's `Swap` or `PoolBalanceChanged`, or its own new fee. Raises `PoolOutdated`."""
        if isinstance(event, SwapFeeSet):
            if not 0 <= event.swap_fee < ONE:
                raise PoolOutdated(self.pool_id, "the new swap fee is not below one; load the pool again")
            return replace(self, swap_fee=event.swap_fee)
        after = balances_after(self.pool_id, self.tokens, self.balances, event, share=self.address)
        return replace(self, balances=after)

    def _pair(self, i: int, j: int) -> _Pair:
        known = self._pairs.get((i, j))
        if known is not None:
            return known
        scale_in, scale_out = 10 ** (18 - self.decimals[i]), 10 ** (18 - self.decimals[j])
        balance_in, balance_out = self.balances[i] * scale_in, self.balances[j] * scale_out
        room_in = UINT112_MAX - self.balances[i]
        most_traded = balance_in * MAX_IN_RATIO // ONE // scale_in
        max_amount_in = min(largest_before_fee(most_traded, self.swap_fee), room_in) if balance_in else 0
        exponent = self.weights[i] * ONE // self.weights[j]
        shortcut = self.pow_version is PowVersion.V2 and exponent in _SHORTCUTS
        scales = scale_in, scale_out
        balances = balance_in * ONE, balance_in, balance_out
        pair = _Pair(
            balance_in=balance_in,
            balance_out=balance_out,
            exponent_out=-(-self.weights[j] * ONE // self.weights[i]),
            max_amount_out=balance_out * MAX_OUT_RATIO // ONE // scale_out,
            room_in=room_in,
            scale_in=scale_in,
            scale_out=scale_out,
            selling=(max_amount_in, ONE - self.swap_fee, *scales, *balances, exponent, shortcut),
        )
        self._pairs[i, j] = pair
        return pair

    def _swapped(self, i: int, j: int, amount_in: int, *, amount_out: int) -> Swap:
        after = WeightedPool(  # half the time of `replace`
            self.pool_id,
            self.address,
            self.tokens,
            moved(self.balances, i, amount_in, j=j, amount_out=amount_out),
            self.weights,
            self.decimals,
            self.swap_fee,
            self.pow_version,
        )
        return Swap(amount_in, amount_out, GAS_PER_SWAP, after)

    def _input_refused(self, pair: _Pair, amount_in: int) -> QuoteRefused:
        if amount_in <= 0:
            return QuoteRefused(Refusal.ZERO_AMOUNT, ZERO_AMOUNT_DETAIL)
        if not pair.balance_in:
            return QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the pool is empty; use another pool")
        if amount_in > pair.room_in:
            return QuoteRefused(Refusal.AMOUNT_TOO_LARGE, TOO_MUCH_FOR_VAULT_DETAIL)
        return QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "more than 30 % of the pool (BAL#304); sell less")


_SHORTCUTS = frozenset((ONE, _TWO, _FOUR))


def _power_up(base: int, exponent: int, *, version: PowVersion) -> int:
    """`FixedPoint.powUp`: the power rounded up, with the contract's own error bound."""
    if version is PowVersion.V2 and exponent in _SHORTCUTS:
        raised = base
        while exponent > ONE:
            raised = -(-raised * raised // ONE)
            exponent //= 2
        return raised
    raw = power(base, exponent)
    return raw - (-raw // _POWER_ERROR_DIVISOR) + 1
