// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {Plans} from "../support/Plans.sol";
import {OperatorAttack} from "./OperatorAttack.sol";

/// @notice An operator moves the price of a pool that it may use, sells there for next to nothing with a minimum of one
/// unit, and moves it back. Here its plans must earn what the Safe's references say, less the loss that was granted.
contract LossyOperatorTest is OperatorAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        _skew();
        return _runAs(operator, Plans.encode(_plan(a, b, LIMIT, Plans.v2(0, 1, Plans.all(), 0))));
    }

    /// @dev What the account lost, at one for one.
    function _loot() internal view override returns (uint256) {
        return 2 * AMOUNT - _balance(a, address(executor)) - _balance(b, address(executor));
    }

    function _refusal() internal view override returns (bytes memory) {
        uint256 paid = uint256(LIMIT) * 997;
        uint256 out = paid * DEPTH / (10 * DEPTH * 1000 + paid);
        return abi.encodeWithSelector(ISessions.BelowReference.selector, operator, out, LIMIT * 99 / 100);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 38;
    }
}
