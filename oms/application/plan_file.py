"""A plan as JSON and back: what `--json` writes and `oms simulate` reads.

Owns: the file's form. Integers are strings, bytes are hex, so that nothing is lost on the way through other tools.
Must not: trust what it reads; a plan from a file is simulated, and judged by the gate like any other.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from oms.application.bounded_files import read_at_most
from oms.domain.plans import SHARE_DENOMINATOR, ExchangeLeg, PoolLeg, RoutePlan, Spend, SpendKind
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.units import UINT256_MAX, Address

MAX_PLAN_BYTES = 4_000_000
MOST_DECIMALS = 77
"""Of a token; ten to this power still fits in 256 bits."""
MOST_MAGNITUDE = 60
"""Powers of ten that a size or a price may lie above or below one."""
MOST_DIGITS = 120
"""Of a size or a price."""

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_DATA = re.compile("0x(?:[0-9a-fA-F]{2})*")
_POOL_ID = re.compile("0x(?:[0-9a-fA-F]{2}){1,32}")
_SYMBOL = re.compile("[^/:]+/[^/:]+(:[^/:]+)?")
_TOKEN_SYMBOL = re.compile(r"[A-Za-z0-9.\-_+$/₮?]{1,20}…?")
"""What a symbol is cut down to when a token is read, so that no other is ever in a plan of ours."""


def to_json_value(value: Any) -> Any:
    """Dataclasses, integers, decimals and bytes as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json_value(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
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


def plan_digest(plan: RoutePlan) -> str:
    """The id that a plan of this content bears: half of a hash's hex over all of it but the id."""
    return hashlib.sha256(plan_json(replace(plan, plan_id="")).encode()).hexdigest()[:16]


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
        too_large = "larger than any plan; name a file that --json wrote"
        value = json.loads(read_at_most(path, MAX_PLAN_BYTES, field="plan", too_large=too_large))
        found = value.get("plan", value) if isinstance(value, dict) else value
        plan = _ADAPTER.validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the plan"
        raise InvalidRequest("plan", f"{path}: {where}: {first['msg']}; name a file that --json wrote") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("plan", f"{path} is not JSON; name a file that --json wrote") from error
    for fault in chain(_faults(plan), _strangers(found, to_json_value(plan)), _contradictions(plan)):
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
    elif isinstance(value, float) and not math.isfinite(value) and (where, value) != ("impact_bps", math.inf):
        yield f"{where} is not a finite number"
    elif isinstance(value, Decimal):
        yield from _decimal_faults(value, where)


def _decimal_faults(value: Decimal, where: str) -> Iterator[str]:
    if not (value.is_finite() and value >= 0):
        yield f"{where} is negative or not finite"
    elif not -MOST_MAGNITUDE <= value.adjusted() <= MOST_MAGNITUDE or len(value.as_tuple().digits) > MOST_DIGITS:
        yield f"{where} is beyond any size or price"


def _strangers(found: Any, kept: Any, where: str = "") -> Iterator[str]:
    """Fields that no plan has, and truth values that stand for numbers or the other way round: types let both pass."""
    if isinstance(kept, dict):
        for name, value in found.items():
            path = f"{where}.{name}".lstrip(".")
            if name in kept:
                yield from _strangers(value, kept[name], path)
            else:
                yield f"{path} is no field of a plan"
    elif isinstance(kept, list):
        for index, (each, held) in enumerate(zip(found, kept, strict=True)):
            yield from _strangers(each, held, f"{where}.{index}")
    elif isinstance(kept, bool) and not isinstance(found, bool):
        yield f"{where} is neither true nor false"
    elif isinstance(found, bool) and not isinstance(kept, bool):
        yield f"{where} is true or false, not a number"


def _contradictions(plan: RoutePlan) -> Iterator[str]:
    """Totals that the legs do not add up to, and an id that is not that of the content."""
    given, wanted = plan.intent.token_in.address, plan.intent.token_out.address
    sums = {
        "chain_amount_in": sum(leg.amount_in for leg in plan.chain_legs if leg.token_in.address == given),
        "chain_amount_out": sum(leg.amount_out for leg in plan.chain_legs if leg.token_out.address == wanted),
        "amount_in": sum(leg.amount_in for leg in plan.legs if leg.token_in.address == given),
        "amount_out": sum(leg.amount_out for leg in plan.legs if leg.token_out.address == wanted),
    }
    for name, total in sums.items():
        stated = getattr(plan, name)
        if stated != total:
            yield f"{name} is {stated}, and its legs add up to {total}"
    if plan.plan_id != plan_digest(plan):
        yield "plan_id is not that of this content, which was changed after it was made"


def _misfits(value: Any, where: str) -> Iterator[str]:
    """Fields that fit their types and not each other."""
    if isinstance(value, Token) and value.decimals > MOST_DECIMALS:
        yield f"{where}.decimals is more than any token has"
    if isinstance(value, Token) and not _TOKEN_SYMBOL.fullmatch(value.symbol):
        yield f"{where}.symbol is none that we would show"
    if isinstance(value, Spend) and value.kind is SpendKind.SHARE and not 0 < value.share < SHARE_DENOMINATOR:
        yield f"{where}.share is not between 1 and {SHARE_DENOMINATOR - 1}"
    if isinstance(value, ExchangeLeg) and not _SYMBOL.fullmatch(value.symbol):
        yield f"{where}.symbol is not of the form BASE/QUOTE"
    if isinstance(value, PoolLeg):
        if not _POOL_ID.fullmatch(value.key.pool_id):
            yield f"{where}.key.pool_id is not a pool's id"
        if not {value.token_in.address, value.token_out.address} <= set(value.key.tokens):
            yield f"{where} trades tokens that its pool does not hold"
