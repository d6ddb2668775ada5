"""Tokens and exact amounts of them."""

from dataclasses import dataclass

from oms.errors import InvalidRequest
from oms.units import Address, format_amount


@dataclass(frozen=True, slots=True, order=True)
class Token:
    """An ERC-20 on one chain. The native coin is represented by its wrapped form."""

    chain_id: int
    address: Address
    symbol: str
    decimals: int

    def __str__(self) -> str:
        return self.symbol


@dataclass(frozen=True, slots=True)
class TokenAmount:
    """`raw` base units of `token`; arithmetic across tokens is refused."""

    token: Token
    raw: int

    def __add__(self, other: "TokenAmount") -> "TokenAmount":
        return TokenAmount(self.token, self.raw + self._same(other))

    def __sub__(self, other: "TokenAmount") -> "TokenAmount":
        return TokenAmount(self.token, self.raw - self._same(other))

    def __lt__(self, other: "TokenAmount") -> bool:
        return self.raw < self._same(other)

    def __str__(self) -> str:
        return f"{format_amount(self.raw, self.token.decimals)} {self.token.symbol}"

    def _same(self, other: "TokenAmount") -> int:
        if other.token != self.token:
            raise InvalidRequest("token", f"cannot combine {self.token.symbol} with {other.token.symbol}")
        return other.raw
