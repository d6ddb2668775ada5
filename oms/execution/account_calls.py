"""Calls by which an owner, a guardian or a key changes an executor beside trading with it.

Owns: their bytes. Must not: decide who sends them.
Sources: `contracts/interfaces/I{Account,Executor,Registry,Sessions,Batches,UserOperations}.sol`.
"""

from typing import Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.execution.executor_state import Listing, VenueEntry
from oms.units import Address

PAUSE: Final = keccak(b"pause()")[:4]
"""By the owner or the guardian."""
RESUME: Final = keccak(b"resume()")[:4]
"""By the owner."""


def reference_call(token: Address, feed: Address, max_age: int) -> bytes:
    """Calldata by which the owner names the feed that says what a token is worth; `max_age` in seconds."""
    return _call("setReference(address,address,uint32)", token, feed, max_age)


ACCEPT: Final = keccak(b"acceptOwnership()")[:4]
"""By whoever ownership was offered to."""


def withdraw_call(token: Address, amount: int) -> bytes:
    """Calldata by which the owner takes `amount` base units out, to itself; the zero address is the native coin."""
    return _call("withdraw(address,uint256)", token, amount)


def guardian_call(to: Address) -> bytes:
    """Calldata by which the owner names the guardian; zero for none."""
    return _call("setGuardian(address)", to)


def offer_call(to: Address) -> bytes:
    """Calldata by which the owner says who may take over by `ACCEPT`; zero for nobody."""
    return _call("offerOwnership(address)", to)


def entry_point_call(to: Address) -> bytes:
    """Calldata by which the owner names the ERC-4337 entry point; zero for none."""
    return _call("setEntryPoint(address)", to)


def skip_nonces_call(lane: int, next_number: int) -> bytes:
    """Calldata by which a key gives up its own numbers of a lane below `next_number`."""
    return _call("skipNonces(uint192,uint64)", lane, next_number)


def propose_call(addition: VenueEntry | Listing) -> bytes:
    """Calldata by which the owner announces an addition to the registry."""
    return _addition_call("propose", addition)


def apply_call(addition: VenueEntry | Listing) -> bytes:
    """Calldata by which the owner adds what was proposed, once the registry's delay has passed."""
    return _addition_call("apply", addition)


def cancel_call(identifier: bytes) -> bytes:
    """Calldata by which the owner or the guardian drops a proposal."""
    return _call("cancelProposal(bytes32)", identifier)


def disable_call(what: VenueEntry | Listing) -> bytes:
    """Calldata by which the owner or the guardian takes a factory or a listing away, at once; number 0 is built in."""
    if isinstance(what, VenueEntry):
        return _call("disableVenue(uint8,uint8)", what.kind, what.number)
    return _call("disableListing(uint8,address,bytes4)", what.kind, what.target, what.selector)


def restore_call(kind: int) -> bytes:
    """Calldata by which the owner switches the built-in venue of a leg kind on again."""
    return _call("restoreVenue(uint8)", kind)


def _addition_call(verb: str, addition: VenueEntry | Listing) -> bytes:
    if isinstance(addition, VenueEntry):
        values = addition.kind, addition.number, addition.deployer, addition.init_code_hash, addition.fee_pips
        return _call(f"{verb}Venue(uint8,uint8,address,bytes32,uint24)", *values)
    return _call(f"{verb}Listing(uint8,address,bytes4)", addition.kind, addition.target, addition.selector)


def _call(signature: str, *values: object) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(signature.encode())[:4] + encode(types, values)
