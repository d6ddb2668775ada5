"""An edge's answer to a price, whatever it is: a pool's curve, a maker's levels, a book's.

Owns: the response of each kind of edge, and about what one use of it costs in gas.
Must not: move a state, or let one venue in a bad state spoil the others.
"""

from oms.errors import OmsError
from oms.liquidity.price_response import (
    EMPTY,
    PriceResponse,
    flat_levels,
    response_of,
)
from oms.liquidity.typical_gas import tick_gas, typical_gas
from oms.routing.levels import price_levels
from oms.routing.market import MAKER_FILL_GAS, BookEdge, Edge, FirmEdge, LadderEdge, PoolEdge

LEVEL_WIDTH = 2e-7
"""Log price over which a level's amount is spread, so that it is a function of the price: 0.002 bps."""


def level_response(edge: LadderEdge | FirmEdge | BookEdge) -> PriceResponse:
    """A maker's or a book's levels as a response; what can only be had whole is left to the plan, and is empty here."""
    steps: list[tuple[float, float, float]] = []
    taken = paid = 0.0
    for level in price_levels(edge):
        if level.all_or_nothing:
            return EMPTY
        steps.append((level.amount_in - taken, level.amount_out - paid, level.marginal))
        taken, paid = level.amount_in, level.amount_out
    return flat_levels(steps, width=LEVEL_WIDTH)


def edge_response(edge: Edge) -> PriceResponse:
    """An edge's response; empty where its state has none, so that one bad venue spoils no other."""
    try:
        if isinstance(edge, PoolEdge):
            return response_of(edge.listed.pool, edge.token_in, edge.token_out)
        return level_response(edge)
    except (OmsError, ArithmeticError, ValueError):
        return EMPTY


def edge_gas(edge: Edge) -> int:
    """About what one use of the edge costs in gas; a search's figure, the plan's own is simulated."""
    if isinstance(edge, PoolEdge):
        return typical_gas(edge.listed.pool)
    return 0 if isinstance(edge, BookEdge) else MAKER_FILL_GAS


def edge_kink_gas(edge: Edge) -> int:
    """What every tick that a sale crosses costs more, where the edge has ticks."""
    return tick_gas(edge.listed.pool) if isinstance(edge, PoolEdge) else 0
