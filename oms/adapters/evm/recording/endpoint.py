"""A JSON-RPC endpoint on loopback, in a thread of this process.

Owns: HTTP, JSON-RPC's envelope and batches, and the connections' lives.
Must not: know any method.
Wire format: JSON-RPC 2.0 over HTTP/1.1 POST.
"""

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self, cast

from oms.errors import InvalidRequest

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

MAX_BODY_BYTES = 32 * 2**20
_CLOSE_SECONDS = 2.0

Call = tuple[str, list[Any]]
"""A method and its parameters."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error answer."""

    code: int
    message: str
    data: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The error object of the reply."""
        body = {"code": self.code, "message": self.message}
        return body if self.data is None else body | {"data": self.data}


Responder = Callable[[Sequence[Call]], Sequence[Any]]
"""Results or `Fault`s of a batch of calls, in order. Called from many threads at once."""


class JsonRpcEndpoint:
    """Serves `respond` at `url` until closed. Only this machine can reach it."""

    def __init__(self, respond: Responder, *, port: int = 0) -> None:
        """Bind `port`, or a free one for 0. Raises `InvalidRequest` when it is taken."""
        try:
            self._server = _Server(respond, port)
        except (OSError, OverflowError) as error:
            raise InvalidRequest("port", f"{port} cannot be used ({error}); choose another, or 0 for any") from error
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=self.url, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and hang up on whoever is still connected. May be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up(_CLOSE_SECONDS)
        self._thread.join(_CLOSE_SECONDS)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256  # Anvil opens a connection per slot that it is after

    def __init__(self, respond: Responder, port: int) -> None:
        self.respond = respond
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        with self._changed:
            self._open.add(connection)
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def hang_up(self, timeout_seconds: float) -> None:
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, timeout_seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; what a responder raises has been answered already."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write for head and body, or the second waits for the first one's acknowledgement

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._send(413 if length else 411, b"")
            return
        reply = reply_to(self.rfile.read(int(length)), cast(_Server, self.server).respond)
        self._send(200, reply)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing: the answers are the log."""


def reply_to(body: bytes, respond: Responder) -> bytes:
    """The JSON-RPC reply to one request body: an object for a call, a list for a batch."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _encoded(_reply(None, Fault(PARSE_ERROR, "not JSON")))
    requests = document if isinstance(document, list) else [document]
    if not requests:
        return _encoded(_reply(None, Fault(INVALID_REQUEST, "an empty batch")))
    calls = [_call(request) for request in requests]
    answers = iter(_answers([call for call in calls if not isinstance(call, Fault)], respond))
    replies = [
        _reply(
            request.get("id") if isinstance(request, dict) else None, call if isinstance(call, Fault) else next(answers)
        )
        for request, call in zip(requests, calls, strict=True)
    ]
    return _encoded(replies if isinstance(document, list) else replies[0])


def _answers(calls: Sequence[Call], respond: Responder) -> Sequence[Any]:
    try:
        return respond(calls)
    except Exception as error:  # noqa: BLE001 (the caller is owed an answer, whatever went wrong here)
        return [Fault(INTERNAL_ERROR, f"{type(error).__name__}: {error}")] * len(calls)


def _call(request: Any) -> Call | Fault:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return Fault(INVALID_REQUEST, "not a JSON-RPC call")
    params = request.get("params") or []
    if not isinstance(params, list):
        return Fault(INVALID_PARAMS, "parameters are given as a list here")
    return request["method"], params


def _reply(request_id: Any, outcome: Any) -> dict[str, Any]:
    reply = {"jsonrpc": "2.0", "id": request_id}
    return reply | ({"error": outcome.as_json()} if isinstance(outcome, Fault) else {"result": outcome})


def _encoded(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
