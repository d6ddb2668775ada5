"""From a quote to a plan: firm quotes in place of indicative ones, legs in settlement order, pins and minimums.

Owns: asking the chosen maker to sign, and what to do when it doesn't.
Must not: send anything, or adjust a plan after it was made; a stale one is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from oms.application.market_view import SilentVenue
from oms.application.plan_file import plan_digest
from oms.application.quoting import (
    QuoteReport,
    as_transaction,
    is_better,
    routed,
    split_impact_bps,
    with_allocation,
    with_plan_gas,
)
from oms.domain.plans import ExchangeLeg, Exposure, MakerLeg, PoolLeg, RoutePlan, Side
from oms.domain.quotes import FirmQuote, QuoteRequest
from oms.domain.token import Token
from oms.errors import OmsError, QuoteRefused, Refusal, StateConflict
from oms.liquidity.order_book import round_down_to_step, round_up_to_step
from oms.ports.clock import Clock
from oms.ports.makers import Maker
from oms.routing.allocation import Allocation, LegFill, settle
from oms.routing.gas_model import TRANSACTION_GAS_LIMIT, GasTerms
from oms.routing.market import BookEdge, Edge, FirmEdge, LadderEdge, PoolEdge
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route, RouteTerms
from oms.units import BPS, Address, Bps, Gas


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What the desk adds to a quote: who settles, the tolerance, and until when (Unix seconds of chain time).

    `pulls` says that the input is pulled from the owner, which costs gas.
    """

    executor: Address
    slippage: Bps
    deadline: int
    max_hops: int
    pulls: bool = False


def make_plan(
    report: QuoteReport, terms: PlanTerms, *, makers: Sequence[Maker], tokens: Mapping[Address, Token], clock: Clock
) -> tuple[RoutePlan, tuple[SilentVenue, ...]]:
    """The plan, and the makers that were chosen and did not sign. Raises `QuoteRefused` when nothing is left."""
    route, refusals = _with_firm_quotes(report, terms, {maker.name: maker for maker in makers})
    require_fits(route.allocation)
    _require_as_good(report, route.allocation, terms)
    return _plan(report, terms, route, tokens, clock), refusals


def require_fits(split: Allocation) -> None:
    """Refuse what no block would take. Raises `QuoteRefused`."""
    if split.gas > TRANSACTION_GAS_LIMIT:
        why = f"needs {split.gas:,} gas, and no transaction may use more than {TRANSACTION_GAS_LIMIT:,}"
        raise QuoteRefused(Refusal.TOO_MUCH_GAS, f"{why}; sell it in parts, or narrow --venues or --max-hops")


def _require_as_good(report: QuoteReport, split: Allocation, terms: PlanTerms) -> None:
    """Refuse a plan that lost more than the tolerance against its quote, as when a maker showed and did not sign."""
    shown, net = report.split, split.net_out
    if report.intent.side is Side.SELL:
        worse = (shown.net_out - net) * BPS > terms.slippage * abs(shown.net_out)
    else:
        worse = (split.amount_in - shown.amount_in) * BPS > terms.slippage * shown.amount_in
    if worse:
        why = "without the maker's signature the price is outside the tolerance; ask again, or leave it out of --venues"
        raise QuoteRefused(Refusal.WORSE_THAN_QUOTED, why)


def _with_firm_quotes(
    report: QuoteReport, terms: PlanTerms, makers: Mapping[str, Maker]
) -> tuple[Route, tuple[SilentVenue, ...]]:
    """Replace each ladder that the route uses by a firm quote; a maker that refuses or worsens is left out."""
    refusals: list[SilentVenue] = []
    edges = report.prepared.edges
    route = _as_transaction(report, terms, report.prepared, report.route)
    while indicative := _indicative(route.allocation):
        edge, leg = indicative
        without = tuple(e for e in edges if e is not edge)
        try:
            firm = _firm_edge(edge, leg, report, terms, makers)
            signed = tuple(firm if e is edge else e for e in edges)
            route = _signed(report, terms, route, signed, edge, firm)
        except OmsError as error:
            refusals.append(SilentVenue(edge.label, str(error)))
            edges, route = without, _or_raise(_routed(report, terms, PreparedMarket.of(without)), error)
            continue
        edges = signed
        if firm not in route.allocation.flows:
            refusals.append(SilentVenue(edge.label, "its firm quote was worse than doing without it"))
            edges = without
    if report.intent.side is Side.BUY and route.allocation.amount_out < report.intent.amount:
        raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the maker signed for less than it showed; ask for less")
    return route, tuple(refusals)


def _signed(
    report: QuoteReport, terms: PlanTerms, route: Route, edges: Sequence[Edge], ladder: LadderEdge, firm: FirmEdge
) -> Route:
    """The route with the firm quote for the ladder, or a better one now that it is there. Raises `QuoteRefused`."""
    market = PreparedMarket.of(edges)
    flows = {firm if edge is ladder else edge: amount for edge, amount in route.allocation.flows.items()}
    kept = settle(market.market.states, flows, gas_cost=report.gas_cost)
    kept = with_plan_gas(kept, market.market.states, report.gas_cost, _gas_terms(report, terms))
    anew = _routed(report, terms, market)
    if anew is not None and _better(report, anew.allocation, kept):
        return anew
    return with_allocation(anew or route, kept, report.intent.side, reason="fixed cost")


def _indicative(split: Allocation) -> tuple[LadderEdge, LegFill] | None:
    """The first leg of the split that no maker has signed for yet."""
    for leg in split.legs:
        if isinstance(leg.edge, LadderEdge):
            return leg.edge, leg
    return None


def _or_raise(fallback: Route | None, error: OmsError) -> Route:
    if fallback is None:
        raise error
    return fallback


def _routed(report: QuoteReport, terms: PlanTerms, market: PreparedMarket) -> Route | None:
    """The best route over this market; `None` where none fills the order."""
    try:
        route = routed(market, report.intent, RouteTerms(report.gas_cost, terms.max_hops))
    except QuoteRefused:
        return None
    return _as_transaction(report, terms, market, route)


def _as_transaction(report: QuoteReport, terms: PlanTerms, market: PreparedMarket, route: Route) -> Route:
    return as_transaction(route, market, report.gas_cost, _gas_terms(report, terms))


def _gas_terms(report: QuoteReport, terms: PlanTerms) -> GasTerms:
    return GasTerms(pulls=terms.pulls, token_gas=report.view.token_gas)


def _better(report: QuoteReport, first: Allocation, second: Allocation) -> bool:
    """Whether the first is the better one for this intent; a purchase that falls short is worse than any."""
    if report.intent.side is Side.BUY and second.amount_out < report.intent.amount:
        return True
    return is_better(report.intent.side, first, second)


def _firm_edge(
    edge: LadderEdge, leg: LegFill, report: QuoteReport, terms: PlanTerms, makers: Mapping[str, Maker]
) -> FirmEdge:
    request = QuoteRequest(
        chain_id=report.view.snapshot.block.chain_id,
        taker=terms.executor,
        taker_token=edge.token_in,
        maker_token=edge.token_out,
        taker_amount=leg.amount_in,
    )
    quote: FirmQuote = makers[edge.ladder.maker_name].firm_quote(request)
    return FirmEdge(quote, edge.token_in, edge.token_out)


def _plan(
    report: QuoteReport, terms: PlanTerms, route: Route, tokens: Mapping[Address, Token], clock: Clock
) -> RoutePlan:
    split, proof = route.allocation, route.certificate
    chain_legs = tuple(_chain_leg(leg, tokens) for leg in split.legs if not isinstance(leg.edge, BookEdge))
    exchange_legs = tuple(
        _exchange_leg(leg, leg.edge, tokens, terms) for leg in split.legs if isinstance(leg.edge, BookEdge)
    )
    intent, block = report.intent, report.view.snapshot.block
    chain_in = split.amount_in - sum(leg.amount_in for leg in exchange_legs)
    chain_out = split.amount_out - sum(leg.amount_out for leg in exchange_legs)
    draft = RoutePlan(
        plan_id="",
        intent=intent,
        block=block,
        chain_legs=chain_legs,
        exchange_legs=exchange_legs,
        amount_in=split.amount_in,
        amount_out=split.amount_out,
        chain_amount_in=chain_in,
        chain_amount_out=chain_out,
        chain_amount_out_min=_minimum(report, terms, chain_out, split.amount_out),
        slippage=terms.slippage,
        gas=Gas(split.gas),
        gas_price=report.view.gas_price,
        gas_wei=report.view.fees.fee_wei(Gas(split.gas)),
        gas_cost=report.gas_cost.of(split.gas),
        charges=split.charges,
        deadline=terms.deadline,
        created_at=clock.now(),
        impact_bps=split_impact_bps(split),
        bound=proof.bound,
        arbitrage=proof.arbitrage,
        gap_bps=proof.gap_bps,
        gap_reason=proof.reason,
    )
    return replace(draft, plan_id=plan_digest(draft))


def _minimum(report: QuoteReport, terms: PlanTerms, chain_out: int, amount_out: int) -> int:
    """The least output enforced on chain, rounded up: the tolerance for a sale, the wanted amount for a purchase."""
    tolerated = -(-chain_out * (BPS - terms.slippage) // BPS)
    if report.intent.side is Side.BUY:
        return max(tolerated, chain_out - (amount_out - report.intent.amount))
    return tolerated


def _chain_leg(leg: LegFill, tokens: Mapping[Address, Token]) -> PoolLeg | MakerLeg:
    token_in, token_out = tokens[leg.edge.token_in], tokens[leg.edge.token_out]
    if isinstance(leg.edge, PoolEdge):
        key = leg.edge.listed.key
        return PoolLeg(key, token_in, token_out, leg.amount_in, leg.amount_out, Gas(leg.gas), leg.spend)
    if isinstance(leg.edge, FirmEdge):
        quote = leg.edge.quote
        return MakerLeg(quote, token_in, token_out, leg.amount_in, leg.amount_out, Gas(leg.gas), leg.spend)
    raise StateConflict("plan", f"{leg.edge.label} is indicative and cannot settle; ask for a firm quote")


def _exchange_leg(leg: LegFill, edge: BookEdge, tokens: Mapping[Address, Token], terms: PlanTerms) -> ExchangeLeg:
    market = edge.market
    fill = market.fill(edge.token_in, leg.amount_in)
    step, expected = market.rules.price_step, fill.average_price
    drift = expected * terms.slippage / BPS
    if fill.side is Side.SELL:  # no tighter than the last level that the plan counts on; the gate bounds how far off
        limit = round_down_to_step(min(expected - drift, fill.worst_price), step)
    else:
        limit = round_up_to_step(max(expected + drift, fill.worst_price), step)
    size = fill.base_amount
    exposure = Exposure(size, size * expected, abs(expected - limit) * size)
    return ExchangeLeg(
        exchange=market.book.exchange,
        symbol=market.book.symbol,
        side=fill.side,
        token_in=tokens[edge.token_in],
        token_out=tokens[edge.token_out],
        size=size,
        expected_price=expected,
        limit_price=limit,
        taker_fee=market.rules.taker_fee,
        amount_in=leg.amount_in,
        amount_out=leg.amount_out,
        book_sequence=market.book.sequence,
        book_source=market.book.source,
        book_read_at=float(market.book.received_at),
        exposure=exposure,
    )
