"""Calls by which an executor is changed: each is the function that the contracts declare, with its arguments."""

from collections.abc import Callable
from pathlib import Path

import pytest
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak

from oms.adapters.evm.artifacts import Artifacts, abi_type
from oms.execution.account_calls import (
    ACCEPT,
    PAUSE,
    RESUME,
    apply_call,
    cancel_call,
    disable_call,
    entry_point_call,
    guardian_call,
    offer_call,
    propose_call,
    reference_call,
    restore_call,
    skip_nonces_call,
    withdraw_call,
)
from oms.execution.executor_state import Listing, VenueEntry
from oms.execution.sessions import far_reference_call
from oms.units import Address

PROJECT = Path(__file__).resolve().parents[3]
SOMEBODY = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
VENUE = VenueEntry(1, 9, "name", SOMEBODY, 2500, b"\7" * 32)
LISTING = Listing(17, SOMEBODY, b"\1\2\3\4")

CALLS: list[tuple[str, bytes]] = [
    ("withdraw(address,uint256)", withdraw_call(SOMEBODY, 5)),
    ("setGuardian(address)", guardian_call(SOMEBODY)),
    ("offerOwnership(address)", offer_call(SOMEBODY)),
    ("acceptOwnership()", ACCEPT),
    ("setEntryPoint(address)", entry_point_call(SOMEBODY)),
    ("pause()", PAUSE),
    ("resume()", RESUME),
    ("skipNonces(uint192,uint64)", skip_nonces_call(7, 3)),
    ("setReference(address,address,uint32)", reference_call(SOMEBODY, SOMEBODY, 60)),
    ("proposeVenue(uint8,uint8,address,bytes32,uint24)", propose_call(VENUE)),
    ("applyVenue(uint8,uint8,address,bytes32,uint24)", apply_call(VENUE)),
    ("disableVenue(uint8,uint8)", disable_call(VENUE)),
    ("proposeListing(uint8,address,bytes4)", propose_call(LISTING)),
    ("applyListing(uint8,address,bytes4)", apply_call(LISTING)),
    ("disableListing(uint8,address,bytes4)", disable_call(LISTING)),
    ("restoreVenue(uint8)", restore_call(6)),
    (
        "setFarReference(uint64,address,address,uint32,uint8)",
        far_reference_call(10, SOMEBODY, feed=SOMEBODY, max_age=60, decimals=6),
    ),
    ("cancelProposal(bytes32)", cancel_call(b"\5" * 32)),
]


@pytest.mark.parametrize(("signature", "data"), CALLS)
def test_a_call_is_a_function_of_the_executors_code_with_whole_arguments(signature: str, data: bytes) -> None:
    artifacts = Artifacts(PROJECT)
    if not artifacts.our_path("Steward").exists():
        pytest.skip("the contracts are not compiled; run ./scripts/demo")
    declared = {
        f"{entry['name']}({','.join(map(abi_type, entry['inputs']))})"
        for name in ("Steward", "Warden")
        for entry in artifacts.ours(name).abi
        if entry.get("type") == "function"
    }
    assert signature in declared
    assert data[:4] == keccak(signature.encode())[:4]
    types = [each for each in signature[signature.index("(") + 1 : -1].split(",") if each]
    assert encode(types, decode(types, data[4:])) == data[4:]


@pytest.mark.parametrize("call", [propose_call, apply_call])
def test_an_additions_arguments_come_in_the_contracts_order(call: Callable[[VenueEntry | Listing], bytes]) -> None:
    types = ["uint8", "uint8", "address", "bytes32", "uint24"]
    assert decode(types, call(VENUE)[4:]) == (1, 9, SOMEBODY.lower(), b"\7" * 32, 2500)
    assert decode(["uint8", "address", "bytes4"], call(LISTING)[4:]) == (17, SOMEBODY.lower(), b"\1\2\3\4")
