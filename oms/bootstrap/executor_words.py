"""Which executor a command is about. Apart, so that commands about none need not load what reads one."""

from dataclasses import dataclass
from pathlib import Path

from oms.bootstrap.sessions import DESK
from oms.units import Address


@dataclass(frozen=True, slots=True)
class ExecutorWords:
    """Which executor: that of an owner, that of a record of `deployments/`, or one by its address."""

    owner: Address = DESK
    executor: Address | None = None
    record: Path | None = None

    @property
    def stands(self) -> bool:
        """Whether it was put there by somebody, so that none is put there for them."""
        return self.executor is not None or self.record is not None
