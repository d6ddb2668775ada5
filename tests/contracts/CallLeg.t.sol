// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_CALL} from "contracts/types/Plan.sol";

import {AllowanceLike, Counter, TokenLike} from "./mocks/Targets.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Permits} from "./support/Permits.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {RightsGivers} from "./support/RightsGivers.sol";

/// @notice The one leg that calls what a plan names: only what the owner listed, and much not even then.
contract CallLegTest is FurtherChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;

    Counter internal counter;

    function setUp() public override {
        super.setUp();
        counter = new Counter();
        IAnnex.Places memory known;
        known.balancerV2Vault = address(new Counter());
        known.balancerV3Vault = address(new Counter());
        known.aavePool = address(new Counter());
        known.spokePool = address(new Counter());
        known.zeroEx = address(new Counter());
        known.airSwap = address(new Counter());
        _settle(known);
        _mint(a, address(executor), AMOUNT);
        _mint(b, address(counter), DEPTH);
    }

    function test_a_listed_function_is_called_and_what_it_brings_is_measured() public {
        _list(LEG_CALL, address(counter), Counter.claim.selector);
        bytes memory data = abi.encodeCall(Counter.claim, (b, 7e18));
        (uint256 spent, uint256 received) = _run(_callPlan(address(counter), false, data));
        assertEq(spent, 0);
        assertEq(received, 7e18);
    }

    function test_a_listed_function_is_paid_by_an_exact_allowance_that_ends_with_the_leg() public {
        _list(LEG_CALL, address(counter), Counter.trade.selector);
        bytes memory data = abi.encodeCall(Counter.trade, (a, b, AMOUNT / 2));
        (uint256 spent, uint256 received) = _run(_callPlan(address(counter), true, data));
        assertEq(spent, AMOUNT / 2);
        assertEq(received, AMOUNT / 2);
        assertEq(IERC20(a).allowance(address(executor), address(counter)), 0);
    }

    function test_nothing_is_allowed_unless_the_leg_says_so() public {
        _list(LEG_CALL, address(counter), Counter.trade.selector);
        Plan memory plan = _callPlan(address(counter), false, abi.encodeCall(Counter.trade, (a, b, 1)));
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(packed);
    }

    function test_no_more_than_the_leg_sells_is_allowed() public {
        _list(LEG_CALL, address(counter), Counter.trade.selector);
        bytes memory data = abi.encodeCall(Counter.trade, (a, b, 11));
        Plan memory plan =
            _plan(a, b, AMOUNT, FurtherPlans.callOut(0, 1, Plans.exact(10), address(counter), true, data));
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(packed);
    }

    function test_nothing_is_called_that_is_not_listed() public {
        bytes memory data = abi.encodeCall(Counter.claim, (b, 1));
        _refuses(_callPlan(address(counter), false, data), _notListed(address(counter), Counter.claim.selector));
        // Neither by the address alone, nor another function of it, nor for another kind.
        _list(LEG_CALL, address(counter), 0);
        _list(LEG_CALL, address(counter), Counter.trade.selector);
        _list(LEG_CALL + 1, address(counter), Counter.claim.selector);
        _refuses(_callPlan(address(counter), false, data), _notListed(address(counter), Counter.claim.selector));
    }

    function test_what_gives_rights_away_is_refused_though_listed() public {
        string[] memory signatures = RightsGivers.all();
        for (uint256 i = 0; i < signatures.length; ++i) {
            bytes4 selector = bytes4(keccak256(bytes(signatures[i])));
            _list(LEG_CALL, address(counter), selector);
            bytes memory data = abi.encodeWithSelector(selector, a, 1);
            _refuses(_callPlan(address(counter), true, data), _refused(address(counter), selector));
        }
    }

    function test_any_other_listed_function_is_called(bytes4 selector) public {
        string[] memory signatures = RightsGivers.all();
        for (uint256 i = 0; i < signatures.length; ++i) {
            vm.assume(selector != bytes4(keccak256(bytes(signatures[i]))));
        }
        vm.assume(selector != Counter.trade.selector && selector != Counter.claim.selector);
        vm.assume(selector != Counter.refuse.selector && selector != Counter.callBack.selector);
        _list(LEG_CALL, address(counter), selector);
        // It takes one and brings nothing, which the plan's minimum refuses: so it was called.
        bytes memory data = abi.encodeWithSelector(selector, a, 1);
        _refuses(_callPlan(address(counter), true, data), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
    }

    function test_who_holds_rights_over_the_account_is_refused_though_listed() public {
        address[] memory sacred = new address[](14);
        (sacred[0], sacred[1], sacred[2]) = (a, b, Permits.PERMIT2);
        (sacred[3], sacred[4], sacred[5]) = (address(executor), desk, weth);
        (sacred[6], sacred[7]) = (places.balancerV2Vault, places.balancerV3Vault);
        (sacred[8], sacred[9], sacred[10]) = (places.aavePool, places.spokePool, places.zeroEx);
        (sacred[11], sacred[12]) = (places.airSwap, address(new TokenLike()));
        sacred[13] = address(new AllowanceLike());
        vm.etch(Permits.PERMIT2, address(counter).code);
        vm.etch(desk, address(counter).code);
        for (uint256 i = 0; i < sacred.length; ++i) {
            _list(LEG_CALL, sacred[i], Counter.claim.selector);
            bytes memory data = abi.encodeCall(Counter.claim, (b, 1));
            _refuses(_callPlan(sacred[i], false, data), _refused(sacred[i], Counter.claim.selector));
        }
    }

    function test_a_token_that_is_not_the_legs_is_refused_though_listed() public {
        _list(LEG_CALL, c, bytes4(keccak256("mint(address,uint256)")));
        bytes memory data = abi.encodeWithSignature("mint(address,uint256)", desk, 1);
        _refuses(_callPlan(c, false, data), _refused(c, bytes4(keccak256("mint(address,uint256)"))));
    }

    function test_an_address_without_code_is_refused_though_listed() public {
        _list(LEG_CALL, maker, Counter.claim.selector);
        bytes memory data = abi.encodeCall(Counter.claim, (b, 1));
        _refuses(_callPlan(maker, false, data), _refused(maker, Counter.claim.selector));
    }

    function test_the_targets_reason_is_passed_on() public {
        _list(LEG_CALL, address(counter), Counter.refuse.selector);
        bytes memory data = abi.encodeCall(Counter.refuse, (42));
        _refuses(_callPlan(address(counter), false, data), abi.encodeWithSelector(Counter.Closed.selector, 42));
    }

    function test_the_target_cannot_call_back() public {
        _list(LEG_CALL, address(counter), Counter.callBack.selector);
        bytes memory plan = Plans.encode(_callPlan(address(counter), false, hex"01020304"));
        bytes memory reentered = abi.encodeWithSelector(IExecutor.Reentered.selector);
        _refuses(_callPlan(address(counter), false, abi.encodeCall(Counter.callBack, (plan))), reentered);
        bytes memory withdraw = abi.encodeCall(IExecutor.withdraw, (a, 1));
        _refuses(_callPlan(address(counter), false, abi.encodeCall(Counter.callBack, (withdraw))), reentered);
        bytes memory lent = abi.encodeWithSignature("vaultUnlocked(bytes)", hex"0c");
        _refuses(
            _callPlan(address(counter), false, abi.encodeCall(Counter.callBack, (lent))),
            abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(counter))
        );
    }

    function test_a_call_without_a_whole_selector_is_refused() public {
        bytes memory reason = abi.encodeWithSelector(IAnnex.BadParticulars.selector, LEG_CALL, 24);
        _refuses(_callPlan(address(counter), false, hex"010203"), reason);
    }

    function _callPlan(address target, bool pays, bytes memory data) private view returns (Plan memory) {
        return _plan(a, b, AMOUNT, FurtherPlans.callOut(0, 1, Plans.all(), target, pays, data));
    }

    function _notListed(address target, bytes4 selector) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_CALL, target, selector);
    }

    function _refused(address target, bytes4 selector) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAnnex.CallRefused.selector, target, selector);
    }
}
