"""JSON-RPC over HTTP: single calls and batches, each failure typed.

Owns: the transport to one node, and the reading of its answers.
Must not: sign, know any contract, or retry what may have had an effect.
Wire format: JSON-RPC 2.0; the Ethereum execution API.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from types import TracebackType
from typing import Any, Self

import httpx

from oms.errors import OutcomeUnknown, Retryable, Terminal, VenueError

Json = Any
"""Whatever JSON holds; every use checks what it got."""

BATCH_SIZE = 200
"""Calls in one HTTP request; the public nodes' usual limit is higher."""

_SENDS = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})


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


class RpcError(Terminal):
    """The node answered with an error; `failure` holds its code, message and revert data."""

    def __init__(self, venue: str, failure: RpcFailure) -> None:
        self.failure = failure
        super().__init__(venue, f"{failure.method} failed: {failure.message}")


class RpcClient:
    """One node, by URL. Thread-safe; close it, or use it as a context manager."""

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise Terminal(url, "an RPC URL starts with http:// or https://")
        self.url = url
        self.venue = f"rpc {httpx.URL(url).host}:{httpx.URL(url).port or ''}".rstrip(":")
        self._http = httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)))
        self._ids = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def call(self, method: str, *params: Json) -> Json:
        """The node's result. Raises `RpcError` for its error answer, other `VenueError`s for the transport's."""
        answer = self._read(method, self._post(method, self._request(method, params)))
        if isinstance(answer, RpcFailure):
            raise RpcError(self.venue, answer)
        return answer

    def batch(self, calls: Iterable[tuple[str, Sequence[Json]]]) -> list[Json]:
        """All answers in order of asking; a call that the node refused is an `RpcFailure` in its place."""
        answers: list[Json] = []
        pending = iter(calls)
        while chunk := list(islice(pending, BATCH_SIZE)):
            answers += self._batch(chunk)
        return answers

    def _batch(self, calls: Sequence[tuple[str, Sequence[Json]]]) -> list[Json]:
        requests = [self._request(method, params) for method, params in calls]
        method = calls[0][0]
        replies = self._post(method, requests)
        if isinstance(replies, dict):  # a node that takes no batches answers with one error
            return [self._read(m, self._post(m, request)) for (m, _), request in zip(calls, requests, strict=True)]
        if not isinstance(replies, list):
            raise Terminal(self.venue, "answered a batch with something that is not JSON-RPC; check the URL")
        by_id = {reply.get("id"): reply for reply in replies if isinstance(reply, dict)}
        missing = [request["id"] for request in requests if request["id"] not in by_id]
        if missing:
            raise Retryable(self.venue, f"left {len(missing)} of {len(requests)} batched calls unanswered; try again")
        return [self._read(m, by_id[request["id"]]) for (m, _), request in zip(calls, requests, strict=True)]

    def _request(self, method: str, params: Sequence[Json]) -> dict[str, Json]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _post(self, method: str, body: Json) -> Json:
        try:
            response = self._http.post(self.url, json=body)
        except httpx.ConnectError as error:
            raise Retryable(self.venue, "no node answers there; start it or correct --rpc-url") from error
        except httpx.HTTPError as error:
            raise self._unanswered(method, type(error).__name__) from error
        if response.status_code != 200:
            kind = Retryable if response.status_code in (408, 425, 429, 500, 502, 503, 504) else Terminal
            if kind is Retryable and method in _SENDS:
                raise self._unanswered(method, f"HTTP {response.status_code}")
            raise kind(self.venue, f"HTTP {response.status_code} for {method}; check the URL and its key")
        try:
            return response.json()
        except ValueError as error:
            raise self._garbage(method) from error

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
            return RpcFailure(method, 0, str(error))
        return RpcFailure(
            method,
            int(error.get("code") or 0),
            " ".join(str(error.get("message", "")).split()),
            _revert_data(error.get("data")),
        )


def _revert_data(data: Json) -> bytes:
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str) or not data.startswith("0x"):
        return b""
    try:
        return bytes.fromhex(data[2:])
    except ValueError:
        return b""
