"""Makers' prices: indicative ladders, and firm signed quotes. They are different types on purpose.

An indicative level may rank a maker; only a `FirmQuote` can become a leg.
"""

from dataclasses import dataclass
from decimal import Decimal

from oms.domain.token import Token
from oms.units import Address


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What a taker asks a maker to sign: exactly one of the two amounts is given, in base units."""

    chain_id: int
    taker: Address
    taker_token: Address
    maker_token: Address
    taker_amount: int | None = None
    maker_amount: int | None = None


@dataclass(frozen=True, slots=True)
class FirmQuote:
    """A maker's promise, as the settlement contract reads it: pays `maker_amount` for `taker_amount` until `expiry`.

    Amounts in base units, `expiry` in Unix seconds of chain time. `signature` is r ‖ s ‖ v over the EIP-712 digest.
    `received_at` is our clock's Unix time in seconds when it arrived.
    """

    maker_name: str
    chain_id: int
    settlement: Address
    maker: Address
    taker: Address
    maker_token: Address
    taker_token: Address
    maker_amount: int
    taker_amount: int
    expiry: int
    nonce: int
    partial_fill_allowed: bool
    signature: bytes
    received_at: float

    def maker_amount_for(self, taker_amount: int) -> int:
        """What a (partial) fill pays, rounded down as the settlement contract rounds it."""
        return self.maker_amount * taker_amount // self.taker_amount


@dataclass(frozen=True, slots=True)
class LadderLevel:
    """Up to `size` more of the taker's token is bought at `price` maker tokens each (both in whole tokens)."""

    size: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class IndicativeLadder:
    """A maker's unsigned price levels for selling it `taker_token`, best first. Never settled on.

    `inventory` is what the maker says that it can pay in whole maker tokens over all its quotes together; `None` where
    it says nothing, and then the most that any of its ladders shows is what it has been seen to hold.
    """

    maker_name: str
    taker_token: Token
    maker_token: Token
    levels: tuple[LadderLevel, ...]
    received_at: float
    inventory: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BookLevel:
    """`size` base units-of-account offered or bid at `price`, as the exchange states them."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """One exchange's depth for `symbol` (`BASE/QUOTE`) at one sequence number; bids and asks best first.

    `request_seconds` is how long the request for it took, by our clock; `None` where nobody measured.
    """

    exchange: str
    symbol: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    sequence: int
    received_at: float
    source: str
    request_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ExchangeMarket:
    """An exchange's rules for one symbol: precision steps, minimum notional, and the taker's fee as a fraction."""

    exchange: str
    symbol: str
    base: str
    quote: str
    price_step: Decimal
    size_step: Decimal
    min_notional: Decimal
    taker_fee: Decimal
