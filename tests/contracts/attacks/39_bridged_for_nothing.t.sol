// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {Plans} from "../support/Plans.sol";
import {BridgeAttack} from "./BridgeAttack.sol";

/// @notice A leaked key bridges all that it may spend and asks for one unit on the other side, which it pays itself as the
/// order's relayer. Here what leaves over a bridge was earned for what is asked for there.
contract BridgedForNothingTest is BridgeAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(robot, _leaving(a, _bridge(0, Plans.all(), 1)));
    }

    /// @dev The relayer's, for one unit.
    function _loot() internal view override returns (uint256) {
        return _balance(a, address(spoke));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.BelowReference.selector, robot, 1, LIMIT * 99 / 100);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 39;
    }
}
