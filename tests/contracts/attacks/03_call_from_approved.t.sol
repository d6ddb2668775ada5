// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_CALL} from "contracts/types/Plan.sol";

import {FurtherPlans} from "../support/FurtherPlans.sol";
import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice LI.FI, 2022-03 and 2024-07: a contract that held approvals called what it was told to. Here an approval that
/// somebody wrongly gave to an executor cannot be used by a plan: no leg calls a token's `transferFrom`, not even where the
/// owner was talked into listing it.
contract CallFromApprovedTest is Attack {
    address internal victim = makeAddr("victim");

    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _mint(c, victim, AMOUNT);
        vm.prank(victim);
        IERC20(c).approve(address(executor), AMOUNT);
        _list(LEG_CALL, c, IERC20.transferFrom.selector);
    }

    function test_unlisted_it_is_not_even_looked_at() public {
        bytes32 listing = keccak256(abi.encode(LEG_CALL, c, IERC20.transferFrom.selector));
        vm.store(address(executor), keccak256(abi.encode(listing, LISTED)), 0);
        (bool success, bytes memory reason) = _attack();
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_CALL, c, IERC20.transferFrom.selector));
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        bytes memory theft = abi.encodeCall(IERC20.transferFrom, (victim, stranger, AMOUNT));
        bytes memory legs =
            abi.encodePacked(FurtherPlans.callOut(0, 1, Plans.all(), c, false, theft), Plans.v2(0, 1, Plans.all(), 0));
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, legs)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(c, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAnnex.CallRefused.selector, c, IERC20.transferFrom.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 3;
    }
}
