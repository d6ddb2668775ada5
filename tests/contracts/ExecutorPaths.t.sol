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

    /// @dev All 117 of pairs, concentrated and Solidly pools: those with two concentrated pools in a row are refused.
    function test_every_path_of_two_to_four_hops_leaves_nothing_on_the_way() public {
        address e = address(new DevToken("E", "E", 18));
        address[2] memory neighbours = [d, b];
        for (uint256 i = 0; i < 2; ++i) {
            _pair(neighbours[i], e);
            _v3Pool(neighbours[i], e);
            _solidly(neighbours[i], e);
        }
        _solidly(c, b);
        address[3] memory between = [c, d, e];
        for (uint256 hops = 2; hops <= 4; ++hops) {
            for (uint256 kinds = 0; kinds < 3 ** hops; ++kinds) {
                _tryPath(between, hops, kinds);
            }
        }
    }

    function _tryPath(address[3] memory between, uint256 hops, uint256 kinds) private {
        Plan memory plan = _plan(a, b, AMOUNT, "");
        plan.handed = new address[](hops - 1);
        bool refused;
        uint256 last;
        for (uint256 i = 0; i < hops; ++i) {
            if (i != 0) plan.handed[i - 1] = between[i - 1];
            // Index 0 is sold and 1 bought; what is handed on stands behind them.
            bytes memory leg =
                _leg(uint8(kinds % 3), i == 0 ? 0 : uint8(1 + i), i + 1 == hops ? 1 : uint8(2 + i), Plans.all());
            plan.legs = abi.encodePacked(plan.legs, i + 1 == hops ? leg : Plans.hand(leg));
            refused = refused || (kinds % 3 == 1 && last == 1);
            (last, kinds) = (kinds % 3, kinds / 3);
        }
        uint256 state = vm.snapshotState();
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        if (refused) vm.expectPartialRevert(IExecutor.HandedWrong.selector);
        executor.execute(packed);
        if (!refused) {
            assertEq(_balance(a, address(executor)), 0);
            assertGt(_balance(b, address(executor)), HELD + AMOUNT * 95 / 100);
            for (uint256 i = 0; i + 1 < hops; ++i) {
                assertEq(_balance(between[i], address(executor)), between[i] == c || between[i] == d ? HELD : 0);
            }
        }
        vm.revertToState(state);
    }

    function test_an_exact_output_names_its_amount() public {
        for (uint8 mode = 1; mode <= 2; ++mode) {
            bytes memory amount = mode == 1 ? abi.encodePacked(uint32(1 << 31)) : bytes("");
            bytes memory legs = abi.encodePacked(uint8(9 | (mode << 5)), uint8(1), amount, uint8(1), uint8(0), FEE);
            bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, legs));
            vm.prank(desk);
            vm.expectRevert(abi.encodeWithSelector(IExecutor.UnknownAmountMode.selector, 82, mode));
            executor.execute(packed);
        }
    }

    function test_a_missing_pool_of_an_added_factory_is_named_where_none_is_built_in() public {
        address factory = v3Factory;
        v3Factory = address(0);
        executor = _deployExecutor();
        vm.prank(desk);
        executor.setVenue(2, 1, factory, bytes32(uint256(1)), 0);
        _mint(a, address(executor), AMOUNT);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 1, FEE)));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.PoolMissing.selector);
        executor.execute(packed);
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
