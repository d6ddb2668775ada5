"""Acting on a fork for one account: simulate exactly, sign, record, send, and read what happened.

Owns: fees, nonces, signatures and receipts for a local Anvil fork.
Must not: reach a live chain. A node that does not say it is Anvil is refused before anything is signed.
Methods: `eth_simulateV1` (execution API), `anvil_impersonateAccount` for accounts without a local key.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import requests
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TimeExhausted, TransactionNotFound, Web3Exception
from web3.types import TxParams, TxReceipt

from oms.adapters.evm.chain import PRIORITY_FEE_WEI, octets, quantity
from oms.adapters.evm.rpc import RpcClient, RpcError, RpcFailure
from oms.domain.transactions import (
    BalanceChange,
    Receipt,
    Sendable,
    Simulation,
    TransactionRequest,
    TransferLog,
)
from oms.errors import OmsError, OutcomeUnknown, Retryable, Terminal, VenueError
from oms.execution.revert_reasons import explain_revert
from oms.ports.settlement import IntentRecorder
from oms.risk.gate import Approved
from oms.units import ZERO_ADDRESS, Address, Gas, Wei

TRANSFER_TOPIC = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
DEPOSIT_TOPIC = "0x" + keccak(b"Deposit(address,uint256)").hex()
WITHDRAWAL_TOPIC = "0x" + keccak(b"Withdrawal(address,uint256)").hex()
"""Wrapping and unwrapping the native coin, which the wrapped token (WETH9) logs instead of a transfer."""
BALANCE_OF = keccak(b"balanceOf(address)")[:4]
INCLUSION_SECONDS = 30.0
GAS_MARGIN_PERCENT = 120


class ForkSettlement:
    """One account on one Anvil fork. With no key, the fork impersonates it."""

    def __init__(self, rpc: RpcClient, *, sender: Address, key: LocalAccount | None) -> None:
        version = rpc.call("web3_clientVersion")
        if not isinstance(version, str) or not version.lower().startswith("anvil/"):
            raise Terminal(rpc.venue, "is not a fork; live sending is not part of this version, use `oms fork up`")
        if key is not None and Address(key.address) != sender:
            raise Terminal(rpc.venue, "the key does not belong to the sending account")
        self._rpc = rpc
        self._sender = sender
        self._key = key
        self._chain = _chain_name(rpc)
        session = requests.Session()
        session.trust_env = False  # a proxy meant for the world must not see a fork on loopback
        self._web3 = Web3(Web3.HTTPProvider(rpc.url, request_kwargs={"timeout": 15}, session=session))

    @property
    def sender(self) -> Address:
        """The account that signs."""
        return self._sender

    @property
    def chain(self) -> str:
        """Chain id and Anvil's id of this very chain."""
        return self._chain

    def gas_price(self) -> Wei:
        """Base fee of the pending block plus our priority fee."""
        block = self._rpc.call("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 (the API is positional)
        base_fee = quantity((block or {}).get("baseFeePerGas", "0x0"), venue=self._rpc.venue, what="baseFeePerGas")
        return Wei(base_fee + PRIORITY_FEE_WEI)

    def gas_estimate(self, transaction: TransactionRequest) -> Gas:
        """The node's estimate."""
        estimate = self._rpc.call("eth_estimateGas", _call_object(transaction))
        return Gas(quantity(estimate, venue=self._rpc.venue, what="eth_estimateGas"))

    def simulate(
        self,
        transaction: TransactionRequest,
        *,
        after: Sequence[TransactionRequest] = (),
        watch: Sequence[tuple[Address, Address]] = (),
    ) -> Simulation:
        """See `oms.ports.settlement.Settlement.simulate`."""
        earlier = [_call_object(each) for each in after]
        results = self._simulated_calls([*earlier, _call_object(transaction)])
        failed = next((result for result in results if not _succeeded(result)), None)
        if failed is not None:
            return _failed(failed)
        transfers = _transfers(results[-1].get("logs", []))
        pairs = list(dict.fromkeys((*watch, *_touched(transfers))))
        return replace(self._measured(transaction, earlier, pairs), transfers=transfers)

    def _measured(
        self, transaction: TransactionRequest, earlier: list[dict[str, Any]], pairs: Sequence[tuple[Address, Address]]
    ) -> Simulation:
        """The same calls between two readings of every balance, in one simulated block."""
        reads = [{"to": token, "data": "0x" + (BALANCE_OF + encode(["address"], [who])).hex()} for who, token in pairs]
        results = self._simulated_calls([*reads, *earlier, _call_object(transaction), *reads])
        middle = results[len(reads) + len(earlier)]
        if not _succeeded(middle):
            return _failed(middle)
        before, later = results[: len(reads)], results[len(reads) + len(earlier) + 1 :]
        changes = [
            BalanceChange(who, token, _word(was), _word(now))
            for (who, token), was, now in zip(pairs, before, later, strict=True)
        ]
        gas = quantity(middle.get("gasUsed"), venue=self._rpc.venue, what="gasUsed")
        output = octets(middle.get("returnData") or "0x", venue=self._rpc.venue, what="returnData")
        changed = tuple(change for change in changes if change.delta)
        return Simulation(succeeded=True, gas_used=Gas(gas), changes=changed, transfers=(), output=output)

    def _simulated_calls(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        request = {"blockStateCalls": [{"calls": calls}], "validation": False, "traceTransfers": False}
        blocks = self._rpc.call("eth_simulateV1", request, "latest")
        if not isinstance(blocks, list) or not blocks or len(blocks[0].get("calls", [])) != len(calls):
            raise Terminal(self._rpc.venue, "answered eth_simulateV1 with something else; use Anvil 1.7 or later")
        results: list[dict[str, Any]] = blocks[0]["calls"]
        return results

    def send(self, approved: Approved[Sendable], *, record_intent: IntentRecorder) -> Receipt:
        """See `oms.ports.settlement.Settlement.send`."""
        if type(approved) is not Approved:
            raise Terminal(self._rpc.venue, "only what the gate approved is sent; pass it through `judge`")
        transaction = approved.subject.transaction
        if self._key is None:
            return self._impersonated(transaction, record_intent)
        prepared = self._prepared(transaction)
        signed = self._key.sign_transaction(prepared)
        raw = bytes(signed.raw_transaction)
        digest = "0x" + bytes(signed.hash).hex()
        record_intent(digest, int(prepared["nonce"]), "0x" + keccak(raw).hex())
        self._submit(digest, "0x" + raw.hex())
        return self._included(digest)

    def _submit(self, digest: str, raw: str) -> None:
        """Send once. After any doubt the node is asked once whether it has the transaction.

        Raises `Terminal` or `Retryable` where it certainly has not, and `OutcomeUnknown` where that cannot be told.
        """
        try:
            answer = self._rpc.call("eth_sendRawTransaction", raw)
        except RpcError as error:
            if not self._knows(digest):
                raise self._not_taken(error.failure) from error
        except OutcomeUnknown:
            if not self._knows(digest):
                raise
        else:
            if answer != digest and not self._knows(digest):
                raise OutcomeUnknown(self._rpc.venue, f"answered with another hash than {digest}; ask for ours")

    def _knows(self, digest: str) -> bool:
        try:
            found = self._rpc.call("eth_getTransactionByHash", digest)
        except VenueError:
            return False
        return isinstance(found, dict) and str(found.get("hash", "")).lower() == digest

    def _not_taken(self, failure: RpcFailure) -> VenueError:
        if failure.refuses_transaction:
            return Terminal(self._rpc.venue, f"refused the transaction: {failure.message}")
        said = failure.message or "an error without words"
        return OutcomeUnknown(self._rpc.venue, f"answered the transaction with: {said}; ask for it by its hash")

    def _impersonated(self, transaction: TransactionRequest, record_intent: IntentRecorder) -> Receipt:
        self._rpc.call("anvil_impersonateAccount", self._sender)
        try:
            prepared = self._prepared(transaction)
            fields = {key: hex(value) if isinstance(value, int) else value for key, value in prepared.items()}
            payload = keccak(repr(sorted(fields.items())).encode()).hex()
            record_intent("", int(prepared["nonce"]), "0x" + payload)
            digest = self._submit_unsigned({**fields, "from": self._sender})
        finally:
            with suppress(OmsError):  # whatever became of the transaction matters more
                self._rpc.call("anvil_stopImpersonatingAccount", self._sender)
        return self._included(digest)

    def _submit_unsigned(self, fields: dict[str, Any]) -> str:
        """Let the node sign; the hash. Raises like `_submit`, but has no hash to ask by."""
        try:
            answer = self._rpc.call("eth_sendTransaction", fields)
        except RpcError as error:
            raise self._not_taken(error.failure) from error
        if not _is_hash(answer):
            raise OutcomeUnknown(self._rpc.venue, "answered without a hash after sending; look at the account's nonce")
        return str(answer)

    def receipt(self, transaction_hash: str) -> Receipt | None:
        """See `oms.ports.settlement.Settlement.receipt`."""
        try:
            found = self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
        except TransactionNotFound:
            return None
        except (Web3Exception, OSError, ValueError) as error:
            reason = f"{type(error).__name__} when asked for {transaction_hash}; try again"
            raise Retryable(self._rpc.venue, reason) from error
        return self._read(transaction_hash, found)

    def included_nonces(self) -> int:
        """See `oms.ports.settlement.Settlement.included_nonces`."""
        used = self._rpc.call("eth_getTransactionCount", self._sender, "latest")
        return quantity(used, venue=self._rpc.venue, what="nonce")

    def _prepared(self, transaction: TransactionRequest) -> dict[str, Any]:
        nonce = self._rpc.call("eth_getTransactionCount", self._sender, "pending")
        gas_price = self.gas_price()
        limit = transaction.gas_limit or Gas(self.gas_estimate(transaction) * GAS_MARGIN_PERCENT // 100)
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": quantity(nonce, venue=self._rpc.venue, what="nonce"),
            "gas": int(limit),
            "maxFeePerGas": int(gas_price) * 2,
            "maxPriorityFeePerGas": int(PRIORITY_FEE_WEI),
            "value": int(transaction.value),
            "data": "0x" + transaction.data.hex(),
        }
        return fields if transaction.to is None else {**fields, "to": transaction.to}

    def _included(self, digest: str) -> Receipt:
        try:
            found = self._web3.eth.wait_for_transaction_receipt(HexBytes(digest), INCLUSION_SECONDS, poll_latency=0.05)
        except TimeExhausted as error:
            reason = f"{digest} is not mined after {INCLUSION_SECONDS:.0f} s; ask for it before sending anything else"
            raise OutcomeUnknown(self._rpc.venue, reason) from error
        except (Web3Exception, OSError, ValueError) as error:
            raise OutcomeUnknown(self._rpc.venue, f"{type(error).__name__} while waiting for {digest}") from error
        return self._read(digest, found)

    def _read(self, digest: str, found: TxReceipt) -> Receipt:
        succeeded = found["status"] == 1
        logs = [{"address": log["address"], "topics": [t.to_0x_hex() for t in log["topics"]],
                 "data": log["data"].to_0x_hex()} for log in found["logs"]]  # fmt: skip
        return Receipt(
            transaction_hash=digest,
            block_number=found["blockNumber"],
            succeeded=succeeded,
            gas_used=Gas(found["gasUsed"]),
            effective_gas_price=Wei(found["effectiveGasPrice"]),
            transfers=_transfers(logs),
            revert_data=b"" if succeeded else self._revert_data(digest, found["blockNumber"]),
        )

    def _revert_data(self, digest: str, block_number: int) -> bytes:
        """Why it reverted, from a call on the block before; empty where that cannot be learnt."""
        try:
            sent: TxParams = self._web3.eth.get_transaction(HexBytes(digest))  # type: ignore[assignment]
            call = {"from": sent["from"], "to": sent.get("to"), "data": HexBytes(sent["input"]).to_0x_hex()}  # type: ignore[typeddict-item]
            (answer,) = self._rpc.batch([("eth_call", [call, hex(block_number - 1)])])
        except (Web3Exception, VenueError, OSError, ValueError):
            return b""
        return answer.data if isinstance(answer, RpcFailure) else b""

    def balances(self, pairs: Sequence[tuple[Address, Address]]) -> list[int]:
        """Present balances of (account, token) pairs; token zero is the native coin. Raises `Terminal`."""
        answers = self._rpc.batch(
            ("eth_getBalance", [who, "latest"])
            if token == ZERO_ADDRESS
            else ("eth_call", [{"to": token, "data": "0x" + (BALANCE_OF + encode(["address"], [who])).hex()}, "latest"])
            for who, token in pairs
        )
        for answer in answers:
            if isinstance(answer, RpcFailure):
                raise Terminal(self._rpc.venue, f"cannot read a balance: {answer.message}")
        return [quantity(answer, venue=self._rpc.venue, what="balance") for answer in answers]


def _call_object(transaction: TransactionRequest) -> dict[str, Any]:
    call: dict[str, Any] = {"from": transaction.sender, "data": "0x" + transaction.data.hex()}
    if transaction.to is not None:
        call["to"] = transaction.to
    if transaction.value:
        call["value"] = hex(transaction.value)
    return call


def _is_hash(answer: object) -> bool:
    return isinstance(answer, str) and len(answer) == 66 and answer.startswith("0x")


def _chain_name(rpc: RpcClient) -> str:
    """Chain id and the id that Anvil draws for each of its chains: every fork of one chain has the same genesis."""
    told = rpc.call("anvil_metadata")
    if not isinstance(told, dict) or not _is_hash(told.get("instanceId")):
        raise Terminal(rpc.venue, "does not name its chain (anvil_metadata); use Anvil 1.7 or later")
    return f"{quantity(rpc.call('eth_chainId'), venue=rpc.venue, what='eth_chainId')}:{told['instanceId']}"


def _succeeded(result: dict[str, Any]) -> bool:
    return result.get("status") == "0x1"


def _failed(result: dict[str, Any]) -> Simulation:
    error = result.get("error") or {}
    raw = result.get("returnData") or error.get("data") or "0x"
    data = octets(raw, venue="simulation", what="revert data")
    reason = explain_revert(data).sentence if data else str(error.get("message", "no reason given"))
    gas = quantity(result.get("gasUsed") or "0x0", venue="simulation", what="gasUsed")
    return Simulation(
        succeeded=False, gas_used=Gas(gas), changes=(), transfers=(), revert_data=data, revert_reason=reason
    )


def _word(result: dict[str, Any]) -> int:
    data = result.get("returnData") or "0x"
    return int(data, 16) if _succeeded(result) and len(data) == 66 else 0


def _transfers(logs: Sequence[dict[str, Any]]) -> tuple[TransferLog, ...]:
    """Token movements in order; wrapping comes from the zero address, unwrapping goes there."""
    found = (_movement(log) for log in logs if len(log["data"]) == 66)
    return tuple(movement for movement in found if movement is not None)


def _movement(log: dict[str, Any]) -> TransferLog | None:
    token, topics, amount = Address(to_checksum_address(log["address"])), log["topics"], int(log["data"], 16)
    match topics:
        case [topic, sender, recipient] if topic == TRANSFER_TOPIC:
            return TransferLog(token, _topic_address(sender), _topic_address(recipient), amount)
        case [topic, recipient] if topic == DEPOSIT_TOPIC:
            return TransferLog(token, ZERO_ADDRESS, _topic_address(recipient), amount)
        case [topic, sender] if topic == WITHDRAWAL_TOPIC:
            return TransferLog(token, _topic_address(sender), ZERO_ADDRESS, amount)
        case _:
            return None


def _topic_address(topic: str) -> Address:
    return Address(to_checksum_address("0x" + topic[-40:]))


def _touched(transfers: Sequence[TransferLog]) -> list[tuple[Address, Address]]:
    pairs = [(who, log.token) for log in transfers for who in (log.sender, log.recipient) if who != ZERO_ADDRESS]
    return list(dict.fromkeys(pairs))


def local_account(key: str) -> LocalAccount:
    """The account of a hex private key. Raises `Terminal` without repeating the key."""
    try:
        account: LocalAccount = Account.from_key(key)
    except (ValueError, TypeError):
        raise Terminal("signer", "the private key is not 32 bytes of hex") from None
    return account
