"""Looking at a chain: whether our contracts are the recorded ones, and what an owner lets them take.

Owns: which chain is opened for that, and read only; which of our contracts count as executors there.
Must not: send anything, or start a fork.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oms.adapters.evm.approvals import Allowance as Allowance
from oms.adapters.evm.approvals import allowances, approved_tokens
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.contracts import NO_DELAY, REGISTRY_DELAY_SECONDS, our_contracts
from oms.adapters.evm.deployment_findings import Standing as Standing
from oms.adapters.evm.deployment_record import compare, read_record
from oms.adapters.evm.tokens import TokenDirectory
from oms.bootstrap.sessions import ChainSession, Opening, open_session
from oms.config import Settings
from oms.units import Address

NOT_SPENDERS = frozenset({"RfqSettlement"})
"""Makers let the settlement take what they sell; it has no owner who could take more."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """What stands, and what was looked at; names are for a person."""

    found: tuple[Allowance, ...]
    tokens: Mapping[Address, str]
    spenders: Mapping[Address, str]

    @property
    def standing(self) -> tuple[Allowance, ...]:
        """Those by which something may be taken now."""
        return tuple(each for each in self.found if each.stands)


@dataclass(frozen=True, slots=True)
class ApprovalWords:
    """Whose approvals, to whom beside the owner's own executor, of what beside the known tokens, since which block."""

    owner: Address
    executors: Sequence[Address] = ()
    tokens: Sequence[str] = ()
    since: int | None = None


def check_deployment(settings: Settings, opening: Opening, path: Path) -> tuple[Standing, ...]:
    """What a record says, beside what the chain has. Raises `InvalidRequest` for a file that is no record."""
    record = read_record(path)
    with open_session(settings, opening) as session:
        return compare(session.rpc, record, Artifacts(settings.project))


def find_approvals(settings: Settings, opening: Opening, words: ApprovalWords) -> Approvals:
    """What the owner lets executors take. Raises `InvalidRequest` for a token that is none, `VenueError`."""
    with open_session(settings, opening) as session:
        spenders = _spenders(settings, session, words)
        tokens = _tokens(settings, session, words)
        if words.since is not None:
            announced = approved_tokens(session.rpc, words.owner, spenders=list(spenders), since=words.since)
            tokens = {address: address for address in announced} | tokens
        found = allowances(session.rpc, words.owner, spenders=list(spenders), tokens=list(tokens))
        return Approvals(found, tokens, spenders)


def _spenders(settings: Settings, session: ChainSession, words: ApprovalWords) -> dict[Address, str]:
    """The owner's executor, those named, and the parts of its code, which nobody has a reason to approve."""
    artifacts = Artifacts(settings.project)
    parts: dict[Address, str] = {}
    # Behind an address of an RPC may be a fork or the chain itself, and the parts differ by the registry's delay.
    for delay in (NO_DELAY, REGISTRY_DELAY_SECONDS):
        contracts = our_contracts(artifacts, session.venues, words.owner, delay=delay)
        parts |= {each.address: each.name for each in contracts.shared if each.name not in NOT_SPENDERS}
    own = {contracts.executor: "the owner's executor"}
    return {address: address for address in words.executors} | parts | own


def _tokens(settings: Settings, session: ChainSession, words: ApprovalWords) -> dict[Address, str]:
    lists = () if settings.token_list is None else (settings.token_list,)
    directory = TokenDirectory.of_chain(session.venues.chain_id, lists=lists, tokens=session.tokens)
    named = [directory.resolve(text, PinnedChain.at_latest(session.rpc)) for text in words.tokens]
    return {token.address: token.symbol for token in (*directory.tokens, *named)}
