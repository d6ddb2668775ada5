"""Shared fixtures: where the recorded data is, when it is there at all."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def oms_data() -> Path:
    """The folder of recorded mainnet facts; a test that asks for it is skipped where the folder is absent."""
    folder = Path(os.environ.get("OMS_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"recorded data not found at {folder}; set OMS_DATA to run this test")
    return folder
