"""The embedded development chain: mainnet's addresses and bytecode, pools of our own, deterministic from a seed."""

from oms.adapters.evm.devnet.cache import (
    Devnet,
    SavedDevnet,
    fork_manifest,
    open_devnet,
    prepare_devnet,
    start_devnet_fork,
)
from oms.adapters.evm.devnet.manifest import BuiltPool, Manifest
from oms.adapters.evm.devnet.market import ReferencePrices

__all__ = [
    "BuiltPool",
    "Devnet",
    "Manifest",
    "ReferencePrices",
    "SavedDevnet",
    "fork_manifest",
    "open_devnet",
    "prepare_devnet",
    "start_devnet_fork",
]
