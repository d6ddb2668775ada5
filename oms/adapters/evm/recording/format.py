"""The recording file: accounts, code and storage of one block, and what is known to be empty there.

Owns: reading, checking and writing the file. It may come from a stranger; nothing in it is trusted before its check.
Must not: answer questions about state (`known_state`), or call a node.
Format: a geth genesis `alloc` in JSON, optionally gzipped, beside `chainId`, `stateOfBlock`, `nextBlockTimestamp`,
`parentStateRoot`, `provedZero` {address: [slot, ...] or "absent"}, `noCode` [address whose code is unknown], `note`,
and, from our recorder, `header` (the block's own, as the node gave it). Unknown keys are left alone.
"""

import gzip
import json
import os
import re
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from oms.errors import InvalidRequest

MAX_BYTES = 256 * 2**20
"""Of the unpacked file; the largest mainnet block's witness is some 20 MiB."""
MAX_CODE_BYTES = 2**20
"""Far above every chain's own limit (EIP-170: 24,576)."""
BLOCK_SECONDS = 12
"""Between a block and `nextBlockTimestamp`, by the format's convention."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_WORD = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_HEADER_VALUE = re.compile(r"0x[0-9a-fA-F]{0,2048}")
HEADER_KEYS = frozenset(
    (
        "number",
        "hash",
        "parentHash",
        "timestamp",
        "gasLimit",
        "gasUsed",
        "baseFeePerGas",
        "difficulty",
        "totalDifficulty",
        "extraData",
        "miner",
        "mixHash",
        "nonce",
        "logsBloom",
        "receiptsRoot",
        "transactionsRoot",
        "stateRoot",
        "sha3Uncles",
        "withdrawalsRoot",
        "parentBeaconBlockRoot",
        "blobGasUsed",
        "excessBlobGas",
        "requestsHash",
        "size",
    )
)
_REQUIRED_HEADER_KEYS = ("number", "hash", "timestamp", "gasLimit")


@dataclass(frozen=True, slots=True)
class RecordedAccount:
    """One account at the recorded block; `code` is hex text, ready to be served, or None where it was not recorded."""

    balance_wei: int = 0
    nonce: int = 0
    code: str | None = "0x"
    storage: Mapping[int, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether the chain would treat it as not existing (EIP-161), and it holds no storage either."""
        return not (self.balance_wei or self.nonce or self.storage or self.code != "0x")


@dataclass(frozen=True, slots=True)
class Recording:
    """State after block `block`. Addresses are lower-case; `storage` may hold zeros, `zero_slots` holds only zeros."""

    chain_id: int
    block: int
    timestamp: int
    accounts: Mapping[str, RecordedAccount]
    absent: frozenset[str] = frozenset()
    zero_slots: Mapping[str, frozenset[int]] = field(default_factory=dict)
    state_root: str = ""
    note: str = ""
    header: Mapping[str, str] | None = None
    """The block's header where it was recorded, without its lists of transactions."""
    pool_ticks: Mapping[str, int] = field(default_factory=dict)
    """Concentrated pools listed beside the file, and their tick: see `known_zeros`."""


def load_recording(path: Path) -> Recording:
    """Read and check a recording, and the list of pools beside it if there is one.

    `alloc_<block>….json[.gz]` takes its pools from `pools_in_<block>.json` in the same folder.

    Raises:
        InvalidRequest: unreadable, damaged, too large, or not of the format; the message says where.
    """
    recording = parse_recording(_read_json(path), origin=path.name)
    named = re.match(r"alloc_(\d+)", path.name)
    pools = path.with_name(f"pools_in_{named[1]}.json") if named else None
    if pools is None or not pools.is_file():
        return recording
    listed = _pool_ticks(_read_json(pools), origin=pools.name)
    return replace(recording, pool_ticks=listed)


def parse_recording(document: Any, *, origin: str = "document") -> Recording:
    """The recording in a parsed JSON document. Raises `InvalidRequest` that names the first entry at fault."""
    check = _Check(origin)
    top = check.mapping(document, "the file")
    block = check.whole(top, "stateOfBlock")
    accounts = check.keyed(top.get("alloc"), "alloc", check.account)
    unknown_code = {check.address(a, "noCode") for a in check.sequence(top.get("noCode", []), "noCode")}
    for address in unknown_code & accounts.keys():
        known = accounts[address]
        accounts[address] = RecordedAccount(known.balance_wei, known.nonce, None, known.storage)
    zeros = check.keyed(top.get("provedZero", {}), "provedZero", check.zeros)
    absent = frozenset(address for address, slots in zeros.items() if slots is None)
    if both := sorted(absent & accounts.keys()):
        check.fail(f"{both[0]} is both in alloc and absent")
    header = check.header(top["header"], block) if top.get("header") is not None else None
    return Recording(
        chain_id=check.whole(top, "chainId", default=1),
        block=block,
        timestamp=int(header["timestamp"], 16) if header else _timestamp(check, top),
        accounts=accounts,
        absent=absent,
        zero_slots={address: slots for address, slots in zeros.items() if slots is not None},
        state_root=str(top.get("parentStateRoot", "")),
        note=str(top.get("note", "")),
        header=header,
    )


def parse_header(document: Any, *, block: int, origin: str) -> dict[str, str]:
    """What a recording keeps of a block header as a node returned it. Raises `InvalidRequest` for a malformed one."""
    check = _Check(origin)
    return check.header(check.mapping(document, "the header"), block)


def save_recording(recording: Recording, path: Path) -> None:
    """Write `recording`, the same bytes for the same state, gzipped when the name ends in `.gz`.

    The file appears whole or not at all: it is written beside its place, flushed to disk and renamed.

    Raises:
        InvalidRequest: a name that is neither `.json` nor `.json.gz`, or a folder that cannot be written.
    """
    check_destination(path)
    text = json.dumps(_document(recording), sort_keys=True, indent=1).encode()
    data = gzip.compress(text, mtime=0) if path.suffix == ".gz" else text
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise InvalidRequest("recording", f"cannot write {path}: {error.strerror}; choose another place") from error


def check_destination(path: Path) -> None:
    """Raise `InvalidRequest` when a recording could not be written to `path`; for use before the work is done."""
    if not path.name.endswith((".json", ".json.gz")):
        raise InvalidRequest("recording", f"{path.name} must end in .json or .json.gz; rename it")
    if not path.parent.is_dir():
        raise InvalidRequest("recording", f"there is no folder {path.parent}; create it first")
    if path.is_dir():
        raise InvalidRequest("recording", f"{path} is a folder; name a file")


def _document(recording: Recording) -> dict[str, Any]:
    zeros: dict[str, Any] = dict.fromkeys(recording.absent, "absent")
    zeros |= {a: [_word(slot) for slot in sorted(slots)] for a, slots in recording.zero_slots.items() if slots}
    document: dict[str, Any] = {
        "chainId": recording.chain_id,
        "stateOfBlock": recording.block,
        "nextBlockTimestamp": recording.timestamp + BLOCK_SECONDS,
        "parentStateRoot": recording.state_root,
        "alloc": {address: _account(account) for address, account in recording.accounts.items()},
        "provedZero": zeros,
        "noCode": sorted(a for a, account in recording.accounts.items() if account.code is None),
        "note": recording.note,
    }
    return document if recording.header is None else document | {"header": dict(recording.header)}


def _account(account: RecordedAccount) -> dict[str, Any]:
    entry: dict[str, Any] = {"balance": hex(account.balance_wei), "nonce": hex(account.nonce)}
    if account.code not in (None, "0x"):
        entry["code"] = account.code
    if account.storage:
        entry["storage"] = {_word(slot): _word(value) for slot, value in account.storage.items()}
    return entry


def _word(value: int) -> str:
    return f"0x{value:064x}"


def _timestamp(check: "_Check", top: Mapping[str, Any]) -> int:
    """The recorded block's own time; some recordings call the next block's time `timestampOfBlock`."""
    key = "nextBlockTimestamp" if "nextBlockTimestamp" in top else "timestampOfBlock"
    if key not in top:
        check.fail("nextBlockTimestamp is missing; add the time of the block after stateOfBlock")
    return max(check.whole(top, key) - BLOCK_SECONDS, 0)


def _pool_ticks(document: Any, *, origin: str) -> dict[str, int]:
    check = _Check(origin)
    top = check.mapping(document, "the file")
    return check.keyed(top.get("v3", {}), "v3", check.tick)


def _read_json(path: Path) -> Any:
    try:
        raw = _read(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidRequest("recording", f"{path.name} is a damaged gzip file; fetch it again") from error
    except OSError as error:
        raise InvalidRequest("recording", f"cannot read {path}: {error.strerror}; correct the path") from error
    if len(raw) > MAX_BYTES:
        raise InvalidRequest("recording", f"{path.name} unpacks to more than {MAX_BYTES >> 20} MiB; not a recording")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("recording", f"{path.name} is not JSON; is it cut short?") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            return file.read(MAX_BYTES + 1)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return unpacked.read(MAX_BYTES + 1)


class _Check:
    """Typed reading of an untrusted document; every failure names the file and the entry."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def fail(self, reason: str) -> NoReturn:
        raise InvalidRequest("recording", f"{self.origin}: {reason}")

    def mapping(self, value: Any, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.fail(f"{where} must be a JSON object; is this a recording?")
        return value

    def sequence(self, value: Any, where: str) -> Sequence[Any]:
        if not isinstance(value, list):
            self.fail(f"{where} must be a list")
        return value

    def keyed(self, value: Any, where: str, read: Callable[[Any, str], Any]) -> dict[str, Any]:
        """A mapping by address, each entry read by `read(entry, where)`; one address twice is refused."""
        entries: dict[str, Any] = {}
        for key, entry in self.mapping(value, where).items():
            address = self.address(key, where)
            if address in entries:
                self.fail(f"{where} lists {address} twice")
            entries[address] = read(entry, f"{where} of {address}")
        return entries

    def address(self, value: Any, where: str) -> str:
        return self._match(_ADDRESS, value, f"{where}: expected an address of 40 hex digits").lower()

    def word(self, value: Any, where: str) -> int:
        return int(self._match(_WORD, value, f"{where}: expected a hex number of up to 32 bytes"), 16)

    def whole(self, top: Mapping[str, Any], key: str, *, default: int | None = None) -> int:
        value = top.get(key, default)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            self.fail(f"{key} must be a whole number, not {_shown(value)}")
        return value

    def account(self, value: Any, where: str) -> RecordedAccount:
        entry = self.mapping(value, where)
        code = self._match(_DATA, entry.get("code", "0x"), f"code in {where}: expected hex bytes").lower()
        if len(code) > 2 + 2 * MAX_CODE_BYTES:
            self.fail(f"code in {where}: larger than {MAX_CODE_BYTES} bytes")
        balance = self.word(entry.get("balance", "0x0"), f"balance in {where}")
        nonce = self.word(entry.get("nonce", "0x0"), f"nonce in {where}")
        if nonce >= 2**64:
            self.fail(f"nonce in {where}: does not fit 64 bits")
        return RecordedAccount(balance, nonce, code, self._storage(entry.get("storage", {}), where))

    def _storage(self, value: Any, where: str) -> dict[int, int]:
        entries = self.mapping(value, f"storage in {where}")
        slots = {self.word(s, f"slot in {where}"): self.word(v, f"value in {where}") for s, v in entries.items()}
        if len(slots) != len(entries):
            self.fail(f"storage in {where}: one slot is given twice")
        return slots

    def zeros(self, value: Any, where: str) -> frozenset[int] | None:
        """Proved zero slots, or None for an account that does not exist."""
        if value == "absent":
            return None
        return frozenset(self.word(slot, where) for slot in self.sequence(value, where))

    def tick(self, value: Any, where: str) -> int:
        text = str(self.mapping(value, where).get("tick"))
        if not re.fullmatch(r"-?[0-9]{1,7}", text) or not -(2**23) <= int(text) < 2**23:
            self.fail(f"tick in {where}: expected a 24-bit number")
        return int(text)

    def header(self, value: Any, block: int) -> dict[str, str]:
        entry = self.mapping(value, "header")
        kept = {
            k: self._match(_HEADER_VALUE, entry[k], f"{k} in header: expected hex") for k in HEADER_KEYS & entry.keys()
        }
        for key in _REQUIRED_HEADER_KEYS:
            if not _WORD.fullmatch(kept.get(key, "")):
                self.fail(f"{key} in header: missing or not a hex number")
        if int(kept["number"], 16) != block:
            self.fail(f"header is of block {int(kept['number'], 16)}, not of stateOfBlock {block}")
        return kept

    def _match(self, pattern: re.Pattern[str], value: Any, expected: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.fail(f"{expected}, not {_shown(value)}")
        return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 44 else f"{text[:40]}…"
