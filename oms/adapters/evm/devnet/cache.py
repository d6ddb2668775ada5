"""Opening the development chain: built once in some seconds, afterwards loaded from its saved state.

Owns: the cache in `OMS_HOME/cache`, keyed by everything that the state depends on.
Must not: decide what is on the chain (`market`, `build`).
"""

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from oms.adapters.evm.addresses import V4Key
from oms.adapters.evm.anvil import HARDFORK, Anvil, AnvilOptions, find_anvil
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.devnet import chain
from oms.adapters.evm.devnet.build import (
    BASE_FEE_WEI,
    EMPTY_CHAIN,
    GAS_LIMIT,
    OURS,
    PUBLISHED,
    DevnetBuilder,
)
from oms.adapters.evm.devnet.manifest import BuiltPool, Manifest
from oms.adapters.evm.devnet.market import MarketPlanner, ReferencePrices
from oms.adapters.evm.forks import ForkRecord, start_fork, stop_fork
from oms.adapters.evm.rpc import RpcClient
from oms.domain.token import Token
from oms.errors import Terminal
from oms.units import Address

_KEPT_STATES = 6


@dataclass(frozen=True, slots=True)
class SavedDevnet:
    """A built chain on disk."""

    state: Path
    manifest: Manifest

    def options(self, *, port: int = 0) -> AnvilOptions:
        """How to start an Anvil that continues this chain."""
        return AnvilOptions(
            port=port,
            chain_id=self.manifest.chain_id,
            load_state=self.state,
            gas_limit=GAS_LIMIT,
        )


@dataclass(frozen=True, slots=True)
class Devnet:
    """A running development chain; stop it, or use it as a context manager."""

    anvil: Anvil
    manifest: Manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def rpc_url(self) -> str:
        """Where it listens, on 127.0.0.1."""
        return self.anvil.url

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Contracts and accounts by name."""
        return self.manifest.addresses

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The chain's tokens."""
        return self.manifest.tokens

    @property
    def pools(self) -> tuple[BuiltPool, ...]:
        """Every pool that was opened."""
        return self.manifest.pools

    @property
    def balancer_pool_ids(self) -> tuple[str, ...]:
        """Balancer's pools have no computable address."""
        return self.manifest.balancer_pool_ids

    @property
    def hooked_keys(self) -> tuple[V4Key, ...]:
        """Keys of the v4 pools with hooks, which no list of plain tiers would find."""
        return self.manifest.hooked_keys

    def stop(self) -> None:
        """End the chain; what happened on it is gone."""
        self.anvil.stop()


def open_devnet(
    *, home: Path, project: Path, seed: int = 1, prices: ReferencePrices | None = None, port: int = 0
) -> Devnet:
    """Start the development chain, from the cache in `home` if it was built before.

    Raises:
        InvalidRequest: the port is taken.
        Terminal: Anvil, bytecode or disk space is missing; the message says what to run.
    """
    saved = prepare_devnet(home=home, project=project, seed=seed, prices=prices)
    anvil = Anvil.start(saved.options(port=port), project=project)
    try:
        mine_now(anvil.rpc)
    except BaseException:
        anvil.stop()
        raise
    return Devnet(anvil, saved.manifest)


def start_devnet_fork(
    *,
    home: Path,
    project: Path,
    seed: int = 1,
    prices: ReferencePrices | None = None,
    port: int = 0,
    name: str = "default",
) -> ForkRecord:
    """Start the development chain detached, for `oms fork up`; `fork_manifest` and `stop_fork` know it by `name`.

    Raises as `start_fork` and `prepare_devnet` do.
    """
    saved = prepare_devnet(home=home, project=project, seed=seed, prices=prices)
    record = start_fork(saved.options(port=port), home=home, project=project, kind="devnet", name=name)
    try:
        with RpcClient(record.url) as rpc:
            mine_now(rpc)
        saved.manifest.write(_manifest_path(home, name))
    except BaseException:
        stop_fork(home, name)
        raise
    return record


def fork_manifest(home: Path, name: str = "default") -> Manifest | None:
    """What is on the detached development chain of that name; None when there is none."""
    try:
        return Manifest.read(_manifest_path(home, name))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _manifest_path(home: Path, name: str) -> Path:
    return home / "forks" / f"{name}.manifest"


def mine_now(rpc: RpcClient) -> None:
    """Bring a loaded chain's newest block to the present; its fixed building time would look like a lagging node."""
    rpc.call("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE_WEI))
    rpc.call("evm_mine")


def prepare_devnet(*, home: Path, project: Path, seed: int = 1, prices: ReferencePrices | None = None) -> SavedDevnet:
    """The saved chain for these settings, built now if it is not there. Raises `Terminal`."""
    wanted = prices or ReferencePrices()
    artifacts = Artifacts(project)
    name = f"devnet-{_digest(artifacts, seed, wanted)}"
    folder = home / "cache"
    state, manifest = folder / f"{name}.json", folder / f"{name}.manifest.json"
    try:
        saved = SavedDevnet(state, Manifest.read(manifest))
        if state.stat().st_size:
            return saved
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent or damaged: build it
    try:
        built = _build(artifacts, state, seed, wanted)
        draft = manifest.with_name(f".{manifest.name}.{os.getpid()}")
        built.write(draft)
        draft.replace(manifest)  # last, so that a manifest means a whole state
        _forget_old(folder)
    except OSError as error:
        raise Terminal(
            "devnet", f"could not write {folder}: {error.strerror}; free disk space, or set OMS_HOME elsewhere"
        ) from error
    return SavedDevnet(state, built)


def _build(artifacts: Artifacts, state: Path, seed: int, prices: ReferencePrices) -> Manifest:
    plan = MarketPlanner(prices, seed).plan()
    with Anvil.start(EMPTY_CHAIN, project=artifacts.project) as anvil:
        pools = DevnetBuilder(anvil.rpc, artifacts, plan, prices).build()
        block = int(str(anvil.rpc.call("eth_blockNumber")), 16)
        anvil.dump_state(state)
    by_symbol = {token.symbol: prices.of(token) for token in chain.TOKENS}
    return Manifest(chain.CHAIN_ID, block, seed, by_symbol, chain.ADDRESSES, chain.TOKENS, pools)


def _digest(artifacts: Artifacts, seed: int, prices: ReferencePrices) -> str:
    """A name for everything that the state depends on: our sources, the bytecode, Anvil, and the settings."""
    digest = hashlib.sha256(f"{seed} {prices} {HARDFORK} {find_anvil(artifacts.project).stat().st_size}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    for published in PUBLISHED.values():
        # The file, not its bytecode: parsing them all would take longer than loading the chain.
        with contextlib.suppress(OSError):  # the builder says which is absent, and what to run
            digest.update(artifacts.published_path(published).read_bytes())
    for name in OURS:
        digest.update(artifacts.ours(name).init_code)  # forge's files change with what else was compiled
    return digest.hexdigest()[:16]


def _forget_old(folder: Path) -> None:
    """Keep the newest few states; prices change with each day's book."""
    manifests = sorted(folder.glob("devnet-*.manifest.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for manifest in manifests[_KEPT_STATES:]:
        manifest.unlink(missing_ok=True)
        manifest.with_name(manifest.name.replace(".manifest", "")).unlink(missing_ok=True)
