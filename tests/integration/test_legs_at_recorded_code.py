"""Legs at Across's and 0x's contracts as mainnet runs them: their recorded code, on the storage of the published ones.

The recording has the code of Across's proxy's implementation and of 0x's proxy, but neither's storage nor 0x's feature.
So both are put up from what `scripts/published` makes, and the recorded code takes their places.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.gas import AMOUNT_IN, A, B
from benchmarks.gas_legs import KINDS, REMEDY, Ground, World
from benchmarks.single_calls import CHAIN_OF_CALLS, TRADER
from oms.adapters.evm.anvil import Anvil
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.devnet.deploy import Transactions, read_call
from oms.execution.plan_codec import encode_plan
from oms.units import Address

# Slow, so that it comes after `scripts/published` where everything is run.
pytestmark = [pytest.mark.fork, pytest.mark.recorded, pytest.mark.slow]

SPOKE_CODE = "0x5e5b726c81f43b953a62ad87e2835c85c4d9dd3b"
"""What Across's proxy on mainnet, 0x5c7BCd6E7De5423a257D81B442095A1a6ced35C5, delegates to."""
ZERO_EX = "0xdef1c0ded9bec7f1a1670819833240f027b25eff"
IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""EIP-1967."""
FUNDS_DEPOSITED = "0x32ed1a409ef04c7b0227189c3a103dc5ac10e775a15b785dcc510201f7c25ad3"
"""`FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,uint32,uint32,uint32,bytes32,bytes32,bytes32,bytes)`"""


@pytest.fixture(scope="module")
def standing(project: Path) -> Iterator[tuple[Anvil, World]]:
    """The bench's chain."""
    if not (project / ".build" / "published" / "made").is_file():
        pytest.skip(f"run {REMEDY} first")
    with Anvil.start(CHAIN_OF_CALLS, project=project) as anvil:
        yield anvil, Ground(anvil.rpc, Artifacts(project)).build()


def recorded_code(oms_data: Path, address: str) -> str:
    """What stood there on mainnet."""
    with gzip.open(oms_data / "mainnet" / "bytecodes.json.gz") as file:
        codes = json.load(file).values()
    return next(str(each["code"]) for each in codes if address in (place.lower() for place in each["addresses"]))


def held(anvil: Anvil, token: Address, account: Address) -> int:
    """In base units."""
    (balance,) = read_call(anvil.rpc, token, "balanceOf(address)", account, returns="(uint256)")
    return int(balance)


def allowed(anvil: Anvil, world: World, place: Address) -> int:
    """Of A, by the executor."""
    asked = (world.executor, place)
    (left,) = read_call(anvil.rpc, A, "allowance(address,address)", *asked, returns="(uint256)")
    return int(left)


def run(anvil: Anvil, world: World, name: str) -> None:
    """The bench's plan of that kind, by the trader."""
    kind = next(each for each in KINDS if each.name == name)
    transactions = Transactions.of(anvil.rpc, TRADER)
    transactions.add(name, world.executor, encode_plan(kind.plan(world, 1)))
    transactions.mine()


def test_mainnets_spoke_pool_takes_the_deposit_for_the_account_itself(
    standing: tuple[Anvil, World], oms_data: Path
) -> None:
    anvil, world = standing
    spoke = world.places.spoke_pool
    word = str(anvil.rpc.call("eth_getStorageAt", spoke, IMPLEMENTATION_SLOT, "latest"))
    anvil.rpc.call("anvil_setCode", "0x" + word[-40:], recorded_code(oms_data, SPOKE_CODE))
    before = held(anvil, A, world.executor)
    run(anvil, world, "across")
    assert held(anvil, A, spoke) == AMOUNT_IN
    assert held(anvil, A, world.executor) == before - AMOUNT_IN
    assert allowed(anvil, world, spoke) == 0
    (log,) = anvil.rpc.call("eth_getLogs", {"fromBlock": "latest", "toBlock": "latest", "address": spoke})
    _, _, _, depositor = log["topics"]
    assert log["topics"][0] == FUNDS_DEPOSITED
    assert int(depositor, 16) == int(world.executor, 16)
    recipient = int(log["data"][2:][7 * 64 : 8 * 64], 16)
    assert recipient == int(world.executor, 16)


def test_mainnets_proxy_of_0x_fills_the_makers_order(standing: tuple[Anvil, World], oms_data: Path) -> None:
    anvil, world = standing
    proxy = world.places.zero_ex
    anvil.rpc.call("anvil_setCode", proxy, recorded_code(oms_data, ZERO_EX))
    sold, bought = held(anvil, A, world.executor), held(anvil, B, world.executor)
    run(anvil, world, "zeroex_rfq")
    assert held(anvil, A, world.executor) == sold - AMOUNT_IN
    assert held(anvil, B, world.executor) == bought + AMOUNT_IN
    assert allowed(anvil, world, proxy) == 0
