"""Anvil's life: it starts, remembers, ends with its parent however that ends, and says why when it can't start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oms.adapters.evm.anvil import Anvil, AnvilOptions, find_anvil
from oms.adapters.evm.devnet.chain import DESK
from oms.adapters.evm.devnet.deploy import Transactions
from oms.adapters.evm.forks import ProcessRef, find_fork, list_forks, start_fork, stop_fork
from oms.errors import InvalidRequest, StateConflict, Terminal
from oms.units import Address

pytestmark = pytest.mark.fork

SOMEBODY = Address("0x" + "11" * 20)


@pytest.fixture(scope="module")
def anvil(project: Path) -> Iterator[Anvil]:
    with Anvil.start(AnvilOptions(chain_id=1), project=project) as running:
        yield running


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def becomes(condition: Callable[[], bool], *, within_seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + within_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def give(anvil: Anvil, wei: int) -> None:
    anvil.rpc.call("anvil_setBalance", SOMEBODY, hex(wei))


def wealth(anvil: Anvil) -> int:
    return int(anvil.rpc.call("eth_getBalance", SOMEBODY, "latest"), 16)


def test_it_serves_the_chain_that_was_asked_for_and_nothing_answers_after_stop(project: Path) -> None:
    with Anvil.start(AnvilOptions(chain_id=10), project=project) as anvil:
        assert anvil.rpc.call("eth_chainId") == "0xa"
        assert anvil.rpc.call("anvil_nodeInfo")["hardFork"].lower() == "osaka"
        assert answers(anvil.port)
    assert not answers(anvil.port)
    assert not anvil.running


def test_a_revert_undoes_what_came_after_its_snapshot(anvil: Anvil) -> None:
    give(anvil, 1)
    snapshot = anvil.snapshot()
    give(anvil, 2)
    anvil.revert(snapshot)
    assert wealth(anvil) == 1


def test_a_snapshot_that_was_used_is_refused(anvil: Anvil) -> None:
    snapshot = anvil.snapshot()
    anvil.revert(snapshot)
    with pytest.raises(StateConflict, match="take a new one"):
        anvil.revert(snapshot)


def test_a_dumped_chain_goes_on_in_another_anvil(anvil: Anvil, project: Path, tmp_path: Path) -> None:
    give(anvil, 12_345)
    state = tmp_path / "state.json"
    anvil.dump_state(state)
    with Anvil.start(AnvilOptions(chain_id=1, load_state=state), project=project) as other:
        assert wealth(other) == 12_345
    with Anvil.start(AnvilOptions(chain_id=1), project=project) as third:
        assert wealth(third) == 0
        third.load_state(state)
        assert wealth(third) == 12_345
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_busy_port_is_the_callers_one_line_error(anvil: Anvil, project: Path) -> None:
    with pytest.raises(InvalidRequest, match=f"port: {anvil.port} is in use") as caught:
        Anvil.start(AnvilOptions(port=anvil.port), project=project)
    assert "\n" not in str(caught.value)


def test_a_fork_of_nothing_fails_with_anvils_own_words(project: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Terminal, match=f"could not fork {host}.*Connection refused") as caught:
            Anvil.start(AnvilOptions(fork_url=f"http://{host}/key-of-mine"), project=project)
    assert "\n" not in str(caught.value)
    assert "key-of-mine" not in str(caught.value)


def test_a_damaged_state_file_fails_with_anvils_own_words(project: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "state.json"
    damaged.write_text("{")
    with pytest.raises(Terminal, match=r"did not start: .*load-state"):
        Anvil.start(AnvilOptions(load_state=damaged), project=project)


def test_a_missing_binary_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="npm ci"):
        find_anvil(tmp_path, search_path=str(tmp_path))


def test_a_fork_reads_its_upstream_at_the_block_asked_for(anvil: Anvil, project: Path) -> None:
    give(anvil, 7)
    anvil.rpc.call("evm_mine")
    block = int(anvil.rpc.call("eth_blockNumber"), 16)
    # A real transfer: what Anvil's cheats write counts for the newest block until the next one.
    transactions = Transactions.of(anvil.rpc, DESK)
    transactions.add("transfer", SOMEBODY, b"", value=1)
    transactions.mine()
    assert wealth(anvil) == 8
    with Anvil.start(AnvilOptions(fork_url=anvil.url, fork_block=block), project=project) as fork:
        assert wealth(fork) == 7
        assert int(fork.rpc.call("eth_blockNumber"), 16) == block


PARENT = """
import sys
from pathlib import Path
from oms.adapters.evm.anvil import Anvil, AnvilOptions
anvil = Anvil.start(AnvilOptions(), project=Path(sys.argv[1]))
print(anvil.port, anvil.guard_pid, flush=True)
sys.stdin.read()
"""


def start_parent(project: Path) -> tuple["subprocess.Popen[str]", int, int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(project)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    port, guard = map(int, parent.stdout.readline().split())
    return parent, port, guard


def test_killing_the_parent_with_signal_9_leaves_no_anvil_behind(project: Path) -> None:
    parent, port, guard = start_parent(project)
    with parent:
        assert answers(port)
        parent.kill()
    assert becomes(lambda: not answers(port))
    assert becomes(lambda: not ProcessRef.of(guard).alive)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a child die with its parent")
def test_killing_the_guard_with_signal_9_leaves_no_anvil_behind(project: Path) -> None:
    anvil = Anvil.start(AnvilOptions(), project=project)
    os.kill(anvil.guard_pid, signal.SIGKILL)
    assert becomes(lambda: not answers(anvil.port))
    anvil.stop()


STARTER = """
import sys
from pathlib import Path
from oms.adapters.evm.anvil import AnvilOptions
from oms.adapters.evm.forks import start_fork
record = start_fork(AnvilOptions(chain_id=1), home=Path(sys.argv[1]), project=Path(sys.argv[2]), kind="devnet")
print(record.url)
"""


def test_a_detached_fork_outlives_its_starter_and_goes_down_by_name(project: Path, tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, "-c", STARTER, str(tmp_path), str(project)], capture_output=True, text=True, timeout=30
    )
    record = find_fork(tmp_path, "default")
    assert record is not None, started.stderr
    assert (record.url, record.kind, record.chain_id, record.alive) == (started.stdout.strip(), "devnet", 1, True)
    assert answers(record.port)
    assert list_forks(tmp_path) == (record,)
    assert stop_fork(tmp_path) == record
    assert becomes(lambda: not answers(record.port))
    assert list_forks(tmp_path) == ()
    assert stop_fork(tmp_path) is None


def test_a_name_in_use_is_refused_and_a_stale_one_is_taken_over(project: Path, tmp_path: Path) -> None:
    first = start_fork(AnvilOptions(), home=tmp_path, project=project, kind="url", name="mine")
    try:
        with pytest.raises(InvalidRequest, match="oms fork down"):
            start_fork(AnvilOptions(), home=tmp_path, project=project, kind="url", name="mine")
        os.kill(first.process.pid, signal.SIGKILL)
        assert becomes(lambda: not first.alive)
        second = start_fork(AnvilOptions(), home=tmp_path, project=project, kind="url", name="mine")
        assert second.alive
        assert list_forks(tmp_path) == (second,)
    finally:
        stop_fork(tmp_path, "mine")
    assert becomes(lambda: not answers(second.port))


def test_a_companion_goes_down_with_its_fork(project: Path, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as companion:
        start_fork(AnvilOptions(), home=tmp_path, project=project, kind="recorded", companions=[companion.pid])
        stop_fork(tmp_path)
        assert not ProcessRef.of(companion.pid).alive


def test_a_recycled_process_id_is_never_signalled(project: Path, tmp_path: Path) -> None:
    record = start_fork(AnvilOptions(), home=tmp_path, project=project, kind="url")
    stop_fork(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as bystander:
        path = tmp_path / "forks" / "default.json"
        path.write_text(
            f'{{"name": "default", "kind": "url", "url": "{record.url}", "chain_id": 1, "block": 0, "companions": [],'
            f' "process": {{"pid": {bystander.pid}, "born": "{record.process.born}"}}}}'
        )
        stale = find_fork(tmp_path, "default")
        assert stale is not None
        assert not stale.alive
        stop_fork(tmp_path)
        assert bystander.poll() is None
        bystander.communicate(timeout=5)


@pytest.mark.parametrize("name", ["", "../up", "UP", "a" * 33])
def test_a_malformed_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        find_fork(tmp_path, name)
