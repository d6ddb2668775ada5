// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IBatches, PlanResult} from "contracts/interfaces/IBatches.sol";
import {IWeth} from "contracts/interfaces/IERC20.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {IUserOperations, PackedUserOperation} from "contracts/interfaces/IUserOperations.sol";
import {SignedPlans} from "contracts/libraries/SignedPlans.sol";
import {FLAG_PERMIT} from "contracts/types/Plan.sol";

import {IEntryPoint} from "./support/EntryPoints.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Permits} from "./support/Permits.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {SessionChain} from "./support/SessionChain.sol";

/// @dev What this version of forge's library does not name yet.
interface IDelegations {
    struct SignedDelegation {
        uint8 v;
        bytes32 r;
        bytes32 s;
        uint64 nonce;
        address implementation;
    }

    function signAndAttachDelegation(address implementation, uint256 key) external returns (SignedDelegation memory);
    function setEvmVersion(string calldata version) external;
    function cool(address target) external;
}

/// @notice The executor as the code of an externally owned account, by EIP-7702.
contract ExecutorAdoptionTest is SessionChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant SALE = 10e18;

    address internal alice;
    uint256 internal aliceKey;
    IExecutorUnderTest internal account;
    address internal anybody = makeAddr("anybody");

    function setUp() public override {
        IDelegations(address(vm)).setEvmVersion("prague");
        super.setUp();
        (alice, aliceKey) = makeAddrAndKey("alice");
        account = IExecutorUnderTest(alice);
        _mint(a, alice, HELD);
        _delegate(address(executor));
    }

    function test_an_account_adopts_its_own_code_and_runs_plans_with_its_own_funds() public {
        vm.prank(alice);
        account.adopt(watchman, address(0), 0, "");
        assertEq(account.owner(), alice);
        assertEq(account.guardian(), watchman);
        vm.prank(alice);
        (uint256 spent, uint256 received) = account.execute(_sale(SALE));
        assertEq(_balance(a, alice), HELD - spent);
        assertEq(_balance(b, alice), received);
        assertEq(_balance(a, address(executor)), HELD);
    }

    function test_an_account_that_names_a_permit_needs_one_though_it_holds_the_funds() public {
        vm.prank(alice);
        account.adopt(watchman, address(0), 0, "");
        string memory published = vm.readFile("node_modules/@1inch/solidity-utils/dist/src/permit2.json");
        vm.etch(Permits.PERMIT2, vm.parseBytes(vm.parseJsonString(published, ".bytecode")));
        Plan memory plan = _plan(a, b, SALE, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PERMIT);
        plan.permit = Permits.tail(1, new bytes(65));
        bytes memory unsigned = Plans.encode(plan);
        vm.prank(alice);
        vm.expectRevert();
        account.execute(unsigned);
        plan.flags = 0;
        plan.permit = "";
        vm.prank(alice);
        account.execute(Plans.encode(plan));
    }

    function test_anybody_sends_what_its_key_signed_and_nothing_else(address guardian, address entry, uint40 deadline)
        public
    {
        vm.assume(entry != alice && entry != anybody && guardian != anybody);
        deadline = uint40(bound(deadline, NOW, type(uint40).max));
        bytes memory signature = _adoption(guardian, entry, deadline, aliceKey);
        vm.startPrank(anybody);
        vm.expectRevert(abi.encodeWithSelector(IBatches.WrongSignature.selector, alice));
        account.adopt(anybody, entry, deadline, signature);
        vm.expectRevert(abi.encodeWithSelector(IBatches.WrongSignature.selector, alice));
        account.adopt(guardian, anybody, deadline, signature);
        account.adopt(guardian, entry, deadline, signature);
        vm.stopPrank();
        assertEq(account.owner(), alice);
        assertEq(account.guardian(), guardian);
        assertEq(account.entryPoint(), entry);
    }

    function test_nobody_elses_signature_adopts(uint256 key, bytes calldata noise) public {
        key = bound(key, 1, type(uint128).max);
        vm.assume(vm.addr(key) != alice);
        bytes memory wrong = abi.encodeWithSelector(IBatches.WrongSignature.selector, alice);
        bytes memory signature = _adoption(anybody, anybody, DEADLINE, key);
        vm.startPrank(anybody);
        vm.expectRevert(wrong);
        account.adopt(anybody, anybody, DEADLINE, signature);
        vm.expectRevert(wrong);
        account.adopt(anybody, anybody, DEADLINE, noise);
        vm.stopPrank();
        assertEq(account.owner(), address(0));
    }

    function test_a_signature_adopts_on_its_chain_until_its_deadline() public {
        bytes memory signature = _adoption(watchman, address(0), DEADLINE, aliceKey);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(abi.encodeWithSelector(IBatches.WrongSignature.selector, alice));
        account.adopt(watchman, address(0), DEADLINE, signature);
        vm.chainId(block.chainid - 1);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(IBatches.SignatureExpired.selector, DEADLINE, DEADLINE + 1));
        account.adopt(watchman, address(0), DEADLINE, signature);
    }

    function test_an_account_is_adopted_once() public {
        bytes memory signature = _adoption(watchman, address(0), DEADLINE, aliceKey);
        account.adopt(watchman, address(0), DEADLINE, signature);
        bytes memory again = abi.encodeWithSelector(IUserOperations.NotAdoptable.selector, alice, alice);
        vm.expectRevert(again);
        account.adopt(watchman, address(0), DEADLINE, signature);
        vm.prank(alice);
        vm.expectRevert(again);
        account.adopt(anybody, address(0), 0, "");
    }

    function test_a_deployed_executor_is_never_adopted() public {
        bytes memory reason = abi.encodeWithSelector(IUserOperations.NotAdoptable.selector, executor, desk);
        address[3] memory callers = [address(executor), desk, anybody];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(reason);
            executor.adopt(anybody, address(0), DEADLINE, "");
        }
        IExecutor.Venues memory venues = _venues();
        venues.owner = address(0);
        bytes memory arguments = abi.encode(venues, _parts());
        IExecutorUnderTest ownerless = IExecutorUnderTest(vm.deployCode("Executor.sol:Executor", arguments));
        vm.prank(address(ownerless));
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.NotAdoptable.selector, ownerless, address(0)));
        ownerless.adopt(anybody, address(0), DEADLINE, "");
    }

    function test_before_adoption_it_obeys_nobody(address caller) public {
        vm.assume(caller != address(0));
        bytes memory packed = _sale(SALE);
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        account.execute(packed);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        account.withdraw(a, 1);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotPendingOwner.selector, caller));
        account.acceptOwnership();
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotGuardian.selector, caller));
        account.pause();
        vm.stopPrank();
    }

    function test_the_accounts_key_signs_plans_that_anybody_sends() public {
        _adopt();
        bytes memory signature = _signature(aliceKey, account.plansDigest(_one(_sale(SALE)), 0, 0, DEADLINE, alice));
        vm.prank(anybody);
        PlanResult[] memory results = account.executeSigned(_one(_sale(SALE)), 0, 0, DEADLINE, alice, signature);
        assertTrue(results[0].done);
        assertEq(_balance(a, alice), HELD - SALE);
    }

    function test_keys_of_one_account_are_strangers_to_another() public {
        _adopt();
        vm.prank(alice);
        account.grantSession(robot, _terms());
        bytes memory packed = _sale(SALE);
        vm.prank(robot);
        account.execute(packed);
        _robotFails(packed, abi.encodeWithSelector(IAccount.NotOwner.selector, robot));
    }

    function test_a_key_cannot_make_the_account_call_itself_as_its_owner() public {
        _adopt();
        vm.prank(alice);
        account.grantSession(robot, _terms());
        bytes[4] memory calls = [
            abi.encodeCall(account.pause, ()),
            abi.encodeCall(account.offerOwnership, (robot)),
            abi.encodeCall(account.grantSession, (robot, _terms())),
            abi.encodeCall(account.revokeSession, (watchman))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(robot);
            PlanResult[] memory results = account.executeBatch(_one(calls[i]), 1);
            assertEq(bytes4(results[0].reason), IExecutor.PlanVersion.selector);
        }
        assertFalse(account.paused());
    }

    function test_other_code_in_between_leaves_its_storage_as_it_was() public {
        _adopt();
        vm.prank(alice);
        account.grantSession(robot, _terms());
        Scribbler scribbler = new Scribbler();
        _delegate(address(scribbler));
        Scribbler(alice).scribble();
        _delegate(address(executor));
        assertEq(account.owner(), alice);
        assertEq(account.guardian(), watchman);
        (uint256 grant,,,,,) = account.session(robot);
        assertEq(grant, 1);
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.NotAdoptable.selector, alice, alice));
        account.adopt(anybody, address(0), DEADLINE, "");
        bytes memory packed = _sale(SALE);
        vm.prank(alice);
        account.execute(packed);
    }

    function test_an_adopted_account_that_was_handed_over_keeps_that_through_other_code() public {
        _adopt();
        vm.startPrank(alice);
        assertEq(account.grantOf(alice), 0);
        account.grantSession(robot, _terms());
        account.offerOwnership(anybody);
        vm.stopPrank();
        vm.prank(anybody);
        account.acceptOwnership();
        Scribbler scribbler = new Scribbler();
        _delegate(address(scribbler));
        Scribbler(alice).scribble();
        _delegate(address(executor));
        assertEq(account.owner(), anybody);
        assertEq(account.grantOf(anybody), 2);
        assertEq(account.guardian(), address(0));
        bytes memory packed = _sale(SALE);
        vm.prank(robot);
        vm.expectRevert(abi.encodeWithSelector(ISessions.FormerOwners.selector, robot, 1));
        account.execute(packed);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, alice));
        account.execute(packed);
        vm.expectRevert(abi.encodeWithSelector(IUserOperations.NotAdoptable.selector, alice, anybody));
        account.adopt(anybody, address(0), DEADLINE, "");
        vm.prank(anybody);
        account.execute(packed);
    }

    function test_two_accounts_share_the_code_and_nothing_else() public {
        _adopt();
        (address bob, uint256 bobKey) = makeAddrAndKey("bob");
        IDelegations(address(vm)).signAndAttachDelegation(address(executor), bobKey);
        (bool touched,) = bob.call(abi.encodeWithSignature("owner()"));
        assertTrue(touched);
        assertEq(IExecutorUnderTest(bob).owner(), address(0));
        assertEq(executor.owner(), desk);
        bytes memory signature = _adoption(anybody, anybody, DEADLINE, aliceKey);
        vm.expectRevert(abi.encodeWithSelector(IBatches.WrongSignature.selector, bob));
        IExecutorUnderTest(bob).adopt(anybody, anybody, DEADLINE, signature);
    }

    function test_an_adopted_account_unwraps_its_coin_as_before() public {
        vm.prank(alice);
        account.adopt(watchman, address(0), 0, "");
        _mint(weth, alice, 1 ether);
        // As in a transaction of its own: WETH pays with 2,300 gas.
        IDelegations(address(vm)).cool(alice);
        vm.prank(alice);
        IWeth(weth).withdraw(1 ether);
        assertEq(alice.balance, 1 ether);
    }

    function test_an_adopted_account_takes_native_coin_as_before() public {
        _adopt();
        vm.deal(anybody, 1 ether);
        vm.prank(anybody);
        (bool paid,) = alice.call{value: 1 ether}("");
        assertTrue(paid);
        assertEq(alice.balance, 1 ether);
    }

    function test_an_adopted_account_runs_operations_of_the_entry_point() public {
        string memory path = "node_modules/@account-abstraction/contracts/artifacts/EntryPoint.json";
        IEntryPoint entry = IEntryPoint(_deploy(path, ""));
        account.adopt(watchman, address(entry), DEADLINE, _adoption(watchman, address(entry), DEADLINE, aliceKey));
        vm.deal(alice, 1 ether);
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0].sender = alice;
        ops[0].callData = _sale(SALE);
        ops[0].accountGasLimits = bytes32((uint256(1_000_000) << 128) | 1_000_000);
        ops[0].gasFees = bytes32(uint256(1 gwei));
        ops[0].signature = abi.encodePacked(alice, _signature(aliceKey, entry.getUserOpHash(ops[0])));
        address payable bundler = payable(makeAddr("bundler"));
        vm.prank(bundler, bundler);
        entry.handleOps(ops, bundler);
        assertEq(_balance(a, alice), HELD - SALE);
    }

    // Helpers

    function _adopt() private {
        account.adopt(watchman, address(0), DEADLINE, _adoption(watchman, address(0), DEADLINE, aliceKey));
    }

    function _adoption(address guardian, address entry, uint40 deadline, uint256 key)
        private
        view
        returns (bytes memory)
    {
        return _signature(key, SignedPlans.adoptionDigest(alice, guardian, entry, deadline));
    }

    /// @dev The delegation comes with the next call.
    function _delegate(address code) private {
        IDelegations(address(vm)).signAndAttachDelegation(code, aliceKey);
        (bool touched,) = makeAddr("touched").call("");
        assertTrue(touched);
        assertEq(alice.code, abi.encodePacked(bytes3(0xef0100), code));
    }
}

/// @notice Other code that an account may run at other times: writes where unnamespaced code would.
contract Scribbler {
    function scribble() external {
        for (uint256 i = 0; i < 20; ++i) {
            assembly {
                sstore(i, not(0))
            }
        }
    }
}
