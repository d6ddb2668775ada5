"""Balancer's own Python maths (balancer-maths), whose weighted swap rounds as a v2 pool's without shortcuts does.

Runs in `.bench/balancer_maths`. The package imports itself as `src`, by which name it is not installed; it is given
that name here.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from benchmarks.peers.serving import State, Subject, serve


def _name_it_src() -> None:
    found = importlib.util.find_spec("balancer_maths")
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError("balancer_maths")
    alias = ModuleType("src")
    alias.__path__ = list(found.submodule_search_locations)
    sys.modules["src"] = alias


def _weighted(state: State) -> Subject:
    types: Any = importlib.import_module("src.common.types")
    data: Any = importlib.import_module("src.pools.weighted.weighted_data")
    vault = importlib.import_module("src.vault.vault").Vault()
    scaling = [10 ** (18 - decimals) for decimals in state["decimals"]]
    pool = data.WeightedState(
        pool_address=state["pool"],
        tokens=list(state["tokens"]),
        scaling_factors=scaling,
        token_rates=[10**18 for _ in scaling],
        balances_live_scaled18=[b * scale for b, scale in zip(state["balances"], scaling, strict=True)],
        swap_fee=state["swap_fee"],
        aggregate_swap_fee=0,
        total_supply=10**18,
        supports_unbalanced_liquidity=True,
        hook_type=None,
        weights=list(state["weights"]),
    )

    def quote(token_in: str, token_out: str, amount: int) -> Any:
        order = types.SwapInput(
            amount_raw=amount, token_in=token_in, token_out=token_out, swap_kind=types.SwapKind.GIVENIN
        )
        return vault.swap(swap_input=order, pool_state=pool)

    return Subject(quote, state["tokens"][state["index_in"]], state["tokens"][state["index_out"]])


if __name__ == "__main__":
    _name_it_src()
    serve({"weighted": _weighted})
