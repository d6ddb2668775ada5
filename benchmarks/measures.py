"""What is measured, and what was found: keys, units, aims and peers.

Owns: the names under which results are written, and whether an aim is met.
Must not: measure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from oms.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One quantity. With a `peer`, the aim is on the ratio of our value to the peer's; otherwise on our value."""

    key: str
    unit: str
    what: str
    aim: float | None = None
    less_is_better: bool = False
    peer: str = ""
    ratio_as: str = ""
    """The ratio's key where it isn't this key's and the peer's name."""

    @property
    def peer_key(self) -> str:
        """Where the peer's own value is written."""
        return f"{self.key}_{self.peer}"

    @property
    def ratio_key(self) -> str:
        """Where our value divided by the peer's is written."""
        return self.ratio_as or f"{self.key}_vs_{self.peer}"

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that this measure may write."""
        return (self.key, self.peer_key, self.ratio_key) if self.peer else (self.key,)

    @property
    def aim_text(self) -> str:
        """The aim as people write it; empty without one."""
        if self.aim is None:
            return ""
        return f"{'≤' if self.less_is_better else '≥'} {self.aim:g}{'×' if self.peer else ''}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A measure's result. The ratio of a timed peer is the median of the rounds' ratios, not that of the medians."""

    measure: Measure
    value: float
    peer_value: float | None = None
    ratio: float | None = None

    @classmethod
    def of_rounds(cls, measure: Measure, ours: Sequence[float], theirs: Sequence[float] = ()) -> "Reading":
        """From rates of alternating rounds, so that whatever slows the machine down for a while slows both."""
        if not theirs:
            return cls(measure, median(ours))
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        return cls(measure, median(ours), median(theirs), median(ratios))

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; `None` without an aim, or without the peer that it compares with."""
        judged = self.ratio if self.measure.peer else self.value
        if self.measure.aim is None or judged is None:
            return None
        return judged <= self.measure.aim if self.measure.less_is_better else judged >= self.measure.aim

    def flat(self) -> Mapping[str, float]:
        """Keys and numbers for the JSON file."""
        found = {self.measure.key: self.value}
        if self.peer_value is not None:
            found[self.measure.peer_key] = self.peer_value
        if self.ratio is not None:
            found[self.measure.ratio_key] = self.ratio
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in found.items()}


@dataclass(slots=True)
class Findings:
    """What a run has found so far: readings, what could not be measured and why, and what went wrong."""

    readings: list[Reading] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def selected(measures: Iterable[Measure], names: Sequence[str]) -> list[Measure]:
    """Those that a name stands for: a key, or the beginning of keys up to a dot or underscore; all without names.

    Raises:
        InvalidRequest: a name that stands for none.
    """
    everything = list(measures)
    if not names:
        return everything
    wanted: set[str] = set()
    for name in names:
        exact = {measure.key for measure in everything if name in measure.keys}
        found = exact or {m.key for m in everything if m.key.startswith((f"{name}.", f"{name}_"))}
        if not found:
            raise InvalidRequest("name", f"nothing measured is called {name}; see ./scripts/bench --list")
        wanted |= found
    return [measure for measure in everything if measure.key in wanted]
