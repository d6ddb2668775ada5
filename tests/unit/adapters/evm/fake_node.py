"""A node of one's own for tests: JSON-RPC over HTTP on loopback, answering from a function."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.rpc import RpcClient

HEAD = {"number": "0x64", "hash": "0x" + "ab" * 32, "timestamp": "0x65000000", "baseFeePerGas": "0x3b9aca00"}


class Refused(Exception):
    """Answered to the caller as a JSON-RPC error with these words."""

    def __init__(self, words: str, *, code: int = -32000) -> None:
        super().__init__(words)
        self.code = code


class FakeNode:
    """`answer(method, params)` is asked for every call; `requests` counts HTTP requests."""

    def __init__(self, answer: Callable[[str, list[Any]], Any]) -> None:
        self.answer = answer
        self.requests = 0
        self.url = ""

    def reply(self, call: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"jsonrpc": "2.0", "id": call["id"], "result": self.answer(call["method"], call["params"])}
        except Refused as refused:
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": refused.code, "message": str(refused)}}

    def chain(self, rpc: RpcClient) -> PinnedChain:
        return PinnedChain.at_latest(rpc)


@contextmanager
def fake_node(answer: Callable[[str, list[Any]], Any], *, chain_id: int = 1) -> Iterator[tuple[FakeNode, PinnedChain]]:
    """A node and a chain pinned on it; what `answer` does not know (None) is the head's or the chain's business."""

    def whole(method: str, params: list[Any]) -> Any:
        given = answer(method, params)
        if given is not None:
            return given
        return {"eth_chainId": hex(chain_id), "eth_getBlockByNumber": HEAD, "eth_getLogs": []}.get(method, "0x")

    node = FakeNode(whole)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            node.requests += 1
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = [node.reply(call) for call in body] if isinstance(body, list) else node.reply(body)
            raw = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with RpcClient(node.url) as rpc:
            yield node, node.chain(rpc)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
