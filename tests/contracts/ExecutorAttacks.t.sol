// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";
import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {IRfqSettlement, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {FLAG_DELIVER, FLAG_PULL} from "contracts/types/Plan.sol";

import {GreedyCurvePool, RogueFactory, RoguePool} from "./mocks/HostilePools.sol";
import {MockSolidlyPool} from "./mocks/MockSolidly.sol";
import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {FalseToken, FeeToken, ReenteringToken, SurchargeToken} from "./tokens/HostileTokens.sol";

/// @notice One test per way in which an executor has lost money before, or could.
contract ExecutorAttacksTest is Chain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;

    address internal stranger = makeAddr("stranger");

    function setUp() public override {
        super.setUp();
        _mint(a, address(executor), AMOUNT);
        _mint(b, address(executor), AMOUNT);
    }

    // Who may call

    function test_a_stranger_cannot_execute(address caller) public {
        vm.assume(caller != desk);
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.execute(packed);
    }

    function test_a_stranger_cannot_add_a_venue() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, stranger));
        executor.setVenue(2, 1, stranger, bytes32(0), 0);
    }

    function test_the_built_in_venues_cannot_be_changed() public {
        vm.startPrank(desk);
        for (uint8 kind = 1; kind < 3; ++kind) {
            vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFixed.selector, kind, 0));
            executor.setVenue(kind, 0, stranger, bytes32(0), 0);
        }
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueUnknown.selector, 4, 1));
        executor.setVenue(4, 1, stranger, bytes32(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFee.selector, 1_000_000));
        executor.setVenue(1, 1, stranger, bytes32(0), 1_000_000);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFee.selector, 1));
        executor.setVenue(2, 1, stranger, bytes32(0), 1);
    }

    function test_native_coin_from_a_stranger_is_refused() public {
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        (bool success, bytes memory reason) = address(executor).call{value: 1}("");
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IExecutor.EthRefused.selector, stranger));
    }

    function test_native_coin_from_weth_outside_a_plan_is_refused() public {
        vm.deal(weth, 1 ether);
        vm.prank(weth);
        (bool success,) = address(executor).call{value: 1}("");
        assertFalse(success);
    }

    // Callbacks

    function test_nobody_can_call_back_at_rest(address caller) public {
        address pool = _v3Pool(a, b);
        address[3] memory callers = [caller, pool, manager];
        for (uint256 i = 0; i < callers.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, callers[i]);
            vm.startPrank(callers[i]);
            vm.expectRevert(refusal);
            executor.uniswapV3SwapCallback(1, 0, "");
            vm.expectRevert(refusal);
            executor.pancakeV3SwapCallback(1, 0, "");
            vm.expectRevert(refusal);
            executor.unlockCallback("");
            vm.expectRevert(refusal);
            executor.rfqPay(a, callers[i], 1);
            vm.stopPrank();
        }
    }

    function test_no_callback_is_armed_after_a_plan() public {
        address pool = _v3Pool(a, b);
        _run(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        vm.prank(pool);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, pool));
        executor.uniswapV3SwapCallback(1, 0, "");
    }

    function test_a_stranger_cannot_call_back_in_the_middle_of_a_swap() public {
        ReenteringToken token = new ReenteringToken();
        _v3Pool(address(token), b);
        _mint(address(token), address(executor), AMOUNT);
        // The executor pays the armed pool in this token, whose transfer is where the attack runs.
        token.plant(address(executor), abi.encodeCall(executor.uniswapV3SwapCallback, (int256(1), int256(0), "")));
        _expect(
            _plan(address(token), b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(token))
        );
    }

    function test_a_pool_that_calls_back_twice_is_refused() public {
        RoguePool pool = _rogue(a, b);
        pool.behave(a < b ? int256(1) : int256(-1), a < b ? int256(-1) : int256(1), 0, 0, 2);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(pool)));
    }

    function test_a_pool_that_asks_for_more_than_the_leg_is_refused() public {
        RoguePool pool = _rogue(a, b);
        int256 owed = int256(uint256(AMOUNT) + 1);
        pool.behave(owed, -1, owed, -1, 1);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackOverBudget.selector, owed, AMOUNT));
    }

    function test_a_pool_that_asks_for_nothing_is_refused() public {
        RoguePool pool = _rogue(a, b);
        pool.behave(0, 0, int256(uint256(AMOUNT)), -1, 1);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackOverBudget.selector, 0, AMOUNT));
    }

    function test_a_pool_that_does_not_call_back_is_refused() public {
        RoguePool pool = _rogue(a, b);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackMissed.selector, address(pool)));
    }

    function test_a_pool_that_lies_about_its_output_meets_the_minimum_on_balances() public {
        RoguePool pool = _rogue(a, b);
        int256 all = int256(uint256(AMOUNT));
        pool.behave(all, all, a < b ? all : -all, a < b ? -all : all, 1);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
    }

    function test_a_pool_that_lies_cannot_make_the_plan_spend_what_was_held_before() public {
        RoguePool pool = _rogue(a, c);
        _pair(c, b);
        _mint(c, address(executor), AMOUNT);
        int256 all = int256(uint256(AMOUNT));
        pool.behave(all, all, a < c ? all : -all, a < c ? -all : all, 1);
        bytes memory legs = abi.encodePacked(Plans.v3(0, 2, Plans.all(), 5, FEE), Plans.v2(2, 1, Plans.all(), 0));
        _expect(
            _planVia(a, b, c, AMOUNT, legs),
            abi.encodeWithSelector(IExecutor.LeftBehind.selector, c, uint256(AMOUNT), 0)
        );
    }

    function test_a_pool_that_was_never_deployed_is_named() public {
        address pool = executor.poolFor(1, 0, a, b, 0);
        _expect(
            _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, pool)
        );
        pool = executor.poolFor(2, 0, a, b, FEE);
        _expect(
            _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, pool)
        );
        _expect(
            _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), stranger, 0, 1, false)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, stranger)
        );
        _expect(
            _plan(a, b, AMOUNT, Plans.solidly(0, 1, Plans.all(), 1, true)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, address(0))
        );
    }

    function test_a_venue_that_was_never_added_is_named() public {
        for (uint8 kind = 1; kind < 3; ++kind) {
            bytes memory leg = kind == 1 ? Plans.v2(0, 1, Plans.all(), 77) : Plans.v3(0, 1, Plans.all(), 77, FEE);
            _expect(_plan(a, b, AMOUNT, leg), abi.encodeWithSelector(IExecutor.VenueUnknown.selector, kind, 77));
        }
        _expect(
            _plan(a, b, AMOUNT, Plans.balancer(0, 1, Plans.all(), bytes32(0))),
            abi.encodeWithSelector(IExecutor.VenueUnknown.selector, 6, 0)
        );
    }

    function test_a_curve_pool_that_takes_and_never_gives_gains_nothing() public {
        address pool = address(new GreedyCurvePool(a));
        _expect(
            _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), pool, 0, 1, false)),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    // Reentrancy

    function test_a_token_cannot_reenter_execute_even_if_it_is_the_owner() public {
        ReenteringToken token = new ReenteringToken();
        desk = address(token);
        executor = _deployExecutor();
        _pair(address(token), b);
        _mint(address(token), address(executor), AMOUNT);
        Plan memory plan = _plan(address(token), b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        token.plant(address(executor), Plans.encode(plan));
        _expect(plan, abi.encodeWithSelector(IExecutor.Reentered.selector));
        token.plant(address(executor), abi.encodeCall(executor.setVenue, (uint8(1), uint8(1), stranger, bytes32(0), 0)));
        _expect(plan, abi.encodeWithSelector(IExecutor.Reentered.selector));
    }

    // Time and price

    function test_a_plan_after_its_deadline_is_refused() public {
        _pair(a, b);
        vm.warp(uint256(DEADLINE) + 1);
        _expect(
            _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(IExecutor.PlanExpired.selector, DEADLINE, uint256(DEADLINE) + 1)
        );
    }

    function test_a_v3_pool_that_runs_dry_is_a_partial_fill() public {
        _v3Pool(a, b);
        uint128 huge = uint128(DEPTH) * 1000;
        _mint(a, address(executor), huge);
        bytes memory packed = Plans.encode(_plan(a, b, huge, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.PartialFill.selector);
        executor.execute(packed);
    }

    function test_a_v4_pool_that_runs_dry_is_a_partial_fill() public {
        _v4Pool(a, b);
        uint128 huge = uint128(DEPTH) * 1000;
        _mint(a, address(executor), huge);
        bytes memory packed = Plans.encode(_plan(a, b, huge, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.PartialFill.selector);
        executor.execute(packed);
    }

    function test_a_native_leg_without_the_wrapped_coin_is_refused() public {
        _expect(
            _plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, true)),
            abi.encodeWithSelector(IExecutor.NotNative.selector, a, b)
        );
    }

    function test_what_is_left_of_an_intermediate_reverts_the_plan() public {
        _pair(a, c);
        _pair(c, b);
        bytes memory legs = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v2(2, 1, Plans.exact(AMOUNT / 2), 0));
        bytes memory packed = Plans.encode(_planVia(a, b, c, AMOUNT, legs));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.LeftBehind.selector);
        executor.execute(packed);
    }

    function test_a_plan_cannot_sell_more_than_its_amount_even_if_more_is_held() public {
        _pair(a, b);
        bytes memory legs = Plans.v2(0, 1, Plans.exact(AMOUNT), 0);
        Plan memory plan = _plan(a, b, AMOUNT - 1, legs);
        _expect(plan, abi.encodeWithSelector(IExecutor.AmountAboveAvailable.selector, 82, AMOUNT, AMOUNT - 1));
    }

    function test_an_intermediate_held_before_cannot_be_sold() public {
        _pair(c, b);
        _mint(c, address(executor), AMOUNT);
        Plan memory plan = _planVia(a, b, c, AMOUNT, Plans.v2(2, 1, Plans.exact(1), 0));
        _expect(plan, abi.encodeWithSelector(IExecutor.AmountAboveAvailable.selector, 119, 1, 0));
    }

    function test_a_plan_for_more_than_is_held_is_refused_by_the_token() public {
        _pair(a, b);
        _expect(
            _plan(a, b, AMOUNT + 1, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(DevToken.BalanceTooLow.selector, executor, AMOUNT, AMOUNT + 1)
        );
    }

    function test_a_v2_amount_beyond_the_pairs_type_is_named() public {
        _pair(a, b);
        uint128 huge = uint128(type(uint112).max) + 1;
        _mint(a, address(executor), huge);
        _expect(
            _plan(a, b, huge, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(IExecutor.AmountOverflow.selector, huge)
        );
    }

    function test_a_pool_that_claims_more_than_128_bits_is_named() public {
        RoguePool pool = _rogue(a, c);
        int256 all = int256(uint256(AMOUNT));
        int256 huge = -int256(uint256(1) << 128);
        pool.behave(all, all, a < c ? all : huge, a < c ? huge : all, 1);
        bytes memory legs = abi.encodePacked(Plans.v3(0, 2, Plans.all(), 5, FEE), Plans.v2(2, 1, Plans.all(), 0));
        _expect(
            _planVia(a, b, c, AMOUNT, legs),
            abi.encodeWithSelector(IExecutor.AmountOverflow.selector, uint256(1) << 128)
        );
    }

    function test_a_pool_that_changes_any_byte_of_its_context_is_refused(uint256 index) public {
        RoguePool pool = _rogue(a, b);
        int256 all = int256(uint256(AMOUNT));
        pool.behave(all, all, all, all, 1);
        pool.tamper(bound(index, 0, 63));
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(pool)));
    }

    // Hostile tokens

    function test_a_fee_on_transfer_is_named_by_every_family() public {
        address fee = address(new FeeToken());
        _mint(fee, address(executor), AMOUNT);
        _pair(fee, b);
        FeeToken(fee).setCharging(false);
        _v3Pool(fee, b);
        _v4Pool(fee, b);
        FeeToken(fee).setCharging(true);
        uint256 kept = uint256(AMOUNT) * 99 / 100;
        _expect(
            _plan(fee, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, kept)
        );
        _expect(
            _plan(fee, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, 0)
        );
        _expect(
            _plan(fee, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, kept)
        );
        address solidly = solidlyFactory.createPool(fee, b, false);
        _mint(b, solidly, DEPTH);
        MockSolidlyPool(solidly).sync();
        _expect(
            _plan(fee, b, AMOUNT, Plans.solidly(0, 1, Plans.all(), 1, false)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, kept)
        );
        Quote memory quote = _quote(b, fee, AMOUNT);
        _expect(
            _plan(fee, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))),
            abi.encodeWithSelector(IRfqSettlement.MakerUnderpaid.selector, fee, AMOUNT, kept)
        );
    }

    function test_a_fee_on_transfer_is_named_when_funds_are_pulled() public {
        address fee = address(new FeeToken());
        _mint(fee, desk, AMOUNT);
        vm.prank(desk);
        IERC20(fee).approve(address(executor), AMOUNT);
        Plan memory plan = _plan(fee, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL);
        _expect(
            plan, abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, uint256(AMOUNT) * 99 / 100)
        );
    }

    function test_a_fee_on_the_token_bought_counts_against_the_minimum() public {
        address fee = address(new FeeToken());
        _pair(a, fee);
        Plan memory plan = _plan(a, fee, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.minOut = AMOUNT * 99 / 100;
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.MinOutMissed.selector);
        executor.execute(packed);
    }

    function test_a_fee_on_delivery_counts_against_the_minimum() public {
        address fee = address(new FeeToken());
        _pair(a, fee);
        Plan memory plan = _plan(a, fee, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_DELIVER);
        plan.minOut = AMOUNT * 985 / 1000;
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.MinOutMissed.selector);
        executor.execute(packed);
    }

    function test_a_token_that_charges_its_sender_cannot_overspend() public {
        address token = address(new SurchargeToken());
        _pair(token, b);
        _mint(token, address(executor), uint256(AMOUNT) * 2);
        _expect(
            _plan(token, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(IExecutor.Overspent.selector, token, uint256(AMOUNT) * 101 / 100, AMOUNT)
        );
    }

    function test_a_token_that_answers_false_is_refused() public {
        address token = address(new FalseToken());
        address pair = _pair(token, b);
        _mint(token, address(executor), AMOUNT);
        _expect(
            _plan(token, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ITokenErrors.TransferFailed.selector, token, pair, AMOUNT)
        );
    }

    function test_an_address_without_code_is_no_token() public {
        _expect(
            _plan(stranger, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ITokenErrors.NotAToken.selector, stranger)
        );
    }

    // Support

    function _expect(Plan memory plan, bytes memory refusal) private {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert(refusal);
        executor.execute(packed);
    }

    function _rogue(address tokenA, address tokenB) private returns (RoguePool) {
        RogueFactory factory = new RogueFactory();
        bytes32 hash = factory.initCodeHash();
        vm.prank(desk);
        executor.setVenue(2, 5, address(factory), hash, 0);
        return factory.create(tokenA, tokenB, FEE);
    }

    function _roguePlan() private view returns (Plan memory) {
        return _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 5, FEE));
    }
}
