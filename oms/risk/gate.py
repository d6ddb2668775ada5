"""The one gate: nothing is sent that did not come out of `judge` as an `Approved` value.

Owns: the sealed approval, and the folding of single checks into one verdict.
Must not: fetch what it judges on; everything comes in as values. The checks themselves are in `oms.risk.checks`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar, final

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_SEAL = object()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's finding; `passed` with what was measured, or not, with what would make it pass."""

    name: str
    passed: bool
    detail: str


@final
class Approved(Generic[T_co]):
    """A `subject` that passed every check. Only `judge` can make one; ports that send accept nothing else."""

    __slots__ = ("_checks", "_subject")

    def __init__(self, subject: T_co, checks: tuple[CheckResult, ...], *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("Approved is made by oms.risk.gate.judge only")
        object.__setattr__(self, "_subject", subject)
        object.__setattr__(self, "_checks", checks)

    @property
    def subject(self) -> T_co:
        """What was approved."""
        return self._subject  # type: ignore[attr-defined,no-any-return]

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """The findings it passed on."""
        return self._checks  # type: ignore[attr-defined,no-any-return]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Approved is immutable; cannot set {name}")

    def __reduce__(self) -> str:
        raise TypeError("an approval cannot be copied or stored; judge again")

    def __init_subclass__(cls) -> None:
        raise TypeError("Approved cannot be subclassed")


@dataclass(frozen=True, slots=True)
class Denied:
    """What failed, each with its remedy."""

    failures: tuple[CheckResult, ...]

    @property
    def reason(self) -> str:
        """All failures in one line."""
        return "; ".join(f"{failure.name}: {failure.detail}" for failure in self.failures)


def judge(subject: T, checks: Iterable[CheckResult]) -> "Approved[T] | Denied":
    """Approve `subject` when every check passed. No check at all is a denial."""
    findings = tuple(checks)
    failures = tuple(finding for finding in findings if not finding.passed)
    if not findings:
        failures = (CheckResult("gate", passed=False, detail="nothing was checked"),)
    if failures:
        return Denied(failures)
    return Approved(subject, findings, seal=_SEAL)
