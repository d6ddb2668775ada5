// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {IExecutorUnderTest, Sending} from "../support/IExecutorUnderTest.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Universal Router, Multicall, Across's MulticallHandler: what a transaction leaves behind belongs to whoever comes
/// next. Here nothing undeclared may stay, and what the account holds only its owner can take.
contract LeftoversTest is Attack {
    using Sending for IExecutorUnderTest;

    function setUp() public override {
        super.setUp();
        _pair(a, c);
        _pair(c, b);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        bytes memory legs = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v2(2, 1, Plans.exact(AMOUNT / 2), 0));
        (success, reason) = _sendAs(desk, Plans.encode(_planVia(a, b, c, AMOUNT, legs)));
        if (!success) return (success, reason);
        uint256 left = _balance(c, address(executor));
        return _takeOver(address(executor), c, left);
    }

    function _loot() internal view override returns (uint256) {
        return _balance(c, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.LeftBehind.selector, c, 0, _between() - AMOUNT / 2);
    }

    function _guards() internal pure override returns (uint256) {
        return (1 << 17) | (1 << 4);
    }

    function test_only_the_owner_can_sweep() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, stranger));
        executor.withdraw(a, 1);
    }

    function test_what_is_left_of_an_intermediate_reverts_the_plan() public {
        bytes memory legs = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v2(2, 1, Plans.exact(AMOUNT / 2), 0));
        bytes memory packed = Plans.encode(_planVia(a, b, c, AMOUNT, legs));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.LeftBehind.selector);
        executor.execute(packed);
    }

    function test_an_intermediate_held_before_cannot_be_sold() public {
        _mint(c, address(executor), AMOUNT);
        Plan memory plan = _planVia(a, b, c, AMOUNT, Plans.v2(2, 1, Plans.exact(1), 0));
        _expect(plan, abi.encodeWithSelector(IExecutor.AmountAboveAvailable.selector, 119, 1, 0));
    }

    function test_a_plan_cannot_sell_more_than_its_amount_even_if_more_is_held() public {
        _pair(a, b);
        bytes memory legs = Plans.v2(0, 1, Plans.exact(AMOUNT), 0);
        Plan memory plan = _plan(a, b, AMOUNT - 1, legs);
        _expect(plan, abi.encodeWithSelector(IExecutor.AmountAboveAvailable.selector, 82, AMOUNT, AMOUNT - 1));
    }

    /// @dev What the first pair gives.
    function _between() private pure returns (uint256) {
        uint256 afterFee = uint256(AMOUNT) * 997;
        return afterFee * DEPTH / (DEPTH * 1000 + afterFee);
    }
}
