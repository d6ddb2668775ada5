"""Curve's three-coin CryptoSwap pools (tricrypto2 and Tricrypto-NG), as `exchange` settles them.

Owns: scaling by precision and price scale, the dynamic fee, the A and gamma ramp, the state after a swap.
Must not: load state, or compute the invariant (`cryptoswap_math`, `tricrypto_ng_math`) or the repeg (`cryptoswap_peg`).

Source: `CurveCryptoSwap.vy` (2021) and `CurveTricryptoOptimizedWETH.vy` (2023), `exchange`. Coins sold are taken at
face value: a token that charges on transfer is not modelled, nor is native ETH (the wrapped coin is meant).
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from oms.domain.venue import Family
from oms.errors import PoolOutdated, QuoteRefused, Refusal
from oms.liquidity import cryptoswap_math, tricrypto_ng_math
from oms.liquidity.cryptoswap_math import N_COINS, WAD, require_parameters
from oms.liquidity.cryptoswap_peg import Generation, Peg, PegRules, Trade, after_trade
from oms.liquidity.least_input import least_input
from oms.liquidity.pool import Limits, Swap
from oms.liquidity.pool_events import CoinsExchanged, PoolEvent, unknown_effect
from oms.liquidity.words import checked, quotient
from oms.units import UINT256_MAX, Address

FEE_DENOMINATOR = 10**10
EXCHANGE_GAS = {Generation.TRICRYPTO: 240_000, Generation.TRICRYPTO_NG: 138_000}
"""About what `exchange` adds to a settlement, approval and both transfers included; measured on recorded mainnet."""

_DUST = 10**5
_ROUNDS_OF_GUESSING = 4


@dataclass(frozen=True, slots=True)
class AGammaRamp:
    """A (times n^n times 10000) and gamma (18 decimals), moving on straight lines while `timestamp < future_time`."""

    initial_a: int
    initial_gamma: int
    future_a: int
    future_gamma: int
    initial_time: int = 0
    future_time: int = 0

    def at(self, timestamp: int) -> tuple[int, int]:
        """A and gamma at a block's time, rounded as `_A_gamma()` does. Raises `QuoteRefused` before the ramp began."""
        if timestamp >= self.future_time:
            return self.future_a, self.future_gamma
        duration = checked(self.future_time - self.initial_time)
        elapsed = checked(timestamp - self.initial_time)
        left = duration - elapsed
        return (
            checked(self.initial_a * left + self.future_a * elapsed) // duration,
            checked(self.initial_gamma * left + self.future_gamma * elapsed) // duration,
        )


@dataclass(frozen=True, slots=True)
class DynamicFee:
    """From `mid_fee` when balanced to `out_fee` when lopsided, parts of 1e10; `fee_gamma` (18 decimals) bends it."""

    mid_fee: int
    out_fee: int
    fee_gamma: int

    def at(self, xp: tuple[int, int, int] | list[int]) -> int:
        """The fee at scaled balances, parts of 1e10, rounded down."""
        balance = cryptoswap_math.reduction_coefficient(xp, self.fee_gamma)
        return (self.mid_fee * balance + self.out_fee * (WAD - balance)) // WAD


class _Scene(NamedTuple):
    """What any trade at one state starts from."""

    ann: int
    gamma: int
    xp: tuple[int, int, int]
    d: int


class _Outcome(NamedTuple):
    amount_out: int
    k0_guess: int
    xp: list[int]


@dataclass(frozen=True, slots=True)
class CryptoSwapPool:
    """One pool at one state; `timestamp` is the block time at which `exchange` is assumed to run.

    The time moves A and gamma during a ramp, and the price oracle at the first trade of a block; so it changes no
    amount of a first trade outside a ramp, but may change a second one's. `balances` in base units as booked,
    `precisions` are 10^(18-decimals), `total_supply` is of the pool's share token.
    """

    pool_id: str
    tokens: tuple[Address, ...]
    generation: Generation
    balances: tuple[int, int, int]
    precisions: tuple[int, int, int]
    ramp: AGammaRamp
    fee: DynamicFee
    peg: Peg
    rules: PegRules
    total_supply: int
    timestamp: int
    killed: bool = False
    _scenes: list[_Scene] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def family(self) -> Family:
        """Curve's CryptoSwap."""
        return Family.CURVE_CRYPTOSWAP

    def at(self, timestamp: int) -> "CryptoSwapPool":
        """The same state, quoted for a block of another time."""
        return replace(self, timestamp=timestamp)

    def amount_out(self, i: int, j: int, amount_in: int) -> int:
        """What `exchange(i, j, amount_in)` pays, base units, and no state after. Raises `QuoteRefused`.

        It leaves out `tweak_price`, which changes no amount but may revert (the pool's value per share would fall,
        or its new prices be unsafe): only `quote_in` refuses for that.
        """
        return self._trade(i, j, amount_in).amount_out

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """Sell exactly `amount_in` through `exchange`; each step rounds down. Raises `QuoteRefused`."""
        i, j = self._indices(token_in, token_out)
        return self._exchange(i, j, amount_in)

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """An input for which `exchange` pays `amount_out` or more; Curve has no exact output of its own.

        Guaranteed: the swap pays `amount_out` or more, and one unit less of input pays less. The chain's arithmetic
        is noisy in the last few wei of an 18-decimal coin, so a still smaller input may by chance suffice too.
        """
        i, j = self._indices(token_in, token_out)
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT)
        if amount_out >= self.balances[j]:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "asked for all that the pool holds, or more")

        def pays(amount_in: int) -> int:
            """Refusals of large amounts count as enough while searching: the answer may lie just below them."""
            try:
                return self.amount_out(i, j, amount_in)
            except QuoteRefused as refusal:
                if refusal.reason in (Refusal.ZERO_OUTPUT, Refusal.ZERO_AMOUNT):
                    raise
                return amount_out

        ceiling = self.limits(token_in, token_out).max_amount_in
        amount_in = least_input(pays, amount_out, guess=self._input_near(i, j, amount_out), ceiling=ceiling)
        return self._exchange(i, j, amount_in)

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """Up to where a scaled balance leaves D / 100 to 100 D; `tweak_price` may refuse earlier."""
        i, j = self._indices(token_in, token_out)
        scene = self._scene()
        fewest, most = scene.d // 100, 100 * scene.d
        xp = list(scene.xp)
        xp[j] = fewest + 1
        with suppress(QuoteRefused):
            most = min(most, tricrypto_ng_math.get_y(scene.ann, scene.gamma, xp, scene.d, i)[0])
        room_in, room_out = self._unscaled(i, most - scene.xp[i]), self._unscaled(j, scene.xp[j] - fewest)
        return Limits(max(room_in, 0), max(room_out, 0))

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units out per base unit in for an infinitesimal sale, after the dynamic fee."""
        i, j = self._indices(token_in, token_out)
        scene = self._scene()
        spot = (WAD, *tricrypto_ng_math.spot_prices(scene.xp, scene.d, scene.ann, scene.gamma))
        scale = (WAD, *self.peg.price_scale)
        value_in = spot[i] * scale[i] * self.precisions[i]
        value_out = spot[j] * scale[j] * self.precisions[j]
        return value_in / value_out * (1 - self.fee.at(scene.xp) / FEE_DENOMINATOR)

    def apply(self, event: PoolEvent) -> "CryptoSwapPool":
        """The pool after an exchange, done again as the chain did it; `timestamp` must be the event's block's.

        Raises `PoolOutdated` for any other event (added or taken liquidity moves D and claims fees), and where the
        pool paid otherwise than this state would, or moved its prices elsewhere.
        """
        if not isinstance(event, CoinsExchanged) or not _are_two_coins(event.sold, event.bought):
            raise unknown_effect(self.pool_id, event)
        try:
            after = self._exchange(event.sold, event.bought, event.amount_sold)
        except QuoteRefused as refusal:
            raise PoolOutdated(self.pool_id, f"an exchange happened that it would refuse ({refusal})") from refusal
        pool = after.next_pool
        if after.amount_out != event.amount_bought or not isinstance(pool, CryptoSwapPool):
            raise PoolOutdated(self.pool_id, "an exchange paid otherwise than its state says; load the pool again")
        first, second = pool.peg.price_scale
        if event.packed_price_scale not in (None, first | second << 128):
            raise PoolOutdated(self.pool_id, "an exchange moved its price scale elsewhere; load the pool again")
        return pool

    def _trade(self, i: int, j: int, amount_in: int) -> _Outcome:
        """The part of `exchange` up to the amount paid; `xp` are the scaled balances after, fee kept in the pool."""
        ann, gamma, before, d = self._scenes[0] if self._scenes else self._scene()
        if amount_in <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT)
        xp = list(before)
        xp[i] = self._scaled(i, self.balances[i] + amount_in)
        k0_guess = 0
        if self.generation is Generation.TRICRYPTO_NG:
            y, k0_guess = tricrypto_ng_math.get_y(ann, gamma, xp, d, j)
        else:
            y = cryptoswap_math.newton_y(ann, gamma, xp, d, j)
        gross = xp[j] - y - 1
        if gross < 0:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "the output is below one unit of the pool's precision")
        xp[j] = y
        dy = quotient(checked(gross * WAD), self.peg.price_scale[j - 1]) if j else gross
        dy //= self.precisions[j]
        dy = checked(dy - self.fee.at(xp) * dy // FEE_DENOMINATOR)
        xp[j] = self._scaled(j, checked(self.balances[j] - dy))
        return _Outcome(dy, k0_guess, xp)

    def _exchange(self, i: int, j: int, amount_in: int) -> Swap:
        amount_out, k0_guess, xp = self._trade(i, j, amount_in)
        ann, gamma, _, _ = self._scene()
        index, price = self._trade_price(i, j, amount_in, amount_out)
        ramp_end = self._ramp_end_seen()
        trade = Trade((xp[0], xp[1], xp[2]), ann, gamma, self.timestamp, self.total_supply, ramp_end, k0_guess, index,
                      price)  # fmt: skip
        peg = after_trade(self.generation, self.peg, trade, self.rules)
        balances = list(self.balances)
        balances[i] += amount_in
        balances[j] -= amount_out
        ramp_end = 0 if self._clears_ramp(ramp_end) else ramp_end
        ramp = self.ramp if ramp_end == self.ramp.future_time else replace(self.ramp, future_time=ramp_end)
        after = replace(self, balances=(balances[0], balances[1], balances[2]), peg=peg, ramp=ramp)
        return Swap(amount_in, amount_out, EXCHANGE_GAS[self.generation], after)

    def _trade_price(self, i: int, j: int, dx: int, dy: int) -> tuple[int, int]:
        """First generation only: which last price the trade sets, and to what; zero for dust."""
        if self.generation is Generation.TRICRYPTO_NG or dx <= _DUST or dy <= _DUST:
            return j, 0
        sold, bought = dx * self.precisions[i], dy * self.precisions[j]
        if i and j:
            return j, checked(self.peg.last_prices[i - 1] * sold) // bought
        if i == 0:
            return j, checked(sold * WAD) // bought
        return i, checked(bought * WAD) // sold

    def _ramp_end_seen(self) -> int:
        """The ramp's end as `tweak_price` reads it: the first generation marks a ramp that is over with 1."""
        over = 0 < self.ramp.future_time <= self.timestamp
        return 1 if over and self.generation is Generation.TRICRYPTO else self.ramp.future_time

    def _clears_ramp(self, ramp_end: int) -> bool:
        return self.generation is Generation.TRICRYPTO and ramp_end == 1 and self.peg.virtual_price > 0

    def _scene(self) -> _Scene:
        if self._scenes:
            return self._scenes[0]
        if self.killed:
            raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool is killed; only withdrawals work")
        ann, gamma = self.ramp.at(self.timestamp)
        require_parameters(ann, gamma)
        first, second, third = (self._scaled(k, self.balances[k]) for k in range(N_COINS))
        scene = _Scene(ann, gamma, (first, second, third), self._d(ann, gamma, (first, second, third)))
        self._scenes.append(scene)
        return scene

    def _d(self, ann: int, gamma: int, xp: tuple[int, int, int]) -> int:
        """The stored invariant, or during a ramp a fresh one."""
        if self.generation is Generation.TRICRYPTO_NG:
            ramping = self.ramp.future_time > self.timestamp
            return tricrypto_ng_math.newton_d(ann, gamma, xp) if ramping else self.peg.d
        return cryptoswap_math.newton_d(ann, gamma, xp) if self.ramp.future_time > 0 else self.peg.d

    def _scaled(self, k: int, balance: int) -> int:
        """A balance in the invariant's terms: 18 decimals, worth the first coin."""
        value = balance * self.precisions[k]
        if k:
            value *= self.peg.price_scale[k - 1]
        if value > UINT256_MAX:
            raise QuoteRefused(Refusal.MATH_OVERFLOW, "the amount is too large for the invariant")
        return value // WAD if k else value

    def _unscaled(self, k: int, scaled: int) -> int:
        if k:
            scaled = quotient(scaled * WAD, self.peg.price_scale[k - 1])
        return scaled // self.precisions[k]

    def _input_near(self, i: int, j: int, amount_out: int) -> int:
        """About the input that pays `amount_out`: the curve read the other way round, then a few steps by the price."""
        ann, gamma, before, d = self._scene()
        fee, xp, guess = self.fee.at(before), list(before), 1
        try:
            for _ in range(2):
                gross = amount_out * FEE_DENOMINATOR // (FEE_DENOMINATOR - fee)
                xp = list(before)
                xp[j] = self._scaled(j, max(self.balances[j] - gross, 0))
                xp[i] = tricrypto_ng_math.get_y(ann, gamma, xp, d, i)[0]
                fee = self.fee.at(xp)
            guess = max(self._unscaled(i, xp[i] - before[i]), 1)
            for _ in range(_ROUNDS_OF_GUESSING):
                paid = self.amount_out(i, j, guess)
                guess = max(guess + (amount_out - paid) * guess // max(paid, 1), 1)
        except QuoteRefused:
            return guess
        return guess

    def _indices(self, token_in: Address, token_out: Address) -> tuple[int, int]:
        try:
            i, j = self.tokens.index(token_in), self.tokens.index(token_out)
        except ValueError:
            raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"{token_in} or {token_out}") from None
        if i == j:
            raise QuoteRefused(Refusal.UNKNOWN_TOKEN, "the same token on both sides")
        return i, j


def _are_two_coins(i: int, j: int) -> bool:
    return i != j and 0 <= i < N_COINS and 0 <= j < N_COINS
