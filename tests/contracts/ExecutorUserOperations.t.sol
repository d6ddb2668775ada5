// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {IUserOperations, PackedUserOperation} from "contracts/interfaces/IUserOperations.sol";

import {ContractOwner} from "./mocks/ContractOwner.sol";
import {GenerousPaymaster, IEntryPoint} from "./support/EntryPoints.sol";
import {IExecutorUnderTest} from "./support/IExecutorUnderTest.sol";
import {SessionChain} from "./support/SessionChain.sol";

/// @notice The executor as an ERC-4337 account of the published EntryPoint 0.8.
contract ExecutorUserOperationsTest is SessionChain {
    uint128 internal constant SALE = 10e18;
    uint128 internal constant GAS = 1_000_000;
    uint128 internal constant PRICE = 1 gwei;
    /// @dev Both gas limits and what is paid beside them, at the price.
    uint96 internal constant COST = 2_100_000 * 1 gwei;

    IEntryPoint internal entry;
    address payable internal bundler = payable(makeAddr("bundler"));
    address internal heir;
    uint256 internal heirKey;

    function setUp() public override {
        super.setUp();
        (heir, heirKey) = makeAddrAndKey("heir");
        string memory path = "node_modules/@account-abstraction/contracts/artifacts/EntryPoint.json";
        entry = IEntryPoint(_deploy(path, ""));
        vm.prank(desk);
        executor.offerOwnership(heir);
        vm.startPrank(heir);
        executor.acceptOwnership();
        executor.setEntryPoint(address(entry));
        executor.setGuardian(watchman);
        vm.stopPrank();
        vm.deal(address(executor), 1 ether);
    }

    // The owner's operations

    function test_the_owners_operation_runs_a_plan_and_pays_its_bundler() public {
        assertTrue(_handle(_signed(_op(_sale(SALE), 0), heir, heirKey)));
        assertEq(_balance(a, address(executor)), HELD - SALE);
        assertGt(bundler.balance, 0);
        assertLt(address(executor).balance, 1 ether);
    }

    function test_the_owners_operation_runs_a_batch_by_either_door() public {
        bytes memory direct = abi.encodeCall(executor.executeBatch, (_two(_sale(SALE), _sale(SALE)), 0));
        assertTrue(_handle(_signed(_op(direct, 0), heir, heirKey)));
        assertTrue(_handle(_signed(_op(_batch(_two(_sale(SALE), _sale(SALE)), 0), 1), heir, heirKey)));
        assertEq(_balance(a, address(executor)), HELD - 4 * SALE);
    }

    function test_what_is_withdrawn_by_an_operation_goes_to_the_owner() public {
        assertTrue(_handle(_signed(_op(abi.encodeCall(executor.withdraw, (a, SALE)), 0), heir, heirKey)));
        assertEq(_balance(a, heir), SALE);
        assertEq(_balance(a, address(entry)), 0);
    }

    function test_an_owner_that_is_a_contract_signs_operations() public {
        ContractOwner owner = new ContractOwner(heir);
        vm.prank(heir);
        executor.offerOwnership(address(owner));
        vm.startPrank(heir);
        owner.send(address(executor), abi.encodeCall(executor.acceptOwnership, ()));
        owner.send(address(executor), abi.encodeCall(executor.setEntryPoint, (address(entry))));
        vm.stopPrank();
        assertTrue(_handle(_signed(_op(_sale(SALE), 0), address(owner), heirKey)));
        _refused(_signed(_op(_sale(SALE), 1), address(owner), robotKey));
    }

    function test_anybody_elses_signature_is_refused(uint256 key, bytes calldata noise) public {
        key = bound(key, 1, type(uint128).max);
        vm.assume(key != heirKey);
        _refused(_signed(_op(_sale(SALE), 0), heir, key));
        _refused(_signed(_op(_sale(SALE), 0), vm.addr(key), key));
        PackedUserOperation memory op = _op(_sale(SALE), 0);
        op.signature = noise;
        _refused(op);
        op.signature = abi.encodePacked(heir, noise);
        _refused(op);
    }

    function test_a_changed_operation_is_refused(uint256 which) public {
        PackedUserOperation memory op = _signed(_op(_sale(SALE), 0), heir, heirKey);
        which = which % 4;
        if (which == 0) op.callData = _sale(SALE + 1);
        else if (which == 1) op.nonce = 1 << 64;
        else if (which == 2) op.gasFees = bytes32(uint256(PRICE) + 1);
        else op.preVerificationGas += 1;
        _refused(op);
    }

    function test_an_operation_is_used_once() public {
        PackedUserOperation memory op = _signed(_op(_sale(SALE), 0), heir, heirKey);
        assertTrue(_handle(op));
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA25 invalid account nonce"));
        _handle(op);
    }

    function test_only_the_entry_point_asks_and_runs(address caller) public {
        vm.assume(caller != address(entry) && caller != address(0));
        PackedUserOperation memory op = _signed(_op(_batch(_one(_sale(SALE)), 0), 0), heir, heirKey);
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.NotEntryPoint.selector, caller));
        executor.validateUserOp(op, 0, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.NotEntryPoint.selector, caller));
        executor.executeUserOp(op, 0);
        vm.stopPrank();
    }

    function test_only_the_owner_names_an_entry_point(address caller) public {
        vm.assume(caller != heir && caller != address(entry) && caller != address(0));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.setEntryPoint(caller);
        vm.prank(heir);
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.BadEntryPoint.selector, executor));
        executor.setEntryPoint(address(executor));
    }

    function test_a_former_entry_point_can_do_nothing() public {
        vm.prank(heir);
        executor.setEntryPoint(address(0));
        vm.prank(address(entry));
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, entry));
        executor.withdraw(a, 1);
    }

    /// @dev Both were found to be the owner's; by the time that the second runs, its signer no longer is.
    function test_an_operation_of_a_former_owner_does_not_run_for_the_new_one() public {
        vm.prank(heir);
        executor.offerOwnership(desk);
        AcceptingAccount desk_ = new AcceptingAccount(executor);
        vm.prank(heir);
        executor.offerOwnership(address(desk_));
        vm.deal(address(desk_), 1 ether);
        PackedUserOperation[] memory ops = new PackedUserOperation[](2);
        ops[0] = _op(abi.encodeCall(desk_.take, ()), 0);
        ops[0].sender = address(desk_);
        ops[1] = _signed(_op(abi.encodeCall(executor.offerOwnership, (heir)), 0), heir, heirKey);
        vm.prank(bundler, bundler);
        entry.handleOps(ops, bundler);
        assertEq(executor.owner(), address(desk_));
        assertEq(executor.pendingOwner(), address(0));
        assertEq(executor.entryPoint(), address(0));
    }

    /// @dev It calls whoever an operation names as paymaster, and whoever is to be paid.
    function test_the_entry_point_cannot_be_made_to_act_by_other_calls_of_it() public {
        vm.deal(address(this), 1 ether);
        entry.depositTo{value: 0.5 ether}(address(executor));
        AcceptingAccount other = new AcceptingAccount(executor);
        PackedUserOperation memory op = _op(abi.encodeCall(other.take, ()), 0);
        op.sender = address(other);
        op.paymasterAndData = abi.encodePacked(executor, GAS, GAS);
        vm.expectPartialRevert(IEntryPoint.FailedOpWithRevert.selector);
        _handle(op);
    }

    // A session's operations

    function test_a_keys_operation_runs_plans_within_its_session_and_budget() public {
        _grantWithBudget(COST);
        PackedUserOperation memory op = _signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot)), robot, robotKey);
        assertTrue(_handle(op));
        assertEq(_balance(a, address(executor)), HELD - SALE);
        (,,,,, uint96 budget) = executor.session(robot);
        assertEq(budget, 0);
        _refused(_signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot) + 1), robot, robotKey));
    }

    function test_a_keys_operation_needs_no_budget_where_somebody_else_pays() public {
        _grantWithBudget(0);
        PackedUserOperation memory op = _op(_batch(_one(_sale(SALE)), 0), _lane(robot));
        _refused(_signed(op, robot, robotKey));
        address paymaster = address(new GenerousPaymaster());
        vm.deal(address(this), 1 ether);
        entry.depositTo{value: 1 ether}(paymaster);
        op.paymasterAndData = abi.encodePacked(paymaster, GAS, GAS);
        assertTrue(_handle(_signed(op, robot, robotKey)));
        assertEq(address(executor).balance, 1 ether);
    }

    function test_a_keys_operation_names_a_paymaster_or_none(uint128 verifying, uint128 later) public {
        _grantWithBudget(type(uint96).max);
        PackedUserOperation memory op = _op(_batch(_one(_sale(SALE)), 0), _lane(robot));
        assertEq(_validated(_signed(op, robot, robotKey), COST), 0);
        op.paymasterAndData = abi.encodePacked(address(0), verifying, later);
        assertEq(_validated(_signed(op, robot, robotKey), COST), 1);
        op.paymasterAndData = hex"00";
        assertEq(_validated(_signed(op, robot, robotKey), COST), 1);
        (,,,,, uint96 budget) = executor.session(robot);
        assertEq(budget, type(uint96).max - COST);
    }

    function test_a_keys_operation_is_refused_where_more_is_asked_for_than_it_may_cost() public {
        _grantWithBudget(type(uint96).max);
        PackedUserOperation memory op = _signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot)), robot, robotKey);
        assertEq(_validated(op, COST + 1), 1);
        assertEq(_validated(op, COST), 0);
    }

    function test_a_keys_operation_calls_nothing_but_a_batch_of_plans() public {
        _grantWithBudget(type(uint96).max);
        _refused(_signed(_op(_sale(SALE), _lane(robot)), robot, robotKey));
        bytes memory batch = abi.encodeCall(executor.executeBatch, (_one(_sale(SALE)), 0));
        _refused(_signed(_op(batch, _lane(robot)), robot, robotKey));
        bytes memory theft = abi.encodeCall(executor.offerOwnership, (robot));
        _refused(_signed(_op(theft, _lane(robot)), robot, robotKey));
        assertFalse(_handle(_signed(_op(_batch(_one(theft), 0), _lane(robot)), robot, robotKey)));
        assertEq(executor.pendingOwner(), address(0));
    }

    function test_a_key_cannot_use_up_the_lanes_of_others() public {
        _grantWithBudget(type(uint96).max);
        _refused(_signed(_op(_batch(_one(_sale(SALE)), 0), 0), robot, robotKey));
        _refused(_signed(_op(_batch(_one(_sale(SALE)), 0), _lane(heir)), robot, robotKey));
        uint256 further = _lane(robot) | (7 << 224);
        assertTrue(_handle(_signed(_op(_batch(_one(_sale(SALE)), 0), further), robot, robotKey)));
    }

    function test_a_keys_operation_expires_with_its_session() public {
        _grantWithBudget(type(uint96).max);
        PackedUserOperation memory op = _signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot)), robot, robotKey);
        vm.warp(EXPIRY + 1);
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA22 expired or not due"));
        _handle(op);
    }

    function test_a_keys_operation_is_refused_once_it_is_revoked_or_all_is_paused() public {
        _grantWithBudget(type(uint96).max);
        PackedUserOperation memory op = _signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot)), robot, robotKey);
        vm.prank(watchman);
        executor.pause();
        _refused(op);
        vm.prank(heir);
        executor.resume();
        vm.prank(watchman);
        executor.revokeSession(robot);
        _refused(op);
    }

    function test_a_key_revoked_by_an_operation_before_its_own_runs_nothing() public {
        _grantWithBudget(type(uint96).max);
        PackedUserOperation[] memory ops = new PackedUserOperation[](2);
        ops[0] = _signed(_op(abi.encodeCall(executor.revokeSession, (robot)), 0), heir, heirKey);
        ops[1] = _signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot)), robot, robotKey);
        vm.prank(bundler, bundler);
        entry.handleOps(ops, bundler);
        assertEq(_balance(a, address(executor)), HELD);
        assertEq(entry.getNonce(address(executor), uint192(uint160(robot))) & type(uint64).max, 1);
    }

    function test_a_key_of_a_session_that_stands_cannot_be_the_entry_point() public {
        _grantWithBudget(0);
        vm.prank(heir);
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.BadEntryPoint.selector, robot));
        executor.setEntryPoint(robot);
        vm.prank(watchman);
        executor.revokeSession(robot);
        vm.prank(heir);
        executor.setEntryPoint(robot);
        assertEq(executor.entryPoint(), robot);
    }

    function test_an_operation_of_a_former_owners_key_is_refused() public {
        _grantWithBudget(type(uint96).max);
        PackedUserOperation memory op = _signed(_op(_batch(_one(_sale(SALE)), 0), _lane(robot)), robot, robotKey);
        vm.prank(heir);
        executor.offerOwnership(desk);
        vm.startPrank(desk);
        executor.acceptOwnership();
        assertEq(executor.entryPoint(), address(0));
        executor.setEntryPoint(address(entry));
        vm.stopPrank();
        _refused(op);
        assertEq(_balance(a, address(executor)), HELD);
    }

    // Helpers

    function _grantWithBudget(uint96 budget) private {
        ISessions.Grant memory terms = _terms();
        terms.gasBudget = budget;
        vm.prank(heir);
        executor.grantSession(robot, terms);
    }

    function _lane(address key) private pure returns (uint256) {
        return uint256(uint160(key)) << 64;
    }

    function _batch(bytes[] memory plans, uint256 mask) private view returns (bytes memory) {
        return abi.encodePacked(executor.executeUserOp.selector, abi.encode(plans, mask));
    }

    function _op(bytes memory callData, uint256 nonce) private view returns (PackedUserOperation memory op) {
        op.sender = address(executor);
        op.nonce = nonce;
        op.callData = callData;
        op.accountGasLimits = bytes32((uint256(GAS) << 128) | GAS);
        op.preVerificationGas = 100_000;
        op.gasFees = bytes32((uint256(PRICE) << 128) | PRICE);
    }

    function _signed(PackedUserOperation memory op, address key, uint256 secret)
        private
        view
        returns (PackedUserOperation memory)
    {
        op.signature = abi.encodePacked(key, _signature(secret, entry.getUserOpHash(op)));
        return op;
    }

    /// @dev Whose signature it was found to be, as the entry point is told: zero for whom it must be, one for not.
    function _validated(PackedUserOperation memory op, uint256 missing) private returns (uint256) {
        bytes32 opHash = entry.getUserOpHash(op);
        vm.prank(address(entry));
        return uint160(executor.validateUserOp(op, opHash, missing));
    }

    function _refused(PackedUserOperation memory op) private {
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA24 signature error"));
        _handle(op);
    }

    /// @dev Whether the operation's call succeeded.
    function _handle(PackedUserOperation memory op) private returns (bool success) {
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0] = op;
        vm.recordLogs();
        vm.prank(bundler, bundler);
        entry.handleOps(ops, bundler);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEntryPoint.UserOperationEvent.selector) continue;
            (, success,,) = abi.decode(logs[i].data, (uint256, bool, uint256, uint256));
        }
    }
}

/// @notice An account that accepts every operation, and takes the ownership it was offered when told to.
contract AcceptingAccount {
    IExecutorUnderTest private immutable _executor;

    constructor(IExecutorUnderTest executor) {
        _executor = executor;
    }

    function take() external {
        _executor.acceptOwnership();
    }

    function validateUserOp(PackedUserOperation calldata, bytes32, uint256 missing) external returns (uint256) {
        (bool paid,) = msg.sender.call{value: missing}("");
        paid;
        return 0;
    }
}
