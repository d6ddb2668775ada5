"""Followed pools on disk: whole or not at all, equal or refused."""

import json
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.storage.pool_snapshots import MAX_TEXT_BYTES, POOL_TYPES, PoolSnapshotFile, followed_from, followed_to
from oms.domain.venue import Family, PoolKey
from oms.errors import OmsError, StateConflict
from oms.liquidity.followed import FollowedPools, Waiting
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.units import Address
from tests.ports.fake_chain import FakeChain
from tests.unit.liquidity.test_cryptoswap import FIRST, NG

SUBJECT = "a" * 64


def everything() -> FollowedPools:
    """Pools of every family, one that waits, and one that was never followed."""
    chain = FakeChain(random.Random(1))
    chain.grow(20)
    snapshot = chain.snapshot(chain.tip.header)
    tricryptos = [
        ListedPool(PoolKey(Family.CURVE_CRYPTOSWAP, "curve", p.pool_id, Address(p.pool_id), p.tokens), p)
        for p in (FIRST, replace(NG, rules=replace(NG.rules, adjustment_step=None)))
    ]
    lost = Waiting(PoolKey(Family.SOLIDLY, "x", "lost", Address("0x1"), (Address("0x2"),)), "it is paused", 7, 2)
    skipped = (SkippedPool("v4", "0xhooked", "has hooks"),)
    return FollowedPools.at(chain.tip.header, [*snapshot.pools, *tricryptos, lost], skipped=skipped)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "pools-1.snapshot"


@pytest.fixture
def saved(path: Path) -> FollowedPools:
    followed = everything()
    PoolSnapshotFile(path).save(SUBJECT, followed)
    return followed


def test_what_was_saved_comes_back_equal_for_every_family(path: Path, saved: FollowedPools) -> None:
    loaded = PoolSnapshotFile(path).load(SUBJECT)
    assert loaded == saved
    assert loaded is not None
    assert {entry.key.family for entry in loaded.entries.values()} == set(POOL_TYPES) == set(Family)
    for pool_id, entry in saved.entries.items():  # what equality leaves out
        other = loaded.entries[pool_id]
        if isinstance(entry, ListedPool) and hasattr(entry.pool, "tick_map"):
            assert isinstance(other, ListedPool)
            assert entry.pool.tick_map.grosses == other.pool.tick_map.grosses  # type: ignore[attr-defined]


def test_a_second_save_replaces_the_first_and_leaves_nothing_else_behind(path: Path, saved: FollowedPools) -> None:
    later = FollowedPools.at(replace(saved.header, parent_hash="0x" + "12" * 32), saved.entries.values())
    PoolSnapshotFile(path).save(SUBJECT, later)
    assert PoolSnapshotFile(path).load(SUBJECT) == later
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o077 == 0


def test_no_file_and_a_file_of_other_pools_are_nothing(path: Path) -> None:
    assert PoolSnapshotFile(path).load(SUBJECT) is None
    PoolSnapshotFile(path).save("b" * 64, everything())
    assert PoolSnapshotFile(path).load(SUBJECT) is None


IN_THE_SUBJECT = 12


@pytest.mark.parametrize("offset", [0, 5, 10, IN_THE_SUBJECT, 80, 200, 700, -1])
def test_a_flipped_bit_anywhere_is_found(path: Path, saved: FollowedPools, offset: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(raw)
    if offset == IN_THE_SUBJECT:
        assert PoolSnapshotFile(path).load(SUBJECT) is None
        return
    with pytest.raises(StateConflict, match="delete it") as conflict:
        PoolSnapshotFile(path).load(SUBJECT)
    assert str(path) in str(conflict.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:0],
        lambda raw: b"\xff" * len(raw),
        lambda raw: raw + b"x",
        lambda raw: raw.replace(b"oms-pools 1 ", b"oms-pools 2 ", 1),
        lambda raw: b"PK" + raw,
    ],
)
def test_a_damaged_file_says_what_to_do(path: Path, saved: FollowedPools, damage: Callable[[bytes], bytes]) -> None:
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StateConflict, match="delete it, the pools are then read from the chain"):
        PoolSnapshotFile(path).load(SUBJECT)


def forged(path: Path, body: bytes) -> None:
    """A file whose checksum is right, whatever it holds."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(f"oms-pools 1 {SUBJECT} {sha256(body).hexdigest()}\n".encode() + body)


@pytest.mark.parametrize(
    "text",
    ["", "5", "[]", "{}", '{"header":5}', "[" * 100_000, '{"header":' + "1" * 5_000 + "}", "nan", "\ud800"],
)
def test_a_right_checksum_over_nonsense_is_refused(path: Path, text: str) -> None:
    forged(path, zlib.compress(text.encode("utf-8", "surrogatepass")))
    with pytest.raises(StateConflict, match="delete it"):
        PoolSnapshotFile(path).load(SUBJECT)


def test_what_is_not_compressed_or_pretends_to_be_endless_is_refused(path: Path) -> None:
    for body in (b"plain", zlib.compress(b"{}")[:-2], zlib.compress(bytes(MAX_TEXT_BYTES + 1), 1)):
        forged(path, body)
        with pytest.raises(StateConflict, match="delete it"):
            PoolSnapshotFile(path).load(SUBJECT)


def spoil(value: Any, rng: random.Random) -> Any:
    """The value with one thing in it put wrong."""
    if isinstance(value, dict):
        key = rng.choice(list(value))
        return {**value, key: spoil(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.95:
        at = rng.randrange(len(value))
        return [*value[:at], spoil(value[at], rng), *value[at + 1 :]]
    if isinstance(value, list):
        return rng.choice([value[:-1] if value else [1], [*value, 1], {}, None])
    if isinstance(value, bool):
        return rng.choice([int(value), "true", None])
    if isinstance(value, int):
        return rng.choice([-value - 1, float(value), str(value), None, [value], 2**260, True])
    return rng.choice([5, None, [], "nonsense"])


def test_a_value_of_a_wrong_type_is_refused_and_no_other_error_leaves() -> None:
    plain = json.loads(json.dumps(followed_to(everything())))
    rng, refused = random.Random(1), 0
    for _ in range(1_500):
        try:
            followed_from(spoil(plain, rng))
        except (ValueError, TypeError, KeyError, OverflowError, OmsError):
            refused += 1
    assert refused > 1_000  # the rest are other numbers that a pool may hold, as only the checksum can tell


def test_a_pool_under_another_pools_key_or_twice_is_refused() -> None:
    plain = json.loads(json.dumps(followed_to(everything())))
    swapped = {**plain, "listed": [[plain["listed"][0][0], plain["listed"][7][1]]]}
    with pytest.raises(ValueError, match="is another one"):
        followed_from(swapped)
    twice = {**plain, "listed": [plain["listed"][0]] * 2}
    with pytest.raises(ValueError, match="there twice"):
        followed_from(twice)


def test_a_folder_that_cannot_be_written_is_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateConflict, match="free the disk"):
        PoolSnapshotFile(tmp_path / "file" / "pools").save(SUBJECT, everything())
    with pytest.raises(StateConflict, match="cannot be read"):
        PoolSnapshotFile(tmp_path).load(SUBJECT)
