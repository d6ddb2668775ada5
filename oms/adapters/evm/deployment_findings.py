"""What comparing a record of a deployment with a chain can find.

Owns: these values. Must not: read a chain or a record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Finding(StrEnum):
    """How what a record says and what was found are to each other."""

    SAME = "same"
    DIFFERS = "differs"
    MISSING = "missing"
    """Nothing stands where something should, or the record lacks what it names elsewhere."""
    UNPROVED = "unproved"
    """It could not be told, so it counts as unlike."""
    NOT_HERE = "not here"
    """A development chain or a recording has only what was put into it; nobody loses anything by what it lacks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One thing that a record says, and what was found."""

    what: str
    finding: Finding
    found: str

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the record."""
        return self.finding in (Finding.SAME, Finding.NOT_HERE)

    @classmethod
    def compared(cls, what: str, found: str, *, same: bool) -> Self:
        """The same, or not."""
        return cls(what, Finding.SAME if same else Finding.DIFFERS, found)


def leaves(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A constructor's arguments by name, those of structs among them."""
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            yield from leaves(value)
        else:
            yield name, value
