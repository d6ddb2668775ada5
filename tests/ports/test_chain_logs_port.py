"""One suite for the port `ChainLogs`: the chain in memory, and a node."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from oms.adapters.evm.anvil import Anvil, AnvilOptions
from oms.adapters.evm.chain_logs import EvmChainLogs
from oms.adapters.evm.pools.logs import topic_of
from oms.errors import Retryable
from oms.liquidity.pool_events import LogSource, ReservesSynced
from oms.ports.chain_logs import ChainLogs
from tests.ports.fake_chain import FakeChain

PROJECT = Path(__file__).resolve().parents[2]
EMITTER, SENDER = "0x" + "5a" * 20, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
SYNC_CODE = "0x60056000526007602052" + "7f" + topic_of("Sync(uint112,uint112)")[2:] + "60406000a100"
"""Emits `Sync(5, 7)` whoever calls it."""


class Subject(Protocol):
    chain: ChainLogs
    sources: frozenset[LogSource]

    def grow(self, blocks: int) -> None: ...
    def turn_back(self, blocks: int) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.fake = FakeChain(random.Random(1))
        self.chain: ChainLogs = self.fake
        self.sources = frozenset((key.settles_at.lower(), "") for key in self.fake.keys.values())

    def grow(self, blocks: int) -> None:
        self.fake.grow(blocks, actions=8)

    def turn_back(self, blocks: int) -> None:
        del self.fake.canonical[-blocks:]


class Node:
    def __init__(self, anvil: Anvil) -> None:
        self.rpc = anvil.rpc
        self.sent = 0
        self.chain: ChainLogs = EvmChainLogs(anvil.rpc, chain_id=31_337)
        self.sources = frozenset({(EMITTER, "")})
        self.rpc.call("anvil_setCode", EMITTER, SYNC_CODE)
        self.rpc.call("evm_setAutomine", False)  # by itself it mines after it has answered

    def grow(self, blocks: int) -> None:
        for _ in range(blocks):  # never the same transaction twice, or two branches might be equal
            self.sent += 1
            self.rpc.call("eth_sendTransaction", {"from": SENDER, "to": EMITTER, "gas": hex(0x30000 + self.sent)})
            self.rpc.call("evm_mine")

    def turn_back(self, blocks: int) -> None:
        self.rpc.call("anvil_rollback", blocks)


@pytest.fixture(params=["memory", pytest.param("node", marks=pytest.mark.fork)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        yield InMemory()
        return
    with Anvil.start(AnvilOptions(chain_id=31_337), project=PROJECT) as anvil:
        yield Node(anvil)


def test_headers_lead_to_the_head_each_the_nexts_parent(subject: Subject) -> None:
    subject.grow(5)
    head = subject.chain.head()
    number = head.pin.number
    headers = (*subject.chain.headers(range(number - 4, number)), head)
    assert [header.pin.number for header in headers] == list(range(number - 4, number + 1))
    assert [header.parent_hash for header in headers[1:]] == [header.pin.hash for header in headers[:-1]]
    assert subject.chain.headers([number]) == (head,)


def test_a_block_that_is_not_there_can_be_asked_for_again(subject: Subject) -> None:
    subject.grow(1)
    with pytest.raises(Retryable):
        subject.chain.headers([subject.chain.head().pin.number + 5])


def test_logs_are_those_of_the_blocks_asked_for_and_their_filters_hold_them(subject: Subject) -> None:
    subject.grow(4)
    number = subject.chain.head().pin.number
    headers = subject.chain.headers([number - 3, number, number - 1])
    answered = subject.chain.logs(headers)
    assert len(answered) == 3
    for header, logs in zip(headers, answered, strict=True):
        assert {log.block_hash for log in logs} == {header.pin.hash}
        assert len({log.log_index for log in logs}) == len(logs)
        told = {log.source for log in logs} & subject.sources
        assert told <= subject.chain.may_hold(header, subject.sources)
    assert any(isinstance(log.event, ReservesSynced) for logs in answered for log in logs)


def test_after_a_reorganisation_the_new_branch_is_shown(subject: Subject) -> None:
    subject.grow(6)
    old = subject.chain.head()
    subject.turn_back(3)
    assert subject.chain.head().pin.number == old.pin.number - 3
    subject.grow(4)
    (replaced,) = subject.chain.headers([old.pin.number])
    assert replaced.pin.hash != old.pin.hash
    assert subject.chain.head().pin.number == old.pin.number + 1
