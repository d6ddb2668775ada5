"""Our own contracts on a fork: where they are, and putting them there.

Owns: the addresses of `Executor` and of all that executors share, the arguments of their constructors, and the list of
forks of Uniswap that an executor is told.
Must not: touch a live chain; the deployment scripts do that, with a person's key.
Sources: the deterministic deployment proxy, github.com/Arachnid/deterministic-deployment-proxy (in Anvil by default);
`contracts/ExecutorFactory.sol`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
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


Arguments = Mapping[str, object]
"""A constructor's arguments by the names that the source gives them; a struct's are a mapping in their turn."""

REGISTRY_DELAY_SECONDS: Final = 172_800
"""How long an addition to the registry waits on a chain that others use: two days, for the guardian to drop it."""
NO_DELAY: Final = 0
"""On forks and development chains, where an addition acts at once."""
DEVELOPMENT_CHAIN_ID: Final = 31_337
"""Anvil's own, which no chain that others use has."""

SHARED: Final = ("RfqSettlement", "Warden", "Annex", "Steward", "ExecutorFactory")
"""What all executors of a chain share, in order of deployment: a contract may be told of those before it."""


def registry_delay(chain_id: int, *, development: bool) -> int:
    """How many seconds an addition to the registry of a new executor waits: nothing else decides that.

    `development` says that nobody else uses the chain, as of a fork, which has the id of the chain that it is of.
    """
    return NO_DELAY if development or chain_id == DEVELOPMENT_CHAIN_ID else REGISTRY_DELAY_SECONDS


def constructor_values(venues: ChainVenues, owner: Address, *, delay: int = NO_DELAY) -> Arguments:
    """Whatever a constructor of ours asks for, by the name that it has there; what a chain lacks is zero.

    A further argument, of any contract or of a struct, is a further line here. The contracts of `SHARED` need none:
    each is known by its own name, as `steward`, to those after it.
    """
    v2, v3 = next(iter(venues.v2), None), next(iter(venues.v3), None)
    return {
        "owner": owner,
        "weth": venues.wrapped_native,
        "v2Factory": v2.factory if v2 else ZERO_ADDRESS,
        "v2InitCodeHash": v2.init_code_hash if v2 else bytes(32),
        "v3Factory": v3.deployer if v3 else ZERO_ADDRESS,
        "v3InitCodeHash": v3.init_code_hash if v3 else bytes(32),
        "poolManager": venues.v4[0].pool_manager if venues.v4 else ZERO_ADDRESS,
        "balancerVault": venues.balancer[0].vault if venues.balancer else ZERO_ADDRESS,
        "balancerV2Vault": venues.balancer[0].vault if venues.balancer else ZERO_ADDRESS,
        "balancerV3Vault": venues.places.balancer_v3_vault,
        "aavePool": venues.places.aave_pool,
        "spokePool": venues.places.spoke_pool,
        "zeroEx": venues.places.zero_ex,
        "airSwap": venues.places.air_swap,
        "delay": delay,
    }


@dataclass(frozen=True, slots=True)
class OurContract:
    """A contract's place and creation code; `init_code` ends with the encoded `arguments`."""

    name: str
    address: Address
    init_code: bytes
    arguments: Arguments
    to: Address
    """Who deploys it: the deterministic deployment proxy, or the factory of executors."""
    calldata: bytes

    @property
    def init_code_hash(self) -> bytes:
        """From which an address by CREATE2 follows."""
        return keccak(self.init_code)


@dataclass(frozen=True, slots=True)
class OurContracts:
    """The desk's executor, and what it shares with all executors of the chain, in order of deployment."""

    owner: Address
    shared: tuple[OurContract, ...]
    account: OurContract
    salt: bytes
    """The executor's: that of its release, so that another release goes to another address."""
    cradle: Address
    """What the factory has the executor created by."""

    @property
    def all(self) -> tuple[OurContract, ...]:
        """In order of deployment."""
        return (*self.shared, self.account)

    @property
    def executor(self) -> Address:
        """The owner's account."""
        return self.account.address

    @property
    def rfq_settlement(self) -> Address:
        """Where makers' quotes are filled."""
        return self.part("RfqSettlement").address

    def part(self, name: str) -> OurContract:
        """One of `SHARED`."""
        return next(each for each in self.shared if each.name == name)

    @property
    def registry_delay(self) -> int:
        """In seconds, as the executor's steward is told it."""
        return int(str(self.part("Steward").arguments["delay"]))

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All that deployment reads or writes."""
        return (*(each.address for each in self.all), self.cradle)


def our_contracts(artifacts: Artifacts, venues: ChainVenues, owner: Address, *, delay: int = NO_DELAY) -> OurContracts:
    """Where they are, or will be, for this owner. Raises `Terminal` where they are not compiled.

    `delay` is the registry's: that of forks, unless `registry_delay` says otherwise of the chain.
    """
    known = dict(constructor_values(venues, owner, delay=delay))
    shared = []
    for name in SHARED:
        shared.append(_by_create2(artifacts, name, known))
        known[name[0].lower() + name[1:]] = shared[-1].address
    factory = shared[-1].address
    artifact, salt = artifacts.ours("Executor"), release_salt(artifacts)
    cradle_hash = keccak(artifacts.ours("Cradle", file="ExecutorFactory").init_code)
    cradle = create2_address(factory, keccak(encode(["address", "bytes32"], [owner, salt])), cradle_hash)
    arguments = artifact.arguments_among(known)
    init_code = artifact.with_arguments_of(arguments)
    calldata = encode_call("deploy(bytes32,bytes)", salt, init_code)
    account = OurContract("Executor", first_created_address(cradle), init_code, arguments, factory, calldata)
    return OurContracts(owner, tuple(shared), account, salt, cradle)


def release_salt(artifacts: Artifacts) -> bytes:
    """Of the code of the executor and of its parts without their arguments: the same on every chain."""
    return keccak(b"".join(keccak(artifacts.ours(name).init_code) for name in (*SHARED, "Executor")))


def _by_create2(artifacts: Artifacts, name: str, known: Arguments) -> OurContract:
    artifact = artifacts.ours(name)
    arguments = artifact.arguments_among(known)
    init_code = artifact.with_arguments_of(arguments)
    address = create2_address(CREATE2_PROXY, SALT, keccak(init_code))
    return OurContract(name, address, init_code, arguments, CREATE2_PROXY, SALT + init_code)


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
    def values(self) -> tuple[int, int, Address, bytes, int]:
        """What `setVenue`, `proposeVenue` and `applyVenue` take."""
        return (self.kind, self.number, self.deployer, self.init_code_hash, self.fee_pips)

    @property
    def proposal(self) -> bytes:
        """By which the registry knows it while it waits."""
        types = ["string", "uint8", "uint8", "address", "bytes32", "uint24"]
        return keccak(encode(types, ["venue", *self.values]))

    @property
    def calldata(self) -> bytes:
        """The owner's call of `Executor.setVenue`."""
        return encode_call("setVenue(uint8,uint8,address,bytes32,uint24)", *self.values)


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
    codes = rpc.batch(("eth_getCode", [each.address, "latest"]) for each in contracts.all)
    missing = [e for e, code in zip(contracts.all, codes, strict=True) if not isinstance(code, str) or code == "0x"]
    if not missing:
        return
    rpc.call("anvil_setCode", CREATE2_PROXY, CREATE2_PROXY_CODE)
    rpc.call("anvil_impersonateAccount", contracts.owner)
    transactions = Transactions.of(rpc, contracts.owner)
    for each in missing:
        transactions.add(each.name, each.to, each.calldata, gas=10_000_000)
    if contracts.account in missing:
        for venue in listed_venues(venues):
            transactions.add(f"setVenue {venue.name}", contracts.executor, venue.calldata, gas=200_000)
    transactions.mine()
    rpc.call("anvil_stopImpersonatingAccount", contracts.owner)
