// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IPoolManager} from "contracts/interfaces/IVenues.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {PLAN_VERSION} from "contracts/types/Plan.sol";

import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plans} from "./support/Plans.sol";

/// @notice Who the account obeys, and how that changes.
contract ExecutorAccountTest is Chain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 10e18;

    address internal heir = makeAddr("heir");
    address internal watchman = makeAddr("watchman");
    address internal stranger = makeAddr("stranger");
    bytes internal packed;

    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _mint(a, address(executor), AMOUNT);
        packed = Plans.encode(_plan(a, b, AMOUNT / 2, Plans.v2(0, 1, Plans.all(), 0)));
    }

    function test_ownership_passes_when_the_heir_takes_it_and_not_before() public {
        vm.prank(desk);
        executor.offerOwnership(heir);
        assertEq(executor.owner(), desk);
        assertEq(executor.pendingOwner(), heir);
        vm.prank(heir);
        executor.acceptOwnership();
        assertEq(executor.owner(), heir);
        assertEq(executor.pendingOwner(), address(0));
        vm.prank(desk);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, desk));
        executor.execute(packed);
        vm.prank(heir);
        executor.execute(packed);
    }

    function test_nobody_takes_what_was_not_offered_to_them(address caller) public {
        vm.assume(caller != heir && caller != address(0));
        vm.prank(desk);
        executor.offerOwnership(heir);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotPendingOwner.selector, caller));
        executor.acceptOwnership();
    }

    function test_an_offer_can_be_taken_back() public {
        vm.startPrank(desk);
        executor.offerOwnership(heir);
        executor.offerOwnership(address(0));
        vm.stopPrank();
        vm.prank(heir);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotPendingOwner.selector, heir));
        executor.acceptOwnership();
    }

    function test_the_guardian_stops_every_plan_and_the_owner_alone_lets_them_run_again() public {
        vm.prank(desk);
        executor.setGuardian(watchman);
        vm.prank(watchman);
        executor.pause();
        assertTrue(executor.paused());
        assertEq(executor.owner(), desk);
        vm.prank(desk);
        vm.expectRevert(IAccount.IsPaused.selector);
        executor.execute(packed);
        vm.prank(watchman);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, watchman));
        executor.resume();
        vm.prank(desk);
        executor.resume();
        vm.prank(desk);
        executor.execute(packed);
    }

    function test_a_pause_outlives_a_change_of_owner() public {
        vm.startPrank(desk);
        executor.pause();
        executor.offerOwnership(heir);
        vm.stopPrank();
        vm.startPrank(heir);
        executor.acceptOwnership();
        vm.expectRevert(IAccount.IsPaused.selector);
        executor.execute(packed);
        vm.stopPrank();
    }

    function test_the_guardian_can_do_nothing_else() public {
        vm.prank(desk);
        executor.setGuardian(watchman);
        ISessions.Grant memory terms;
        bytes[] memory plans = new bytes[](1);
        plans[0] = packed;
        bytes[12] memory calls = [
            packed,
            abi.encodeCall(executor.executeBatch, (plans, 1)),
            abi.encodeCall(executor.offerOwnership, (watchman)),
            abi.encodeCall(executor.setGuardian, (stranger)),
            abi.encodeCall(executor.setEntryPoint, (watchman)),
            abi.encodeCall(executor.resume, ()),
            abi.encodeCall(executor.withdraw, (a, 1)),
            abi.encodeCall(executor.grantSession, (watchman, terms)),
            abi.encodeCall(executor.setReference, (a, watchman, 1)),
            abi.encodeCall(executor.setVenue, (uint8(1), uint8(1), watchman, bytes32(0), 0)),
            abi.encodeCall(executor.proposeVenue, (uint8(1), uint8(1), watchman, bytes32(0), 0)),
            abi.encodeCall(executor.proposeListing, (uint8(15), watchman, bytes4(0)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(watchman);
            (bool success, bytes memory reason) = address(executor).call(calls[i]);
            assertFalse(success);
            assertEq(reason, abi.encodeWithSelector(IAccount.NotOwner.selector, watchman));
        }
    }

    function test_a_stranger_cannot_pause(address caller) public {
        vm.assume(caller != desk && caller != address(0));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotGuardian.selector, caller));
        executor.pause();
    }

    function test_the_owner_takes_out_tokens_and_coin_even_while_paused() public {
        vm.deal(desk, 1 ether);
        vm.startPrank(desk);
        (bool paid,) = address(executor).call{value: 1 ether}("");
        assertTrue(paid);
        executor.pause();
        executor.withdraw(a, AMOUNT);
        executor.withdraw(address(0), 1 ether);
        vm.stopPrank();
        assertEq(_balance(a, desk), AMOUNT);
        assertEq(desk.balance, 1 ether);
    }

    function test_the_steward_by_itself_has_no_owner_and_obeys_nobody(address caller) public {
        vm.assume(caller != address(0));
        IExecutor steward = IExecutor(_parts().steward);
        assertEq(steward.owner(), address(0));
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        steward.withdraw(a, 1);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotPendingOwner.selector, caller));
        steward.acceptOwnership();
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotGuardian.selector, caller));
        steward.pause();
        vm.stopPrank();
    }

    function test_a_steward_that_knows_no_warden_has_no_further_functions() public {
        IExecutor.Parts memory parts = _parts();
        bytes memory arguments = abi.encode(v2Factory, V2_INIT, v3Factory, V3_INIT, address(0), uint256(0));
        parts.steward = vm.deployCode("Steward.sol:Steward", arguments);
        IExecutorUnderTest bare =
            IExecutorUnderTest(vm.deployCode("Executor.sol:Executor", abi.encode(_venues(), parts)));
        vm.prank(desk);
        vm.expectRevert(abi.encodeWithSelector(IAccount.UnknownFunction.selector, ISessions.revokeSession.selector));
        bare.revokeSession(stranger);
    }

    function test_an_executor_is_not_made_without_one_of_its_parts(uint256 missing, address nobody) public {
        vm.assume(nobody.code.length == 0);
        IExecutor.Parts memory parts = _parts();
        missing = bound(missing, 0, 2);
        if (missing == 0) parts.steward = nobody;
        else if (missing == 1) parts.annex = nobody;
        else parts.warden = nobody;
        bytes memory code = abi.encodePacked(vm.getCode("Executor.sol:Executor"), abi.encode(_venues(), parts));
        address made;
        bytes memory reason = new bytes(36);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
            returndatacopy(add(reason, 32), 0, 36)
        }
        assertEq(made, address(0));
        assertEq(reason, abi.encodeWithSelector(IExecutor.PartMissing.selector, nobody));
    }

    function test_a_strangers_call_writes_nothing(bytes4 selector, bytes calldata rest) public {
        vm.assume(uint8(selector[0]) != PLAN_VERSION);
        // A stranger's: whatever the fuzzer finds that exists must not do anything either.
        vm.record();
        vm.prank(stranger);
        (bool success,) = address(executor).call(abi.encodePacked(selector, rest));
        (, bytes32[] memory writes) = vm.accesses(address(executor));
        assertEq(writes.length, 0);
        success;
    }

    function test_coin_held_is_an_asset_like_another() public {
        _v4Pool(address(0), b);
        vm.deal(desk, AMOUNT);
        vm.prank(desk);
        (bool paid,) = address(executor).call{value: AMOUNT}("");
        assertTrue(paid);
        (uint256 spent, uint256 received) =
            _run(_plan(address(0), b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        assertEq(spent, AMOUNT);
        assertEq(address(executor).balance, 0);
        (, uint256 back) =
            _run(_plan(b, address(0), uint128(received), Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        assertEq(address(executor).balance, back);
        bytes memory greedy = Plans.encode(_plan(address(0), b, 1, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.PoolMissing.selector);
        executor.execute(greedy);
    }

    function test_a_plan_may_bring_the_coin_that_it_sells() public {
        _v4Pool(address(0), b);
        vm.deal(desk, AMOUNT);
        bytes memory plan = Plans.encode(_plan(address(0), b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        vm.prank(desk);
        (bool success, bytes memory answer) = address(executor).call{value: AMOUNT}(plan);
        assertTrue(success);
        (uint256 spent, uint256 received) = abi.decode(answer, (uint256, uint256));
        assertEq(spent, AMOUNT);
        assertEq(_balance(b, address(executor)), received);
        assertEq(address(executor).balance + desk.balance, 0);
    }

    function test_a_currency_that_somebody_left_synced_stops_no_sale_of_coin(bool wrapped) public {
        _v4Pool(address(0), b);
        _mint(weth, address(executor), AMOUNT);
        vm.deal(address(executor), AMOUNT);
        // Earlier in the same transaction: another operation of a bundle, say.
        vm.prank(makeAddr("anybody"));
        (bool synced,) = manager.call(abi.encodeCall(IPoolManager.sync, (a)));
        assertTrue(synced);
        address sold = wrapped ? weth : address(0);
        (uint256 spent,) = _run(_plan(sold, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, wrapped)));
        assertEq(spent, AMOUNT);
    }

    function test_coin_is_taken_with_nothing_else(address stranger) public {
        vm.assume(stranger != desk && stranger != address(executor.entryPoint()));
        vm.deal(stranger, 1 ether);
        bytes memory plan = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(stranger);
        (bool ran,) = address(executor).call{value: 1}(plan);
        assertFalse(ran);
        vm.deal(desk, 1 ether);
        vm.startPrank(desk);
        (bool paused,) = address(executor).call{value: 1}(abi.encodeCall(IAccount.pause, ()));
        (bool empty,) = address(executor).call{value: 1}(hex"00");
        vm.stopPrank();
        assertFalse(paused);
        assertFalse(empty);
        assertEq(address(executor).balance, 0);
    }

    function test_no_function_is_taken_for_a_plan() public view {
        string[2] memory parts = ["out/Steward.sol/Steward.json", "out/Warden.sol/Warden.json"];
        for (uint256 i = 0; i < parts.length; ++i) {
            string memory json = vm.readFile(parts[i]);
            string[] memory names = vm.parseJsonKeys(json, ".methodIdentifiers");
            assertGt(names.length, 7);
            for (uint256 j = 0; j < names.length; ++j) {
                assertTrue(uint8(bytes4(keccak256(bytes(names[j])))[0]) != PLAN_VERSION, names[j]);
            }
        }
    }
}
