"""Compiled contracts: the protocols' published bytecode in `node_modules`, and our own in forge's `out/`.

Owns: the shapes in which compilers write artifacts (waffle, hardhat, forge), and what to say when one is missing.
Must not: compile, deploy, or copy published bytecode anywhere else (much of it is GPL or BUSL).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth_abi.abi import encode

from oms.errors import Terminal


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract; `runtime` has zeros where immutables go, and is empty if the file does not hold it."""

    name: str
    abi: tuple[Mapping[str, Any], ...]
    init_code: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...] = ()
    """Where the constructor writes into `runtime`: starts and lengths in bytes, as forge gives them."""

    @classmethod
    def read(cls, path: Path, *, remedy: str = "npm ci") -> Self:
        """Read one artifact file. Raises `Terminal`, saying to run `remedy`, when it is absent or not an artifact."""
        try:
            found = json.loads(path.read_text())
        except OSError:
            raise Terminal("artifacts", f"{_short(path)} is missing; run `{remedy}`") from None
        except ValueError:
            raise Terminal("artifacts", f"{_short(path)} is damaged; delete its folder and run `{remedy}`") from None
        init_code = _code(found, "bytecode")
        if init_code is None:
            raise Terminal("artifacts", f"{_short(path)} holds no bytecode; delete its folder and run `{remedy}`")
        runtime = _code(found, "deployedBytecode") or b""
        return cls(path.stem, tuple(found.get("abi", ())), init_code, runtime, _immutables(found))

    def with_arguments(self, *values: object) -> bytes:
        """Creation code followed by the constructor's encoded arguments; types are those of the ABI."""
        return self.init_code + encode(self._constructor_types(), values)

    def arguments_among(self, known: Mapping[str, object]) -> dict[str, object]:
        """What the constructor asks for, by name, out of all that is known; a struct's likewise, as a mapping.

        Raises `Terminal` where it asks for something else.
        """
        return self._picked(self._constructor_inputs(), known)

    def with_arguments_of(self, arguments: Mapping[str, object]) -> bytes:
        """Creation code followed by arguments that `arguments_among` picked, in whatever order they come.

        Raises `Terminal` where they are not those of the constructor.
        """
        return self.with_arguments(*self._in_order(self._constructor_inputs(), arguments))

    def _in_order(self, inputs: Sequence[Mapping[str, Any]], given: Mapping[str, object]) -> tuple[object, ...]:
        unlike = {each["name"] for each in inputs} ^ given.keys()
        if unlike:
            reason = f"{self.name}'s constructor has other arguments, unlike in {', '.join(sorted(unlike))}"
            raise Terminal("artifacts", f"{reason}; use the sources that were deployed")
        values = ((each, given[each["name"]]) for each in inputs)
        return tuple(
            self._in_order(each["components"], value) if isinstance(value, Mapping) else value for each, value in values
        )

    def _picked(self, inputs: Sequence[Mapping[str, Any]], known: Mapping[str, object]) -> dict[str, object]:
        picked: dict[str, object] = {}
        for each in inputs:
            name, parts = each["name"], each.get("components")
            if parts is None and name not in known:
                reason = f"{self.name}'s constructor asks for {name!r}, which oms does not know; run `./scripts/demo`"
                raise Terminal("artifacts", reason)
            picked[name] = known[name] if parts is None else self._picked(parts, known)
        return picked

    def _constructor_types(self) -> list[str]:
        return [abi_type(argument) for argument in self._constructor_inputs()]

    def _constructor_inputs(self) -> Sequence[Mapping[str, Any]]:
        for entry in self.abi:
            if entry.get("type") == "constructor":
                inputs: Sequence[Mapping[str, Any]] = entry["inputs"]
                return inputs
        return ()


def abi_type(argument: Mapping[str, Any]) -> str:
    """The ABI type of a function's or constructor's argument, tuples spelt out."""
    kind = str(argument["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(abi_type(part) for part in argument['components'])}){kind[5:]}"


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Where artifacts are found: in the project's `node_modules` and `out`."""

    project: Path

    def published(self, path: str) -> Artifact:
        """An npm package's artifact, such as `@uniswap/v2-core/build/UniswapV2Factory.json`. Raises `Terminal`."""
        return Artifact.read(self.published_path(path))

    def ours(self, name: str, *, file: str | None = None) -> Artifact:
        """Our contract `name`, in the source `file` if that is called differently. Raises `Terminal`."""
        return Artifact.read(self.our_path(name, file=file), remedy="./scripts/demo")

    def published_path(self, path: str) -> Path:
        """Where `published` looks."""
        return self.project / "node_modules" / path

    def our_path(self, name: str, *, file: str | None = None) -> Path:
        """Where `ours` looks."""
        return self.project / "out" / f"{file or name}.sol" / f"{name}.json"


def _code(found: Mapping[str, Any], key: str) -> bytes | None:
    code = found.get(key)
    text = code.get("object") if isinstance(code, dict) else code
    if not isinstance(text, str) or not text.removeprefix("0x"):
        return None
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return None  # unlinked libraries leave placeholders


def _immutables(found: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    code = found.get("deployedBytecode")
    places = code.get("immutableReferences") if isinstance(code, dict) else None
    groups = places.values() if isinstance(places, dict) else ()
    return tuple((each["start"], each["length"]) for group in groups for each in group)


def _short(path: Path) -> str:
    parts: Sequence[str] = path.parts
    for root in ("node_modules", "out"):
        if root in parts:
            return "/".join(parts[parts.index(root) :])
    return path.name
