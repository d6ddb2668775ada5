"""Profitable circles on a chain's pools at one block, as a report.

Owns: the price of gas in the start token. Must not: sign or send; no plan of the executor settles a circle.
"""

from dataclasses import dataclass

from oms.application.pool_view import PoolView
from oms.domain.token import Token
from oms.routing.allocation import GasCost
from oms.routing.cycles import CyclesFound, CycleTerms, profitable_cycles


@dataclass(frozen=True, slots=True)
class CyclesReport:
    """The circles found from `start`, on that view; amounts are base units of it."""

    view: PoolView
    start: Token
    found: CyclesFound
    gas_cost: GasCost


def find_cycles(view: PoolView, start: Token, *, max_hops: int, gas_free: bool = False) -> CyclesReport:
    """Circles through `start` that earn more than their gas. Raises `QuoteRefused` where no pool trades it."""
    market = view.market()
    gas_cost = GasCost(0.0) if gas_free else view.gas_cost(market, start.address)
    found = profitable_cycles(market, start.address, CycleTerms(gas_cost, max_hops=max_hops))
    return CyclesReport(view, start, found, gas_cost)
