// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {FLAG_DELIVER, FLAG_PERMIT, FLAG_PULL} from "contracts/types/Plan.sol";

import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Permits} from "./support/Permits.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice The owner's funds by a Permit2 signature that is good for one plan: Permit2's own bytecode.
contract ExecutorPermitTest is Chain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 100e18;
    uint64 internal constant NONCE = 7;

    uint256 internal deskKey;

    error InvalidSigner();
    error InvalidNonce();
    error SignatureExpired(uint256 deadline);

    function setUp() public override {
        (desk, deskKey) = makeAddrAndKey("desk");
        super.setUp();
        string memory published = vm.readFile("node_modules/@1inch/solidity-utils/dist/src/permit2.json");
        vm.etch(Permits.PERMIT2, vm.parseBytes(vm.parseJsonString(published, ".bytecode")));
        _mint(a, desk, AMOUNT);
        vm.prank(desk);
        IERC20(a).approve(Permits.PERMIT2, type(uint256).max);
        _pair(a, b);
        _pair(a, c);
        _v3Pool(a, b);
        _v3Pool(c, b);
    }

    function test_a_pair_is_paid_straight_by_the_owner_and_pays_the_owner() public {
        _straight(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
    }

    function test_a_concentrated_pool_is_paid_straight_by_the_owner_and_pays_the_owner() public {
        _straight(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
    }

    function test_a_path_is_paid_straight_by_the_owner_and_pays_the_owner() public {
        bytes memory legs =
            abi.encodePacked(Plans.hand(Plans.v2(0, 2, Plans.all(), 0)), Plans.v3(2, 1, Plans.all(), 0, FEE));
        _straight(_planHanding(a, b, c, AMOUNT, legs));
    }

    function test_a_part_may_be_pulled_straight() public {
        Plan memory plan = _signed(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.exact(AMOUNT / 4), 0, FEE)));
        (uint256 spent,) = _run(plan);
        assertEq(spent, AMOUNT / 4);
        assertEq(_balance(a, desk), AMOUNT - AMOUNT / 4);
    }

    function test_a_split_is_pulled_whole_and_the_rest_refunded() public {
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.share(1 << 30), 0), Plans.v3(0, 1, Plans.share(1 << 31), 0, FEE));
        Plan memory plan = _plan(a, b, AMOUNT, legs);
        plan.flags = uint8(FLAG_PERMIT + FLAG_PULL + FLAG_DELIVER);
        (uint256 spent, uint256 received) = _run(_signed(plan));
        assertEq(_balance(a, desk), AMOUNT - spent);
        assertEq(_balance(b, desk), received);
        _nothingRests();
    }

    function test_a_signature_is_good_once() public {
        Plan memory plan = _signed(_plan(a, b, AMOUNT / 2, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        _run(plan);
        _expect(plan, abi.encodeWithSelector(InvalidNonce.selector));
    }

    function test_a_signature_is_good_for_no_other_plan(uint256 bit) public {
        Plan memory plan = _signed(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        bytes memory packed = Plans.encode(plan);
        bit = bound(bit, 0, 8 * (packed.length - 2) - 1);
        packed[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.prank(desk);
        (bool success,) = address(executor).call(packed);
        assertFalse(success);
        assertEq(_balance(a, desk), AMOUNT);
    }

    function test_a_signature_for_another_executor_is_refused() public {
        Plan memory plan = _signed(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        executor = _deployExecutor();
        _expect(plan, abi.encodeWithSelector(InvalidSigner.selector));
    }

    function test_a_signature_for_another_chain_is_refused() public {
        Plan memory plan = _signed(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        vm.chainId(5);
        _expect(plan, abi.encodeWithSelector(InvalidSigner.selector));
    }

    function test_another_who_holds_the_signed_plan_cannot_send_it(address caller) public {
        vm.assume(caller != desk);
        Plan memory plan = _signed(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        bytes memory packed = Plans.encode(plan);
        vm.prank(caller);
        (bool success,) = address(executor).call(packed);
        assertFalse(success);
    }

    function test_only_a_path_can_be_paid_straight() public {
        _v4Pool(a, b);
        bytes memory notDirect = abi.encodeWithSelector(IExecutor.NotDirect.selector, 82);
        _expect(_signed(_plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false))), notDirect);
        bytes memory two =
            abi.encodePacked(Plans.v2(0, 1, Plans.share(1 << 31), 0), Plans.v3(0, 1, Plans.all(), 0, FEE));
        _expect(_signed(_plan(a, b, AMOUNT, two)), notDirect);
    }

    function test_the_owners_minimum_holds_where_the_owner_is_paid() public {
        Plan memory plan = _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE));
        plan.minOut = AMOUNT;
        bytes memory packed = Plans.encode(_signed(plan));
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.MinOutMissed.selector);
        executor.execute(packed);
    }

    function _straight(Plan memory plan) private {
        (uint256 spent, uint256 received) = _run(_signed(plan));
        assertEq(spent, AMOUNT);
        assertEq(_balance(a, desk), 0);
        assertEq(_balance(b, desk), received);
        assertGt(received, 0);
        _nothingRests();
    }

    function _nothingRests() private view {
        assertEq(_balance(a, address(executor)), 0);
        assertEq(_balance(b, address(executor)), 0);
        assertEq(_balance(c, address(executor)), 0);
        assertEq(IERC20(a).allowance(desk, address(executor)), 0);
    }

    function _signed(Plan memory plan) private view returns (Plan memory) {
        if (plan.flags == 0) plan.flags = uint8(FLAG_PERMIT);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(deskKey, Permits.digest(plan, address(executor), NONCE));
        plan.permit = Permits.tail(NONCE, abi.encodePacked(r, s, v));
        return plan;
    }

    function _expect(Plan memory plan, bytes memory refusal) private {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert(refusal);
        executor.execute(packed);
    }
}
