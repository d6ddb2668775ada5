"""A maker behind the RFQ protocol: asks, and believes nothing that it cannot check against what it asked.

Owns: the client, the field-by-field comparison of a firm quote with its request, and the typing of failures.
Must not: sign, rank, or keep a quote. The protocol is in `docs/rfq-protocol.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from eth_utils.address import to_checksum_address
from pydantic import BaseModel, ValidationError

from oms.adapters.bounded_http import BoundedHttp, NotAnswered, NotSent, Reply
from oms.adapters.makers.messages import ErrorMessage, InfoMessage, LadderMessage, QuoteMessage
from oms.adapters.makers.typed_data import signer_of
from oms.domain.quotes import FirmQuote, IndicativeLadder, LadderLevel, QuoteRequest
from oms.domain.token import Token
from oms.errors import InvalidRequest, Retryable, Terminal, VenueError
from oms.ports.clock import Clock
from oms.units import UINT128_MAX, Address

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class MakerTerms:
    """What a quote must agree with besides its request: whose it is, where it settles, and how long it lives."""

    chain_id: int
    maker: Address
    settlement: Address
    min_life_seconds: int = 10
    max_life_seconds: int = 3_600


@dataclass(frozen=True, slots=True)
class MakerInfo:
    """How a maker presents itself. Unchecked: compare it with what the desk has agreed with that maker."""

    name: str
    maker: Address
    chain_id: int
    settlement: Address
    pairs: tuple[tuple[Address, Address], ...]


def maker_info(url: str, *, timeout_seconds: float = 2.0) -> MakerInfo:
    """Ask a maker who it is. Raises `VenueError`."""
    http = BoundedHttp(url, timeout_seconds=timeout_seconds)
    try:
        info = _Conversation(f"maker {http.url}", http).get(InfoMessage, "/v1/info")
    finally:
        http.close()
    pairs = tuple((_address(pair.base_token), _address(pair.quote_token)) for pair in info.pairs)
    return MakerInfo(info.name, _address(info.maker), info.chain_id, _address(info.settlement), pairs)


class HttpMaker:
    """One maker by URL, pinned to its signing address. Thread-safe. Close it when done.

    `chain_time` gives the settling chain's time in Unix seconds; `clock` the machine's, which stamps answers.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        terms: MakerTerms,
        chain_time: Callable[[], int],
        clock: Clock,
        timeout_seconds: float = 2.0,
    ) -> None:
        self.name = name
        self.terms = terms
        self._chain_time = chain_time
        self._clock = clock
        self._http = BoundedHttp(url, timeout_seconds=timeout_seconds)
        self._conversation = _Conversation(f"maker {name}", self._http)

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def ladder(self, taker_token: Token, maker_token: Token) -> IndicativeLadder:
        """See `oms.ports.makers.Maker`."""
        query = {"taker_token": taker_token.address, "maker_token": maker_token.address}
        message = self._conversation.get(LadderMessage, "/v1/ladder", **query)
        venue = self._conversation.venue
        for field, asked in query.items():
            if _address(getattr(message, field)) != asked:
                raise Terminal(venue, f"answered for another {field}: asked {asked}; levels ignored")
        levels = tuple(LadderLevel(Decimal(level.size), Decimal(level.price)) for level in message.levels)
        if any(worse.price > better.price for better, worse in pairwise(levels)):
            raise Terminal(venue, "its levels are not sorted best first; levels ignored")
        inventory = None if message.inventory is None else Decimal(message.inventory)
        return IndicativeLadder(self.name, taker_token, maker_token, levels, self._clock.now(), inventory)

    def firm_quote(self, request: QuoteRequest) -> FirmQuote:
        """See `oms.ports.makers.Maker`."""
        if request.chain_id != self.terms.chain_id:
            raise InvalidRequest("chain", f"maker {self.name} settles on chain {self.terms.chain_id}; ask for that one")
        body = {
            "chain_id": request.chain_id,
            "taker": request.taker,
            "taker_token": request.taker_token,
            "maker_token": request.maker_token,
            "taker_amount": None if request.taker_amount is None else str(request.taker_amount),
            "maker_amount": None if request.maker_amount is None else str(request.maker_amount),
        }
        message = self._conversation.post(QuoteMessage, "/v1/quote", body)
        quote = _firm(message, self.name, received_at=self._clock.now())
        check_firm_quote(quote, request, terms=self.terms, chain_time=self._chain_time())
        return quote


def check_firm_quote(quote: FirmQuote, request: QuoteRequest, *, terms: MakerTerms, chain_time: int) -> None:
    """Compare every field with what was asked, and the signature with the pinned maker.

    Raises:
        Terminal: naming the first field that differs, what was asked and what came.
    """
    venue = f"maker {quote.maker_name}"
    expected = {
        "chain": (request.chain_id, quote.chain_id),
        "settlement contract": (terms.settlement, quote.settlement),
        "maker address": (terms.maker, quote.maker),
        "taker": (request.taker, quote.taker),
        "taker token": (request.taker_token, quote.taker_token),
        "maker token": (request.maker_token, quote.maker_token),
    }
    for field, (asked, got) in expected.items():
        _same(venue, field, asked, got)
    if request.taker_amount is not None:
        _same(venue, "taker amount", request.taker_amount, quote.taker_amount)
    if request.maker_amount is not None:
        _same(venue, "maker amount", request.maker_amount, quote.maker_amount)
    for field, amount in (("taker amount", quote.taker_amount), ("maker amount", quote.maker_amount)):
        if not 0 < amount <= UINT128_MAX:
            raise Terminal(venue, f"signed for {field} {amount}, which is no amount; quote refused")
    if quote.nonce >= 2**256:
        raise Terminal(venue, "signed a nonce above 256 bits; quote refused")
    _check_expiry(venue, quote.expiry - chain_time, terms)
    signer = signer_of(quote)
    if signer is None or signer != terms.maker:
        raise Terminal(venue, f"signature is not {terms.maker}'s canonical one; quote refused")


def _check_expiry(venue: str, life: int, terms: MakerTerms) -> None:
    if life <= 0:
        raise Terminal(venue, f"signed an expiry {-life} s in the past of chain time; quote refused")
    if life < terms.min_life_seconds:
        raise Terminal(
            venue, f"signed an expiry only {life} s away, {terms.min_life_seconds} s are needed; quote refused"
        )
    if life > terms.max_life_seconds:
        raise Terminal(
            venue,
            f"signed an expiry {life} s away, more than {terms.max_life_seconds} s; quote refused, check its clock",
        )


class _Conversation:
    """Requests to one maker with their failures typed."""

    def __init__(self, venue: str, http: BoundedHttp) -> None:
        self.venue = venue
        self._http = http

    def get(self, shape: type[M], path: str, **query: str) -> M:
        return self._read(shape, path, lambda: self._http.get(path, **query))

    def post(self, shape: type[M], path: str, body: dict[str, object]) -> M:
        return self._read(shape, path, lambda: self._http.post(path, body))

    def _read(self, shape: type[M], path: str, ask: Callable[[], Reply]) -> M:
        try:
            reply = ask()
        except NotSent as error:
            raise Retryable(self.venue, "nobody answers there; start it or correct its URL") from error
        except NotAnswered as error:
            raise Retryable(self.venue, f"{error} to {path}; try again or leave it out") from error
        if reply.status != 200:
            raise self._refusal(reply)
        try:
            return shape.model_validate(reply.body)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the answer"
            raise Terminal(
                self.venue, f"answered {path} with nonsense: {field}: {_plain(first['msg'])}; leave it out"
            ) from error

    def _refusal(self, reply: Reply) -> VenueError:
        kind = Retryable if reply.status in _BUSY else Terminal
        try:
            error = ErrorMessage.model_validate(reply.body).error
        except ValidationError:
            return kind(self.venue, f"HTTP {reply.status} without a reason; check its URL")
        return kind(self.venue, f"refused ({error.code}): {_plain(error.message)}")


def _firm(message: QuoteMessage, name: str, *, received_at: float) -> FirmQuote:
    return FirmQuote(
        maker_name=name,
        chain_id=message.chain_id,
        settlement=_address(message.settlement),
        maker=_address(message.maker),
        taker=_address(message.taker),
        maker_token=_address(message.maker_token),
        taker_token=_address(message.taker_token),
        maker_amount=int(message.maker_amount),
        taker_amount=int(message.taker_amount),
        expiry=int(message.expiry),
        nonce=int(message.nonce),
        partial_fill_allowed=message.partial_fill_allowed,
        signature=bytes.fromhex(message.signature[2:]),
        received_at=received_at,
    )


def _same(venue: str, field: str, asked: object, got: object) -> None:
    if asked != got:
        raise Terminal(venue, f"signed for another {field}: asked {asked}, got {got}; quote refused")


def _address(text: str) -> Address:
    return Address(to_checksum_address(text))


def _plain(text: str) -> str:
    """A counterparty's words, fit for one line of a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:160].strip()
