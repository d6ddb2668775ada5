// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {PackedUserOperation} from "contracts/interfaces/IUserOperations.sol";
import {LEG_V2} from "contracts/types/Plan.sol";

import {OlderEntryPoint} from "../mocks/OlderEntryPoint.sol";
import {IEntryPoint} from "../support/EntryPoints.sol";
import {Attack} from "./Attack.sol";

/// @notice A leaked key names gas for a paymaster of address zero, which EntryPoint 0.7 has the account pay, and bundles the
/// operation itself. Its budget counts the gas of the account alone. Here a key's operation names a paymaster or none.
contract BeyondTheBudgetTest is Attack {
    uint96 internal constant BUDGET = 0.001 ether;
    uint128 internal constant GAS = 150_000;

    OlderEntryPoint internal entry;
    address internal robot;
    uint256 internal robotKey;
    address payable internal bundler = payable(makeAddr("bundler"));

    function setUp() public override {
        super.setUp();
        (robot, robotKey) = makeAddrAndKey("robot");
        entry = new OlderEntryPoint();
        ISessions.Grant memory terms;
        (terms.expiry, terms.kinds) = (NOW + 30 days, uint32(1 << LEG_V2));
        (terms.mostLossBps, terms.gasBudget) = (10_000, BUDGET);
        vm.startPrank(desk);
        executor.setEntryPoint(address(entry));
        executor.grantSession(robot, terms);
        vm.stopPrank();
        vm.deal(address(executor), 1 ether);
        vm.deal(bundler, 0);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _handle(abi.encodePacked(address(0), uint128(0), uint128(25_000_000)));
    }

    /// @dev What the key's operations cost the account beyond its budget, in the bundler's hands.
    function _loot() internal view override returns (uint256) {
        return bundler.balance > BUDGET ? bundler.balance - BUDGET : 0;
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA24 signature error");
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 44;
    }

    function test_the_same_operation_without_a_paymaster_costs_no_more_than_the_budget() public {
        (bool success, bytes memory reason) = _handle("");
        assertTrue(success, vm.toString(reason));
        assertGe(address(executor).balance, 1 ether - BUDGET);
        assertEq(_loot(), 0);
    }

    function _handle(bytes memory paymaster) private returns (bool success, bytes memory reason) {
        PackedUserOperation memory op;
        op.sender = address(executor);
        op.nonce = uint256(uint160(robot)) << 64;
        op.callData = abi.encodePacked(executor.executeUserOp.selector, abi.encode(new bytes[](0), uint256(0)));
        op.accountGasLimits = bytes32(uint256(GAS) << 128);
        op.gasFees = bytes32(uint256(BUDGET / GAS));
        op.paymasterAndData = paymaster;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(robotKey, entry.getUserOpHash(op));
        op.signature = abi.encodePacked(robot, r, s, v);
        return address(entry).call(abi.encodeCall(entry.handleOp, (op, bundler)));
    }
}
