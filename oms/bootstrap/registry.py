"""What the chain says of an open executor before its owner changes it.

Owns: these questions. Must not: send, or decide what may be changed; `oms.application` does.
"""

from oms.adapters.evm.contracts import listed_venues
from oms.adapters.evm.executor_reading import Known, Question, read_built_in, read_lane, read_proposals, read_venues
from oms.adapters.evm.rpc import RpcFailure
from oms.application.owning import AccountFacts
from oms.application.registering import RegistryFacts
from oms.bootstrap.accounts import OpenExecutor
from oms.errors import Terminal
from oms.execution.executor_state import LaneState, Listing, VenueEntry
from oms.units import Address


def account_facts(opened: OpenExecutor) -> AccountFacts:
    """Whose it is. Raises `StateConflict` where no executor stands."""
    opened.owner()
    reader = opened.reader()
    names = ("owner", "pendingOwner", "guardian", "entryPoint")
    return AccountFacts(opened.executor, *(reader.one(f"{name}()", returns="address")[0] for name in names))


def registry_facts(opened: OpenExecutor, *, since: int | None = None, proposals: bool = True) -> RegistryFacts:
    """Its delay, the chain's factories and what is built in; by logs from block `since` on, what was proposed.

    What takes away asks for no `proposals`, so that no node's reluctance to search logs can delay it. Raises
    `StateConflict` where no executor stands.
    """
    opened.owner()
    reader, factories = opened.reader(), opened.factories
    begin = min(opened.first_block(), reader.chain.block.number) if since is None else since
    return RegistryFacts(
        executor=opened.executor,
        now=opened.now(),
        delay=reader.one("registryDelay()", returns="uint256")[0],
        built_in=[
            VenueEntry(each.kind, each.number, each.name, each.deployer, each.fee_pips, each.init_code_hash)
            for each in listed_venues(opened.session.venues)
        ],
        fixed=read_built_in(reader, factories),
        proposals=read_proposals(reader, Known([], factories), since=begin) if proposals else (),
    )


def present_venue(opened: OpenExecutor, place: tuple[int, int]) -> VenueEntry:
    """What the executor knows under that kind and number; without a deployer, nothing."""
    return read_venues(opened.reader(), [place], names=opened.factories)[0]


def is_listed(opened: OpenExecutor, listing: Listing) -> bool:
    """Whether plans may deal with it now."""
    values = listing.kind, listing.target, listing.selector
    (answer,) = opened.reader().ask([Question("isListed(uint8,address,bytes4)", values, ("bool",))])
    return answer is not None and bool(answer[0])


def applicable_from(opened: OpenExecutor, identifier: bytes) -> int:
    """When a proposal may be applied, in Unix seconds; zero for none."""
    found: int = opened.reader().one("applicableFrom(bytes32)", identifier, returns="uint256")[0]
    return found


def lane_of(opened: OpenExecutor, key: Address, lane: int) -> LaneState:
    """With which number a key's lane goes on."""
    return read_lane(opened.reader(), key, lane)


def holding(opened: OpenExecutor, token: Address) -> int:
    """Base units that the executor holds; zero address for the native coin."""
    return opened.settlement(opened.executor).balances([(opened.executor, token)])[0]


def code_stands(opened: OpenExecutor, address: Address) -> bool:
    """Whether there is a contract."""
    (code,) = opened.reader().chain.code([address])
    if isinstance(code, RpcFailure):
        raise Terminal(opened.session.rpc.venue, f"cannot read code: {code.message}; use another node")
    return code != b""
