"""What a block explorer needs to verify our sources: one solc standard JSON input a contract.

Owns: those files, made from forge's metadata and the sources as they are.
Must not: compile, or send anything anywhere.
Source: solc's "Compiler Input and Output JSON Description".
"""

import json
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import OurContract
from oms.errors import Terminal

Json = Any

_KEPT = ("evmVersion", "libraries", "metadata", "optimizer", "remappings", "viaIR")


def standard_json(artifacts: Artifacts, name: str) -> str:
    """The input from which solc makes the contract, and no other sources. Raises `Terminal` where one has changed."""
    metadata = _metadata(artifacts, name)
    sources = {path: {"content": _content(artifacts, path, known)} for path, known in metadata["sources"].items()}
    settings = {key: metadata["settings"][key] for key in _KEPT if key in metadata["settings"]}
    settings["outputSelection"] = {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
    asked = {"language": metadata["language"], "settings": settings, "sources": sources}
    return json.dumps(asked, indent=1, sort_keys=True) + "\n"


def verification_entry(artifacts: Artifacts, contract: OurContract) -> dict[str, Json]:
    """What an explorer's form asks for beside the file; the hash is the file's."""
    metadata = _metadata(artifacts, contract.name)
    ((path, name),) = metadata["settings"]["compilationTarget"].items()
    creation = artifacts.ours(contract.name).init_code
    return {
        "contract": f"{path}:{name}",
        "compiler": f"v{metadata['compiler']['version']}",
        "encoded_arguments": "0x" + contract.init_code[len(creation) :].hex(),
        "standard_json": f"{contract.name}.json",
        "standard_json_hash": "0x" + keccak(standard_json(artifacts, contract.name).encode()).hex(),
    }


def write_verification(artifacts: Artifacts, names: tuple[str, ...], folder: Path) -> None:
    """Save each as `<contract>.json`. The same sources and settings give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.json").write_text(standard_json(artifacts, name))


def _metadata(artifacts: Artifacts, name: str) -> Json:
    return json.loads(artifacts.our_path(name).read_text())["metadata"]


def _content(artifacts: Artifacts, path: str, known: Json) -> str:
    content = (artifacts.project / path).read_bytes()
    if "0x" + keccak(content).hex() != known["keccak256"]:
        raise Terminal("sources", f"{path} has changed since it was compiled; run `forge build`")
    return content.decode()
