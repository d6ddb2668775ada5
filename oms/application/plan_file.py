"""A plan as JSON and back: what `--json` writes and `oms simulate` reads.

Owns: the file's form. Integers are strings, bytes are hex, so that nothing is lost on the way through other tools.
Must not: trust what it reads; a plan from a file is simulated, and judged by the gate like any other.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from oms.domain.plans import ExchangeLeg, PoolLeg, RoutePlan
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.units import UINT256_MAX, Address

MAX_PLAN_BYTES = 4_000_000
MOST_DECIMALS = 77
"""Of a token; ten to this power still fits in 256 bits."""

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_DATA = re.compile("0x(?:[0-9a-fA-F]{2})*")
_POOL_ID = re.compile("0x(?:[0-9a-fA-F]{2}){1,32}")
_SYMBOL = re.compile("[^/:]+/[^/:]+(:[^/:]+)?")


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
            key: _octets(item) if key == "signature" and isinstance(item, str) else _unhex(item)
            for key, item in value.items()
        }
    return [_unhex(item) for item in value] if isinstance(value, list) else value


def _octets(text: str) -> bytes:
    if not _DATA.fullmatch(text):
        raise ValueError("signature is not hex data")
    return bytes.fromhex(text[2:])


_ADAPTER: TypeAdapter[RoutePlan] = TypeAdapter(Annotated[RoutePlan, BeforeValidator(_unhex)])


def read_plan(path: Path) -> RoutePlan:
    """A plan from a file. Raises `InvalidRequest` naming the first field that does not fit."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_PLAN_BYTES + 1)
        if len(text) > MAX_PLAN_BYTES:
            raise InvalidRequest("plan", f"{path} is larger than any plan; name a file that --json wrote")
        value = json.loads(text)
        found = value.get("plan", value) if isinstance(value, dict) else value
        plan = _ADAPTER.validate_python(found)
    except OSError as error:
        raise InvalidRequest("plan", f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the plan"
        raise InvalidRequest("plan", f"{path}: {where}: {first['msg']}; name a file that --json wrote") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("plan", f"{path} is not JSON; name a file that --json wrote") from error
    for fault in _faults(plan):
        raise InvalidRequest("plan", f"{path}: {fault}; name a file that --json wrote")
    return plan


def require_current(plan: RoutePlan, *, chain_id: int, chain_time: int) -> None:
    """Refuse a plan for another chain, or past its deadline in Unix seconds of chain time. Raises `InvalidRequest`."""
    if plan.block.chain_id != chain_id:
        raise InvalidRequest("plan", f"is for chain {plan.block.chain_id}, not {chain_id}; choose that chain")
    if chain_time > plan.deadline:
        raise InvalidRequest("plan", f"its deadline passed {chain_time - plan.deadline} s ago; make a new plan")


def _faults(value: Any, where: str = "") -> Iterator[str]:
    """What the types of a plan allow and no plan holds, so that nothing behind here meets it."""
    if is_dataclass(value):
        yield from _misfits(value, where)
        for each in fields(value):
            held, name = getattr(value, each.name), f"{where}.{each.name}".lstrip(".")
            held_addresses = held if each.type == tuple[Address, ...] else (held,) if each.type is Address else ()
            if not all(_ADDRESS.fullmatch(address) for address in held_addresses):
                yield f"{name} is not an address"
            yield from _faults(held, name)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _faults(item, f"{where}.{index}")
    elif isinstance(value, int) and not 0 <= value <= UINT256_MAX:
        yield f"{where} is negative or above 256 bits"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where} is not a finite number"
    elif isinstance(value, Decimal) and not (value.is_finite() and value >= 0):
        yield f"{where} is negative or not finite"


def _misfits(value: Any, where: str) -> Iterator[str]:
    """Fields that fit their types and not each other."""
    if isinstance(value, Token) and value.decimals > MOST_DECIMALS:
        yield f"{where}.decimals is more than any token has"
    if isinstance(value, ExchangeLeg) and not _SYMBOL.fullmatch(value.symbol):
        yield f"{where}.symbol is not of the form BASE/QUOTE"
    if isinstance(value, PoolLeg):
        if not _POOL_ID.fullmatch(value.key.pool_id):
            yield f"{where}.key.pool_id is not a pool's id"
        if not {value.token_in.address, value.token_out.address} <= set(value.key.tokens):
            yield f"{where} trades tokens that its pool does not hold"
