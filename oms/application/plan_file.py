"""A plan as JSON and back: what `--json` writes and `oms simulate` reads.

Owns: the file's form. Integers are strings, bytes are hex, so that nothing is lost on the way through other tools.
Must not: trust what it reads; a plan from a file is simulated, and judged by the gate like any other.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from oms.domain.plans import RoutePlan
from oms.errors import InvalidRequest

MAX_PLAN_BYTES = 4_000_000


def to_json_value(value: Any) -> Any:
    """Dataclasses, integers, decimals and bytes as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json_value(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    return [to_json_value(item) for item in value]


def plan_json(plan: RoutePlan) -> str:
    """The plan's canonical one-line JSON."""
    return json.dumps(to_json_value(plan), sort_keys=True, separators=(",", ":"))


def _unhex(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: bytes.fromhex(item[2:]) if key == "signature" and isinstance(item, str) else _unhex(item)
            for key, item in value.items()
        }
    return [_unhex(item) for item in value] if isinstance(value, list) else value


_ADAPTER: TypeAdapter[RoutePlan] = TypeAdapter(Annotated[RoutePlan, BeforeValidator(_unhex)])


def read_plan(path: Path) -> RoutePlan:
    """A plan from a file. Raises `InvalidRequest` naming the first field that does not fit."""
    try:
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise InvalidRequest("plan", f"{path} is larger than any plan; name a file that --json wrote")
        value = json.loads(path.read_text())
        plan = value.get("plan", value) if isinstance(value, dict) else value
        return _ADAPTER.validate_python(plan)
    except OSError as error:
        raise InvalidRequest("plan", f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidRequest("plan", f"{path}: {where}: {first['msg']}; name a file that --json wrote") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("plan", f"{path} is not JSON; name a file that --json wrote") from error
