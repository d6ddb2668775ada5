"""Realised amounts of each leg of a settled plan, read from the transaction's transfers.

Owns: the matching of ERC-20 transfers (and wrapped-coin deposits and withdrawals) to legs.
Must not: trust the prediction; an amount that no transfer shows is zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.plans import ChainLeg, MakerLeg, RoutePlan
from oms.domain.transactions import TransferLog
from oms.units import ZERO_ADDRESS, Address


@dataclass(frozen=True, slots=True)
class LegResult:
    """One leg's predicted and realised amounts, in base units of its tokens."""

    venue: str
    token_in: Address
    token_out: Address
    predicted_in: int
    predicted_out: int
    realised_in: int
    realised_out: int

    @property
    def exact(self) -> bool:
        """Whether both amounts came out as predicted, to the unit."""
        return self.predicted_in == self.realised_in and self.predicted_out == self.realised_out


def realised_legs(plan: RoutePlan, transfers: Sequence[TransferLog], *, executor: Address) -> tuple[LegResult, ...]:
    """Each on-chain leg with what the transfers say it moved. Legs are matched in order, each transfer once.

    A pool may pay the next leg's pool itself: one transfer, the first leg's output and the second's input.
    """
    unused = list(transfers)

    def take(token: Address, sender: Address, recipient: Address) -> int | None:
        for index, log in enumerate(unused):
            if (log.token, log.sender, log.recipient) == (token, sender, recipient):
                return unused.pop(index).amount
        return None

    results = []
    handed: int | None = None
    for leg, following in zip(plan.chain_legs, (*plan.chain_legs[1:], None), strict=True):
        payee, payer = counterparties(leg)
        paid = handed if handed is not None else take(leg.token_in.address, executor, payee) or 0
        handed, received = None, take(leg.token_out.address, payer, executor)
        if received is None and following is not None and following.token_in == leg.token_out:
            handed = received = take(leg.token_out.address, payer, counterparties(following)[0])
        results.append(
            LegResult(
                leg.venue,
                leg.token_in.address,
                leg.token_out.address,
                leg.amount_in,
                leg.amount_out,
                paid,
                received or 0,
            )
        )
    return tuple(results)


def counterparties(leg: ChainLeg) -> tuple[Address, Address]:
    """Who takes the leg's input and who pays its output; a wrapped coin that is unwrapped for v4 goes to nobody."""
    if isinstance(leg, MakerLeg):
        return leg.quote.settlement, leg.quote.maker  # the settlement collects for the maker
    if not leg.key.native:
        return leg.key.settles_at, leg.key.settles_at
    wraps_in = leg.token_in.address == leg.key.tokens[0]
    return (ZERO_ADDRESS, leg.key.settles_at) if wraps_in else (leg.key.settles_at, ZERO_ADDRESS)


def chain_totals(plan: RoutePlan, results: Sequence[LegResult]) -> tuple[int, int]:
    """Realised input and output of the whole transaction, in the intent's tokens."""
    token_in, token_out = plan.intent.token_in.address, plan.intent.token_out.address
    paid = sum(r.realised_in for r in results if r.token_in == token_in)
    received = sum(r.realised_out for r in results if r.token_out == token_out)
    return paid, received
