"""Reading an executor at one block: its getters, and the logs that say what to ask them about.

Owns: which logs name keys, lanes, venues and listings, and the question for each whether it still holds. A log alone is
never believed: whatever is told was answered by a getter at the block.
Must not: send anything, or take a node's silence for "nothing".
Sources: `contracts/interfaces/I{Account,Sessions,Batches,Registry,Executor,UserOperations}.sol`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from oms.adapters.evm.chain import PinnedChain, octets
from oms.adapters.evm.devnet.deploy import encode_call
from oms.adapters.evm.rpc import Json, RpcFailure
from oms.errors import InvalidRequest, StateConflict, Terminal
from oms.execution.executor_state import (
    BuiltIn,
    ExecutorState,
    FarReference,
    LaneState,
    Listing,
    Proposal,
    Reference,
    SessionState,
    SpendState,
    VenueEntry,
)
from oms.execution.leg_kinds import WITH_BUILT_IN
from oms.execution.sessions import RULES, GrantedVenue, SessionTerms, grants_within, registry_venue
from oms.units import ZERO_ADDRESS, Address

MOST_LOGS: Final = 100_000

_EVENTS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "SessionGranted": (("address", "uint256"), ("uint40", "uint32")),
    "NonceUsed": (("address",), ("uint256",)),
    "PriceFeedSet": (("address",), ("address", "uint32")),
    "FarPriceFeedSet": (("uint64", "address"), ("address", "uint32", "uint8")),
    "VenueSet": (("uint8", "uint8"), ("address", "bytes32", "uint24")),
    "ListingSet": (("uint8", "address"), ("bytes4", "bool")),
    "VenueProposed": (("bytes32",), ("uint8", "uint8", "address", "bytes32", "uint24", "uint256")),
    "ListingProposed": (("bytes32",), ("uint8", "address", "bytes4", "uint256")),
    "PlanDone": (("address", "uint256"), ("uint256", "uint256")),
    "PlanSkipped": (("address", "uint256"), ("bytes",)),
}
"""Each event with the types of its topics and of its data; a further member is a further type."""

_TOPICS: Final = {
    "0x" + keccak(f"{name}({','.join((*topics, *data))})".encode()).hex(): name
    for name, (topics, data) in _EVENTS.items()
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One event: its name, its arguments in order, and the transaction that made it."""

    name: str
    values: tuple[Json, ...]
    transaction: str


@dataclass(frozen=True, slots=True)
class Question:
    """A getter with its arguments and the types of its answer."""

    signature: str
    values: tuple[Json, ...]
    returns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What may be asked about beside what logs name: tokens, and factories by kind and number with a name for each."""

    tokens: Sequence[Address]
    factories: Mapping[tuple[int, int], str]


class ExecutorReader:
    """One executor at one block. Raises `StateConflict` where no executor answers, `VenueError` for the node."""

    def __init__(self, chain: PinnedChain, executor: Address) -> None:
        self.chain = chain
        self.executor = executor

    def ask(self, questions: Sequence[Question]) -> list[tuple[Json, ...] | None]:
        """Each answer, with addresses checksummed; None where the contract refused."""
        block = hex(self.chain.block.number)
        answers = self.chain.rpc.batch(
            ("eth_call", [{"to": self.executor, "data": "0x" + encode_call(q.signature, *q.values).hex()}, block])
            for q in questions
        )
        return [self._answer(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def one(self, signature: str, *values: Json, returns: str) -> tuple[Json, ...]:
        """A getter's answer. Raises `StateConflict` where there is none."""
        (answer,) = self.ask([Question(signature, values, tuple(returns.split(",")))])
        if answer is None:
            raise self.no_executor(signature)
        return answer

    def code_stands(self) -> bool:
        """Whether there is a contract at all."""
        (code,) = self.chain.code([self.executor])
        if isinstance(code, RpcFailure):
            raise Terminal(self.chain.rpc.venue, f"cannot read code: {code.message}; use another node")
        return code != b""

    def happened(self, since: int) -> tuple[Happened, ...]:
        """The executor's own events from block `since` on, oldest first. Raises `InvalidRequest` beyond the newest."""
        if since > self.chain.block.number:
            raise InvalidRequest(
                "since", f"block {since} is after the newest, {self.chain.block.number}; name an earlier"
            )
        found = self.chain.rpc.batch(
            [
                (
                    "eth_getLogs",
                    [
                        {
                            "address": self.executor,
                            "fromBlock": hex(since),
                            "toBlock": hex(self.chain.block.number),
                            "topics": [list(_TOPICS)],
                        }
                    ],
                )
            ]
        )[0]
        if isinstance(found, RpcFailure):
            reason = f"cannot search logs from block {since}: {found.message}; begin later with --since BLOCK"
            raise Terminal(self.chain.rpc.venue, reason)
        return self.events(found)

    def events(self, logs: Json) -> tuple[Happened, ...]:
        """The executor's events among a node's logs. Raises `Terminal` for malformed ones."""
        venue = self.chain.rpc.venue
        if not isinstance(logs, list) or len(logs) > MOST_LOGS:
            raise Terminal(venue, "answered with something that is no list of logs; use another node")
        try:
            own = (log for log in logs if str(log["address"]).lower() == self.executor.lower())
            return tuple(_happened(log) for log in own if log["topics"] and log["topics"][0] in _TOPICS)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, DecodingError) as error:
            raise Terminal(venue, f"eth_getLogs: a malformed log ({error!r:.60}); use another node") from error

    def grant_told(self, transaction: str, key: Address) -> SessionTerms | None:
        """What the transaction granted to the key last, where its calldata shows it."""
        (found,) = self.chain.rpc.batch([("eth_getTransactionByHash", [transaction])])
        text = found.get("input") if isinstance(found, dict) else None
        if not isinstance(text, str):
            return None
        calldata = octets(text, venue=self.chain.rpc.venue, what="a transaction's input")
        told = [terms for granted, terms in grants_within(calldata) if granted == key]
        return told[-1] if told else None

    def _answer(self, question: Question, answer: Json) -> tuple[Json, ...] | None:
        venue = self.chain.rpc.venue
        if isinstance(answer, RpcFailure):
            if not answer.data and "revert" not in answer.message.lower():
                raise Terminal(venue, f"cannot ask {question.signature}: {answer.message}; use another node")
            return None
        data = octets(answer, venue=venue, what=question.signature)
        try:
            values = decode(list(question.returns), data)
        except (DecodingError, OverflowError):
            raise self.no_executor(question.signature) from None
        return tuple(map(_readable, question.returns, values))

    def no_executor(self, signature: str) -> StateConflict:
        """That what stands there is none, as it does not answer that."""
        name = signature.partition("(")[0]
        reason = f"what stands at {self.executor} does not answer {name} as an executor does; name another --executor"
        return StateConflict("executor", reason)


def _happened(log: Json) -> Happened:
    name = _TOPICS[log["topics"][0]]
    topics, data = _EVENTS[name]
    words = [bytes.fromhex(topic[2:]) for topic in log["topics"][1:]]
    if len(words) != len(topics):
        raise ValueError("topics")
    first = tuple(_readable(kind, decode([kind], word)[0]) for kind, word in zip(topics, words, strict=True))
    rest = tuple(map(_readable, data, decode(list(data), bytes.fromhex(log["data"][2:]))))
    return Happened(name, (*first, *rest), str(log["transactionHash"]))


def _readable(kind: str, value: Json) -> Json:
    return Address(to_checksum_address(value)) if kind == "address" else value


def read_state(reader: ExecutorReader, known: Known, *, since: int, keys: Sequence[Address] = ()) -> ExecutorState:
    """Everything that can be read of the executor; `keys` are looked at beside those that logs name."""
    _require_code(reader)
    block = reader.chain.block
    owner, pending, guardian, entry_point = (
        reader.one(f"{name}()", returns="address")[0] for name in ("owner", "pendingOwner", "guardian", "entryPoint")
    )
    happened = reader.happened(since)
    return ExecutorState(
        executor=reader.executor,
        chain_id=block.chain_id,
        block=block.number,
        time=block.timestamp,
        since=since,
        owner=owner,
        pending_owner=pending,
        guardian=guardian,
        entry_point=entry_point,
        paused=reader.one("paused()", returns="bool")[0],
        registry_delay=reader.one("registryDelay()", returns="uint256")[0],
        venues=_venues(reader, known, happened),
        built_in=read_built_in(reader, known.factories),
        listings=_listings(reader, happened),
        proposals=_proposals(reader, known, happened),
        references=_references(reader, happened),
        far_references=_far_references(reader, happened),
        sessions=_sessions(reader, known, happened, keys),
        lanes=_lanes(reader, happened, owner),
    )


def _require_code(reader: ExecutorReader) -> None:
    if not reader.code_stands():
        reason = f"nothing stands at {reader.executor} on this chain; settle once with `oms swap`, or deploy it"
        raise StateConflict("executor", reason)


def _venues(reader: ExecutorReader, known: Known, happened: Iterable[Happened]) -> tuple[VenueEntry, ...]:
    named = [(event.values[0], event.values[1]) for event in happened if event.name == "VenueSet"]
    return read_venues(reader, sorted({*known.factories, *named}), names=known.factories)


def read_venues(
    reader: ExecutorReader, places: Sequence[tuple[int, int]], *, names: Mapping[tuple[int, int], str]
) -> tuple[VenueEntry, ...]:
    """The factories with these kinds and numbers; those that the executor does not know have no deployer."""
    types = ("address", "uint24", "bytes32")
    answers = reader.ask([Question("venue(uint8,uint8)", place, types) for place in places])
    return tuple(
        VenueEntry(*place, names.get(place, ""), *(answer or (ZERO_ADDRESS, 0, bytes(32))))
        for place, answer in zip(places, answers, strict=True)
    )


def read_built_in(reader: ExecutorReader, names: Mapping[tuple[int, int], str]) -> tuple[BuiltIn, ...]:
    """The venues that stand in the code, on or off. Raises `StateConflict` where the executor does not say."""
    answers = reader.ask([Question("isBuiltInOn(uint8)", (int(kind),), ("bool",)) for kind in WITH_BUILT_IN])
    found = []
    for kind, answer in zip(WITH_BUILT_IN, answers, strict=True):
        if answer is None:
            raise reader.no_executor("isBuiltInOn(uint8)")
        found.append(BuiltIn(int(kind), names.get((int(kind), 0), kind.name.lower()), bool(answer[0])))
    return tuple(found)


def _listings(reader: ExecutorReader, happened: Iterable[Happened]) -> tuple[Listing, ...]:
    named = list(dict.fromkeys(event.values[:3] for event in happened if event.name == "ListingSet"))
    answers = reader.ask([Question("isListed(uint8,address,bytes4)", each, ("bool",)) for each in named])
    return tuple(Listing(*each) for each, answer in zip(named, answers, strict=True) if answer and answer[0])


def _proposals(reader: ExecutorReader, known: Known, happened: Iterable[Happened]) -> tuple[Proposal, ...]:
    named: dict[bytes, VenueEntry | Listing] = {}
    for event in happened:
        if event.name == "VenueProposed":
            identifier, kind, number, deployer, code, fee, _ = event.values
            named[identifier] = VenueEntry(kind, number, known.factories.get((kind, number), ""), deployer, fee, code)
        elif event.name == "ListingProposed":
            named[event.values[0]] = Listing(*event.values[1:4])
    answers = reader.ask([Question("applicableFrom(bytes32)", (each,), ("uint256",)) for each in named])
    return tuple(
        Proposal(identifier, addition, answer[0])
        for (identifier, addition), answer in zip(named.items(), answers, strict=True)
        if answer and answer[0]
    )


def read_proposals(reader: ExecutorReader, known: Known, *, since: int) -> tuple[Proposal, ...]:
    """Additions that wait, of those that were proposed from block `since` on."""
    return _proposals(reader, known, reader.happened(since))


def _references(reader: ExecutorReader, happened: Iterable[Happened]) -> tuple[Reference, ...]:
    tokens = list(dict.fromkeys(event.values[0] for event in happened if event.name == "PriceFeedSet"))
    return read_references(reader, tokens)


def read_references(reader: ExecutorReader, tokens: Sequence[Address]) -> tuple[Reference, ...]:
    """The feeds that the owner named for these tokens."""
    answers = reader.ask([Question("referenceFeed(address)", (token,), ("address", "uint32")) for token in tokens])
    found = (Reference(token, *answer) for token, answer in zip(tokens, answers, strict=True) if answer)
    return tuple(each for each in found if each.feed != ZERO_ADDRESS)


def _far_references(reader: ExecutorReader, happened: Iterable[Happened]) -> tuple[FarReference, ...]:
    named = list(dict.fromkeys(event.values[:2] for event in happened if event.name == "FarPriceFeedSet"))
    types = ("address", "uint32", "uint8")
    answers = reader.ask([Question("farReferenceFeed(uint64,address)", each, types) for each in named])
    found = (FarReference(*each, *answer) for each, answer in zip(named, answers, strict=True) if answer)
    return tuple(each for each in found if each.feed != ZERO_ADDRESS)


def read_far_references(reader: ExecutorReader, *, since: int) -> tuple[FarReference, ...]:
    """Tokens of other chains that have a feed, of those that were given one from block `since` on."""
    return _far_references(reader, reader.happened(since))


def _sessions(
    reader: ExecutorReader, known: Known, happened: Sequence[Happened], keys: Sequence[Address]
) -> tuple[SessionState, ...]:
    granted = {event.values[0]: event.transaction for event in happened if event.name == "SessionGranted"}
    places = dict.fromkeys(keys, "") | granted
    return tuple(_session(reader, known, happened, key, transaction) for key, transaction in places.items())


def read_grant(reader: ExecutorReader, key: Address) -> int:
    """What a signature of the key's names as its grant: of a session, or of the ownership."""
    return int(reader.one("grantOf(address)", key, returns="uint256")[0])


def read_rules(reader: ExecutorReader, key: Address) -> tuple[int, Mapping[str, int | bool]]:
    """The count of a key's grants, and the scalars of the last one."""
    types = ",".join(("uint256", *(abi for _, abi in RULES)))
    grant, *values = reader.one("session(address)", key, returns=types)
    return grant, dict(zip((name for name, _ in RULES), values, strict=True))


def _session(
    reader: ExecutorReader, known: Known, happened: Iterable[Happened], key: Address, transaction: str
) -> SessionState:
    grant, rules = read_rules(reader, key)
    terms = reader.grant_told(transaction, key) if transaction else None
    if terms is None:
        falls = rises = list(known.tokens)
        venues = [GrantedVenue(kind, registry_venue(number)) for kind, number in known.factories]
    else:
        falls, rises, venues = [each.token for each in terms.spends], list(terms.rises), list(terms.venues)
    return SessionState(
        key=key,
        grant=grant,
        rules=rules,
        venues=_granted_venues(reader, key, venues),
        spends=_spends(reader, key, falls),
        rises=_granted_rises(reader, key, rises),
        lanes=_lanes(reader, happened, key),
        told=terms is not None,
    )


def _granted_venues(reader: ExecutorReader, key: Address, venues: Sequence[GrantedVenue]) -> tuple[GrantedVenue, ...]:
    signature = "mayUseVenue(address,uint8,bytes32)"
    answers = reader.ask([Question(signature, (key, each.kind, each.id), ("bool",)) for each in venues])
    return tuple(each for each, answer in zip(venues, answers, strict=True) if answer and answer[0])


def _granted_rises(reader: ExecutorReader, key: Address, tokens: Sequence[Address]) -> tuple[Address, ...]:
    answers = reader.ask([Question("mayRise(address,address)", (key, token), ("bool",)) for token in tokens])
    return tuple(token for token, answer in zip(tokens, answers, strict=True) if answer and answer[0])


def _spends(reader: ExecutorReader, key: Address, tokens: Sequence[Address]) -> tuple[SpendState, ...]:
    types = ("uint128", "uint32", "uint256")
    answers = reader.ask([Question("spending(address,address)", (key, token), types) for token in tokens])
    found = (SpendState(token, *answer) for token, answer in zip(tokens, answers, strict=True) if answer)
    return tuple(each for each in found if each.limit)


def _lanes(reader: ExecutorReader, happened: Iterable[Happened], key: Address) -> tuple[LaneState, ...]:
    used = {event.values[1] >> 64 for event in happened if event.name == "NonceUsed" and event.values[0] == key}
    return tuple(read_lane(reader, key, lane) for lane in sorted({0, *used}))


def read_lane(reader: ExecutorReader, key: Address, lane: int) -> LaneState:
    """The number that a key signs with next in a lane."""
    (nonce,) = reader.one("nextNonce(address,uint192)", key, lane, returns="uint256")
    return LaneState(lane, nonce % 2**64)
