// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_CALL} from "contracts/types/Plan.sol";

import {Counter, TokenLike} from "./mocks/Targets.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Permits} from "./support/Permits.sol";
import {Plan, Plans} from "./support/Plans.sol";

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
        string[] memory signatures = _rightsGivers();
        for (uint256 i = 0; i < signatures.length; ++i) {
            bytes4 selector = bytes4(keccak256(bytes(signatures[i])));
            _list(LEG_CALL, address(counter), selector);
            bytes memory data = abi.encodeWithSelector(selector, a, 1);
            _refuses(_callPlan(address(counter), true, data), _refused(address(counter), selector));
        }
    }

    function test_any_other_listed_function_is_called(bytes4 selector) public {
        string[] memory signatures = _rightsGivers();
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
        address[] memory sacred = new address[](13);
        (sacred[0], sacred[1], sacred[2]) = (a, b, Permits.PERMIT2);
        (sacred[3], sacred[4], sacred[5]) = (address(executor), desk, weth);
        (sacred[6], sacred[7]) = (places.balancerV2Vault, places.balancerV3Vault);
        (sacred[8], sacred[9], sacred[10]) = (places.aavePool, places.spokePool, places.zeroEx);
        (sacred[11], sacred[12]) = (places.airSwap, address(new TokenLike()));
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

    function _rightsGivers() private pure returns (string[] memory signatures) {
        signatures = new string[](55);
        signatures[0] = "approve(address,uint256)";
        signatures[1] = "transfer(address,uint256)";
        signatures[2] = "transferFrom(address,address,uint256)";
        signatures[3] = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[4] = "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)";
        signatures[5] = "permit(address,address,uint256,uint256,bytes)";
        signatures[6] = "increaseAllowance(address,uint256)";
        signatures[7] = "decreaseAllowance(address,uint256)";
        signatures[8] = "increaseApproval(address,uint256)";
        signatures[9] = "transferAndCall(address,uint256)";
        signatures[10] = "transferAndCall(address,uint256,bytes)";
        signatures[11] = "approveAndCall(address,uint256)";
        signatures[12] = "approveAndCall(address,uint256,bytes)";
        signatures[13] = "transferFromAndCall(address,address,uint256)";
        signatures[14] = "transferFromAndCall(address,address,uint256,bytes)";
        signatures[15] = "authorizeOperator(address)";
        signatures[16] = "send(address,uint256,bytes)";
        signatures[17] = "operatorSend(address,address,uint256,bytes,bytes)";
        signatures[18] = "burn(uint256,bytes)";
        signatures[19] = "operatorBurn(address,uint256,bytes,bytes)";
        signatures[20] = "setApprovalForAll(address,bool)";
        signatures[21] = "safeTransferFrom(address,address,uint256)";
        signatures[22] = "safeTransferFrom(address,address,uint256,bytes)";
        signatures[23] = "safeTransferFrom(address,address,uint256,uint256,bytes)";
        signatures[24] = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)";
        signatures[25] = "approve(address,uint256,uint256)";
        signatures[26] = "setOperator(address,bool)";
        signatures[27] = "transfer(address,uint256,uint256)";
        signatures[28] = "transferFrom(address,address,uint256,uint256)";
        signatures[29] = "approve(address,address,uint160,uint48)";
        signatures[30] = "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)";
        signatures[31] = "permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)";
        signatures[32] = "transferFrom(address,address,uint160,address)";
        signatures[33] = "transferFrom((address,address,uint160,address)[])";
        signatures[34] = "permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)";
        signatures[35] = "permitTransferFrom(((address,uint256)[],uint256,uint256),(address,uint256)[],address,bytes)";
        signatures[36] =
            "permitWitnessTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes32,string,bytes)";
        signatures[37] =
            "permitWitnessTransferFrom(((address,uint256)[],uint256,uint256),(address,uint256)[],address,bytes32,string,bytes)";
        signatures[38] = "lockdown((address,address)[])";
        signatures[39] = "invalidateNonces(address,address,uint48)";
        signatures[40] = "invalidateUnorderedNonces(uint256,uint256)";
        signatures[41] = "approveDelegation(address,uint256)";
        signatures[42] = "delegationWithSig(address,address,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[43] = "allow(address,bool)";
        signatures[44] = "allowBySig(address,address,bool,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[45] = "setAuthorization(address,bool)";
        signatures[46] = "setAuthorizationWithSig((address,address,bool,uint256,uint256),(uint8,bytes32,bytes32))";
        signatures[47] = "setRelayerApproval(address,address,bool)";
        signatures[48] = "setRelayerApprovalWithSig(address,address,bool,uint256,bytes)";
        signatures[49] = "multicall(bytes[])";
        signatures[50] = "multicall(uint256,bytes[])";
        signatures[51] = "multicall(bytes32,bytes[])";
        signatures[52] = "aggregate3((address,bool,bytes)[])";
        signatures[53] = "execute(bytes,bytes[])";
        signatures[54] = "execute(bytes,bytes[],uint256)";
    }
}
