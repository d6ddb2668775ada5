"""Putting contracts and transactions on a chain of our own, by Anvil's privileges.

Owns: deployment at a chosen address with a constructor that really ran there, and batches of impersonated transactions.
Must not: be used on a chain that anybody else uses; it needs Anvil's cheat methods, which no live node has.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from eth_abi.abi import decode, encode
from eth_abi.grammar import TupleType, parse
from eth_hash.auto import keccak

from oms.adapters.evm.addresses import address_of
from oms.adapters.evm.rpc import Json, RpcClient, RpcError, RpcFailure
from oms.errors import Terminal
from oms.execution.revert_reasons import explain_revert
from oms.units import Address

TRANSACTION_GAS = 16_777_216
"""The most that one transaction may use since Osaka (EIP-7825)."""

_RECEIPT_SECONDS = 10.0


def encode_call(signature: str, *values: object) -> bytes:
    """Calldata for `name(type,...)`."""
    return keccak(signature.encode())[:4] + encode(_types(signature), values)


def _types(signature: str) -> list[str]:
    if signature.endswith("()"):
        return []
    parsed = parse(signature[signature.index("(") :])
    if not isinstance(parsed, TupleType):
        raise TypeError(f"{signature} is not a function signature")
    return [part.to_type_str() for part in parsed.components]


def read_call(rpc: RpcClient, target: Address, signature: str, *values: object, returns: str) -> tuple[Json, ...]:
    """The decoded answer of a view at the newest block; `returns` is like `(uint112,uint112)`. Raises `RpcError`."""
    answer = rpc.call("eth_call", {"to": target, "data": "0x" + encode_call(signature, *values).hex()}, "latest")
    return tuple(decode(_types(returns), bytes.fromhex(str(answer)[2:])))


@dataclass(frozen=True, slots=True)
class Placement:
    """A contract to construct at `address`; `init_code` ends with the constructor's encoded arguments."""

    name: str
    address: Address
    init_code: bytes


@dataclass(slots=True)
class Transactions:
    """Transactions of one impersonated sender, sent in order and mined together."""

    rpc: RpcClient
    sender: Address
    nonce: int
    _pending: list[tuple[str, Json]] = field(default_factory=list)

    @classmethod
    def of(cls, rpc: RpcClient, sender: Address) -> "Transactions":
        """Continue from the sender's nonce."""
        return cls(rpc, sender, int(str(rpc.call("eth_getTransactionCount", sender, "latest")), 16))

    def add(self, what: str, to: Address | None, data: bytes, *, value: int = 0, gas: int = TRANSACTION_GAS) -> None:
        """Queue a call of `to`, or a creation; `what` is its name in error messages."""
        body: dict[str, Json] = {
            "from": self.sender,
            "nonce": hex(self.nonce),
            "gas": hex(gas),
            "value": hex(value),
            "data": "0x" + data.hex(),
        }
        if to is not None:
            body["to"] = to
        self._pending.append((what, body))
        self.nonce += 1

    def create(self, what: str, init_code: bytes) -> Address:
        """Queue a creation and return the address that the contract will have."""
        address = creation_address(self.sender, self.nonce)
        self.add(what, None, init_code)
        return address

    def mine(self) -> None:
        """Send what is queued, mine it, and check every receipt. Raises `Terminal` naming the first that failed."""
        pending, self._pending = self._pending, []
        by_itself = bool(self.rpc.call("anvil_getAutomine"))
        if by_itself:  # or Anvil mines a block for each, some of them after we have gone on
            self.rpc.call("evm_setAutomine", False)  # noqa: FBT003 (the API is positional)
        try:
            hashes = checked(self.rpc, self.rpc.batch(("eth_sendTransaction", [body]) for _, body in pending))
            self.rpc.call("evm_mine")
        finally:
            if by_itself:
                self.rpc.call("evm_setAutomine", True)  # noqa: FBT003
        receipts = self._receipts(hashes)
        for (what, body), receipt in zip(pending, receipts, strict=True):
            if receipt is None or receipt.get("status") != "0x1":
                raise Terminal("anvil", f"{what} failed: {self._reason(body)}; this is a defect, please report it")

    def _receipts(self, hashes: Sequence[str]) -> list[Json]:
        """All receipts; waited for, since an Anvil that mines by itself does so after it has answered."""
        deadline = time.monotonic() + _RECEIPT_SECONDS
        while True:
            receipts = checked(self.rpc, self.rpc.batch(("eth_getTransactionReceipt", [hash_]) for hash_ in hashes))
            if None not in receipts or time.monotonic() > deadline:
                return receipts
            time.sleep(0.005)

    def _reason(self, body: Json) -> str:
        try:
            self.rpc.call("eth_call", {key: value for key, value in body.items() if key != "nonce"}, "latest")
        except RpcError as error:
            said = explain_revert(error.failure.data).sentence if error.failure.data else error.failure.message
            return said.partition("; ")[0]  # the remedies are a trader's
        return "reverted, or was not mined"


def creation_address(sender: Address, nonce: int) -> Address:
    """Where the contract that `sender` creates with its transaction `nonce` will be (RLP of the two, hashed)."""
    digits = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    encoded_nonce = digits if 0 < nonce < 0x80 else bytes([0x80 + len(digits)]) + digits
    payload = b"\x94" + bytes.fromhex(sender[2:]) + encoded_nonce
    return address_of(int.from_bytes(keccak(bytes([0xC0 + len(payload)]) + payload), "big"))


def deploy(rpc: RpcClient, sender: Address, init_code: bytes) -> Address:
    """Create a contract by an ordinary transaction of an impersonated `sender`, and mine it. Raises `Terminal`."""
    rpc.call("anvil_impersonateAccount", sender)
    transactions = Transactions.of(rpc, sender)
    address = transactions.create("deployment", init_code)
    transactions.mine()
    return address


def deploy_at(rpc: RpcClient, sender: Address, placements: Sequence[Placement]) -> None:
    """Construct each contract at its address, with `sender` as the constructor's caller.

    The creation code is put there as if it were the contract, and run once as a call, which tells the runtime code with
    its immutables, and once as a transaction, which keeps what the constructor stored. So `address(this)` and
    `msg.sender` are right throughout, also in contracts that the constructor creates. The contracts must not need each
    other during construction. Raises `Terminal` when a constructor reverts.
    """
    rpc.call("anvil_impersonateAccount", sender)
    _all(rpc, (("anvil_setCode", [p.address, "0x" + p.init_code.hex()]) for p in placements))
    _all(rpc, (("anvil_setNonce", [p.address, "0x1"]) for p in placements))  # as creation does (EIP-161)
    call = ({"from": sender, "to": p.address, "gas": hex(TRANSACTION_GAS)} for p in placements)
    runtimes = rpc.batch(("eth_call", [body, "latest"]) for body in call)
    for placement, runtime in zip(placements, runtimes, strict=True):
        if isinstance(runtime, RpcFailure) or runtime == "0x":
            raise Terminal("anvil", f"{placement.name} did not construct: {runtime}; run ./scripts/demo to repair it")
    transactions = Transactions.of(rpc, sender)
    for placement in placements:
        transactions.add(placement.name, placement.address, b"")
    transactions.mine()
    _all(rpc, (("anvil_setCode", [p.address, r]) for p, r in zip(placements, runtimes, strict=True)))


def checked(rpc: RpcClient, answers: Iterable[Json]) -> list[Json]:
    """The answers of a batch, none of which may be a failure. Raises `RpcError` for the first that is."""
    checked_answers = list(answers)
    for answer in checked_answers:
        if isinstance(answer, RpcFailure):
            raise RpcError(rpc.venue, answer)
    return checked_answers


def _all(rpc: RpcClient, calls: Iterable[tuple[str, Sequence[Json]]]) -> None:
    checked(rpc, rpc.batch(calls))
