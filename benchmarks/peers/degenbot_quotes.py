"""degenbot's pools, built from a recorded state without a node, behind its own public methods.

Runs in `.bench/degenbot`. Measured are the methods that answer with an amount
(`calculate_tokens_out_from_tokens_in`), those that also give the state after (`simulate_exact_input_swap`), and the
optimiser of a given cycle of pools (`UniswapLpCycle.calculate`), where the amount is a cycle's number.
"""

from fractions import Fraction
from functools import partial
from threading import Lock
from typing import Any

from degenbot.arbitrage.uniswap_lp_cycle import UniswapLpCycle  # type: ignore[import-not-found]
from degenbot.curve.curve_stableswap_liquidity_pool import CurveStableswapPool  # type: ignore[import-not-found]
from degenbot.erc20_token import Erc20Token  # type: ignore[import-not-found]
from degenbot.uniswap.types import (  # type: ignore[import-not-found]
    UniswapV2PoolState,
    UniswapV3LiquidityAtTick,
    UniswapV3PoolState,
)
from degenbot.uniswap.v2_liquidity_pool import UniswapV2Pool  # type: ignore[import-not-found]
from degenbot.uniswap.v3_liquidity_pool import UniswapV3Pool  # type: ignore[import-not-found]

from benchmarks.peers.serving import State, Subject, serve


def _token(address: str, *, decimals: int = 18) -> Any:
    token = object.__new__(Erc20Token)
    token.address, token.symbol, token.name, token.decimals = address, address[-4:], address, decimals
    return token


def _v2(state: State) -> Any:
    pool = object.__new__(UniswapV2Pool)
    pool.address = state["pool"]
    pool.token0, pool.token1 = map(_token, state["tokens"])
    pool.fee_token0 = pool.fee_token1 = Fraction(3, 1000)
    pool._state_lock = Lock()
    pool._state = UniswapV2PoolState(
        pool=pool.address, reserves_token0=state["reserves"][0], reserves_token1=state["reserves"][1]
    )
    return pool


def _v3(state: State) -> Any:
    pool = object.__new__(UniswapV3Pool)
    pool.address = state["pool"]
    pool.token0, pool.token1 = map(_token, state["tokens"])
    pool.fee, pool.tick_spacing = state["fee"], state["tick_spacing"]
    pool.sparse_liquidity_map = False
    pool._state_lock = Lock()
    ticks = {
        int(tick): UniswapV3LiquidityAtTick(liquidity_net=net, liquidity_gross=abs(net))
        for tick, net in state["liquidity_net"].items()
    }
    pool._state = UniswapV3PoolState(
        pool=pool.address,
        liquidity=state["liquidity"],
        sqrt_price_x96=state["sqrt_price_x96"],
        tick=state["tick"],
        tick_bitmap={},
        tick_data=ticks,
    )
    return pool


def _curve(state: State) -> Any:
    pool = object.__new__(CurveStableswapPool)
    pool.address = state["pool"]
    pool.tokens = tuple(
        _token(address, decimals=decimals) for address, decimals in zip(state["tokens"], state["decimals"], strict=True)
    )
    pool.balances = list(state["balances"])
    pool.base_pool = None
    pool.fee = state["fee"]
    pool.rate_multipliers = tuple(10 ** (36 - decimals) for decimals in state["decimals"])
    pool._create_timestamp = state["timestamp"]
    pool.a_coefficient = pool.initial_a_coefficient = pool.future_a_coefficient = state["a"]
    pool.initial_a_coefficient_time = pool.future_a_coefficient_time = 0
    return pool


def _v2_amount(state: State) -> Subject:
    pool = _v2(state)
    return Subject(pool.calculate_tokens_out_from_tokens_in, pool.token0)


def _v2_state(state: State) -> Subject:
    pool = _v2(state)
    return Subject(pool.simulate_exact_input_swap, pool.token0, answer=lambda result: -int(result.amount1_delta))


def _v3_amount(state: State) -> Subject:
    pool = _v3(state)
    return Subject(pool.calculate_tokens_out_from_tokens_in, pool.token0)


def _v3_state(state: State) -> Subject:
    pool = _v3(state)
    return Subject(pool.simulate_exact_input_swap, pool.token0, answer=lambda result: -int(result.amount1_delta))


def _curve_amount(state: State) -> Subject:
    pool = _curve(state)
    # Without a block number it would ask a node for the latest.
    quote = partial(pool.calculate_tokens_out_from_tokens_in, block_identifier=1)
    return Subject(quote, pool.tokens[0], pool.tokens[1])


def _cycles(state: State) -> Subject:
    cycles = []
    for number, cycle in enumerate(state["cycles"]):
        pools = [_v2(pool) for pool in cycle["pools"]]
        for pool in pools:
            pool.name, pool._subscribers = pool.address, set()
        given = next(token for token in (pools[0].token0, pools[0].token1) if token.address == cycle["token"])
        cycles.append(UniswapLpCycle(given, pools, str(number), max_input=cycle["most"]))
    return Subject(lambda all_of_them, number: all_of_them[number].calculate(), cycles, answer=_profit)


def _profit(result: Any) -> int:
    return int(result.profit_amount)


LOADERS = {
    "cycles": _cycles,
    "v2": _v2_amount,
    "v2_state": _v2_state,
    "v3": _v3_amount,
    "v3_state": _v3_state,
    "curve": _curve_amount,
}

if __name__ == "__main__":
    serve(LOADERS)
