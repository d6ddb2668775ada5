"""Bytes of plans: integers unpadded and big-endian, addresses, lengths, and their strict reading.

Owns: what every part of the plan's codec packs and reads with.
Must not: know a plan's layout.
"""

from typing import Final

from eth_utils.address import to_checksum_address

from oms.errors import InvalidRequest
from oms.units import Address

UINT16_MAX: Final = 2**16 - 1
UINT32_MAX: Final = 2**32 - 1
UINT40_MAX: Final = 2**40 - 1
UINT64_MAX: Final = 2**64 - 1


class MalformedPlan(InvalidRequest):
    """Bytes or values that are no plan; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__("plan", reason)


class Reader:
    """Takes bytes off the front; refuses to take what is not there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether every byte was taken."""
        return self._at == len(self._data)

    def octets(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise MalformedPlan(f"ends after {len(self._data)} bytes where {end} are needed; encode it again")
        taken, self._at = self._data[self._at : end], end
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(len(self._data) - self._at)

    def cut(self, size: int) -> bytes:
        """The last `size` bytes, which are no longer there then."""
        end = len(self._data) - size
        if end < self._at:
            raise MalformedPlan("ends within its permit; encode it again")
        taken, self._data = self._data[end:], self._data[:end]
        return taken

    def last(self, size: int) -> int:
        """The last `size` bytes as an integer, left in place."""
        return int.from_bytes(self._data[-size:])

    def uint(self, size: int) -> int:
        """The next `size` bytes as an integer."""
        return int.from_bytes(self.octets(size))

    def int24(self) -> int:
        """The next three bytes as two's complement."""
        return int.from_bytes(self.octets(3), signed=True)

    def address(self) -> Address:
        """The next 20 bytes."""
        return Address(to_checksum_address(self.octets(20)))

    def switch(self) -> bool:
        """A byte that must be 0 or 1."""
        value = self.uint(1)
        if value > 1:
            raise MalformedPlan(f"a switch is {value}, neither 0 nor 1; encode it again")
        return value == 1


def require_range(name: str, value: int, low: int, high: int) -> None:
    """Raises `MalformedPlan` unless `low <= value <= high`."""
    if not low <= value <= high:
        raise MalformedPlan(f"{name} {value} is not from {low} to {high}; correct it")


def require_word(name: str, value: bytes) -> None:
    """Raises `MalformedPlan` unless there are 32 bytes."""
    if len(value) != 32:
        raise MalformedPlan(f"{name} has 32 bytes, not {len(value)}; give all of it")


def pack_uint(value: int, size: int) -> bytes:
    """The integer in `size` bytes, which the caller has found it to fit."""
    return int(value).to_bytes(size, "big")


def pack_address(address: Address) -> bytes:
    """The address' 20 bytes."""
    try:
        packed = bytes.fromhex(address.removeprefix("0x"))
    except ValueError:
        packed = b""
    if len(packed) != 20:
        raise MalformedPlan(f"{address!r} is no address of 20 bytes; correct it")
    return packed


def with_length(particulars: bytes) -> bytes:
    """The bytes behind their own length, a u16."""
    require_range("length of a leg's particulars", len(particulars), 0, UINT16_MAX)
    return pack_uint(len(particulars), 2) + particulars
