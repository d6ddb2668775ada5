// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutorUnderTest, Sending} from "../support/IExecutorUnderTest.sol";
import {Plans} from "../support/Plans.sol";
import {BombToken} from "../tokens/HostileTokens.sol";
import {Scene} from "./Attack.sol";

/// @notice Tokens and venues that answer with more than anybody can afford to copy. Here one word of an answer is copied.
/// A leg is never optional, so that no call needs a limit of gas of its own.
contract BombsTest is Scene {
    using Sending for IExecutorUnderTest;

    uint256 internal constant SIZE = 500_000;
    /// @dev What the token itself needs to lay out such an answer, and a swap.
    uint256 internal constant GAS = 800_000;

    BombToken internal token;

    function setUp() public override {
        super.setUp();
        token = new BombToken();
        _pair(address(token), b);
        _mint(address(token), address(executor), AMOUNT);
        token.load(SIZE);
    }

    function test_the_attack_costs_nothing_that_the_token_did_not_pay() public {
        (bool success,) = _attack();
        assertTrue(success);
    }

    function test_the_weakened_copy_stands_it_too_while_the_guard_is_on() public {
        _weaken(0);
        (bool success,) = _attack();
        assertTrue(success);
    }

    function test_the_attack_succeeds_once_the_guard_is_off() public {
        _weaken(1 << 26);
        (bool success, bytes memory reason) = _attack();
        assertFalse(success);
        assertEq(reason, "", "gas ran out");
    }

    function _attack() private returns (bool success, bytes memory reason) {
        bytes memory packed = Plans.encode(_plan(address(token), b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        vm.prank(desk);
        return address(executor).call{gas: GAS}(packed);
    }
}
