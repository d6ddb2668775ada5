"""The chain's own clock, in which quotes expire.

Owns: reading the time that the next block will carry.
Must not: use the machine's clock; a fork may live in the past or in the future.
"""

from oms.adapters.evm.chain import quantity
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import Terminal


def chain_time(rpc: RpcClient) -> int:
    """Unix seconds: the pending block's timestamp where the node builds one, else the latest block's.

    On a chain that only mines on demand the latest block may be hours old, and the transaction that settles a quote
    will not be in it. Raises `VenueError`.
    """
    answers = rpc.batch([("eth_getBlockByNumber", ["latest", False]), ("eth_getBlockByNumber", ["pending", False])])
    latest, pending = (answer.get("timestamp") if isinstance(answer, dict) else answer for answer in answers)
    if isinstance(latest, RpcFailure):
        raise Terminal(rpc.venue, f"gave no latest block: {latest.message}; use another node")
    now = quantity(latest, venue=rpc.venue, what="timestamp")
    if isinstance(pending, str):
        now = max(now, quantity(pending, venue=rpc.venue, what="timestamp"))
    return now
