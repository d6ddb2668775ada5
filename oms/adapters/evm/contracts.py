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

from oms.adapters.evm.addresses import create2_address, first_created_address
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.devnet.deploy import Transactions, encode_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import ChainVenues
from oms.domain.venue import Family
from oms.units import ZERO_ADDRESS, Address

CREATE2_PROXY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
CREATE2_PROXY_CODE = (
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
    console: Address
    """The executor's own second contract, which it creates itself."""
    rfq_settlement: Address
    executor_init_code: bytes
    settlement_init_code: bytes


def our_contracts(artifacts: Artifacts, venues: ChainVenues, owner: Address) -> OurContracts:
    """Where they are, or will be, for this owner. The same on every chain with the same venues."""
    settlement_code = artifacts.ours("RfqSettlement").with_arguments()
    settlement = create2_address(CREATE2_PROXY, SALT, keccak(settlement_code))
    executor_code = artifacts.ours("Executor").with_arguments(executor_arguments(venues, owner, settlement))
    executor = create2_address(CREATE2_PROXY, SALT, keccak(executor_code))
    return OurContracts(owner, executor, first_created_address(executor), settlement, executor_code, settlement_code)


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


@dataclass(frozen=True, slots=True)
class ListedVenue:
    """A factory that the executor is told of after its deployment: any but the first of a kind."""

    name: str
    kind: int
    number: int
    deployer: Address
    init_code_hash: bytes
    fee_pips: int

    @property
    def calldata(self) -> bytes:
        """The owner's call of `Executor.setVenue`."""
        values = (self.kind, self.number, self.deployer, self.init_code_hash, self.fee_pips)
        return encode_call("setVenue(uint8,uint8,address,bytes32,uint24)", *values)


def listed_venues(venues: ChainVenues) -> tuple[ListedVenue, ...]:
    """What to tell a new executor, by the numbers of `venue_ids`."""
    v2 = [ListedVenue(v.name, LEG_V2, i, v.factory, v.init_code_hash, v.fee_pips) for i, v in enumerate(venues.v2)]
    v3 = [ListedVenue(v.name, LEG_V3, i, v.deployer, v.init_code_hash, 0) for i, v in enumerate(venues.v3)]
    solidly = [ListedVenue(v.name, LEG_SOLIDLY, i + 1, v.factory, bytes(32), 0) for i, v in enumerate(venues.solidly)]
    return (*v2[1:], *v3[1:], *solidly)


def deploy_on_fork(rpc: RpcClient, contracts: OurContracts, venues: ChainVenues) -> None:
    """Put each contract on a fork where it is missing, and name the forks of Uniswap. Raises `Terminal`.

    All owners share one `RfqSettlement`; each has an executor of its own.
    """
    codes = rpc.batch(("eth_getCode", [a, "latest"]) for a in (contracts.executor, contracts.rfq_settlement))
    has_executor, has_settlement = (isinstance(code, str) and code != "0x" for code in codes)
    if has_executor and has_settlement:
        return
    rpc.call("anvil_setCode", CREATE2_PROXY, CREATE2_PROXY_CODE)
    rpc.call("anvil_impersonateAccount", contracts.owner)
    transactions = Transactions.of(rpc, contracts.owner)
    if not has_settlement:
        transactions.add("RfqSettlement", CREATE2_PROXY, SALT + contracts.settlement_init_code, gas=5_000_000)
    if not has_executor:
        transactions.add("Executor", CREATE2_PROXY, SALT + contracts.executor_init_code, gas=10_000_000)
        for venue in listed_venues(venues):
            transactions.add(f"setVenue {venue.name}", contracts.executor, venue.calldata, gas=200_000)
    transactions.mine()
    rpc.call("anvil_stopImpersonatingAccount", contracts.owner)
