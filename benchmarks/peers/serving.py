"""A peer's side of the pipe: load a pool, answer amounts, and time the same loop that we time for ourselves.

Owns: the loop, the request's and answer's shapes, and JSON lines over stdin and stdout.
Must not: import anything but the standard library; it runs in the peers' environments too.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

Quote = Callable[..., Any]
State = Mapping[str, Any]

PREFIX: Final = "> "
"""Before each answer, so that whatever else a library prints is not taken for one."""


def seconds_of(quote: Quote, head: Sequence[Any], amounts: Sequence[int]) -> float:
    """How long `quote(*head, amount)` takes for all amounts together; `head` has one or two arguments."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _one(quote, head[0], amounts) if len(head) == 1 else _two(quote, head[0], head[1], amounts)
    finally:
        if collecting:
            gc.enable()


# A loop for each number of arguments: unpacking them in every turn would cost what a short quote costs.
def _one(quote: Quote, first: object, amounts: Sequence[int]) -> float:
    started = perf_counter()
    for amount in amounts:
        quote(first, amount)
    return perf_counter() - started


def _two(quote: Quote, first: object, second: object, amounts: Sequence[int]) -> float:
    started = perf_counter()
    for amount in amounts:
        quote(first, second, amount)
    return perf_counter() - started


class Subject:
    """A loaded pool: the function to call, its leading arguments, and how to read its answer."""

    def __init__(self, quote: Quote, *head: object, answer: Callable[[Any], int] = int) -> None:
        self.quote = quote
        self.head = head
        self.answer = answer

    def answers(self, amounts: Sequence[int]) -> list[int]:
        """The outputs, as plain integers."""
        return [self.answer(self.quote(*self.head, amount)) for amount in amounts]

    def seconds(self, amounts: Sequence[int]) -> float:
        """The time of one pass over the amounts."""
        return seconds_of(self.quote, self.head, amounts)


def serve(loaders: Mapping[str, Callable[[State], Subject]]) -> None:
    """Answer requests until stdin ends. `loaders` builds a subject from a pool's state, by name."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    subjects: dict[str, Subject] = {}
    replies.write(PREFIX + json.dumps({"ready": sorted(loaders)}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        name, amounts = request["name"], list(range(*request["amounts"]))
        if name not in subjects:
            subjects[name] = loaders[name](request["state"])
        subject = subjects[name]
        timed = request["time"]
        reply = {"seconds": subject.seconds(amounts)} if timed else {"answers": subject.answers(amounts)}
        replies.write(PREFIX + json.dumps(reply) + "\n")
