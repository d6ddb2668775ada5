// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {Plans} from "../support/Plans.sol";
import {BridgeAttack} from "./BridgeAttack.sol";

/// @notice A leaked key bridges twice in a plan: nearly all for one unit, the last unit for as much as fell. Both together are
/// worth what left. Here a bridge is the only leg that sends an asset away.
contract TwoOrdersTest is BridgeAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        bytes memory first = _bridge(0, Plans.exact(LIMIT - 1), 1);
        return _sendAs(robot, _leaving(a, abi.encodePacked(first, _bridge(0, Plans.all(), LIMIT))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(spoke));
    }

    function _refusal() internal view override returns (bytes memory) {
        uint256 second = 82 + _bridge(0, Plans.exact(LIMIT - 1), 1).length;
        return abi.encodeWithSelector(ISessions.BridgeNotAlone.selector, robot, second);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 41;
    }
}
