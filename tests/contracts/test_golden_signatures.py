"""Golden digests and grants: what Python computes, `SignedPlans.t.sol` computes by the contracts."""

import json
import os
from pathlib import Path

from oms.execution.sessions import (
    GrantedSpend,
    GrantedVenue,
    SessionTerms,
    address_venue,
    end_operator_call,
    far_reference_call,
    grant_call,
    grant_operator_call,
    registry_venue,
    revoke_call,
    singleton_venue,
)
from oms.execution.signed_plans import Adoption, SignedBatch, nonce_of
from oms.units import Address

GOLDEN = Path(__file__).parent / "golden" / "signatures.json"
CHAIN = 8453
EXECUTOR = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
TOKEN = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
OTHER = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
BATCH = SignedBatch(KEY, 3, (b"\x02first", b"", b"\x02" + bytes(300)), 5, nonce_of(2**191 + 1, 7), 1_773_164_352)
ADOPTION = Adoption(KEY, OTHER, 1_773_164_352)
POOL = singleton_venue(TOKEN, OTHER, fee=3000, tick_spacing=-60, native=True)
TERMS = SessionTerms(
    expiry=1_773_164_352,
    kinds=frozenset({1, 2, 9, 18}),
    most_loss_bps=50,
    venues=(
        GrantedVenue(2, registry_venue(4)),
        GrantedVenue(3, POOL),
        GrantedVenue(8, address_venue(KEY)),
    ),
    spends=(GrantedSpend(TOKEN, 2**128 - 1, 86_400),),
    rises=(OTHER, TOKEN),
    may_pull=True,
    gas_budget=10**18,
)


def _from_python() -> str:
    document = {
        "plans": ["0x" + plan.hex() for plan in BATCH.plans],
        "nonce": f"0x{BATCH.nonce:064x}",
        "batch": "0x" + BATCH.digest(CHAIN, EXECUTOR).hex(),
        "adoption": "0x" + ADOPTION.digest(CHAIN, EXECUTOR).hex(),
        "pool": "0x" + POOL.hex(),
        "grant": "0x" + grant_call(KEY, TERMS).hex(),
        "revoke": "0x" + revoke_call(KEY).hex(),
        "farReference": "0x" + far_reference_call(10, TOKEN, feed=OTHER, max_age=3600, decimals=6).hex(),
        "grantOperator": "0x" + grant_operator_call(KEY, TERMS).hex(),
        "endOperator": "0x" + end_operator_call(KEY).hex(),
    }
    return json.dumps(document, indent=1) + "\n"


def test_the_golden_signatures_are_what_python_computes_today() -> None:
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(_from_python())
    assert GOLDEN.read_text() == _from_python(), "set WRITE_GOLDEN=1 if what is signed was meant to change"
