"""Headers and logs from a node: what is asked for, and what a node must not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oms.adapters.evm.chain_logs import EvmChainLogs, bloom_bits
from oms.adapters.evm.pools.logs import TOPICS, topic_of
from oms.adapters.evm.rpc import RpcClient
from oms.domain.block import BlockHeader
from oms.errors import InvalidRequest, OmsError, Retryable, Terminal
from oms.liquidity.pool_events import PoolLog, ReservesSynced
from tests.unit.adapters.evm.fake_node import FakeNode, Refused, fake_node

PAIR = "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc"
SYNC = topic_of("Sync(uint112,uint112)")


def block_hash(number: int) -> str:
    return f"0x{number:064x}"


def header_of(at: int, **changes: Any) -> dict[str, Any]:
    usual = {
        "number": hex(at),
        "hash": block_hash(at),
        "parentHash": block_hash(at - 1),
        "timestamp": hex(12 * at),
        "baseFeePerGas": "0x1",
        "logsBloom": "0x" + f"{bloom_bits(PAIR, SYNC):0512x}",
    }
    return usual | changes


def log_of(number: int, **changes: Any) -> dict[str, Any]:
    usual = {
        "address": PAIR,
        "topics": [SYNC],
        "data": "0x" + f"{5:064x}{7:064x}",
        "blockHash": block_hash(number),
        "transactionIndex": "0x2",
        "logIndex": "0x1f",
        "removed": False,
    }
    return usual | changes


class Chain:
    """Answers as a good node would; `says` overrides a method's answer."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.asked: list[tuple[str, list[Any]]] = []

    def __call__(self, method: str, params: list[Any]) -> Any:
        self.asked.append((method, params))
        if method in self.says:
            if isinstance(self.says[method], Exception):
                raise self.says[method]
            return self.says[method]
        if method == "eth_getBlockByNumber":
            return header_of(100 if params[0] == "latest" else int(params[0], 16))
        if method == "eth_getLogs":
            return [log_of(int(params[0]["blockHash"], 16))]
        return None


@contextmanager
def connected(chain: Chain) -> Iterator[EvmChainLogs]:
    def whole(method: str, params: list[Any]) -> Any:
        return chain(method, params)

    with fake_node(whole) as (node, pinned):
        assert isinstance(node, FakeNode)
        with RpcClient(pinned.rpc.url) as rpc:
            yield EvmChainLogs(rpc, chain_id=1)


def test_the_head_and_headers_are_blocks_with_their_parents() -> None:
    with connected(Chain()) as logs:
        head = logs.head()
        assert (head.pin.number, head.pin.hash, head.parent_hash) == (100, block_hash(100), block_hash(99))
        assert head.pin.timestamp == 1200
        found = logs.headers(range(97, 100))
        assert [header.pin.number for header in found] == [97, 98, 99]
        assert logs.headers(range(5, 5)) == ()


def test_logs_are_asked_by_block_hash_and_by_the_topics_that_pools_use() -> None:
    chain = Chain()
    with connected(chain) as logs:
        headers = logs.headers([98, 99])
        found = logs.logs(headers)
    assert found == tuple(
        (PoolLog(block_hash(number), 2, 31, (PAIR.lower(), ""), ReservesSynced(5, 7)),) for number in (98, 99)
    )
    wanted = [params for method, params in chain.asked if method == "eth_getLogs"]
    assert wanted == [[{"blockHash": block_hash(number), "topics": [list(TOPICS)]}] for number in (98, 99)]


@pytest.mark.parametrize(
    "answer",
    [
        "nothing",
        [5],
        [None],
        [{}],
        [log_of(100, blockHash=block_hash(99))],
        [log_of(100, removed=True)],
        [log_of(100, topics="0x")],
        [log_of(100, topics=[5])],
        [log_of(100, topics=[SYNC, 5])],
        [log_of(100, topics=[[SYNC]])],
        [log_of(100, data=None)],
        [log_of(100, data="0xzz")],
        [log_of(100, address=None)],
        [log_of(100, logIndex=5)],
        [log_of(100, logIndex="0x" + "f" * 40)],
        [log_of(100, logIndex="five")],
        [log_of(100, transactionIndex=None)],
        [log_of(100, transactionIndex=[])],
    ],
)
def test_logs_that_no_node_should_answer_with_are_the_nodes_failure(answer: Any) -> None:
    chain = Chain()
    chain.says["eth_getLogs"] = answer
    with connected(chain) as logs, pytest.raises(Terminal, match=r"eth_getLogs.*another node"):
        logs.logs([logs.head()])


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
def test_a_block_that_the_node_does_not_have_may_be_asked_for_again(method: str) -> None:
    chain = Chain()
    with connected(chain) as logs:
        head = logs.head()
        chain.says[method] = Refused("unknown block")
        with pytest.raises(Retryable, match="unknown block"):
            logs.logs([head]) if method == "eth_getLogs" else logs.headers([5, 6])


@pytest.mark.parametrize(
    "header",
    [
        "text",
        header_of(100, hash="0x12"),
        header_of(100, parentHash=None),
        header_of(100, parentHash="0x12"),
        header_of(100, logsBloom="0x1234"),
        header_of(100, logsBloom=5),
        header_of(100, number=None),
        header_of(100, timestamp="soon"),
    ],
)
def test_a_malformed_header_is_the_nodes_failure(header: Any) -> None:
    chain = Chain()
    with connected(chain) as logs:
        chain.says["eth_getBlockByNumber"] = header
        with pytest.raises(Terminal):
            logs.head()


def test_another_block_than_the_one_asked_for_is_the_nodes_failure() -> None:
    chain = Chain()
    with connected(chain) as logs:
        chain.says["eth_getBlockByNumber"] = header_of(7)
        with pytest.raises(Terminal, match="another block"):
            logs.headers([5])


def test_another_chain_is_refused() -> None:
    with fake_node(Chain(), chain_id=10) as (_, pinned), pytest.raises(InvalidRequest, match="chain 10, not 1"):
        EvmChainLogs(pinned.rpc, chain_id=1).head()


def test_a_header_without_a_filter_rules_nothing_in() -> None:
    chain = Chain()
    chain.says["eth_getBlockByNumber"] = header_of(100, logsBloom=None)
    with connected(chain) as logs:
        assert logs.may_hold(logs.head(), [(PAIR.lower(), "")]) == frozenset()


def test_the_filter_holds_what_the_block_logged_and_hardly_anything_else() -> None:
    manager, pool_id = "0x" + "44" * 20, "0x" + "ab" * 32
    bloom = bloom_bits(PAIR, SYNC, manager, pool_id)
    with connected(Chain()) as logs:
        header = BlockHeader(logs.head().pin, block_hash(99), bloom)
        present = {(PAIR.lower(), ""), (manager, pool_id), (manager, "")}
        absent = {(manager, "0x" + "cd" * 32), ("0x" + "55" * 20, pool_id), ("0x" + "66" * 20, "")}
        assert logs.may_hold(header, present | absent) == present


@pytest.mark.parametrize(
    ("method", "answer"),
    [("eth_chainId", "one"), ("eth_chainId", [1]), ("eth_getBlockByNumber", [1]), ("eth_getBlockByNumber", "0x1")],
)
def test_no_failure_of_a_node_is_anything_but_ours(method: str, answer: object) -> None:
    chain = Chain()
    with connected(chain) as logs:
        chain.says = {method: answer}
        with pytest.raises(OmsError):
            logs.head()
