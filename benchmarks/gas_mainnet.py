"""Gas on the recorded mainnet: our executor beside 1inch v6, the cheapest router known, on the same pools.

Owns: the fork, both sides' calldata, and which receipt counts.
Must not: measure where the recording is absent; keys are then left out, with a note.

Conditions: real USDC and WETH, deployed code; 1 WETH into USDC; the second of two equal swaps, 12 s apart. 1inch's
router, which the recording lacks, is put where it lives with its own recorded code; it pulls the WETH by a standing
allowance and pays the account. Ours holds its funds and enforces its invariant.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.measures import Findings, Measure, Reading
from benchmarks.single_calls import TRADER, gas_of_call
from oms.adapters.evm.addresses import checksummed
from oms.adapters.evm.anvil import Anvil, AnvilOptions
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import CREATE2_PROXY, OurContracts, deploy_on_fork, our_contracts
from oms.adapters.evm.devnet.chain import USDC, WETH
from oms.adapters.evm.devnet.deploy import encode_call
from oms.adapters.evm.recording.format import load_recording
from oms.adapters.evm.recording.server import serve_recording
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import MAINNET
from oms.errors import Terminal
from oms.execution.plan_codec import (
    All,
    Concentrated,
    ConstantProduct,
    PackedLeg,
    PackedPlan,
    SwapOn,
    encode_plan,
    swap_assets,
)
from oms.units import Address

RECORDING: Final = Path("mainnet") / "alloc_24628608_merged.json.gz"
BYTECODES: Final = Path("mainnet") / "bytecodes.json.gz"
ROUTER: Final = Address("0x111111125421cA6dc452d289314280a0f8842A65")
AMOUNT: Final = 10**18
DEADLINE: Final = 2**40 - 1
V2_PAIR: Final = 0xB4E16D0168E52D35CACD2C6185B44281EC28C9DC
V3_POOL: Final = 0x88E6A0C2DDD26FEEB64F039A2C41296FCB3F5640
_V2_TERMS: Final = 997_000_000 << 160
_V3_TERMS: Final = 1 << 253


def _measure(path: str, what: str) -> Measure:
    return Measure(
        key=f"gas.mainnet_{path}",
        unit="gas",
        what=what,
        aim=1.0,
        less_is_better=True,
        peer="1inch_v6",
        ratio_as=f"gas.{path}_vs_1inch_v6",
    )


V3 = _measure("v3", "1 WETH into USDC on recorded mainnet's 5 bp pool")
V2 = _measure("v2", "1 WETH into USDC on recorded mainnet's pair")
MEASURES = (V3, V2)
SWAPS: Final[tuple[tuple[Measure, SwapOn, int], ...]] = (
    (V2, ConstantProduct(0), V2_PAIR | _V2_TERMS),
    (V3, Concentrated(0, 500), V3_POOL | _V3_TERMS),
)

CallOf = Callable[[int], bytes]
"""Calldata for a minimum output."""


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path, data: Path) -> None:
    """Fork the recording and swap on either side. Raises `VenueError` when a swap fails."""
    if not (data / RECORDING).is_file():
        findings.notes.append(f"{RECORDING} is absent (OMS_DATA), so 1inch is not measured")
        return
    contracts = our_contracts(Artifacts(project), MAINNET, TRADER)
    own = (TRADER, CREATE2_PROXY, ROUTER, *contracts.addresses)
    recording = load_recording(data / RECORDING)
    with serve_recording(recording, own=own) as server:
        options = AnvilOptions(fork_url=server.url, fork_block=recording.block, mining=False, auto_impersonate=True)
        with Anvil.start(options, project=project) as anvil:
            _prepare(anvil.rpc, contracts, _router_code(data / BYTECODES))
            for each, swap, dex in SWAPS:
                if each not in wanted:
                    continue
                ours = _second_swap(anvil, contracts.executor, _plan(swap))
                theirs = _second_swap(anvil, ROUTER, _unoswap(dex))
                findings.readings.append(Reading(each, ours, theirs, ours / theirs))


def _router_code(path: Path) -> str:
    with gzip.open(path) as file:
        codes = json.load(file)
    for entry in codes.values():
        if ROUTER.lower() in (address.lower() for address in entry["addresses"]):
            return str(entry["code"])
    raise Terminal("recording", f"{path.name} holds no code of {ROUTER}; get the recorded data anew")


def _prepare(rpc: RpcClient, contracts: OurContracts, router_code: str) -> None:
    """Code, and WETH on both sides with some left over; USDC on both sides too, as a desk has."""
    rpc.call("anvil_setBlockTimestampInterval", 12)
    rpc.call("anvil_setBalance", TRADER, hex(10**24))
    deploy_on_fork(rpc, contracts, MAINNET)
    rpc.call("anvil_autoImpersonateAccount", True)  # noqa: FBT003 (deploying ends the impersonation)
    rpc.call("anvil_setCode", ROUTER, router_code)
    _gas_of(rpc, WETH.address, encode_call("deposit()"), value=20 * AMOUNT)
    _gas_of(rpc, WETH.address, encode_call("transfer(address,uint256)", contracts.executor, 10 * AMOUNT))
    _gas_of(rpc, WETH.address, encode_call("approve(address,uint256)", ROUTER, 2**256 - 1))


def _plan(swap: SwapOn) -> CallOf:
    def calldata(min_out: int) -> bytes:
        assets = swap_assets((WETH.address, USDC.address), AMOUNT, min_out)
        return encode_plan(PackedPlan(assets, DEADLINE, (PackedLeg(0, 1, All(), swap),)))

    return calldata


def _unoswap(dex: int) -> CallOf:
    signature = "unoswap(uint256,uint256,uint256,uint256)"
    return lambda min_out: encode_call(signature, int(WETH.address, 16), AMOUNT, min_out, dex)


def _gas_of(rpc: RpcClient, target: Address, data: bytes, *, value: int = 0) -> int:
    return gas_of_call(rpc, target, data, what=f"a call of {checksummed(target)}", value=value)


def _second_swap(anvil: Anvil, target: Address, call_of: CallOf) -> int:
    snapshot = anvil.snapshot()
    _gas_of(anvil.rpc, target, call_of(1))
    used = _gas_of(anvil.rpc, target, call_of(1_900 * 10**6))
    anvil.revert(snapshot)
    return used
