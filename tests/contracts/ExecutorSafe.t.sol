// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {ISafeModule} from "contracts/interfaces/ISafeModule.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {BOUND_FALL, FLAG_DELIVER, FLAG_PULL, LEG_CURVE_STABLE, LEG_V2} from "contracts/types/Plan.sol";

import {MockFeed} from "./mocks/MockFeed.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {Safes} from "./support/Safes.sol";
import {ReenteringToken} from "./tokens/HostileTokens.sol";

/// @notice Plans of a Safe: by its owners' own transactions, by their signature, and by operators through the module.
contract ExecutorSafeTest is Safes {
    using Sending for IExecutorUnderTest;

    uint128 internal constant SALE = 10e18;

    ISafeModule internal module;
    address internal operator = makeAddr("operator");

    function setUp() public override {
        super.setUp();
        module = ISafeModule(vm.deployCode("SafeModule.sol:SafeModule", abi.encode(address(safe), address(executor))));
        _safeSends(address(safe), abi.encodeCall(safe.enableModule, (address(module))), CALL);
        _grantOperator(operator, _operatorTerms(a));
        _mint(a, address(safe), HELD);
    }

    // By its owners

    function test_a_safe_approves_exactly_and_trades_in_one_transaction() public {
        bytes memory pieces = abi.encodePacked(
            _piece(a, abi.encodeCall(IERC20.approve, (address(executor), SALE))),
            _piece(address(executor), _pulling(a, SALE))
        );
        assertTrue(_safeSends(address(multiSend), abi.encodeCall(multiSend.multiSend, (pieces)), DELEGATECALL));
        assertEq(_balance(a, address(safe)), HELD - SALE);
        assertGt(_balance(b, address(safe)), 0);
        assertEq(IERC20(a).allowance(address(safe), address(executor)), 0);
        assertEq(_balance(a, address(executor)), HELD);
        assertEq(_balance(b, address(executor)), HELD);
    }

    function test_where_the_plan_fails_the_approval_goes_with_it() public {
        Plan memory plan = _plan(a, b, SALE, Plans.v2(0, 1, Plans.all(), 0));
        (plan.flags, plan.minOut) = (uint8(FLAG_PULL | FLAG_DELIVER), SALE);
        bytes memory pieces = abi.encodePacked(
            _piece(a, abi.encodeCall(IERC20.approve, (address(executor), SALE))),
            _piece(address(executor), Plans.encode(plan))
        );
        bytes memory data = abi.encodeCall(multiSend.multiSend, (pieces));
        bytes32 digest = safe.getTransactionHash(
            address(multiSend), 0, data, DELEGATECALL, 0, 0, 0, address(0), address(0), safe.nonce()
        );
        bytes memory signatures = _safeSignature(digest);
        vm.expectRevert();
        safe.execTransaction(
            address(multiSend), 0, data, DELEGATECALL, 0, 0, 0, address(0), payable(address(0)), signatures
        );
        assertEq(IERC20(a).allowance(address(safe), address(executor)), 0);
        assertEq(_balance(a, address(safe)), HELD);
    }

    function test_anybody_sends_what_a_safe_signed_by_erc1271() public {
        bytes32 digest = executor.plansDigest(_one(_sale(SALE)), 0, 0, DEADLINE, address(safe));
        bytes memory signature = _safeSignature(safe.getMessageHash(abi.encode(digest)));
        executor.executeSigned(_one(_sale(SALE)), 0, 0, DEADLINE, address(safe), signature);
        assertEq(_balance(a, address(executor)), HELD - SALE);
    }

    // By operators

    function test_an_operator_trades_the_safes_funds_and_leaves_no_approval() public {
        vm.prank(operator);
        (uint256 spent, uint256 received) = module.run(_pulling(a, SALE));
        assertEq(spent, SALE);
        assertEq(_balance(a, address(safe)), HELD - SALE);
        assertEq(_balance(b, address(safe)), received);
        assertEq(IERC20(a).allowance(address(safe), address(executor)), 0);
        (,, uint256 free) = module.operatorLimit(operator, a);
        assertEq(free, LIMIT - SALE);
    }

    function test_an_operator_trades_what_the_executor_holds() public {
        vm.prank(operator);
        module.run(_sale(SALE));
        assertEq(_balance(a, address(executor)), HELD - SALE);
        assertEq(_balance(a, address(safe)), HELD);
    }

    function test_what_a_plan_does_not_sell_returns_and_is_not_counted() public {
        Plan memory plan = _plan(a, b, LIMIT * 3, Plans.v2(0, 1, Plans.exact(SALE), 0));
        plan.flags = uint8(FLAG_PULL | FLAG_DELIVER);
        vm.prank(operator);
        (uint256 spent,) = module.run(Plans.encode(plan));
        assertEq(spent, SALE);
        assertEq(_balance(a, address(safe)), HELD - SALE);
        assertEq(IERC20(a).allowance(address(safe), address(executor)), 0);
    }

    function test_nobody_else_runs_anything(address caller) public {
        vm.assume(caller != operator);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotOperator.selector, caller));
        module.run(_pulling(a, SALE));
    }

    function test_an_operator_ends_with_its_expiry_or_when_the_safe_says_so() public {
        vm.warp(EXPIRY + 1);
        bytes memory reason = abi.encodeWithSelector(ISafeModule.NotOperator.selector, operator);
        vm.prank(operator);
        vm.expectRevert(reason);
        module.run(_sale(SALE));
        vm.warp(NOW);
        _safeSends(address(module), abi.encodeCall(module.endOperator, (operator)), CALL);
        vm.prank(operator);
        vm.expectRevert(reason);
        module.run(_sale(SALE));
    }

    function test_an_operator_spends_no_more_than_its_limit() public {
        _mint(b, address(safe), SALE);
        vm.startPrank(operator);
        module.run(_pulling(a, LIMIT - SALE));
        bytes memory packed = _pulling(a, SALE + 1);
        vm.expectRevert(abi.encodeWithSelector(ISessions.SpendLimit.selector, operator, a, SALE + 1, SALE));
        module.run(packed);
        packed = _pullingFor(b, b, SALE);
        vm.expectRevert(abi.encodeWithSelector(ISessions.FallNotGranted.selector, operator, b));
        module.run(packed);
        vm.stopPrank();
        assertEq(_balance(a, address(safe)), HELD - LIMIT + SALE);
    }

    function test_limits_hold_over_any_plans(uint128[6] memory amounts, uint32[6] memory waits) public {
        uint256 spentInAll;
        for (uint256 i = 0; i < 6; ++i) {
            vm.warp(block.timestamp + waits[i] % (PERIOD / 8));
            bytes memory packed = _pulling(a, uint128(bound(amounts[i], 1e6, LIMIT)));
            vm.prank(operator);
            (bool success, bytes memory answer) = address(module).call(abi.encodeCall(module.run, (packed)));
            if (success) {
                (uint256 spent,) = abi.decode(answer, (uint256, uint256));
                spentInAll += spent;
            }
            assertEq(IERC20(a).allowance(address(safe), address(executor)), 0);
        }
        // All within one period.
        assertLe(spentInAll, LIMIT);
        assertEq(_balance(a, address(safe)), HELD - spentInAll);
    }

    function test_an_operators_plan_lets_only_the_first_asset_fall() public {
        bytes memory legs = Plans.v2(0, 1, Plans.all(), 0);
        bytes memory table = Plans.table(_plan(a, b, SALE, legs));
        bytes memory second = abi.encodePacked(uint8(BOUND_FALL), c, uint128(1));
        bytes memory packed = abi.encodePacked(uint8(2), uint8(0), uint40(DEADLINE), uint8(0x30), table, second, legs);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.SecondFall.selector, c));
        module.run(packed);
    }

    function test_an_operator_makes_the_safe_call_nothing_but_plans() public {
        bytes[3] memory others = [
            bytes(""), abi.encodeCall(executor.offerOwnership, (operator)), abi.encodeCall(executor.withdraw, (a, HELD))
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(operator);
            vm.expectPartialRevert(IExecutor.PlanVersion.selector);
            module.run(others[i]);
        }
    }

    function test_only_the_safe_names_operators(address caller) public {
        vm.assume(caller != address(safe));
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotSafe.selector, caller));
        module.grantOperator(caller, _operatorTerms(a));
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotSafe.selector, caller));
        module.endOperator(operator);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotSafe.selector, caller));
        module.setReference(a, caller, 60);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotSafe.selector, caller));
        module.setFarReference(10, a, caller, 60, 18);
        vm.stopPrank();
    }

    function test_an_approval_that_stands_is_refused() public {
        _safeSends(a, abi.encodeCall(IERC20.approve, (address(executor), 5)), CALL);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.AllowanceStands.selector, a, 5));
        module.run(_pulling(a, SALE));
    }

    function test_an_executor_of_another_owner_is_refused() public {
        _safeSends(address(executor), abi.encodeCall(executor.offerOwnership, (desk)), CALL);
        vm.prank(desk);
        executor.acceptOwnership();
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotOwned.selector, executor, desk));
        module.run(_pulling(a, SALE));
    }

    function test_an_operator_ends_with_the_safes_ownership_even_if_the_safe_takes_it_again() public {
        _safeSends(address(executor), abi.encodeCall(executor.offerOwnership, (desk)), CALL);
        vm.prank(desk);
        executor.acceptOwnership();
        vm.prank(address(safe));
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.NotOwned.selector, executor, desk));
        module.grantOperator(operator, _operatorTerms(a));
        assertFalse(module.mayRise(operator, b));
        vm.prank(desk);
        executor.offerOwnership(address(safe));
        _safeSends(address(executor), abi.encodeCall(executor.acceptOwnership, ()), CALL);
        _operatorFails(_pulling(a, SALE), abi.encodeWithSelector(ISessions.FormerOwners.selector, operator, 1));
        (, uint40 expiry,,,) = module.operatorTerms(operator);
        assertEq(expiry, 0);
        assertFalse(module.mayRise(operator, b));
        _grantOperator(operator, _operatorTerms(a));
        vm.prank(operator);
        (uint256 spent,) = module.run(_pulling(a, SALE));
        assertEq(spent, SALE);
    }

    function test_an_operator_that_ended_is_said_to_have_nothing() public {
        assertTrue(module.mayUseVenue(operator, uint8(LEG_V2), 0));
        _safeSends(address(module), abi.encodeCall(module.endOperator, (operator)), CALL);
        assertFalse(module.mayUseVenue(operator, uint8(LEG_V2), 0));
        assertFalse(module.mayRise(operator, b));
        (uint128 limit, uint32 period, uint256 free) = module.operatorLimit(operator, a);
        assertEq(limit + period + free, 0);
    }

    function test_a_failure_is_passed_on_and_leaves_nothing() public {
        _safeSends(address(executor), abi.encodeCall(executor.pause, ()), CALL);
        vm.prank(operator);
        vm.expectRevert(IAccount.IsPaused.selector);
        module.run(_pulling(a, SALE));
        assertEq(IERC20(a).allowance(address(safe), address(executor)), 0);
    }

    function test_a_token_cannot_use_the_module_while_it_runs() public {
        ReenteringToken token = new ReenteringToken();
        _pair(address(token), b);
        _mint(address(token), address(safe), SALE);
        _mint(address(token), address(executor), SALE);
        _grantOperator(address(token), _operatorTerms(a));
        _grantOperator(operator, _operatorTerms(address(token)));
        token.plant(address(module), abi.encodeCall(module.run, (_sale(SALE))));
        vm.prank(operator);
        vm.expectRevert(ISafeModule.ModuleBusy.selector);
        module.run(_pulling(address(token), SALE));
    }

    function test_a_token_that_returns_nothing_is_approved_and_sold() public {
        _pair(silent, b);
        _mint(silent, address(safe), SALE);
        _grantOperator(operator, _operatorTerms(silent));
        vm.prank(operator);
        module.run(_pulling(silent, SALE));
        assertEq(_balance(silent, address(safe)), 0);
        assertEq(IERC20(silent).allowance(address(safe), address(executor)), 0);
    }

    function test_an_operator_is_granted_what_a_session_is_or_nothing() public {
        ISessions.Grant memory terms = _operatorTerms(a);
        terms.spends[0].period = 0;
        vm.startPrank(address(safe));
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadSpend.selector, a, LIMIT, 0));
        module.grantOperator(operator, terms);
        terms = _operatorTerms(a);
        terms.mostLossBps = 100;
        vm.expectRevert(abi.encodeWithSelector(ISessions.FeedMissing.selector, b));
        module.grantOperator(operator, terms);
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadKey.selector, safe));
        module.grantOperator(address(safe), terms);
        vm.stopPrank();
        (uint256 grant, uint40 expiry, uint32 kinds, uint16 loss, bool pull) = module.operatorTerms(operator);
        assertEq(grant, 1);
        assertEq(expiry, EXPIRY);
        assertEq(kinds, _terms().kinds);
        assertEq(loss, 10_000);
        assertTrue(pull);
        assertTrue(module.mayUseVenue(operator, uint8(LEG_V2), 0));
        assertFalse(module.mayUseVenue(operator, uint8(LEG_CURVE_STABLE), 0));
        assertTrue(module.mayRise(operator, b));
        assertFalse(module.mayRise(operator, a));
    }

    function test_an_operator_trades_only_where_and_what_it_was_granted() public {
        address pool = _curvePool(a, b);
        bytes memory legs = Plans.curve(0, 1, Plans.all(), pool, 0, 1, false);
        _operatorFails(
            _saleWith(SALE, legs),
            abi.encodeWithSelector(ISessions.KindNotGranted.selector, operator, 82, LEG_CURVE_STABLE)
        );
        ISessions.Grant memory terms = _operatorTerms(a);
        terms.kinds |= uint32(1 << LEG_CURVE_STABLE);
        _grantOperator(operator, terms);
        bytes32 id = bytes32(uint256(uint160(pool)));
        _operatorFails(
            _saleWith(SALE, legs),
            abi.encodeWithSelector(ISessions.VenueNotGranted.selector, operator, 82, LEG_CURVE_STABLE, id)
        );
        _pair(a, c);
        _operatorFails(
            Plans.encode(_plan(a, c, SALE, Plans.v2(0, 1, Plans.all(), 0))),
            abi.encodeWithSelector(ISessions.RiseNotGranted.selector, operator, c)
        );
        terms.mayPull = false;
        _grantOperator(operator, terms);
        _operatorFails(_pulling(a, SALE), abi.encodeWithSelector(ISessions.PullNotGranted.selector, operator));
    }

    function test_an_operators_plan_must_earn_what_the_modules_reference_says() public {
        MockFeed feedA = new MockFeed(8, 1e8, NOW);
        MockFeed feedB = new MockFeed(18, 1e18, NOW);
        vm.startPrank(address(safe));
        module.setReference(a, address(feedA), 60);
        module.setReference(b, address(feedB), 60);
        vm.stopPrank();
        (address feed, uint32 maxAge) = module.referenceFeed(a);
        assertEq(feed, address(feedA));
        assertEq(maxAge, 60);
        ISessions.Grant memory terms = _operatorTerms(a);
        terms.mostLossBps = 100;
        _grantOperator(operator, terms);
        vm.prank(operator);
        (, uint256 received) = module.run(_pulling(a, SALE));
        assertGt(received, SALE * 99 / 100);
        feedA.set(1.1e8, NOW);
        vm.prank(operator);
        vm.expectPartialRevert(ISessions.BelowReference.selector);
        module.run(_pulling(a, SALE));
        assertEq(_balance(a, address(safe)), HELD - SALE);
        (,, uint256 free) = module.operatorLimit(operator, a);
        assertEq(free, LIMIT - SALE);
    }

    function test_what_a_third_asset_gains_does_not_count_for_an_operator() public {
        _pair(a, c);
        vm.startPrank(address(safe));
        module.setReference(a, address(new MockFeed(8, 1e8, NOW)), 60);
        module.setReference(b, address(new MockFeed(8, 1e8, NOW)), 60);
        module.setReference(c, address(new MockFeed(8, 1e8, NOW)), 60);
        vm.stopPrank();
        ISessions.Grant memory terms = _operatorTerms(a);
        terms.mostLossBps = 100;
        terms.rises = new address[](2);
        (terms.rises[0], terms.rises[1]) = (b, c);
        _grantOperator(operator, terms);
        bytes memory legs = abi.encodePacked(Plans.v2(0, 1, Plans.share(1 << 31), 0), Plans.v2(0, 2, Plans.all(), 0));
        bytes memory third = abi.encodePacked(uint8(2), c, uint128(1));
        bytes memory table = Plans.table(_plan(a, b, SALE, legs));
        bytes memory packed = abi.encodePacked(uint8(2), uint8(0), uint40(DEADLINE), uint8(0x30), table, third, legs);
        vm.prank(operator);
        vm.expectPartialRevert(ISessions.BelowReference.selector);
        module.run(packed);
    }

    function _grantOperator(address who, ISessions.Grant memory terms) private {
        _safeSends(address(module), abi.encodeCall(module.grantOperator, (who, terms)), CALL);
    }

    function _operatorTerms(address sold) private view returns (ISessions.Grant memory terms) {
        terms = _terms();
        terms.mayPull = true;
        terms.spends[0].token = sold;
    }

    function _operatorFails(bytes memory packed, bytes memory reason) private {
        vm.prank(operator);
        vm.expectRevert(reason);
        module.run(packed);
    }

    function _pulling(address token, uint128 amount) private view returns (bytes memory) {
        return _pullingFor(token, b, amount);
    }

    function _pullingFor(address token, address bought, uint128 amount) private view returns (bytes memory) {
        Plan memory plan = _plan(token, bought, amount, Plans.v2(0, 1, Plans.all(), 0));
        (plan.flags, plan.deadline) = (uint8(FLAG_PULL | FLAG_DELIVER), uint40(block.timestamp));
        return Plans.encode(plan);
    }
}
