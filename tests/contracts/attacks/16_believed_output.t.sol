// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {GreedyCurvePool, RoguePool, RogueSolidly} from "../mocks/HostilePools.sol";
import {IExecutorUnderTest, Sending} from "../support/IExecutorUnderTest.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice KyberSwap Elastic, 2023-11: a pool's own arithmetic was believed. Here the minimum is on balances: what a pool
/// says it paid does not count.
contract BelievedOutputTest is Attack {
    using Sending for IExecutorUnderTest;

    RoguePool internal pool;

    function setUp() public override {
        super.setUp();
        pool = _rogue(a, b);
        int256 all = int256(uint256(AMOUNT));
        pool.behave(all, all, a < b ? all : -all, a < b ? -all : all, 1);
    }

    /// @dev Two factories that the owner was talked into adding: the pair claims to pay as much as the address of a token is
    /// long, so that a context read one word too late would name that token, which the plan does not.
    function test_venues_in_league_cannot_reach_what_is_not_declared() public {
        (address m, address n) = (address(new DevToken("M", "M", 18)), address(new DevToken("N", "N", 18)));
        _mint(c, address(executor), AMOUNT);
        RogueSolidly pair = new RogueSolidly(uint160(c), b);
        _mint(b, address(pair), 2);
        vm.prank(desk);
        executor.setVenue(7, 6, address(pair), 0, 0);
        RoguePool concentrated = _rogue(m, n);
        (int256 owed, int256 claimed) = (int256(uint256(AMOUNT)), int256(uint256(uint160(c))));
        if (m < n) concentrated.behave(owed, -1, claimed, -1, 1);
        else concentrated.behave(-1, owed, -1, claimed, 1);
        Plan memory plan = _plan(a, b, AMOUNT, "");
        plan.legs = abi.encodePacked(
            Plans.hand(Plans.solidly(0, 2, Plans.all(), 6, true)),
            Plans.hand(Plans.v3(2, 3, Plans.all(), 5, FEE)),
            Plans.solidly(3, 1, Plans.all(), 6, true)
        );
        plan.handed = new address[](2);
        (plan.handed[0], plan.handed[1]) = (m, n);
        // They take what the leg sells, for the plan's careless minimum, and nothing else.
        (uint256 spent,) = _run(plan);
        assertEq(spent, AMOUNT);
        assertEq(_balance(c, address(executor)), AMOUNT);
        assertEq(_balance(c, address(concentrated)), 0);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(desk, Plans.encode(_roguePlan()));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 16;
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

    function test_a_curve_pool_that_takes_and_never_gives_gains_nothing() public {
        address pool = address(new GreedyCurvePool(a));
        _expect(
            _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), pool, 0, 1, false)),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
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
}
