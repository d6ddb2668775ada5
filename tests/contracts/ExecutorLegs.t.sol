// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {FLAG_DELIVER, FLAG_PULL} from "contracts/types/Plan.sol";

import {MockCurvePool} from "./mocks/MockCurvePool.sol";
import {MockSolidlyPool} from "./mocks/MockSolidly.sol";
import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";

contract ExecutorLegsTest is Chain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    uint128 internal constant HELD = 5e18;

    function setUp() public override {
        super.setUp();
        _mint(a, address(executor), AMOUNT);
    }

    function test_v2_leg_pays_what_the_pair_formula_says() public {
        _pair(a, b);
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        uint256 afterFee = uint256(AMOUNT) * 997;
        assertEq(spent, AMOUNT);
        assertEq(received, afterFee * DEPTH / (DEPTH * 1000 + afterFee));
        assertEq(_balance(b, address(executor)), received);
    }

    function test_v2_leg_works_in_both_directions() public {
        _pair(a, b);
        _mint(b, address(executor), AMOUNT);
        (, uint256 there) = _run(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        (, uint256 back) = _run(_plan(b, a, uint128(there), Plans.v2(0, 1, Plans.all(), 0)));
        assertLt(back, AMOUNT);
        assertGt(back, uint256(AMOUNT) * 99 / 100);
    }

    function test_v2_fork_leg_uses_the_forks_factory_and_fee() public {
        address fork = _deploy("node_modules/@uniswap/v2-core/build/UniswapV2Factory.json", abi.encode(address(this)));
        (address usual, address forked) = (v2Factory, fork);
        v2Factory = forked;
        _pair(a, b);
        v2Factory = usual;
        vm.prank(desk);
        executor.setVenue(1, 9, fork, V2_INIT, 5000);
        (, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 9)));
        uint256 afterFee = uint256(AMOUNT) * 995_000;
        assertEq(received, afterFee * DEPTH / (DEPTH * 1_000_000 + afterFee));
    }

    function test_v3_leg_spends_the_whole_amount_in_both_directions() public {
        _v3Pool(a, b);
        (uint256 spent, uint256 there) = _run(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        assertEq(spent, AMOUNT);
        (, uint256 back) = _run(_plan(b, a, uint128(there), Plans.v3(0, 1, Plans.all(), 0, FEE)));
        assertEq(_balance(b, address(executor)), 0);
        assertEq(_balance(a, address(executor)), back);
    }

    function test_v4_leg_settles_both_currencies() public {
        _v4Pool(a, b);
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        assertEq(spent, AMOUNT);
        assertEq(_balance(b, address(executor)), received);
        _run(_plan(b, a, uint128(received), Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        assertEq(_balance(b, address(executor)), 0);
    }

    function test_v4_native_leg_unwraps_and_wraps() public {
        _v4Pool(address(0), a);
        (, uint256 received) = _run(_plan(a, weth, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, true)));
        assertEq(_balance(weth, address(executor)), received);
        _run(_plan(weth, a, uint128(received), Plans.v4(0, 1, Plans.all(), FEE, SPACING, true)));
        assertEq(_balance(weth, address(executor)), 0);
        assertEq(address(executor).balance, 0);
    }

    function test_curve_legs_leave_no_allowance(bool crypto) public {
        address pool = _curvePool(a, b);
        (, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), pool, 0, 1, crypto)));
        assertEq(received, uint256(AMOUNT) * 9996 / 10_000);
        assertEq(IERC20(a).allowance(address(executor), pool), 0);
    }

    function test_curve_leg_revokes_what_the_pool_did_not_take() public {
        address pool = _curvePool(a, b);
        MockCurvePool(pool).setUntaken(3);
        (uint256 spent,) = _run(_plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), pool, 0, 1, false)));
        assertEq(spent, AMOUNT - 3);
        assertEq(IERC20(a).allowance(address(executor), pool), 0);
    }

    function test_curve_leg_sells_a_token_that_returns_nothing() public {
        address pool = _curvePool(silent, b);
        _mint(silent, address(executor), AMOUNT);
        for (uint256 i = 0; i < 2; ++i) {
            _run(_plan(silent, b, AMOUNT / 2, Plans.curve(0, 1, Plans.all(), pool, 0, 1, true)));
        }
        assertEq(_balance(silent, address(executor)), 0);
        assertEq(IERC20(silent).allowance(address(executor), pool), 0);
    }

    function test_solidly_leg_uses_the_factorys_pool(bool stable) public {
        address pool = solidlyFactory.createPool(a, b, stable);
        _mint(a, pool, DEPTH);
        _mint(b, pool, DEPTH);
        MockSolidlyPool(pool).sync();
        (, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.solidly(0, 1, Plans.all(), 1, stable)));
        assertEq(received, uint256(AMOUNT) * 9995 / 10_000);
    }

    function test_rfq_leg_pays_the_maker_exactly() public {
        Quote memory quote = _quote(b, a, AMOUNT);
        uint256 before = _balance(a, maker);
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        assertEq(spent, AMOUNT);
        assertEq(received, AMOUNT);
        assertEq(_balance(a, maker) - before, AMOUNT);
    }

    function test_rfq_leg_fills_a_part_where_the_maker_allows_it() public {
        Quote memory quote = _quote(b, a, AMOUNT);
        quote.partialFillAllowed = true;
        quote.makerAmount = AMOUNT + 1;
        bytes memory leg = Plans.rfq(0, 1, Plans.exact(333), quote, _sign(quote));
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, leg));
        assertEq(spent, 333);
        assertEq(received, uint256(AMOUNT + 1) * 333 / AMOUNT);
    }

    function test_two_hops_leave_nothing_between() public {
        _pair(a, c);
        _v3Pool(c, b);
        _mint(c, address(executor), HELD);
        bytes memory legs = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v3(2, 1, Plans.all(), 0, FEE));
        (uint256 spent,) = _run(_planVia(a, b, c, AMOUNT, legs));
        assertEq(spent, AMOUNT);
        assertEq(_balance(c, address(executor)), HELD, "what was held before is not the plan's");
    }

    function test_shares_are_of_what_is_left_and_round_down(uint32 share) public {
        vm.assume(share > 1 << 20);
        address pool = _curvePool(a, b);
        _pair(a, b);
        uint128 amount = 999_999_999_999_999_989;
        uint256 first = uint256(amount) * share >> 32;
        vm.assume(first < amount);
        bytes memory legs =
            abi.encodePacked(Plans.curve(0, 1, Plans.share(share), pool, 0, 1, false), Plans.v2(0, 1, Plans.all(), 0));
        uint256 before = _balance(a, pool);
        (uint256 spent,) = _run(_plan(a, b, amount, legs));
        assertEq(_balance(a, pool) - before, first);
        assertEq(spent, amount);
    }

    function test_what_no_leg_sells_stays() public {
        _pair(a, b);
        (uint256 spent,) = _run(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(7e18), 0)));
        assertEq(spent, 7e18);
        assertEq(_balance(a, address(executor)), AMOUNT - 7e18);
    }

    function test_pulled_funds_come_from_the_owner_and_the_rest_returns() public {
        _pair(a, b);
        _mint(a, desk, AMOUNT);
        vm.prank(desk);
        IERC20(a).approve(address(executor), AMOUNT);
        Plan memory plan = _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT - 5), 0));
        plan.flags = uint8(FLAG_PULL + FLAG_DELIVER);
        (uint256 spent, uint256 received) = _run(plan);
        assertEq(spent, AMOUNT - 5);
        assertEq(_balance(a, desk), 5);
        assertEq(_balance(b, desk), received);
        assertEq(_balance(a, address(executor)), AMOUNT, "held funds are untouched");
        assertEq(_balance(b, address(executor)), 0);
        assertEq(IERC20(a).allowance(desk, address(executor)), 0);
    }

    function test_pulled_silent_token_is_delivered() public {
        _pair(silent, b);
        _mint(silent, desk, AMOUNT);
        vm.prank(desk);
        (bool approved,) = silent.call(abi.encodeCall(IERC20.approve, (address(executor), AMOUNT)));
        assertTrue(approved);
        Plan memory plan = _plan(silent, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL + FLAG_DELIVER);
        (, uint256 received) = _run(plan);
        assertEq(_balance(b, desk), received);
    }

    function test_the_deadline_second_itself_is_in_time() public {
        _pair(a, b);
        vm.warp(DEADLINE);
        (uint256 spent,) = _run(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        assertEq(spent, AMOUNT);
    }

    function test_min_out_is_met_exactly_or_not_at_all() public {
        _pair(a, b);
        Plan memory plan = _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        uint256 state = vm.snapshotState();
        (, uint256 received) = _run(plan);
        vm.revertToState(state);
        plan.minOut = uint128(received);
        _run(plan);
        vm.revertToState(state);
        plan.minOut = uint128(received) + 1;
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.MinOutMissed.selector, received, received + 1));
        executor.execute(packed);
    }
}
