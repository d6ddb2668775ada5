"""The recorded CoW auction as pools and orders of our own: what `route.*` is measured on.

Owns: the reading of `auctions/cow_auction_7400693.json.gz`, and what of it is trusted.
Must not: route, or judge an order by its limit price.
Source: a production auction of 2023-09-12 (cowprotocol/solver-template-py, MIT), 1,001 AMMs and 844 orders.

What the record doesn't say, or contradicts:
- 27 pools are left out because nothing is in them: two constant-product pairs and 25 weighted pools with no balance.
- Six concentrated pools state a `liquidity` that is not the sum of their `liquidity_net` up to the current tick, by up
  to 1.7 %. The nets are trusted and the liquidity is rebuilt from them: all 353 maps sum to zero, and starting from the
  stated figure the liquidity would fall below zero farther out.
- USDC/WETH 5 bp has four neighbouring nets, 1.8 % above the price, that are a hundred times the pool's liquidity and
  take it below zero. No chain can hold that. They are replaced by their sum, at the outermost of the four.
- Tick spacings are those of the fee tier. Every map is complete, so pools are known over the whole tick range.
- A weighted pool's bytecode generation and a stable pool's are not recorded: the newer of each is assumed. Weights are
  used as they stand; five pools' (with 16-bit weights) sum to 1.0000153, on chain as here.
- `scaling_rates` divide: an amount times 1e18 over its rate is what the stable invariant sees. No stable pool's own
  share token is among its reserves, so every reserve can be swapped.
- Fees are those recorded. Pairs are named by the factory that their address comes from: 15 are PancakeSwap's, which the
  record gives 30 bps (on chain 25), and the seven with 25 bps are nobody's known here.
- A Balancer pool's 32-byte id is not recorded; its address stands for it.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

from oms.adapters.evm.addresses import checksummed, sorted_pair, v2_pair_address
from oms.adapters.evm.venues import MAINNET
from oms.domain.token import Token
from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import AMP_PRECISION, BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import tick_at_sqrt_price
from oms.liquidity.weighted import WeightedPool
from oms.units import Address

FILE = "auctions/cow_auction_7400693.json.gz"
ONE = 10**18
TICK_SPACINGS = {100: 1, 500: 10, 3_000: 60, 10_000: 200}
_CONTRADICTORY_TICKS = {
    Address("0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640"): (202_640, 202_650, 202_660, 202_670),
}
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuctionOrder:
    """An order of the auction, by its place in it.

    Of a sale `amount_in` is given and `amount_out` the limit; of a purchase the other way round. Native prices are wei
    of the coin per base unit, as the auction states them.
    """

    index: int
    token_in: Address
    token_out: Address
    amount_in: int
    amount_out: int
    sell: bool
    native_price_in: float
    native_price_out: float

    @property
    def amount(self) -> int:
        """What is given exactly: sold, or bought."""
        return self.amount_in if self.sell else self.amount_out

    @property
    def worth_wei(self) -> float:
        """What its input is worth by the auction's prices."""
        return self.amount_in * self.native_price_in


@dataclass(frozen=True, slots=True)
class Auction:
    """The pools that hold something, all orders, and the gas price of the moment."""

    pools: tuple[ListedPool, ...] = field(repr=False)
    orders: tuple[AuctionOrder, ...] = field(repr=False)
    tokens: Mapping[Address, Token] = field(repr=False)
    native_prices: Mapping[Address, float] = field(repr=False)
    gas_price_wei: int
    wrapped_native: Address

    @classmethod
    def load(cls, data: Path) -> "Auction":
        """Read the record below the folder of recorded data, `OMS_DATA`. Raises `FileNotFoundError`."""
        raw = json.loads(gzip.decompress((data / FILE).read_bytes()))
        tokens = {token.address: token for token in _tokens(raw["tokens"])}
        prices = {
            checksummed(address): float(entry["external_price"])
            for address, entry in raw["tokens"].items()
            if entry["external_price"] is not None
        }
        return cls(
            pools=tuple(_pools(raw["amms"], tokens)),
            orders=tuple(_order(int(index), entry, prices) for index, entry in raw["orders"].items()),
            tokens=tokens,
            native_prices=prices,
            gas_price_wei=int(raw["metadata"]["gas_price"]),
            wrapped_native=checksummed(raw["metadata"]["native_token"]),
        )

    def out_per_gas(self, order: AuctionOrder) -> float:
        """Base units of the order's output token per unit of gas, at the auction's gas price."""
        return self.gas_price_wei / order.native_price_out

    def pools_of(self, *families: Family) -> tuple[ListedPool, ...]:
        """The pools of some families only."""
        return tuple(listed for listed in self.pools if listed.key.family in families)


def _tokens(entries: Mapping[str, Entry]) -> Iterable[Token]:
    for text, entry in entries.items():
        yield Token(1, checksummed(text), entry["alias"] or text[:8], int(entry["decimals"]))


def _order(index: int, entry: Entry, prices: Mapping[Address, float]) -> AuctionOrder:
    token_in, token_out = checksummed(entry["sell_token"]), checksummed(entry["buy_token"])
    return AuctionOrder(
        index,
        token_in,
        token_out,
        int(entry["sell_amount"]),
        int(entry["buy_amount"]),
        entry["is_sell_order"],
        prices[token_in],
        prices[token_out],
    )


def _pools(entries: Mapping[str, Entry], tokens: Mapping[Address, Token]) -> Iterable[ListedPool]:
    readers = {
        "ConstantProduct": _constant_product,
        "Concentrated": _concentrated,
        "WeightedProduct": _weighted,
        "Stable": _stable,
    }
    for entry in entries.values():
        listed = readers[entry["kind"]](checksummed(entry["address"]), entry, tokens)
        if listed is not None:
            yield listed


def _constant_product(address: Address, entry: Entry, _tokens: Mapping[Address, Token]) -> ListedPool | None:
    reserves = {checksummed(text): int(reserve) for text, reserve in entry["reserves"].items()}
    if not all(reserves.values()):
        return None
    token0, token1 = sorted_pair(*reserves)
    fee_pips = _scaled(entry["fee"], 10**6)
    pool = ConstantProductPool(
        address, token0, token1, reserves[token0], reserves[token1], (10**6 - fee_pips) // 100, 10**4
    )
    key = PoolKey(
        Family.UNISWAP_V2, _v2_venue(address, token0, token1), address, address, (token0, token1), fee_pips=fee_pips
    )
    return ListedPool(key, pool)


def _v2_venue(address: Address, token0: Address, token1: Address) -> str:
    """The factory whose CREATE2 address this is."""
    for venue in MAINNET.v2:
        if v2_pair_address(venue.factory, venue.init_code_hash, token0, token1) == address:
            return venue.name
    return "other_v2"


def _concentrated(address: Address, entry: Entry, _tokens: Mapping[Address, Token]) -> ListedPool:
    state = entry["pool"]["state"]
    first, second = (checksummed(token["id"]) for token in entry["pool"]["tokens"])
    fee_pips = _scaled(entry["fee"], 10**6)
    nets = {int(tick): int(net) for tick, net in state["liquidity_net"].items()}
    if wrong := _CONTRADICTORY_TICKS.get(address):
        nets[wrong[-1]] = sum(nets.pop(tick) for tick in wrong)
    tick_map = TickMap.of(nets)
    sqrt_price_x96 = int(state["sqrt_price"])
    tick = tick_at_sqrt_price(sqrt_price_x96)
    pool = ConcentratedPool(
        address,
        Family.UNISWAP_V3,
        (first, second),
        fee_pips,
        TICK_SPACINGS[fee_pips],
        sqrt_price_x96,
        tick,
        liquidity_at(tick_map, tick),
        tick_map,
    )
    key = PoolKey(
        Family.UNISWAP_V3,
        "uniswap_v3",
        address,
        address,
        (first, second),
        fee_pips=fee_pips,
        tick_spacing=pool.tick_spacing,
    )
    return ListedPool(key, pool)


def liquidity_at(tick_map: TickMap, tick: int) -> int:
    """The liquidity in range at a tick: all nets up to it."""
    return sum(net for boundary, net in zip(tick_map.ticks, tick_map.nets, strict=True) if boundary <= tick)


def lowest_liquidity(tick_map: TickMap) -> int:
    """The least liquidity between any two ticks of a map; below zero no chain can hold it."""
    return min(accumulate(tick_map.nets), default=0)


def _weighted(address: Address, entry: Entry, tokens: Mapping[Address, Token]) -> ListedPool | None:
    reserves = sorted((checksummed(text), reserve) for text, reserve in entry["reserves"].items())
    reserves.sort(key=lambda pair: int(pair[0], 16))
    held = tuple(address for address, _ in reserves)
    balances = tuple(int(reserve["balance"]) for _, reserve in reserves)
    if not all(balances):
        return None
    pool = WeightedPool(
        address,
        address,
        held,
        balances,
        tuple(_scaled(reserve["weight"], ONE) for _, reserve in reserves),
        tuple(tokens[token].decimals for token in held),
        _scaled(entry["fee"], ONE),
    )
    return _in_vault(pool, Family.BALANCER_WEIGHTED, fee_pips=_scaled(entry["fee"], 10**6))


def _stable(address: Address, entry: Entry, _tokens: Mapping[Address, Token]) -> ListedPool:
    held = tuple(sorted((checksummed(text) for text in entry["reserves"]), key=lambda token: int(token, 16)))
    reserves = {checksummed(text): int(balance) for text, balance in entry["reserves"].items()}
    rates = {checksummed(text): int(rate) for text, rate in entry["scaling_rates"].items()}
    pool = BalancerStablePool(
        address,
        address,
        held,
        tuple(reserves[token] for token in held),
        tuple(ONE * ONE // rates[token] for token in held),
        _scaled(entry["amplification_parameter"], AMP_PRECISION),
        _scaled(entry["fee"], ONE),
    )
    return _in_vault(pool, Family.BALANCER_STABLE, fee_pips=_scaled(entry["fee"], 10**6))


def _in_vault(pool: Pool, family: Family, *, fee_pips: int) -> ListedPool:
    vault = MAINNET.balancer[0]
    return ListedPool(PoolKey(family, vault.name, pool.pool_id, vault.vault, pool.tokens, fee_pips=fee_pips), pool)


def _scaled(text: str, scale: int) -> int:
    """A decimal as an integer; what is finer than the scale is cut."""
    return int(Decimal(text) * scale)
