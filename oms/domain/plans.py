"""What is to be traded, and the plan that trades it.

Owns: the intent, the legs and the plan, pinned to what they were computed on.
Must not: quote, encode, or decide. All amounts are base units unless they say whole tokens.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from oms.domain.block import BlockPin
from oms.domain.quotes import FirmQuote
from oms.domain.token import Token, TokenAmount
from oms.domain.venue import PoolKey
from oms.units import Bps, Gas, Wei


class Side(StrEnum):
    """Whether the amount asked for is what is given (`sell`) or what is wanted (`buy`)."""

    SELL = "sell"
    BUY = "buy"


@dataclass(frozen=True, slots=True)
class Intent:
    """Sell exactly `amount` of `token_in`, or buy at least `amount` of `token_out`."""

    side: Side
    token_in: Token
    token_out: Token
    amount: int

    @property
    def given(self) -> TokenAmount:
        """The amount that was asked for, in its token."""
        return TokenAmount(self.token_in if self.side is Side.SELL else self.token_out, self.amount)

    def __str__(self) -> str:
        verb, other = ("sell", self.token_out) if self.side is Side.SELL else ("buy", self.token_in)
        return f"{verb} {self.given} for {other}" if self.side is Side.SELL else f"{verb} {self.given} with {other}"


MAX_HOPS = 6
"""Pools in a row that a path may have at most; beyond four, more hops seldom pay."""

SHARE_DENOMINATOR = 2**32
"""A `share` of this is everything the plan holds of the token at that moment."""


class SpendKind(StrEnum):
    """How a leg's input is measured when it runs."""

    EXACT = "exact"
    SHARE = "share"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Spend:
    """A leg's input rule: the exact predicted amount, a share of what the plan holds by then, or all of it."""

    kind: SpendKind
    share: int = 0

    def amount(self, available: int, exact: int) -> int:
        """Base units spent when the plan holds `available`; a share is rounded down, as the executor does."""
        if self.kind is SpendKind.EXACT:
            return exact
        return available if self.kind is SpendKind.REST else available * self.share // SHARE_DENOMINATOR


@dataclass(frozen=True, slots=True)
class PoolLeg:
    """One swap on one pool, with its predicted amounts."""

    key: PoolKey
    token_in: Token
    token_out: Token
    amount_in: int
    amount_out: int
    gas: Gas
    spend: Spend

    @property
    def venue(self) -> str:
        """The venue's name in tables."""
        return self.key.label


@dataclass(frozen=True, slots=True)
class MakerLeg:
    """A fill of a maker's firm quote, whole or in part, as part of the same transaction."""

    quote: FirmQuote
    token_in: Token
    token_out: Token
    amount_in: int
    amount_out: int
    gas: Gas
    spend: Spend

    @property
    def venue(self) -> str:
        """The venue's name in tables."""
        return f"maker {self.quote.maker_name}"


ChainLeg = PoolLeg | MakerLeg


@dataclass(frozen=True, slots=True)
class Exposure:
    """What stays open between the on-chain settlement and the exchange's fill.

    `open_amount` of the base asset (whole tokens), worth `notional` in the quote currency at the plan's price;
    `worst_case_cost` is what filling at the limit price instead would cost in the quote currency.
    """

    open_amount: Decimal
    notional: Decimal
    worst_case_cost: Decimal


@dataclass(frozen=True, slots=True)
class ExchangeLeg:
    """A child order on an exchange, filled from the desk's balance there after the chain has settled.

    `amount_in` and `amount_out` are base units of the plan's tokens, the latter after the taker's fee, both predicted
    from the book numbered `book_sequence`. Sizes and prices are the exchange's own decimals.
    """

    exchange: str
    symbol: str
    side: Side
    token_in: Token
    token_out: Token
    size: Decimal
    expected_price: Decimal
    limit_price: Decimal
    taker_fee: Decimal
    amount_in: int
    amount_out: int
    book_sequence: int
    book_source: str
    book_read_at: float
    exposure: Exposure

    @property
    def venue(self) -> str:
        """The venue's name in tables."""
        return f"{self.exchange} {self.symbol}"


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """A split of one intent over venues, exact at `block`.

    `amount_in` and `amount_out` are totals over all legs; `chain_amount_in` and `chain_amount_out` those of the one
    transaction. `gas` is that transaction's, `gas_wei` its fee; `gas_cost` is the fee in base units of `token_out`,
    rounded up. `charges`, in the same units, is what exchange legs are expected to cost beside their amounts.
    `chain_amount_out_min` is enforced on balances. `deadline` is Unix seconds of chain time. `impact_bps` is how far
    the average price is from the best marginal one among the paths used; infinite where that isn't known.

    `bound` is what no plan could better on the same market, gross of gas: the most output of a sale, the least input of
    a purchase. `gap_bps` is the plan's distance from it, `gap_reason` why it is large where it is. `arbitrage` is what
    that market would have paid with no order at all, in the bound's units and not part of it.
    """

    plan_id: str
    intent: Intent
    block: BlockPin
    chain_legs: tuple[ChainLeg, ...]
    exchange_legs: tuple[ExchangeLeg, ...]
    amount_in: int
    amount_out: int
    chain_amount_in: int
    chain_amount_out: int
    chain_amount_out_min: int
    slippage: Bps
    gas: Gas
    gas_price: Wei
    gas_wei: Wei
    gas_cost: int
    charges: int
    deadline: int
    created_at: float
    impact_bps: float
    bound: int
    arbitrage: int
    gap_bps: float
    gap_reason: str

    @property
    def net_out(self) -> int:
        """What is left of the output after gas and charges."""
        return self.amount_out - self.gas_cost - self.charges

    @property
    def legs(self) -> tuple[ChainLeg | ExchangeLeg, ...]:
        """All legs, on-chain ones first, in settlement order."""
        return (*self.chain_legs, *self.exchange_legs)
