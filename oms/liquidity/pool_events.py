"""What pools tell the world when their state changes, decoded: the events that `Pool.apply` understands.

Owns: the events' value types, whence they come, and the refusal to apply one.
Must not: decode raw logs (`oms.adapters.evm.pools.logs`), or change a pool.
Source: the event declarations of Uniswap v2, v3, v4 core, Balancer v2's Vault, Curve's pools and Aerodrome's `Pool`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from oms.domain.venue import Family, PoolKey
from oms.errors import PoolOutdated
from oms.units import Address


@dataclass(frozen=True, slots=True)
class ReservesSynced:
    """`Sync` of a constant-product or Solidly pair: its reserves from now on, base units."""

    reserve0: int
    reserve1: int


@dataclass(frozen=True, slots=True)
class PriceMoved:
    """`Swap` of a concentrated pool: its state afterwards. v4 adds the whole fee that the swap paid."""

    sqrt_price_x96: int
    liquidity: int
    tick: int
    swap_fee_pips: int | None = None


@dataclass(frozen=True, slots=True)
class LiquidityChanged:
    """`Mint`, `Burn` or `ModifyLiquidity`: `delta` more liquidity (less where negative) on [tick_lower, tick_upper)."""

    tick_lower: int
    tick_upper: int
    delta: int


@dataclass(frozen=True, slots=True)
class ProtocolFeeSet:
    """v4's `ProtocolFeeUpdated`: the protocol's share of the input in each direction, pips."""

    zero_for_one: int
    one_for_zero: int


@dataclass(frozen=True, slots=True)
class VaultSwapped:
    """Balancer's `Swap`, base units; either token may be the pool's own share."""

    token_in: Address
    token_out: Address
    amount_in: int
    amount_out: int


@dataclass(frozen=True, slots=True)
class VaultBalancesChanged:
    """Balancer's `PoolBalanceChanged`: what a join paid in (positive) or an exit took out, and the fees that left."""

    tokens: tuple[Address, ...]
    deltas: tuple[int, ...]
    protocol_fees: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SwapFeeSet:
    """Balancer's `SwapFeePercentageChanged`: the fee from now on, 18 decimals."""

    swap_fee: int


@dataclass(frozen=True, slots=True)
class CoinsExchanged:
    """Curve's `TokenExchange`, coins by index, base units; NG pools add their packed price scale afterwards."""

    sold: int
    amount_sold: int
    bought: int
    amount_bought: int
    packed_price_scale: int | None = None


@dataclass(frozen=True, slots=True)
class CoinsMoved:
    """A StableSwap pool's `AddLiquidity` (`added`), `RemoveLiquidity` or `RemoveLiquidityImbalance`, base units."""

    amounts: tuple[int, ...]
    fees: tuple[int, ...]
    added: bool


@dataclass(frozen=True, slots=True)
class Unfollowable:
    """An event that does not tell what the state became, such as a rate's update; `name` is for people."""

    name: str


PoolEvent = (
    ReservesSynced
    | PriceMoved
    | LiquidityChanged
    | ProtocolFeeSet
    | VaultSwapped
    | VaultBalancesChanged
    | SwapFeeSet
    | CoinsExchanged
    | CoinsMoved
    | Unfollowable
)

LogSource = tuple[str, str]
"""Who speaks of whom: the emitting contract, and the 32-byte pool id where it holds many pools, else empty.

Both in lower case. Anybody may emit an event about any id, so the two only count together.
"""


class PoolLog(NamedTuple):
    """One event in its place on the chain; `log_index` counts through the whole block."""

    block_hash: str
    transaction_index: int
    log_index: int
    source: LogSource
    event: PoolEvent


def sources_of(key: PoolKey) -> tuple[LogSource, ...]:
    """The places from which a pool's events come. Balancer's balances speak through the vault, its fees themselves."""
    contract, subject = key.settles_at.lower(), key.pool_id.lower()
    if key.family is Family.UNISWAP_V4:
        return ((contract, subject),)
    if key.family in (Family.BALANCER_WEIGHTED, Family.BALANCER_STABLE):
        return ((contract, subject), (subject[:42], ""))
    return ((contract, ""),)


def unknown_effect(pool_id: str, event: object) -> PoolOutdated:
    """The refusal of an event whose effect on this pool cannot be told."""
    name = event.name if isinstance(event, Unfollowable) else type(event).__name__
    return PoolOutdated(pool_id, f"{name} does not tell the state that it left; load the pool again")
