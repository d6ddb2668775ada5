"""Followed pools in a file: one per chain, replaced whole, and read back exactly or not at all.

Owns: the file's form and the pools' coding by family. Must not: decide what to keep, or repair anything.

The file is a line of ASCII, `oms-pools <version> <subject> <SHA-256 of the rest>`, then JSON compressed by
zlib. Values are coded by their dataclasses' fields, checked against the declared types when read, and pass the pools'
own checks again. The checksum finds damage, not malice: who can write the file can lie in it, so only its owner can
read and write it, and the follower compares pools with the chain as it goes.
"""

import json
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from enum import Enum
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from oms.domain.block import BlockHeader
from oms.domain.venue import Family, PoolKey
from oms.errors import OmsError, StateConflict
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.cryptoswap import CryptoSwapPool
from oms.liquidity.followed import Entry, FollowedPools, Waiting
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stableswap import StableSwapPool
from oms.liquidity.weighted import WeightedPool

VERSION = 1
MAX_FILE_BYTES = 64 * 2**20
MAX_TEXT_BYTES = 128 * 2**20
_MAGIC = "oms-pools"
_LONGEST_HEADING = 200

T = TypeVar("T")
Decoder = Callable[[Any], Any]

POOL_TYPES: dict[Family, type] = {
    Family.UNISWAP_V2: ConstantProductPool,
    Family.UNISWAP_V3: ConcentratedPool,
    Family.UNISWAP_V4: ConcentratedPool,
    Family.CURVE_STABLESWAP: StableSwapPool,
    Family.CURVE_CRYPTOSWAP: CryptoSwapPool,
    Family.BALANCER_WEIGHTED: WeightedPool,
    Family.BALANCER_STABLE: BalancerStablePool,
    Family.SOLIDLY: SolidlyPool,
}


class PoolSnapshotFile:
    """Implements `oms.ports.chain_logs.PoolSnapshots`; one process at a time should write it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, subject: str) -> FollowedPools | None:
        """See `PoolSnapshots.load`; None also where the file is of other pools."""
        try:
            with self._path.open("rb") as file:
                heading = file.readline(_LONGEST_HEADING)
                body = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(f"cannot be read ({error.strerror})") from error
        words = heading.decode("ascii", "replace").split()
        if len(words) != 4 or words[0] != _MAGIC:
            raise self._unusable("is no file of pools")
        if words[1] != str(VERSION):
            raise self._unusable(f"has version {words[1]:.9}, not {VERSION}")
        if words[2] != subject:
            return None
        if len(body) > MAX_FILE_BYTES or sha256(body).hexdigest() != words[3]:
            raise self._unusable("is damaged")
        try:
            return followed_from(json.loads(_inflated(body)))
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError, zlib.error, OmsError) as error:
            raise self._unusable(f"holds what no pool is ({str(error)[:80]})") from error

    def save(self, subject: str, followed: FollowedPools) -> None:
        """See `PoolSnapshots.save`: written beside, flushed to the disk, and put in place by one rename."""
        text = json.dumps(followed_to(followed), separators=(",", ":"))
        body = zlib.compress(text.encode(), level=1)
        heading = f"{_MAGIC} {VERSION} {subject} {sha256(body).hexdigest()}\n"
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(heading.encode("ascii"))
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            _flush_folder(self._path.parent)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise StateConflict("pools", f"not saved to {self._path}: {error.strerror}; free the disk") from error

    def _unusable(self, why: str) -> StateConflict:
        return StateConflict("pools", f"{self._path} {why}; delete it, the pools are then read from the chain")


def followed_to(followed: FollowedPools) -> dict[str, Any]:
    """Plain values of the pools at their block; the blocks before it are not kept."""
    return {
        "header": _plain(followed.header),
        "skipped": [_plain(skipped) for skipped in followed.skipped],
        "waiting": [_plain(entry) for entry in followed.entries.values() if isinstance(entry, Waiting)],
        "listed": [
            [_plain(entry.key), _plain(entry.pool)]
            for entry in followed.entries.values()
            if isinstance(entry, ListedPool)
        ],
    }


def followed_from(values: Any) -> FollowedPools:
    """What `followed_to` gave. Raises `ValueError`, `TypeError`, `KeyError` or `OmsError` for anything else."""
    header = decoder(BlockHeader)(values["header"])
    skipped = tuple(decoder(SkippedPool)(value) for value in values["skipped"])
    entries: list[Entry] = [decoder(Waiting)(value) for value in values["waiting"]]
    for key_values, pool_values in values["listed"]:
        key = decoder(PoolKey)(key_values)
        pool = decoder(POOL_TYPES[key.family])(pool_values)
        if (pool.pool_id, pool.family, tuple(pool.tokens)) != (key.pool_id, key.family, key.tokens):
            raise ValueError(f"the pool under {key.pool_id:.12} is another one")
        entries.append(ListedPool(key, pool))
    if len({entry.key.pool_id for entry in entries}) != len(entries):
        raise ValueError("a pool is there twice")
    return FollowedPools.at(header, entries, skipped=skipped)


def _plain(value: Any) -> Any:
    """A dataclass as a list of its fields, in order; tuples as lists, enumerations as their values."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return list(value) if not value or isinstance(value[0], int | str) else [_plain(item) for item in value]
    kind: Any = type(value)
    names = _field_names(kind)
    return [_plain(getattr(value, name)) for name in names] if names else value


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    if not hasattr(kind, "__dataclass_fields__"):
        return ()
    return tuple(each.name for each in fields(kind) if each.init)


@cache
def decoder(kind: Any) -> Decoder:
    """Reads a value of a type from its plain form, and refuses any other."""
    kind = getattr(kind, "__supertype__", kind)  # Address and its like
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _optional(decoder(next(each for each in arguments if each is not type(None))))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return _row(decoder(arguments[0]))
        return _fixed(tuple(decoder(each) for each in arguments))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if hasattr(kind, "__dataclass_fields__"):
        hints = get_type_hints(kind)
        return _record(kind, tuple(decoder(hints[name]) for name in _field_names(kind)))
    return _exactly(kind)


def _exactly(kind: type) -> Decoder:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r:.30} stands where {kind.__name__} belongs")
        return value

    return read


def _optional(inner: Decoder) -> Decoder:
    return lambda value: None if value is None else inner(value)


def _row(inner: Decoder) -> Decoder:
    return lambda value: tuple(map(inner, _list(value)))


def _fixed(inner: tuple[Decoder, ...]) -> Decoder:
    return lambda value: tuple(read(item) for read, item in zip(inner, _list(value), strict=True))


def _record(kind: type[T], inner: tuple[Decoder, ...]) -> Decoder:
    return lambda value: kind(*(read(item) for read, item in zip(inner, _list(value), strict=True)))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.30} stands where a list belongs")
    return value


def _inflated(body: bytes) -> bytes:
    """The text, up to a limit: a small file may pretend to be a very large one."""
    stream = zlib.decompressobj()
    text = stream.decompress(body, MAX_TEXT_BYTES)
    if not stream.eof or stream.unused_data:
        raise ValueError("it ends too early or too late")
    return text


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
