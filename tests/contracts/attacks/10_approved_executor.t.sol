// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {FLAG_PULL} from "contracts/types/Plan.sol";

import {PatientCurvePool} from "../mocks/HostilePools.sol";
import {IExecutorUnderTest, Sending} from "../support/IExecutorUnderTest.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice 0x MainnetSettler, 2024-11, and Coinbase's fee receiver, 2025-08: somebody approved a contract that obeys
/// everybody. Here an executor obeys its owner only; the client library refuses to build a standing approval all the same.
contract ApprovedExecutorTest is Attack {
    using Sending for IExecutorUnderTest;

    PatientCurvePool internal pool;

    function setUp() public override {
        super.setUp();
        pool = new PatientCurvePool(a, b, true);
        _mint(b, address(pool), 1);
        _mint(a, desk, AMOUNT);
        vm.prank(desk);
        IERC20(a).approve(address(executor), type(uint256).max);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Plan memory plan = _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), address(pool), 0, 1, false));
        plan.flags = uint8(FLAG_PULL);
        return _sendAs(stranger, Plans.encode(plan));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAccount.NotOwner.selector, stranger);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 10;
    }

    function test_a_stranger_cannot_execute(address caller) public {
        vm.assume(caller != desk);
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.execute(packed);
    }
}
