"""The recording file: what is read from it, what is refused, and what is written."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.evm.recording import format as recording_format
from oms.adapters.evm.recording.format import (
    RecordedAccount,
    Recording,
    load_recording,
    parse_header,
    parse_recording,
    save_recording,
)
from oms.errors import InvalidRequest

TOKEN = "0x" + "aa" * 20
EMPTY = "0x" + "bb" * 20
HEADER = {
    "number": "0x7",
    "hash": "0x" + "11" * 32,
    "timestamp": "0x64",
    "gasLimit": "0x1c9c380",
    "baseFeePerGas": "0x5",
    "logsBloom": "0x" + "00" * 256,
}


def document(**changes: Any) -> dict[str, Any]:
    entry = {"balance": "0x10", "nonce": "0x1", "code": "0x6000", "storage": {"0x1": "0x2a"}}
    return {
        "chainId": 1,
        "stateOfBlock": 7,
        "nextBlockTimestamp": 112,
        "parentStateRoot": "0x" + "00" * 32,
        "alloc": {TOKEN: entry},
        "provedZero": {TOKEN: ["0x2"], EMPTY: "absent"},
        "noCode": [],
    } | changes


def test_every_part_of_the_format_is_read() -> None:
    recording = parse_recording(document(note="proved"))
    assert recording.chain_id == 1
    assert recording.block == 7
    assert recording.timestamp == 100
    assert recording.accounts == {TOKEN: RecordedAccount(16, 1, "0x6000", {1: 42})}
    assert recording.absent == {EMPTY}
    assert recording.zero_slots == {TOKEN: frozenset({2})}
    assert recording.note == "proved"


def test_addresses_are_read_whatever_their_case() -> None:
    recording = parse_recording(document(alloc={TOKEN.upper().replace("X", "x"): {}}, provedZero={}))
    assert list(recording.accounts) == [TOKEN]


def test_an_account_of_unknown_code_is_not_taken_for_one_without() -> None:
    recording = parse_recording(document(alloc={TOKEN: {"balance": "0x1"}}, noCode=[TOKEN]))
    assert recording.accounts[TOKEN].code is None


def test_the_recorded_header_gives_the_time() -> None:
    recording = parse_recording(document(header=HEADER, nextBlockTimestamp=5000))
    assert recording.timestamp == 0x64
    assert recording.header == HEADER


def test_older_recordings_that_call_the_next_time_timestamp_of_block_are_read() -> None:
    older = document(timestampOfBlock=212)
    del older["nextBlockTimestamp"]
    assert parse_recording(older).timestamp == 200


def without(key: str) -> dict[str, Any]:
    found = document()
    del found[key]
    return found


def with_account(**fields: Any) -> dict[str, Any]:
    return document(alloc={TOKEN: fields})


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        ([], "must be a JSON object"),
        (None, "must be a JSON object"),
        (without("stateOfBlock"), "stateOfBlock must be a whole number"),
        (without("nextBlockTimestamp"), "nextBlockTimestamp is missing"),
        (without("alloc"), "alloc must be a JSON object"),
        (document(stateOfBlock=-1), "stateOfBlock"),
        (document(stateOfBlock=True), "stateOfBlock"),
        (document(stateOfBlock=1e300), "stateOfBlock"),
        (document(stateOfBlock=2**63), "stateOfBlock"),
        (document(chainId="one"), "chainId"),
        (document(alloc={"0x12": {}}), "expected an address"),
        (document(alloc={TOKEN: []}), "must be a JSON object"),
        (document(alloc={TOKEN: {}, TOKEN.replace("aa", "AA", 1): {}}), "twice"),
        (document(provedZero={TOKEN: "gone"}), "must be a list"),
        (document(provedZero={TOKEN: [7]}), "expected a hex number"),
        (document(provedZero={TOKEN: "absent"}), "both in alloc and absent"),
        (document(noCode={"a": 1}), "noCode must be a list"),
        (with_account(code="0x123"), "expected hex bytes"),
        (with_account(code="6000"), "expected hex bytes"),
        (with_account(code="0x" + "00" * (recording_format.MAX_CODE_BYTES + 1)), "larger than"),
        (with_account(balance="16"), "balance"),
        (with_account(balance="0x" + "f" * 65), "balance"),
        (with_account(balance="0x_1"), "balance"),
        (with_account(nonce="0x1" + "0" * 16), "does not fit 64 bits"),
        (with_account(storage={"0x1": 5}), "value in"),
        (with_account(storage={"0xzz": "0x1"}), "slot in"),
        (with_account(storage={"0x1": "0x1", "0x01": "0x2"}), "one slot is given twice"),
        (document(header={}), "number in header"),
        (document(header=HEADER | {"number": "0x8"}), "not of stateOfBlock"),
        (document(header=HEADER | {"hash": "<script>"}), "hash in header"),
    ],
)
def test_a_document_that_is_not_of_the_format_is_refused_in_one_line(hostile: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        parse_recording(hostile, origin="file.json")
    assert refused.value.field == "recording"
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250


PATHS = [("chainId",), ("stateOfBlock",), ("nextBlockTimestamp",), ("alloc",), ("alloc", TOKEN), ("provedZero",),
         ("alloc", TOKEN, "code"), ("alloc", TOKEN, "storage"), ("alloc", TOKEN, "nonce"), ("noCode",), ("header",),
         ("provedZero", TOKEN), ("note",), ("parentStateRoot",)]  # fmt: skip
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0x", "0x1", TOKEN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just(TOKEN), inner, max_size=3),
    max_leaves=6,
)


@given(path=st.sampled_from(PATHS), value=JSON_VALUES)
def test_any_value_in_any_place_is_either_read_or_refused_by_name(path: tuple[str, ...], value: Any) -> None:
    hostile = copy.deepcopy(document())
    place = hostile
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        recording = parse_recording(hostile)
    except InvalidRequest:
        return
    assert 0 <= recording.block < 2**63
    assert all(len(address) == 42 for address in recording.accounts)


def test_a_truncated_gzip_is_refused_as_damaged(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(document()).encode())
    for length in (3, 12, len(packed) // 2, len(packed) - 1):
        path = tmp_path / "cut.json.gz"
        path.write_bytes(packed[:length])
        with pytest.raises(InvalidRequest, match="damaged gzip"):
            load_recording(path)


def test_a_corrupted_gzip_is_refused_as_damaged(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(json.dumps(document()).encode()))
    packed[20] ^= 0xFF
    (tmp_path / "bad.json.gz").write_bytes(packed)
    with pytest.raises(InvalidRequest, match=r"damaged gzip|not JSON"):
        load_recording(tmp_path / "bad.json.gz")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 200_000, b'{"a": 1' + b"0" * 5000 + b"}"])
def test_what_is_not_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(InvalidRequest, match="is not JSON"):
        load_recording(tmp_path / "bad.json")


def test_a_small_gzip_that_unpacks_to_a_huge_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(recording_format.MAX_BYTES // 2**20 + 1):
            file.write(b" " * 2**20)
    with pytest.raises(InvalidRequest, match="unpacks to more than"):
        load_recording(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="No such file"):
        load_recording(tmp_path / "none.json")
    with pytest.raises(InvalidRequest, match="correct the path"):
        load_recording(tmp_path)


def test_listed_pools_are_taken_from_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / "alloc_8_merged.json").write_text(json.dumps(document()))
    (tmp_path / "pools_in_8.json").write_text(json.dumps({"v3": {TOKEN: {"tick": "-887272"}}}))
    assert load_recording(tmp_path / "alloc_8_merged.json").pool_ticks == {TOKEN: -887272}
    (tmp_path / "pools_in_8.json").write_text(json.dumps({"v3": {TOKEN: {"tick": "99999999"}}}))
    with pytest.raises(InvalidRequest, match="24-bit"):
        load_recording(tmp_path / "alloc_8_merged.json")


words = st.integers(0, 2**256 - 1)
addresses = st.integers(0, 2**160 - 1).map(lambda value: f"0x{value:040x}")
accounts = st.builds(
    RecordedAccount,
    balance_wei=words,
    nonce=st.integers(0, 2**64 - 1),
    code=st.none() | st.binary(max_size=40).map(lambda code: "0x" + code.hex()),
    storage=st.dictionaries(words, words, max_size=4),
)


@given(
    held=st.dictionaries(addresses, accounts, max_size=4),
    absent=st.frozensets(addresses, max_size=3),
    zeros=st.dictionaries(addresses, st.frozensets(words, min_size=1, max_size=3), max_size=3),
    header=st.none() | st.just(HEADER),
    packed=st.booleans(),
)
def test_what_is_saved_is_read_again_and_always_as_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    held: dict[str, RecordedAccount],
    absent: frozenset[str],
    zeros: dict[str, frozenset[int]],
    header: dict[str, str] | None,
    packed: bool,
) -> None:
    absent -= held.keys()
    zeros = {address: slots for address, slots in zeros.items() if address not in absent}
    recording = Recording(10, 7, 100, held, absent, zeros, "0x00", "made up", header)
    folder = tmp_path_factory.mktemp("recordings")
    path, again = (folder / f"{name}.json{'.gz' if packed else ''}" for name in ("one", "two"))
    save_recording(recording, path)
    assert load_recording(path) == recording
    reordered = Recording(10, 7, 100, dict(reversed(held.items())), absent, zeros, "0x00", "made up", header)
    save_recording(reordered, again)
    assert again.read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in folder.iterdir()) == sorted([path.name, again.name])


def test_a_recording_is_not_written_where_it_cannot_be(tmp_path: Path) -> None:
    recording = parse_recording(document())
    (tmp_path / "folder.json").mkdir()
    for path, words_ in [
        (tmp_path / "file.txt", "must end in"),
        (tmp_path / "none" / "file.json", "no folder"),
        (tmp_path / "folder.json", "is a folder"),
    ]:
        with pytest.raises(InvalidRequest, match=words_):
            save_recording(recording, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.json"]


def test_a_header_keeps_only_what_a_recording_serves() -> None:
    kept = parse_header(HEADER | {"transactions": ["0x1"], "uncles": []}, block=7, origin="node")
    assert kept == HEADER
