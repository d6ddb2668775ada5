"""`python -m benchmarks.gas_fit`: fits `oms.routing.gas_model`'s table to receipts, prints it and how well it does.

Owns: which plans are observed, and the fit. Must not: count anything itself.
Least squares on relative errors. The plans are random ones on sixty of the recorded auction's pools and on the
development chain's, each of the latter alone in its block and after every pool has been used. Plans of one or two
direct hops are added to the fit, as many orders are that simple and few random plans.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import click
import numpy as np

from benchmarks.auction import Auction
from benchmarks.auction_chain import auction_chain, chosen_pools
from benchmarks.chain_plans import RandomPlans, SettledPlan, market_of, settled, states_after, with_quotes
from benchmarks.devnet_chain import devnet_chain, maker_quotes
from benchmarks.settling_chain import SettlingChain
from oms.routing.gas_model import REFUND_DIVISOR, GasTerms, Item, PlanCount, count

PROJECT = Path(__file__).resolve().parents[1]
FIT_SEED, CHECK_SEED = 1, 2
PLANS_BETWEEN_REVERTS = 10
FIT_PLANS, CHECK_PLANS = 1_000, 400
FIT_DIRECT, CHECK_DIRECT = 500, 200
_QUOTES, _DIRECT_QUOTES = 6, 20


@dataclass(frozen=True, slots=True)
class Observation:
    """What a plan was counted as doing, and what its receipt says that it cost."""

    counted: PlanCount
    gas_used: int
    exact: bool

    @property
    def spent(self) -> int:
        """Gas before the refund."""
        uncapped = self.gas_used + self.counted.refund
        if self.counted.refund <= uncapped // REFUND_DIVISOR:
            return uncapped
        return self.gas_used * REFUND_DIVISOR // (REFUND_DIVISOR - 1)

    def error(self, table: Mapping[Item, int]) -> float:
        """The estimate's relative error."""
        return self.counted.gas(table) / self.gas_used - 1


def terms_of(plan: SettledPlan) -> GasTerms:
    """What the estimate is told of how the plan was funded."""
    funding = plan.funding
    return GasTerms(pulls=funding.pulls, keeps_input=funding.keeps_input, has_output=funding.has_output)


def random_plans(seed: int) -> RandomPlans:
    """Any that the router could make."""
    return RandomPlans(Random(seed))  # noqa: S311 (wanted: the same on every machine)


def direct_plans(seed: int) -> RandomPlans:
    """One or two pools or makers that join the two tokens."""
    return replace(random_plans(seed), max_paths=2, max_hops=1)


def observed(
    running: SettlingChain, choice: RandomPlans, plans: int, *, quotes: int = 0, routed: bool = True
) -> Iterator[Observation]:
    """Plans settled one after another, every few on the chain's first state again; a quarter `routed` if wanted."""
    snapshot = running.anvil.snapshot()
    market = market_of(running)
    for index in range(plans):
        if index % PLANS_BETWEEN_REVERTS == 0:
            running.anvil.revert(snapshot)
            snapshot = running.anvil.snapshot()
            market = market_of(running)
        market = with_quotes(market, maker_quotes(running, choice.rng, quotes))
        allocation = choice.routed(market) if routed and index % 4 == 3 else choice.allocation(market)
        plan = settled(running, market, allocation, choice.funding())
        yield Observation(count(allocation.legs, market.states, terms=terms_of(plan)), plan.gas_used, plan.exact)
        market = states_after(market, allocation)
    running.anvil.revert(snapshot)


def observations(project: Path, data: Path, seed: int, plans: int) -> list[Observation]:
    """Of any plans, half on each chain."""
    with _auction_chain(project, data) as running:
        found = list(observed(running, random_plans(seed), plans // 2))
    with devnet_chain(project=project) as running:
        return [*found, *observed(running, random_plans(seed), plans // 2, quotes=_QUOTES)]


def direct_observations(project: Path, data: Path, seed: int, plans: int) -> list[Observation]:
    """Of direct ones, half on each chain."""
    with _auction_chain(project, data) as running:
        found = list(observed(running, direct_plans(seed), plans // 2, routed=False))
    with devnet_chain(project=project) as running:
        return [*found, *observed(running, direct_plans(seed), plans // 2, quotes=_DIRECT_QUOTES, routed=False)]


def _auction_chain(project: Path, data: Path) -> AbstractContextManager[SettlingChain]:
    auction = Auction.load(data)
    return auction_chain(chosen_pools(auction.pools, auction.tokens), auction.tokens, project=project)


def fitted(seen: Sequence[Observation]) -> dict[Item, int]:
    """The table that explains these receipts best."""
    scale = np.array([1 / each.gas_used for each in seen])
    counts = np.array([[each.counted.items.get(item, 0) for item in Item] for each in seen], dtype=float)
    costs = np.array([each.spent - each.counted.fixed for each in seen], dtype=float)
    solution, *_ = np.linalg.lstsq(counts * scale[:, None], costs * scale, rcond=None)
    return {item: round(value) for item, value in zip(Item, solution, strict=True)}


def share_within(seen: Sequence[Observation], table: Mapping[Item, int], *, tolerance: float = 0.02) -> float:
    """Of these plans, the part whose estimate is within the tolerance of the receipt's gas."""
    return sum(abs(each.error(table)) <= tolerance for each in seen) / len(seen)


def main() -> None:
    """Fit, print the table, and check it on other plans."""
    data = Path(os.environ.get("OMS_DATA") or PROJECT.parent / "shared" / "data")
    seen = observations(PROJECT, data, FIT_SEED, FIT_PLANS)
    table = fitted([*seen, *direct_observations(PROJECT, data, FIT_SEED, FIT_DIRECT)])
    for item, cost in table.items():
        click.echo(f"    Item.{item.name}: {cost:_},")
    _report("other plans", observations(PROJECT, data, CHECK_SEED, CHECK_PLANS), table)
    _report("other direct plans", direct_observations(PROJECT, data, CHECK_SEED, CHECK_DIRECT), table)


def _report(what: str, checked: Sequence[Observation], table: Mapping[Item, int]) -> None:
    errors = sorted(each.error(table) for each in checked)
    quantiles = ", ".join(f"{errors[int(q * (len(errors) - 1))]:+.2%}" for q in (0, 0.05, 0.5, 0.95, 1))
    click.echo(f"within 2 %: {share_within(checked, table):.3f} of {len(checked)} {what}; errors at")
    click.echo(f"the least, a twentieth, a half, nineteen twentieths and the most: {quantiles}")


if __name__ == "__main__":
    main()
