"""Shared fixtures and settings: where the recorded data is, which tests are Ape's, which examples hypothesis takes."""

import os
from pathlib import Path

import hypothesis
import pytest

# The same examples at each run: a change is judged by itself. `OMS_EXAMPLES=random` looks for new ones.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("random", deadline=None)
hypothesis.settings.load_profile(os.environ.get("OMS_EXAMPLES", "same"))

PROJECT = Path(__file__).resolve().parent.parent
APE_TESTS = PROJECT / "tests" / "ape"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`ape test` runs tests/ape alone, and pytest everything but that: those tests need fixtures that Ape provides."""
    inside = collection_path.is_relative_to(APE_TESTS)
    if config.pluginmanager.has_plugin("ape_test"):
        return None if inside or APE_TESTS.is_relative_to(collection_path) else True
    return True if inside else None


@pytest.fixture(scope="session")
def oms_data() -> Path:
    """The folder of recorded mainnet facts; a test that asks for it is skipped where the folder is absent."""
    folder = Path(os.environ.get("OMS_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"recorded data not found at {folder}; set OMS_DATA to run this test")
    return folder
