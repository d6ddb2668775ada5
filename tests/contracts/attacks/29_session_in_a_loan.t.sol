// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {Plans} from "../support/Plans.sol";
import {SessionAttack} from "./SessionAttack.sol";

/// @notice A limited key borrows the account's own voice: plans within a loan are calls of the account by itself. Here they
/// run for the key that asked for the loan, held to its session and counted against its limit.
contract SessionInALoanTest is SessionAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        _bait(pool, c, a, AMOUNT);
        bytes memory inner = Plans.encode(_plan(c, a, AMOUNT, Plans.v3(0, 1, Plans.all(), 5, FEE)));
        return _sendAs(robot, _within(inner));
    }

    /// @dev C was never the key's to sell.
    function _loot() internal view override returns (uint256) {
        return _balance(c, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.FallNotGranted.selector, robot, c);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 29;
    }

    function test_a_loan_within_a_loan_is_no_way_around_either() public {
        bytes memory inner = Plans.encode(_plan(c, a, AMOUNT, Plans.v3(0, 1, Plans.all(), 5, FEE)));
        (bool success, bytes memory reason) = _sendAs(robot, _within(_within(inner)));
        assertFalse(success);
        assertEq(reason, _refusal());
    }

    function test_what_a_loans_plans_spend_counts_against_the_limit() public {
        (bool success, bytes memory reason) = _sendAs(robot, _within(_sale(LIMIT + 1)));
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(ISessions.SpendLimit.selector, robot, a, LIMIT + 1, LIMIT));
    }
}
