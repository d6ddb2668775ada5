"""Giving accounts native coin and tokens on a fork, by writing the token's own storage.

Owns: finding where a token keeps balances, and writing there. Only on Anvil; any other node is refused before a write.
Must not: touch a chain that somebody else believes in, or leave a trace of a probe: probing is done in `eth_call`s
with state overrides.
Source: storage layouts of Solidity (`keccak(key . slot)`), Vyper (`keccak(slot . key)`), OpenZeppelin's upgradeable
ERC-20 (ERC-7201 namespace) and Solady's ERC-20.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.chain import octets, quantity
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import InvalidRequest
from oms.units import UINT256_MAX, Address, Wei

KNOWN_BALANCE_SLOTS = {
    (1, "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"): 9,  # USDC
    (1, "0xdac17f958d2ee523a2206206994597c13d831ec7"): 2,  # USDT
    (1, "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"): 0,  # WBTC
    (1, "0x6b175474e89094c44da98b954eedeac495271d0f"): 2,  # DAI
    (1, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"): 3,  # WETH
}
"""Declaration slot of the balance mapping by chain and token; a first guess, probed like any other."""

WRAPPED_NATIVE = frozenset(
    {
        (1, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"),
        (10, "0x4200000000000000000000000000000000000006"),
        (8453, "0x4200000000000000000000000000000000000006"),
        (42161, "0x82af49447d8a07e3bd95bd0d56f35241523fbab1"),
    }
)
"""Tokens whose supply must be backed by native coin, or withdrawing would fail."""

_LAST_SLOT = 63
_OPENZEPPELIN_BALANCES = 0x52C63247E1F47DB19D5CE0460030C497F067CA4CEBF71BA98EEADABE20BACE00
_SOLADY_SEED = bytes.fromhex("000000000000000087a211a2")
_PROBE = 0x1D0C_A11E_D5A5_E0F7  # 61 bits: fits packed balances of 64 bits and more, and is nobody's balance
_BALANCE_OF = "0x70a08231"


class BalanceSlotNotFound(InvalidRequest):
    """The token does not keep balances as plain words where tokens usually do (it may compute them)."""

    def __init__(self, token: Address) -> None:
        self.token = token
        super().__init__(
            "token", f"{token} keeps balances where they cannot be written; transfer from a holder instead"
        )


@dataclass(frozen=True, slots=True)
class _Holding:
    """One account's balance in one token, on one fork."""

    rpc: RpcClient
    token: Address
    account: Address

    def balance(self) -> int:
        return quantity(self.rpc.call("eth_call", self._question(), "latest"), venue=self.rpc.venue, what="balanceOf")

    def responds_to(self, slots: list[int]) -> int | None:
        """The slot whose content `balanceOf` returns, found without writing anything."""
        diffs = [{self.token: {"stateDiff": {_word(slot): _word(_PROBE)}}} for slot in slots]
        answers = self.rpc.batch(("eth_call", [self._question(), "latest", diff]) for diff in diffs)
        wanted = _word(_PROBE)
        return next((slot for slot, answer in zip(slots, answers, strict=True) if answer == wanted), None)

    def write(self, slot: int, amount: int) -> None:
        """Make the balance `amount`, keeping whatever else the word holds; on failure the word is as before."""
        held = self.rpc.batch([("eth_getStorageAt", [self.token, _word(slot), "latest"])])[0]
        if isinstance(held, RpcFailure):  # a recording need not hold the word that we overwrite
            before, after = None, amount
        else:
            before = quantity(held, venue=self.rpc.venue, what="balance word")
            after = (before - self.balance() + amount) % (UINT256_MAX + 1)
        self._set(slot, after)
        if self.balance() == amount:
            return
        self._set(slot, before or 0)
        raise BalanceSlotNotFound(self.token)

    def _set(self, slot: int, value: int) -> None:
        self.rpc.call("anvil_setStorageAt", self.token, _word(slot), _word(value))

    def _question(self) -> dict[str, str]:
        return {"to": self.token, "data": f"{_BALANCE_OF}{int(self.account, 16):064x}"}


def fund(rpc: RpcClient, token: Address, account: Address, amount: int) -> None:
    """Set `account`'s balance of `token` to `amount` base units, on a fork; the total supply stays as it was.

    Wrapped native coin that this creates is backed with as much native coin.

    Raises:
        InvalidRequest: not an Anvil node, no contract at `token`, or an amount that is not a uint256.
        BalanceSlotNotFound: the balance is not kept as a word that can be found.
        VenueError: the node failed.
    """
    if not 0 <= amount <= UINT256_MAX:
        raise InvalidRequest("amount", f"{amount} is not a uint256; correct it")
    chain_id = _require_anvil(rpc)
    if not octets(rpc.call("eth_getCode", token, "latest"), venue=rpc.venue, what="eth_getCode"):
        raise InvalidRequest("token", f"there is no contract at {token}; correct the address")
    holding = _Holding(rpc, token, account)
    slot = _find_slot(holding, chain_id)
    if (chain_id, token.lower()) not in WRAPPED_NATIVE:
        holding.write(slot, amount)
        return
    before = holding.balance()
    holding.write(slot, amount)
    if amount > before:
        backing = quantity(rpc.call("eth_getBalance", token, "latest"), venue=rpc.venue, what="eth_getBalance")
        rpc.call("anvil_setBalance", token, hex(min(backing + amount - before, UINT256_MAX)))


def set_native_balance(rpc: RpcClient, account: Address, amount_wei: Wei) -> None:
    """Set `account`'s native balance, on a fork. Raises `InvalidRequest` for any node but Anvil."""
    if not 0 <= amount_wei <= UINT256_MAX:
        raise InvalidRequest("amount", f"{amount_wei} is not a uint256; correct it")
    _require_anvil(rpc)
    rpc.call("anvil_setBalance", account, hex(amount_wei))


def _require_anvil(rpc: RpcClient) -> int:
    """The chain id, of Anvil only."""
    version, chain_id = rpc.call("web3_clientVersion"), rpc.call("eth_chainId")
    if "anvil" not in str(version).lower():
        raise InvalidRequest("rpc-url", f"{str(version)[:60]} is not Anvil; balances can be set on a fork alone")
    return quantity(chain_id, venue=rpc.venue, what="eth_chainId")


def _find_slot(holding: _Holding, chain_id: int) -> int:
    owner = int(holding.account, 16)
    known = KNOWN_BALANCE_SLOTS.get((chain_id, holding.token.lower()))
    if known is not None and (slot := holding.responds_to([mapping_slot(owner, known)])) is not None:
        return slot
    slot = holding.responds_to(list(_candidates(owner)))
    if slot is None:
        raise BalanceSlotNotFound(holding.token)
    return slot


def _candidates(owner: int) -> Iterator[int]:
    for declared_at in range(_LAST_SLOT + 1):
        yield mapping_slot(owner, declared_at)
        yield mapping_slot(declared_at, owner)  # Vyper hashes the two the other way round
    yield mapping_slot(owner, _OPENZEPPELIN_BALANCES)
    yield int.from_bytes(keccak(owner.to_bytes(20, "big") + _SOLADY_SEED), "big")


def _word(value: int) -> str:
    return f"0x{value:064x}"
