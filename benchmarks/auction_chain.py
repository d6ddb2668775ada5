"""A chain that holds some of an auction's pools: the protocols' real bytecode, and the auction's own state in storage.

Owns: which pools are chosen, and how their state is written.
Must not: choose a trade, or know an expected amount.
Sources of the storage layouts: Uniswap v2 core `UniswapV2Pair`, v3 core `UniswapV3Pool`, `Oracle.Observation`.

Pairs and v3 pools are made by their factories, and lie where mainnet has them. A v3 pool's liquidity, price, ticks and
bitmap are then written as the auction states them; `liquidityGross`, which no swap reads, is the net's size. Balancer
pools are made by their factory, so their ids are this chain's own, and joined with the auction's balances. What a swap
reads beside that and the auction doesn't state is what a used pool has: fee growth, and an oracle of several
observations.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from benchmarks.settling_chain import TRADER, SettlingChain, Word, balance_word, oracle_words, used_words, write_words
from oms.adapters.evm.addresses import address_of, mapping_slot, v2_pair_address, v3_pool_address
from oms.adapters.evm.anvil import Anvil
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import deploy_on_fork, our_contracts
from oms.adapters.evm.devnet import chain
from oms.adapters.evm.devnet.build import (
    BLOCK_SECONDS,
    EMPTY_CHAIN,
    GAS_LIMIT,
    GENESIS_TIMESTAMP,
    PUBLISHED,
)
from oms.adapters.evm.devnet.deploy import Placement, Transactions, deploy_at, encode_call, read_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import BalancerVenue, ChainVenues, V2Venue, V3Venue
from oms.domain.token import Token
from oms.domain.venue import Family
from oms.errors import StateConflict
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.weighted import WeightedPool
from oms.units import UINT256_MAX, ZERO_ADDRESS, Address

VENUES: Final = ChainVenues(
    chain.CHAIN_ID,
    chain.WETH.address,
    v2=(V2Venue("uniswap_v2", chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH),),
    v3=(V3Venue("uniswap_v3", chain.V3_FACTORY, chain.V3_FACTORY, chain.V3_POOL_INIT_HASH),),
    balancer=(BalancerVenue("balancer_v2", chain.BALANCER_VAULT),),
)
PAIRS: Final = 25
CONCENTRATED: Final = 25
WEIGHTED_OF_TWO, WEIGHTED_OF_MORE = 5, 5
"""How many pools of each kind are chosen; the vault keeps pools of two tokens another way than larger ones."""

_WAD: Final = 10**18
_V2_RESERVES = 8
_V3_LIQUIDITY, _V3_TICKS, _V3_BITMAP = 4, 5, 6
_UNLOCKED = 1 << 240
_DEPTH: Final = 10**32
"""Of each token in each concentrated pool: the auction doesn't say how much they hold."""


def chosen_pools(pools: Iterable[ListedPool], tokens: Mapping[Address, Token]) -> tuple[ListedPool, ...]:
    """Sixty pools that can be built and join the most traded tokens, always the same ones for the same auction.

    Tokens are ranked by the number of buildable pools that they are in; a pool ranks by its least known token.
    """
    buildable = [listed for listed in pools if _buildable(listed, tokens)]
    uses = Counter(token for listed in buildable for token in listed.key.tokens)
    rank = {token: place for place, token in enumerate(sorted(uses, key=lambda token: (-uses[token], token)))}
    buildable.sort(key=lambda listed: (max(rank[token] for token in listed.key.tokens), listed.key.pool_id))

    def best(count: int, family: Family, *sizes: int) -> list[ListedPool]:
        kind = [listed for listed in buildable if listed.key.family is family and len(listed.key.tokens) in sizes]
        return kind[:count]

    return (
        *best(PAIRS, Family.UNISWAP_V2, 2),
        *best(CONCENTRATED, Family.UNISWAP_V3, 2),
        *best(WEIGHTED_OF_TWO, Family.BALANCER_WEIGHTED, 2),
        *best(WEIGHTED_OF_MORE, Family.BALANCER_WEIGHTED, *range(3, 9)),
    )


def _buildable(listed: ListedPool, tokens: Mapping[Address, Token]) -> bool:
    """Whether our factories would make this very pool, and it can trade."""
    pool = listed.pool
    if any(token not in tokens or tokens[token].decimals > 18 for token in listed.key.tokens):
        return False
    if isinstance(pool, ConstantProductPool):
        pair = v2_pair_address(chain.V2_FACTORY, chain.V2_PAIR_INIT_HASH, *pool.tokens)
        return pair == pool.pool_id and pool.fee_numerator * 1000 == pool.fee_denominator * 997
    if isinstance(pool, ConcentratedPool):
        made = v3_pool_address(chain.V3_FACTORY, chain.V3_POOL_INIT_HASH, *pool.tokens, fee_pips=pool.fee_pips)
        return made == pool.pool_id and pool.liquidity > 0
    if isinstance(pool, WeightedPool):
        exact = sum(pool.weights) == _WAD and min(pool.weights) >= _WAD // 100
        return exact and 10**12 <= pool.swap_fee <= 10**17 and min(pool.balances) > 10**4
    return False


@contextmanager
def auction_chain(
    pools: Sequence[ListedPool], tokens: Mapping[Address, Token], *, project: Path
) -> Iterator[SettlingChain]:
    """Build the chain and stop it at the end. `tokens` must name every pool's tokens. Raises `VenueError`."""
    used = {token: tokens[token] for listed in pools for token in listed.key.tokens}
    with Anvil.start(EMPTY_CHAIN, project=project) as anvil:
        built = _Ground(anvil.rpc, Artifacts(project), tuple(pools), used).build()
        contracts = our_contracts(Artifacts(project), VENUES, TRADER)
        deploy_on_fork(anvil.rpc, contracts, VENUES)
        anvil.rpc.call("evm_setBlockGasLimit", hex(GAS_LIMIT))
        anvil.rpc.call("evm_mine")
        running = SettlingChain(anvil, contracts, VENUES, built, used)
        _check(running)
        yield running


@dataclass(frozen=True, slots=True)
class _Ground:
    """A fresh Anvil, which must impersonate freely and not mine by itself."""

    rpc: RpcClient
    artifacts: Artifacts
    pools: tuple[ListedPool, ...]
    tokens: Mapping[Address, Token]

    def build(self) -> tuple[ListedPool, ...]:
        """Everything but the executor; returns the pools as they are listed here."""
        self.rpc.call("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        for account in (chain.BUILDER, TRADER, chain.WETH.address):
            self.rpc.call("anvil_setBalance", account, hex(10**30))
        deploy_at(self.rpc, chain.BUILDER, [*self._tokens(), *self._protocols()])
        deploy_at(self.rpc, chain.BUILDER, self._balancer())
        transactions = Transactions.of(self.rpc, chain.BUILDER)
        transactions.add("enable 1 bp", chain.V3_FACTORY, encode_call("enableFeeAmount(uint24,int24)", 100, 1))
        for listed in self.pools:
            self._create(transactions, listed)
        transactions.mine()
        write_words(self.rpc, (word for listed in self.pools for word in self._words(listed)))
        joined = self._join()
        return tuple(joined.get(listed.key.pool_id, listed) for listed in self.pools)

    def _published(self, name: str, *values: object) -> bytes:
        return self.artifacts.published(PUBLISHED[name]).with_arguments(*values)

    def _tokens(self) -> Iterator[Placement]:
        code = self.artifacts.ours("DevToken")
        for address, token in self.tokens.items():
            if address == chain.WETH.address:
                yield Placement("WETH9", address, self._published("WETH9"))
            else:
                yield Placement(token.symbol, address, code.with_arguments(token.symbol, token.symbol, token.decimals))

    def _protocols(self) -> list[Placement]:
        vault_arguments = (chain.BALANCER_AUTHORIZER, chain.WETH.address, 7_776_000, 2_592_000)
        placed: tuple[tuple[str, Address, tuple[object, ...]], ...] = (
            ("UniswapV2Factory", chain.V2_FACTORY, (chain.BUILDER,)),
            ("UniswapV3Factory", chain.V3_FACTORY, ()),
            ("Authorizer", chain.BALANCER_AUTHORIZER, (chain.BUILDER,)),
            ("Vault", chain.BALANCER_VAULT, vault_arguments),
        )
        return [Placement(name, address, self._published(name, *values)) for name, address, values in placed]

    def _balancer(self) -> list[Placement]:
        vault, provider = chain.BALANCER_VAULT, chain.BALANCER_FEE_PROVIDER
        placed: tuple[tuple[str, Address, tuple[object, ...]], ...] = (
            ("ProtocolFeePercentagesProvider", provider, (vault, 5 * 10**17, 10**17)),
            ("WeightedPoolFactory", chain.BALANCER_WEIGHTED_FACTORY, (vault, provider)),
        )
        return [Placement(name, address, self._published(name, *values)) for name, address, values in placed]

    def _create(self, transactions: Transactions, listed: ListedPool) -> None:
        pool = listed.pool
        if isinstance(pool, ConstantProductPool):
            create = encode_call("createPair(address,address)", *pool.tokens)
            transactions.add("createPair", chain.V2_FACTORY, create)
        elif isinstance(pool, ConcentratedPool):
            create = encode_call("createPool(address,address,uint24)", *pool.tokens, pool.fee_pips)
            transactions.add("createPool", chain.V3_FACTORY, create)
            transactions.add("initialize", Address(pool.pool_id), _initialize(pool))
        elif isinstance(pool, WeightedPool):
            signature = "create(string,string,address[],uint256[],address[],uint256,address)"
            no_rates = [ZERO_ADDRESS] * len(pool.tokens)
            values = ("Pool", "POOL", pool.tokens, pool.weights, no_rates, pool.swap_fee, chain.BUILDER)
            transactions.add("create weighted", chain.BALANCER_WEIGHTED_FACTORY, encode_call(signature, *values))
        else:
            raise StateConflict(listed.key.pool_id, f"{listed.key.family} cannot be built here; leave it out")

    def _words(self, listed: ListedPool) -> Iterator["Word"]:
        pool = listed.pool
        if isinstance(pool, ConstantProductPool):
            yield from _pair_words(pool)
        elif isinstance(pool, ConcentratedPool):
            yield from _concentrated_words(pool)

    def _join(self) -> dict[str, ListedPool]:
        """Each weighted pool with its opening balances, by the id that the auction knew it by."""
        weighted = [(listed, pool) for listed in self.pools if isinstance(pool := listed.pool, WeightedPool)]
        topic = "0x" + keccak(b"PoolCreated(address)").hex()
        where = {"address": chain.BALANCER_WEIGHTED_FACTORY, "topics": [topic], "fromBlock": "0x0"}
        created = [address_of(int(str(log["topics"][1]), 16)) for log in self.rpc.call("eth_getLogs", where)]
        transactions = Transactions.of(self.rpc, chain.BUILDER)
        approve = encode_call("approve(address,uint256)", chain.BALANCER_VAULT, UINT256_MAX)
        for token in self.tokens:
            write_words(self.rpc, [balance_word(token, chain.BUILDER, _DEPTH)])
            transactions.add("approve vault", token, approve)
        joined: dict[str, ListedPool] = {}
        for (listed, pool), address in zip(weighted, created, strict=True):
            (raw,) = read_call(self.rpc, address, "getPoolId()", returns="(bytes32)")
            init = encode(["uint256", "uint256[]"], [0, pool.balances])  # JoinKind.INIT
            signature = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
            request = (pool.tokens, [UINT256_MAX] * len(pool.tokens), init, False)
            data = encode_call(signature, raw, chain.BUILDER, chain.BUILDER, request)
            transactions.add("join", chain.BALANCER_VAULT, data)
            pool_id = "0x" + raw.hex()
            key = replace(listed.key, pool_id=pool_id)
            joined[listed.key.pool_id] = ListedPool(key, replace(pool, pool_id=pool_id, address=address))
        transactions.mine()
        return joined


def _initialize(pool: ConcentratedPool) -> bytes:
    return encode_call("initialize(uint160)", pool.sqrt_price_x96)


def _pair_words(pool: ConstantProductPool) -> Iterator[Word]:
    pair = Address(pool.pool_id)
    packed = GENESIS_TIMESTAMP << 224 | pool.reserve1 << 112 | pool.reserve0
    yield pair, _V2_RESERVES, packed
    yield balance_word(pool.token0, pair, pool.reserve0)
    yield balance_word(pool.token1, pair, pool.reserve1)
    yield from used_words(pool, VENUES)


def _concentrated_words(pool: ConcentratedPool) -> Iterator[Word]:
    address = Address(pool.pool_id)
    slot0 = _UNLOCKED | pool.tick % 2**24 << 160 | pool.sqrt_price_x96
    for slot, word in oracle_words(slot0):
        yield address, slot, word
    yield address, _V3_LIQUIDITY, pool.liquidity
    words: dict[int, int] = {}
    for tick, net in zip(pool.tick_map.ticks, pool.tick_map.nets, strict=True):
        yield address, mapping_slot(tick, _V3_TICKS), (net % 2**128) << 128 | abs(net)
        word, bit = divmod(tick // pool.tick_spacing, 256)
        words[word] = words.get(word, 0) | 1 << bit
    for word, bits in words.items():
        yield address, mapping_slot(word, _V3_BITMAP), bits
    for token in pool.tokens:
        yield balance_word(token, address, _DEPTH)
    yield from used_words(pool, VENUES)


def _check(running: SettlingChain) -> None:
    """That the contracts' own views say what the auction says. Raises `StateConflict`."""
    for listed in running.pools:
        pool, told = listed.pool, _told(running.rpc, listed)
        if isinstance(pool, ConstantProductPool):
            expected: tuple[object, ...] = (pool.reserve0, pool.reserve1)
        elif isinstance(pool, ConcentratedPool):
            expected = (pool.sqrt_price_x96, pool.tick, pool.liquidity)
        elif isinstance(pool, WeightedPool):
            expected = (tuple(token.lower() for token in pool.tokens), pool.balances, pool.weights, pool.swap_fee)
        if told != expected:
            raise StateConflict(listed.key.pool_id, f"the chain says {told}, the auction {expected}")


def _told(rpc: RpcClient, listed: ListedPool) -> tuple[object, ...]:
    pool = listed.pool
    address = Address(listed.key.pool_id[:42])
    if isinstance(pool, ConstantProductPool):
        return read_call(rpc, address, "getReserves()", returns="(uint112,uint112,uint32)")[:2]
    if isinstance(pool, ConcentratedPool):
        slot0 = read_call(rpc, address, "slot0()", returns="(uint160,int24,uint16,uint16,uint16,uint8,bool)")
        return (*slot0[:2], *read_call(rpc, address, "liquidity()", returns="(uint128)"))
    raw = bytes.fromhex(listed.key.pool_id[2:])
    kinds = "(address[],uint256[],uint256)"
    tokens, balances, _ = read_call(rpc, chain.BALANCER_VAULT, "getPoolTokens(bytes32)", raw, returns=kinds)
    (weights,) = read_call(rpc, address, "getNormalizedWeights()", returns="(uint256[])")
    (fee,) = read_call(rpc, address, "getSwapFeePercentage()", returns="(uint256)")
    return tokens, balances, weights, fee
