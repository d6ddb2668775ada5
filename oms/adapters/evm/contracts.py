"""Our own contracts on a fork: where they are, and putting them there.

Owns: the addresses of `Executor` and of all that executors share, their constructors' arguments, and the executor's list
of forks of Uniswap.
Must not: touch a live chain; the deployment scripts do that, with a person's key.
Source: the deterministic deployment proxy, github.com/Arachnid/deterministic-deployment-proxy (in Anvil by default).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import create2_address
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


Arguments = Mapping[str, object]
"""A constructor's arguments by the names that the source gives them; a struct's are a mapping in their turn."""


def _factories(venues: ChainVenues) -> Arguments:
    """Venue 0 of either kind, which no owner can change; what a chain lacks is zero."""
    v2, v3 = next(iter(venues.v2), None), next(iter(venues.v3), None)
    return {
        "v2Factory": v2.factory if v2 else ZERO_ADDRESS,
        "v2InitCodeHash": v2.init_code_hash if v2 else bytes(32),
        "v3Factory": v3.deployer if v3 else ZERO_ADDRESS,
        "v3InitCodeHash": v3.init_code_hash if v3 else bytes(32),
    }


SHARED: Final[tuple[tuple[str, Callable[[ChainVenues, Mapping[str, Address]], Arguments]], ...]] = (
    ("RfqSettlement", lambda venues, at: {}),
    ("Warden", lambda venues, at: {}),
    ("Annex", lambda venues, at: {}),
    ("Console", lambda venues, at: _factories(venues)),
)
"""What all executors of a chain share, in order of deployment: the constructor's arguments, by the chain's venues and by
the addresses of what stands above. A further argument of a contract is a further entry here."""


def _executor_arguments(venues: ChainVenues, owner: Address, at: Mapping[str, Address]) -> Arguments:
    return {
        "venues": {
            "owner": owner,
            "weth": venues.wrapped_native,
            **_factories(venues),
            "poolManager": venues.v4[0].pool_manager if venues.v4 else ZERO_ADDRESS,
            "balancerVault": venues.balancer[0].vault if venues.balancer else ZERO_ADDRESS,
            "rfqSettlement": at["RfqSettlement"],
        },
        "parts": {"console": at["Console"], "annex": at["Annex"], "warden": at["Warden"]},
    }


@dataclass(frozen=True, slots=True)
class OurContract:
    """A contract's place and creation code; `init_code` ends with the encoded `arguments`."""

    name: str
    address: Address
    init_code: bytes
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class OurContracts:
    """The desk's executor, and what it shares with all executors of the chain, in order of deployment."""

    owner: Address
    shared: tuple[OurContract, ...]
    account: OurContract

    @property
    def executor(self) -> Address:
        """The owner's account."""
        return self.account.address

    @property
    def rfq_settlement(self) -> Address:
        """Where makers' quotes are filled."""
        return next(each.address for each in self.shared if each.name == "RfqSettlement")

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All that deployment writes to."""
        return (self.executor, *(each.address for each in self.shared))


def our_contracts(artifacts: Artifacts, venues: ChainVenues, owner: Address) -> OurContracts:
    """Where they are, or will be, for this owner. Raises `Terminal` where they are not compiled."""
    at: dict[str, Address] = {}
    shared = []
    for name, arguments_of in SHARED:
        shared.append(_by_create2(artifacts, name, arguments_of(venues, at)))
        at[name] = shared[-1].address
    account = _by_create2(artifacts, "Executor", _executor_arguments(venues, owner, at))
    return OurContracts(owner, tuple(shared), account)


def _by_create2(artifacts: Artifacts, name: str, arguments: Arguments) -> OurContract:
    init_code = artifacts.ours(name).with_named_arguments(arguments)
    return OurContract(name, create2_address(CREATE2_PROXY, SALT, keccak(init_code)), init_code, arguments)


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

    All owners share what is in `contracts.shared`; each has an executor of its own.
    """
    wanted = (*contracts.shared, contracts.account)
    codes = rpc.batch(("eth_getCode", [each.address, "latest"]) for each in wanted)
    missing = [each for each, code in zip(wanted, codes, strict=True) if not isinstance(code, str) or code == "0x"]
    if not missing:
        return
    rpc.call("anvil_setCode", CREATE2_PROXY, CREATE2_PROXY_CODE)
    rpc.call("anvil_impersonateAccount", contracts.owner)
    transactions = Transactions.of(rpc, contracts.owner)
    for each in missing:
        transactions.add(each.name, CREATE2_PROXY, SALT + each.init_code, gas=10_000_000)
    if contracts.account in missing:
        for venue in listed_venues(venues):
            transactions.add(f"setVenue {venue.name}", contracts.executor, venue.calldata, gas=200_000)
    transactions.mine()
    rpc.call("anvil_stopImpersonatingAccount", contracts.owner)
