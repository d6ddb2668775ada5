"""JSON-RPC over HTTP: single calls and batches, each failure typed, each answer bounded in time and size.

Owns: the transport to one node, and the reading of its answers.
Must not: sign, know any contract, or retry what may have had an effect.
Wire format: JSON-RPC 2.0; the Ethereum execution API.
"""

import json
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx

from oms.errors import InvalidRequest, OutcomeUnknown, Retryable, Terminal, VenueError

K = TypeVar("K")

Json = Any
"""Whatever JSON holds; every use checks what it got."""

MAX_AT_ONCE = 4
"""HTTP requests under way together when a batch of reads is cut in several."""

BATCH_SIZE = 200
"""Calls in one HTTP request; the public nodes' usual limit is higher."""

MAX_ANSWER_BYTES = 256 * 2**20
"""Above the largest answer that anybody asks for, a development chain's dumped state."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_MESSAGE = 300
_METHOD_NOT_FOUND = -32601
_LIMITS = frozenset({-32005, 429})
"""EIP-1474's code for an exceeded limit, and the HTTP status that some providers put in its place."""

_SENDS = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})
_REFUSALS = (
    "insufficient funds",
    "nonce too low",
    "intrinsic gas",
    "exceeds block gas limit",
    "invalid sender",
    "invalid signature",
    "fee too low",
    "underpriced",
    "max fee per gas less than block base fee",
)
"""Words by which the usual nodes (geth, Reth, Anvil) say that a transaction can not have entered their pool."""


@dataclass(frozen=True, slots=True)
class RpcFailure:
    """A node's error answer to one call: its code, its words, and the revert data where it gave some."""

    method: str
    code: int
    message: str
    data: bytes = b""

    @property
    def state_missing(self) -> bool:
        """Whether the node says that it does not hold the state asked for, rather than that the call failed."""
        text = self.message.lower()
        return any(words in text for words in ("state not recorded", "missing trie node", "state is not available"))

    @property
    def unsupported(self) -> bool:
        """Whether the node does not have this method at all."""
        return self.code == _METHOD_NOT_FOUND

    @property
    def refuses_transaction(self) -> bool:
        """Whether a node that was sent a transaction says that it did not take it; all else leaves that open."""
        text = self.message.lower()
        return any(words in text for words in _REFUSALS)

    @property
    def tired(self) -> bool:
        """Whether the node says that it would not try, now, rather than what came of trying."""
        text = self.message.lower()
        if self.data or "revert" in text:  # a contract chooses its own words
            return False
        return self.code in _LIMITS or any(words in text for words in ("rate limit", "too many requests", "timed out"))


class RpcError(Terminal):
    """The node answered with an error; `failure` holds its code, message and revert data."""

    def __init__(self, venue: str, failure: RpcFailure) -> None:
        self.failure = failure
        super().__init__(venue, f"{failure.method} failed: {failure.message or 'no reason given'}; try another node")


class RpcClient:
    """One node, by URL. Thread-safe; close it, or use it as a context manager.

    `timeout_seconds` bounds every silence, and twice that a whole answer. Raises `InvalidRequest` for a bad URL.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        parsed = _parsed(url)
        self.url = url
        self.venue = f"rpc {parsed.host}:{parsed.port or ''}".rstrip(":")
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)),
            trust_env=parsed.host not in _LOOPBACK,  # a proxy that is set for the world cannot reach our own chains
        )
        self._answer_seconds = 2 * timeout_seconds
        self._ids = count(1)
        self._learnt: dict[type[object], object] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def learnt(self, kind: type[K]) -> K:
        """What a reader keeps in mind about this node: one `kind()` for as long as the client lives."""
        return cast(K, self._learnt.setdefault(kind, kind()))

    def call(self, method: str, *params: Json) -> Json:
        """The node's result. Raises `RpcError` for its error answer, other `VenueError`s for the transport's."""
        answer = self._single(self._request(method, params))
        if isinstance(answer, RpcFailure):
            raise RpcError(self.venue, answer)
        return answer

    def batch(self, calls: Iterable[tuple[str, Sequence[Json]]]) -> list[Json]:
        """All answers in order of asking; a call that the node refused is an `RpcFailure` in its place."""
        pending = iter(calls)
        chunks = list(iter(lambda: list(islice(pending, BATCH_SIZE)), []))
        if len(chunks) < 2 or any(method in _SENDS for chunk in chunks for method, _ in chunk):
            return [answer for chunk in chunks for answer in self._batch(chunk)]
        with ThreadPoolExecutor(max_workers=min(len(chunks), MAX_AT_ONCE)) as pool:  # a far node answers in turn
            return [answer for answers in pool.map(self._batch, chunks) for answer in answers]

    def _batch(self, calls: Sequence[tuple[str, Sequence[Json]]]) -> list[Json]:
        requests = [self._request(method, params) for method, params in calls]
        method = calls[0][0]
        replies = self._post(method, requests)
        if isinstance(replies, dict):  # a node that takes no batches answers with one error
            return [self._single(request) for request in requests]
        if not isinstance(replies, list):
            raise self._garbage(method)
        by_id = {r["id"]: r for r in replies if isinstance(r, dict) and isinstance(r.get("id"), int)}
        missing = [request["id"] for request in requests if request["id"] not in by_id]
        if missing:
            raise Retryable(self.venue, f"left {len(missing)} of {len(requests)} batched calls unanswered; try again")
        return [self._read(m, by_id[request["id"]]) for (m, _), request in zip(calls, requests, strict=True)]

    def _request(self, method: str, params: Sequence[Json]) -> dict[str, Json]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _single(self, request: dict[str, Json]) -> Json:
        method: str = request["method"]
        reply = self._post(method, request)
        if isinstance(reply, dict) and "result" in reply and reply.get("id") != request["id"]:
            raise self._garbage(method)
        return self._read(method, reply)

    def _post(self, method: str, body: Json) -> Json:
        try:
            status, content = self._exchange(body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Retryable(self.venue, "no node answers there; start it or correct --rpc-url") from error
        except httpx.InvalidURL as error:
            raise InvalidRequest("rpc-url", f"is not a URL ({error}); write http://host:port") from error
        except httpx.HTTPError as error:
            raise self._unanswered(method, type(error).__name__) from error
        except UnicodeError as error:  # from the name's IDNA form, before anything is sent
            raise InvalidRequest("rpc-url", "its host is no name that DNS knows; correct it") from error
        if status != 200:
            raise self._refused(method, status)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._garbage(method) from error

    def _exchange(self, body: Json) -> tuple[int, bytes]:
        """Status and content. A node that drips its answer, or never ends it, is cut off like a silent one."""
        deadline = time.monotonic() + self._answer_seconds
        content = bytearray()
        with self._http.stream("POST", self.url, json=body) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if time.monotonic() > deadline or len(content) > MAX_ANSWER_BYTES:
                    raise httpx.ReadTimeout("the answer has no end")
        return response.status_code, bytes(content)

    def _refused(self, method: str, status: int) -> VenueError:
        refusal = 400 <= status < 500 and status not in _RETRYABLE_STATUS
        if method in _SENDS and not refusal:
            return self._unanswered(method, f"HTTP {status}")
        if status not in _RETRYABLE_STATUS:
            return Terminal(self.venue, f"HTTP {status} for {method}; check the URL and its key")
        remedy = "it limits the rate of calls; wait, or" if status == 429 else "try again or"
        return Retryable(self.venue, f"HTTP {status} for {method}; {remedy} use another node")

    def _unanswered(self, method: str, why: str) -> VenueError:
        if method in _SENDS:
            return OutcomeUnknown(self.venue, f"{why} after sending; ask for the transaction by its hash")
        return Retryable(self.venue, f"{why} on {method}; try again or use another node")

    def _garbage(self, method: str) -> VenueError:
        if method in _SENDS:
            return OutcomeUnknown(self.venue, "unreadable answer after sending; ask for the transaction by its hash")
        return Terminal(self.venue, f"answered {method} with something that is not JSON-RPC; check --rpc-url")

    def _read(self, method: str, reply: Json) -> Json:
        if not isinstance(reply, dict) or ("result" not in reply and "error" not in reply):
            raise self._garbage(method)
        error = reply.get("error")
        if error is None:
            return reply.get("result")
        if not isinstance(error, dict):
            return RpcFailure(method, 0, _words(error))
        code = error.get("code")
        return RpcFailure(
            method,
            code if isinstance(code, int) else 0,
            _words(error.get("message", "")),
            _revert_data(error.get("data")),
        )


def _parsed(url: str) -> httpx.URL:
    """The URL of a node. Raises `InvalidRequest` for anything that cannot be one."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidRequest("rpc-url", f"is not a URL ({error}); write http://host:port") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidRequest("rpc-url", "an RPC URL starts with http:// or https:// and a host; correct it")
    return parsed


def _words(message: Json) -> str:
    """A node's words on one line of bounded length."""
    line = " ".join(str(message)[: 4 * _LONGEST_MESSAGE].split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"


def _revert_data(data: Json) -> bytes:
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str) or not data.startswith("0x"):
        return b""
    try:
        return bytes.fromhex(data[2:])
    except ValueError:
        return b""
