// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";

import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Seneca, 2024-02: an operation without an authorisation row, and no pause that worked. Here every kind of leg is
/// behind the same question, and the guardian's pause stops the owner's own key.
contract OpcodesAndPauseTest is Attack {
    address internal guardian = makeAddr("guardian");

    function setUp() public override {
        super.setUp();
        _pair(a, b);
        vm.prank(desk);
        executor.setGuardian(guardian);
    }

    function test_no_kind_of_leg_runs_for_a_stranger_or_during_a_pause(uint8 head, bytes calldata particulars) public {
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, abi.encodePacked(head, uint8(0x01), particulars)));
        (bool success, bytes memory reason) = _sendAs(stranger, packed);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IAccount.NotOwner.selector, stranger));
        vm.prank(guardian);
        executor.pause();
        (success, reason) = _sendAs(desk, packed);
        assertFalse(success);
        assertEq(reason, _refusal());
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // The desk's key is stolen, the guardian has noticed.
        vm.prank(guardian);
        executor.pause();
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(executor));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAccount.IsPaused.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 6;
    }
}
