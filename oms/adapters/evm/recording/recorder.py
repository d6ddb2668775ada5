"""Recording the state that a command touches: a node in front of a node, pinned to one block.

Owns: which state passed through, and the calls that must be taken apart first to learn what they read.
Must not: let anything be read that is not recorded, write to the chain, or put the upstream's URL (it may hold a key)
into the file.
The answers are those that the saved file will give (`answers`), so a command that runs against the recorder, or
against an Anvil forked from it, runs the same against the file. State is as the node answered it, not proved.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from oms.adapters.evm.chain import octets, quantity
from oms.adapters.evm.recording.answers import (
    STATE_METHODS,
    InvalidParams,
    NotRecorded,
    address_param,
    answer,
    check_block,
    slot_param,
)
from oms.adapters.evm.recording.endpoint import INTERNAL_ERROR, METHOD_NOT_FOUND, Call, Fault, JsonRpcEndpoint
from oms.adapters.evm.recording.format import (
    RecordedAccount,
    Recording,
    check_destination,
    parse_header,
    save_recording,
)
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import InvalidRequest, StateConflict, Terminal, VenueError
from oms.units import ZERO_ADDRESS

_EXECUTED = frozenset({"eth_call", "eth_estimateGas"})
_ACCOUNT_PARTS = ("eth_getBalance", "eth_getTransactionCount", "eth_getCode")

_Touched = tuple[str, int | None]
"""An account, or one of its slots; the address in lower case."""


class StateRecorder:
    """Forwards reads of one block and remembers every account and slot read. Thread-safe; close it after use."""

    client_version = "recorded-mainnet/1"
    has_own_header = True

    def __init__(self, rpc: RpcClient, *, chain_id: int, header: Mapping[str, str]) -> None:
        """Use `connect`, unless the header is at hand; the recorder owns `rpc` from here on."""
        self.chain_id = chain_id
        self.header = header
        self.block = int(header["number"], 16)
        self._rpc = rpc
        self._lock = Lock()
        self._accounts: dict[str, RecordedAccount] = {}
        self._slots: dict[str, dict[int, int]] = {}

    @classmethod
    def connect(cls, rpc_url: str, *, block: int) -> Self:
        """A recorder of the state after `block` on the node at `rpc_url`.

        Raises:
            InvalidRequest: the node does not know the block.
            VenueError: the node cannot be reached, or answers nonsense.
        """
        rpc = RpcClient(rpc_url)
        try:
            chain_id, header = rpc.call("eth_chainId"), _header(rpc, block)
            return cls(rpc, chain_id=quantity(chain_id, venue=rpc.venue, what="eth_chainId"), header=header)
        except BaseException:
            rpc.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the upstream's connections."""
        self._rpc.close()

    def serve(self, *, port: int = 0) -> JsonRpcEndpoint:
        """Answer as a node on loopback; the caller closes it. Raises `InvalidRequest` when the port is taken."""
        return JsonRpcEndpoint(self.respond, port=port)

    def respond(self, calls: Sequence[Call]) -> list[Any]:
        """Results or faults of a batch; all state that it reads and that is not held yet is fetched in one batch."""
        try:
            failures = self._learn(touched for call in calls for touched in self._reads(call))
            return [self._answer(method, params, failures) for method, params in calls]
        except VenueError as error:
            return [Fault(INTERNAL_ERROR, str(error))] * len(calls)

    @property
    def touched(self) -> bool:
        """Whether any state was read yet."""
        return bool(self._accounts)

    def account(self, address: str) -> RecordedAccount:
        """The recorded account. Raises `NotRecorded`."""
        if (held := self._accounts.get(address)) is None:
            raise NotRecorded(f"account {address}")
        return held

    def slot(self, address: str, slot: int) -> int:
        """The recorded word. Raises `NotRecorded`."""
        if (value := self._slots.get(address, {}).get(slot)) is None:
            raise NotRecorded(f"storage {address}[0x{slot:064x}]")
        return value

    def recording(self) -> Recording:
        """All that was read so far."""
        with self._lock:
            held = {address: self._with_storage(address) for address in self._accounts}
            zeros = {a: frozenset(s for s, value in slots.items() if not value) for a, slots in self._slots.items()}
        absent = frozenset(address for address, account in held.items() if account.empty)
        return Recording(
            chain_id=self.chain_id,
            block=self.block,
            timestamp=int(self.header["timestamp"], 16),
            accounts={address: account for address, account in held.items() if address not in absent},
            absent=absent,
            zero_slots={address: slots for address, slots in zeros.items() if slots and address not in absent},
            state_root=self.header.get("stateRoot", ""),
            note=f"as a node answered it at block {self.block}, zeros included; not proved against the state root",
            header=self.header,
        )

    def save(self, path: Path) -> Recording:
        """Write what was recorded (`save_recording`), having checked that the block is still the same one.

        Raises:
            InvalidRequest: nothing was read, or the file cannot be written.
            StateConflict: the chain replaced the block meanwhile, so that the state may be of two blocks.
            VenueError: the node failed.
        """
        if not self.touched:
            raise InvalidRequest("recording", "the command read no state; make it use the recorder's URL")
        # A fork credits fees to one of these, and could mine nothing without it; a node that lacks them is let off.
        self._learn((miner, None) for miner in (ZERO_ADDRESS, self.header.get("miner", ZERO_ADDRESS).lower()))
        recording = self.recording()
        if _header(self._rpc, self.block)["hash"] != self.header["hash"]:
            raise StateConflict("block", f"{self.block} was replaced while it was recorded; record an older block")
        save_recording(recording, path)
        return recording

    def _with_storage(self, address: str) -> RecordedAccount:
        account = self._accounts[address]
        storage = {slot: value for slot, value in self._slots.get(address, {}).items() if value}
        return RecordedAccount(account.balance_wei, account.nonce, account.code, storage)

    def _reads(self, call: Call) -> list[_Touched]:
        """The state that a call asks for by name; nothing for a call that `answer` will refuse."""
        method, params = call
        if method not in STATE_METHODS:
            return []
        try:
            check_block(self, method, params)
            return [(address_param(params), slot_param(params) if method == "eth_getStorageAt" else None)]
        except (NotRecorded, InvalidParams):
            return []

    def _answer(self, method: str, params: list[Any], failures: Mapping[_Touched, Fault]) -> Any:
        if method in _EXECUTED:
            return self._execute(method, params)
        for touched in self._reads((method, params)):
            if (fault := failures.get(touched) or failures.get((touched[0], None))) is not None:
                return fault
        return answer(self, method, params)

    def _learn(self, touched: Iterable[_Touched]) -> dict[_Touched, Fault]:
        """Fetch and keep the state that is not held; what the node refused is returned. Raises `VenueError`."""
        wanted = dict.fromkeys(part for t in touched for part in ((t[0], None), t))
        with self._lock:
            missing = [(a, slot) for a, slot in wanted if not self._holds(a, slot)]
        calls = [call for address, slot in missing for call in self._questions(address, slot)]
        answers = iter(self._rpc.batch(calls))
        failures: dict[_Touched, Fault] = {}
        for address, slot in missing:
            parts = [next(answers) for _ in self._questions(address, slot)]
            if failed := next((part for part in parts if isinstance(part, RpcFailure)), None):
                failures[address, slot] = _fault(failed)
            else:
                self._keep(address, slot, parts)
        return failures

    def _holds(self, address: str, slot: int | None) -> bool:
        return address in self._accounts if slot is None else slot in self._slots.get(address, {})

    def _questions(self, address: str, slot: int | None) -> list[Call]:
        at = hex(self.block)
        if slot is None:
            return [(method, [address, at]) for method in _ACCOUNT_PARTS]
        return [("eth_getStorageAt", [address, f"0x{slot:064x}", at])]

    def _keep(self, address: str, slot: int | None, parts: list[Any]) -> None:
        venue = self._rpc.venue
        numbers = [quantity(part, venue=venue, what=address) for part in (parts if slot is not None else parts[:2])]
        code = "0x" + octets(parts[2], venue=venue, what=f"code of {address}").hex() if slot is None else ""
        with self._lock:
            if slot is None:
                self._accounts[address] = RecordedAccount(numbers[0], numbers[1], code)
            else:
                self._slots.setdefault(address, {})[slot] = numbers[0]

    def _execute(self, method: str, params: list[Any]) -> Any:
        """Forward a call once all that it reads is recorded."""
        try:
            check_block(self, method, params)
        except (NotRecorded, InvalidParams):
            return answer(self, method, params)
        if not params or not isinstance(params[0], dict) or any(params[2:]):
            return Fault(
                METHOD_NOT_FOUND, f"{method} with overrides is not recorded; send it to an Anvil fork of this URL"
            )
        touched = self._touched_by(params[0])
        if touched is None:
            reason = "the node has neither eth_createAccessList nor debug_traceCall, so what it reads is unknown"
            return Fault(METHOD_NOT_FOUND, f"{method}: {reason}; send it to an Anvil fork of this URL")
        if failures := self._learn(touched):
            return next(iter(failures.values()))
        outcome = self._rpc.batch([(method, [params[0], hex(self.block)])])[0]
        return _fault(outcome) if isinstance(outcome, RpcFailure) else outcome

    def _touched_by(self, transaction: Mapping[str, Any]) -> list[_Touched] | None:
        """What the node says that a call reads, or None when it cannot say."""
        ends = [str(transaction.get(end) or ZERO_ADDRESS) for end in ("from", "to")]
        touched: list[_Touched] = [(end.lower(), None) for end in ends]  # access lists leave these out
        at = hex(self.block)
        listed = self._rpc.batch([("eth_createAccessList", [dict(transaction), at])])[0]
        if not isinstance(listed, RpcFailure):
            return [*touched, *_in_access_list(listed, self._rpc.venue)]
        traced = self._rpc.batch([("debug_traceCall", [dict(transaction), at, {"tracer": "prestateTracer"}])])[0]
        if not isinstance(traced, RpcFailure):
            return [*touched, *_in_prestate(traced, self._rpc.venue)]
        return None


def record_state(rpc_url: str, block: int, out: Path, run: Callable[[str], object]) -> Recording:
    """Run `run(url)` against a recorder of `rpc_url` at `block`, and write all the state that it read to `out`.

    `run` may read from the URL, or fork it with Anvil at `block` and do there what it likes. What it read is written
    even when it raises, since a command that fails is the one worth carrying into a report; then its error goes on.

    Raises:
        InvalidRequest: `out` cannot be written, the node does not know `block`, or nothing was read.
        StateConflict: the block was replaced meanwhile.
        VenueError: the node failed.
    """
    check_destination(out)
    with StateRecorder.connect(rpc_url, block=block) as recorder:
        try:
            with recorder.serve() as node:
                run(node.url)
        except Exception:
            if recorder.touched:
                recorder.save(out)
            raise
        return recorder.save(out)


def _header(rpc: RpcClient, block: int) -> dict[str, str]:
    answered = rpc.call("eth_getBlockByNumber", hex(block), False)  # noqa: FBT003 (the API is positional)
    if answered is None:
        raise InvalidRequest("block", f"{rpc.venue} does not know block {block}; name an earlier one")
    try:
        return parse_header(answered, block=block, origin="block header")
    except InvalidRequest as error:
        raise Terminal(rpc.venue, f"{error.reason}; use another node") from error


def _in_access_list(listed: Any, venue: str) -> Iterator[_Touched]:
    entries = listed.get("accessList") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        raise Terminal(venue, "answered eth_createAccessList without a list; use another node")
    for entry in entries:
        address = _address(entry.get("address"), venue)
        yield address, None
        for slot in entry.get("storageKeys") or []:
            yield address, quantity(slot, venue=venue, what="access list")


def _in_prestate(traced: Any, venue: str) -> Iterator[_Touched]:
    if not isinstance(traced, dict):
        raise Terminal(venue, "answered debug_traceCall without accounts; use another node")
    for key, account in traced.items():
        address = _address(key, venue)
        yield address, None
        for slot in (account or {}).get("storage") or {}:
            yield address, quantity(slot, venue=venue, what="traced storage")


def _address(value: Any, venue: str) -> str:
    return f"0x{quantity(value, venue=venue, what='traced address'):040x}"


def _fault(failure: RpcFailure) -> Fault:
    return Fault(failure.code, failure.message, "0x" + failure.data.hex() if failure.data else None)
