"""What was built: addresses, tokens and pools, saved beside the chain's state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Self

from oms.adapters.evm.addresses import V4Key
from oms.domain.token import Token
from oms.units import ZERO_ADDRESS, Address


@dataclass(frozen=True, slots=True)
class BuiltPool:
    """A pool of the development chain: its address, or its 32-byte id in v4 and Balancer."""

    family: str
    pool_id: str
    tokens: tuple[Address, ...]
    fee_pips: int = 0
    tick_spacing: int = 0
    hooks: Address = ZERO_ADDRESS

    @property
    def v4_key(self) -> V4Key:
        """The key of a v4 pool."""
        return V4Key(self.tokens[0], self.tokens[1], self.fee_pips, self.tick_spacing, self.hooks)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a reader of the chain cannot compute, and the settings that it was built from."""

    chain_id: int
    block: int
    seed: int
    prices_usd: Mapping[str, Decimal]
    addresses: Mapping[str, Address]
    tokens: tuple[Token, ...]
    pools: tuple[BuiltPool, ...]

    @property
    def balancer_pool_ids(self) -> tuple[str, ...]:
        """Balancer's pools have no computable address."""
        return tuple(pool.pool_id for pool in self.pools if pool.family.startswith("balancer"))

    @property
    def hooked_keys(self) -> tuple[V4Key, ...]:
        """Keys of the v4 pools with hooks, which no list of plain tiers would find."""
        hooked = (pool for pool in self.pools if pool.family == "uniswap_v4" and pool.hooks != ZERO_ADDRESS)
        return tuple(pool.v4_key for pool in hooked)

    def write(self, path: Path) -> None:
        """Save as JSON."""
        value = {
            "chain_id": self.chain_id,
            "block": self.block,
            "seed": self.seed,
            "prices_usd": {symbol: str(price) for symbol, price in self.prices_usd.items()},
            "addresses": dict(self.addresses),
            "tokens": [[t.chain_id, t.address, t.symbol, t.decimals] for t in self.tokens],
            "pools": [[p.family, p.pool_id, p.tokens, p.fee_pips, p.tick_spacing, p.hooks] for p in self.pools],
        }
        path.write_text(json.dumps(value, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` saved. Raises `OSError`, `ValueError`, `KeyError` or `TypeError` when that is damaged."""
        value = json.loads(path.read_text())
        return cls(
            value["chain_id"],
            value["block"],
            value["seed"],
            {symbol: Decimal(price) for symbol, price in value["prices_usd"].items()},
            value["addresses"],
            tuple(Token(*row) for row in value["tokens"]),
            tuple(BuiltPool(row[0], row[1], tuple(row[2]), *row[3:]) for row in value["pools"]),
        )
