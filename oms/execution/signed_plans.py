"""What keys sign for an executor, as `contracts/libraries/SignedPlans.sol` hashes it.

Owns: types, domain and digests of a batch of plans and of an account's adoption; nonces; the calls that send a batch,
and what they answer; how an ERC-4337 operation of the executor is signed.
Must not: sign, recover or hold a key, or know what a plan holds.
Sources: EIP-712; ERC-4337; EIP-7702.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from oms.errors import InvalidRequest
from oms.units import UINT256_MAX, Address

DOMAIN_NAME: Final = "oms executor"
DOMAIN_VERSION: Final = "1"
MAX_PLANS: Final = 256
"""Plans in one batch."""

_LANE_MAX: Final = 2**192 - 1
_SEQUENCE_MAX: Final = 2**64 - 1
_DEADLINE_MAX: Final = 2**40 - 1

_Fields = tuple[tuple[str, str], ...]

PLANS_FIELDS: Final[_Fields] = (
    ("key", "address"),
    ("grant", "uint256"),
    ("plans", "bytes[]"),
    ("continueMask", "uint256"),
    ("nonce", "uint256"),
    ("deadline", "uint40"),
)
ADOPTION_FIELDS: Final[_Fields] = (("guardian", "address"), ("entryPoint", "address"), ("deadline", "uint40"))
_DOMAIN_FIELDS: Final[_Fields] = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)


def _declaration(name: str, fields: _Fields) -> str:
    return f"{name}({','.join(f'{kind} {field}' for field, kind in fields)})"


PLANS_TYPE: Final = _declaration("Plans", PLANS_FIELDS)
ADOPTION_TYPE: Final = _declaration("Adoption", ADOPTION_FIELDS)


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """Plans that whoever holds the key's signature may send, once.

    `grant` is what the executor's `grantOf` answers: zero for its first owner, else the count of the ownership or of
    the session's grant, with which the signature ends. Bit `i` of `continue_mask` lets the batch go on where plan `i`
    does not run. `deadline` in Unix seconds.
    """

    key: Address
    grant: int
    plans: Sequence[bytes]
    continue_mask: int
    nonce: int
    deadline: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.plans) <= MAX_PLANS:
            raise InvalidRequest("plans", f"a batch holds 1 to {MAX_PLANS} plans, not {len(self.plans)}")
        if not 0 <= self.continue_mask < 2 ** len(self.plans):
            raise InvalidRequest("continue_mask", f"{self.continue_mask:#x} names plans that are not there")
        _within("grant", self.grant, 2**48 - 1)
        _within("nonce", self.nonce, UINT256_MAX)
        _within("deadline", self.deadline, _DEADLINE_MAX)

    def struct_hash(self) -> bytes:
        """EIP-712's `hashStruct`."""
        plans = keccak(b"".join(keccak(plan) for plan in self.plans))
        kinds = ["bytes32", "address", "uint256", "bytes32", "uint256", "uint256", "uint40"]
        values = [self.key, self.grant, plans, self.continue_mask, self.nonce, self.deadline]
        return keccak(encode(kinds, [keccak(PLANS_TYPE.encode()), *values]))

    def digest(self, chain_id: int, executor: Address) -> bytes:
        """The 32 bytes that the key signs for the executor at `executor`."""
        return keccak(b"\x19\x01" + domain_separator(chain_id, executor) + self.struct_hash())

    def typed_data(self, chain_id: int, executor: Address) -> dict[str, Any]:
        """The document for `eth_signTypedData_v4`."""
        message = {
            "key": self.key,
            "grant": self.grant,
            "plans": list(self.plans),
            "continueMask": self.continue_mask,
            "nonce": self.nonce,
            "deadline": self.deadline,
        }
        return _typed_data("Plans", PLANS_FIELDS, message, chain_id, executor)


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an externally owned account signs once it has the executor's code by EIP-7702: that it is its own owner."""

    guardian: Address
    entry_point: Address
    deadline: int

    def __post_init__(self) -> None:
        _within("deadline", self.deadline, _DEADLINE_MAX)

    def struct_hash(self) -> bytes:
        """EIP-712's `hashStruct`."""
        kinds = ["bytes32", "address", "address", "uint40"]
        values = [keccak(ADOPTION_TYPE.encode()), self.guardian, self.entry_point, self.deadline]
        return keccak(encode(kinds, values))

    def digest(self, chain_id: int, account: Address) -> bytes:
        """The 32 bytes that the account's own key signs."""
        return keccak(b"\x19\x01" + domain_separator(chain_id, account) + self.struct_hash())

    def typed_data(self, chain_id: int, account: Address) -> dict[str, Any]:
        """The document for `eth_signTypedData_v4`."""
        message = {"guardian": self.guardian, "entryPoint": self.entry_point, "deadline": self.deadline}
        return _typed_data("Adoption", ADOPTION_FIELDS, message, chain_id, account)


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What became of one plan of a batch; amounts in base units, `reason` is revert data where it did not run."""

    done: bool
    spent: int
    received: int
    reason: bytes


def batch_call(plans: Sequence[bytes], continue_mask: int) -> bytes:
    """Calldata by which the owner or a session's key runs plans of its own."""
    return keccak(b"executeBatch(bytes[],uint256)")[:4] + encode(["bytes[]", "uint256"], [list(plans), continue_mask])


def signed_call(batch: SignedBatch, signature: bytes) -> bytes:
    """Calldata by which anybody sends what a key signed."""
    kinds = ["bytes[]", "uint256", "uint256", "uint40", "address", "bytes"]
    values = [list(batch.plans), batch.continue_mask, batch.nonce, batch.deadline, batch.key, signature]
    return keccak(f"executeSigned({','.join(kinds)})".encode())[:4] + encode(kinds, values)


def plan_results(answer: bytes) -> tuple[PlanResult, ...]:
    """What either call answered. Raises `ValueError` where that is something else."""
    try:
        (results,) = decode(["(bool,uint256,uint256,bytes)[]"], answer)
    except (DecodingError, OverflowError) as error:
        raise ValueError(f"no results of plans: {error}") from error
    return tuple(PlanResult(done, spent, received, bytes(reason)) for done, spent, received, reason in results)


def domain_separator(chain_id: int, executor: Address) -> bytes:
    """EIP-712's domain separator of the executor."""
    kinds = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
    declared = keccak(_declaration("EIP712Domain", _DOMAIN_FIELDS).encode())
    name, version = keccak(DOMAIN_NAME.encode()), keccak(DOMAIN_VERSION.encode())
    return keccak(encode(kinds, [declared, name, version, chain_id, executor]))


def nonce_of(lane: int, sequence: int) -> int:
    """A lane's number, as the executor and ERC-4337 count them."""
    _within("lane", lane, _LANE_MAX)
    _within("sequence", sequence, _SEQUENCE_MAX)
    return (lane << 64) | sequence


def session_lane(key: Address, branch: int = 0) -> int:
    """A lane in which a session's key may send ERC-4337 operations; `branch`, below 2^32, tells its lanes apart."""
    _within("branch", branch, 2**32 - 1)
    return (branch << 160) | int(key, 16)


def operation_signature(key: Address, signature: bytes) -> bytes:
    """The signature field of an ERC-4337 operation: the key that signed its hash, then its signature."""
    return bytes.fromhex(key[2:]) + signature


def _typed_data(
    name: str, fields: _Fields, message: dict[str, Any], chain_id: int, executor: Address
) -> dict[str, Any]:
    return {
        "types": {
            "EIP712Domain": [{"name": field, "type": kind} for field, kind in _DOMAIN_FIELDS],
            name: [{"name": field, "type": kind} for field, kind in fields],
        },
        "primaryType": name,
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": chain_id,
            "verifyingContract": executor,
        },
        "message": message,
    }


def _within(what: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise InvalidRequest(what, f"{value} is not within 0 and {most}")
