"""A small market maker: prices from a configured reference, inventory from the chain, quotes signed with its own key.

Owns: the maker's side of `docs/rfq-protocol.md`. Run as `python -m oms.adapters.makers.server --config FILE`.
Must not: be used as a strategy; its reference price is what its configuration says, and it hedges nothing.
The key comes from an environment variable or a file, never from the command line or the configuration itself.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Annotated

from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError as ValidationFailure
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from oms.adapters.local_server import serve
from oms.adapters.makers.chain_time import chain_time
from oms.adapters.makers.inventory import Inventory
from oms.adapters.makers.messages import AddressText, Label, QuoteRequestMessage
from oms.adapters.makers.node import HttpNode
from oms.adapters.makers.pricing import PairPricing
from oms.adapters.makers.typed_data import sign
from oms.domain.quotes import FirmQuote, IndicativeLadder, LadderLevel
from oms.domain.token import Token
from oms.errors import InvalidRequest, OmsError, QuoteRefused, VenueError
from oms.liquidity.rfq_ladder import ladder_amount_in, ladder_amount_out
from oms.units import Address

_NONCES_PER_MILLISECOND = 256
_MAX_REQUEST_BYTES = 16_384
_WIDE = Context(prec=100)


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenConfig(_Config):
    """A token that the maker trades."""

    symbol: Label
    address: AddressText
    decimals: Annotated[int, Field(ge=0, le=36)]


class PairConfig(_Config):
    """A pair's prices; see `PairPricing`. Tokens by symbol."""

    base: str
    quote: str
    mid: Annotated[Decimal, Field(gt=0)]
    spread_bps: Annotated[Decimal, Field(ge=0, lt=10_000)] = Decimal(4)
    skew_bps_per_base: Annotated[Decimal, Field(ge=0)] = Decimal("0.05")
    level_sizes: tuple[Annotated[Decimal, Field(gt=0)], ...] = tuple(map(Decimal, ("1", "4", "10", "25", "60")))


class MakerConfig(_Config):
    """The server's configuration file, as JSON. Exactly one of `key_env` and `key_file` says where the key is."""

    name: Label
    rpc_url: str
    chain_id: int
    settlement: AddressText
    key_env: str | None = None
    key_file: Path | None = None
    tokens: tuple[TokenConfig, ...]
    pairs: tuple[PairConfig, ...]
    inventory_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.8")
    quote_life_seconds: Annotated[int, Field(ge=1, le=3_600)] = 60
    partial_fill_allowed: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 0


class Declined(OmsError):
    """The maker will not quote this; `code` is the protocol's, `status` the HTTP answer's."""

    def __init__(self, code: str, message: str, *, status: int = 422) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class MakerDesk:
    """One maker's decisions. Thread-safe: reading the inventory and reserving from it are one step."""

    def __init__(self, config: MakerConfig, *, key: str, node: HttpNode) -> None:
        self.config = config
        self.address = Address(Account.from_key(key).address)
        self.settlement = _checksummed(config.settlement)
        self.pairs = _pairs(config)
        self._key = key
        self._node = node
        self._inventory = Inventory(config.inventory_share)
        self._lock = Lock()
        self._nonces = count(time.time_ns() // 1_000_000 * _NONCES_PER_MILLISECOND)

    def ladder(self, taker_token: Address, maker_token: Address) -> IndicativeLadder:
        """Levels now, cut to what the inventory still covers. Raises `Declined`, `VenueError`."""
        with self._lock:
            return self._covered(self._full_ladder(taker_token, maker_token))[0]

    def quote(self, request: QuoteRequestMessage) -> FirmQuote:
        """Sign a quote at the ladder's prices, and reserve what it promises. Raises `Declined`, `VenueError`."""
        if request.chain_id != self.config.chain_id:
            raise Declined("wrong_chain", f"this maker settles on chain {self.config.chain_id}")
        with self._lock:
            full = self._full_ladder(_checksummed(request.taker_token), _checksummed(request.maker_token))
            ladder, now = self._covered(full)
            taker_amount, maker_amount = _amounts(ladder, request)
            unsigned = FirmQuote(
                maker_name=self.config.name,
                chain_id=self.config.chain_id,
                settlement=self.settlement,
                maker=self.address,
                taker=_checksummed(request.taker),
                maker_token=ladder.maker_token.address,
                taker_token=ladder.taker_token.address,
                maker_amount=maker_amount,
                taker_amount=taker_amount,
                expiry=now + self.config.quote_life_seconds,
                nonce=next(self._nonces),
                partial_fill_allowed=self.config.partial_fill_allowed,
                signature=b"",
                received_at=0.0,
            )
            quote = replace(unsigned, signature=sign(unsigned, self._key))
            self._inventory.reserve(quote.maker_token, amount=maker_amount, expiry=quote.expiry)
            return quote

    def _full_ladder(self, taker_token: Address, maker_token: Address) -> IndicativeLadder:
        pricing = self.pairs.get((taker_token, maker_token))
        if pricing is None:
            raise Declined("unknown_pair", f"this maker does not trade {taker_token} for {maker_token}", status=404)
        taken = pricing.base if pricing.base.address == taker_token else pricing.quote
        return pricing.ladder(taken, maker_name=self.config.name, at=0.0)

    def _covered(self, ladder: IndicativeLadder) -> tuple[IndicativeLadder, int]:
        """The ladder cut to the free inventory, and the chain's time."""
        now = chain_time(self._node)
        token = ladder.maker_token.address
        chain_id = self.config.chain_id
        balance = self._node.deliverable(token, owner=self.address, spender=self.settlement, chain_id=chain_id)
        free = self._inventory.available(token, balance=balance, now=now)
        return _cut(ladder, free), now


def application(desk: MakerDesk) -> Starlette:
    """The maker's HTTP surface."""

    def info(_request: Request) -> JSONResponse:
        return JSONResponse(_info_body(desk))

    def ladder(request: Request) -> JSONResponse:
        try:
            taker_token, maker_token = (
                _checksummed(request.query_params[name]) for name in ("taker_token", "maker_token")
            )
        except (KeyError, ValueError):
            return _error("bad_request", "taker_token and maker_token must be addresses", status=400)
        return _answered(lambda: _ladder_body(desk.ladder(taker_token, maker_token)))

    async def quote(request: Request) -> JSONResponse:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_REQUEST_BYTES:
                return _error("bad_request", f"a request has at most {_MAX_REQUEST_BYTES} bytes", status=413)
        return await run_in_threadpool(_quoted, desk, body)

    return Starlette(
        routes=[Route("/v1/info", info), Route("/v1/ladder", ladder), Route("/v1/quote", quote, methods=["POST"])]
    )


def _quoted(desk: MakerDesk, body: bytes) -> JSONResponse:
    try:
        message = QuoteRequestMessage.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "request"
        return _error("bad_request", f"{where}: {first['msg']}", status=400)
    return _answered(lambda: _quote_body(desk.quote(message)))


def _answered(act: Callable[[], dict[str, object]]) -> JSONResponse:
    try:
        return JSONResponse(act())
    except Declined as error:
        return _error(error.code, str(error), status=error.status)
    except QuoteRefused as error:
        return _error("insufficient_inventory", str(error), status=422)
    except (VenueError, InvalidRequest) as error:
        return _error("chain_unavailable", str(error), status=503)


def _error(code: str, message: str, *, status: int) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _info_body(desk: MakerDesk) -> dict[str, object]:
    pairs = [
        {"base_token": pricing.base.address, "quote_token": pricing.quote.address}
        for (taker_token, _), pricing in desk.pairs.items()
        if taker_token == pricing.base.address
    ]
    return {
        "name": desk.config.name,
        "maker": desk.address,
        "chain_id": desk.config.chain_id,
        "settlement": desk.settlement,
        "pairs": pairs,
    }


def _ladder_body(ladder: IndicativeLadder) -> dict[str, object]:
    return {
        "taker_token": ladder.taker_token.address,
        "maker_token": ladder.maker_token.address,
        "levels": [{"size": f"{level.size:f}", "price": f"{level.price:f}"} for level in ladder.levels],
        **({"inventory": f"{ladder.inventory:f}"} if ladder.inventory else {}),
    }


def _quote_body(quote: FirmQuote) -> dict[str, object]:
    return {
        "chain_id": quote.chain_id,
        "settlement": quote.settlement,
        "maker": quote.maker,
        "taker": quote.taker,
        "maker_token": quote.maker_token,
        "taker_token": quote.taker_token,
        "maker_amount": str(quote.maker_amount),
        "taker_amount": str(quote.taker_amount),
        "expiry": str(quote.expiry),
        "nonce": str(quote.nonce),
        "partial_fill_allowed": quote.partial_fill_allowed,
        "signature": "0x" + quote.signature.hex(),
    }


def _amounts(ladder: IndicativeLadder, request: QuoteRequestMessage) -> tuple[int, int]:
    """Taker's and maker's amounts; the one asked for exact, the other rounded in the maker's favour."""
    if request.taker_amount is not None:
        given = int(request.taker_amount)
        return given, ladder_amount_out(ladder, given)
    wanted = int(request.maker_amount or 0)
    return ladder_amount_in(ladder, wanted), wanted


def _cut(ladder: IndicativeLadder, free: int) -> IndicativeLadder:
    """The levels that `free` base units of the maker's token cover; the last one is cut, its size rounded down."""
    left, levels = Fraction(free, 10**ladder.maker_token.decimals), []
    for level in ladder.levels:
        covered = min(Fraction(level.size), left / Fraction(level.price))
        size = level.size if covered == level.size else Decimal(int(covered * 10**18)).scaleb(-18, _WIDE)
        if size:
            levels.append(LadderLevel(size, level.price))
        left -= covered * Fraction(level.price)
        if not left:
            break
    return replace(ladder, levels=tuple(levels), inventory=Decimal(free).scaleb(-ladder.maker_token.decimals, _WIDE))


def _pairs(config: MakerConfig) -> Mapping[tuple[Address, Address], PairPricing]:
    """Pricing by (taker token, maker token). Raises `InvalidRequest` for a symbol without a token."""
    tokens = {
        item.symbol: Token(config.chain_id, _checksummed(item.address), item.symbol, item.decimals)
        for item in config.tokens
    }
    found: dict[tuple[Address, Address], PairPricing] = {}
    for pair in config.pairs:
        missing = {pair.base, pair.quote} - tokens.keys()
        if missing or pair.base == pair.quote:
            raise InvalidRequest("pairs", f"{pair.base}/{pair.quote}: list both under tokens, once each")
        base, quote = tokens[pair.base], tokens[pair.quote]
        pricing = PairPricing(base, quote, pair.mid, pair.spread_bps, pair.skew_bps_per_base, pair.level_sizes)
        found[base.address, quote.address] = found[quote.address, base.address] = pricing
    return found


def _read_config(path: Path) -> MakerConfig:
    try:
        return MakerConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidRequest("config", f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise InvalidRequest(f"config {where}", f"{first['msg']}; see docs/rfq-protocol.md") from error


def _key(config: MakerConfig) -> str:
    """The signing key as hex. Raises `InvalidRequest`, whose message never holds any of it."""
    if (config.key_env is None) == (config.key_file is None):
        raise InvalidRequest("config", "give exactly one of key_env and key_file")
    source = config.key_env or str(config.key_file)
    try:
        text = os.environ[config.key_env] if config.key_env else Path(source).read_text()
    except (KeyError, OSError):
        raise InvalidRequest("key", f"{source} holds no key; set it") from None
    key = text.strip()
    try:
        Account.from_key(key)
    except (ValueError, ValidationFailure):
        raise InvalidRequest("key", f"{source} is not a 32-byte hex key") from None
    return key


def _checksummed(text: str) -> Address:
    """Raises `ValueError` for what is no address."""
    return Address(to_checksum_address(text))


def main(arguments: list[str]) -> int:
    """Serve until stopped; 2 for a bad configuration."""
    parser = argparse.ArgumentParser(prog="python -m oms.adapters.makers.server", description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="JSON file; see docs/rfq-protocol.md")
    parser.add_argument("--rpc-url", help="the chain's node, instead of the configuration's")
    parser.add_argument("--die-with-stdin", action="store_true", help="end when standard input does")
    options = parser.parse_args(arguments)
    try:
        config = _read_config(options.config)
        with closing(HttpNode(options.rpc_url or config.rpc_url)) as node:
            desk = MakerDesk(config, key=_key(config), node=node)
            serve(application(desk), host=config.host, port=config.port, die_with_stdin=options.die_with_stdin)
    except OmsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
