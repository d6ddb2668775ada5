"""Settings from the environment and the desk's file."""

import os
import time
from pathlib import Path

from oms.config import Settings, read_settings
from oms.errors import InvalidRequest

PROJECT = Path(__file__).resolve().parents[2]


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()


def load_settings() -> Settings:
    """`OMS_HOME` (default `~/.oms`), `OMS_DATA`, and `config.toml` in the home, if there is one.

    Raises `InvalidRequest` for an unreadable file or a setting that does not fit.
    """
    home = _home()
    data = Path(os.environ.get("OMS_DATA") or PROJECT.parent / "shared" / "data")
    path = home / "config.toml"
    try:
        text = path.read_text() if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest("config.toml", f"cannot be read: {error}; mend or delete {path}") from error
    try:
        return read_settings(text, home=home, data=data, project=PROJECT)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets nested as deeply
        raise InvalidRequest("config.toml", f"holds what no setting is; mend or delete {path}") from error


def _home() -> Path:
    configured = os.environ.get("OMS_HOME")
    try:
        return Path(configured).expanduser() if configured else Path.home() / ".oms"
    except RuntimeError as error:
        if configured:
            raise InvalidRequest("OMS_HOME", f"{configured} names no known user; write the whole path") from error
        return PROJECT / ".oms"
