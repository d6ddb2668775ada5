"""One JSON request over HTTP with a bound on everything: total time, answer size, and where it may lead.

Owns: the transport to a counterparty that may be slow, silent or hostile.
Must not: interpret the answer, retry, or follow redirects.
A read timeout alone does not bound a peer that sends one byte at a time, so the whole exchange runs under one deadline,
on an event loop of its own.
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from decimal import Decimal
from threading import Thread
from typing import Any, NoReturn, TypeVar

import httpx

Json = Any
"""Whatever JSON holds, with fractions as `Decimal`; every use checks what it got."""

MAX_ANSWER_BYTES = 4_000_000

T = TypeVar("T")


class NotSent(Exception):
    """Nobody listens there: the request cannot have arrived."""


class NotAnswered(Exception):
    """The request may have arrived; no whole answer came back in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's status code and JSON; `body` is `None` where the answer was not JSON."""

    status: int
    body: Json


class BoundedHttp:
    """A client for one base URL. Thread-safe. Close it when done.

    Every call raises `NotSent` or `NotAnswered` and nothing else.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"http {self.url}", daemon=True)
        self._thread.start()
        limits = httpx.Limits(max_keepalive_connections=4, keepalive_expiry=4.0)
        self._http = httpx.AsyncClient(timeout=timeout_seconds, limits=limits, follow_redirects=False, trust_env=False)

    def get(self, path: str, **query: str) -> Reply:
        """Ask for `path` with the given query parameters."""
        return self._run(self._ask("GET", path, query, None))

    def post(self, path: str, body: Json) -> Reply:
        """Send `body` as JSON to `path`."""
        return self._run(self._ask("POST", path, {}, body))

    def close(self) -> None:
        """Release the connections and the loop's thread."""
        if self._loop.is_closed():
            return
        self._run(self._http.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2.0)
        if not self._thread.is_alive():
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _ask(self, method: str, path: str, query: Mapping[str, str], body: Json) -> Reply:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._answer(method, path, query, body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise NotSent(str(error) or type(error).__name__) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise NotAnswered(f"no answer within {self._timeout:g} s") from error
        except httpx.HTTPError as error:
            raise NotAnswered(f"the connection broke ({type(error).__name__})") from error

    async def _answer(self, method: str, path: str, query: Mapping[str, str], body: Json) -> Reply:
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
        request = self._http.stream(method, self.url + path, params=query, content=content, headers=headers)
        async with request as response:
            received = bytearray()
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > MAX_ANSWER_BYTES:
                    return Reply(response.status_code, None)
            return Reply(response.status_code, _json(bytes(received)))


def _json(text: bytes) -> Json:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
