"""Our server of recordings against the reference script: the same question, the same answer, over all that is recorded.

The script stands beside the data, in `tools/recorded_mainnet.py`; it runs as a process of its own.
"""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.recording.format import Recording, load_recording
from oms.adapters.evm.recording.known_state import ANVIL_ACCOUNTS, SYSTEM_CONTRACTS
from oms.adapters.evm.recording.known_zeros import V4_POOL_MANAGER, observation_slots, pool_accounting_slots
from oms.adapters.evm.recording.server import serve_recording
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import Retryable
from oms.units import ZERO_ADDRESS, Address

pytestmark = pytest.mark.recorded

FILE = "mainnet/alloc_24628608_merged.json.gz"
OWN = Address("0x" + "5e" * 20)
Call = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Pair:
    """The reference and our server, over the same file with the same options."""

    reference: RpcClient
    ours: RpcClient
    recording: Recording

    def check(self, calls: list[Call]) -> int:
        """Compare all answers; how many of them were values rather than errors."""
        expected, found = self.reference.batch(calls), self.ours.batch(calls)
        differences = [each for each in zip(calls, expected, found, strict=True) if each[1] != each[2]]
        assert differences == []
        return sum(not isinstance(answer, RpcFailure) for answer in found)


@pytest.fixture(scope="module")
def pair(oms_data: Path) -> Iterator[Pair]:
    script = oms_data.parent / "tools" / "recorded_mainnet.py"
    if not script.is_file():
        pytest.skip(f"the reference server is not at {script}")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, str(script), str(oms_data / FILE), "--port", str(port), "--own", OWN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"chain 1 block 24628607")
        recording = load_recording(oms_data / FILE)
        with (
            serve_recording(recording, own=[OWN], zero_address_empty=False) as server,
            RpcClient(f"http://127.0.0.1:{port}") as reference,
            RpcClient(server.url) as ours,
        ):
            await_answer(reference)
            yield Pair(reference, ours, recording)
    finally:
        process.kill()
        process.communicate()


def await_answer(rpc: RpcClient) -> None:
    """Wait, at most ten seconds, for the socket that was announced a moment before it listens."""
    deadline = time.monotonic() + 10
    while True:
        try:
            rpc.call("eth_chainId")
            return
        except Retryable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def slot_call(address: str, slot: int) -> Call:
    return ("eth_getStorageAt", [address, f"0x{slot % 2**256:064x}", "latest"])


def test_every_account_is_answered_alike(pair: Pair) -> None:
    known = [*pair.recording.accounts, *pair.recording.absent, *ANVIL_ACCOUNTS, *SYSTEM_CONTRACTS, OWN]
    rng = random.Random(1)
    unknown = [f"0x{rng.getrandbits(160):040x}" for _ in range(200)] + [ZERO_ADDRESS]
    methods = ("eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getAccountInfo")
    assert pair.check([(m, [a, "latest"]) for m in methods for a in known]) == 4 * len(known)
    assert pair.check([(m, [a, "latest"]) for m in methods for a in unknown]) == 0


def test_every_recorded_slot_and_many_proved_zeros_are_answered_alike(pair: Pair) -> None:
    held = [(a, slot) for a, account in pair.recording.accounts.items() for slot in account.storage]
    zeros = [(a, slot) for a, slots in pair.recording.zero_slots.items() for slot in sorted(slots)]
    assert (len(held), len(zeros)) == (902, 42_578)
    zeros = random.Random(4).sample(zeros, 6000)
    assert pair.check([slot_call(*each) for each in held + zeros]) == len(held + zeros)


def test_neighbours_of_all_recorded_slots_are_answered_alike(pair: Pair) -> None:
    held = [(a, slot) for a, account in pair.recording.accounts.items() for slot in account.storage]
    values = pair.check([slot_call(a, slot + by) for a, slot in held for by in (-2, -1, 1, 2, 3, 4)])
    assert 500 < values < 6 * len(held)


def test_random_slots_of_all_accounts_are_answered_alike(pair: Pair) -> None:
    rng = random.Random(2)
    accounts = [*pair.recording.accounts, *pair.recording.absent, *ANVIL_ACCOUNTS, *SYSTEM_CONTRACTS, "0x" + "77" * 20]
    calls = [slot_call(rng.choice(accounts), rng.getrandbits(rng.choice((4, 8, 16, 256)))) for _ in range(6000)]
    assert 500 < pair.check(calls) < 5500


def test_own_balances_and_allowances_are_answered_alike(pair: Pair) -> None:
    rng = random.Random(3)
    contracts = [a for a, account in pair.recording.accounts.items() if account.code != "0x"]
    owners = [*ANVIL_ACCOUNTS, OWN, "0x" + "77" * 20, *rng.sample(contracts, 4)]
    calls = []
    for _ in range(4000):
        declared_at = rng.choice((0, 1, 2, 3, 9, 10, 51, 63, 64))
        slot = mapping_slot(int(rng.choice(owners), 16), declared_at)
        if rng.random() < 0.5:
            slot = mapping_slot(int(rng.choice([*owners, *contracts]), 16), slot)
        calls.append(slot_call(rng.choice([*contracts, "0x" + "77" * 20]), slot))
    assert pair.check(calls) > 400 < 3500


def test_every_accounting_slot_of_the_listed_pools_is_answered_alike(pair: Pair) -> None:
    calls: list[Call] = []
    for pool in [*pair.recording.pool_ticks, V4_POOL_MANAGER]:
        calls += [slot_call(pool, slot) for slot in pool_accounting_slots(pair.recording, pool)]
        ring = observation_slots(pair.recording, pool)
        calls += [slot_call(pool, slot) for slot in (*ring[:3], *ring[-3:], len(ring) + 20, *range(12))]
    assert len(pair.recording.pool_ticks) == 27
    assert pair.check(calls) > 400


def test_the_chain_and_its_header_are_answered_alike(pair: Pair) -> None:
    values = pair.check(
        [
            ("eth_chainId", []),
            ("net_version", []),
            ("web3_clientVersion", []),
            ("eth_blockNumber", []),
            ("eth_gasPrice", []),
            ("eth_maxPriorityFeePerGas", []),
            ("eth_feeHistory", ["0x1", "latest", [50]]),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_getBlockByNumber", ["0x177cd7f", True]),
            ("eth_getBlockByNumber", ["0x1", False]),
            ("eth_getBlockByHash", ["0x" + "00" * 32, False]),
            ("eth_getTransactionReceipt", ["0x" + "00" * 32]),
            ("eth_getTransactionByHash", ["0x" + "00" * 32]),
            ("eth_getLogs", [{}]),
            ("eth_call", [{"to": OWN}, "latest"]),
            ("eth_sendRawTransaction", ["0x00"]),
            ("debug_traceCall", []),
            ("no_such_method", []),
        ]
    )
    assert values == 14
