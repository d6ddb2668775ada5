"""Opening a chain: the embedded devnet, a recorded mainnet, or any node, through one type.

Owns: which processes are started for a command, and their end with it.
Must not: quote or settle.
"""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from oms.adapters.evm.addresses import parse_address
from oms.adapters.evm.anvil import Anvil, AnvilOptions
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import quantity
from oms.adapters.evm.contracts import CREATE2_PROXY, OurContracts, our_contracts
from oms.adapters.evm.devnet import Manifest, ReferencePrices, fork_manifest, open_devnet
from oms.adapters.evm.devnet.chain import DESK as DESK
from oms.adapters.evm.forks import ForkRecord, find_fork, list_forks
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import ChainVenues, venues_of
from oms.bootstrap.books import feed_mid
from oms.config import Settings
from oms.domain.token import Token
from oms.errors import InvalidRequest
from oms.units import Address

CHAINS = ("devnet", "recorded")
RECORDED_FILE = Path("mainnet/alloc_24628608_merged.json.gz")
DESK_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a command wants: a chain by name, a node by URL, or a recording by file; and whether it will settle.

    A `fresh` chain is started for this command alone, even where one of that name is up.
    """

    chain: str | None = None
    rpc_url: str | None = None
    recording: Path | None = None
    settles: bool = False
    owner: Address = DESK
    prices: ReferencePrices | None = None
    seed: int = 1
    port: int = 0
    fresh: bool = False


class ChainSession:
    """An open chain. Close it, or use it as a context manager; what was started for it ends then."""

    def __init__(
        self,
        kind: str,
        rpc: RpcClient,
        venues: ChainVenues,
        *,
        tokens: tuple[Token, ...] = (),
        manifest: Manifest | None = None,
        record: ForkRecord | None = None,
        resources: ExitStack,
    ) -> None:
        self.kind = kind
        self.rpc = rpc
        self.venues = venues
        self.tokens = tokens
        self.manifest = manifest
        self.record = record
        self.resources = resources

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_fork(self) -> bool:
        """Whether orders may settle here."""
        return self.kind != "node" and str(self.rpc.call("web3_clientVersion")).lower().startswith("anvil/")

    @property
    def lives_in_the_present(self) -> bool:
        """Whether its newest block should be recent: a node of somebody's that isn't a development node."""
        if self.kind != "node":
            return False
        version = str(self.rpc.call("web3_clientVersion")).lower()
        return not version.startswith(("anvil/", "hardhat"))

    def close(self) -> None:
        """End everything that was started for this session."""
        self.resources.close()


def open_session(settings: Settings, opening: Opening) -> ChainSession:
    """Open what was asked for. Raises `InvalidRequest` for a chain that isn't known, `VenueError` for one not there."""
    if opening.rpc_url and opening.recording:
        raise InvalidRequest("rpc-url", "give either --rpc-url or --recording, not both")
    if opening.rpc_url:
        return _node(settings, opening, opening.rpc_url)
    if opening.recording:
        return _recorded(settings, opening, opening.recording)
    name = opening.chain or settings.default_chain
    running = None if opening.fresh else find_fork(settings.home, name)
    if running is not None and running.alive:
        return _attached(settings, running)
    if name == "devnet":
        return _devnet(settings, opening)
    if name == "recorded":
        return _recorded(settings, opening, settings.data / RECORDED_FILE)
    if name in settings.rpc_urls:
        return _node(settings, opening, settings.rpc_urls[name])
    running_now = (record.name for record in list_forks(settings.home) if record.alive)
    known = ", ".join(dict.fromkeys((*CHAINS, *running_now, *settings.rpc_urls)))
    raise InvalidRequest("chain", f"{name!r} is not one of {known}; start it with `oms fork up`, or give --rpc-url")


def _devnet(settings: Settings, opening: Opening) -> ChainSession:
    with ExitStack() as stack:
        devnet = stack.enter_context(
            open_devnet(
                home=settings.home,
                project=settings.project,
                seed=opening.seed,
                prices=opening.prices or devnet_prices(settings),
                port=opening.port,
            )
        )
        venues = devnet_venues(devnet.manifest)
        return ChainSession(
            "devnet",
            devnet.anvil.rpc,
            venues,
            tokens=devnet.tokens,
            manifest=devnet.manifest,
            resources=stack.pop_all(),
        )


def devnet_prices(settings: Settings) -> ReferencePrices:
    """Dollar prices that the devnet's pools open at: the recorded book's, where there is one."""
    mid = feed_mid(settings)
    return ReferencePrices() if mid is None else ReferencePrices(eth=mid)


def devnet_venues(manifest: Manifest) -> ChainVenues:
    """Mainnet's venues with the devnet's Balancer pools and its hooked v4 pool, which no rule computes."""
    venues = venues_of(manifest.chain_id)
    return replace(
        venues,
        balancer=tuple(replace(venue, pool_ids=manifest.balancer_pool_ids) for venue in venues.balancer),
        v4=tuple(replace(venue, known_keys=manifest.hooked_keys) for venue in venues.v4),
    )


def _recorded(settings: Settings, opening: Opening, path: Path) -> ChainSession:
    from oms.adapters.evm.recording.format import load_recording
    from oms.adapters.evm.recording.server import serve_recording

    if not path.is_file():
        remedy = "correct the path" if path == opening.recording else "set OMS_DATA or give --recording FILE"
        raise InvalidRequest("recording", f"there is no file {path}; {remedy}")
    recording = load_recording(path)
    venues = venues_of(recording.chain_id)
    with ExitStack() as stack:
        server = stack.enter_context(serve_recording(recording, own=own_accounts(settings, venues, opening.owner)))
        if not opening.settles:
            rpc = stack.enter_context(RpcClient(server.url))
            return ChainSession("recorded", rpc, venues, resources=stack.pop_all())
        options = AnvilOptions(port=opening.port, fork_url=server.url, fork_block=recording.block)
        anvil = stack.enter_context(Anvil.start(options, project=settings.project))
        return ChainSession("recorded", anvil.rpc, venues, resources=stack.pop_all())


def own_accounts(settings: Settings, venues: ChainVenues, owner: Address) -> Collection[Address]:
    """Accounts that a recorded chain has never seen: the owner, and our contracts where they are compiled."""
    contracts = find_contracts(settings, venues, owner)
    ours = () if contracts is None else contracts.addresses
    return (owner, CREATE2_PROXY, *ours)


def find_contracts(settings: Settings, venues: ChainVenues, owner: Address) -> OurContracts | None:
    """Our contracts' addresses, or `None` where they are not compiled yet."""
    artifacts = Artifacts(settings.project)
    if not artifacts.our_path("Executor").exists():
        return None
    return our_contracts(artifacts, venues, owner)


def _node(settings: Settings, opening: Opening, url: str) -> ChainSession:
    with ExitStack() as stack:
        upstream = stack.enter_context(RpcClient(url))
        chain_id = quantity(upstream.call("eth_chainId"), venue=upstream.venue, what="eth_chainId")
        venues = venues_of(chain_id)
        if not opening.settles:
            return ChainSession("node", upstream, venues, resources=stack.pop_all())
        block = quantity(upstream.call("eth_blockNumber"), venue=upstream.venue, what="eth_blockNumber")
        options = AnvilOptions(port=opening.port, fork_url=url, fork_block=block)
        anvil = stack.enter_context(Anvil.start(options, project=settings.project))
        return ChainSession("fork", anvil.rpc, venues, resources=stack.pop_all())


def _attached(settings: Settings, record: ForkRecord) -> ChainSession:
    with ExitStack() as stack:
        rpc = stack.enter_context(RpcClient(record.url))
        manifest = fork_manifest(settings.home, record.name) if record.kind == "devnet" else None
        venues = devnet_venues(manifest) if manifest else venues_of(record.chain_id)
        tokens = manifest.tokens if manifest else ()
        return ChainSession(
            record.kind, rpc, venues, tokens=tokens, manifest=manifest, record=record, resources=stack.pop_all()
        )


def parse_account(text: str) -> Address:
    """An account to act for on a fork. Raises `InvalidRequest` for anything but an address."""
    return parse_address(text, field="account")
