"""Curve pools: known deployments read from storage, others named by the registry and skipped.

Owns: which words to ask for, and when. Must not: know where they lie (`oms.liquidity.curve_layout`), or quote.
Source: Curve `MetaRegistry.find_pools_for_coins`.
"""

from collections.abc import Sequence
from itertools import combinations

from oms.adapters.evm.pools.abi import Unreadable, addresses, array, view, words
from oms.adapters.evm.pools.reading import Call, Loading, Slot, both, calls, codes, slots, together
from oms.adapters.evm.venues import CurveVenue
from oms.domain.venue import Family, PoolKey
from oms.errors import BeyondKnownRange, QuoteRefused
from oms.liquidity.curve_layout import (
    STABLESWAP_FUTURE_TIME_SLOT,
    STABLESWAP_RAMP_SLOTS,
    TRICRYPTO_OPTIONAL_SLOTS,
    CryptoSwapDeployment,
    StableSwapDeployment,
    cryptoswap_slots,
    decode_cryptoswap,
    decode_stableswap,
    stableswap_slots,
)
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.units import ZERO_ADDRESS, Address

MOST_NAMED = 16
"""Pools of unknown code that a snapshot lists as skipped."""
_FEE_TO_PIPS = 10**4

Deployment = StableSwapDeployment | CryptoSwapDeployment


def load_all(
    venue: CurveVenue, tokens: Sequence[Address], *, timestamp: int
) -> Loading[list[ListedPool | SkippedPool | None]]:
    """The known pools that trade two of `tokens`, and what the registry names beside them."""
    wanted = [each for each in _deployments(venue) if len(set(each.tokens) & set(tokens)) >= 2]
    loaded, others = yield from both(
        together([_load(venue, deployment, timestamp=timestamp) for deployment in wanted]), _others(venue, tokens)
    )
    return [*loaded, *others]


def load(venue: CurveVenue, address: str, *, timestamp: int) -> Loading[ListedPool | SkippedPool | None]:
    """One known pool by its address."""
    for deployment in _deployments(venue):
        if deployment.address == address:
            return (yield from _load(venue, deployment, timestamp=timestamp))
    return SkippedPool(venue.name, address, "a Curve pool whose code is not known here")


def _deployments(venue: CurveVenue) -> tuple[Deployment, ...]:
    return (*venue.stableswap, *venue.cryptoswap)


def _load(venue: CurveVenue, deployment: Deployment, *, timestamp: int) -> Loading[ListedPool | SkippedPool | None]:
    address = deployment.address
    if isinstance(deployment, StableSwapDeployment):
        needed: tuple[int, ...] = stableswap_slots(len(deployment.tokens))
        ramp: tuple[int, ...] = STABLESWAP_RAMP_SLOTS
        end, supply_at = STABLESWAP_FUTURE_TIME_SLOT, None
    else:
        layout = cryptoswap_slots(deployment.generation)
        needed, ramp, end = (*layout.always, *TRICRYPTO_OPTIONAL_SLOTS), layout.ramp, layout.future_time
        supply_at = Slot(*deployment.supply_at)
    asked = [Slot(address, slot) for slot in needed]
    answers = yield from slots([*asked, supply_at] if supply_at else asked)
    held = {slot: word for slot, word in zip(needed, answers, strict=False) if word is not None}
    if not any(held.values()):
        (code,) = yield from codes([address])
        return SkippedPool(venue.name, address, "its state is not recorded") if code else None
    if held.get(end, 0) > timestamp:
        during = yield from slots(Slot(address, slot) for slot in ramp)
        held |= {slot: word for slot, word in zip(ramp, during, strict=True) if word is not None}
    try:
        if isinstance(deployment, StableSwapDeployment):
            stable = decode_stableswap(held, deployment=deployment, timestamp=timestamp)
            key = _key(venue, deployment, Family.CURVE_STABLESWAP, fee=stable.fee)
            return SkippedPool(venue.name, address, "it is killed") if stable.killed else ListedPool(key, stable)
        supply = answers[-1]
        if supply is None:
            return SkippedPool(venue.name, address, "its share token's supply is not recorded")
        crypto = decode_cryptoswap(held, deployment=deployment, total_supply=supply, timestamp=timestamp)
        key = _key(venue, deployment, Family.CURVE_CRYPTOSWAP, fee=crypto.fee.mid_fee)
        return SkippedPool(venue.name, address, "it is killed") if crypto.killed else ListedPool(key, crypto)
    except BeyondKnownRange as lack:
        return SkippedPool(venue.name, address, lack.detail)
    except QuoteRefused as problem:
        return SkippedPool(venue.name, address, f"its state cannot be quoted on: {problem}")


def _key(venue: CurveVenue, deployment: Deployment, family: Family, *, fee: int) -> PoolKey:
    address = deployment.address
    return PoolKey(family, venue.name, address, address, deployment.tokens, fee_pips=fee // _FEE_TO_PIPS)


def _others(venue: CurveVenue, tokens: Sequence[Address]) -> Loading[list[SkippedPool]]:
    """Pools that the registry names for a pair and whose code is not known here."""
    if venue.meta_registry is None:
        return []
    registry = venue.meta_registry
    answers = yield from calls(
        Call(registry, view("find_pools_for_coins(address,address)", a, b)) for a, b in combinations(tokens, 2)
    )
    known = {deployment.address for deployment in _deployments(venue)} | {ZERO_ADDRESS}
    named: list[Address] = []
    for answer in answers:
        if not answer:
            continue
        try:
            named += [pool for pool in addresses(array(words(answer, 2), 0)) if pool not in known]
        except Unreadable:
            continue
    reason = "a Curve pool whose code is not known here"
    return [SkippedPool(venue.name, pool, reason) for pool in list(dict.fromkeys(named))[:MOST_NAMED]]
