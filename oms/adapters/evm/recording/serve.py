"""Serving a recording from a process of its own: `python -m oms.adapters.evm.recording.serve FILE --port N`.

Owns: the command line and the life of that process. It announces its URL as the last word of one line on standard
output; errors are one line on standard error, with exit code 2.
Must not: know what is served (`server`).
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from oms.adapters.evm.addresses import parse_address
from oms.adapters.evm.recording.server import RecordingServer, serve_recording
from oms.errors import OmsError


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT, SIGTERM or, with `--die-with-stdin`, the end of standard input; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        own = [parse_address(text, field="own") for text in options.own]
        server = serve_recording(
            options.recording,
            port=options.port,
            own=own,
            zero_unknown=options.zero_unknown,
            zero_address_empty=not options.strict,
        )
    except OmsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    with server:
        _serve(server, die_with_stdin=options.die_with_stdin)
    return 0


def _serve(server: RecordingServer, *, die_with_stdin: bool) -> None:
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    if die_with_stdin:
        threading.Thread(target=_watch_stdin, args=(over,), daemon=True).start()
    held = server.recording
    sys.stdout.write(f"chain {held.chain_id} block {held.block}: {len(held.accounts)} accounts on {server.url}\n")
    sys.stdout.flush()
    server.state.prepare()
    over.wait()


def _watch_stdin(over: threading.Event) -> None:
    while os.read(0, 4096):  # the other end is our parent's; the kernel closes it however the parent ends
        pass
    over.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oms.adapters.evm.recording.serve", description="Serve recorded chain state.")
    parser.add_argument("recording", type=Path, help="alloc JSON, gzipped or not")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--own", action="append", default=[], metavar="ADDRESS", help="an account the chain never saw")
    parser.add_argument("--zero-unknown", action="store_true", help="accounts outside the recording are empty")
    parser.add_argument("--strict", action="store_true", help="the zero address is unknown where not recorded")
    parser.add_argument("--die-with-stdin", action="store_true", help="end when standard input ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
