"""The little of the contract ABI that pools' views need: static words in, words and word arrays out.

Owns: that encoding. Must not: know any contract. Source: the Solidity contract ABI specification.
"""

from collections.abc import Sequence

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import address_of
from oms.units import Address

_MOST_ENTRIES = 64
"""Longer arrays than any pool's are taken for garbage."""


class Unreadable(Exception):
    """Return data that does not have the shape that the view promises; never leaves a loader."""


def view(signature: str, *arguments: int | str) -> bytes:
    """Calldata of a function whose arguments are all static; addresses and 32-byte ids may be given as hex text."""
    values = [int(a, 16) if isinstance(a, str) else a for a in arguments]
    return keccak(signature.encode())[:4] + b"".join((value % 2**256).to_bytes(32, "big") for value in values)


def words(data: bytes | None, at_least: int) -> list[int]:
    """Return data as words. Raises `Unreadable` where the call failed or answered less."""
    if data is None or len(data) % 32 or len(data) < 32 * at_least:
        raise Unreadable(f"a view answered {'nothing' if not data else f'{len(data)} bytes'}")
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]


def array(values: Sequence[int], position: int) -> list[int]:
    """The dynamic array whose offset is the word at `position`. Raises `Unreadable`."""
    offset, remainder = divmod(values[position], 32)
    if remainder or offset >= len(values):
        raise Unreadable("a view answered an array that starts nowhere")
    length = values[offset]
    if length > _MOST_ENTRIES or offset + 1 + length > len(values):
        raise Unreadable("a view answered an array that ends nowhere")
    return list(values[offset + 1 : offset + 1 + length])


def addresses(values: Sequence[int]) -> tuple[Address, ...]:
    """Words as addresses."""
    return tuple(address_of(value) for value in values)
