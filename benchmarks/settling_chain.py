"""A chain of our own on which plans settle: the executor on it, its pools as listed, and writing its storage.

Owns: sending to the executor, and the storage of plain tokens and of concentrated pools.
Must not: build anything (`auction_chain` and `devnet_chain` do), or choose a trade.
Sources of the storage layouts: Uniswap v3 core `UniswapV3Pool`, `Tick.Info`; v4 core `PoolManager`, `Pool.State`;
WETH9, our `DevToken` and `NoReturnToken`, which all keep balances in slot 3 and allowances in slot 4.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.anvil import Anvil
from oms.adapters.evm.contracts import OurContracts
from oms.adapters.evm.devnet.build import GENESIS_TIMESTAMP
from oms.adapters.evm.devnet.deploy import checked, read_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import V4_POOLS_SLOT, ChainVenues
from oms.domain.token import Token
from oms.domain.venue import Family
from oms.errors import Terminal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.units import Address

DEADLINE: Final = 2**32 - 1
"""Of every plan: later than any chain's present."""
TRADER = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
"""Owns the executor and sends the plans; Anvil's account 2."""
USED_GROWTH, USED_GROWTH_OUTSIDE = 7 << 120, 5 << 120
"""Fee growth of a concentrated pool that has been used for a while; its size changes no amount."""

OBSERVATIONS: Final = 16
"""In each v3 pool's oracle. The 14 pools that a recorded mainnet block of 2026 touched hold from 51 to 1,500."""

_BALANCES, _ALLOWANCES = 3, 4
_INITIALIZED = 1 << 248
_FIRST_OBSERVATION = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """One transaction's receipt."""

    gas_used: int
    logs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SettlingChain:
    """A running chain, which must impersonate freely and not mine by itself. `tokens` are all that its pools trade."""

    anvil: Anvil
    contracts: OurContracts
    venues: ChainVenues
    pools: tuple[ListedPool, ...]
    tokens: Mapping[Address, Token]

    @property
    def rpc(self) -> RpcClient:
        """The chain's node."""
        return self.anvil.rpc

    def make_used(self) -> None:
        """Write into every pool what trading leaves in it and no amount depends on."""
        write_words(self.rpc, (word for listed in self.pools for word in used_words(listed.pool, self.venues)))

    def hold_only(self, account: Address, balances: Mapping[Address, int]) -> None:
        """Make all the account's balances these, and zero in every other token of the chain."""
        write_words(self.rpc, (balance_word(token, account, balances.get(token, 0)) for token in self.tokens))

    def allow(self, token: Address, amount: int) -> None:
        """Make the trader's allowance to the executor `amount`."""
        write_words(self.rpc, [allowance_word(token, TRADER, self.contracts.executor, amount)])

    def balance(self, token: Address, account: Address) -> int:
        """The account's present balance."""
        (balance,) = read_call(self.rpc, token, "balanceOf(address)", account, returns="(uint256)")
        return int(balance)

    def execute(self, calldata: bytes) -> Sent:
        """Send to the executor as its owner, and mine. Raises `Terminal` when it reverts."""
        return send(self.rpc, TRADER, self.contracts.executor, calldata)


def send(rpc: RpcClient, sender: Address, target: Address, calldata: bytes) -> Sent:
    """One impersonated transaction, mined. Raises `Terminal` with the reason when it reverts."""
    body = {"from": sender, "to": target, "data": "0x" + calldata.hex(), "gas": hex(16_000_000)}
    digest = rpc.call("eth_sendTransaction", body)
    rpc.call("evm_mine")
    receipt = rpc.call("eth_getTransactionReceipt", digest)
    if receipt is None or receipt["status"] != "0x1":
        reason = rpc.batch([("eth_call", [body, "latest"])])
        raise Terminal("anvil", f"a plan reverted or was not mined ({reason[0]}); this is a defect, report it")
    return Sent(int(receipt["gasUsed"], 16), tuple(receipt["logs"]))


Word = tuple[Address, int, int]
"""Contract, slot, value."""


def balance_word(token: Address, account: Address, amount: int) -> Word:
    """Where a plain token of this chain keeps an account's balance."""
    return token, mapping_slot(int(account, 16), _BALANCES), amount


def allowance_word(token: Address, holder: Address, spender: Address, amount: int) -> Word:
    """Where it keeps an allowance."""
    return token, mapping_slot(int(spender, 16), mapping_slot(int(holder, 16), _ALLOWANCES)), amount


def used_words(pool: Pool, venues: ChainVenues) -> Iterator[Word]:
    """What trading leaves in a pool and no amount depends on.

    In a pair, its cumulated prices; in a concentrated pool, the fee growth, its own and outside each of its ticks, and
    in v3 the seconds outside them.
    """
    if isinstance(pool, ConstantProductPool):
        for slot in (9, 10):
            yield Address(pool.pool_id), slot, 1 << 112
    if not isinstance(pool, ConcentratedPool):
        return
    if pool.family is Family.UNISWAP_V4:
        holder, base, ticks = venues.v4[0].pool_manager, mapping_slot(int(pool.pool_id, 16), V4_POOLS_SLOT), 4
    else:
        holder, base, ticks = Address(pool.pool_id), 0, 5
    for slot in (1, 2):
        yield holder, base + slot, USED_GROWTH
    for tick in pool.tick_map.ticks:
        slot = mapping_slot(tick, base + ticks)
        yield holder, slot + 1, USED_GROWTH_OUTSIDE
        yield holder, slot + 2, USED_GROWTH_OUTSIDE
        if pool.family is Family.UNISWAP_V3:
            yield holder, slot + 3, _INITIALIZED | 1 << 216 | 1


def oracle_words(slot0: int) -> Iterator[tuple[int, int]]:
    """Slots and words of a v3 pool whose oracle holds `OBSERVATIONS`, and whose first word was `slot0`."""
    index_and_cardinalities = (2**48 - 1) << 184
    yield 0, slot0 & ~index_and_cardinalities | OBSERVATIONS << 200 | OBSERVATIONS << 216
    yield _FIRST_OBSERVATION, _INITIALIZED | GENESIS_TIMESTAMP
    for index in range(1, OBSERVATIONS):
        yield _FIRST_OBSERVATION + index, 1  # as `increaseObservationCardinalityNext` leaves them


def write_words(rpc: RpcClient, words: Iterable[Word]) -> None:
    """Write storage as it is told. Raises `RpcError`."""
    calls = (("anvil_setStorageAt", [address, f"0x{slot:064x}", f"0x{value:064x}"]) for address, slot, value in words)
    checked(rpc, rpc.batch(calls))
