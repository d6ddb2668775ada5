"""Balancer's own Python maths (balancer-maths), whose weighted swap rounds as a v2 pool's without shortcuts does.

Runs in `.bench/balancer_maths`. The package imports itself as `src`, by which name it is not installed; it is given
that name here.
"""

import importlib
import sys
from typing import Any

import balancer_maths  # type: ignore[import-not-found]

from benchmarks.peers.serving import State, Subject, serve

sys.modules["src"] = balancer_maths


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
    serve({"weighted": _weighted})
