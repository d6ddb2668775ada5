"""Approvals that stand: what an owner lets others take, as tokens and Permit2 have it.

Owns: reading them. Must not: grant or revoke.
Sources: ERC-20 `allowance` and `Approval`; Permit2's `AllowanceTransfer`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_abi.abi import decode
from eth_hash.auto import keccak

from oms.adapters.evm.addresses import address_of
from oms.adapters.evm.chain import octets, quantity
from oms.adapters.evm.devnet.deploy import encode_call
from oms.adapters.evm.rpc import Json, RpcClient, RpcFailure
from oms.errors import Terminal
from oms.execution.plan_permit import PERMIT2
from oms.units import Address

ERC20, PERMIT2_KIND = "ERC-20", "Permit2"

_BY_TOKEN = "0x" + keccak(b"Approval(address,address,uint256)").hex()
_BY_PERMIT2 = (
    "0x" + keccak(b"Approval(address,address,address,uint160,uint48)").hex(),
    "0x" + keccak(b"Permit(address,address,address,uint160,uint48,uint48)").hex(),
)
_TOPICS = 3


@dataclass(frozen=True, slots=True)
class Allowance:
    """What `spender` may take of the owner's `token`; `amount` is None where the token does not say."""

    kind: str
    token: Address
    spender: Address
    amount: int | None
    expires_at: int | None = None
    """Permit2's: the last second at which it holds."""
    expired: bool = False

    @property
    def stands(self) -> bool:
        """Whether something may be taken now, as far as anybody knows: what cannot be read counts."""
        return self.amount != 0 and not self.expired


def allowances(
    rpc: RpcClient, owner: Address, *, spenders: Sequence[Address], tokens: Sequence[Address]
) -> tuple[Allowance, ...]:
    """Of each token to each spender, by the token itself and by Permit2, at the newest block.

    Addresses without code are left out: nothing can be taken there. Raises `Terminal` where the node cannot say.
    """
    *present, permit2 = _have_code(rpc, [*tokens, PERMIT2])
    pairs = [(token, spender) for token, there in zip(tokens, present, strict=True) if there for spender in spenders]
    direct = _calls(rpc, ((token, encode_call("allowance(address,address)", owner, s)) for token, s in pairs))
    found = [
        Allowance(ERC20, token, spender, None if answer is None else int.from_bytes(answer[:32], "big"))
        for (token, spender), answer in zip(pairs, direct, strict=True)
    ]
    return (*found, *(_by_permit2(rpc, owner, pairs) if permit2 else ()))


def _by_permit2(rpc: RpcClient, owner: Address, pairs: Sequence[tuple[Address, Address]]) -> Iterable[Allowance]:
    block = rpc.call("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 (the API is positional)
    now = quantity((block or {}).get("timestamp"), venue=rpc.venue, what="timestamp")
    signature = "allowance(address,address,address)"
    answers = _calls(rpc, ((PERMIT2, encode_call(signature, owner, token, spender)) for token, spender in pairs))
    for (token, spender), answer in zip(pairs, answers, strict=True):
        if answer is None or len(answer) < 96:
            raise Terminal(rpc.venue, f"something that is not Permit2 stands at {PERMIT2}; use another node")
        amount, expires_at, _ = decode(["uint160", "uint48", "uint48"], answer)
        yield Allowance(PERMIT2_KIND, token, spender, amount, expires_at, expires_at < now)


def approved_tokens(rpc: RpcClient, owner: Address, *, spenders: Sequence[Address], since: int) -> tuple[Address, ...]:
    """Every token that announced an approval of the owner's to a spender since that block, however it stands now."""
    owner_topic, spender_topics = _topic(owner), [_topic(spender) for spender in spenders]
    asked: tuple[dict[str, Json], ...] = (
        {"fromBlock": hex(since), "topics": [_BY_TOKEN, owner_topic, spender_topics]},
        {
            "fromBlock": hex(since),
            "address": PERMIT2,
            "topics": [list(_BY_PERMIT2), owner_topic, None, spender_topics],
        },
    )
    answers = rpc.batch(("eth_getLogs", [each]) for each in asked)
    for answer in answers:
        if isinstance(answer, RpcFailure):
            raise Terminal(rpc.venue, f"cannot search logs since block {since}: {answer.message}; begin later")
        if not isinstance(answer, list):
            raise Terminal(rpc.venue, "eth_getLogs answered with something that is not a list; use another node")
    by_token, by_permit2 = answers
    try:
        # The same event of an ERC-721 has a further topic.
        found = [address_of(int(log["address"], 16)) for log in by_token if len(log["topics"]) == _TOPICS]
        found += [address_of(int(log["topics"][2], 16)) for log in by_permit2]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Terminal(rpc.venue, f"eth_getLogs: a malformed log ({error!r:.60}); use another node") from error
    return tuple(dict.fromkeys(found))


def _calls(rpc: RpcClient, calls: Iterable[tuple[Address, bytes]]) -> list[bytes | None]:
    """Each answer; None where a contract refused, or said less than a word. Raises `Terminal` for missing state."""
    answers = rpc.batch(("eth_call", [{"to": to, "data": "0x" + data.hex()}, "latest"]) for to, data in calls)
    found: list[bytes | None] = []
    for answer in answers:
        if isinstance(answer, RpcFailure):
            if not answer.data and "revert" not in answer.message.lower():
                raise Terminal(rpc.venue, f"cannot read an allowance: {answer.message}; use another node")
            found.append(None)
            continue
        data = octets(answer, venue=rpc.venue, what="allowance")
        found.append(data if len(data) >= 32 else None)
    return found


def _have_code(rpc: RpcClient, addresses: Sequence[Address]) -> list[bool]:
    answers = rpc.batch(("eth_getCode", [address, "latest"]) for address in addresses)
    for answer in answers:
        if isinstance(answer, RpcFailure):
            raise Terminal(rpc.venue, f"cannot read code: {answer.message}; use another node")
    return [octets(answer, venue=rpc.venue, what="code") != b"" for answer in answers]


def _topic(address: Address) -> str:
    return "0x" + "0" * 24 + address[2:].lower()
