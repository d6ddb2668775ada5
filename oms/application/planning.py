"""From a quote to a plan: firm quotes in place of indicative ones, legs in settlement order, pins and minimums.

Owns: asking the chosen maker to sign, and what to do when it doesn't.
Must not: send anything, or adjust a plan after it was made; a stale one is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from oms.application.market_view import SilentVenue
from oms.application.plan_file import plan_digest
from oms.application.quoting import QuoteReport, split_impact_bps
from oms.domain.plans import ExchangeLeg, Exposure, MakerLeg, PoolLeg, RoutePlan, Side
from oms.domain.quotes import FirmQuote, QuoteRequest
from oms.domain.token import Token
from oms.errors import OmsError, QuoteRefused, Refusal, StateConflict
from oms.liquidity.order_book import round_down_to_step, round_up_to_step
from oms.ports.clock import Clock
from oms.ports.makers import Maker
from oms.routing.market import BookEdge, FirmEdge, LadderEdge, Market, Path, PoolEdge
from oms.routing.split import Allocation, LegFill, best_split, settle, split_for_output
from oms.units import BPS, Address, Bps, Gas


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What the desk adds to a quote: who settles, the tolerance, and until when (Unix seconds of chain time)."""

    executor: Address
    slippage: Bps
    deadline: int
    max_hops: int


def make_plan(
    report: QuoteReport, terms: PlanTerms, *, makers: Sequence[Maker], tokens: Mapping[Address, Token], clock: Clock
) -> tuple[RoutePlan, tuple[SilentVenue, ...]]:
    """The plan, and the makers that were chosen and did not sign. Raises `QuoteRefused` when nothing is left."""
    split, refusals = _with_firm_quotes(report, terms, {maker.name: maker for maker in makers})
    _require_as_good(report, split, terms)
    return _plan(report, terms, split, tokens, clock), refusals


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
) -> tuple[Allocation, tuple[SilentVenue, ...]]:
    """Replace each ladder that the split uses by a firm quote; a maker that refuses or worsens is left out."""
    split, market, refusals = report.split, report.market, []
    while indicative := _indicative(split):
        edge, ladder = indicative
        without = Market.of(e for e in market.edges if e is not edge)
        fallback = _split(report, terms, without)
        try:
            firm = _firm_edge(edge, ladder, report, terms, makers)
            market = Market.of(firm if e is edge else e for e in market.edges)
            split = settle(market, _replaced(split, edge, firm), gas_cost=report.gas_cost)
        except OmsError as error:
            refusals.append(SilentVenue(edge.label, str(error)))
            market, split = without, _or_raise(fallback, error)
            continue
        if fallback is not None and _better(report, fallback, split):
            refusals.append(SilentVenue(edge.label, "its firm quote was worse than doing without it"))
            market, split = without, fallback
    if report.intent.side is Side.BUY and split.amount_out < report.intent.amount:
        raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the maker signed for less than it showed; ask for less")
    return split, tuple(refusals)


def _indicative(split: Allocation) -> tuple[LadderEdge, LegFill] | None:
    """The first leg of the split that no maker has signed for yet."""
    for leg in split.legs:
        if isinstance(leg.edge, LadderEdge):
            return leg.edge, leg
    return None


def _or_raise(fallback: Allocation | None, error: OmsError) -> Allocation:
    if fallback is None:
        raise error
    return fallback


def _split(report: QuoteReport, terms: PlanTerms, market: Market) -> Allocation | None:
    intent = report.intent
    search = best_split if intent.side is Side.SELL else split_for_output
    try:
        return search(
            market,
            intent.token_in.address,
            intent.token_out.address,
            intent.amount,
            gas_cost=report.gas_cost,
            max_hops=terms.max_hops,
        )
    except QuoteRefused:
        return None


def _better(report: QuoteReport, first: Allocation, second: Allocation) -> bool:
    if report.intent.side is Side.SELL:
        return first.net_out > second.net_out
    if second.amount_out < report.intent.amount:
        return True
    return first.amount_in * second.amount_out < second.amount_in * first.amount_out


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


def _replaced(split: Allocation, old: LadderEdge, new: FirmEdge) -> dict[Path, int]:
    return {tuple(new if edge is old else edge for edge in path): share for path, share in split.paths}


def _plan(
    report: QuoteReport, terms: PlanTerms, split: Allocation, tokens: Mapping[Address, Token], clock: Clock
) -> RoutePlan:
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
        gas_cost=split.amount_out - split.net_out,
        deadline=terms.deadline,
        created_at=clock.now(),
        impact_bps=split_impact_bps(split),
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
