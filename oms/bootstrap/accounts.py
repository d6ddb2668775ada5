"""An executor that is open for its owner: read, and on a fork acted for.

Owns: which executor is meant, who sends and with what key, and what the chain must be asked before an act.
Must not: decide what may be granted or sent; `oms.application` does.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eth_account import Account
from hexbytes import HexBytes

from oms.adapters.evm.addresses import parse_address
from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.contracts import LEG_SOLIDLY, LEG_V2, LEG_V3, venue_ids
from oms.adapters.evm.deployment_record import read_record
from oms.adapters.evm.devnet.deploy import encode_call
from oms.adapters.evm.executor_reading import (
    ExecutorReader,
    Known,
    read_far_references,
    read_grant,
    read_lane,
    read_references,
    read_rules,
    read_state,
    read_venues,
)
from oms.adapters.evm.funding import set_native_balance
from oms.adapters.evm.rpc import RpcError, RpcFailure
from oms.adapters.evm.settlement import ForkSettlement, local_account
from oms.adapters.evm.tokens import TokenDirectory
from oms.adapters.makers.chain_time import chain_time
from oms.adapters.makers.typed_data import recovered
from oms.adapters.storage.journal import SqliteJournal
from oms.application.acting import Act, Previewed, perform, preview_act
from oms.application.granting import (
    COIN_DECIMALS,
    Asked,
    Checked,
    GrantFacts,
    GrantWords,
    bridges_at_a_price,
    numbered_venues,
    read_terms,
    refuse_absurd,
)
from oms.application.owning import FarToken
from oms.application.plan_file import require_current, to_json_value
from oms.application.relaying import SignedFacts, SignedPlans
from oms.application.settling import new_order_id, plan_checks
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.desk import PLAY_MONEY_WEI, OpenDesk, contracts_of, deploy_contracts, journal_path, open_desk
from oms.bootstrap.executor_words import ExecutorWords
from oms.bootstrap.sessions import DESK, DESK_KEY, ChainSession, Opening, open_session
from oms.config import Settings
from oms.domain.plans import RoutePlan
from oms.domain.token import Token
from oms.domain.transactions import AccountRequest, Receipt, TransactionRequest
from oms.domain.venue import Family
from oms.errors import InvalidRequest, StateConflict, Terminal
from oms.execution.executor_state import ExecutorState, FarReference
from oms.execution.settlement_calldata import packed_bytes
from oms.execution.signed_plans import PlanResult, SignedBatch
from oms.risk.gate import CheckResult
from oms.units import ZERO_ADDRESS, Address

NATIVE = "native"
"""What the chain's own coin is called in a session, where it is an asset apart from its wrapped form."""

_REGISTERED = {Family.UNISWAP_V2: LEG_V2, Family.UNISWAP_V3: LEG_V3, Family.SOLIDLY: LEG_SOLIDLY}


@dataclass(frozen=True, slots=True)
class PreparedPlans:
    """Plans as the executor takes them in a batch, and what the gate finds of each."""

    plans: tuple[RoutePlan, ...]
    packed: tuple[bytes, ...]
    findings: tuple[CheckResult, ...]
    watch: tuple[tuple[Address, Address], ...]

    @property
    def deadline(self) -> int:
        """The earliest, in Unix seconds."""
        return min(plan.deadline for plan in self.plans)


class OpenExecutor:
    """An executor on an open chain. Use it as a context manager."""

    def __init__(
        self, settings: Settings, session: ChainSession, executor: Address, *, placed: bool, resources: ExitStack
    ) -> None:
        self.settings = settings
        self.session = session
        self.executor = executor
        self.placed = placed
        """It did not stand on this chain before, and was put on this fork of it."""
        self._resources = resources
        self._opened: SqliteJournal | None = None
        self._lists = () if settings.token_list is None else (settings.token_list,)
        self.directory = TokenDirectory.of_chain(session.venues.chain_id, lists=self._lists, tokens=session.tokens)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @property
    def chain_id(self) -> int:
        """The chain's."""
        return self.session.venues.chain_id

    @property
    def lasts(self) -> bool:
        """Whether the chain is still there after this command."""
        return self.session.record is not None

    @property
    def factories(self) -> Mapping[tuple[int, int], str]:
        """Names of the factories that this chain's executors are told of, by kind and number."""
        ids = venue_ids(self.session.venues)
        return {(_REGISTERED[family], number): name for (family, name), number in ids.items()}

    @property
    def tokens(self) -> Mapping[Address, Token]:
        """Every known token."""
        return {token.address: token for token in self.directory.tokens}

    def now(self) -> int:
        """The chain's time, in Unix seconds."""
        return chain_time(self.session.rpc)

    def reader(self) -> ExecutorReader:
        """The executor at the newest block."""
        return ExecutorReader(PinnedChain.at_latest(self.session.rpc, expected_chain_id=self.chain_id), self.executor)

    def owner(self) -> Address:
        """Whom it obeys now. Raises `StateConflict` where no executor stands."""
        reader = self.reader()
        if not reader.code_stands():
            raise StateConflict("executor", f"nothing stands at {self.executor} on this chain; name another --executor")
        found: Address = reader.one("owner()", returns="address")[0]
        return found

    def state(self, *, since: int | None = None, keys: Sequence[Address] = ()) -> ExecutorState:
        """All that can be read, with logs from block `since` on; by default from the first that may matter."""
        known = Known([token.address for token in self.directory.tokens], self.factories)
        reader = self.reader()
        begin = min(self.first_block(), reader.chain.block.number) if since is None else since
        return read_state(reader, known, since=begin, keys=keys)

    def first_block(self) -> int:
        """From which logs may matter: zero, but for a recorded chain, which has none and whose executors came after."""
        if self.session.kind != "recorded":
            return 0
        if self.session.record is not None:
            return self.session.record.block + 1
        info = self.session.rpc.call("anvil_nodeInfo") if self.session.is_fork else None
        fork = info.get("forkConfig") if isinstance(info, dict) else None
        block = fork.get("forkBlockNumber") if isinstance(fork, dict) else None
        return block + 1 if isinstance(block, int) else 0

    # --- acting ---------------------------------------------------------------------------------------------------

    def act(
        self,
        purpose: str,
        data: bytes,
        sender: Address,
        *,
        findings: Sequence[CheckResult] = (),
        watch: Sequence[tuple[Address, Address]] = (),
        takes_away: bool = False,
    ) -> Act:
        """A call of the executor."""
        transaction = TransactionRequest(self.chain_id, sender, self.executor, data, purpose=purpose)
        return Act(purpose, AccountRequest(transaction, self.executor), tuple(findings), tuple(watch), takes_away)

    def preview(self, act: Act) -> Previewed:
        """Simulate and check; nothing is sent."""
        return preview_act(self._journal(), self.settlement(act.request.transaction.sender), act)

    def perform(self, previewed: Previewed) -> tuple[str, Receipt]:
        """Send it; the order id in the journal, and the receipt."""
        order_id = new_order_id()
        settlement = self.settlement(previewed.act.request.transaction.sender)
        return order_id, perform(self._journal(), settlement, previewed, order_id=order_id)

    def settlement(self, sender: Address) -> ForkSettlement:
        """For an account on the fork: with the desk's key, or impersonated."""
        return ForkSettlement(self.session.rpc, sender=sender, key=local_account(DESK_KEY) if sender == DESK else None)

    def _journal(self) -> SqliteJournal:
        if self._opened is None:
            opened = SqliteJournal(journal_path(self.settings), clock=SystemClock())
            self._opened = self._resources.enter_context(opened)
        return self._opened

    # --- sessions -------------------------------------------------------------------------------------------------

    def grant_facts(self) -> GrantFacts:
        """What words of a grant are read by."""
        reader = self.reader()
        owner, entry_point = (reader.one(f"{name}()", returns="address")[0] for name in ("owner", "entryPoint"))
        return GrantFacts(
            now=self.now(),
            executor=self.executor,
            owner=owner,
            entry_point=entry_point,
            factories={name: place for place, name in self.factories.items()},
            resolve=self.token,
            parse_address=lambda text, field: parse_address(text, field=field),
        )

    def asked(self, words: GrantWords, facts: GrantFacts) -> Asked:
        """The grant that words mean. Raises `InvalidRequest`, of which `AbsurdGrant` says what bounds nothing."""
        asked = read_terms(words, facts)
        reader, tokens = self.reader(), list(asked.tokens)
        venues = read_venues(reader, numbered_venues(asked.terms), names={})
        enabled = frozenset((each.kind, each.number) for each in venues if each.enabled)
        priced = frozenset(each.token for each in read_references(reader, tokens))
        if bridges_at_a_price(asked.terms):
            asked = replace(asked, far=self._far_references(reader))
        refuse_absurd(asked, facts, Checked(enabled, priced, self._supplies(tokens)))
        return asked

    def granted(self, key: Address) -> int:
        """How many sessions the key was granted so far."""
        return read_rules(self.reader(), key)[0]

    def token(self, text: str, option: str) -> Token:
        """A token by symbol or address; `native` is the coin itself, not its wrapped form."""
        if text.lower() == NATIVE:
            return Token(self.chain_id, ZERO_ADDRESS, NATIVE, COIN_DECIMALS)
        return self.directory.resolve(text, PinnedChain.at_latest(self.session.rpc), field=option)

    def far_token(self, text: str, chain_id: int) -> FarToken:
        """A token of another chain by its address, or by the symbol that it is known by here."""
        directory = TokenDirectory.of_chain(chain_id, lists=self._lists)
        if not text.startswith(("0x", "0X")):
            known = directory.resolve(text, field="token")
            return FarToken(chain_id, known.address, known.symbol, known.decimals)
        address = parse_address(text, field="token")
        found = next((token for token in directory.tokens if token.address == address), None)
        return FarToken(chain_id, address, found.symbol, found.decimals) if found else FarToken(chain_id, address)

    def _far_references(self, reader: ExecutorReader) -> tuple[FarReference, ...] | None:
        """Those that stand, by logs; None where the node will not search them."""
        try:
            return read_far_references(reader, since=min(self.first_block(), reader.chain.block.number))
        except Terminal:
            return None

    def _supplies(self, tokens: Sequence[Address]) -> dict[Address, int]:
        data = "0x" + encode_call("totalSupply()").hex()
        answers = self.session.rpc.batch(("eth_call", [{"to": token, "data": data}, "latest"]) for token in tokens)
        return {
            token: int(answer, 16)
            for token, answer in zip(tokens, answers, strict=True)
            if isinstance(answer, str) and len(answer) == 66 and int(answer, 16)
        }

    # --- plans ----------------------------------------------------------------------------------------------------

    def prepared(self, plans: Sequence[RoutePlan]) -> PreparedPlans:
        """Plans for a batch, on what the executor holds; the desk's own gets play money where it holds too little.

        Raises `InvalidRequest` for a plan of another chain, past its deadline, or with legs that no chain settles.
        """
        owner, now = self.owner(), self.now()
        for plan in plans:
            require_current(plan, chain_id=self.chain_id, chain_time=now)
        ids = venue_ids(self.session.venues)
        packed = tuple(packed_bytes(plan, executor=self.executor, venue_ids=ids) for plan in plans)
        desk = self._desk(owner)
        if owner == DESK:
            _fund(desk, plans)
        findings = [
            CheckResult(f"plan {index}: {each.name}", passed=each.passed, detail=each.detail)
            for index, plan in enumerate(plans, 1)
            for each in plan_checks(desk.desk, plan)
        ]
        tokens = dict.fromkeys(t.address for p in plans for leg in p.chain_legs for t in (leg.token_in, leg.token_out))
        return PreparedPlans(tuple(plans), packed, tuple(findings), tuple((self.executor, each) for each in tokens))

    def _desk(self, owner: Address) -> OpenDesk:
        opened = open_desk(self.settings, self.session, owner=owner, executor=self.executor)
        self._resources.callback(opened.journal.close)
        return opened

    def unsigned(
        self, prepared: PreparedPlans, key: Address, *, continue_mask: int, lane: int, deadline: int | None
    ) -> SignedBatch:
        """What the key is to sign: under its present grant, with the lane's next number."""
        reader = self.reader()
        grant = read_grant(reader, key)
        nonce = read_lane(reader, key, lane).nonce
        until = prepared.deadline if deadline is None else min(prepared.deadline, self.now() + deadline)
        return SignedBatch(key, grant, prepared.packed, continue_mask, nonce, until)

    def document(self, batch: SignedBatch) -> dict[str, Any]:
        """What a wallet's `eth_signTypedData_v4` takes, as JSON."""
        found: dict[str, Any] = to_json_value(batch.typed_data(self.chain_id, self.executor))
        return found

    def signature(self, batch: SignedBatch) -> bytes:
        """The key's, by the desk's own key or the fork's node. Raises `InvalidRequest` where neither has it."""
        if batch.key == DESK:
            digest = HexBytes(batch.digest(self.chain_id, self.executor))
            return bytes(Account.unsafe_sign_hash(digest, DESK_KEY).signature)
        try:
            answer = self.session.rpc.call("eth_signTypedData_v4", batch.key, self.document(batch))
        except RpcError as error:
            remedy = "write the document with --typed-data FILE, have a wallet sign it, and give --signature"
            raise InvalidRequest("key", f"nobody here holds the key of {batch.key}; {remedy}") from error
        if not isinstance(answer, str) or len(answer) != 132:
            raise Terminal(self.session.rpc.venue, "answered eth_signTypedData_v4 with no signature; use another node")
        return bytes.fromhex(answer[2:])

    def signed_facts(self, signed: SignedPlans) -> SignedFacts:
        """What the chain says of a signed batch now."""
        reader, batch = self.reader(), signed.batch
        (code,) = reader.chain.code([batch.key])
        if isinstance(code, RpcFailure):
            raise Terminal(self.session.rpc.venue, f"cannot read code: {code.message}; use another node")
        _, rules = read_rules(reader, batch.key)
        signature = "plansDigest(bytes[],uint256,uint256,uint40,address)"
        values = (list(batch.plans), batch.continue_mask, batch.nonce, batch.deadline, batch.key)
        return SignedFacts(
            chain_id=self.chain_id,
            time=self.now(),
            paused=reader.one("paused()", returns="bool")[0],
            owner=reader.one("owner()", returns="address")[0],
            digest=reader.one(signature, *values, returns="bytes32")[0],
            grant=read_grant(reader, batch.key),
            expiry=int(rules["expiry"]),
            next_nonce=read_lane(reader, batch.key, batch.nonce >> 64).nonce,
            key_is_contract=code != b"" and not code.startswith(b"\xef\x01\x00"),
            signer=recovered(signed.digest, signed.signature),
        )

    def done(self, transaction_hash: str, count: int) -> tuple[PlanResult, ...]:
        """What each plan of a batch did, by the executor's own events. Raises `Terminal` where some are missing."""
        rpc = self.session.rpc
        receipt = rpc.call("eth_getTransactionReceipt", transaction_hash)
        logs = receipt.get("logs") if isinstance(receipt, dict) else None
        found: dict[int, PlanResult] = {}
        for event in self.reader().events(logs):
            match event.name, event.values:
                case "PlanDone", (_, int(index), int(spent), int(received)):
                    found[index] = PlanResult(done=True, spent=spent, received=received, reason=b"")
                case "PlanSkipped", (_, int(index), bytes(reason)):
                    found[index] = PlanResult(done=False, spent=0, received=0, reason=reason)
        if set(found) != set(range(count)):
            raise Terminal(rpc.venue, f"the receipt of {transaction_hash} does not tell of {count} plans; ask again")
        return tuple(found[index] for index in range(count))


def open_executor(settings: Settings, opening: Opening, words: ExecutorWords) -> OpenExecutor:
    """Open a chain and find the executor; to act, it must be a fork, and the owner's is put there where it is missing.

    Raises `InvalidRequest` for a chain that is no fork, or a record of another chain.
    """
    with ExitStack() as stack:
        session = stack.enter_context(open_session(settings, opening))
        contracts = contracts_of(settings, session, words.owner)
        executor = words.executor or _recorded(words.record, session) or contracts.executor
        placed = opening.settles and not words.stands and session.rpc.call("eth_getCode", executor, "latest") == "0x"
        if opening.settles and not session.is_fork:
            raise InvalidRequest("chain", "acts are sent to forks only in this version; use one of `oms fork up`")
        if opening.settles and words.owner == DESK:
            set_native_balance(session.rpc, DESK, PLAY_MONEY_WEI)
        if opening.settles and not words.stands:
            deploy_contracts(session.rpc, contracts, session)
        return OpenExecutor(settings, session, executor, placed=placed, resources=stack.pop_all())


def _recorded(path: Path | None, session: ChainSession) -> Address | None:
    if path is None:
        return None
    record = read_record(path)
    try:
        chain_id, address = record["chain"]["id"], record["contracts"]["Executor"]["address"]
        executor = parse_address(address, field="record")
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest("record", f"{path} names no executor; name a file of deployments/") from error
    if chain_id != session.venues.chain_id:
        raise InvalidRequest("record", f"{path} is of chain {chain_id}, not {session.venues.chain_id}; choose that one")
    return executor


def _fund(desk: OpenDesk, plans: Sequence[RoutePlan]) -> None:
    needed: Counter[Token] = Counter()
    for plan in plans:
        needed[plan.intent.token_in] += plan.chain_amount_in
    for token, amount in needed.items():
        desk.fund_executor(token, amount)
