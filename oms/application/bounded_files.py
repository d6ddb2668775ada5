"""Files that somebody names, read only as far as they may reach.

Owns: the bound, and what is said of a file that cannot be read. Must not: know what a file means.
"""

from pathlib import Path

from oms.errors import InvalidRequest


def read_at_most(path: Path, most_bytes: int, *, field: str, too_large: str) -> bytes:
    """All that is in it. Raises `InvalidRequest` about `field`; of a larger file it says that it is `too_large`."""
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except OSError as error:
        raise InvalidRequest(field, f"cannot read {path}: {error.strerror}") from error
    if len(raw) > most_bytes:
        raise InvalidRequest(field, f"{path} is {too_large}")
    return raw
