"""What a recording says about an account or a slot; everything else is an error, never a zero.

Owns: the decision between a recorded value, a known zero and `NotRecorded`.
Must not: speak JSON-RPC (`answers`), or guess.
"""

from collections.abc import Collection, Mapping
from threading import Lock

from oms.adapters.evm.recording.answers import NotRecorded
from oms.adapters.evm.recording.format import RecordedAccount, Recording
from oms.adapters.evm.recording.known_zeros import observation_slots, own_token_slots, pool_accounting_slots
from oms.units import ZERO_ADDRESS, Address

ANVIL_ACCOUNTS = (
    "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
    "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
    "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
    "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
    "0x976ea74026e726554db657fa54763abd0c3a0aa9",
    "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
    "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
    "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
)
"""The ten accounts that Anvil funds by default; always our own."""

SYSTEM_CONTRACTS = frozenset(
    {
        "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",  # EIP-4788: beacon block roots
        "0x0000f90827f1c53a10cb7a02335b175320002935",  # EIP-2935: block hashes
        "0x00000961ef480eb55e80d19ad83579a64c007002",  # EIP-7002: withdrawals
        "0x0000bbddc7ce488642fb579f8b00f3a590007251",  # EIP-7251: consolidations
    }
)
"""Written by the node itself at each block, which may read any of their slots."""

_EMPTY = RecordedAccount()
_SYNTHETIC_BASE_FEE_WEI = 10**8
_EMPTY_TRIE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
_NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
_NO_REQUESTS = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_ZERO_WORD = "0x" + "0" * 64


class KnownState:
    """Answers from one recording. Thread-safe."""

    client_version = "recorded-mainnet/1"

    def __init__(
        self,
        recording: Recording,
        *,
        own: Collection[Address] = (),
        zero_unknown: bool = False,
        zero_address_empty: bool = True,
    ) -> None:
        """Say what is known besides the recording.

        `own`: accounts that the chain never saw, besides Anvil's ten; `zero_unknown`: every account outside the
        recording is empty; `zero_address_empty`: the zero address holds no coin where it was not recorded. Anvil takes
        it as the sender of a call and the recipient of fees that name none, so without it a fork could neither mine nor
        answer such calls. Its code and nonce are empty on every chain; its tokens stay unknown.
        """
        self.recording = recording
        self.chain_id = recording.chain_id
        self.block = recording.block
        self.has_own_header = recording.header is not None
        self.header: Mapping[str, str] = recording.header or synthetic_header(recording)
        self._own = frozenset(ANVIL_ACCOUNTS) | {address.lower() for address in own}
        zero_address = {ZERO_ADDRESS} if zero_address_empty else set()
        self._empty = recording.absent | self._own | SYSTEM_CONTRACTS | zero_address
        self._zero_unknown = zero_unknown
        self._own_slots_lock = Lock()
        self._own_slots: frozenset[int] | None = None
        self._accounting_lock = Lock()
        self._accounting: dict[str, frozenset[int]] = {}

    def account(self, address: str) -> RecordedAccount:
        """The account at `address` (lower-case). Raises `NotRecorded`."""
        if (held := self.recording.accounts.get(address)) is not None:
            return held
        if address in self._empty or self._zero_unknown:
            return _EMPTY
        raise NotRecorded(f"account {address}")

    def slot(self, address: str, slot: int) -> int:
        """The storage word. Raises `NotRecorded` for one that is neither recorded nor known to be zero."""
        held = self.recording.accounts.get(address)
        if held is not None and (value := held.storage.get(slot)) is not None:
            return value
        if self._known_zero(address, slot, held):
            return 0
        raise NotRecorded(f"storage {address}[0x{slot:064x}]")

    def prepare(self) -> None:
        """Compute the own accounts' slots now, rather than at the first question that needs them."""
        with self._own_slots_lock:
            if self._own_slots is None:
                self._own_slots = own_token_slots(self._own, self.recording.accounts)

    def _known_zero(self, address: str, slot: int, held: RecordedAccount | None) -> bool:
        if address in self._empty or slot in self.recording.zero_slots.get(address, ()):
            return True
        if held is None and self._zero_unknown:
            return True
        if held is not None and held.code == "0x":
            return True  # no code, so nothing can have written storage
        if slot in self._pool_accounting(address) or slot in observation_slots(self.recording, address):
            return True
        self.prepare()
        return self._own_slots is not None and slot in self._own_slots

    def _pool_accounting(self, address: str) -> frozenset[int]:
        with self._accounting_lock:
            if address not in self._accounting:
                self._accounting[address] = pool_accounting_slots(self.recording, address)
            return self._accounting[address]


def synthetic_header(recording: Recording) -> dict[str, str]:
    """A header for a recording that holds none: its hashes are made up from the number, its base fee is 0.1 gwei."""
    zero, block = hex(0), recording.block
    return {
        "number": hex(block), "hash": f"0x{block:064x}", "parentHash": f"0x{max(block - 1, 0):064x}",
        "timestamp": hex(recording.timestamp), "gasLimit": hex(60_000_000), "gasUsed": zero,
        "baseFeePerGas": hex(_SYNTHETIC_BASE_FEE_WEI), "difficulty": zero, "totalDifficulty": zero,
        "extraData": "0x", "miner": ZERO_ADDRESS,
        "mixHash": _ZERO_WORD, "nonce": "0x" + "0" * 16, "logsBloom": "0x" + "0" * 512, "receiptsRoot": _EMPTY_TRIE,
        "transactionsRoot": _EMPTY_TRIE, "stateRoot": _EMPTY_TRIE, "sha3Uncles": _NO_UNCLES,
        "withdrawalsRoot": _EMPTY_TRIE, "parentBeaconBlockRoot": _ZERO_WORD, "blobGasUsed": zero,
        "excessBlobGas": zero, "requestsHash": _NO_REQUESTS, "size": hex(1024),
    }  # fmt: skip
