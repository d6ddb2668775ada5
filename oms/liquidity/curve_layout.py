"""Where Curve's mainnet pools keep their state, for readers that can only ask for storage slots.

Owns: the slots of 3pool, tricrypto2 and Tricrypto-NG (tricryptoUSDC), and turning their words into pools.
Must not: read anything itself.

Source: the contracts' state variables in order, each array from Vyper 0.2 at keccak(its slot), each packed word as
its contract unpacks it (highest part first for triples, first price lowest for prices). Checked against recorded
mainnet state and the real bytecode.

    3pool (Vyper 0.2.4)                       tricrypto2 (0.2.12)               Tricrypto-NG (0.3.9)
    keccak(0)+k  coins                        0  price_scale (packed)           1  precisions (packed)
    keccak(1)+k  balances                     1  price_oracle (packed)          3  price_scale (packed)
    2  fee                                    2  last_prices (packed)           4  price_oracle (packed)
    3  admin_fee                              3  last_prices_timestamp          5  last_prices (packed)
    6  initial_A *                            4  initial A << 128 | gamma *     6  last_prices_timestamp
    7  future_A                               5  future  A << 128 | gamma       7  initial A << 128 | gamma *
    8  initial_A_time *                       6  initial_A_gamma_time *         8  initial_A_gamma_time *
    9  future_A_time                          7  future_A_gamma_time            9  future  A << 128 | gamma
    15 is_killed                              8  allowed_extra_profit           10 future_A_gamma_time
                                              10 fee_gamma                      11, 12, 13 balances
    * only while A (and gamma) are            12 adjustment_step **             14 D
      being ramped                            14 ma_half_time                   15 xcp_profit
    ** only for trades that move              16 mid_fee, 17 out_fee            17 virtual_price
       the price scale                        keccak(22)+k balances             18 extra profit, step, ma_time (packed)
                                              23 D, 26 xcp_profit               20 mid_fee, out_fee, fee_gamma (packed)
    The share token's total supply            28 virtual_price                  25 totalSupply
    of tricrypto2 is slot 4 of its            29 not_adjusted
    own contract.                             30 is_killed
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.errors import BeyondKnownRange
from oms.liquidity.cryptoswap import AGammaRamp, CryptoSwapPool, DynamicFee
from oms.liquidity.cryptoswap_peg import Generation, Peg, PegRules, Prices
from oms.liquidity.stableswap import Amplification, StableSwapPool
from oms.units import Address

_MASK_64 = 2**64 - 1
_MASK_128 = 2**128 - 1

STABLESWAP_BALANCES = 0xB10E2D527612073B26EECDFD717E6A320CF44B4AFAC2B0732D9FCBE2B7FA0CF6
"""keccak of the word 1: the first balance; the others follow."""
TRICRYPTO_BALANCES = 0xD833147D7DC355BA459FC788F669E58CFAF9DC25DDCD0702E87D69C7B5124289
"""keccak of the word 22."""

STABLESWAP_RAMP_SLOTS = (6, 8)
STABLESWAP_FUTURE_TIME_SLOT = 9


@dataclass(frozen=True, slots=True)
class StableSwapDeployment:
    """A first-generation StableSwap pool with 3pool's storage layout; `rates` are 1e18 times 10^(18-decimals)."""

    address: Address
    tokens: tuple[Address, ...]
    rates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CryptoSwapDeployment:
    """A three-coin CryptoSwap pool.

    `precisions` are constants in the first generation's code, and in storage (None here) in NG. `supply_at` is where
    the share token's total supply is: a contract and a slot.
    """

    address: Address
    tokens: tuple[Address, Address, Address]
    generation: Generation
    supply_at: tuple[Address, int]
    precisions: tuple[int, int, int] | None = None


_DAI = Address("0x6B175474E89094C44Da98b954EedeAC495271d0F")
_USDC = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
_USDT = Address("0xdAC17F958D2ee523a2206206994597C13D831ec7")
_WBTC = Address("0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599")
_WETH = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")

THREE_POOL = StableSwapDeployment(
    Address("0xbEbc44782C7dB0a1A60Cb6fe97d0b483032FF1C7"), (_DAI, _USDC, _USDT), (10**18, 10**30, 10**30)
)
TRICRYPTO2 = CryptoSwapDeployment(
    Address("0xD51a44d3FaE010294C616388b506AcdA1bfAAE46"),
    (_USDT, _WBTC, _WETH),
    Generation.TRICRYPTO,
    (Address("0xc4AD29ba4B3c580e6D59105FFf484999997675Ff"), 4),
    (10**12, 10**10, 1),
)
TRICRYPTO_USDC = CryptoSwapDeployment(
    Address("0x7F86Bf177Dd4F3494b841a37e810A34dD56c829B"),
    (_USDC, _WBTC, _WETH),
    Generation.TRICRYPTO_NG,
    (Address("0x7F86Bf177Dd4F3494b841a37e810A34dD56c829B"), 25),
)


@dataclass(frozen=True, slots=True)
class CryptoSwapSlots:
    """One generation's slots in its pool's own storage; `unpacked` is what the first keeps in words of their own."""

    price_scale: int
    price_oracle: int
    last_prices: int
    last_prices_timestamp: int
    initial_a_gamma: int
    initial_time: int
    future_a_gamma: int
    future_time: int
    balances: int
    d: int
    xcp_profit: int
    virtual_price: int
    packed: tuple[int, ...] = ()
    unpacked: tuple[int, ...] = ()

    @property
    def always(self) -> tuple[int, ...]:
        """The slots that every quote needs."""
        return (
            *(self.price_scale, self.price_oracle, self.last_prices, self.last_prices_timestamp),
            *(self.future_a_gamma, self.future_time, *(self.balances + k for k in range(3))),
            *(self.d, self.xcp_profit, self.virtual_price, *self.packed, *self.unpacked),
        )

    @property
    def ramp(self) -> tuple[int, ...]:
        """The slots needed only while `future_time` lies ahead."""
        return self.initial_a_gamma, self.initial_time


_EXTRA_PROFIT, _FEE_GAMMA, _ADJUSTMENT_STEP, _MA_TIME, _MID_FEE, _OUT_FEE = 8, 10, 12, 14, 16, 17
_NOT_ADJUSTED, _KILLED = 29, 30
_PRECISIONS, _REBALANCING, _FEES = 1, 18, 20
TRICRYPTO_OPTIONAL_SLOTS = (_ADJUSTMENT_STEP,)
"""Read by a trade only when it may move the price scale; where unknown, such a trade is refused."""

CRYPTOSWAP_SLOTS = {
    Generation.TRICRYPTO: CryptoSwapSlots(
        price_scale=0, price_oracle=1, last_prices=2, last_prices_timestamp=3,
        initial_a_gamma=4, future_a_gamma=5, initial_time=6, future_time=7,
        balances=TRICRYPTO_BALANCES, d=23, xcp_profit=26, virtual_price=28,
        unpacked=(_EXTRA_PROFIT, _FEE_GAMMA, _MA_TIME, _MID_FEE, _OUT_FEE, _NOT_ADJUSTED, _KILLED),
    ),
    Generation.TRICRYPTO_NG: CryptoSwapSlots(
        price_scale=3, price_oracle=4, last_prices=5, last_prices_timestamp=6,
        initial_a_gamma=7, initial_time=8, future_a_gamma=9, future_time=10,
        balances=11, d=14, xcp_profit=15, virtual_price=17,
        packed=(_PRECISIONS, _REBALANCING, _FEES),
    ),
}  # fmt: skip


def stableswap_slots(n_coins: int) -> tuple[int, ...]:
    """The slots that every quote needs; `STABLESWAP_RAMP_SLOTS` too while slot 9's time lies ahead."""
    return 2, 3, 7, STABLESWAP_FUTURE_TIME_SLOT, 15, *(STABLESWAP_BALANCES + k for k in range(n_coins))


def cryptoswap_slots(generation: Generation) -> CryptoSwapSlots:
    """The slots of a generation: `.always`, and `.ramp` while `.future_time` lies ahead."""
    return CRYPTOSWAP_SLOTS[generation]


def decode_stableswap(slots: Mapping[int, int], *, deployment: StableSwapDeployment, timestamp: int) -> StableSwapPool:
    """The pool that these storage words are, to be quoted at `timestamp`. Raises `BeyondKnownRange` for a lack."""
    read = _Words(slots, deployment.address)
    ramping = timestamp < read(STABLESWAP_FUTURE_TIME_SLOT)
    future = read(7)
    return StableSwapPool(
        pool_id=deployment.address,
        tokens=deployment.tokens,
        balances=tuple(read(STABLESWAP_BALANCES + k) for k in range(len(deployment.tokens))),
        rates=deployment.rates,
        amplification=Amplification(
            initial=read(6) if ramping else future,
            future=future,
            initial_time=read(8) if ramping else 0,
            future_time=read(STABLESWAP_FUTURE_TIME_SLOT),
        ),
        fee=read(2),
        admin_fee=read(3),
        timestamp=timestamp,
        killed=bool(read(15)),
    )


def decode_cryptoswap(
    slots: Mapping[int, int], *, deployment: CryptoSwapDeployment, total_supply: int, timestamp: int
) -> CryptoSwapPool:
    """The pool that these storage words are, to be quoted at `timestamp`; `total_supply` as found at `supply_at`.

    Raises:
        BeyondKnownRange: a word that a quote needs is missing.
    """
    read, at = _Words(slots, deployment.address), CRYPTOSWAP_SLOTS[deployment.generation]
    first = deployment.generation is Generation.TRICRYPTO
    extra_profit, step, ma_time = _rules_of(read, slots) if first else _triple(read(_REBALANCING))
    mid_fee, out_fee, fee_gamma = (read(_MID_FEE), read(_OUT_FEE), read(_FEE_GAMMA)) if first else _triple(read(_FEES))
    peg = Peg(
        price_scale=_prices(read(at.price_scale)),
        price_oracle=_prices(read(at.price_oracle)),
        last_prices=_prices(read(at.last_prices)),
        last_prices_timestamp=read(at.last_prices_timestamp),
        d=read(at.d),
        xcp_profit=read(at.xcp_profit),
        virtual_price=read(at.virtual_price),
        not_adjusted=first and bool(read(_NOT_ADJUSTED)),
    )
    return CryptoSwapPool(
        pool_id=deployment.address,
        tokens=deployment.tokens,
        generation=deployment.generation,
        balances=(read(at.balances), read(at.balances + 1), read(at.balances + 2)),
        precisions=deployment.precisions or _triple(read(_PRECISIONS)),
        ramp=_ramp(read, at, timestamp),
        fee=DynamicFee(mid_fee, out_fee, fee_gamma),
        peg=peg,
        rules=PegRules(extra_profit, step, ma_time),
        total_supply=total_supply,
        timestamp=timestamp,
        killed=first and bool(read(_KILLED)),
    )


class _Words:
    """Storage words by slot; a missing one is named."""

    def __init__(self, slots: Mapping[int, int], address: Address) -> None:
        self._slots = slots
        self._address = address

    def __call__(self, slot: int) -> int:
        try:
            return self._slots[slot]
        except KeyError:
            raise BeyondKnownRange(f"storage slot {slot:#x} of {self._address} was not read") from None


def _ramp(read: _Words, at: CryptoSwapSlots, timestamp: int) -> AGammaRamp:
    future, future_time = read(at.future_a_gamma), read(at.future_time)
    ramping = timestamp < future_time
    initial = read(at.initial_a_gamma) if ramping else future
    return AGammaRamp(
        initial_a=initial >> 128,
        initial_gamma=initial & _MASK_128,
        future_a=future >> 128,
        future_gamma=future & _MASK_128,
        initial_time=read(at.initial_time) if ramping else 0,
        future_time=future_time,
    )


def _rules_of(read: _Words, slots: Mapping[int, int]) -> tuple[int, int | None, int]:
    return read(_EXTRA_PROFIT), slots.get(_ADJUSTMENT_STEP), read(_MA_TIME)


def _triple(word: int) -> tuple[int, int, int]:
    return word >> 128 & _MASK_64, word >> 64 & _MASK_64, word & _MASK_64


def _prices(word: int) -> Prices:
    return word & _MASK_128, word >> 128
