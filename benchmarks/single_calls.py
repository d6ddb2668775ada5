"""What one call costs that is alone in its block, on an Anvil where nothing is mined by itself.

Owns: who sends it, and which figure of its receipt counts.
Must not: know what the call does.
"""

import time
from dataclasses import replace
from typing import Final

from oms.adapters.evm.anvil import AnvilOptions
from oms.adapters.evm.devnet.build import EMPTY_CHAIN, GAS_LIMIT
from oms.adapters.evm.rpc import RpcClient
from oms.errors import Terminal
from oms.units import Address

CHAIN_OF_CALLS: Final[AnvilOptions] = replace(EMPTY_CHAIN, gas_limit=GAS_LIMIT)
"""Empty, with blocks as large as the development chain's."""
TRADER: Final = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
"""Anvil's third account."""
_RECEIPT_SECONDS: Final = 10.0


def gas_of_call(rpc: RpcClient, target: Address, data: bytes, *, what: str, value: int = 0) -> int:
    """Send as the trader, mine, and return the gas used. Raises `Terminal`, naming `what`, when it reverts."""
    body = {"from": TRADER, "to": target, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(2_000_000)}
    digest = rpc.call("eth_sendTransaction", body)
    rpc.call("evm_mine")
    deadline = time.monotonic() + _RECEIPT_SECONDS
    while (receipt := rpc.call("eth_getTransactionReceipt", digest)) is None:
        if time.monotonic() > deadline:
            raise Terminal("anvil", "mined no receipt; run the bench again")
        time.sleep(0.005)
    if receipt["status"] != "0x1":
        reason = rpc.batch([("eth_call", [body, "latest"])])
        raise Terminal("anvil", f"{what} reverted ({reason[0]}); this is a defect, report it")
    return int(receipt["gasUsed"], 16)
