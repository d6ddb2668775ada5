// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_ACROSS, LEG_PAYOUT} from "contracts/types/Plan.sol";

import {Unwilling} from "./mocks/Unwilling.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {FeeToken} from "./tokens/HostileTokens.sol";

/// @notice What leaves the account to listed addresses.
contract SendingLegsTest is FurtherChain {
    uint128 internal constant AMOUNT = 1000e18;

    address internal payee = makeAddr("payee");

    function setUp() public override {
        super.setUp();
        _list(LEG_PAYOUT, payee, 0);
        _mint(a, address(executor), AMOUNT);
        vm.deal(address(executor), AMOUNT);
    }

    function test_what_is_bought_is_paid_out_and_counts_as_left() public {
        _pair(a, b);
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), FurtherPlans.payout(1, 0, Plans.all(), payee));
        (uint256 spent, uint256 left) = _run(_planLeaving(a, b, AMOUNT, 1, legs));
        assertEq(spent, AMOUNT);
        assertEq(_balance(b, payee), left);
        assertGt(left, AMOUNT * 99 / 100);
        assertEq(_balance(b, address(executor)), 0);
    }

    function test_what_is_held_is_paid_out_when_it_is_both_assets() public {
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.exact(AMOUNT / 2), payee);
        (uint256 spent, uint256 left) = _run(_planLeaving(a, a, AMOUNT, AMOUNT / 2, legs));
        assertEq(spent, AMOUNT / 2);
        assertEq(left, AMOUNT / 2);
        assertEq(_balance(a, payee), AMOUNT / 2);
    }

    function test_native_coin_is_paid_out() public {
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.all(), payee);
        (uint256 spent, uint256 left) = _run(_planLeaving(address(0), address(0), AMOUNT, AMOUNT, legs));
        assertEq(spent, AMOUNT);
        assertEq(left, AMOUNT);
        assertEq(payee.balance, AMOUNT);
    }

    function test_less_than_the_bound_leaves_nothing() public {
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.exact(AMOUNT / 2), payee);
        _refuses(
            _planLeaving(a, a, AMOUNT, AMOUNT / 2 + 1, legs),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, AMOUNT / 2, AMOUNT / 2 + 1)
        );
    }

    function test_an_unlisted_payee_gets_nothing(address to) public {
        vm.assume(to != payee);
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.all(), to);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, legs),
            abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_PAYOUT, to, bytes4(0))
        );
    }

    function test_whom_only_another_kind_or_function_lists_is_no_payee() public {
        address other = makeAddr("other");
        _list(LEG_ACROSS, other, 0);
        _list(LEG_PAYOUT, other, IERC20.transfer.selector);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), other)),
            abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_PAYOUT, other, bytes4(0))
        );
    }

    function test_paying_oneself_does_not_count_as_leaving() public {
        _list(LEG_PAYOUT, address(executor), 0);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), address(executor))),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    function test_a_payee_that_refuses_coin_reverts_the_plan() public {
        address unwilling = address(new Unwilling());
        _list(LEG_PAYOUT, unwilling, 0);
        _refuses(
            _planLeaving(address(0), address(0), AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), unwilling)),
            abi.encodeWithSelector(ITokenErrors.TransferFailed.selector, address(0), unwilling, AMOUNT)
        );
    }

    function test_a_fee_on_transfer_counts_only_what_arrives() public {
        FeeToken fee = new FeeToken();
        _mint(address(fee), address(executor), AMOUNT);
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.all(), payee);
        _refuses(
            _planLeaving(address(fee), address(fee), AMOUNT, AMOUNT, legs),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, AMOUNT * 99 / 100, AMOUNT)
        );
    }

    function test_a_payout_of_another_asset_does_not_count() public {
        _mint(b, address(executor), AMOUNT);
        _refuses(
            _planLeaving(a, b, AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), payee)),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    function test_a_plan_that_must_rise_cannot_pay_out_what_it_bought() public {
        _pair(a, b);
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), FurtherPlans.payout(1, 0, Plans.all(), payee));
        _refuses(_plan(a, b, AMOUNT, legs), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
    }
}
