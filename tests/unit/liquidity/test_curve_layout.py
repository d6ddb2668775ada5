"""Storage words to pools: the right slots, and a clear refusal for a missing one."""

import pytest
from eth_utils.crypto import keccak

from oms.errors import BeyondKnownRange
from oms.liquidity.cryptoswap_peg import Generation
from oms.liquidity.curve_layout import (
    STABLESWAP_BALANCES,
    STABLESWAP_RAMP_SLOTS,
    THREE_POOL,
    TRICRYPTO2,
    TRICRYPTO_BALANCES,
    TRICRYPTO_USDC,
    cryptoswap_slots,
    decode_cryptoswap,
    decode_stableswap,
    stableswap_slots,
)

THREE_POOL_WORDS = dict.fromkeys(stableswap_slots(3), 0) | {7: 2000, 9: 1_000}


def test_arrays_of_old_compilers_lie_at_the_hash_of_their_slot() -> None:
    assert int.from_bytes(keccak((1).to_bytes(32, "big")), "big") == STABLESWAP_BALANCES
    assert int.from_bytes(keccak((22).to_bytes(32, "big")), "big") == TRICRYPTO_BALANCES


def test_ramp_words_are_needed_only_while_a_ramp_lies_ahead() -> None:
    settled = decode_stableswap(THREE_POOL_WORDS, deployment=THREE_POOL, timestamp=1_000)
    assert settled.a() == 2000
    with pytest.raises(BeyondKnownRange, match="0x6"):
        decode_stableswap(THREE_POOL_WORDS, deployment=THREE_POOL, timestamp=999)
    words = THREE_POOL_WORDS | dict(zip(STABLESWAP_RAMP_SLOTS, (1000, 0), strict=True))
    assert decode_stableswap(words, deployment=THREE_POOL, timestamp=500).a() == 1500


@pytest.mark.parametrize("slot", stableswap_slots(3))
def test_a_missing_stableswap_word_is_named(slot: int) -> None:
    words = {key: word for key, word in THREE_POOL_WORDS.items() if key != slot}
    with pytest.raises(BeyondKnownRange, match=f"{slot:#x}"):
        decode_stableswap(words, deployment=THREE_POOL, timestamp=1_000)


@pytest.mark.parametrize("deployment", [TRICRYPTO2, TRICRYPTO_USDC], ids=["tricrypto2", "tricryptoUSDC"])
def test_a_missing_cryptoswap_word_is_named(deployment: object) -> None:
    assert deployment in (TRICRYPTO2, TRICRYPTO_USDC)
    chosen = TRICRYPTO2 if deployment is TRICRYPTO2 else TRICRYPTO_USDC
    always = cryptoswap_slots(chosen.generation).always
    assert len(set(always)) == len(always)
    for slot in always:
        words = dict.fromkeys(set(always) - {slot}, 0)
        with pytest.raises(BeyondKnownRange, match=f"{slot:#x}"):
            decode_cryptoswap(words, deployment=chosen, total_supply=1, timestamp=0)


def test_packed_words_are_taken_apart_as_the_contract_does() -> None:
    words = dict.fromkeys(cryptoswap_slots(Generation.TRICRYPTO_NG).always, 0)
    words |= {1: 10**12 << 128 | 10**10 << 64 | 1, 3: 7 << 128 | 5, 9: 11 << 128 | 13}
    words |= {18: 17 << 128 | 19 << 64 | 23, 20: 29 << 128 | 31 << 64 | 37}
    pool = decode_cryptoswap(words, deployment=TRICRYPTO_USDC, total_supply=1, timestamp=0)
    assert pool.precisions == (10**12, 10**10, 1)
    assert pool.peg.price_scale == (5, 7)
    assert pool.ramp.at(0) == (11, 13)
    rules, fee = pool.rules, pool.fee
    assert (rules.allowed_extra_profit, rules.adjustment_step, rules.ma_time) == (17, 19, 23)
    assert (fee.mid_fee, fee.out_fee, fee.fee_gamma) == (29, 31, 37)
