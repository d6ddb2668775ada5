"""The `.tree` files say, function by function, what is tested. A leaf is a test that exists: its name with spaces for
lines; where the tests of several contracts share the name, the contract stands before it.
"""

import pathlib
import re

import pytest

FOLDER = pathlib.Path(__file__).parent
LEAF = re.compile(r"^[│ ]*[├└]── (?:(?P<contract>[A-Z]\w*): )?(?P<sentence>.+)$")
CONTRACT = re.compile(r"^(?:abstract )?contract (\w+)(?: is ([\w, ]+))?", re.MULTILINE)
TEST = re.compile(r"function (test_\w+)")


def _tests() -> dict[str, set[str]]:
    """Test names by contract, those of its parents, and of theirs, counted for each."""
    own: dict[str, set[str]] = {}
    parents: dict[str, list[str]] = {}
    for path in FOLDER.rglob("*.sol"):
        parts = CONTRACT.split(path.read_text())
        for name, bases, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            own[name] = set(TEST.findall(body))
            parents[name] = [base.strip() for base in (bases or "").split(",") if base.strip()]

    def inherited(name: str) -> set[str]:
        return own.get(name, set()).union(*(inherited(base) for base in parents.get(name, ())))

    return {name: inherited(name) for name in own}


@pytest.mark.parametrize("tree", sorted(path.name for path in (FOLDER / "trees").glob("*.tree")))
def test_each_leaf_of_a_tree_is_a_test_that_exists(tree: str) -> None:
    tests = _tests()
    lines = (FOLDER / "trees" / tree).read_text().splitlines()
    leaves = 0
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        leaf = LEAF.match(line)
        if not leaf or _depth(following) > _depth(line):
            continue
        leaves += 1
        name = f"test_{leaf['sentence'].replace(' ', '_')}"
        contract = leaf["contract"]
        holders = [f"{contract}Test"] if contract else [holder for holder, names in tests.items() if name in names]
        assert any(name in tests.get(holder, set()) for holder in holders), f"{tree}: {line.strip()}: no {name}"
    assert leaves > 10


def test_each_external_function_has_its_tree() -> None:
    trees = "".join(path.read_text() for path in (FOLDER / "trees").glob("*.tree"))
    contracts = FOLDER.parent.parent / "contracts"
    for source in ("Steward", "RfqSettlement"):
        text = (contracts / f"{source}.sol").read_text()
        for name in re.findall(r"function (\w+)\([^)]*\)\s+external", text):
            titles = [line for line in trees.splitlines() if line.startswith(f"{source}:")]
            assert any(name in title for title in titles), f"{source}.{name} has no tree"


def _depth(line: str) -> int:
    found = re.match(r"^[│ ├└─]*", line)
    return len(found[0]) if found else 0
