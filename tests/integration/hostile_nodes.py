"""Nodes that misbehave, on loopback: each is a function from the parsed request to the bytes that go back."""

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Respond = Callable[[Any], bytes | Iterable[bytes] | None]
"""The whole HTTP response or its parts; empty closes the connection, `None` keeps it open and says nothing."""

HEAD = {"number": "0x64", "hash": "0x" + "ab" * 32, "timestamp": "0x65000000", "baseFeePerGas": "0x3b9aca00"}


def http(body: bytes, *, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body


def said(value: Any) -> bytes:
    return http(json.dumps(value).encode())


def answered(request: Any, result: Callable[[str, list[Any]], Any]) -> bytes:
    """A well-formed JSON-RPC response whose results come from `result`."""
    calls = request if isinstance(request, list) else [request]
    replies = [{"jsonrpc": "2.0", "id": c["id"], "result": result(c["method"], c["params"])} for c in calls]
    return said(replies if isinstance(request, list) else replies[0])


def failing(request: Any, error: Any) -> bytes:
    """A well-formed JSON-RPC response that refuses every call."""
    calls = request if isinstance(request, list) else [request]
    replies = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
    return said(replies if isinstance(request, list) else replies[0])


def noise(seed: int, *, chain_id: int = 1, now: int) -> Callable[[str, list[Any]], Any]:
    """A node of the right chain whose every word of state is random; the same question gets the same answer."""

    def result(method: str, params: list[Any]) -> Any:
        rng = random.Random(f"{seed} {method} {params}")
        if method == "eth_chainId":
            return hex(chain_id)
        if method == "eth_getBlockByNumber":
            return {**HEAD, "timestamp": hex(now)}
        if method == "eth_getLogs":
            return []
        size = rng.choice([0, 1, 31, 32, 32, 32, 64, 96, 1024])
        if method == "eth_getStorageAt":
            size = 32
        kind = rng.randrange(4)
        if kind == 0:
            return "0x" + rng.randbytes(size).hex()
        if kind == 1:
            return "0x" + "ff" * size
        if kind == 2:
            return "0x" + "00" * size
        return "0x" + rng.getrandbits(rng.choice([8, 64, 112, 160])).to_bytes(32, "big").hex()

    return result


@contextmanager
def hostile_node(respond: Respond) -> Iterator[str]:
    """Serve `respond` on a free port; yields the URL."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.close_connection = True
            answer = respond(request)
            if answer is None:
                closing.wait(20.0)
            elif answer:
                self._write([answer] if isinstance(answer, bytes) else answer)

        def _write(self, parts: Iterable[bytes]) -> None:
            with suppress(OSError):  # the caller may have had enough
                for part in parts:
                    self.wfile.write(part)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
