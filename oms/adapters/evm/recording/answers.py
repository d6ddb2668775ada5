"""The JSON-RPC methods that recorded state can answer, over whatever knows the state.

Owns: which methods there are, their parameters and the shape of their results. The server of a recording and the
recorder share it, so that a command gets the same answers while it is recorded and when the file is served again.
Must not: hold state, or open a socket (`endpoint`).
Wire format: the Ethereum execution API; error -32001 `state not recorded` is this project's.
"""

import re
from collections.abc import Mapping
from typing import Any, Protocol

from oms.adapters.evm.recording.endpoint import INVALID_PARAMS, METHOD_NOT_FOUND, Fault
from oms.adapters.evm.recording.format import RecordedAccount

STATE_NOT_RECORDED = -32001
TIP_WEI = 10**8
"""Answered as the priority fee: recorded state holds no fee market."""

_NEWEST = frozenset({"latest", "pending", "safe", "finalized"})
_BLOCK_PARAMETER = {
    "eth_getBalance": 1,
    "eth_getTransactionCount": 1,
    "eth_getCode": 1,
    "eth_getAccountInfo": 1,
    "eth_getStorageAt": 2,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBlockByNumber": 0,
    "eth_getBlockByHash": 0,
}
STATE_METHODS = frozenset(
    {"eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getAccountInfo", "eth_getStorageAt"}
)
"""Methods whose first parameter is an address, and whose answer is state."""


class NotRecorded(Exception):
    """The state asked for was not recorded."""


class InvalidParams(Exception):
    """The parameters are not those of the method."""


class StateSource(Protocol):
    """State of one block. `account` and `slot` raise `NotRecorded`; addresses are lower-case."""

    client_version: str
    chain_id: int
    block: int
    header: Mapping[str, str]
    has_own_header: bool

    def account(self, address: str) -> RecordedAccount: ...
    def slot(self, address: str, slot: int) -> int: ...


def answer(source: StateSource, method: str, params: list[Any]) -> Any:
    """The result of one call, or a `Fault`."""
    try:
        check_block(source, method, params)
        return _answer(source, method, params)
    except NotRecorded as error:
        return Fault(STATE_NOT_RECORDED, f"state not recorded: {error}")
    except InvalidParams as error:
        return Fault(INVALID_PARAMS, str(error))


def _answer(source: StateSource, method: str, params: list[Any]) -> Any:
    match method:
        case "eth_getStorageAt":
            return f"0x{source.slot(address_param(params), slot_param(params)):064x}"
        case "eth_getBalance":
            return hex(source.account(address_param(params)).balance_wei)
        case "eth_getTransactionCount":
            return hex(source.account(address_param(params)).nonce)
        case "eth_getCode":
            return _code(source, address_param(params))
        case "eth_getAccountInfo":
            account = source.account(address := address_param(params))
            return {"balance": hex(account.balance_wei), "nonce": hex(account.nonce), "code": _code(source, address)}
        case "eth_getBlockByNumber" | "eth_getBlockByHash":
            return {**source.header, "transactions": [], "uncles": [], "withdrawals": []}
        case "eth_getLogs" if source.has_own_header:
            raise NotRecorded("logs; read the contract's state instead")
        case "eth_getLogs":
            return []
        case "eth_getTransactionReceipt" | "eth_getTransactionByHash":
            return None
    return _about_the_chain(source, method)


def _about_the_chain(source: StateSource, method: str) -> Any:
    base_fee = source.header.get("baseFeePerGas", "0x0")
    match method:
        case "eth_chainId":
            return hex(source.chain_id)
        case "net_version":
            return str(source.chain_id)
        case "web3_clientVersion":
            return source.client_version
        case "eth_blockNumber":
            return hex(source.block)
        case "eth_gasPrice":
            return base_fee
        case "eth_maxPriorityFeePerGas":
            return hex(TIP_WEI)
        case "eth_feeHistory":
            return {
                "oldestBlock": hex(source.block),
                "baseFeePerGas": [base_fee] * 2,
                "gasUsedRatio": [0.5],
                "reward": [[hex(TIP_WEI)]],
            }
    return Fault(METHOD_NOT_FOUND, f"method not served: {method}")


def _code(source: StateSource, address: str) -> str:
    if (code := source.account(address).code) is None:
        raise NotRecorded(f"code of {address}")
    return code


def check_block(source: StateSource, method: str, params: list[Any]) -> None:
    """Refuse another block than the recorded one, where the recording knows its block's own header.

    Recordings without a header have made-up block hashes; they answer for any block, as their reference server does.
    """
    position = _BLOCK_PARAMETER.get(method)
    if position is None or not source.has_own_header or len(params) <= position:
        return
    asked = params[position]
    if isinstance(asked, dict):
        asked = asked.get("blockHash", asked.get("blockNumber"))
    if not isinstance(asked, str):
        raise InvalidParams(f"{method}: expected a block as parameter {position + 1}")
    if asked in _NEWEST or asked.lower() == source.header["hash"].lower():
        return
    if len(asked) == 66 or not _is_quantity(asked) or int(asked, 16) != source.block:
        raise NotRecorded(f"block {asked[:66]}; only {source.block} is")


def address_param(params: list[Any]) -> str:
    """The first parameter as a lower-case address. Raises `InvalidParams`."""
    if not params or not isinstance(params[0], str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", params[0]):
        raise InvalidParams("expected an address as first parameter")
    return params[0].lower()


def slot_param(params: list[Any]) -> int:
    """The second parameter as a storage slot. Raises `InvalidParams`."""
    if len(params) < 2 or not isinstance(params[1], str) or not _is_quantity(params[1]):
        raise InvalidParams("expected a storage slot as second parameter")
    return int(params[1], 16)


def _is_quantity(text: str) -> bool:
    return re.fullmatch(r"0x[0-9a-fA-F]{1,64}", text) is not None
