"""A plain ERC-20, a constant rate provider and a stand-in pair factory as hand-assembled runtime code, so that
differential tests need no compiler.

The token keeps an account's balance in the storage slot numbered by its address, and asks for no allowance.
"""

from tests.differential.evm import Machine, selector

_CALLDATA_LOAD, _SLOAD, _SSTORE, _MSTORE, _RETURN, _REVERT = 0x35, 0x54, 0x55, 0x52, 0xF3, 0xFD
_ADD, _SUB, _LT, _EQ, _SHR, _CALLER, _JUMP, _JUMPI, _JUMPDEST = 0x01, 0x03, 0x10, 0x14, 0x1C, 0x33, 0x56, 0x57, 0x5B
_CALLDATA_SIZE, _CALLDATA_COPY, _GAS, _CALL = 0x36, 0x37, 0x5A, 0xF1
_DUP1, _DUP2, _DUP3, _DUP4, _SWAP1 = 0x80, 0x81, 0x82, 0x83, 0x90

_Item = int | bytes | str
"""An opcode; bytes to push; `name:` for a jump target, `@name` to push its position."""


def _size(item: _Item) -> int:
    if isinstance(item, bytes):
        return 1 + len(item)
    return 3 if isinstance(item, str) and not item.endswith(":") else 1


def _assemble(program: list[_Item]) -> bytes:
    targets: dict[str, int] = {}
    position = 0
    for item in program:
        if isinstance(item, str) and item.endswith(":"):
            targets[item[:-1]] = position
        position += _size(item)
    code = bytearray()
    for item in program:
        if isinstance(item, bytes):
            code += bytes([0x5F + len(item)]) + item
        elif isinstance(item, int):
            code.append(item)
        elif item.endswith(":"):
            code.append(_JUMPDEST)
        else:
            code += b"\x61" + targets[item[1:]].to_bytes(2, "big")
    return bytes(code)


def _argument(index: int) -> list[_Item]:
    return [bytes([4 + 32 * index]), _CALLDATA_LOAD]


_RETURN_WORD: list[_Item] = [b"\0", _MSTORE, b"\x20", b"\0", _RETURN]


def _ops(*items: _Item) -> list[_Item]:
    return list(items)


def _case(signature: str, label: str) -> list[_Item]:
    return [_DUP1, selector(signature), _EQ, "@" + label, _JUMPI]


def token_code(decimals: int) -> bytes:
    """Runtime code of a token with these decimals."""
    return _assemble(
        [
            *_ops(b"\0", _CALLDATA_LOAD, b"\xe0", _SHR),
            *_case("transfer(address,uint256)", "transfer"),
            *_case("transferFrom(address,address,uint256)", "transfer_from"),
            *_case("balanceOf(address)", "balance_of"),
            *_case("decimals()", "decimals"),
            *_case("symbol()", "symbol"),
            *_case("name()", "symbol"),
            *_ops(b"\x01", *_RETURN_WORD),
            *_ops("balance_of:", *_argument(0), _SLOAD, *_RETURN_WORD),
            *_ops("decimals:", bytes([decimals]), *_RETURN_WORD),
            # The string "T".
            *_ops("symbol:", b"\x20", b"\0", _MSTORE, b"\x01", b"\x20", _MSTORE),
            *_ops(b"T".ljust(32, b"\0"), b"\x40", _MSTORE, b"\x60", b"\0", _RETURN),
            *_ops("transfer:", *_argument(1), *_argument(0), _CALLER, "@move", _JUMP),
            *_ops("transfer_from:", *_argument(2), *_argument(1), *_argument(0)),
            # Stack from the top: from, to, amount.
            *_ops("move:", _DUP1, _SLOAD, _DUP4, _DUP2, _LT, "@short", _JUMPI),
            # balance, from, to, amount -> from keeps balance - amount.
            *_ops(_DUP4, _SWAP1, _SUB, _SWAP1, _SSTORE),
            # to, amount -> to gets balance + amount.
            *_ops(_DUP1, _SLOAD, _DUP3, _ADD, _SWAP1, _SSTORE),
            *_ops(b"\x01", *_RETURN_WORD),
            *_ops("short:", b"\0", b"\0", _REVERT),
        ]
    )


def rate_code(rate: int) -> bytes:
    """Runtime code that answers every call with `rate`."""
    return _assemble([rate.to_bytes(32, "big"), *_RETURN_WORD])


def pair_factory_code() -> bytes:
    """Runtime code of a pair's factory: not paused, no voter, and the fee that its storage slot 0 holds.

    A call of `initialize(address,address,bool)` it passes on to the pair whose address slot 1 holds.
    """
    return _assemble(
        [
            *_ops(b"\0", _CALLDATA_LOAD, b"\xe0", _SHR),
            *_case("getFee(address,bool)", "fee"),
            *_case("initialize(address,address,bool)", "initialize"),
            *_ops(b"\0", *_RETURN_WORD),
            *_ops("fee:", b"\0", _SLOAD, *_RETURN_WORD),
            *_ops("initialize:", _CALLDATA_SIZE, b"\0", b"\0", _CALLDATA_COPY),
            *_ops(b"\0", b"\0", _CALLDATA_SIZE, b"\0", b"\0", b"\x01", _SLOAD, _GAS, _CALL, *_RETURN_WORD),
        ]
    )


def give(machine: Machine, token: str, account: str, amount: int) -> None:
    """Set the token balance of `account`."""
    machine.set_storage(token, int(account, 16), amount)
