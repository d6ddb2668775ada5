"""`ConcentratedPool` against the published bytecode of Uniswap v4: amounts, state after, and reverts."""

import random

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oms.errors import InvalidRequest, QuoteRefused, Refusal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.pool import Family
from oms.liquidity.tick_map import TickMap
from oms.units import ZERO_ADDRESS, Address
from tests.differential.concentrated_cases import Request, run
from tests.differential.evm import SENDER, Evm, Machine, PyEvm, Reverted, calldata, initcode, selector

FEES_AND_SPACINGS = (
    (100, 1),
    (500, 10),
    (3000, 60),
    (10_000, 200),
    (0, 10),
    (1_000_000, 60),
    (999_999, 7),
    (37, 32_767),
)
SWAPS_PER_POOL = 20
WRAPPED_NATIVE = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
_ERC20 = "@uniswap/v2-core/build/ERC20.json"
_OUT = "@uniswap/v4-core/out"
_KEY = "(address,address,uint24,int24,address)"
_POOLS_SLOT = 6
_LIQUIDITY_OFFSET = 3
_TICKS_OFFSET = 4


class UniswapV4:
    """PoolManager with the protocol's own test routers, two tokens, the native coin, and one pool at a time."""

    def __init__(self, evm: Machine) -> None:
        self.evm = evm
        self.manager = evm.deploy(initcode(f"{_OUT}/PoolManager.sol/PoolManager.json", ["address"], [SENDER]))
        self.swapper, self.minter = (
            evm.deploy(initcode(f"{_OUT}/{name}.sol/{name}.json", ["address"], [self.manager]))
            for name in ("PoolSwapTest", "PoolModifyLiquidityTest")
        )
        tokens = [evm.deploy(initcode(_ERC20, ["uint256"], [2**256 - 1])) for _ in range(2)]
        for token in tokens:
            for spender in (self.swapper, self.minter):
                evm.call(token, calldata("approve(address,uint256)", spender, 2**256 - 1))
        self.tokens = sorted(tokens, key=str.lower)
        evm.set_balance(SENDER, 2**200)
        evm.call(self.manager, calldata("setProtocolFeeController(address)", SENDER))
        self.clean = evm.snapshot()

    def use(
        self, fee_pips: int, tick_spacing: int, *, native: bool = False, protocol: tuple[int, int] = (0, 0)
    ) -> None:
        """Throw the last pool away; the next `initialize` creates a new one."""
        self.evm.revert(self.clean)
        self.clean = self.evm.snapshot()
        self.fee_pips, self.tick_spacing, self.protocol = fee_pips, tick_spacing, protocol
        self.native = native
        currency0 = ZERO_ADDRESS if native else self.tokens[0]
        self.key = (currency0, self.tokens[1], fee_pips, tick_spacing, ZERO_ADDRESS)
        self.pool_id = keccak(encode([_KEY], [self.key]))
        self.slot = int.from_bytes(keccak(self.pool_id + _POOLS_SLOT.to_bytes(32, "big")), "big")
        self.ticks: set[int] = set()

    def initialize(self, sqrt_price_x96: int) -> None:
        self.evm.call(self.manager, calldata(f"initialize({_KEY},uint160)", self.key, sqrt_price_x96))
        packed = self.protocol[0] | self.protocol[1] << 12
        self.evm.call(self.manager, calldata(f"setProtocolFee({_KEY},uint24)", self.key, packed))

    def add_liquidity(self, lower: int, upper: int, liquidity: int) -> None:
        signature = f"modifyLiquidity({_KEY},(int24,int24,int256,bytes32),bytes)"
        data = calldata(signature, self.key, (lower, upper, liquidity, bytes(32)), b"")
        self.evm.call(self.minter, data, value=self._value())
        self.ticks |= {lower, upper}

    def load(self) -> ConcentratedPool:
        nets = {}
        for tick in self.ticks:
            ticks_slot = (self.slot + _TICKS_OFFSET).to_bytes(32, "big")
            word = self._storage(keccak(encode(["int24"], [tick]) + ticks_slot))
            assert word & (2**128 - 1), "the tick is initialized"
            nets[tick] = _signed(word >> 128, 128)
        token0 = WRAPPED_NATIVE if self.native else Address(self.tokens[0])
        return ConcentratedPool(
            "0x" + self.pool_id.hex(),
            Family.UNISWAP_V4,
            (token0, Address(self.tokens[1])),
            self.fee_pips,
            self.tick_spacing,
            *self.state(),
            TickMap.of(nets),
            protocol_fee_zero_for_one=self.protocol[0],
            protocol_fee_one_for_zero=self.protocol[1],
            currency0=Address(self.key[0]),
            currency1=Address(self.key[1]),
        )

    def state(self) -> tuple[int, int, int]:
        slot0 = self._storage(self.slot.to_bytes(32, "big"))
        liquidity = self._storage((self.slot + _LIQUIDITY_OFFSET).to_bytes(32, "big"))
        return slot0 & (2**160 - 1), _signed(slot0 >> 160 & (2**24 - 1), 24), liquidity

    def swap(self, request: Request) -> tuple[int, int]:
        signature = f"swap({_KEY},(bool,int256,uint160),(bool,bool),bytes)"
        order = (request.zero_for_one, -request.amount, request.chain_limit)
        data = calldata(signature, self.key, order, (False, False), b"")
        delta = int.from_bytes(self.evm.call(self.swapper, data, value=self._value()), "big")
        return -_signed(delta >> 128, 128), -_signed(delta & (2**128 - 1), 128)

    def explains(self, refusal: Exception, reverted: Reverted) -> bool:
        if isinstance(refusal, InvalidRequest):
            expected = ["PriceLimitAlreadyExceeded(uint160,uint160)", "PriceLimitOutOfBounds(uint160)"]
        else:
            assert isinstance(refusal, QuoteRefused)
            expected = {
                Refusal.ZERO_AMOUNT: ["SwapAmountCannotBeZero()"],
                Refusal.AMOUNT_TOO_LARGE: ["SafeCastOverflow()"],
                Refusal.INSUFFICIENT_LIQUIDITY: [
                    "InvalidFeeForExactOut()",
                    "PriceLimitAlreadyExceeded(uint160,uint160)",
                ],
            }[refusal.reason]
        return reverted.data[:4] in [selector(error) for error in expected]

    def _value(self) -> int:
        return self.evm.get_balance(SENDER) if self.native else 0

    def _storage(self, slot: bytes) -> int:
        return self.evm.get_storage(self.manager, int.from_bytes(slot, "big"))


def run_cases(evm: Machine, *, cases: int, seed: int, least_spacing: int = 1) -> int:
    """Swap `cases` times over fresh random pools; return how many of the swaps reverted."""
    rng = random.Random(seed)
    kinds = [(fee_pips, spacing) for fee_pips, spacing in FEES_AND_SPACINGS if spacing >= least_spacing]
    chain = UniswapV4(evm)
    reverted = 0
    for _ in range(cases // SWAPS_PER_POOL):
        protocol = (rng.choice((0, 1, 25, 999, 1000)), rng.choice((0, 3, 500, 1000)))
        chain.use(*rng.choice(kinds), native=rng.random() < 0.3, protocol=protocol)
        reverted += run(chain, rng, swaps=SWAPS_PER_POOL)
    return reverted


def _signed(word: int, bits: int) -> int:
    return word - 2**bits if word >> (bits - 1) else word


def test_random_swaps_give_the_chain_s_amounts_state_and_reverts() -> None:
    assert run_cases(Evm(), cases=600, seed=1) > 0


@pytest.mark.slow
def test_ten_thousand_random_swaps_give_the_chain_s_amounts_state_and_reverts() -> None:
    reverted = sum(run_cases(Evm(), cases=2_500, seed=seed) for seed in range(100, 104))
    assert 0 < reverted < 4_000


@pytest.mark.slow
def test_a_second_virtual_machine_agrees() -> None:
    # Wide spacings only: a drained pool of spacing 1 is thousands of steps, at a second or more each way.
    assert run_cases(PyEvm(), cases=100, seed=2, least_spacing=60) > 0
