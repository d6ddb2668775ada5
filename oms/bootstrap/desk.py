"""Wiring the desk on an open fork: contracts, accounts, gate facts, and the order's saga.

Owns: which account pays, and the preparation that a fork needs before its first settlement.
Must not: decide on an order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import quantity
from oms.adapters.evm.contracts import OurContracts, deploy_on_fork, our_contracts, registry_delay, venue_ids
from oms.adapters.evm.funding import fund, set_native_balance
from oms.adapters.evm.rpc import RpcClient, RpcError
from oms.adapters.evm.settlement import ForkSettlement, local_account
from oms.adapters.makers.chain_time import chain_time
from oms.adapters.storage.journal import SqliteJournal
from oms.application.desk import Account, ChainFacts, Desk
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.sessions import DESK, DESK_KEY, ChainSession
from oms.config import Settings
from oms.domain.plans import RoutePlan
from oms.domain.token import Token
from oms.domain.transactions import TransactionRequest
from oms.errors import InvalidRequest
from oms.execution.settlement_calldata import allowance_request, settlement_transaction
from oms.ports.exchange import Exchange
from oms.units import Address, Wei

PLAY_MONEY_WEI = Wei(10_000 * 10**18)
_ALLOWANCE = keccak(b"allowance(address,address)")[:4]


@dataclass(frozen=True, slots=True)
class OpenDesk:
    """A desk ready to settle on a fork, and what it needs closed afterwards."""

    desk: Desk
    journal: SqliteJournal
    settlement: ForkSettlement
    contracts: OurContracts
    rpc: RpcClient

    def fund_executor(self, token: Token, amount: int) -> bool:
        """Give the executor play money where it holds less than `amount`; whether any was needed."""
        executor = self.desk.account.executor
        (held,) = self.settlement.balances([(executor, token.address)])
        if held >= amount:
            return False
        fund(self.rpc, token.address, executor, amount)
        return True

    def allowances(self, tokens: Sequence[Address], spenders: Iterable[Address]) -> list[int]:
        """What the executor allows each spender of each token."""
        owner = self.contracts.executor
        pairs = [(token, spender) for token in tokens for spender in spenders]
        answers = self.rpc.batch(("eth_call", [_allowance_call(t, owner, s), "latest"]) for t, s in pairs)
        return [quantity(answer, venue=self.rpc.venue, what="allowance") for answer in answers]


def journal_path(settings: Settings) -> Path:
    """Where the desk's journal is."""
    return settings.home / "journal.sqlite"


def contracts_of(settings: Settings, session: ChainSession, owner: Address) -> OurContracts:
    """Our contracts for this owner on this chain. Raises `Terminal` where they are not compiled."""
    delay = registry_delay(session.venues.chain_id, development=session.is_fork)
    return our_contracts(Artifacts(settings.project), session.venues, owner, delay=delay)


def open_desk(
    settings: Settings,
    session: ChainSession,
    *,
    owner: Address = DESK,
    exchanges: Sequence[Exchange] = (),
    pulls_from_owner: bool = False,
    executor: Address | None = None,
) -> OpenDesk:
    """A desk on a fork: contracts put there where missing, the owner given ether for gas.

    An `executor` that is named stands already, and nothing is put anywhere.

    Raises:
        InvalidRequest: the session is not a fork; nothing is ever sent to a live chain.
    """
    if not session.is_fork:
        raise InvalidRequest("chain", "orders settle on forks only in this version; use one that `oms fork up` started")
    rpc = session.rpc
    contracts = contracts_of(settings, session, owner)
    if owner == DESK:
        set_native_balance(rpc, owner, PLAY_MONEY_WEI)
    if executor is None:
        deploy_contracts(rpc, contracts, session)
    key = local_account(DESK_KEY) if owner == DESK else None
    settlement = ForkSettlement(rpc, sender=owner, key=key)
    clock = SystemClock()
    journal = SqliteJournal(journal_path(settings), clock=clock)
    account = Account(owner, executor or contracts.executor, pulls_from_owner)
    ids = venue_ids(session.venues)

    def build(plan: RoutePlan) -> TransactionRequest:
        return settlement_transaction(
            plan, owner=owner, executor=account.executor, venue_ids=ids, pulls_from_owner=pulls_from_owner
        )

    desk = Desk(
        journal=journal,
        settlement=settlement,
        exchanges=exchanges,
        limits=settings.limits,
        clock=clock,
        account=account,
        facts=lambda plan: _facts(rpc, settlement, account, plan),
        build=build,
        allowance=lambda plan, amount: allowance_request(plan, owner=owner, executor=account.executor, amount=amount),
    )
    return OpenDesk(desk, journal, settlement, contracts, rpc)


def deploy_contracts(rpc: RpcClient, contracts: OurContracts, session: ChainSession) -> None:
    """Put them on a fork where they are missing. Raises `InvalidRequest` for an owner without ether."""
    try:
        deploy_on_fork(rpc, contracts, session.venues)
    except RpcError as error:
        if "insufficient funds" not in error.failure.message.lower():
            raise
        reason = f"{contracts.owner} has too little ether for gas on this chain; name an account that has some"
        raise InvalidRequest("account", reason) from error


def _facts(rpc: RpcClient, settlement: ForkSettlement, account: Account, plan: RoutePlan) -> ChainFacts:
    token = plan.intent.token_in.address
    (balance,) = settlement.balances([(account.payer, token)])
    latest = quantity(rpc.call("eth_blockNumber"), venue=rpc.venue, what="eth_blockNumber")
    allowance = _allowance(rpc, token, account.owner, account.executor)
    return ChainFacts(balance, allowance, chain_time(rpc), latest)


def _allowance(rpc: RpcClient, token: Address, owner: Address, spender: Address) -> int:
    answer = rpc.call("eth_call", _allowance_call(token, owner, spender), "latest")
    return quantity(answer, venue=rpc.venue, what="allowance")


def _allowance_call(token: Address, owner: Address, spender: Address) -> dict[str, str]:
    return {"to": token, "data": "0x" + (_ALLOWANCE + encode(["address", "address"], [owner, spender])).hex()}
