"""Tokens whose transfers cost more gas than a plain ERC-20's, by chain.

Owns: those figures. Must not: estimate a plan; `oms.routing.gas_model` does, given these.
Source: receipts of 60 orders on a fork of recorded mainnet (block 24628607, the tokens' own bytecode), by least squares
of what the estimate for plain tokens left over. USDC is a proxy with a pause switch and a blacklist, USDT reads its
owner's blacklist, fee and successor, WBTC a pause switch.
"""

from collections.abc import Mapping
from typing import Final

from oms.routing.gas_model import TokenGas
from oms.units import Address

TOKEN_GAS: Final[Mapping[int, Mapping[Address, TokenGas]]] = {
    1: {
        Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"): TokenGas(first=12_100, transfer=2_200),  # USDC
        Address("0xdAC17F958D2ee523a2206206994597C13D831ec7"): TokenGas(first=10_100, transfer=3_300),  # USDT
        Address("0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599"): TokenGas(first=2_600, transfer=1_500),  # WBTC
        Address("0x6B175474E89094C44Da98b954EedeAC495271d0F"): TokenGas(first=0, transfer=900),  # DAI
    },
}


def token_gas_of(chain_id: int) -> Mapping[Address, TokenGas]:
    """The chain's dear tokens; a token that is not named is taken to be plain."""
    return TOKEN_GAS.get(chain_id, {})
