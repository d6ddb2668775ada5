"""What all Balancer v2 pools share: the Vault's bounds, the swap fee, and the scaling of amounts to 18 decimals.

Owns: rounding around a pool's formula, and the range of a balance in the Vault.
Must not: know any pool's formula. Internal balances, managed funds and joins are not modelled: a pool's balances are
its cash.
Source: Balancer v2 `Vault.swap`, `BalanceAllocation`, `FixedPoint`, and `BasePool._subtractSwapFeeAmount` and
`_addSwapFeeAmount`. `BAL#nnn` are the Vault's and the pools' error codes.
"""

from oms.errors import PoolOutdated, QuoteRefused, Refusal, StateConflict
from oms.liquidity.pool_events import PoolEvent, VaultBalancesChanged, VaultSwapped, unknown_effect
from oms.units import Address

ONE = 10**18
UINT112_MAX = 2**112 - 1
"""The Vault keeps a token's cash in 112 bits (BAL#526 beyond)."""

ZERO_AMOUNT_DETAIL = "the Vault swaps no zero amounts (BAL#510); ask for more"
TOO_MUCH_FOR_VAULT_DETAIL = "the Vault's balance would exceed 112 bits (BAL#526); ask for less"


def subtract_swap_fee(amount_in: int, swap_fee: int) -> int:
    """What is left of an exact input to trade; the fee is rounded up."""
    return amount_in * (ONE - swap_fee) // ONE


def add_swap_fee(amount_in: int, swap_fee: int) -> int:
    """The input that leaves `amount_in` after the fee, rounded up as `FixedPoint.divUp`."""
    return -(-amount_in * ONE // (ONE - swap_fee))


def largest_before_fee(amount_in: int, swap_fee: int) -> int:
    """The largest input of which no more than `amount_in` is left after the fee."""
    return ((amount_in + 1) * ONE - 1) // (ONE - swap_fee)


def check_balances(pool_id: str, balances: tuple[int, ...], *, swap_fee: int) -> None:
    """Refuse a state that the Vault cannot hold. Raises `StateConflict`."""
    if min(balances) < 0 or max(balances) > UINT112_MAX:
        raise StateConflict(pool_id, "a balance does not fit the Vault's 112 bits; load the pool again")
    if not 0 <= swap_fee < ONE:
        raise StateConflict(pool_id, "the swap fee is not below one (18 decimals); load the pool again")


def indexes(pool_id: str, tokens: tuple[Address, ...], token_in: Address, token_out: Address) -> tuple[int, int]:
    """Positions of the two tokens. Raises `QuoteRefused` for a foreign token or twice the same."""
    if token_in == token_out or token_in not in tokens or token_out not in tokens:
        raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"{pool_id} does not trade {token_in} for {token_out}")
    return tokens.index(token_in), tokens.index(token_out)


def moved(balances: tuple[int, ...], i: int, amount_in: int, *, j: int, amount_out: int) -> tuple[int, ...]:
    """The Vault's balances after the swap; the fee stays in the pool."""
    after = list(balances)
    after[i] += amount_in
    after[j] -= amount_out
    return tuple(after)


def balances_after(
    pool_id: str, tokens: tuple[Address, ...], balances: tuple[int, ...], event: PoolEvent, *, share: Address
) -> tuple[int, ...]:
    """The Vault's balances of `tokens` after one of its events; `share` is the pool's own token, which may be traded.

    Raises `PoolOutdated` for any other event, for a foreign token, or for more than the Vault can hold.
    """
    if isinstance(event, VaultSwapped):
        changes = [(event.token_in, event.amount_in), (event.token_out, -event.amount_out)]
    elif isinstance(event, VaultBalancesChanged):
        rows = zip(event.tokens, event.deltas, event.protocol_fees, strict=True)
        changes = [(token, delta - fee) for token, delta, fee in rows]
    else:
        raise unknown_effect(pool_id, event)
    after = list(balances)
    for token, change in changes:
        if token in tokens:
            after[tokens.index(token)] += change
        elif token != share:
            raise PoolOutdated(pool_id, f"{token} is not among its tokens; load the pool again")
    if min(after) < 0 or max(after) > UINT112_MAX:
        raise PoolOutdated(pool_id, "an event leaves a balance that the Vault cannot hold; load the pool again")
    return tuple(after)
