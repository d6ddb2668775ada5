// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {PlanReading} from "contracts/libraries/PlanReading.sol";

import {PlanReader, ReadPlan} from "./support/PlanReader.sol";

/// @notice What the warden reads of a plan is what the executor's codec reads when it runs.
contract PlanReadingTest is Test {
    using PlanReading for bytes;

    PlanReader private _reader;
    bytes[] private _plans;

    function setUp() public {
        _reader = new PlanReader();
        bytes[] memory plans =
            vm.parseJsonBytesArray(vm.readFile("tests/contracts/golden/from_python.json"), ".calldata");
        for (uint256 i = 0; i < plans.length; ++i) {
            _plans.push(plans[i]);
        }
    }

    function test_every_golden_plan_is_read_alike() public {
        for (uint256 i = 0; i < _plans.length; ++i) {
            assertTrue(_readAlike(_plans[i]), vm.toString(i));
        }
    }

    function test_a_damaged_plan_is_read_alike_or_refused(uint256 which, uint256 at, uint8 damage, uint256 cut) public {
        bytes memory plan = _plans[which % _plans.length];
        plan[at % plan.length] ^= bytes1(damage);
        if (cut % 4 == 0) {
            uint256 size = plan.length - 1 - (cut >> 2) % 8;
            assembly ("memory-safe") {
                mstore(plan, size)
            }
        }
        _readAlike(plan);
    }

    /// @dev Whether the codec takes the plan; if so, what both find must be the same.
    function _readAlike(bytes memory plan) private returns (bool taken) {
        bytes memory answer;
        (taken, answer) = address(_reader).call(plan);
        if (!taken) return false;
        ReadPlan memory read = abi.decode(answer, (ReadPlan));
        (PlanReading.Shape memory form, PlanReading.Part[] memory legs, uint256 count) = this.walk(plan);
        assertEq(form.flags, read.flags);
        assertEq(form.declared, read.assets.length);
        assertEq(form.total, read.assets.length + read.handed.length);
        assertEq(count, read.legs.length);
        for (uint256 i = 0; i < count; ++i) {
            assertEq(legs[i].kind, read.legs[i].kind);
            assertEq(legs[i].indexIn, read.legs[i].indexIn);
            assertEq(legs[i].indexOut, read.legs[i].indexOut);
        }
        assertEq(legs[count - 1].next, form.end);
        for (uint256 i = 0; i < form.declared; ++i) {
            (uint256 bound, address token, uint256 amount) = this.assetOf(plan, i);
            assertEq(bound, read.assets[i].bound);
            assertEq(token, read.assets[i].token);
            assertEq(amount, read.assets[i].amount);
        }
    }

    function walk(bytes calldata plan)
        external
        pure
        returns (PlanReading.Shape memory form, PlanReading.Part[] memory legs, uint256 count)
    {
        form = plan.shape();
        legs = new PlanReading.Part[](plan.length);
        uint256 at = form.legs;
        do {
            legs[count] = plan.part(form, at);
            at = legs[count++].next;
        } while (at < form.end);
    }

    function assetOf(bytes calldata plan, uint256 index) external pure returns (uint256, address, uint256) {
        return plan.asset(index);
    }
}
