"""The few things that a maker reads from a chain, over JSON-RPC.

Owns: one batched request, the settlement chain's time, and what the maker can deliver.
Must not: send anything, or use the machine's clock.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from oms.adapters.bounded_http import BoundedHttp, NotAnswered, NotSent
from oms.errors import Retryable, Terminal
from oms.units import Address

_BALANCE_OF = "0x70a08231"
_ALLOWANCE = "0xdd62ed3e"


class HttpNode:
    """One node by URL. Thread-safe."""

    def __init__(self, url: str, *, timeout_seconds: float = 5.0) -> None:
        self.venue = f"rpc {url}"
        self._http = BoundedHttp(url, timeout_seconds=timeout_seconds)
        self._ids = count(1)

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def batch(self, calls: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results in order of asking; `None` for a call that the node refused. Raises `VenueError`."""
        body = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
            for method, params in calls
        ]
        try:
            reply = self._http.post("", body)
        except (NotSent, NotAnswered) as error:
            raise Retryable(self.venue, f"{error}; start the node or correct rpc_url") from error
        if reply.status != 200 or not isinstance(reply.body, list):
            raise Terminal(self.venue, f"HTTP {reply.status} and no JSON-RPC batch; correct rpc_url")
        results = {item.get("id"): item.get("result") for item in reply.body if isinstance(item, dict)}
        return [results.get(call["id"]) for call in body]

    def deliverable(self, token: Address, *, owner: Address, spender: Address, chain_id: int) -> int:
        """The lesser of the owner's balance and what `spender` may take of it, in base units. Raises `VenueError`."""
        words = [address[2:].lower().rjust(64, "0") for address in (owner, spender)]
        found, balance, allowance = self.batch(
            [
                ("eth_chainId", []),
                ("eth_call", [{"to": token, "data": _BALANCE_OF + words[0]}, "latest"]),
                ("eth_call", [{"to": token, "data": _ALLOWANCE + words[0] + words[1]}, "latest"]),
            ]
        )
        if _number(found) != chain_id:
            raise Terminal(self.venue, f"serves chain {_number(found)}, not {chain_id}; correct rpc_url")
        amounts = [_number(answer) for answer in (balance, allowance)]
        if amounts[0] is None or amounts[1] is None:
            raise Terminal(self.venue, f"cannot read the maker's balance and allowance of {token}")
        return min(amounts[0], amounts[1])


def _number(answer: object) -> int | None:
    if not isinstance(answer, str) or not answer.startswith("0x"):
        return None
    try:
        return int(answer, 16)
    except ValueError:
        return None
