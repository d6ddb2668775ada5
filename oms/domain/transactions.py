"""Transactions as values: what will be signed, and what became of it."""

from dataclasses import dataclass

from oms.domain.token import Token
from oms.units import Address, Gas, Wei

NO_VALUE = Wei(0)


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """An unsigned call, complete but for nonce and fees, which the sender fills in."""

    chain_id: int
    sender: Address
    to: Address | None
    data: bytes
    value: Wei = NO_VALUE
    gas_limit: Gas | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class SettlementRequest:
    """The plan's one transaction, with what the gate judged it on."""

    plan_id: str
    transaction: TransactionRequest
    executor: Address
    token_in: Token
    token_out: Token
    amount_in: int
    amount_out_min: int
    deadline: int


@dataclass(frozen=True, slots=True)
class AllowanceRequest:
    """Let `spender` pull exactly `amount` of the owner's token, or, with zero, nothing any more."""

    plan_id: str
    transaction: TransactionRequest
    token: Token
    spender: Address
    amount: int


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """A call of an executor beside a plan of one's own: an owner's act, a batch, or what somebody signed."""

    transaction: TransactionRequest
    executor: Address


Sendable = SettlementRequest | AllowanceRequest | AccountRequest
"""What may be sent to a chain, once approved."""


@dataclass(frozen=True, slots=True)
class TransferLog:
    """One ERC-20 `Transfer` in a transaction, in the order of its logs."""

    token: Address
    sender: Address
    recipient: Address
    amount: int


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """An account's balance of one token around a transaction; `token` zero is the native coin."""

    account: Address
    token: Address
    before: int
    after: int

    @property
    def delta(self) -> int:
        """`after` less `before`."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the chain did with a transaction."""

    transaction_hash: str
    block_number: int
    succeeded: bool
    gas_used: Gas
    effective_gas_price: Wei
    transfers: tuple[TransferLog, ...]
    revert_data: bytes = b""

    @property
    def fee_wei(self) -> Wei:
        """What the sender paid for gas, whether it succeeded or not."""
        return Wei(self.gas_used * self.effective_gas_price)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do at the simulated block: every balance that would change, or why it reverts."""

    succeeded: bool
    gas_used: Gas
    changes: tuple[BalanceChange, ...]
    transfers: tuple[TransferLog, ...]
    revert_data: bytes = b""
    revert_reason: str = ""
    output: bytes = b""
    """What the call answers, if it succeeds."""
