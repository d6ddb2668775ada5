// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {SessionAttack} from "./SessionAttack.sol";

/// @notice A key that leaked goes on after it was noticed. Here the guardian's revocation holds from that call on, within the
/// block, whatever door the key then tries.
contract RevokedKeyTest is SessionAttack {
    address internal watchman = makeAddr("watchman");

    function setUp() public override {
        super.setUp();
        vm.prank(desk);
        executor.setGuardian(watchman);
        vm.prank(watchman);
        executor.revokeSession(robot);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(robot, _sale(LIMIT));
    }

    function _loot() internal view override returns (uint256) {
        return AMOUNT - _balance(a, address(executor));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.SessionRevoked.selector, robot);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 34;
    }

    function test_neither_by_a_batch() public {
        bytes[] memory plans = new bytes[](1);
        plans[0] = _sale(LIMIT);
        (bool success, bytes memory reason) = _sendAs(robot, abi.encodeCall(executor.executeBatch, (plans, 1)));
        assertFalse(success);
        assertEq(reason, _refusal());
    }

    function test_neither_by_what_it_signed() public {
        bytes[] memory plans = new bytes[](1);
        plans[0] = _sale(LIMIT);
        bytes32 digest = executor.plansDigest(plans, 1, 0, NOW + 60, robot);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(robotKey, digest);
        bytes memory call_ =
            abi.encodeCall(executor.executeSigned, (plans, 1, 0, NOW + 60, robot, abi.encodePacked(r, s, v)));
        (bool success, bytes memory reason) = _sendAs(stranger, call_);
        assertFalse(success);
        assertEq(reason, _refusal());
    }
}
