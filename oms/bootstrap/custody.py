"""Looking at a chain: whether our contracts are the recorded ones.

Owns: which chain is opened for that, and read only.
Must not: send anything, or start a fork.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.deployment_record import Standing as Standing
from oms.adapters.evm.deployment_record import compare, read_record
from oms.bootstrap.sessions import Opening, open_session
from oms.config import Settings


def check_deployment(settings: Settings, opening: Opening, path: Path) -> tuple[Standing, ...]:
    """What a record says, beside what the chain has. Raises `InvalidRequest` for a file that is no record."""
    record: Mapping[str, Any] = read_record(path)
    with open_session(settings, opening) as session:
        return compare(session.rpc, record, Artifacts(settings.project))
