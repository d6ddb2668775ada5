"""HTTP servers inside the test process: a scriptable counterparty, and a node that knows one maker's balances."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Handler = Callable[[str, str, bytes], tuple[int, bytes] | None]
"""(method, path with query, body) → status and bytes, or `None` to say nothing until the server closes."""


@contextmanager
def http_server(handle: Handler) -> Iterator[str]:
    """Serve `handle` on a free port of loopback; yields the URL."""
    closing = Event()

    class _Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # one packet per answer, or delayed acknowledgements cost 40 ms each

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = handle(self.command, self.path, body)
            if answer is None:
                closing.wait(10.0)
                self.close_connection = True
                return
            status, payload = answer
            self.send_response(status)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Request)
    server.daemon_threads = True
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5.0)


def answer(body: Any, status: int = 200) -> tuple[int, bytes]:
    """A JSON answer."""
    return status, json.dumps(body).encode()


@dataclass
class ToyNode:
    """A node of chain 1 whose clock and token balances the test sets; allowances are without limit."""

    timestamp: int = 1_723_161_255
    balances: dict[str, int] = field(default_factory=dict)
    chain_id: int = 1

    def handle(self, _method: str, _path: str, body: bytes) -> tuple[int, bytes]:
        """Answer a JSON-RPC batch."""
        return answer([{"jsonrpc": "2.0", "id": call["id"], "result": self._result(call)} for call in json.loads(body)])

    def _result(self, call: dict[str, Any]) -> Any:
        if call["method"] == "eth_chainId":
            return hex(self.chain_id)
        if call["method"] == "eth_getBlockByNumber":
            return {"timestamp": hex(self.timestamp)}
        request = call["params"][0]
        if request["data"].startswith("0x70a08231"):
            return f"0x{self.balances.get(request['to'], 0):064x}"
        return f"0x{2**256 - 1:064x}"
