"""Constant-product pairs: Uniswap v2 and its forks that differ only in the fee.

Owns: the amounts that `UniswapV2Pair.swap` accepts, and its refusals.
Must not: model a router's path, a fee-on-transfer token, or coins donated to the pair since its last `sync`.
Source: Uniswap v2 core, `UniswapV2Pair.swap` and `_update` (the K check with the fee taken from the input).

With fee factor f = numerator / denominator (997/1000), the pair accepts `out` for `in` exactly when
(reserve_in * denominator + in * numerator) * (reserve_out - out) >= reserve_in * reserve_out * denominator.
The largest `out`, rounded down, is the library's `getAmountOut`. The least `in` is rounded up; the library's
`getAmountIn` adds one wei more in the rare case that the division has no remainder, which the pair does not ask for.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from oms.errors import PoolOutdated, QuoteRefused, Refusal, StateConflict
from oms.liquidity.pool import Family, Limits, Swap
from oms.liquidity.pool_events import PoolEvent, ReservesSynced, unknown_effect
from oms.units import Address

UINT112_MAX = 2**112 - 1
GAS_PER_SWAP = 53_000
"""What a pair's swap adds to a settlement, both transfers included: `oms.routing.gas_model`, rounded."""


class _Curve(NamedTuple):
    """One direction's constants: headroom of the reserve, and `top - product // (base + amount_in * numerator)`."""

    room: int
    numerator: int
    base: int
    product: int
    top: int


@dataclass(frozen=True, slots=True)
class ConstantProductPool:
    """A pair's reserves at one block. `fee_numerator / fee_denominator` is the share of the input that trades."""

    pool_id: str
    token0: Address
    token1: Address
    reserve0: int
    reserve1: int
    fee_numerator: int = 997
    fee_denominator: int = 1000
    _curves: "list[_Curve | None]" = field(default_factory=lambda: [None, None], init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (0 <= self.reserve0 <= UINT112_MAX and 0 <= self.reserve1 <= UINT112_MAX):
            raise StateConflict(self.pool_id, "a reserve is not a uint112; load the pair again")
        if not 0 < self.fee_numerator <= self.fee_denominator:
            raise StateConflict(self.pool_id, "fee factor outside (0, 1]; correct the fork's settings")

    @property
    def family(self) -> Family:
        """Always `UNISWAP_V2`."""
        return Family.UNISWAP_V2

    @property
    def tokens(self) -> tuple[Address, Address]:
        """token0, token1."""
        return (self.token0, self.token1)

    def amount_out(self, zero_for_one: bool, amount_in: int) -> int:
        """Return the largest output that the pair pays for `amount_in`, rounded down. Raises `QuoteRefused`.

        One division makes it fast: the floor of the formula above is
        `reserve_out - ceil(k / d)`, with all that does not depend on the amount kept in the direction's curve.
        """
        curve = self._curves[zero_for_one]
        if curve is not None:
            room, numerator, base, product, top = curve
            if 0 < amount_in <= room and (amount_out := top - product // (base + amount_in * numerator)):
                return amount_out
        return self._amount_out_plain(zero_for_one, amount_in)

    def _amount_out_plain(self, zero_for_one: bool, amount_in: int) -> int:
        """The formula as it is written, with its refusals; the fast path's twin."""
        if zero_for_one:
            reserve_in, reserve_out = self.reserve0, self.reserve1
        else:
            reserve_in, reserve_out = self.reserve1, self.reserve0
        if amount_in <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "sell more than zero")
        if not reserve_in or not reserve_out:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the pair is empty; use another pool")
        self._curves[zero_for_one] = _Curve(
            UINT112_MAX - reserve_in,
            self.fee_numerator,
            reserve_in * self.fee_denominator,
            reserve_in * self.fee_denominator * reserve_out - 1,
            reserve_out - 1,
        )
        if reserve_in + amount_in > UINT112_MAX:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the pair's reserve would exceed uint112; sell less")
        traded = amount_in * self.fee_numerator
        amount_out = traded * reserve_out // (reserve_in * self.fee_denominator + traded)
        if not amount_out:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "sell more")
        return amount_out

    def amount_in(self, zero_for_one: bool, amount_out: int) -> int:
        """Return the least input that the pair accepts for `amount_out`, rounded up. Raises `QuoteRefused`."""
        if zero_for_one:
            reserve_in, reserve_out = self.reserve0, self.reserve1
        else:
            reserve_in, reserve_out = self.reserve1, self.reserve0
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "buy more than zero")
        if not reserve_in or amount_out >= reserve_out:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, f"the pair holds {reserve_out}; buy less")
        divisor = (reserve_out - amount_out) * self.fee_numerator
        amount_in = -(-reserve_in * amount_out * self.fee_denominator // divisor)
        if reserve_in + amount_in > UINT112_MAX:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the pair's reserve would exceed uint112; buy less")
        return amount_in

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """Sell exactly `amount_in`; see `amount_out`."""
        zero_for_one = self._direction(token_in, token_out)
        return self._swapped(zero_for_one, amount_in, amount_out=self.amount_out(zero_for_one, amount_in))

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """Buy exactly `amount_out` for the least input; see `amount_in`."""
        zero_for_one = self._direction(token_in, token_out)
        return self._swapped(zero_for_one, self.amount_in(zero_for_one, amount_out), amount_out=amount_out)

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """Input up to uint112's headroom, and what it buys; zeros if no amount can be traded."""
        zero_for_one = self._direction(token_in, token_out)
        max_amount_in = UINT112_MAX - (self.reserve0 if zero_for_one else self.reserve1)
        try:
            return Limits(max_amount_in, self.amount_out(zero_for_one, max_amount_in))
        except QuoteRefused:
            return Limits(0, 0)

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units of `token_out` per base unit of `token_in`, after the fee; zero for an empty pair."""
        zero_for_one = self._direction(token_in, token_out)
        if not self.reserve0 or not self.reserve1:
            return 0.0
        ratio = self.reserve1 / self.reserve0 if zero_for_one else self.reserve0 / self.reserve1
        return ratio * self.fee_numerator / self.fee_denominator

    def apply(self, event: PoolEvent) -> "ConstantProductPool":
        """The pair after its `Sync`, which every change of reserves ends with. Raises `PoolOutdated`."""
        if not isinstance(event, ReservesSynced):
            raise unknown_effect(self.pool_id, event)
        if not (0 < event.reserve0 <= UINT112_MAX and 0 < event.reserve1 <= UINT112_MAX):
            raise PoolOutdated(self.pool_id, "the pair was emptied; load it again")
        fee = self.fee_numerator, self.fee_denominator
        return ConstantProductPool(self.pool_id, self.token0, self.token1, event.reserve0, event.reserve1, *fee)

    def _direction(self, token_in: Address, token_out: Address) -> bool:
        if token_in == self.token0 and token_out == self.token1:
            return True
        if token_in == self.token1 and token_out == self.token0:
            return False
        raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"{self.pool_id} does not trade {token_in} for {token_out}")

    def _swapped(self, zero_for_one: bool, amount_in: int, *, amount_out: int) -> Swap:
        change0, change1 = (amount_in, -amount_out) if zero_for_one else (-amount_out, amount_in)
        after = ConstantProductPool(
            self.pool_id,
            self.token0,
            self.token1,
            self.reserve0 + change0,
            self.reserve1 + change1,
            self.fee_numerator,
            self.fee_denominator,
        )
        return Swap(amount_in, amount_out, GAS_PER_SWAP, after)
