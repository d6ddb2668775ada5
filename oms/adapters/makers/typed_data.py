"""What a maker signs: the EIP-712 form of a quote, and who signed it.

Owns: the typed message, signing it with a given key, and recovering its signer.
Must not: keep a key, or decide whether a quote is acceptable.
Source: EIP-712; `contracts/RfqSettlement.sol` for type and domain; EIP-2 for the canonical half of s.
"""

from typing import Final

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from oms.domain.quotes import FirmQuote
from oms.units import Address

HALF_CURVE_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's order; of the two values of s that verify, only the one up to here is canonical."""

QUOTE_TYPE: Final = {
    "Quote": [
        {"name": "maker", "type": "address"},
        {"name": "taker", "type": "address"},
        {"name": "makerToken", "type": "address"},
        {"name": "takerToken", "type": "address"},
        {"name": "makerAmount", "type": "uint256"},
        {"name": "takerAmount", "type": "uint256"},
        {"name": "expiry", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "partialFillAllowed", "type": "bool"},
    ]
}


def sign(quote: FirmQuote, key: str) -> bytes:
    """r ‖ s ‖ v over the quote's digest, canonical; the quote's own signature field is not read."""
    return bytes(Account.sign_message(_signable(quote), key).signature)


def signer_of(quote: FirmQuote) -> Address | None:
    """Whose signature the quote carries; `None` where it is no signature, or not the canonical one of its two forms."""
    signature = quote.signature
    if len(signature) != 65 or signature[64] not in (27, 28):
        return None
    if int.from_bytes(signature[32:64]) > HALF_CURVE_ORDER:
        return None
    try:
        return Address(Account.recover_message(_signable(quote), signature=signature))
    except (BadSignature, ValidationError, ValueError):
        return None


def _signable(quote: FirmQuote) -> SignableMessage:
    domain = {
        "name": "oms RFQ",
        "version": "1",
        "chainId": quote.chain_id,
        "verifyingContract": quote.settlement,
    }
    message = {
        "maker": quote.maker,
        "taker": quote.taker,
        "makerToken": quote.maker_token,
        "takerToken": quote.taker_token,
        "makerAmount": quote.maker_amount,
        "takerAmount": quote.taker_amount,
        "expiry": quote.expiry,
        "nonce": quote.nonce,
        "partialFillAllowed": quote.partial_fill_allowed,
    }
    return encode_typed_data(domain_data=domain, message_types=QUOTE_TYPE, message_data=message)
