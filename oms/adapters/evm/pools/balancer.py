"""Balancer v2 pools: given by id or found by the vault's events, read through views.

Owns: which views tell a pool's kind, generation and state. Must not: quote.
Source: Balancer v2 `Vault.getPoolTokens`, `TokensRegistered`; `WeightedPool`, `StablePool`, `MetaStablePool` and
`ComposableStablePool` views; generations told apart by the published bytecode: `inRecoveryMode` came with the one that
raises small powers by multiplication and rounds its stable invariant down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import checksummed
from oms.adapters.evm.pools.abi import Unreadable, addresses, array, view, words
from oms.adapters.evm.pools.reading import Call, Loading, Logs, calls, logs, together
from oms.adapters.evm.venues import BalancerVenue
from oms.domain.venue import Family, PoolKey
from oms.errors import StateConflict
from oms.liquidity.composable_stable import AMP_PRECISION, BalancerStablePool, InvariantVersion
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.liquidity.weighted import PowVersion, WeightedPool
from oms.units import ZERO_ADDRESS, Address

TOKENS_REGISTERED = "0x" + keccak(b"TokensRegistered(bytes32,address[],address[])").hex()
MOST_FOUND = 32
_ONE = 10**18
_FEE_TO_PIPS = 10**12


def load_all(
    venue: BalancerVenue, tokens: Sequence[Address], *, from_block: int | None, timestamp: int
) -> Loading[list[ListedPool | SkippedPool | None]]:
    """The known pools that trade two of `tokens`; with `from_block`, also those that events since then name."""
    notes: list[ListedPool | SkippedPool | None] = []
    ids = list(venue.pool_ids)
    if from_block is not None:
        events = yield from logs(Logs(venue.vault, (TOKENS_REGISTERED,), from_block))
        if isinstance(events, str):
            notes.append(SkippedPool(venue.name, "", f"pools beyond the known ones were not searched: {events}"))
        else:
            found = [event.topics[1].lower() for event in events if len(event.topics) > 1]
            ids += [pool_id for pool_id in dict.fromkeys(found) if pool_id not in ids][-MOST_FOUND:]
    loaded = yield from together([load(venue, pool_id, tokens=tokens, timestamp=timestamp) for pool_id in ids])
    return [*loaded, *notes]


def load(
    venue: BalancerVenue, pool_id: str, *, tokens: Sequence[Address] | None = None, timestamp: int
) -> Loading[ListedPool | SkippedPool | None]:
    """A pool by its id; None where the vault does not know it or it does not trade two of `tokens`."""
    (registered,) = yield from calls([Call(venue.vault, view("getPoolTokens(bytes32)", pool_id))])
    if not registered:
        return None
    try:
        head = words(registered, 3)
        coins, balances = addresses(array(head, 0)), tuple(array(head, 1))
        if tokens is not None and len(set(coins) & set(tokens)) < 2:
            return None
        if len(coins) != len(balances):
            return SkippedPool(venue.name, pool_id, "the vault names more tokens than balances, or fewer")
        views = yield from _views(checksummed(pool_id[:42]), coins)
        return (yield from _listed(venue, pool_id, views=views, balances=balances, timestamp=timestamp))
    except (Unreadable, StateConflict) as problem:
        return SkippedPool(venue.name, pool_id, str(problem))


@dataclass(frozen=True, slots=True)
class _Views:
    """A pool's raw answers; those of another kind of pool are None."""

    address: Address
    coins: tuple[Address, ...]
    swap_fee: int
    weights: tuple[int, ...] | None
    scaling_factors: tuple[int, ...] | None
    amplification: list[int] | None
    share_index: int | None
    rate_providers: tuple[Address, ...] | None
    decimals: tuple[int, ...]
    paused: bool
    newer: bool


def _views(address: Address, coins: tuple[Address, ...]) -> Loading[_Views]:
    asked = (
        "getSwapFeePercentage()",
        "getNormalizedWeights()",
        "getScalingFactors()",
        "getAmplificationParameter()",
        "getBptIndex()",
        "getRateProviders()",
        "getPausedState()",
        "inRecoveryMode()",
    )
    of_pool = [Call(address, view(signature), foreign=True) for signature in asked]
    of_tokens = [Call(coin, view("decimals()"), foreign=True) for coin in coins]
    answers = yield from calls([*of_pool, *of_tokens])
    fee, weights, factors, amplification, share, providers, paused, recovery = answers[: len(asked)]
    rates = _array(providers)
    return _Views(
        address=address,
        coins=coins,
        swap_fee=words(fee, 1)[0],
        weights=_array(weights),
        scaling_factors=_array(factors),
        amplification=words(amplification, 3) if amplification else None,
        share_index=words(share, 1)[0] if share else None,
        rate_providers=None if rates is None else addresses(rates),
        decimals=tuple(words(answer, 1)[0] for answer in answers[len(asked) :]),
        paused=bool(words(paused, 1)[0]),
        newer=bool(recovery),
    )


def _array(answer: bytes | None) -> tuple[int, ...] | None:
    return tuple(array(words(answer, 2), 0)) if answer else None


def _listed(
    venue: BalancerVenue, pool_id: str, *, views: _Views, balances: tuple[int, ...], timestamp: int
) -> Loading[ListedPool | SkippedPool]:
    if views.paused:
        return SkippedPool(venue.name, pool_id, "it is paused")
    if views.weights is not None:
        return ListedPool(
            _key(venue, pool_id, Family.BALANCER_WEIGHTED, coins=views.coins, swap_fee=views.swap_fee),
            WeightedPool(
                pool_id=pool_id,
                address=views.address,
                tokens=views.coins,
                balances=balances,
                weights=views.weights,
                decimals=views.decimals,
                swap_fee=views.swap_fee,
                pow_version=PowVersion.V2 if views.newer else PowVersion.V1,
            ),
        )
    if views.amplification is None:
        return SkippedPool(venue.name, pool_id, "neither a weighted nor a stable pool")
    value, updating, precision = views.amplification[:3]
    if updating:
        return SkippedPool(venue.name, pool_id, "its amplification is being changed")
    if precision != AMP_PRECISION:
        return SkippedPool(venue.name, pool_id, f"its amplification has a precision of {precision}")
    if views.share_index is not None and not views.newer:
        return SkippedPool(venue.name, pool_id, "a phantom stable pool, of a generation that is not quoted")
    factors = yield from _scaling_factors(views, timestamp=timestamp)
    kept = [index for index in range(len(views.coins)) if index != views.share_index]
    coins = tuple(views.coins[index] for index in kept)
    return ListedPool(
        _key(venue, pool_id, Family.BALANCER_STABLE, coins=coins, swap_fee=views.swap_fee),
        BalancerStablePool(
            pool_id=pool_id,
            address=views.address,
            tokens=coins,
            balances=tuple(balances[index] for index in kept),
            scaling_factors=tuple(factors[index] for index in kept),
            amplification=value,
            swap_fee=views.swap_fee,
            invariant_version=InvariantVersion.ROUND_DOWN if views.newer else InvariantVersion.ROUND_UP,
            rated=any(provider != ZERO_ADDRESS for provider in views.rate_providers or ()),
        ),
    )


def _scaling_factors(views: _Views, *, timestamp: int) -> Loading[tuple[int, ...]]:
    """Factors with the rates that a swap would use: a cached rate that has expired is fetched anew by the swap."""
    plain = tuple(_ONE * 10 ** (18 - decimals) for decimals in views.decimals)
    if views.scaling_factors is None or len(views.scaling_factors) != len(plain):
        return plain
    factors = list(views.scaling_factors)
    rated = [i for i, provider in enumerate(views.rate_providers or ()) if provider != ZERO_ADDRESS and i < len(plain)]
    if not rated:
        return tuple(factors)
    # Meta-stable pools call it price rate, with no old rate between rate and times.
    cache = "getTokenRateCache(address)" if views.share_index is not None else "getPriceRateCache(address)"
    caches = [Call(views.address, view(cache, views.coins[i]), foreign=True) for i in rated]
    rates = [Call((views.rate_providers or ())[i], view("getRate()"), foreign=True) for i in rated]
    answers = yield from calls([*caches, *rates])
    for position, i in enumerate(rated):
        cached = answers[position]
        expires = words(cached, 3)[-1] if cached else 0
        if expires < timestamp:
            factors[i] = plain[i] * words(answers[len(rated) + position], 1)[0] // _ONE
    return tuple(factors)


def _key(venue: BalancerVenue, pool_id: str, family: Family, *, coins: tuple[Address, ...], swap_fee: int) -> PoolKey:
    return PoolKey(family, venue.name, pool_id, venue.vault, coins, fee_pips=swap_fee // _FEE_TO_PIPS)
