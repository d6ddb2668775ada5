"""Our own contracts on a fork: where they are, and putting them there.

Owns: the CREATE2 addresses of `Executor` and `RfqSettlement`, their constructor arguments, and the executor's list of
forks of Uniswap.
Must not: touch a live chain; the deployment scripts do that, with a person's key.
Source: the deterministic deployment proxy, github.com/Arachnid/deterministic-deployment-proxy (in Anvil by default).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import create2_address
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.devnet.deploy import Transactions, encode_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import ChainVenues, V2Venue, V3Venue
from oms.domain.venue import Family
from oms.units import ZERO_ADDRESS, Address

CREATE2_PROXY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
_PROXY_CODE = (
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f5801515"
    "6039578182fd5b8082525050506014600cf3"
)
SALT: Final = bytes(32)

LEG_V2, LEG_V3, LEG_SOLIDLY = 1, 2, 7
"""Kinds of leg whose factories the executor keeps a list of (contracts/types/Plan.sol)."""


@dataclass(frozen=True, slots=True)
class OurContracts:
    """The desk's executor and the makers' settlement on one chain."""

    owner: Address
    executor: Address
    rfq_settlement: Address
    executor_init_code: bytes
    settlement_init_code: bytes


def our_contracts(artifacts: Artifacts, venues: ChainVenues, owner: Address) -> OurContracts:
    """Where they are, or will be, for this owner. The same on every chain with the same venues."""
    settlement_code = artifacts.ours("RfqSettlement").with_arguments()
    settlement = create2_address(CREATE2_PROXY, SALT, keccak(settlement_code))
    executor_code = artifacts.ours("Executor").with_arguments(executor_arguments(venues, owner, settlement))
    executor = create2_address(CREATE2_PROXY, SALT, keccak(executor_code))
    return OurContracts(owner, executor, settlement, executor_code, settlement_code)


def executor_arguments(venues: ChainVenues, owner: Address, settlement: Address) -> tuple[object, ...]:
    """The `Venues` struct of the executor's constructor; what a chain lacks is zero."""
    v2, v3 = next(iter(venues.v2), None), next(iter(venues.v3), None)
    return (
        owner,
        venues.wrapped_native,
        v2.factory if v2 else ZERO_ADDRESS,
        v2.init_code_hash if v2 else bytes(32),
        v3.deployer if v3 else ZERO_ADDRESS,
        v3.init_code_hash if v3 else bytes(32),
        venues.v4[0].pool_manager if venues.v4 else ZERO_ADDRESS,
        venues.balancer[0].vault if venues.balancer else ZERO_ADDRESS,
        settlement,
    )


def venue_ids(venues: ChainVenues) -> Mapping[tuple[Family, str], int]:
    """The executor's number for each factory: 0 is fixed, forks follow in the order of the list."""
    ids = {(Family.UNISWAP_V2, venue.name): index for index, venue in enumerate(venues.v2)}
    ids |= {(Family.UNISWAP_V3, venue.name): index for index, venue in enumerate(venues.v3)}
    ids |= {(Family.SOLIDLY, venue.name): index + 1 for index, venue in enumerate(venues.solidly)}
    return ids


def deploy_on_fork(rpc: RpcClient, contracts: OurContracts, venues: ChainVenues) -> None:
    """Put both contracts on a fork, where they are missing, and name the forks of Uniswap. Raises `Terminal`."""
    codes = rpc.batch(("eth_getCode", [a, "latest"]) for a in (contracts.executor, contracts.rfq_settlement))
    if all(isinstance(code, str) and code != "0x" for code in codes):
        return
    rpc.call("anvil_setCode", CREATE2_PROXY, _PROXY_CODE)
    rpc.call("anvil_impersonateAccount", contracts.owner)
    transactions = Transactions.of(rpc, contracts.owner)
    transactions.add("RfqSettlement", CREATE2_PROXY, SALT + contracts.settlement_init_code, gas=5_000_000)
    transactions.add("Executor", CREATE2_PROXY, SALT + contracts.executor_init_code, gas=10_000_000)
    for kind, number, venue in _listed_forks(venues):
        deployer = venue.factory if isinstance(venue, V2Venue) else venue.deployer
        fee = venue.fee_pips if isinstance(venue, V2Venue) else 0
        call = encode_call(
            "setVenue(uint8,uint8,address,bytes32,uint24)", kind, number, deployer, venue.init_code_hash, fee
        )
        transactions.add(f"setVenue {venue.name}", contracts.executor, call, gas=200_000)
    for number, solidly in enumerate(venues.solidly):
        call = encode_call(
            "setVenue(uint8,uint8,address,bytes32,uint24)", LEG_SOLIDLY, number + 1, solidly.factory, bytes(32), 0
        )
        transactions.add(f"setVenue {solidly.name}", contracts.executor, call, gas=200_000)
    transactions.mine()
    rpc.call("anvil_stopImpersonatingAccount", contracts.owner)


def _listed_forks(venues: ChainVenues) -> list[tuple[int, int, V2Venue | V3Venue]]:
    pairs: list[tuple[int, int, V2Venue | V3Venue]] = [(LEG_V2, i, v) for i, v in enumerate(venues.v2) if i]
    return pairs + [(LEG_V3, i, v) for i, v in enumerate(venues.v3) if i]
