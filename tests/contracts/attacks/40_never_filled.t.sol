// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {Plans} from "../support/Plans.sol";
import {BridgeAttack} from "./BridgeAttack.sol";

/// @notice A leaked key sells at a pool whose price it moved, and bridges the little that comes of it with an order that asks
/// for as much as fell: nobody fills it, but on paper the price was met. Here no more counts than what left.
contract NeverFilledTest is BridgeAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        _tilt();
        bytes memory legs = abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), _bridge(1, Plans.all(), LIMIT));
        return _sendAs(robot, _leaving(b, legs));
    }

    function _loot() internal view override returns (uint256) {
        return AMOUNT - _balance(a, address(executor)) - _balance(b, address(spoke));
    }

    function _refusal() internal view override returns (bytes memory) {
        uint256 paid = uint256(LIMIT) * 997;
        uint256 out = paid * DEPTH / (10 * DEPTH * 1000 + paid);
        return abi.encodeWithSelector(ISessions.BelowReference.selector, robot, out, LIMIT * 99 / 100);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 40;
    }
}
