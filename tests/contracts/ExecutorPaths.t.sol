// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {MockSolidlyPool} from "./mocks/MockSolidly.sol";
import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice Pools that pay each other: what comes out is what the same hops bring one by one, and nothing rests between.
contract ExecutorPathsTest is Chain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    uint256 internal constant HELD = 5e18;

    address internal d;

    function setUp() public override {
        super.setUp();
        d = address(new DevToken("D", "D", 18));
        address[4] memory tokens = [a, b, c, d];
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 j = i + 1; j < 4; ++j) {
                _pair(tokens[i], tokens[j]);
                _v3Pool(tokens[i], tokens[j]);
            }
            _mint(tokens[i], address(executor), HELD);
        }
        _mint(a, address(executor), AMOUNT - HELD);
        _solidly(a, c);
        _solidly(c, d);
        _solidly(d, b);
    }

    function test_two_hops_bring_the_same_handed_on_as_one_by_one(uint8 first, uint8 second, uint128 amount) public {
        amount = uint128(bound(amount, 1e6, AMOUNT));
        // Two concentrated pools cannot pay each other.
        if (first % 3 == 1 && second % 2 == 1) second = 0;
        uint256 state = vm.snapshotState();
        bytes memory resting = abi.encodePacked(_leg(first, 0, 2, Plans.all()), _leg(second % 2, 2, 1, Plans.all()));
        (, uint256 expected) = _run(_planVia(a, b, c, amount, resting));
        vm.revertToState(state);
        bytes memory handed =
            abi.encodePacked(Plans.hand(_leg(first, 0, 2, Plans.all())), _leg(second % 2, 2, 1, Plans.all()));
        (uint256 spent, uint256 received) = _run(_planHanding(a, b, c, amount, handed));
        assertEq(spent, amount);
        assertEq(received, expected);
        assertEq(_balance(c, address(executor)), HELD);
    }

    function test_a_path_that_comes_back_counts_what_it_sold_and_what_it_brought() public {
        uint128 part = AMOUNT / 4;
        bytes memory round =
            abi.encodePacked(Plans.hand(_leg(0, 0, 1, Plans.exact(part / 2))), _leg(1, 1, 0, Plans.all()));
        // Sells all of the part that is left then: more would be overspent, less would not spend it.
        (uint256 spent,) = _run(_plan(a, b, part, abi.encodePacked(round, _leg(0, 0, 1, Plans.all()))));
        assertEq(spent, part);
    }

    /// @dev Every order of pairs, concentrated and Solidly pools but those of two concentrated ones in a row, which cannot pay
    /// each other.
    function test_three_hops_bring_the_same_handed_on_as_one_by_one(uint8 shape) public {
        _compareHops(shape % 3, shape / 3 % 3, shape / 9 % 3);
    }

    function test_a_solidly_pool_behind_a_concentrated_one_that_a_pair_pays() public {
        _compareHops(0, 1, 2);
        _compareHops(2, 1, 2);
    }

    function _compareHops(uint8 first, uint8 second, uint8 third) private {
        if (second == 1 && (first == 1 || third == 1)) second = 0;
        uint256 state = vm.snapshotState();
        bytes memory legs = abi.encodePacked(
            _leg(first, 0, 2, Plans.all()), _leg(second, 2, 3, Plans.all()), _leg(third, 3, 1, Plans.all())
        );
        Plan memory plan = _planVia(a, b, c, AMOUNT, legs);
        plan.tokens = new address[](4);
        (plan.tokens[0], plan.tokens[1], plan.tokens[2], plan.tokens[3]) = (a, b, c, d);
        (, uint256 expected) = _run(plan);
        vm.revertToState(state);
        legs = abi.encodePacked(
            Plans.hand(_leg(first, 0, 2, Plans.all())),
            Plans.hand(_leg(second, 2, 3, Plans.all())),
            _leg(third, 3, 1, Plans.all())
        );
        plan = _plan(a, b, AMOUNT, legs);
        plan.handed = new address[](2);
        (plan.handed[0], plan.handed[1]) = (c, d);
        (, uint256 received) = _run(plan);
        assertEq(received, expected);
        assertEq(_balance(c, address(executor)), HELD);
        assertEq(_balance(d, address(executor)), HELD);
        vm.revertToState(state);
    }

    function test_an_exact_output_buys_exactly_and_takes_no_more_than_is_available(uint128 amount, uint8 hops) public {
        amount = uint128(bound(amount, 1, AMOUNT / 2));
        bytes memory path;
        bytes memory between;
        for (uint256 i = 0; i <= hops % 3; ++i) {
            path = abi.encodePacked(path, uint8(0), FEE);
            if (i != 0) between = abi.encodePacked(between, uint8(1 + i));
        }
        Plan memory plan = _plan(a, b, AMOUNT, Plans.exactOut(0, 1, amount, path, between));
        plan.handed = new address[](2);
        (plan.handed[0], plan.handed[1]) = (c, d);
        (uint256 spent, uint256 received) = _run(plan);
        assertEq(received, amount);
        assertGt(spent, amount);
        assertEq(_balance(c, address(executor)), HELD);
        assertEq(_balance(d, address(executor)), HELD);
    }

    function test_what_an_exact_output_took_is_gone_for_the_legs_after_it() public {
        bytes memory legs = abi.encodePacked(
            Plans.exactOut(0, 1, 100e18, abi.encodePacked(uint8(0), FEE), ""), Plans.v2(0, 1, Plans.all(), 0)
        );
        (uint256 spent,) = _run(_plan(a, b, AMOUNT, legs));
        assertEq(spent, AMOUNT);
    }

    function test_an_exact_output_that_costs_more_than_is_available_is_refused() public {
        bytes memory leg = Plans.exactOut(0, 1, 100e18, abi.encodePacked(uint8(0), FEE, uint8(0), FEE), hex"02");
        bytes memory packed = Plans.encode(_planHanding(a, b, c, 100e18, leg));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.CallbackOverBudget.selector);
        executor.execute(packed);
    }

    function test_an_exact_output_beyond_the_pools_liquidity_is_refused() public {
        bytes memory leg = Plans.exactOut(0, 1, DEPTH * 2, abi.encodePacked(uint8(0), FEE), "");
        _mint(a, address(executor), DEPTH * 100);
        bytes memory packed = Plans.encode(_plan(a, b, uint128(DEPTH * 100), leg));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.PartialFill.selector);
        executor.execute(packed);
    }

    function _solidly(address tokenA, address tokenB) private {
        address pool = solidlyFactory.createPool(tokenA, tokenB, true);
        _mint(tokenA, pool, DEPTH);
        _mint(tokenB, pool, DEPTH);
        MockSolidlyPool(pool).sync();
    }

    function _leg(uint8 kind, uint8 from, uint8 to, bytes memory amount) private pure returns (bytes memory) {
        if (kind % 3 == 0) return Plans.v2(from, to, amount, 0);
        if (kind % 3 == 1) return Plans.v3(from, to, amount, 0, FEE);
        return Plans.solidly(from, to, amount, 1, true);
    }
}
