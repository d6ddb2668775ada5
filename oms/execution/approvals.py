"""What calldata lets somebody else take, and how much of that a plan needs.

Owns: reading approvals of every usual kind, and building the one kind that the desk sends: exact, for one plan.
Must not: build an approval that could outlive its plan.
Sources: ERC-20, ERC-721 and ERC-1155 (`setApprovalForAll`), ERC-2612, DAI's `permit`, Permit2's `AllowanceTransfer`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import TupleType, parse
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from oms.errors import StateConflict
from oms.units import UINT256_MAX, Address

_APPROVE: Final = keccak(b"approve(address,uint256)")[:4]
_DETAILS = "(address,uint160,uint48,uint48)"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may take, and how much at most; whoever may take everything may take `UINT256_MAX`."""

    spender: Address
    amount: int


def _everything(allowed: object) -> int:
    return UINT256_MAX if allowed else 0


_KINDS: Final[tuple[tuple[str, Callable[[Sequence[Any]], Sequence[tuple[str, int]]]], ...]] = (
    ("approve(address,uint256)", lambda given: [(given[0], given[1])]),
    ("increaseAllowance(address,uint256)", lambda given: [(given[0], given[1])]),
    ("increaseApproval(address,uint256)", lambda given: [(given[0], given[1])]),
    ("approveAndCall(address,uint256,bytes)", lambda given: [(given[0], given[1])]),
    ("approveAndCall(address,uint256)", lambda given: [(given[0], given[1])]),
    ("setApprovalForAll(address,bool)", lambda given: [(given[0], _everything(given[1]))]),
    ("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", lambda given: [(given[1], given[2])]),
    ("permit(address,address,uint256,uint256,bytes)", lambda given: [(given[1], given[2])]),
    (
        "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
        lambda given: [(given[1], _everything(given[4]))],
    ),
    ("approve(address,address,uint160,uint48)", lambda given: [(given[1], given[2])]),
    (f"permit(address,({_DETAILS},address,uint256),bytes)", lambda given: [(given[1][1], given[1][0][1])]),
    (
        f"permit(address,({_DETAILS}[],address,uint256),bytes)",
        lambda given: [(given[1][1], details[1]) for details in given[1][0]],
    ),
)
_BY_SELECTOR: Final = {
    keccak(signature.encode())[:4]: (signature[signature.index("(") :], reading) for signature, reading in _KINDS
}


def grants_of(data: bytes) -> tuple[Grant, ...]:
    """What a call of a token, or of Permit2, grants directly; calls within calls are not looked through.

    Arguments that cannot be read count as all there is, to nobody in particular: the zero address.
    """
    kind = _BY_SELECTOR.get(data[:4])
    if kind is None:
        return ()
    arguments, reading = kind
    try:
        given = decode(_types(arguments), data[4:])
    except (DecodingError, OverflowError):
        return (Grant(Address("0x" + "0" * 40), UINT256_MAX),)
    return tuple(Grant(Address(to_checksum_address(spender)), amount) for spender, amount in reading(given))


def exact_approval(spender: Address, amount: int, *, needed: int) -> bytes:
    """Calldata of `approve`. Raises `StateConflict` for more than the plan needs, which would stand afterwards."""
    if not 0 <= amount <= needed:
        shown = "without limit" if amount >= 2**128 else str(amount)
        reason = f"{shown} would stand after a plan that needs {needed}; approve no more than the plan pulls"
        raise StateConflict("approval", reason)
    return _APPROVE + encode(["address", "uint256"], [spender, amount])


def standing_approval(data: bytes, *, executor: Address, needed: int) -> str | None:
    """Why a call must not be sent: it lets somebody but the executor take, or the executor more than is needed."""
    for grant in grants_of(data):
        if grant.spender != executor and grant.amount:
            return f"it lets {grant.spender} take, which is not the executor; approve nobody else"
        if grant.amount > needed:
            return f"it lets the executor take more than the plan's {needed}; approve exactly that"
    return None


def _types(arguments: str) -> list[str]:
    parsed = parse(arguments)
    if not isinstance(parsed, TupleType):
        raise TypeError(f"{arguments} are no arguments")
    return [part.to_type_str() for part in parsed.components]
