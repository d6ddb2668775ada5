"""Serving a small ASGI application on one address, for as long as the parent process lives.

Owns: the socket, the ready line, the lifeline. The ready line is one JSON object on standard output, `{"url": ...}`.
Must not: know what it serves.
"""

import json
import os
import socket
import sys
from threading import Thread
from typing import Any

import uvicorn

from oms.errors import InvalidRequest


def serve(app: Any, *, host: str, port: int, die_with_stdin: bool) -> None:
    """Serve until stopped by a signal or, with `die_with_stdin`, until standard input ends. Port 0: a free one.

    A parent that holds the other end of standard input need do nothing to stop it: the kernel closes the pipe with the
    parent, whatever killed that, and the server ends at once.

    Raises:
        InvalidRequest: the address cannot be bound.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InvalidRequest("port", f"{host}:{port} cannot be bound ({error.strerror}); use port 0") from error
    if die_with_stdin:
        Thread(target=_die_with_stdin, name="lifeline", daemon=True).start()
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    _Announcing(config).run(sockets=[listener])


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            sys.stdout.write(json.dumps({"url": f"http://{host}:{port}"}) + "\n")
            sys.stdout.flush()


def _die_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
