"""The paper exchange as a process: ccxt's unified shapes over HTTP on loopback.

Owns: the configuration, the routes, and the writing of the engine's answers. Numbers travel as text.
Run as `python -m oms.adapters.exchange.paper_server --config FILE`; the file's format is in `docs/paper-exchange.md`.
Must not: match; `oms.adapters.exchange.paper_engine` does.
"""

import argparse
import sys
import time
from collections.abc import Callable
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from oms.adapters.exchange.generated_book import generated_book
from oms.adapters.exchange.paper_engine import NS, BookFeed, OrderRefused, PaperEngine, PaperOrder, Refused, StillFeed
from oms.adapters.exchange.recorded_feed import open_feed
from oms.adapters.exchange.unified import write_levels
from oms.adapters.local_server import serve
from oms.domain.fills import PublicTrade
from oms.domain.orders import ExchangeOrder
from oms.domain.plans import Side
from oms.domain.quotes import ExchangeMarket
from oms.errors import InvalidRequest, OmsError

_MAX_REQUEST_BYTES = 16_384

Answer = dict[str, object] | list[dict[str, object]]
Positive = Annotated[Decimal, Field(gt=0, max_digits=40)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeedConfig(_Config):
    """A recorded feed, opened `at_seconds` after its depth snapshot; `speed` 0 stands still there."""

    path: Path
    at_seconds: Annotated[float, Field(ge=0)] = 0.0
    speed: Annotated[float, Field(ge=0, le=10_000)] = 0.0


class GeneratedConfig(_Config):
    """A made-up book; see `generated_book`."""

    seed: int
    mid: Positive
    levels: Annotated[int, Field(ge=1, le=5_000)] = 500


class PaperConfig(_Config):
    """The server's configuration file, as JSON: exactly one of `feed` and `generated`."""

    name: str = "paper"
    symbol: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}/[A-Z0-9]{1,12}$")] = "ETH/USDT"
    price_step: Positive = Decimal("0.01")
    size_step: Positive = Decimal("0.001")
    min_notional: Annotated[Decimal, Field(ge=0)] = Decimal(20)
    taker_fee: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal("0.0005")
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 5
    balances: dict[str, Annotated[Decimal, Field(ge=0)]] = {}
    feed: FeedConfig | None = None
    generated: GeneratedConfig | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 0

    @model_validator(mode="after")
    def _one_book(self) -> Self:
        if (self.feed is None) == (self.generated is None):
            raise ValueError("give exactly one of feed and generated")
        return self


class OrderMessage(BaseModel):
    """`POST /v1/orders`: the arguments of ccxt's `createOrder`, with the client's id among `params`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    class Params(BaseModel):
        """The client's id; orders are always immediate or cancel."""

        model_config = ConfigDict(strict=True, extra="forbid")
        clientOrderId: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]  # noqa: N815 (ccxt's name)
        timeInForce: Annotated[str, Field(pattern=r"^IOC$")] = "IOC"  # noqa: N815 (ccxt's name)

    symbol: Annotated[str, Field(max_length=40)]
    type: Annotated[str, Field(pattern=r"^(market|limit)$")]
    side: Annotated[str, Field(pattern=r"^(buy|sell)$")]
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,20})?$")]
    price: Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,20})?$")] | None = None
    params: Params

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if (self.type == "limit") != (self.price is not None):
            raise ValueError("a limit order has a price, a market order has none")
        return self


def application(engine: PaperEngine) -> Starlette:
    """The exchange's HTTP surface."""

    def markets(_request: Request) -> JSONResponse:
        return JSONResponse([_market_body(engine.market)])

    def order_book(request: Request) -> JSONResponse:
        return _answered(lambda: _book_body(engine, request.query_params.get("symbol", "")))

    def trades(request: Request) -> JSONResponse:
        symbol = request.query_params.get("symbol", "")
        return _answered(lambda: [_print_body(trade, symbol) for trade in engine.trades(symbol)])

    def order(request: Request) -> JSONResponse:
        client_id = request.query_params.get("clientOrderId", "")
        return _answered(lambda: _order_body(engine.order(client_id), engine.market))

    def balance(_request: Request) -> JSONResponse:
        free = {currency: f"{amount:f}" for currency, amount in engine.balances.items()}
        return JSONResponse({"free": free, "used": dict.fromkeys(free, "0"), "total": free})

    async def submit(request: Request) -> JSONResponse:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_REQUEST_BYTES:
                return _error("BadRequest", f"a request has at most {_MAX_REQUEST_BYTES} bytes", status=413)
        return await run_in_threadpool(_submitted, engine, body)

    return Starlette(
        routes=[
            Route("/v1/markets", markets),
            Route("/v1/order_book", order_book),
            Route("/v1/trades", trades),
            Route("/v1/orders", submit, methods=["POST"]),
            Route("/v1/orders", order),
            Route("/v1/balance", balance),
        ]
    )


def engine_of(config: PaperConfig, *, monotonic_ns: Callable[[], int], now_ns: int) -> PaperEngine:
    """The engine that a configuration describes. Raises `InvalidRequest`, `Terminal`."""
    base, quote = config.symbol.split("/")
    market = ExchangeMarket(
        exchange=config.name,
        symbol=config.symbol,
        base=base,
        quote=quote,
        price_step=config.price_step,
        size_step=config.size_step,
        min_notional=config.min_notional,
        taker_fee=config.taker_fee,
    )
    return PaperEngine(
        _feed(config, now_ns),
        market,
        balances=config.balances,
        latency_ns=config.latency_ms * 10**6,
        speed=config.feed.speed if config.feed else 0.0,
        monotonic_ns=monotonic_ns,
    )


def main(arguments: list[str]) -> int:
    """Serve until stopped; 2 for a bad configuration."""
    parser = argparse.ArgumentParser(prog="python -m oms.adapters.exchange.paper_server")
    parser.add_argument("--config", type=Path, required=True, help="JSON file; see docs/paper-exchange.md")
    parser.add_argument("--die-with-stdin", action="store_true", help="end when standard input does")
    options = parser.parse_args(arguments)
    try:
        config = _read_config(options.config)
        engine = engine_of(config, monotonic_ns=time.monotonic_ns, now_ns=time.time_ns())
        serve(application(engine), host=config.host, port=config.port, die_with_stdin=options.die_with_stdin)
    except OmsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _feed(config: PaperConfig, now_ns: int) -> BookFeed:
    if config.feed is not None:
        feed = open_feed(config.feed.path)
        feed.advance_to(feed.opened_ns + round(config.feed.at_seconds * NS))
        return feed
    if config.generated is None:
        raise InvalidRequest("config", "give exactly one of feed and generated")
    book = generated_book(
        config.generated.seed,
        config.generated.mid,
        exchange=config.name,
        symbol=config.symbol,
        price_step=config.price_step,
        size_step=config.size_step,
        levels=config.generated.levels,
    )
    return StillFeed(book, now_ns)


def _submitted(engine: PaperEngine, body: bytes) -> JSONResponse:
    try:
        message = OrderMessage.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "order"
        return _error("BadRequest", f"{where}: {first['msg']}", status=400)
    order = ExchangeOrder(
        client_order_id=message.params.clientOrderId,
        exchange=engine.market.exchange,
        symbol=message.symbol,
        side=Side(message.side),
        amount=Decimal(message.amount),
        limit_price=None if message.price is None else Decimal(message.price),
    )
    return _answered(lambda: _order_body(engine.submit(order), engine.market))


def _answered(act: Callable[[], Answer]) -> JSONResponse:
    try:
        return JSONResponse(act())
    except OrderRefused as refusal:
        return _error(refusal.code, str(refusal), status=404 if refusal.code is Refused.ORDER_NOT_FOUND else 400)


def _error(code: str, message: str, *, status: int) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _market_body(market: ExchangeMarket) -> dict[str, object]:
    return {
        "id": market.symbol.replace("/", ""),
        "symbol": market.symbol,
        "base": market.base,
        "quote": market.quote,
        "active": True,
        "type": "spot",
        "taker": f"{market.taker_fee:f}",
        "precision": {"price": f"{market.price_step:f}", "amount": f"{market.size_step:f}"},
        "limits": {"cost": {"min": f"{market.min_notional:f}"}},
    }


def _book_body(engine: PaperEngine, symbol: str) -> dict[str, object]:
    book, timestamp_ms = engine.order_book(symbol)
    return {
        "symbol": book.symbol,
        "bids": write_levels(book.bids),
        "asks": write_levels(book.asks),
        "timestamp": timestamp_ms,
        "nonce": book.sequence,
        "info": {"source": book.source},
    }


def _print_body(trade: PublicTrade, symbol: str) -> dict[str, object]:
    return {
        "id": trade.trade_id,
        "symbol": symbol,
        "side": trade.side.value,
        "price": f"{trade.price:f}",
        "amount": f"{trade.amount:f}",
        "timestamp": trade.timestamp_ms,
    }


def _order_body(known: PaperOrder, market: ExchangeMarket) -> dict[str, object]:
    order, fill = known.order, known.fill
    return {
        "id": known.venue_order_id,
        "clientOrderId": order.client_order_id,
        "timestamp": known.timestamp_ms,
        "symbol": order.symbol,
        "type": "market" if order.limit_price is None else "limit",
        "timeInForce": order.time_in_force.value,
        "side": order.side.value,
        "price": None if order.limit_price is None else f"{order.limit_price:f}",
        "average": None if fill is None else f"{fill.average_price:f}",
        "amount": f"{order.amount:f}",
        "filled": f"{known.filled:f}",
        "remaining": f"{order.amount - known.filled:f}",
        "cost": "0" if fill is None else f"{fill.quote_amount:f}",
        "status": known.status.value,
        "fee": {"currency": market.quote, "cost": "0" if fill is None else f"{fill.fee:f}"},
        "trades": _fill_bodies(known, market),
        "info": {"reason": "" if known.refusal is None else f"{known.refusal.code}: {known.refusal}"},
    }


def _fill_bodies(known: PaperOrder, market: ExchangeMarket) -> list[dict[str, object]]:
    """One trade per level taken; their fees add up to the order's."""
    if known.fill is None:
        return []
    with localcontext() as context:
        context.prec = 100
        return [
            {
                "id": f"{known.venue_order_id}-{rank}",
                "order": known.venue_order_id,
                "side": known.order.side.value,
                "price": f"{level.price:f}",
                "amount": f"{level.size:f}",
                "timestamp": known.timestamp_ms,
                "fee": {"currency": market.quote, "cost": f"{level.price * level.size * market.taker_fee:f}"},
            }
            for rank, level in enumerate(known.fill.levels)
        ]


def _read_config(path: Path) -> PaperConfig:
    try:
        return PaperConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidRequest("config", f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise InvalidRequest(f"config {where}", f"{first['msg']}; see docs/paper-exchange.md") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
