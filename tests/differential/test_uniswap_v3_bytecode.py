"""`ConcentratedPool` against the published bytecode of Uniswap v3: amounts, state after, and reverts."""

import random

import pytest
from eth_utils.address import to_checksum_address

from oms.errors import InvalidRequest, QuoteRefused, Refusal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.pool import Family
from oms.liquidity.tick_map import TickMap
from oms.units import Address
from tests.differential.concentrated_cases import Request, run
from tests.differential.evm import SENDER, Evm, Machine, PyEvm, Reverted, calldata, initcode

FEES_AND_SPACINGS = (
    (100, 1),
    (500, 10),
    (3000, 60),
    (10_000, 200),
    (1, 20),
    (0, 50),
    (999_999, 100),
    (250_000, 16_383),
)
SWAPS_PER_POOL = 20
PAYER = "0x00000000000000000000000000000000000BA4E6"
_ERC20 = "@uniswap/v2-core/build/ERC20.json"
_FACTORY = "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json"

_OPCODES = {
    "GT": 0x11, "SGT": 0x13, "EQ": 0x14, "ISZERO": 0x15, "SUB": 0x03, "CALLER": 0x33, "CALLDATALOAD": 0x35,
    "CALLDATASIZE": 0x36, "CALLDATACOPY": 0x37, "RETURNDATASIZE": 0x3D, "RETURNDATACOPY": 0x3E, "POP": 0x50,
    "MSTORE": 0x52, "JUMPI": 0x57, "GAS": 0x5A, "DUP1": 0x80, "CALL": 0xF1, "RETURN": 0xF3, "REVERT": 0xFD,
    "STOP": 0x00,
}  # fmt: skip

_FORWARD = f"""
    {SENDER} CALLER EQ ISZERO @callback JUMPI
    0x20 CALLDATASIZE SUB 0x20 0x00 CALLDATACOPY
    0x00 0x00 0x20 CALLDATASIZE SUB 0x00 0x00 0x00 CALLDATALOAD GAS CALL
    RETURNDATASIZE 0x00 0x00 RETURNDATACOPY
    @answered JUMPI RETURNDATASIZE 0x00 REVERT
    answered: RETURNDATASIZE 0x00 RETURN
    callback:
"""
_PAY = """
    0x00 {offset} CALLDATALOAD SGT ISZERO @{label} JUMPI
    0xa9059cbb00000000000000000000000000000000000000000000000000000000 0x00 MSTORE
    CALLER 0x04 MSTORE {offset} CALLDATALOAD 0x24 MSTORE
    0x00 0x00 0x44 0x00 0x00 {token} GAS CALL POP
    {label}:
"""


def payer_code(token0: str, token1: str) -> bytes:
    """A contract that the sender drives, and that pays what a v3 callback asks for.

    From the sender: the first word is the target, the rest is passed on to it, and its answer passed back.
    From anyone else: a callback (int256 amount0, int256 amount1, ...); the positive ones are transferred to it.
    """
    pays = [
        _PAY.format(offset=offset, token=token, label=label)
        for offset, token, label in (("0x04", token0, "paid0"), ("0x24", token1, "paid1"))
    ]
    return assemble(" ".join([_FORWARD, *pays, "STOP"]))


def assemble(text: str) -> bytes:
    """Mnemonics, 0x-literals (pushed at their width), `label:` (a JUMPDEST) and `@label` (its offset, pushed)."""
    code, labels, uses = bytearray(), {}, []
    for word in text.split():
        if word.startswith("0x"):
            literal = bytes.fromhex(word[2:])
            code += bytes([0x5F + len(literal)]) + literal
        elif word.startswith("@"):
            uses.append((len(code) + 1, word[1:]))
            code += b"\x61\x00\x00"
        elif word.endswith(":"):
            labels[word[:-1]] = len(code)
            code.append(0x5B)
        else:
            code.append(_OPCODES[word])
    for offset, label in uses:
        code[offset : offset + 2] = labels[label].to_bytes(2, "big")
    return bytes(code)


class UniswapV3:
    """Factory, two tokens with unlimited supply at the payer, and one pool at a time."""

    def __init__(self, evm: Machine, *, protocol_shares: tuple[int, int] = (0, 0)) -> None:
        self.evm = evm
        self.protocol_shares = protocol_shares
        tokens = [evm.deploy(initcode(_ERC20, ["uint256"], [2**256 - 1])) for _ in range(2)]
        self.token0, self.token1 = sorted(tokens, key=str.lower)
        evm.set_code(PAYER, payer_code(self.token0, self.token1))
        for token in tokens:
            evm.call(token, calldata("transfer(address,uint256)", PAYER, 2**256 - 1))
        self.factory = evm.deploy(initcode(_FACTORY))
        for fee_pips, spacing in FEES_AND_SPACINGS:
            if evm.call(self.factory, calldata("feeAmountTickSpacing(uint24)", fee_pips)) == bytes(32):
                evm.call(self.factory, calldata("enableFeeAmount(uint24,int24)", fee_pips, spacing))
        self.clean = evm.snapshot()

    def use(self, fee_pips: int, tick_spacing: int) -> None:
        """Throw the last pool away and create a new one."""
        self.evm.revert(self.clean)
        self.clean = self.evm.snapshot()
        self.fee_pips, self.tick_spacing = fee_pips, tick_spacing
        create = calldata("createPool(address,address,uint24)", self.token0, self.token1, fee_pips)
        self.pool = to_checksum_address(self.evm.call(self.factory, create)[-20:])
        self.ticks: set[int] = set()

    def initialize(self, sqrt_price_x96: int) -> None:
        self.evm.call(self.pool, calldata("initialize(uint160)", sqrt_price_x96))
        self.evm.call(self.pool, calldata("setFeeProtocol(uint8,uint8)", *self.protocol_shares))

    def protocol_fees(self) -> tuple[int, ...]:
        return tuple(_words(self.evm.call(self.pool, calldata("protocolFees()"))))

    def add_liquidity(self, lower: int, upper: int, liquidity: int) -> None:
        self._drive(calldata("mint(address,int24,int24,uint128,bytes)", PAYER, lower, upper, liquidity, b""))
        self.ticks |= {lower, upper}

    def load(self) -> ConcentratedPool:
        nets = {}
        for tick in self.ticks:
            words = _words(self.evm.call(self.pool, calldata("ticks(int24)", tick)))
            assert words[7] == 1, "the tick is initialized"
            nets[tick] = _signed(words[1])
        tokens = (Address(self.token0), Address(self.token1))
        return ConcentratedPool(
            self.pool, Family.UNISWAP_V3, tokens, self.fee_pips, self.tick_spacing, *self.state(), TickMap.of(nets)
        )

    def state(self) -> tuple[int, int, int]:
        price, tick = _words(self.evm.call(self.pool, calldata("slot0()")))[:2]
        (liquidity,) = _words(self.evm.call(self.pool, calldata("liquidity()")))
        return price, _signed(tick), liquidity

    def swap(self, request: Request) -> tuple[int, int]:
        answer = self._drive(
            calldata(
                "swap(address,bool,int256,uint160,bytes)",
                SENDER,
                request.zero_for_one,
                request.amount,
                request.chain_limit,
                b"",
            )
        )
        amount0, amount1 = _words(answer)
        return _signed(amount0), _signed(amount1)

    def explains(self, refusal: Exception, reverted: Reverted) -> bool:
        if isinstance(refusal, InvalidRequest):
            return (refusal.field, reverted.reason) == ("sqrt_price_limit_x96", "SPL")
        assert isinstance(refusal, QuoteRefused)
        return {Refusal.ZERO_AMOUNT: "AS", Refusal.INSUFFICIENT_LIQUIDITY: "SPL"}.get(refusal.reason) == reverted.reason

    def _drive(self, data: bytes) -> bytes:
        return self.evm.call(PAYER, bytes(12) + bytes.fromhex(self.pool[2:]) + data)


def run_cases(evm: Machine, *, cases: int, seed: int, least_spacing: int = 1) -> int:
    """Swap `cases` times over fresh random pools; return how many of the swaps reverted."""
    rng = random.Random(seed)
    kinds = [(fee_pips, spacing) for fee_pips, spacing in FEES_AND_SPACINGS if spacing >= least_spacing]
    chain = UniswapV3(evm)
    reverted = 0
    for _ in range(cases // SWAPS_PER_POOL):
        chain.use(*rng.choice(kinds))
        reverted += run(chain, rng, swaps=SWAPS_PER_POOL)
    return reverted


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]


def _signed(word: int) -> int:
    return word - 2**256 if word >> 255 else word


def test_random_swaps_give_the_chain_s_amounts_state_and_reverts() -> None:
    assert run_cases(Evm(), cases=600, seed=1) > 0


@pytest.mark.slow
def test_ten_thousand_random_swaps_give_the_chain_s_amounts_state_and_reverts() -> None:
    reverted = sum(run_cases(Evm(), cases=2_500, seed=seed) for seed in range(100, 104))
    assert 0 < reverted < 2_500


@pytest.mark.slow
def test_a_second_virtual_machine_agrees() -> None:
    # Wide spacings only: a drained pool of spacing 1 is thousands of steps, at a second or more each way.
    assert run_cases(PyEvm(), cases=100, seed=2, least_spacing=60) > 0


def test_the_protocol_s_share_of_the_fee_changes_no_amount() -> None:
    chain = UniswapV3(Evm(), protocol_shares=(4, 10))
    chain.use(3000, 60)
    reverted = run(chain, random.Random(3), swaps=SWAPS_PER_POOL)
    assert reverted < SWAPS_PER_POOL
    assert chain.protocol_fees() != (0, 0)
