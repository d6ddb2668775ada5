"""Plans run again from scratch, in integers, leg after leg in settlement order: ours and a peer's.

Owns: an account of who holds what while a plan runs, written apart from the router's own settling.
Must not: use anything of `oms.routing` but what a plan says.

The executor's rules: an exact leg spends its amount, a share is of what the plan holds of the token at that moment
(rounded down), the rest is all of it. A peer's leg states the share of what is left, in 1/65535 as its own router
contract settles it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.plans import SpendKind
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool, Swap
from oms.routing.allocation import PASSED_TOKEN_GAS, TRANSACTION_GAS, Allocation
from oms.routing.market import PoolEdge
from oms.units import Address

PEER_PORTION = 65_535
PeerLeg = tuple[str, Address, Address, float]
"""Pool, token in, token out, and the share of what is left of the token in."""


class ReplayFailed(Exception):
    """A leg spends what the plan does not hold, or stands on a venue that is no pool."""


@dataclass(slots=True)
class Account:
    """What a running plan holds, and the pools as its earlier legs left them."""

    pools: dict[str, Pool]
    held: dict[Address, int]
    swapped: list[tuple[Address, Address, int]] = field(default_factory=list)

    @classmethod
    def holding(cls, pools: Mapping[str, Pool], token: Address, amount: int) -> "Account":
        """An account with nothing but the order's input."""
        return cls(dict(pools), defaultdict(int, {token: amount}))

    @property
    def gas(self) -> int:
        """The transaction, its swaps, and each token that is only passed through."""
        passed = {sold for sold, _, _ in self.swapped} & {bought for _, bought, _ in self.swapped}
        return TRANSACTION_GAS + sum(gas for _, _, gas in self.swapped) + PASSED_TOKEN_GAS * len(passed)

    def swap(self, pool_id: str, token_in: Address, token_out: Address, *, amount: int) -> Swap:
        """Run one leg. Raises `QuoteRefused`, `ReplayFailed`."""
        if amount > self.held[token_in]:
            raise ReplayFailed(f"{pool_id} spends {amount} of {self.held[token_in]} held")
        done = self.pools[pool_id].quote_in(token_in, token_out, amount)
        self.pools[pool_id] = done.next_pool
        self.held[token_in] -= done.amount_in
        self.held[token_out] += done.amount_out
        self.swapped.append((token_in, token_out, done.gas))
        return done


def by_id(listed: Iterable[ListedPool]) -> Mapping[str, Pool]:
    """Fresh pools by their id."""
    return {each.key.pool_id: each.pool for each in listed}


def mismatch(
    pools: Mapping[str, Pool], plan: Allocation, *, token_in: Address, token_out: Address, amount_in: int
) -> str:
    """The first amount in which the plan and its re-simulation differ; empty where they are equal.

    Raises `QuoteRefused`, `ReplayFailed` where the plan could not run at all.
    """
    if plan.amount_in != amount_in:
        return f"takes {plan.amount_in} instead of {amount_in}"
    account = Account.holding(pools, token_in, amount_in)
    for place, leg in enumerate(plan.legs):
        edge, held = leg.edge, account.held[leg.edge.token_in]
        if not isinstance(edge, PoolEdge):
            raise ReplayFailed(f"leg {place} is no pool's")
        amount = leg.amount_in if leg.spend.kind is SpendKind.EXACT else leg.spend.amount(held, leg.amount_in)
        done = account.swap(edge.listed.key.pool_id, edge.token_in, edge.token_out, amount=amount)
        if (amount, done.amount_out, done.gas) != (leg.amount_in, leg.amount_out, leg.gas):
            return f"leg {place}: {amount} for {done.amount_out}, stated {leg.amount_in} for {leg.amount_out}"
    left = {token: amount for token, amount in account.held.items() if amount and token != token_out}
    if left:
        return f"leaves {left} behind"
    paid = account.held[token_out]
    if (paid, account.gas) != (plan.amount_out, plan.gas):
        return f"pays {paid} for {account.gas} gas, stated {plan.amount_out} for {plan.gas}"
    return ""


def peer_outcome(
    pools: Mapping[str, Pool], legs: Sequence[PeerLeg], *, token_in: Address, token_out: Address, amount_in: int
) -> tuple[int, int]:
    """What a peer's route really pays, and its gas by our figures. Raises `QuoteRefused`, `ReplayFailed`."""
    account = Account.holding(pools, token_in, amount_in)
    for pool_id, sold, bought, share in legs:
        amount = account.held[sold] * round(share * PEER_PORTION) // PEER_PORTION
        if amount:
            account.swap(pool_id, sold, bought, amount=amount)
    return account.held[token_out], account.gas
