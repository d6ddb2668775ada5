"""What a node says to a transaction, and what that means: only a clear refusal says that it was not sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.settlement import ForkSettlement, local_account
from oms.bootstrap.sessions import DESK, DESK_KEY
from oms.domain.token import Token
from oms.domain.transactions import AllowanceRequest, Receipt, TransactionRequest
from oms.errors import OutcomeUnknown, Retryable, Terminal
from oms.risk.gate import Approved, CheckResult, Denied, judge
from oms.units import Address, Gas
from tests.integration.hostile_nodes import HEAD, failing, hostile_node, http, said

OTHER = Address("0x" + "5" * 40)
TOKEN = Token(1, Address("0x" + "7" * 40), "PEPE", 18)
HASH = "0x" + "cc" * 32
SENDS = ("eth_sendRawTransaction", "eth_sendTransaction")

Reply = Callable[[Any], bytes | None]


def error(message: str, code: int = -32000) -> Reply:
    return lambda request: failing(request, {"code": code, "message": message})


def status(code: int) -> Reply:
    return lambda _: http(b"", status=code)


@dataclass
class Node:
    """An Anvil in all but its answer to a send; `has` says whether it took the transaction all the same."""

    on_send: Reply
    has: bool = False
    on_stop: Reply | None = None
    instance: str = "0x" + "1d" * 32
    asked: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)

    def __call__(self, request: Any) -> bytes | None:
        method, params = request["method"], request["params"]
        self.asked.append(method)
        if method in SENDS:
            return self.on_send(request)
        if method == "anvil_stopImpersonatingAccount" and self.on_stop is not None:
            return self.on_stop(request)
        return said({"jsonrpc": "2.0", "id": request["id"], "result": self._result(method, params)})

    def _result(self, method: str, params: list[Any]) -> Any:
        match method:
            case "web3_clientVersion":
                return "anvil/v1.7.1"
            case "anvil_metadata":
                return {"instanceId": self.instance}
            case "eth_getBlockByNumber":
                return HEAD
            case "eth_getTransactionByHash":
                return {"hash": params[0]} if self.has else None
            case "eth_getTransactionReceipt":
                return receipt(params[0]) if self.has else None
            case _:
                return "0x1"

    def intend(self, transaction_hash: str, nonce: int, payload_hash: str) -> None:
        """Record an intent; each has a nonce and a hash of its content."""
        del nonce, payload_hash
        self.recorded.append(transaction_hash)


def receipt(digest: str) -> dict[str, Any]:
    return {
        "transactionHash": digest,
        "blockHash": "0x" + "ab" * 32,
        "blockNumber": "0x65",
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x3b9aca00",
        "logs": [],
    }


@contextmanager
def settlement(node: Node, *, signs: bool = True) -> Iterator[ForkSettlement]:
    with hostile_node(node) as url, RpcClient(url, timeout_seconds=0.5) as rpc:
        key = local_account(DESK_KEY) if signs else None
        yield ForkSettlement(rpc, sender=DESK if signs else OTHER, key=key)


def sent(node: Node, *, signs: bool = True) -> Receipt:
    transaction = TransactionRequest(1, DESK if signs else OTHER, TOKEN.address, b"", gas_limit=Gas(50_000))
    verdict = judge(AllowanceRequest("p", transaction, TOKEN, OTHER, 0), [CheckResult("test", passed=True, detail="")])
    assert not isinstance(verdict, Denied)
    approved: Approved[AllowanceRequest] = verdict
    with settlement(node, signs=signs) as acting:
        return acting.send(approved, record_intent=node.intend)


CLEAR = [
    error("insufficient funds for gas * price + value"),
    error("Insufficient funds for gas * price + value"),
    error("nonce too low: next nonce 8, tx nonce 7"),
    error("intrinsic gas too low"),
    error("exceeds block gas limit"),
    error("invalid sender"),
    error("fee too low"),
    status(400),
    status(401),
    status(413),
]
UNCLEAR = [
    error("already known"),
    error("internal error", -32603),
    error("the tx pool is full, maybe"),
    error("nonce too high"),
    error("execution reverted", 3),
    error("", 0),
    status(300),
    status(408),
    status(429),
    status(500),
    status(501),
    status(520),
    status(524),
    lambda _: http(b"<html>"),
    lambda request: said({"jsonrpc": "2.0", "id": request["id"], "result": HASH}),
    lambda request: said({"jsonrpc": "2.0", "id": request["id"], "result": None}),
]


@pytest.mark.parametrize("reply", CLEAR)
def test_a_clear_refusal_is_terminal(reply: Reply) -> None:
    node = Node(reply)
    with pytest.raises(Terminal):
        sent(node)
    assert len(node.recorded) == 1


@pytest.mark.parametrize("reply", UNCLEAR)
def test_any_other_answer_leaves_the_outcome_unknown_after_asking_once(reply: Reply) -> None:
    node = Node(reply)
    with pytest.raises(OutcomeUnknown):
        sent(node)
    assert node.asked.count("eth_sendRawTransaction") == 1
    assert node.asked.count("eth_getTransactionByHash") == 1


@pytest.mark.parametrize("reply", UNCLEAR)
def test_a_transaction_that_the_node_has_after_all_is_waited_for(reply: Reply) -> None:
    node = Node(reply, has=True)
    assert sent(node).transaction_hash == node.recorded[0]
    assert node.asked.count("eth_sendRawTransaction") == 1


@pytest.mark.parametrize("stop", [error("internal error"), status(500)])
def test_a_failing_end_of_impersonation_hides_neither_an_unknown_outcome_nor_a_success(stop: Reply) -> None:
    with pytest.raises(OutcomeUnknown):
        sent(Node(status(502), on_stop=stop), signs=False)
    taken = Node(lambda r: said({"jsonrpc": "2.0", "id": r["id"], "result": HASH}), has=True, on_stop=stop)
    assert sent(taken, signs=False).transaction_hash == HASH
    assert "anvil_stopImpersonatingAccount" in taken.asked


@pytest.mark.parametrize(("reply", "kind"), [(CLEAR[0], Terminal), (UNCLEAR[0], OutcomeUnknown)])
def test_an_impersonated_send_is_judged_by_the_same_words(reply: Reply, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        sent(Node(reply), signs=False)


def test_a_receipt_is_told_apart_from_none_and_from_no_answer() -> None:
    with settlement(Node(status(500), has=True)) as acting:
        found = acting.receipt(HASH)
        assert found is not None
        assert (found.succeeded, found.fee_wei) == (True, 21_000 * 10**9)
    with settlement(Node(status(500))) as acting:
        assert acting.receipt(HASH) is None
        assert acting.included_nonces() == 1
        assert acting.chain == "1:0x" + "1d" * 32
    with pytest.raises(Retryable):
        acting.receipt(HASH)


def test_two_forks_of_one_chain_have_two_names() -> None:
    names = set()
    for instance in ("0x" + "1d" * 32, "0x" + "2d" * 32):
        with settlement(Node(status(500), instance=instance)) as acting:
            names.add(acting.chain)
    assert len(names) == 2


def test_a_node_that_does_not_name_its_chain_is_refused() -> None:
    with pytest.raises(Terminal, match="does not name its chain"), settlement(Node(status(500), instance="")):
        pass
