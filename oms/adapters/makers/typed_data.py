"""Signing a quote as a maker, and finding out who signed one.

Owns: the use of keys on a quote's digest.
Must not: keep a key, hash (`oms.execution.rfq` does), or decide whether a quote is acceptable.
Source: EIP-2 for the canonical half of s.
"""

from typing import Final

from eth_account import Account
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from oms.domain.quotes import FirmQuote
from oms.execution.rfq import QuoteTerms
from oms.units import Address

HALF_CURVE_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of secp256k1's order; of the two values of s that verify, only the one up to here is canonical."""


def sign(quote: FirmQuote, key: str) -> bytes:
    """r ‖ s ‖ v over the quote's digest, canonical; the quote's own signature field is not read."""
    return bytes(Account.unsafe_sign_hash(digest_of(quote), key).signature)


def signer_of(quote: FirmQuote) -> Address | None:
    """Whose signature the quote carries; `None` where it is no signature, or not the canonical one of its two forms."""
    return recovered(digest_of(quote), quote.signature)


def recovered(digest: bytes, signature: bytes) -> Address | None:
    """Whose r ‖ s ‖ v over 32 bytes this is; `None` likewise."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        return None
    if int.from_bytes(signature[32:64]) > HALF_CURVE_ORDER:
        return None
    try:
        recoverable = Signature(signature[:64] + bytes([signature[64] - 27]))
        return Address(recoverable.recover_public_key_from_msg_hash(digest).to_checksum_address())
    except (BadSignature, ValidationError):
        return None


def digest_of(quote: FirmQuote) -> bytes:
    """The 32 bytes that the maker signs."""
    terms = QuoteTerms(
        maker=quote.maker,
        taker=quote.taker,
        maker_token=quote.maker_token,
        taker_token=quote.taker_token,
        maker_amount=quote.maker_amount,
        taker_amount=quote.taker_amount,
        expiry=quote.expiry,
        nonce=quote.nonce,
        partial_fill_allowed=quote.partial_fill_allowed,
    )
    return terms.digest(quote.chain_id, quote.settlement)
