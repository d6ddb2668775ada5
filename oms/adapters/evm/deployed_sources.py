"""Whether a contract that stands on a chain is what this checkout's source makes of the recorded arguments.

Owns: running the constructor on the node, by an override of the code at its own address, and naming what is unlike.
Must not: send anything, or pass over in silence what it could not tell.
"""

from collections.abc import Mapping
from typing import Any, Final

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import checksummed
from oms.adapters.evm.artifacts import Artifact, Artifacts
from oms.adapters.evm.chain import octets
from oms.adapters.evm.deployment_findings import Finding, Standing, leaves
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import Terminal
from oms.execution.revert_reasons import explain_revert

_OTHER_SOURCES: Final = "if the record is of other sources, check out its commit"


def built(
    rpc: RpcClient, artifacts: Artifacts, name: str, entry: Mapping[str, Any], code: bytes, arguments: Mapping[str, Any]
) -> Standing:
    """What running the constructor with the recorded `arguments` makes, beside the `code` that stands there."""
    what = f"{name}'s source"
    try:
        artifact = artifacts.ours(name)
        init_code = artifact.with_arguments_of(arguments)
    except Terminal as error:
        return Standing(what, Finding.UNPROVED, f"cannot be run: {error}")
    call, override = {"to": entry["address"], "data": "0x"}, {entry["address"]: {"code": "0x" + init_code.hex()}}
    (answer,) = rpc.batch([("eth_call", [call, "latest", override])])
    if isinstance(answer, RpcFailure):
        return _not_run(what, answer)
    made = octets(answer, venue=rpc.venue, what="code")
    if made != code:
        return Standing(what, Finding.DIFFERS, _unlike(artifact, made, code, arguments))
    if keccak(init_code).hex() != str(entry["init_code_hash"]).removeprefix("0x"):
        reason = "makes this code, but of another init code than the record's hash says; write the record again"
        return Standing(what, Finding.DIFFERS, reason)
    return Standing(what, Finding.SAME, "this checkout's, constructed with the recorded arguments")


def _not_run(what: str, failure: RpcFailure) -> Standing:
    if failure.data:
        why = explain_revert(failure.data).sentence
        return Standing(what, Finding.DIFFERS, f"its constructor refuses the recorded arguments: {why}")
    if "revert" in failure.message.lower():
        return Standing(what, Finding.DIFFERS, f"its constructor refuses the recorded arguments; {_OTHER_SOURCES}")
    reason = f"this node runs no constructor by a state override ({failure.message}); name another by --rpc-url"
    return Standing(what, Finding.UNPROVED, reason)


def _unlike(artifact: Artifact, made: bytes, code: bytes, arguments: Mapping[str, Any]) -> str:
    """Immutables by the arguments' names where only they are unlike."""
    if _masked(artifact, made) != _masked(artifact, code):
        return f"not what this source makes; {_OTHER_SOURCES}"
    names: dict[bytes, list[str]] = {}
    for name, value in leaves(arguments):
        names.setdefault(_word(value), []).append(name)
    unlike: dict[str, None] = {}
    for start, length in artifact.immutables:
        expected, there = made[start : start + length], code[start : start + length]
        if expected != there:
            name = " or ".join(names.get(expected, ["an immutable"]))
            unlike[f"{name} is {_shown(there)}, recorded as {_shown(expected)}"] = None
    return f"not what this source makes of the recorded arguments: in the code {'; '.join(unlike)}"


def _masked(artifact: Artifact, code: bytes) -> bytes:
    masked = bytearray(code)
    for start, length in artifact.immutables:
        masked[start : start + length] = bytes(len(masked[start : start + length]))
    return bytes(masked)


def _word(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    number = int(value, 16) if isinstance(value, str) else int(str(value))
    return number.to_bytes(32, "big")


def _shown(word: bytes) -> str:
    """As an address where it can be one."""
    return checksummed(f"0x{word[12:].hex()}") if not any(word[:12]) else f"0x{word.hex()}"
