"""Plans that somebody signed and somebody else sends: the file, and what must hold before anything is paid for it.

Owns: the file's form, and the checks of a signature, a deadline, a number and a grant against the chain.
Must not: trust the file. What it says is shown from the bytes that were signed, and simulated before it is sent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from eth_utils.address import to_checksum_address

from oms.application.bounded_files import read_at_most
from oms.application.plan_file import to_json_value
from oms.errors import InvalidRequest, OmsError
from oms.execution.plan_codec import PackedPlan, decode_plan
from oms.execution.signed_plans import SignedBatch
from oms.risk.gate import CheckResult
from oms.units import UINT256_MAX, Address

MOST_FILE_BYTES: Final = 8_000_000
MOST_SIGNATURE_BYTES: Final = 65_536
"""A contract's may be of any length; more than this no transaction has room for."""
FORM: Final = "oms signed plans, 1"

_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")
_DATA: Final = re.compile("0x(?:[0-9a-fA-F]{2})*")
_NUMBER: Final = re.compile(r"0|[1-9]\d{0,77}")
_REMEDY: Final = "name a file that `oms sign` wrote"
_FIELDS: Final = (
    "form",
    "chain_id",
    "executor",
    "key",
    "grant",
    "plans",
    "continue_mask",
    "nonce",
    "deadline",
    "signature",
)


@dataclass(frozen=True, slots=True)
class SignedPlans:
    """A batch with the key's signature, for one executor on one chain."""

    chain_id: int
    executor: Address
    batch: SignedBatch
    signature: bytes

    @property
    def digest(self) -> bytes:
        """What was signed."""
        return self.batch.digest(self.chain_id, self.executor)


@dataclass(frozen=True, slots=True)
class SignedFacts:
    """What the chain and the executor say of it now.

    `grant` is what the executor takes the key's signature to name, `signer` whose signature it is, if that can be told.
    """

    chain_id: int
    time: int
    paused: bool
    owner: Address
    digest: bytes
    grant: int
    expiry: int
    next_nonce: int
    key_is_contract: bool
    signer: Address | None


def signed_json(signed: SignedPlans) -> dict[str, Any]:
    """The file's content; integers as strings."""
    batch = signed.batch
    values = {
        "form": FORM,
        "chain_id": signed.chain_id,
        "executor": signed.executor,
        "key": batch.key,
        "grant": batch.grant,
        "plans": batch.plans,
        "continue_mask": batch.continue_mask,
        "nonce": batch.nonce,
        "deadline": batch.deadline,
        "signature": signed.signature,
    }
    return {name: to_json_value(value) for name, value in values.items()}


def read_signed(path: Path) -> SignedPlans:
    """Signed plans from a file. Raises `InvalidRequest` naming the first field that does not fit."""
    try:
        too_large = f"larger than any signed plans; {_REMEDY}"
        found = json.loads(read_at_most(path, MOST_FILE_BYTES, field="signed", too_large=too_large))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("signed", f"{path} is not JSON; {_REMEDY}") from error
    if not isinstance(found, dict) or found.get("form") != FORM or set(found) != set(_FIELDS):
        raise InvalidRequest("signed", f"{path} holds no signed plans; {_REMEDY}")
    try:
        return _signed(found)
    except InvalidRequest as error:
        raise InvalidRequest("signed", f"{path}: {error}; {_REMEDY}") from error


def _signed(found: Mapping[str, Any]) -> SignedPlans:
    plans = found["plans"]
    if not isinstance(plans, list):
        raise InvalidRequest("plans", "is no list")
    batch = SignedBatch(
        key=_address(found, "key"),
        grant=_number(found, "grant"),
        plans=tuple(_data(f"plans.{index}", plan) for index, plan in enumerate(plans)),
        continue_mask=_number(found, "continue_mask"),
        nonce=_number(found, "nonce"),
        deadline=_number(found, "deadline"),
    )
    signature = _data("signature", found["signature"])
    if len(signature) > MOST_SIGNATURE_BYTES:
        raise InvalidRequest("signature", "is longer than any")
    return SignedPlans(_number(found, "chain_id"), _address(found, "executor"), batch, signature)


def _number(found: Mapping[str, Any], name: str) -> int:
    text = found[name]
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or int(text) > UINT256_MAX:
        raise InvalidRequest(name, "is no number of at most 256 bits in text")
    return int(text)


def _address(found: Mapping[str, Any], name: str) -> Address:
    text = found[name]
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        raise InvalidRequest(name, "is not an address")
    return Address(to_checksum_address(text))


def _data(name: str, text: object) -> bytes:
    if not isinstance(text, str) or not _DATA.fullmatch(text):
        raise InvalidRequest(name, "is not hex data")
    return bytes.fromhex(text[2:])


def plans_within(signed: SignedPlans) -> tuple[PackedPlan, ...]:
    """What was signed, read as the executor reads it. Raises `InvalidRequest` for bytes that are no plan."""
    read = []
    for index, plan in enumerate(signed.batch.plans):
        try:
            read.append(decode_plan(plan))
        except OmsError as error:
            raise InvalidRequest("signed", f"plan {index + 1} is none: {error}") from error
    return tuple(read)


def signed_checks(signed: SignedPlans, facts: SignedFacts) -> tuple[CheckResult, ...]:
    """What must hold for the executor to run it now, each with what would help."""
    batch = signed.batch
    left = batch.deadline - facts.time
    return (
        _check(
            "chain",
            f"signed for chain {signed.chain_id}",
            "use that chain's node",
            passed=signed.chain_id == facts.chain_id,
        ),
        _check("pause", "the executor is paused" if facts.paused else "none", "ask its owner", passed=not facts.paused),
        _check("deadline", f"{left} s left" if left >= 0 else "has passed", "have it signed again", passed=left >= 0),
        _grant_check(batch, facts),
        _nonce_check(batch, facts),
        _digest_check(signed, facts),
        _signature_check(batch, facts),
    )


def _grant_check(batch: SignedBatch, facts: SignedFacts) -> CheckResult:
    if batch.key == facts.owner:
        same = batch.grant == facts.grant
        said = "the owner's own" if same else "signed under another ownership, or as a session's key"
        return _check("grant", said, "have it signed again", passed=same)
    if facts.grant == 0:
        return _check("grant", f"{batch.key} was never granted a session", "ask the owner for one", passed=False)
    if facts.expiry == 0:
        return _check("grant", "the session was revoked, or its owner left", "ask the owner for another", passed=False)
    if facts.time > facts.expiry:
        return _check("grant", "the session has expired", "ask the owner for another", passed=False)
    same = batch.grant == facts.grant
    said = f"grant {batch.grant} is in force" if same else f"grant {batch.grant} is not grant {facts.grant}, in force"
    return _check("grant", said, "have it signed again", passed=same)


def _nonce_check(batch: SignedBatch, facts: SignedFacts) -> CheckResult:
    number, wanted, lane = batch.nonce % 2**64, facts.next_nonce % 2**64, batch.nonce >> 64
    if number < wanted:
        return _check("nonce", f"number {number} of lane {lane} was used", "have it signed again", passed=False)
    waits = f"number {number} of lane {lane} waits for number {wanted}"
    said = "next in its lane" if number == wanted else waits
    return _check("nonce", said, "send that first", passed=number == wanted)


def _digest_check(signed: SignedPlans, facts: SignedFacts) -> CheckResult:
    """Whether the executor hashes the batch as we do; it takes the grant that is in force."""
    same = replace(signed.batch, grant=facts.grant).digest(signed.chain_id, signed.executor) == facts.digest
    said = "the executor's own" if same else "the executor hashes these plans otherwise"
    return _check("digest", said, "it is of another release, or the node lies: use another", passed=same)


def _signature_check(batch: SignedBatch, facts: SignedFacts) -> CheckResult:
    if facts.key_is_contract:
        return _check("signature", "a contract's, which the simulation asks", "", passed=True)
    same = facts.signer == batch.key
    whose = "nobody's" if facts.signer is None else f"that of {facts.signer}"
    said = "the key's" if same else f"is {whose}, not that of {batch.key}"
    return _check("signature", said, "have it signed again", passed=same)


def _check(name: str, said: str, remedy: str, *, passed: bool) -> CheckResult:
    return CheckResult(name, passed=passed, detail=said if passed else f"{said}; {remedy}")
