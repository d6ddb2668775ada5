// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {FLAG_DELIVER, FLAG_PULL} from "contracts/types/Plan.sol";

import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Transit, 2022-10 and 2023-12: the payer was an argument. Here it is the owner or the account itself, and no byte
/// of a plan can say otherwise.
contract PayerByArgumentTest is Attack {
    address internal victim = makeAddr("victim");

    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _mint(a, victim, AMOUNT);
        vm.prank(victim);
        IERC20(a).approve(address(executor), AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // The owner is the attacker: an executor that somebody was talked into approving.
        Plan memory plan = _planHanding(a, b, victim, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL + FLAG_DELIVER);
        return _sendAs(desk, Plans.encode(plan));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, desk);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(DevToken.AllowanceTooLow.selector, desk, executor, 0, AMOUNT);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 7;
    }

    function test_a_plan_for_more_than_is_held_is_refused_by_the_token() public {
        _expect(
            _plan(a, b, AMOUNT + 1, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(DevToken.BalanceTooLow.selector, executor, AMOUNT, AMOUNT + 1)
        );
    }
}
