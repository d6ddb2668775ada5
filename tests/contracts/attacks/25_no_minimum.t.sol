// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {PatientCurvePool} from "../mocks/HostilePools.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice No minimum, no deadline, an output that is the input. Here a plan without a minimum is none, every plan has a
/// deadline, and a round trip is measured net.
contract NoMinimumTest is Attack {
    PatientCurvePool internal pool;

    function setUp() public override {
        super.setUp();
        pool = new PatientCurvePool(a, b, true);
        _mint(b, address(pool), 1);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Plan memory plan = _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), address(pool), 0, 1, false));
        plan.minOut = 0;
        return _sendAs(desk, Plans.encode(plan));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.ZeroMinOut.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 25;
    }

    function test_a_round_trip_counts_what_is_gained_and_not_what_comes_back() public {
        _pair(a, c);
        bytes memory legs = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v2(2, 1, Plans.all(), 0));
        _expect(_planVia(a, a, c, AMOUNT, legs), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
    }

    function test_what_an_exact_output_may_cost_is_bounded() public {
        _v3Pool(a, b);
        bytes memory leg = Plans.exactOut(0, 1, AMOUNT, abi.encodePacked(uint8(0), FEE), "");
        _expectPart(_plan(a, b, AMOUNT, leg), IExecutor.CallbackOverBudget.selector);
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

    function test_a_native_leg_without_the_wrapped_coin_is_refused() public {
        _expect(
            _plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, true)),
            abi.encodeWithSelector(IExecutor.NotNative.selector, a, b)
        );
    }
}

/// @notice A plan that somebody kept until the price had moved.
contract NoDeadlineTest is Attack {
    function setUp() public override {
        super.setUp();
        _pair(a, b);
        vm.warp(uint256(DEADLINE) + 1);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(executor));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.PlanExpired.selector, DEADLINE, uint256(DEADLINE) + 1);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 28;
    }
}
