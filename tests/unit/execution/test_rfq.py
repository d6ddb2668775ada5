"""The maker's EIP-712 digest, against an independent implementation of EIP-712."""

from dataclasses import replace

from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.execution.rfq import QUOTE_TYPE, QuoteTerms, domain_separator, maker_amount_down
from oms.units import UINT128_MAX, UINT256_MAX, Address

SETTLEMENT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
TERMS = QuoteTerms(
    maker=Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    taker=Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    maker_token=Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
    taker_token=Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
    maker_amount=50_000 * 10**6,
    taker_amount=25 * 10**18,
    expiry=1_773_164_352,
    nonce=7,
    partial_fill_allowed=True,
)


@given(st.integers(0, UINT256_MAX), st.integers(0, UINT256_MAX), st.booleans(), st.integers(1, 2**40))
def test_the_digest_is_that_of_eip_712(amount: int, nonce: int, partial: bool, chain_id: int) -> None:
    terms = replace(TERMS, maker_amount=amount, nonce=nonce, partial_fill_allowed=partial)
    signable = encode_typed_data(full_message=terms.typed_data(chain_id, SETTLEMENT))
    assert signable.body == terms.struct_hash()
    assert signable.header == domain_separator(chain_id, SETTLEMENT)
    assert keccak(b"\x19\x01" + signable.header + signable.body) == terms.digest(chain_id, SETTLEMENT)


def test_the_type_is_spelt_as_the_contract_spells_it() -> None:
    assert QUOTE_TYPE == (
        "Quote(address maker,address taker,address makerToken,address takerToken,uint256 makerAmount,"
        "uint256 takerAmount,uint256 expiry,uint256 nonce,bool partialFillAllowed)"
    )


def test_chain_and_contract_are_part_of_what_is_signed() -> None:
    digest = TERMS.digest(1, SETTLEMENT)
    assert digest != TERMS.digest(10, SETTLEMENT)
    assert digest != TERMS.digest(1, TERMS.maker)


@given(st.integers(0, UINT128_MAX), st.integers(1, UINT128_MAX), st.integers(0, UINT128_MAX))
def test_a_partial_fill_never_costs_the_maker_more_than_its_price(gives: int, wants: int, fill: int) -> None:
    given_amount = maker_amount_down(gives, wants, fill)
    assert given_amount * wants <= gives * fill < (given_amount + 1) * wants
