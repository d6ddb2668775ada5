"""`ConstantProductPool` against the published bytecode of `UniswapV2Pair`: amounts, reserves after, and reverts."""

import random
from dataclasses import dataclass, field

import pytest
from eth_utils.crypto import keccak

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.constant_product import UINT112_MAX, ConstantProductPool
from oms.units import Address
from tests.differential.evm import SENDER, Evm, Machine, PyEvm, Reverted, calldata, initcode

_PAIR = "@uniswap/v2-core/build/UniswapV2Pair.json"
_ERC20 = "@uniswap/v2-core/build/ERC20.json"
_BALANCE_OF_SLOT = 1
_RESERVES_SLOT = 8
SWAPS_PER_PAIR = 5


@dataclass
class Pair:
    """A pair whose reserves and balances are set by hand; its own `swap` judges every trade."""

    evm: Machine
    address: str = field(init=False)
    tokens: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        one, other = (self.evm.deploy(initcode(_ERC20, ["uint256"], [2**256 - 1])) for _ in range(2))
        self.tokens = (one, other)
        self.address = self.evm.deploy(initcode(_PAIR))
        self.evm.call(self.address, calldata("initialize(address,address)", *self.tokens))

    def set_reserves(self, reserve0: int, reserve1: int) -> ConstantProductPool:
        self.evm.set_storage(self.address, _RESERVES_SLOT, reserve0 | reserve1 << 112)
        for token, reserve in zip(self.tokens, (reserve0, reserve1), strict=True):
            self._set_balance(token, self.address, reserve)
            self._set_balance(token, SENDER, 2**255)
        return ConstantProductPool(self.address, Address(self.tokens[0]), Address(self.tokens[1]), reserve0, reserve1)

    def swap(self, *, zero_for_one: bool, amount_in: int, amount_out: int, commit: bool) -> str:
        """Pay `amount_in`, ask for `amount_out`; return "" or the reason of the revert, after which nothing stays."""
        token_in = self.tokens[0 if zero_for_one else 1]
        checkpoint = self.evm.snapshot()
        asked = (0, amount_out) if zero_for_one else (amount_out, 0)
        try:
            self.evm.call(token_in, calldata("transfer(address,uint256)", self.address, amount_in))
            self.evm.call(self.address, calldata("swap(uint256,uint256,address,bytes)", *asked, SENDER, b""))
        except Reverted as error:
            self.evm.revert(checkpoint)
            return error.reason
        if commit:
            self.evm.release(checkpoint)
        else:
            self.evm.revert(checkpoint)
        return ""

    def reserves(self) -> tuple[int, int]:
        word = self.evm.get_storage(self.address, _RESERVES_SLOT)
        return word & UINT112_MAX, word >> 112 & UINT112_MAX

    def _set_balance(self, token: str, owner: str, raw: int) -> None:
        self.evm.set_storage(token, balance_slot(owner), raw)


def balance_slot(owner: str) -> int:
    """Where the token keeps `balanceOf[owner]`."""
    return int.from_bytes(keccak(bytes(12) + bytes.fromhex(owner[2:]) + _BALANCE_OF_SLOT.to_bytes(32, "big")), "big")


def run_cases(evm: Machine, *, cases: int, seed: int) -> int:
    """Judge `cases` random quotes over random pairs; return how many were refused by both."""
    rng = random.Random(seed)
    pair = Pair(evm)
    refused = 0
    for _ in range(cases // SWAPS_PER_PAIR):
        pool = pair.set_reserves(_random_reserve(rng), _random_reserve(rng))
        for _ in range(SWAPS_PER_PAIR):
            judge = _judge_sale if rng.random() < 0.5 else _judge_purchase
            after = judge(pair, pool, rng)
            refused += after is None
            pool = after or pool
    return refused


def _judge_sale(pair: Pair, pool: ConstantProductPool, rng: random.Random) -> ConstantProductPool | None:
    """The pair must pay the quote, and not one unit more."""
    zero_for_one = rng.random() < 0.5
    token_in, token_out = pool.tokens if zero_for_one else pool.tokens[::-1]
    reserve_in, reserve_out = _reserves(pool, zero_for_one)
    amount = _random_amount(rng, reserve_in)

    def asked(out: int, *, commit: bool = False) -> str:
        return pair.swap(zero_for_one=zero_for_one, amount_in=amount, amount_out=out, commit=commit)

    context = (pool, zero_for_one, amount)
    try:
        quote = pool.quote_in(token_in, token_out, amount)
    except QuoteRefused as refusal:
        reason = refusal.reason
    else:
        too_much = {"UniswapV2: K", "UniswapV2: INSUFFICIENT_LIQUIDITY"}
        assert asked(quote.amount_out + 1) in too_much, context
        assert asked(quote.amount_out, commit=True) == "", context
        after = quote.next_pool
        assert isinstance(after, ConstantProductPool)
        assert pair.reserves() == (after.reserve0, after.reserve1), context
        return after
    reverts = {
        Refusal.ZERO_AMOUNT: {"UniswapV2: INSUFFICIENT_INPUT_AMOUNT"},
        Refusal.ZERO_OUTPUT: {"UniswapV2: K"},
        Refusal.AMOUNT_TOO_LARGE: {"UniswapV2: OVERFLOW", "UniswapV2: K"},
    }[reason]
    assert asked(1) in (reverts if reserve_out > 1 else {"UniswapV2: INSUFFICIENT_LIQUIDITY"}), (context, reason)
    return None


def _judge_purchase(pair: Pair, pool: ConstantProductPool, rng: random.Random) -> ConstantProductPool | None:
    """The pair must accept the quoted input, and not one unit less."""
    zero_for_one = rng.random() < 0.5
    token_in, token_out = pool.tokens if zero_for_one else pool.tokens[::-1]
    reserve_in, reserve_out = _reserves(pool, zero_for_one)
    amount = _random_amount(rng, reserve_out)

    def offered(taken: int, *, commit: bool = False) -> str:
        return pair.swap(zero_for_one=zero_for_one, amount_in=taken, amount_out=amount, commit=commit)

    context = (pool, zero_for_one, amount)
    try:
        quote = pool.quote_out(token_in, token_out, amount)
    except QuoteRefused as refusal:
        reason = refusal.reason
    else:
        too_little = {"UniswapV2: K", "UniswapV2: INSUFFICIENT_INPUT_AMOUNT"}
        assert offered(quote.amount_in - 1) in too_little, context
        assert offered(quote.amount_in, commit=True) == "", context
        after = quote.next_pool
        assert isinstance(after, ConstantProductPool)
        assert pair.reserves() == (after.reserve0, after.reserve1), context
        return after
    if reason is Refusal.AMOUNT_TOO_LARGE:
        headroom = UINT112_MAX - reserve_in
        assert offered(headroom) in {"UniswapV2: K", "UniswapV2: INSUFFICIENT_INPUT_AMOUNT"}, context
        assert offered(headroom + 1) in {"UniswapV2: K", "UniswapV2: OVERFLOW"}, context
        return None
    expected = {
        Refusal.ZERO_AMOUNT: "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT",
        Refusal.INSUFFICIENT_LIQUIDITY: "UniswapV2: INSUFFICIENT_LIQUIDITY",
    }[reason]
    assert offered(1) == expected, (context, reason)
    assert offered(reserve_in + 1) == expected, (context, reason)
    return None


def _reserves(pool: ConstantProductPool, zero_for_one: bool) -> tuple[int, int]:
    return (pool.reserve0, pool.reserve1) if zero_for_one else (pool.reserve1, pool.reserve0)


def _random_reserve(rng: random.Random) -> int:
    if rng.random() < 0.05:
        return rng.choice((1, 2, 3, UINT112_MAX, UINT112_MAX - 1, UINT112_MAX - 1000))
    return rng.getrandbits(rng.randint(1, 112)) + 1 if rng.random() < 0.9 else rng.randint(1, UINT112_MAX)


def _random_amount(rng: random.Random, reserve: int) -> int:
    kind = rng.random()
    if kind < 0.03:
        return 0
    if kind < 0.1:
        return rng.choice((UINT112_MAX - reserve, UINT112_MAX - reserve + 1, UINT112_MAX, 2**120, reserve, reserve + 1))
    if kind < 0.2:
        return max(reserve - rng.randint(1, 5), 1)
    if kind < 0.6:
        return rng.randint(1, max(reserve >> rng.choice((0, 1, 4, 10)), 1))
    return rng.getrandbits(rng.randint(1, 112)) + 1


def test_random_quotes_are_the_best_the_pair_accepts() -> None:
    assert run_cases(Evm(), cases=1_000, seed=1) > 0


@pytest.mark.slow
def test_ten_thousand_random_quotes_are_the_best_the_pair_accepts() -> None:
    refused = run_cases(Evm(), cases=10_000, seed=2)
    assert 0 < refused < 5_000


@pytest.mark.slow
def test_a_second_virtual_machine_agrees() -> None:
    assert run_cases(PyEvm(), cases=100, seed=3) > 0
