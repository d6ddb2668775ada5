"""Time, as a value that comes in."""

from typing import Protocol


class Clock(Protocol):
    """The machine's own time."""

    def now(self) -> float:
        """Unix seconds."""
        ...
