// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IBatches, PlanResult} from "contracts/interfaces/IBatches.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";

import {ContractOwner} from "./mocks/ContractOwner.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {SessionChain} from "./support/SessionChain.sol";
import {BurdensomeToken, ReenteringToken} from "./tokens/HostileTokens.sol";

/// @notice Ends a key's session, or everything, when told to by anybody; the executor's guardian.
contract AlertGuardian {
    IExecutorUnderTest private immutable _executor;

    constructor(IExecutorUnderTest executor) {
        _executor = executor;
    }

    function revoke(address key) external {
        _executor.revokeSession(key);
    }

    function pause() external {
        _executor.pause();
    }
}

/// @notice Several plans in one call, and plans that were signed.
contract ExecutorBatchesTest is SessionChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant SALE = 10e18;
    uint256 internal constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    address internal anybody = makeAddr("anybody");
    address internal heir;
    uint256 internal heirKey;

    function setUp() public override {
        super.setUp();
        (heir, heirKey) = makeAddrAndKey("heir");
    }

    // Batches

    function test_a_batch_runs_all_plans_and_answers_what_each_did() public {
        vm.prank(desk);
        PlanResult[] memory results = executor.executeBatch(_two(_sale(SALE), _sale(2 * SALE)), 0);
        assertTrue(results[0].done && results[1].done);
        assertEq(results[0].spent, SALE);
        assertEq(results[1].spent, 2 * SALE);
        assertEq(_balance(a, address(executor)), HELD - 3 * SALE);
        assertEq(_balance(b, address(executor)), HELD + results[0].received + results[1].received);
    }

    function test_a_plan_that_fails_leaves_nothing_and_the_next_runs_if_told_to() public {
        bytes[] memory plans = new bytes[](3);
        (plans[0], plans[1], plans[2]) = (_sale(SALE), _dear(SALE), _sale(SALE));
        vm.expectEmit(true, true, false, false, address(executor));
        emit IBatches.PlanSkipped(desk, 1, "");
        vm.prank(desk);
        PlanResult[] memory results = executor.executeBatch(plans, 2);
        assertTrue(results[0].done);
        assertFalse(results[1].done);
        assertEq(bytes4(results[1].reason), IExecutor.MinOutMissed.selector);
        assertTrue(results[2].done);
        assertEq(_balance(a, address(executor)), HELD - 2 * SALE);
    }

    function test_a_plan_that_fails_otherwise_takes_the_batch_with_it() public {
        vm.prank(desk);
        vm.expectPartialRevert(IBatches.PlanFailed.selector);
        executor.executeBatch(_two(_sale(SALE), _dear(SALE)), 1);
        assertEq(_balance(a, address(executor)), HELD);
    }

    function test_any_mix_of_plans_spends_what_the_answers_say(uint8 good, uint8 continueMask) public {
        bytes[] memory plans = new bytes[](8);
        for (uint256 i = 0; i < 8; ++i) {
            plans[i] = (good >> i) & 1 != 0 ? _sale(SALE) : _dear(SALE);
        }
        bool runs = (good | continueMask) == 0xff;
        vm.prank(desk);
        (bool success, bytes memory answer) =
            address(executor).call(abi.encodeCall(executor.executeBatch, (plans, continueMask)));
        assertEq(success, runs);
        uint256 spent;
        if (success) {
            PlanResult[] memory results = abi.decode(answer, (PlanResult[]));
            for (uint256 i = 0; i < 8; ++i) {
                assertEq(results[i].done, (good >> i) & 1 != 0);
                spent += results[i].spent;
            }
        }
        assertEq(_balance(a, address(executor)), HELD - spent);
    }

    function test_a_batch_holds_nothing_but_plans() public {
        bytes[3] memory others = [
            bytes(""),
            abi.encodeCall(executor.withdraw, (a, HELD)),
            abi.encodeCall(executor.executeBatch, (_one(""), 0))
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(desk);
            PlanResult[] memory results = executor.executeBatch(_one(others[i]), 1);
            assertFalse(results[0].done);
            assertEq(bytes4(results[0].reason), IExecutor.PlanVersion.selector);
        }
        vm.prank(desk);
        vm.expectRevert(abi.encodeWithSelector(IBatches.TooManyPlans.selector, 257));
        executor.executeBatch(new bytes[](257), type(uint256).max);
    }

    function test_strangers_run_no_batch_and_nobody_while_paused(address caller) public {
        vm.assume(caller != desk && caller != address(0) && caller != address(executor));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.executeBatch(_one(_sale(SALE)), 1);
        vm.prank(watchman);
        executor.pause();
        vm.prank(desk);
        vm.expectRevert(IAccount.IsPaused.selector);
        executor.executeBatch(_one(_sale(SALE)), 1);
    }

    function test_a_keys_batch_is_held_to_its_session_plan_by_plan() public {
        _grant(_terms());
        vm.prank(robot);
        PlanResult[] memory results = executor.executeBatch(_two(_sale(LIMIT - SALE), _sale(2 * SALE)), 2);
        assertTrue(results[0].done);
        assertEq(results[1].reason, abi.encodeWithSelector(ISessions.SpendLimit.selector, robot, a, 2 * SALE, SALE));
        assertEq(_balance(a, address(executor)), HELD - LIMIT + SALE);
    }

    function test_a_key_that_is_revoked_during_its_batch_runs_none_of_its_further_plans() public {
        (ReenteringToken token, AlertGuardian alert, bytes memory packed) = _alarming();
        token.plant(address(alert), abi.encodeCall(alert.revoke, (robot)));
        vm.prank(robot);
        PlanResult[] memory results = executor.executeBatch(_two(packed, _sale(SALE)), 2);
        assertTrue(results[0].done);
        assertEq(results[1].reason, abi.encodeWithSelector(ISessions.SessionRevoked.selector, robot));
        assertEq(_balance(a, address(executor)), HELD);
    }

    function test_a_pause_during_a_batch_stops_its_further_plans_the_owners_too() public {
        (ReenteringToken token, AlertGuardian alert, bytes memory packed) = _alarming();
        token.plant(address(alert), abi.encodeCall(alert.pause, ()));
        vm.prank(desk);
        PlanResult[] memory results = executor.executeBatch(_two(packed, _sale(SALE)), 2);
        assertTrue(results[0].done);
        assertEq(results[1].reason, abi.encodeWithSelector(IAccount.IsPaused.selector));
        assertTrue(executor.paused());
    }

    function test_only_the_account_itself_runs_plans_while_a_batch_is_running() public {
        (ReenteringToken token,, bytes memory packed) = _alarming();
        token.plant(address(executor), _sale(SALE));
        vm.prank(desk);
        PlanResult[] memory results = executor.executeBatch(_one(packed), 1);
        assertEq(results[0].reason, abi.encodeWithSelector(IExecutor.Reentered.selector));
        token.plant(address(executor), abi.encodeCall(executor.executeBatch, (_one(_sale(SALE)), 0)));
        vm.prank(desk);
        results = executor.executeBatch(_one(packed), 1);
        assertEq(results[0].reason, abi.encodeWithSelector(IExecutor.Reentered.selector));
    }

    function test_a_long_refusal_is_cut() public {
        bytes memory packed = _burdened(100_000);
        vm.prank(desk);
        PlanResult[] memory results = executor.executeBatch(_two(packed, _sale(SALE)), 3);
        assertEq(results[0].reason.length, 1024);
        assertTrue(results[1].done);
    }

    function test_a_plan_that_used_up_the_gas_is_not_skipped() public {
        bytes memory packed = _burdened(0);
        vm.prank(desk);
        vm.expectPartialRevert(IBatches.GasShort.selector);
        executor.executeBatch{gas: 5_000_000}(_two(packed, _sale(SALE)), 3);
    }

    /// @dev Whatever gas is sent along, a plan that would run runs, or the call fails.
    function test_who_relays_cannot_starve_a_plan(uint256 gas_) public {
        bytes[] memory plans = _one(_burdened(1));
        _own(heir);
        bytes memory call_ = _signedCall(plans, 1, 0, heir, heirKey);
        gas_ = bound(gas_, 100_000, 5_000_000);
        vm.prank(anybody);
        (bool success, bytes memory answer) = address(executor).call{gas: gas_}(call_);
        if (success) assertTrue(abi.decode(answer, (PlanResult[]))[0].done);
        else assertEq(executor.nextNonce(heir, 0), 0);
    }

    // Signed plans

    function test_anybody_sends_what_the_owner_signed() public {
        _own(heir);
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey);
        vm.prank(anybody);
        (bool success,) = address(executor).call(call_);
        assertTrue(success);
        assertEq(_balance(a, address(executor)), HELD - SALE);
        assertEq(_balance(a, anybody) + _balance(b, anybody), 0);
        assertEq(executor.nextNonce(heir, 0), 1);
    }

    function test_a_nonce_is_used_once_and_lanes_do_not_wait_for_each_other(uint192 lane) public {
        vm.assume(lane != 0);
        _own(heir);
        uint256 nonce = uint256(lane) << 64;
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, nonce, heir, heirKey);
        _succeed(call_);
        _fail(call_, abi.encodeWithSelector(IBatches.NonceUnexpected.selector, heir, nonce, nonce + 1));
        _fail(
            _signedCall(_one(_sale(SALE)), 0, nonce + 2, heir, heirKey),
            abi.encodeWithSelector(IBatches.NonceUnexpected.selector, heir, nonce + 2, nonce + 1)
        );
        _succeed(_signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey));
        _succeed(_signedCall(_one(_sale(SALE)), 0, nonce + 1, heir, heirKey));
    }

    function test_a_nonce_is_used_even_where_its_plan_was_skipped() public {
        _own(heir);
        bytes memory call_ = _signedCall(_one(_dear(SALE)), 1, 0, heir, heirKey);
        _succeed(call_);
        _fail(call_, abi.encodeWithSelector(IBatches.NonceUnexpected.selector, heir, 0, 1));
    }

    function test_what_was_signed_can_be_taken_back() public {
        _own(heir);
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey);
        vm.prank(heir);
        executor.skipNonces(0, 5);
        _fail(call_, abi.encodeWithSelector(IBatches.NonceUnexpected.selector, heir, 0, 5));
        vm.prank(heir);
        vm.expectRevert(abi.encodeWithSelector(IBatches.NonceUnexpected.selector, heir, 5, 5));
        executor.skipNonces(0, 5);
        vm.prank(anybody);
        executor.skipNonces(0, 50);
        assertEq(executor.nextNonce(heir, 0), 5);
    }

    function test_a_signature_is_worth_nothing_once_a_word_of_it_is_changed(uint256 which) public {
        _own(heir);
        bytes[] memory plans = _one(_sale(SALE));
        bytes memory signature = _signature(heirKey, executor.plansDigest(plans, 0, 0, DEADLINE, heir));
        which = which % 5;
        bytes memory reason = abi.encodeWithSelector(IBatches.WrongSignature.selector, heir);
        if (which == 0) _failSigned(_one(_sale(SALE + 1)), 0, 0, DEADLINE, heir, signature, reason);
        else if (which == 1) _failSigned(plans, 1, 0, DEADLINE, heir, signature, reason);
        else if (which == 2) _failSigned(plans, 0, 1, DEADLINE, heir, signature, reason);
        else if (which == 3) _failSigned(plans, 0, 0, DEADLINE + 1, heir, signature, reason);
        else _failSigned(_two(plans[0], plans[0]), 0, 0, DEADLINE, heir, signature, reason);
    }

    function test_a_signature_is_bound_to_chain_and_account() public {
        _own(heir);
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        _fail(call_, abi.encodeWithSelector(IBatches.WrongSignature.selector, heir));
        vm.chainId(chain);
        IExecutorUnderTest other = _deployExecutor();
        vm.prank(desk);
        other.offerOwnership(heir);
        vm.prank(heir);
        other.acceptOwnership();
        vm.expectRevert(abi.encodeWithSelector(IBatches.WrongSignature.selector, heir));
        (bool success,) = address(other).call(call_);
        success;
    }

    function test_the_twin_of_a_signature_is_refused() public {
        _own(heir);
        bytes[] memory plans = _one(_sale(SALE));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(heirKey, executor.plansDigest(plans, 0, 0, DEADLINE, heir));
        assertLe(uint256(s), HALF_ORDER);
        bytes memory twin = abi.encodePacked(r, bytes32(ORDER - uint256(s)), uint8(55 - v));
        _failSigned(plans, 0, 0, DEADLINE, heir, twin, abi.encodeWithSelector(IBatches.WrongSignature.selector, heir));
    }

    function test_a_signature_ends_with_its_deadline() public {
        _own(heir);
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey);
        vm.warp(DEADLINE + 1);
        _fail(call_, abi.encodeWithSelector(IBatches.SignatureExpired.selector, DEADLINE, DEADLINE + 1));
    }

    function test_nobody_signs_for_the_owner(uint256 key, bytes calldata noise) public {
        key = bound(key, 1, ORDER - 1);
        vm.assume(vm.addr(key) != desk);
        bytes[] memory plans = _one(_sale(SALE));
        bytes memory reason = abi.encodeWithSelector(IBatches.WrongSignature.selector, desk);
        bytes memory signature = _signature(key, executor.plansDigest(plans, 0, 0, DEADLINE, desk));
        _failSigned(plans, 0, 0, DEADLINE, desk, signature, reason);
        _failSigned(plans, 0, 0, DEADLINE, desk, noise, reason);
        reason = abi.encodeWithSelector(IBatches.WrongSignature.selector, address(0));
        _failSigned(plans, 0, 0, DEADLINE, address(0), noise, reason);
        // In its own name it is a stranger.
        signature = _signature(key, executor.plansDigest(plans, 0, 0, DEADLINE, vm.addr(key)));
        reason = abi.encodeWithSelector(IAccount.NotOwner.selector, vm.addr(key));
        _failSigned(plans, 0, 0, DEADLINE, vm.addr(key), signature, reason);
    }

    function test_a_former_owners_signature_is_a_strangers() public {
        _own(heir);
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey);
        vm.prank(heir);
        executor.offerOwnership(desk);
        vm.prank(desk);
        executor.acceptOwnership();
        _fail(call_, abi.encodeWithSelector(IBatches.WrongSignature.selector, heir));
    }

    function test_an_owner_that_takes_the_account_again_finds_nothing_signed() public {
        _own(heir);
        assertEq(executor.grantOf(heir), 1);
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey);
        vm.prank(heir);
        executor.offerOwnership(desk);
        vm.prank(desk);
        executor.acceptOwnership();
        _own(heir);
        assertEq(executor.grantOf(heir), 3);
        _fail(call_, abi.encodeWithSelector(IBatches.WrongSignature.selector, heir));
        _succeed(_signedCall(_one(_sale(SALE)), 0, 0, heir, heirKey));
    }

    function test_what_a_key_signed_ends_with_the_owner_even_if_it_is_granted_again() public {
        _grant(_terms());
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 0, robot, robotKey);
        _own(heir);
        _fail(call_, abi.encodeWithSelector(ISessions.FormerOwners.selector, robot, 1));
        vm.prank(heir);
        executor.grantSession(robot, _terms());
        _fail(call_, abi.encodeWithSelector(IBatches.WrongSignature.selector, robot));
    }

    function test_a_keys_signature_is_held_to_its_session_and_ends_with_its_grant() public {
        _grant(_terms());
        _succeed(_signedCall(_one(_sale(SALE)), 0, 0, robot, robotKey));
        bytes memory call_ = _signedCall(_one(_sale(SALE)), 0, 1, robot, robotKey);
        vm.prank(watchman);
        executor.revokeSession(robot);
        bytes memory reason = abi.encodeWithSelector(ISessions.SessionRevoked.selector, robot);
        _fail(call_, reason);
        _grant(_terms());
        _fail(call_, abi.encodeWithSelector(IBatches.WrongSignature.selector, robot));
        call_ = _signedCall(_one(_sale(LIMIT + 1)), 0, 1, robot, robotKey);
        reason = abi.encodeWithSelector(ISessions.SpendLimit.selector, robot, a, LIMIT + 1, LIMIT);
        _fail(call_, abi.encodeWithSelector(IBatches.PlanFailed.selector, 0, reason));
    }

    function test_an_owner_that_is_a_contract_signs_and_sends() public {
        ContractOwner owner = _ownByContract();
        _succeed(_signedCall(_one(_sale(SALE)), 0, 0, address(owner), heirKey));
        vm.prank(heir);
        owner.send(address(executor), _sale(SALE));
        assertEq(_balance(a, address(executor)), HELD - 2 * SALE);
        bytes memory reason = abi.encodeWithSelector(IBatches.WrongSignature.selector, address(owner));
        _fail(_signedCall(_one(_sale(SALE)), 0, 1, address(owner), robotKey), reason);
    }

    function test_a_contract_is_asked_for_a_signature_by_a_static_call_only() public {
        ContractOwner owner = _ownByContract();
        owner.count();
        bytes memory reason = abi.encodeWithSelector(IBatches.WrongSignature.selector, address(owner));
        _fail(_signedCall(_one(_sale(SALE)), 0, 0, address(owner), heirKey), reason);
        assertEq(owner.asked(), 0);
    }

    // Helpers

    /// @dev Asks for more than the pool gives.
    function _dear(uint128 amount) private view returns (bytes memory) {
        Plan memory plan = _plan(a, b, amount, Plans.v2(0, 1, Plans.all(), 0));
        plan.minOut = amount;
        return Plans.encode(plan);
    }

    function _own(address to) private {
        vm.prank(desk);
        executor.offerOwnership(to);
        vm.prank(to);
        executor.acceptOwnership();
    }

    function _ownByContract() private returns (ContractOwner owner) {
        owner = new ContractOwner(heir);
        vm.prank(desk);
        executor.offerOwnership(address(owner));
        vm.prank(heir);
        owner.send(address(executor), abi.encodeCall(executor.acceptOwnership, ()));
    }

    function _signedCall(bytes[] memory plans, uint256 mask, uint256 nonce, address key, uint256 secret)
        private
        view
        returns (bytes memory)
    {
        bytes memory signature = _signature(secret, executor.plansDigest(plans, mask, nonce, DEADLINE, key));
        return abi.encodeCall(executor.executeSigned, (plans, mask, nonce, DEADLINE, key, signature));
    }

    function _succeed(bytes memory call_) private {
        vm.prank(anybody);
        (bool success,) = address(executor).call(call_);
        assertTrue(success);
    }

    function _fail(bytes memory call_, bytes memory reason) private {
        vm.prank(anybody);
        (bool success, bytes memory answer) = address(executor).call(call_);
        assertFalse(success);
        assertEq(answer, reason);
    }

    function _failSigned(
        bytes[] memory plans,
        uint256 mask,
        uint256 nonce,
        uint40 deadline,
        address key,
        bytes memory signature,
        bytes memory reason
    ) private {
        _fail(abi.encodeCall(executor.executeSigned, (plans, mask, nonce, deadline, key, signature)), reason);
    }

    /// @dev A plan of a token that calls somebody in the middle, a guardian to be called, and a key that may run it.
    function _alarming() private returns (ReenteringToken token, AlertGuardian alert, bytes memory packed) {
        token = new ReenteringToken();
        alert = new AlertGuardian(executor);
        _pair(address(token), b);
        _mint(address(token), address(executor), SALE);
        packed = Plans.encode(_plan(address(token), b, SALE, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(desk);
        executor.setGuardian(address(alert));
        ISessions.Grant memory terms = _terms();
        terms.spends = new ISessions.GrantedSpend[](2);
        terms.spends[0] = ISessions.GrantedSpend(a, LIMIT, PERIOD);
        terms.spends[1] = ISessions.GrantedSpend(address(token), LIMIT, PERIOD);
        _grant(terms);
    }

    function _burdened(uint256 size) private returns (bytes memory packed) {
        BurdensomeToken token = new BurdensomeToken(size);
        _pair(address(token), b);
        _mint(address(token), address(executor), SALE);
        token.burden();
        packed = Plans.encode(_plan(address(token), b, SALE, Plans.v2(0, 1, Plans.all(), 0)));
    }
}
