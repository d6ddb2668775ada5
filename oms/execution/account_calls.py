"""Calls by which an owner, or a guardian, stops an executor and lets it go on (`contracts/interfaces/IAccount.sol`).

Owns: their bytes. Must not: decide who sends them.
"""

from typing import Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.units import Address

PAUSE: Final = keccak(b"pause()")[:4]
"""By the owner or the guardian."""
RESUME: Final = keccak(b"resume()")[:4]
"""By the owner."""


def reference_call(token: Address, feed: Address, max_age: int) -> bytes:
    """Calldata by which the owner names the feed that says what a token is worth; `max_age` in seconds."""
    selector = keccak(b"setReference(address,address,uint32)")[:4]
    return selector + encode(["address", "address", "uint32"], [token, feed, max_age])
