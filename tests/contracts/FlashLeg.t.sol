// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_FLASH, LENDER_AAVE, LENDER_BALANCER_V2, LENDER_BALANCER_V3} from "contracts/types/Plan.sol";

import {PermissiveWarden, RogueLender} from "./mocks/Lenders.sol";
import {AaveMarket} from "./support/AaveMarket.sol";
import {IV2FactoryToSeed, IV2PairToSeed} from "./support/Chain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {Published} from "./support/Published.sol";

/// @notice Plans on borrowed funds: an arbitrage between a pair where A is worth two B and a pool where it is worth one.
contract FlashLegTest is Published {
    using Sending for IExecutorUnderTest;

    string internal constant TASKS = "node_modules/@balancer-labs/v2-deployments/dist/tasks/";
    uint128 internal constant LOAN = 1000e18;
    uint128 internal constant FEE_MOST = 1e18;
    /// @dev 9 bp.
    uint128 internal constant AAVE_PREMIUM = LOAN * 9 / 10_000;

    address internal balancerV2;
    AaveMarket internal market;
    address internal aToken;
    RogueLender internal rogue;
    address internal session = makeAddr("session");
    bool internal wardened;

    function setUp() public override {
        super.setUp();
        address authorizer =
            _deploy(string.concat(TASKS, "20210418-authorizer/artifact/Authorizer.json"), abi.encode(address(this)));
        balancerV2 = _deploy(
            string.concat(TASKS, "20210418-vault/artifact/Vault.json"), abi.encode(authorizer, weth, 90 days, 30 days)
        );
        if (_isPublished()) {
            _startBalancerV3();
            _weightedPool(a, c, DEPTH);
        }
        market = new AaveMarket();
        rogue = new RogueLender();
        _mint(a, balancerV2, DEPTH);
        _mint(a, address(market), DEPTH);
        aToken = market.open(a);
        _settle(_honest());
        address pair = IV2FactoryToSeed(v2Factory).createPair(a, b);
        _mint(a, pair, DEPTH);
        _mint(b, pair, 2 * DEPTH);
        IV2PairToSeed(pair).mint(address(this));
        _v3Pool(a, b);
    }

    // The lenders

    function test_an_arbitrage_on_balancer_v2s_money_needs_none_of_ones_own() public {
        _profits(balancerV2, LENDER_BALANCER_V2, 0);
        assertEq(_balance(a, balancerV2), DEPTH);
    }

    function test_an_arbitrage_on_aaves_money_pays_the_premium_and_leaves_no_allowance() public {
        _profits(address(market.pool()), LENDER_AAVE, AAVE_PREMIUM);
        assertEq(_balance(a, aToken), DEPTH + AAVE_PREMIUM);
        assertEq(IERC20(a).allowance(address(executor), address(market.pool())), 0);
    }

    function test_an_arbitrage_on_balancer_v3s_money_settles_the_vault() public {
        _needsPublished();
        _profits(balancerV3, LENDER_BALANCER_V3, 0);
        assertEq(_balance(a, balancerV3), DEPTH);
    }

    function test_a_premium_is_paid_from_what_is_held_up_to_what_the_leg_may_sell() public {
        _mint(a, address(executor), FEE_MOST);
        // The plans within buy back the loan alone.
        Plan memory plan = _outer(address(market.pool()), LENDER_AAVE, _arbitrage(LOAN));
        (uint256 spent,) = _run(plan);
        assertEq(spent, AAVE_PREMIUM);
        assertEq(_balance(a, address(executor)), FEE_MOST - AAVE_PREMIUM);
    }

    function test_a_premium_above_what_the_leg_may_sell_is_refused() public {
        bytes[] memory plans = _arbitrage(LOAN + AAVE_PREMIUM);
        bytes memory leg =
            FurtherPlans.flash(0, 1, Plans.exact(AAVE_PREMIUM - 1), address(market.pool()), LENDER_AAVE, LOAN, plans);
        _refuses(
            _plan(a, b, FEE_MOST, leg), abi.encodeWithSelector(IAnnex.LoanFee.selector, AAVE_PREMIUM, AAVE_PREMIUM - 1)
        );
    }

    function test_loans_of_three_lenders_stand_within_each_other() public {
        _needsPublished();
        Plan memory inner = _outer(balancerV3, LENDER_BALANCER_V3, _arbitrage(LOAN));
        inner = _outer(address(market.pool()), LENDER_AAVE, _one(Plans.encode(inner)));
        (bytes[] memory plans, uint256 held) = (_one(Plans.encode(inner)), AAVE_PREMIUM);
        _mint(a, address(executor), held);
        (uint256 spent, uint256 received) = _run(_outer(balancerV2, LENDER_BALANCER_V2, plans));
        assertEq(spent, AAVE_PREMIUM);
        assertGt(received, 900e18);
    }

    // What must hold within

    function test_a_loan_that_is_not_earned_back_is_refused() public {
        bytes[] memory plans = _one(_sale());
        bytes memory short =
            abi.encodeWithSignature("BalanceTooLow(address,uint256,uint256)", address(executor), 0, LOAN);
        _refuses(_outer(balancerV2, LENDER_BALANCER_V2, plans), short);
        if (_isPublished()) _refuses(_outer(balancerV3, LENDER_BALANCER_V3, plans), short);
    }

    function test_the_accounts_own_funds_do_not_repay_a_loan_beyond_the_bound() public {
        _mint(a, address(executor), DEPTH);
        _refuses(
            _outer(balancerV2, LENDER_BALANCER_V2, _one(_sale())),
            abi.encodeWithSelector(IExecutor.AmountAboveAvailable.selector, 8 + 2 * 37 + 2, LOAN, FEE_MOST)
        );
    }

    function test_a_plan_within_keeps_its_own_bounds() public {
        bytes[] memory plans = _arbitrage(LOAN);
        Plan memory sale = _plan(a, b, LOAN, Plans.v2(0, 1, Plans.all(), 0));
        sale.minOut = 3 * LOAN;
        plans[0] = Plans.encode(sale);
        bytes memory packed = Plans.encode(_outer(balancerV2, LENDER_BALANCER_V2, plans));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.MinOutMissed.selector);
        executor.execute(packed);
        sale.minOut = 1;
        sale.deadline = NOW - 1;
        plans[0] = Plans.encode(sale);
        _refuses(
            _outer(balancerV2, LENDER_BALANCER_V2, plans),
            abi.encodeWithSelector(IExecutor.PlanExpired.selector, NOW - 1, NOW)
        );
    }

    function test_what_is_no_plan_is_not_called() public {
        bytes memory withdraw = abi.encodeCall(IExecutor.withdraw, (a, 1));
        bytes memory reason = abi.encodeWithSelector(IAnnex.NotAPlan.selector, 1);
        bytes[] memory plans = _arbitrage(LOAN);
        plans[1] = withdraw;
        _refuses(_outer(balancerV2, LENDER_BALANCER_V2, plans), reason);
        plans[1] = "";
        _refuses(_outer(balancerV2, LENDER_BALANCER_V2, plans), reason);
    }

    function test_a_loan_without_a_plan_is_refused() public {
        Plan memory plan = _outer(balancerV2, LENDER_BALANCER_V2, new bytes[](0));
        _refuses(plan, abi.encodeWithSelector(IAnnex.BadParticulars.selector, LEG_FLASH, 20 + 1 + 16 + 1));
    }

    function test_nobody_lends_who_is_not_configured_for_that_kind(address lender, uint8 kind) public {
        bool known = (kind == LENDER_BALANCER_V2 && lender == balancerV2)
            || (kind == LENDER_AAVE && lender == address(market.pool()))
            || (kind == LENDER_BALANCER_V3 && lender == balancerV3);
        vm.assume(!known);
        bytes memory reason = abi.encodeWithSelector(IAnnex.WrongLender.selector, lender, kind);
        _refuses(_outer(lender, kind, _arbitrage(LOAN)), reason);
    }

    function test_a_chain_without_lenders_lends_nothing() public {
        IAnnex.Places memory none;
        _settle(none);
        for (uint256 kind = 0; kind < 4; ++kind) {
            bytes memory reason = abi.encodeWithSelector(IAnnex.WrongLender.selector, address(0), kind);
            _refuses(_outer(address(0), kind, _arbitrage(LOAN)), reason);
        }
    }

    // Lenders that misbehave, though configured

    function test_a_lender_must_lend_what_was_asked_and_say_so() public {
        _hire();
        bytes memory wrong = abi.encodeWithSelector(IAnnex.WrongLoan.selector, a, LOAN);
        _refuses(_misled(RogueLender.Way.OTHER_TOKEN, b), wrong);
        _refuses(_misled(RogueLender.Way.OTHER_AMOUNT, b), wrong);
        _refuses(
            _misled(RogueLender.Way.SHORT, b),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, a, LOAN, LOAN - 1)
        );
        _refuses(_misled(RogueLender.Way.DEARER, b), abi.encodeWithSelector(IAnnex.LoanFee.selector, 1e30, FEE_MOST));
    }

    function test_a_lender_calls_back_once_by_its_own_door_with_its_own_context() public {
        _hire();
        _refuses(
            _misled(RogueLender.Way.SILENT, b),
            abi.encodeWithSelector(IExecutor.CallbackMissed.selector, address(rogue))
        );
        bytes memory notArmed = abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(rogue));
        _refuses(_misled(RogueLender.Way.TWICE, b), notArmed);
        _refuses(_misled(RogueLender.Way.OTHER_CONTEXT, b), notArmed);
        _refuses(_misled(RogueLender.Way.OTHER_DOOR, b), notArmed);
    }

    function test_a_loan_that_somebody_else_initiated_is_refused() public {
        _hire();
        rogue.behave(RogueLender.Way.OTHER_INITIATOR, desk);
        _refuses(
            _outer(address(rogue), LENDER_AAVE, _arbitrage(LOAN)),
            abi.encodeWithSelector(IAnnex.WrongLoan.selector, a, LOAN)
        );
    }

    function test_a_lender_that_does_not_collect_keeps_no_allowance() public {
        _hire();
        rogue.behave(RogueLender.Way.NO_PULL, desk);
        _run(_outer(address(rogue), LENDER_AAVE, _arbitrage(LOAN)));
        assertEq(IERC20(a).allowance(address(executor), address(rogue)), 0);
    }

    function test_lenders_callbacks_are_closed_at_rest() public {
        address[] memory tokens = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        bytes memory notArmed = abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, balancerV2);
        vm.startPrank(balancerV2);
        vm.expectRevert(notArmed);
        executor.receiveFlashLoan(tokens, amounts, amounts, "");
        vm.expectRevert(notArmed);
        executor.executeOperation(a, 1, 0, address(executor), "");
        vm.expectRevert(notArmed);
        executor.vaultUnlocked("");
        vm.expectRevert(notArmed);
        executor.vaultUnlocked(abi.encodePacked(uint8(LEG_FLASH), a));
    }

    function test_the_annex_by_itself_runs_nothing() public {
        IAnnex annex = IAnnex(_parts().annex);
        vm.expectRevert(IAnnex.NoPlanRuns.selector);
        annex.runLeg(LEG_FLASH, a, b, 1, "");
    }

    // For whom

    function test_plans_within_run_for_the_sessions_key_that_runs_the_outer_one() public {
        wardened = true;
        _settle(_honest());
        bytes memory leg = _flashLeg(balancerV2, LENDER_BALANCER_V2, _arbitrage(LOAN));
        // Two loans in a row: the first must not leave the second with another key.
        bytes memory packed = Plans.encode(_plan(a, b, FEE_MOST, abi.encodePacked(leg, leg)));
        vm.recordLogs();
        vm.prank(session);
        executor.execute(packed);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 asked;
        for (uint256 i = 0; i < logs.length; ++i) {
            bool checked = logs[i].topics[0] == PermissiveWarden.Checked.selector;
            if (!checked && logs[i].topics[0] != PermissiveWarden.Charged.selector) continue;
            ++asked;
            assertEq(abi.decode(logs[i].data, (address)), session);
        }
        // The outer plan and four within, each checked and charged.
        assertEq(asked, 10);
    }

    function test_the_owners_plan_after_a_sessions_is_the_owners() public {
        wardened = true;
        _settle(_honest());
        bytes memory packed = Plans.encode(_outer(balancerV2, LENDER_BALANCER_V2, _arbitrage(LOAN)));
        vm.prank(session);
        executor.execute(packed);
        vm.recordLogs();
        vm.prank(desk);
        executor.execute(packed);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            assertNotEq(logs[i].topics[0], PermissiveWarden.Checked.selector);
        }
    }

    function test_a_paused_account_borrows_nothing() public {
        vm.prank(desk);
        executor.pause();
        _refuses(
            _outer(balancerV2, LENDER_BALANCER_V2, _arbitrage(LOAN)), abi.encodeWithSelector(IAccount.IsPaused.selector)
        );
    }

    function _profits(address lender, uint256 kind, uint128 fee) private {
        (uint256 spent, uint256 received) = _run(_outer(lender, kind, _arbitrage(LOAN + fee)));
        assertEq(spent, 0);
        assertGt(received, 900e18);
        assertEq(_balance(b, address(executor)), received);
        assertEq(_balance(a, address(executor)), 0);
    }

    function _outer(address lender, uint256 kind, bytes[] memory plans) private view returns (Plan memory) {
        return _plan(a, b, FEE_MOST, _flashLeg(lender, kind, plans));
    }

    function _flashLeg(address lender, uint256 kind, bytes[] memory plans) private pure returns (bytes memory) {
        return FurtherPlans.flash(0, 1, Plans.all(), lender, kind, LOAN, plans);
    }

    /// @dev Sells the loan where A is dear, and buys back what is owed where it is cheap.
    function _arbitrage(uint128 owed) private view returns (bytes[] memory plans) {
        plans = new bytes[](2);
        plans[0] = _sale();
        bytes memory hop = abi.encodePacked(uint8(0), FEE);
        Plan memory purchase = _plan(b, a, 2 * LOAN, Plans.exactOut(0, 1, owed, hop, ""));
        purchase.minOut = owed;
        plans[1] = Plans.encode(purchase);
    }

    function _sale() private view returns (bytes memory) {
        return Plans.encode(_plan(a, b, LOAN, Plans.v2(0, 1, Plans.all(), 0)));
    }

    function _one(bytes memory plan) private pure returns (bytes[] memory plans) {
        plans = new bytes[](1);
        plans[0] = plan;
    }

    function _misled(RogueLender.Way way, address other) private returns (Plan memory) {
        rogue.behave(way, other);
        return _outer(address(rogue), LENDER_BALANCER_V2, _arbitrage(LOAN));
    }

    /// @dev As if the rogue were the chain's lender.
    function _hire() private {
        IAnnex.Places memory known;
        (known.balancerV2Vault, known.aavePool) = (address(rogue), address(rogue));
        _mint(a, address(rogue), DEPTH);
        _settle(known);
    }

    function _honest() private view returns (IAnnex.Places memory known) {
        known.balancerV2Vault = balancerV2;
        known.balancerV3Vault = balancerV3;
        known.aavePool = address(market.pool());
    }

    function _parts() internal override returns (IExecutor.Parts memory parts) {
        parts = super._parts();
        if (wardened) parts.warden = address(new PermissiveWarden());
    }
}
