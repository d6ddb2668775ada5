"""`ConstantProductPool` against the published bytecode of `UniswapV2Pair`: amounts, reserves after, and reverts."""

import random
from dataclasses import dataclass, field

import pytest

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
        if not commit:
            self.evm.revert(checkpoint)
        return ""

    def reserves(self) -> tuple[int, int]:
        word = self.evm.get_storage(self.address, _RESERVES_SLOT)
        return word & UINT112_MAX, word >> 112 & UINT112_MAX

    def _set_balance(self, token: str, owner: str, raw: int) -> None:
        self.evm.set_storage(token, balance_slot(owner), raw)


def balance_slot(owner: str) -> int:
    from eth_utils.crypto import keccak

    return int.from_bytes(keccak(bytes(12) + bytes.fromhex(owner[2:]) + _BALANCE_OF_SLOT.to_bytes(32, "big")), "big")
