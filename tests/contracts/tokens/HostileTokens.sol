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
