"""What a maker signs: the EIP-712 form of a quote, as `contracts/RfqSettlement.sol` hashes it.

Owns: type, domain, digest, and the rounding of a partial fill.
Must not: sign, recover or hold a key.
Source: EIP-712.
"""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.units import Address

DOMAIN_NAME: Final = "oms RFQ"
DOMAIN_VERSION: Final = "1"

QUOTE_FIELDS: Final = (
    ("maker", "address"),
    ("taker", "address"),
    ("makerToken", "address"),
    ("takerToken", "address"),
    ("makerAmount", "uint256"),
    ("takerAmount", "uint256"),
    ("expiry", "uint256"),
    ("nonce", "uint256"),
    ("partialFillAllowed", "bool"),
)
QUOTE_TYPE: Final = f"Quote({','.join(f'{kind} {name}' for name, kind in QUOTE_FIELDS)})"
QUOTE_TYPEHASH: Final = keccak(QUOTE_TYPE.encode())

_DOMAIN_FIELDS: Final = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
_DOMAIN_TYPEHASH: Final = keccak(
    f"EIP712Domain({','.join(f'{kind} {name}' for name, kind in _DOMAIN_FIELDS)})".encode()
)


@dataclass(frozen=True, slots=True)
class QuoteTerms:
    """The signed fields of a quote, in the order of the type. Amounts in base units, `expiry` in Unix seconds."""

    maker: Address
    taker: Address
    maker_token: Address
    taker_token: Address
    maker_amount: int
    taker_amount: int
    expiry: int
    nonce: int
    partial_fill_allowed: bool

    @property
    def message(self) -> dict[str, Any]:
        """The fields under their names in the signed type."""
        return dict(zip((name for name, _ in QUOTE_FIELDS), self._values(), strict=True))

    def struct_hash(self) -> bytes:
        """EIP-712's `hashStruct`."""
        kinds = ["bytes32", *(kind for _, kind in QUOTE_FIELDS)]
        return keccak(encode(kinds, [QUOTE_TYPEHASH, *self._values()]))

    def digest(self, chain_id: int, settlement: Address) -> bytes:
        """The 32 bytes that the maker's key signs for the settlement contract at `settlement`."""
        return keccak(b"\x19\x01" + domain_separator(chain_id, settlement) + self.struct_hash())

    def typed_data(self, chain_id: int, settlement: Address) -> dict[str, Any]:
        """The document for `eth_signTypedData_v4`."""
        return {
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in _DOMAIN_FIELDS],
                "Quote": [{"name": name, "type": kind} for name, kind in QUOTE_FIELDS],
            },
            "primaryType": "Quote",
            "domain": {
                "name": DOMAIN_NAME,
                "version": DOMAIN_VERSION,
                "chainId": chain_id,
                "verifyingContract": settlement,
            },
            "message": self.message,
        }

    def _values(self) -> list[Any]:
        parties = [self.maker, self.taker, self.maker_token, self.taker_token]
        return [*parties, self.maker_amount, self.taker_amount, self.expiry, self.nonce, self.partial_fill_allowed]


def domain_separator(chain_id: int, settlement: Address) -> bytes:
    """EIP-712's domain separator of the settlement contract."""
    kinds = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
    name, version = keccak(DOMAIN_NAME.encode()), keccak(DOMAIN_VERSION.encode())
    return keccak(encode(kinds, [_DOMAIN_TYPEHASH, name, version, chain_id, settlement]))


def maker_amount_down(maker_amount: int, taker_amount: int, fill: int) -> int:
    """What the maker gives when `fill` of its `taker_amount` is paid, rounded down."""
    return maker_amount * fill // taker_amount
