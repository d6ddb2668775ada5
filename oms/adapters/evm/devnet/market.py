"""What the development chain's pools look like: prices, depth and positions, computed from a seed.

Owns: which pools there are, and their opening state. Pure: the same seed and prices give the same plans anywhere.
Must not: touch a chain.
Formulas: Uniswap v3 whitepaper, 6.2 (price, tick, liquidity); Balancer v2's spot price B_i/w_i : B_j/w_j.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from math import isqrt
from random import Random

from oms.adapters.evm.devnet.chain import DAI, NO_OP_HOOK, USDC, USDT, WBTC, WETH
from oms.domain.token import Token
from oms.units import ZERO_ADDRESS, Address, SqrtPriceX96

_EXACT = Context(prec=60)
_TICK_BASE = Decimal("1.0001")
_MAX_TICK = 887_272


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePrices:
    """US dollars per whole token, about which all pools open."""

    eth: Decimal = Decimal("2060")
    btc: Decimal = Decimal("71000")
    usdc: Decimal = Decimal(1)
    usdt: Decimal = Decimal("0.9998")
    dai: Decimal = Decimal("0.9999")

    def of(self, token: Token) -> Decimal:
        """Dollars per whole `token`."""
        return {WETH: self.eth, WBTC: self.btc, USDC: self.usdc, USDT: self.usdt, DAI: self.dai}[token]


@dataclass(frozen=True, slots=True)
class Range:
    """One liquidity position."""

    tick_lower: int
    tick_upper: int
    liquidity: int


@dataclass(frozen=True, slots=True)
class PairPlan:
    """A v2 pair and its reserves, in base units, in token order."""

    tokens: tuple[Token, Token]
    reserves: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ConcentratedPlan:
    """A v3 pool (`hooks` None) or v4 pool. `native` pools list the native coin where `tokens` says WETH."""

    tokens: tuple[Token, Token]
    fee_pips: int
    tick_spacing: int
    sqrt_price_x96: SqrtPriceX96
    ranges: tuple[Range, ...]
    hooks: Address | None = None
    native: bool = False

    @property
    def currencies(self) -> tuple[Address, Address]:
        """The pool key's currencies; zero for the native coin."""
        first, second = (ZERO_ADDRESS if self.native and t == WETH else t.address for t in self.tokens)
        return first, second


@dataclass(frozen=True, slots=True)
class BalancerPlan:
    """A Balancer pool: balances in base units; weights of 1e18 in total, or an amplification for a stable pool."""

    name: str
    tokens: tuple[Token, ...]
    balances: tuple[int, ...]
    fee_wad: int
    weights_wad: tuple[int, ...] = ()
    amplification: int = 0


@dataclass(frozen=True, slots=True)
class MarketPlan:
    """Every pool of the development chain."""

    pairs: tuple[PairPlan, ...]
    v3_pools: tuple[ConcentratedPlan, ...]
    v4_pools: tuple[ConcentratedPlan, ...]
    balancer_pools: tuple[BalancerPlan, ...]


@dataclass(frozen=True, slots=True)
class _Ladder:
    """Shape of a concentrated pool's liquidity: dollars, and half-widths in ticks from the innermost outwards."""

    value_usd: int
    narrow: int
    wide: int
    centred: int = 22
    one_sided: int = 8


_MAJOR_5BP = _Ladder(45_000_000, 60, 9_000)
_MAJOR_30BP = _Ladder(25_000_000, 240, 15_000)
_STABLE_1BP = _Ladder(30_000_000, 2, 120)


@dataclass(slots=True)
class MarketPlanner:
    """Plans all pools around `prices`; each pool's own few-bps difference comes from `seed` and its name."""

    prices: ReferencePrices = field(default_factory=ReferencePrices)
    seed: int = 1

    def plan(self) -> MarketPlan:
        """The whole market."""
        with localcontext(_EXACT):
            return MarketPlan(self._pairs(), self._v3(), self._v4(), self._balancer())

    def _pairs(self) -> tuple[PairPlan, ...]:
        sides = (
            (WETH, USDC, 11_000_000),
            (WETH, USDT, 13_000_000),
            (WETH, DAI, 4_000_000),
            (WBTC, WETH, 6_000_000),
            (USDC, USDT, 1_500_000),
            (DAI, USDC, 1_000_000),
        )
        return tuple(self._pair(a, b, side_usd) for a, b, side_usd in sides)

    def _v3(self) -> tuple[ConcentratedPlan, ...]:
        pools = (
            (WETH, USDC, 100, 1, _Ladder(4_000_000, 20, 4_000)),
            (WETH, USDC, 500, 10, _MAJOR_5BP),
            (WETH, USDC, 3000, 60, _MAJOR_30BP),
            (WETH, USDT, 500, 10, _Ladder(18_000_000, 60, 9_000)),
            (WETH, USDT, 3000, 60, _MAJOR_30BP),
            (WBTC, WETH, 500, 10, _Ladder(30_000_000, 60, 9_000)),
            (WBTC, WETH, 3000, 60, _MAJOR_30BP),
            (WBTC, USDC, 3000, 60, _Ladder(15_000_000, 240, 15_000)),
            (WBTC, USDT, 3000, 60, _Ladder(12_000_000, 240, 15_000)),
            (DAI, WETH, 500, 10, _Ladder(3_000_000, 60, 9_000)),
            (USDC, USDT, 100, 1, _STABLE_1BP),
            (DAI, USDC, 100, 1, _STABLE_1BP),
        )
        return tuple(self._pool("v3", a, b, fee, spacing, ladder) for a, b, fee, spacing, ladder in pools)

    def _v4(self) -> tuple[ConcentratedPlan, ...]:
        pools = (
            (WETH, USDC, 500, 10, _Ladder(20_000_000, 60, 9_000), ZERO_ADDRESS),
            (WETH, USDC, 3000, 60, _Ladder(12_000_000, 240, 15_000), ZERO_ADDRESS),
            (WETH, USDT, 500, 10, _Ladder(14_000_000, 60, 9_000), ZERO_ADDRESS),
            (WBTC, USDC, 3000, 60, _Ladder(10_000_000, 240, 15_000), ZERO_ADDRESS),
            (WETH, USDC, 3000, 60, _Ladder(2_000_000, 240, 15_000), NO_OP_HOOK),
        )
        return tuple(self._pool("v4", a, b, fee, space, ladder, hooks) for a, b, fee, space, ladder, hooks in pools)

    def _balancer(self) -> tuple[BalancerPlan, ...]:
        weighted = (WBTC, USDC, WETH)  # in address order, as the vault demands
        weights = (2 * 10**17, 4 * 10**17, 4 * 10**17)
        stable = (DAI, USDC, USDT)
        value = Decimal(16_000_000)
        return (
            BalancerPlan(
                "20WBTC-40USDC-40WETH",
                weighted,
                tuple(
                    self._units(t, value * w / 10**18, self._price("balancer", weighted[0], t))
                    for t, w in zip(weighted, weights, strict=True)
                ),
                3 * 10**15,
                weights_wad=weights,
            ),
            BalancerPlan(
                "DAI-USDC-USDT",
                stable,
                tuple(self._units(t, Decimal(5_000_000), Decimal(1)) for t in stable),
                4 * 10**14,
                amplification=500,
            ),
        )

    def _pair(self, a: Token, b: Token, side_usd: int) -> PairPlan:
        first, second = ordered(a, b)
        reserves = (
            self._units(first, Decimal(side_usd), self._price("v2", second, first)),
            self._units(second, Decimal(side_usd), self.prices.of(second)),
        )
        return PairPlan((first, second), reserves)

    def _pool(
        self,
        venue: str,
        a: Token,
        b: Token,
        fee_pips: int,
        spacing: int,
        ladder: _Ladder,
        hooks: Address | None = None,
    ) -> ConcentratedPlan:
        native = hooks is not None and WETH in (a, b)
        first, second = (WETH, b if a == WETH else a) if native else ordered(a, b)
        name = f"{venue} {fee_pips} {hooks}"
        ratio = self._price(name, second, first) / self.prices.of(second)
        ratio = ratio.scaleb(second.decimals - first.decimals)
        rng = self._random(f"ranges {name} {first} {second}")
        value = (ladder.value_usd / self.prices.of(second)).scaleb(second.decimals)
        ranges = tuple(_ranges(ratio, spacing, ladder, value, rng))
        sqrt_price = SqrtPriceX96(isqrt(int(ratio * 2**192)))
        return ConcentratedPlan((first, second), fee_pips, spacing, sqrt_price, ranges, hooks, native)

    def _price(self, name: str, against: Token, token: Token) -> Decimal:
        """Dollars per whole `token` as this pool sees them: up to 3 bps off the reference, 0.5 between stables."""
        stables = (USDC, USDT, DAI)
        reach = Decimal("0.5") if token in stables and against in stables else Decimal(3)
        noise = Decimal(self._random(f"price {name} {against} {token}").randrange(-1000, 1001)) / 1000
        return self.prices.of(token) * (1 + noise * reach / 10_000)

    def _random(self, name: str) -> Random:
        return Random(f"{self.seed} {name}")  # noqa: S311 (wanted: the same on every machine)

    @staticmethod
    def _units(token: Token, value_usd: Decimal, price: Decimal) -> int:
        return int((value_usd / price).scaleb(token.decimals))


def ordered(a: Token, b: Token) -> tuple[Token, Token]:
    """The two tokens in pool order, by address."""
    return (a, b) if int(a.address, 16) < int(b.address, 16) else (b, a)


def _ranges(ratio: Decimal, spacing: int, ladder: _Ladder, value: Decimal, rng: Random) -> Iterable[Range]:
    """Positions around the price `ratio` (token1 per token0, base units) worth about `value` base units of token1."""
    tick = int(ratio.ln() / _TICK_BASE.ln())
    share = value / (ladder.centred + 3)
    for index in range(ladder.centred):
        half = ladder.narrow * (Decimal(ladder.wide) / ladder.narrow) ** (Decimal(index) / (ladder.centred - 1))
        centre = tick + int(half) * rng.randrange(-300, 301) // 1000
        yield _range(ratio, spacing, centre - int(half), centre + int(half), share)
    for index in range(ladder.one_sided):
        side = 1 if index % 2 else -1
        near = tick + side * (ladder.narrow + rng.randrange(ladder.narrow, ladder.wide))
        far = near + side * rng.randrange(2, 12) * spacing
        yield _range(ratio, spacing, min(near, far), max(near, far), share / ladder.one_sided)
    reach = _MAX_TICK if ladder.wide > 1_000 else 5_000
    yield _range(ratio, spacing, max(tick - reach, -_MAX_TICK), min(tick + reach, _MAX_TICK), share * 2)


def _range(ratio: Decimal, spacing: int, lower: int, upper: int, value: Decimal) -> Range:
    limit = _MAX_TICK // spacing * spacing
    lower = max(lower // spacing * spacing, -limit)
    upper = min(max(-(-upper // spacing) * spacing, lower + spacing), limit)
    root, low, high = ratio.sqrt(), _sqrt_at(lower), _sqrt_at(upper)
    if root <= low:
        per_liquidity = (1 / low - 1 / high) * ratio
    elif root >= high:
        per_liquidity = high - low
    else:
        per_liquidity = 2 * root - ratio / high - low
    return Range(lower, upper, int(value / per_liquidity))


def _sqrt_at(tick: int) -> Decimal:
    return (_TICK_BASE**tick).sqrt()
