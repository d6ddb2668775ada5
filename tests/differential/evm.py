"""An in-process Ethereum virtual machine for differential tests: deploy real bytecode, call it, read what it did.

Owns: `Evm` (revm through pyrevm; tens of thousands of calls per second) and `PyEvm` (py-evm, an independent
implementation; a second opinion on small samples), the same methods on both; `Reverted`; reading compiler artifacts.
Must not: know any protocol. Gas is free and plentiful; a call is its own transaction (transient storage is cleared).
"""

import json
from pathlib import Path
from typing import Any, Protocol

import pyrevm
from eth_abi.abi import decode, encode
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

PROJECT = Path(__file__).resolve().parents[2]
NODE_MODULES = PROJECT / "node_modules"
SENDER = "0x00000000000000000000000000000000000A11cE"

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


class Reverted(Exception):
    """The call reverted or halted. `data` is the revert data; `halt` names an exceptional halt, else it is empty."""

    def __init__(self, data: bytes, *, halt: str = "") -> None:
        self.data = data
        self.halt = halt
        super().__init__(halt or self.reason)

    @property
    def reason(self) -> str:
        """The text of `Error(string)`, `panic 0x..` of `Panic(uint256)`, else the data in hex ("" if bare)."""
        if self.data[:4] == _ERROR_STRING:
            return str(decode(["string"], self.data[4:])[0])
        if self.data[:4] == _PANIC:
            return f"panic {int.from_bytes(self.data[4:36], 'big'):#x}"
        return self.data.hex()


class Machine(Protocol):
    """What both virtual machines offer. Addresses are checksummed hex strings, storage words are integers."""

    def deploy(self, initcode: bytes, sender: str = SENDER, *, value: int = 0) -> str: ...
    def call(
        self, to: str, data: bytes, sender: str = SENDER, *, value: int = 0, commit: bool = True, gas: int = ...
    ) -> bytes: ...
    def set_code(self, address: str, code: bytes) -> None: ...
    def get_code(self, address: str) -> bytes: ...
    def set_storage(self, address: str, slot: int, value: int) -> None: ...
    def get_storage(self, address: str, slot: int) -> int: ...
    def set_balance(self, address: str, wei: int) -> None: ...
    def get_balance(self, address: str) -> int: ...
    def set_block(self, *, number: int | None = None, timestamp: int | None = None) -> None: ...
    def snapshot(self) -> object: ...
    def revert(self, snapshot: Any) -> None: ...
    def release(self, snapshot: Any) -> None: ...


class Evm:
    """revm. Each `call` is a transaction of zero gas price; state is kept between calls unless `commit=False`.

    The journal grows with every call (about 100 bytes each): build a fresh one per some 100,000 calls.
    """

    def __init__(self, *, spec_id: str = "CANCUN", number: int = 20_000_000, timestamp: int = 1_750_000_000) -> None:
        cfg = pyrevm.CfgEnv(chain_id=1, limit_contract_code_size=2**20)
        self._number = number
        self._timestamp = timestamp
        self._evm = pyrevm.EVM(pyrevm.Env(cfg=cfg), gas_limit=2**40, spec_id=spec_id)
        self._balance_undo: list[tuple[str, int]] = []
        self._set_block_env()

    def deploy(self, initcode: bytes, sender: str = SENDER, *, value: int = 0) -> str:
        """Run `initcode` (constructor arguments appended) and return the address of the contract. Raises `Reverted`."""
        try:
            address = self._evm.deploy(sender, initcode, value)
        except RuntimeError as error:
            raise _reverted(error) from None
        self._evm.reset_transient_storage()
        return to_checksum_address(address)

    def call(
        self,
        to: str,
        data: bytes,
        sender: str = SENDER,
        *,
        value: int = 0,
        commit: bool = True,
        gas: int = 2**36,
    ) -> bytes:
        """Call `to` and return what it returned; with `commit=False` nothing is kept. Raises `Reverted`."""
        checkpoint = None if commit else self._evm.snapshot()
        try:
            output = self._evm.message_call(sender, to, data, value or None, gas)
        except RuntimeError as error:
            raise _reverted(error) from None
        finally:
            if checkpoint is not None:
                self._evm.revert(checkpoint)
            self._evm.reset_transient_storage()
        return bytes(output)

    @property
    def gas_used(self) -> int:
        """Gas of the last call including the 21,000 of its transaction, and calldata."""
        result = self._evm.result
        return result.gas_used if result is not None else 0

    @property
    def logs(self) -> list[tuple[str, list[str], str]]:
        """Emitter, topics and data of the last call's events, in order, as hex text in lower case."""
        result = self._evm.result
        found = result.logs if result is not None else []
        return [(log.address.lower(), [_hex(topic) for topic in log.topics], _hex(log.data[1])) for log in found]

    def set_code(self, address: str, code: bytes) -> None:
        """Put runtime code at `address`; its storage and balance stay."""
        balance = self._evm.get_balance(address)
        self._evm.insert_account_info(address, pyrevm.AccountInfo(code=code, nonce=1))
        self._evm.set_balance(address, balance)

    def get_code(self, address: str) -> bytes:
        """Runtime code; empty for a plain account."""
        return bytes(self._evm.get_code(address) or b"").rstrip(b"\0")

    def set_storage(self, address: str, slot: int, value: int) -> None:
        """Write one 32-byte word. Survives `revert` to an earlier snapshot only if the account was untouched then."""
        self._evm.insert_account_storage(address, slot, value)

    def get_storage(self, address: str, slot: int) -> int:
        """Read one 32-byte word."""
        return int(self._evm.storage(address, slot))

    def set_balance(self, address: str, wei: int) -> None:
        """Give `address` exactly `wei` of the native coin."""
        self._balance_undo.append((address, self._evm.get_balance(address)))
        self._evm.set_balance(address, wei)

    def get_balance(self, address: str) -> int:
        """Native coin of `address`, in wei."""
        return int(self._evm.get_balance(address))

    def set_block(self, *, number: int | None = None, timestamp: int | None = None) -> None:
        """Set the block number and time that the next calls see."""
        self._number = self._number if number is None else number
        self._timestamp = self._timestamp if timestamp is None else timestamp
        self._set_block_env()

    def snapshot(self) -> object:
        """Remember the state. Snapshots nest: end each by `revert` or `release`, else calls run out of depth."""
        return self._evm.snapshot(), len(self._balance_undo)

    def revert(self, snapshot: Any) -> None:
        """Go back to a snapshot, the newest first. What `set_storage` wrote since then is not undone."""
        checkpoint, undo_length = snapshot
        self._evm.revert(checkpoint)
        while len(self._balance_undo) > undo_length:
            self._evm.set_balance(*self._balance_undo.pop())

    def release(self, snapshot: Any) -> None:
        """Forget the newest snapshot and keep what happened since."""
        self._evm.commit()

    def _set_block_env(self) -> None:
        self._evm.set_block_env(
            pyrevm.BlockEnv(number=self._number, timestamp=self._timestamp, basefee=0, gas_limit=2**62)
        )


def _hex(value: Any) -> str:
    return value.lower() if isinstance(value, str) else "0x" + bytes(value).hex()


def _reverted(error: RuntimeError) -> Reverted:
    text = str(error)
    if not text.startswith("Revert"):
        return Reverted(b"", halt=text)
    output = text.partition("output: ")[2].rstrip(" }")
    return Reverted(bytes.fromhex(output.removeprefix("0x")))


class PyEvm:
    """py-evm, by the same methods; some hundred times slower than `Evm`."""

    def __init__(self, *, number: int = 20_000_000, timestamp: int = 1_750_000_000) -> None:
        # Imported here: it takes most of a second, and few tests ask for a second opinion.
        from eth.db.atomic import AtomicDB
        from eth.vm.execution_context import ExecutionContext
        from eth.vm.forks.cancun.state import CancunState

        self._number = number
        self._timestamp = timestamp
        self._context: Any = ExecutionContext
        root: Any = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
        self._state: Any = CancunState(AtomicDB(), self._execution_context(), root)

    def deploy(self, initcode: bytes, sender: str = SENDER, *, value: int = 0) -> str:
        """Run `initcode` and return the address of the contract. Raises `Reverted`."""
        from rlp import encode as rlp_encode  # type: ignore[import-untyped]

        account = to_canonical_address(sender)
        nonce = self._state.get_nonce(account)
        self._state.increment_nonce(account)
        address = keccak(rlp_encode([account, nonce]))[12:]
        self._apply(b"", sender, b"", value, gas=2**36, create=(address, initcode))
        return to_checksum_address(address)

    def call(
        self,
        to: str,
        data: bytes,
        sender: str = SENDER,
        *,
        value: int = 0,
        commit: bool = True,
        gas: int = 2**36,
    ) -> bytes:
        """Call `to` and return what it returned; with `commit=False` nothing is kept. Raises `Reverted`."""
        checkpoint = None if commit else self._state.snapshot()
        try:
            return self._apply(bytes.fromhex(to[2:]), sender, data, value, gas=gas)
        finally:
            if checkpoint is not None:
                self._state.revert(checkpoint)

    def set_code(self, address: str, code: bytes) -> None:
        """Put runtime code at `address`."""
        self._state.set_code(bytes.fromhex(address[2:]), code)

    def get_code(self, address: str) -> bytes:
        """Runtime code; empty for a plain account."""
        return bytes(self._state.get_code(bytes.fromhex(address[2:])))

    def set_storage(self, address: str, slot: int, value: int) -> None:
        """Write one 32-byte word."""
        self._state.set_storage(bytes.fromhex(address[2:]), slot, value)

    def get_storage(self, address: str, slot: int) -> int:
        """Read one 32-byte word."""
        return int(self._state.get_storage(bytes.fromhex(address[2:]), slot))

    def set_balance(self, address: str, wei: int) -> None:
        """Give `address` exactly `wei` of the native coin."""
        self._state.set_balance(bytes.fromhex(address[2:]), wei)

    def get_balance(self, address: str) -> int:
        """Native coin of `address`, in wei."""
        return int(self._state.get_balance(bytes.fromhex(address[2:])))

    def set_block(self, *, number: int | None = None, timestamp: int | None = None) -> None:
        """Set the block number and time that the next calls see."""
        self._number = self._number if number is None else number
        self._timestamp = self._timestamp if timestamp is None else timestamp
        self._state.execution_context = self._execution_context()

    def snapshot(self) -> object:
        """Remember the state; snapshots nest."""
        return self._state.snapshot()

    def revert(self, snapshot: Any) -> None:
        """Go back to a snapshot, the newest first."""
        self._state.revert(snapshot)

    def release(self, snapshot: Any) -> None:
        """Forget a snapshot and keep what happened since."""
        self._state.commit(snapshot)

    def _execution_context(self) -> Any:
        return self._context(
            coinbase=bytes(20),
            timestamp=self._timestamp,
            block_number=self._number,
            difficulty=0,
            mix_hash=bytes(32),
            gas_limit=2**62,
            prev_hashes=[],
            chain_id=1,
            base_fee_per_gas=0,
            excess_blob_gas=0,
        )

    def _apply(
        self,
        to: bytes,
        sender: str,
        data: bytes,
        value: int,
        *,
        gas: int,
        create: tuple[bytes, bytes] | None = None,
    ) -> bytes:
        from eth.vm.message import Message

        message: Any
        origin: Any = bytes.fromhex(sender[2:])
        context = self._state.get_transaction_context_class()(gas_price=0, origin=origin)
        if create is None:
            target: Any = to
            message = Message(gas=gas, to=target, sender=origin, value=value, data=data, code=self._state.get_code(to))
            computation = self._state.computation_class.apply_message(self._state, message, context)
        else:
            address: Any = create[0]
            nobody: Any = b""
            message = Message(
                gas=gas, to=nobody, sender=origin, value=value, data=b"", code=create[1], create_address=address
            )
            computation = self._state.computation_class.apply_create_message(self._state, message, context)
        self._state.clear_transient_storage()
        if computation.is_error:
            is_revert = type(computation.error).__name__ == "Revert"
            raise Reverted(bytes(computation.output), halt="" if is_revert else repr(computation.error))
        return bytes(computation.output)


def selector(signature: str) -> bytes:
    """The four bytes of `name(type,...)`."""
    return keccak(text=signature)[:4]


def calldata(signature: str, *arguments: Any) -> bytes:
    """Encode a call of `name(type,...)`, tuples allowed."""
    return selector(signature) + encode(_argument_types(signature), arguments)


def _argument_types(signature: str) -> list[str]:
    inner = signature[signature.index("(") + 1 : -1]
    types, depth, start = [], 0, 0
    for index, character in enumerate(inner):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            types.append(inner[start:index])
            start = index + 1
    return [*types, inner[start:]] if inner else []


def artifact(path: str) -> dict[str, Any]:
    """A compiler artifact below `node_modules`, as JSON."""
    loaded: dict[str, Any] = json.loads((NODE_MODULES / path).read_text())
    return loaded


def initcode(path: str, types: list[str] | None = None, values: list[Any] | None = None) -> bytes:
    """Creation bytecode of an artifact (truffle, hardhat or foundry shape), constructor arguments appended."""
    found = artifact(path)
    code = found.get("bytecode") or found["evm"]["bytecode"]
    text = code if isinstance(code, str) else code["object"]
    return bytes.fromhex(text.removeprefix("0x")) + encode(types or [], values or [])
