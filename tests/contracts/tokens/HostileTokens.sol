// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";

/// @notice Keeps 1 % of every transfer.
contract FeeToken is DevToken("Fee", "FEE", 18) {
    bool private _charging = true;

    /// @dev Pools can only be seeded while no fee is charged.
    function setCharging(bool charging) external {
        _charging = charging;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        _moveLessFee(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _spendAllowance(from, amount);
        _moveLessFee(from, to, amount);
        return true;
    }

    function _moveLessFee(address from, address to, uint256 amount) private {
        uint256 fee = _charging ? amount / 100 : 0;
        _move(from, address(0xfee), fee);
        _move(from, to, amount - fee);
    }
}

/// @notice Charges the sender 1 % on top of every transfer.
contract SurchargeToken is DevToken("Surcharge", "SUR", 18) {
    function transfer(address to, uint256 amount) external override returns (bool) {
        _move(msg.sender, address(0xfee), amount / 100);
        _move(msg.sender, to, amount);
        return true;
    }
}

/// @notice Takes from whoever is paid, and gives it to whoever pays.
contract BackwardsToken is DevToken("Backwards", "BACK", 18) {
    function transfer(address to, uint256 amount) external override returns (bool) {
        _move(to, msg.sender, amount / 100);
        return true;
    }
}

/// @notice Says no politely.
contract FalseToken is DevToken("False", "NO", 18) {
    function transfer(address, uint256) external pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// @notice Makes one call, set beforehand, in the middle of its first transfer, and passes on its failure.
contract ReenteringToken is DevToken("Reentering", "RE", 18) {
    address private _target;
    bytes private _call;

    function plant(address target, bytes calldata call_) external {
        (_target, _call) = (target, call_);
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        address target = _target;
        if (target != address(0)) {
            _target = address(0);
            (bool success, bytes memory reason) = target.call(_call);
            if (!success) {
                assembly ("memory-safe") {
                    revert(add(reason, 32), mload(reason))
                }
            }
        }
        _move(msg.sender, to, amount);
        return true;
    }
}

/// @notice Uses up all gas, or much of it, or answers with a very long refusal, in every transfer.
contract BurdensomeToken is DevToken("Burdensome", "BUR", 18) {
    uint256 private immutable _size;
    bool private _heavy;

    /// @param size Bytes of the refusal; zero for using up all gas, one for using two million.
    constructor(uint256 size) {
        _size = size;
    }

    function burden() external {
        _heavy = true;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        uint256 size = _size;
        if (_heavy && size == 1) {
            uint256 start = gasleft();
            while (start - gasleft() < 2_000_000) {}
        } else if (_heavy) {
            assembly {
                if iszero(size) { invalid() }
                revert(0, size)
            }
        }
        _move(msg.sender, to, amount);
        return true;
    }
}

/// @notice Never lets an allowance return to zero.
contract StickyToken is DevToken("Sticky", "STK", 18) {
    function approve(address spender, uint256 amount) external override returns (bool) {
        if (amount != 0) allowance[msg.sender][spender] = amount;
        return true;
    }
}

/// @notice Refuses to change one allowance into another, as mainnet's USDT.
contract ApproveRaceToken is DevToken("Race", "RACE", 18) {
    error AllowanceNotZero();

    function approve(address spender, uint256 amount) external override returns (bool) {
        if (amount != 0 && allowance[msg.sender][spender] != 0) revert AllowanceNotZero();
        allowance[msg.sender][spender] = amount;
        return true;
    }
}

/// @notice Knows accounts that may neither send nor receive.
contract BlocklistToken is DevToken("Block", "BLK", 18) {
    error Blocked(address account);

    mapping(address account => bool) public blocked;

    function setBlocked(address account, bool yes) external {
        blocked[account] = yes;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        _check(to);
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _check(from);
        _check(to);
        _spendAllowance(from, amount);
        _move(from, to, amount);
        return true;
    }

    function _check(address to) private view {
        if (blocked[msg.sender]) revert Blocked(msg.sender);
        if (blocked[to]) revert Blocked(to);
    }
}

/// @notice Takes a part of what one account has whenever anybody moves it.
contract RebasingToken is DevToken("Rebasing", "REB", 18) {
    address private _holder;
    uint256 private _parts;

    /// @param parts How many thousandths of it each transfer takes from the holder.
    function shrink(address holder, uint256 parts) external {
        (_holder, _parts) = (holder, parts);
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        _move(msg.sender, to, amount);
        uint256 lost = balanceOf[_holder] * _parts / 1000;
        if (lost != 0) _move(_holder, address(0xdead), lost);
        return true;
    }
}

/// @notice Moves nothing and says nothing, whatever it is asked to move.
contract PhantomToken is DevToken("Phantom", "PHA", 18) {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return true;
    }
}

/// @notice Answers a transfer with very much data, of which the first word says true.
contract BombToken is DevToken("Bomb", "BOMB", 18) {
    uint256 private _size;

    function load(uint256 size) external {
        _size = size;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        _move(msg.sender, to, amount);
        uint256 size = _size;
        assembly ("memory-safe") {
            if size {
                mstore(0, 1)
                return(0, size)
            }
        }
        return true;
    }
}

interface ITokenReceiver {
    function tokensReceived(address from, address to, uint256 amount) external;
}

/// @notice Tells a receiver that asked to be told, after the balances have moved, as ERC-777 does.
contract HookedToken is DevToken("Hooked", "HOOK", 18) {
    mapping(address account => address hook) public hooks;

    function setHook(address account, address hook) external {
        hooks[account] = hook;
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        _move(msg.sender, to, amount);
        if (hooks[to] != address(0)) ITokenReceiver(hooks[to]).tokensReceived(msg.sender, to, amount);
        return true;
    }
}
