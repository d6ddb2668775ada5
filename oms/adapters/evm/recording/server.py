"""Serving a recording as a node that Anvil can fork, in this process.

    anvil --fork-url URL --fork-block-number BLOCK --no-rate-limit --retries 0 --hardfork osaka

Owns: the life of the server. Must not: decide what is known (`known_state`) or how it is said (`answers`).
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from oms.adapters.evm.recording.answers import answer
from oms.adapters.evm.recording.endpoint import Call, JsonRpcEndpoint
from oms.adapters.evm.recording.format import Recording, load_recording
from oms.adapters.evm.recording.known_state import KnownState
from oms.units import Address


class RecordingServer(JsonRpcEndpoint):
    """A recording behind a URL on loopback; close it, or use it as a context manager."""

    def __init__(self, state: KnownState, *, port: int = 0) -> None:
        """Raises `InvalidRequest` when the port is taken."""
        self.state = state
        self.recording = state.recording
        super().__init__(self._respond, port=port)

    def _respond(self, calls: Sequence[Call]) -> list[Any]:
        return [answer(self.state, method, params) for method, params in calls]


def serve_recording(
    recording: Recording | Path,
    *,
    port: int = 0,
    own: Collection[Address] = (),
    zero_unknown: bool = False,
    zero_address_empty: bool = True,
) -> RecordingServer:
    """Serve a recording, or the file it is in, from a thread of this process.

    `own` accounts (Anvil's ten always are) hold nothing on the recorded chain, in any token; with `zero_unknown` every
    account outside the recording is empty; `zero_address_empty` lets Anvil use its default sender and fee recipient
    (see `KnownState`). Anything else that is not recorded is answered with error -32001.

    Raises:
        InvalidRequest: the file cannot be read, or the port is taken.
    """
    loaded = load_recording(recording) if isinstance(recording, Path) else recording
    state = KnownState(loaded, own=own, zero_unknown=zero_unknown, zero_address_empty=zero_address_empty)
    return RecordingServer(state, port=port)
