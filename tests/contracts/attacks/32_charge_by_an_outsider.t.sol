// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IWarden} from "contracts/interfaces/IParts.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";

import {SessionAttack} from "./SessionAttack.sol";

/// @notice The book of what a key spent is written by a function that anybody can call by name: a stranger fills it, and the
/// key stands still. Here that function answers only within a plan, when all doors are shut to everybody else.
contract ChargeByAnOutsiderTest is SessionAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        uint256[] memory changes = new uint256[](2);
        changes[0] = LIMIT;
        return _sendAs(stranger, abi.encodeCall(IWarden.chargePlan, (robot, _sale(LIMIT), changes)));
    }

    /// @dev The damage: what the key may no longer spend.
    function _loot() internal view override returns (uint256) {
        (,, uint256 free) = executor.spending(robot, a);
        return LIMIT - free;
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.OnlyWithinPlan.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 32;
    }
}
