"""The RFQ protocol's messages, as `docs/rfq-protocol.md` defines them, each validated on arrival.

Owns: the shapes on the wire and the reading of numbers from text.
Must not: compare an answer with its request; the client does.
Amounts travel as decimal strings: JSON numbers above 2^53 do not survive every parser.
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator


def _bytes20(text: str) -> str:
    return "0x" + text[2:].lower()


def _positive(value: str) -> str:
    if Decimal(value) <= 0:
        raise ValueError("must be greater than zero")
    return value


AddressText = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$"), AfterValidator(_bytes20)]
"""An address in lower case, whatever case it came in."""
UintText = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,77})$")]
"""An unsigned integer up to 78 digits, without sign or leading zero."""
DecimalText = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,40}(\.[0-9]{1,60})?$", max_length=80), AfterValidator(_positive)
]
"""A positive decimal without exponent."""
SignatureText = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{130}$")]
"""65 bytes: r, s, v."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x20-\x7e]+$")]


class _Message(BaseModel):
    """Types are taken as they are; unknown fields are ignored, so that later versions may add some."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class PairMessage(_Message):
    """Two tokens that a maker trades, in both directions."""

    base_token: AddressText
    quote_token: AddressText


class InfoMessage(_Message):
    """`GET /v1/info`."""

    name: Label
    maker: AddressText
    chain_id: int
    settlement: AddressText
    pairs: Annotated[list[PairMessage], Field(max_length=1000)]


class LevelMessage(_Message):
    """Up to `size` more whole taker tokens at `price` maker tokens each."""

    size: DecimalText
    price: DecimalText


class LadderMessage(_Message):
    """`GET /v1/ladder`."""

    taker_token: AddressText
    maker_token: AddressText
    levels: Annotated[list[LevelMessage], Field(max_length=200)]
    inventory: DecimalText | None = None


class QuoteRequestMessage(_Message):
    """`POST /v1/quote`, asking: exactly one of the two amounts."""

    chain_id: int
    taker: AddressText
    taker_token: AddressText
    maker_token: AddressText
    taker_amount: UintText | None = None
    maker_amount: UintText | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        given = [amount for amount in (self.taker_amount, self.maker_amount) if amount is not None]
        if len(given) != 1 or int(given[0]) == 0:
            raise ValueError("give exactly one of taker_amount and maker_amount, above zero")
        return self


class QuoteMessage(_Message):
    """`POST /v1/quote`, answer: the nine signed fields, what they were signed for, and the signature."""

    chain_id: int
    settlement: AddressText
    maker: AddressText
    taker: AddressText
    maker_token: AddressText
    taker_token: AddressText
    maker_amount: UintText
    taker_amount: UintText
    expiry: UintText
    nonce: UintText
    partial_fill_allowed: bool
    signature: SignatureText


class ErrorDetail(_Message):
    """A refusal's code, for programs, and its words, for people."""

    code: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_]+$")]
    message: Annotated[str, StringConstraints(max_length=2000)]


class ErrorMessage(_Message):
    """Every answer with a status of 400 or above."""

    error: ErrorDetail
