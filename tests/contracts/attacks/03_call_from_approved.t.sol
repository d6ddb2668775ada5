// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {LEG_CALL} from "contracts/types/Plan.sol";

import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice LI.FI, 2022-03 and 2024-07: a contract that held approvals called what it was told to. Here an approval that
/// somebody wrongly gave to an executor cannot be used by a plan: no leg calls a token's `transferFrom`.
contract CallFromApprovedTest is Attack {
    address internal victim = makeAddr("victim");

    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _mint(c, victim, AMOUNT);
        vm.prank(victim);
        IERC20(c).approve(address(executor), AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        bytes memory theft = abi.encodeCall(IERC20.transferFrom, (victim, stranger, AMOUNT));
        bytes memory legs = abi.encodePacked(_callLeg(c, theft), Plans.v2(0, 1, Plans.all(), 0));
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, legs)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(c, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.UnknownLegKind.selector, 0, LEG_CALL);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 3;
    }

    /// @dev Target and call data, as a generic call leg would take them.
    function _callLeg(address target, bytes memory data) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(LEG_CALL | 64), uint8(0x01), uint16(20 + data.length), target, data);
    }
}
