// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {MAX_TOKENS} from "contracts/types/Plan.sol";

import {Chain} from "./support/Chain.sol";
import {PlanReader, ReadPlan} from "./support/PlanReader.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice The decoder takes what the encoder makes and nothing else.
contract PlanCodecTest is Chain {
    uint128 internal constant AMOUNT = 1000e18;

    PlanReader internal reader;

    function setUp() public override {
        super.setUp();
        reader = new PlanReader();
        _mint(a, address(executor), AMOUNT);
    }

    function test_any_plan_decodes_to_its_fields(
        uint8 flags,
        uint40 deadline,
        uint8 count,
        uint128 amountIn,
        uint128 minOut,
        uint128 exact,
        uint8 venue,
        uint24 fee
    ) public view {
        Plan memory plan;
        plan.flags = uint8(bound(flags, 0, 3));
        plan.deadline = deadline;
        plan.tokens = new address[](bound(count, 2, MAX_TOKENS));
        for (uint256 i = 0; i < plan.tokens.length; ++i) {
            plan.tokens[i] = address(uint160(0x1000 + i));
        }
        plan.amountIn = uint128(bound(amountIn, 1, type(uint128).max));
        plan.minOut = uint128(bound(minOut, 1, type(uint128).max));
        exact = uint128(bound(exact, 1, uint128(type(int128).max)));
        uint8 last = uint8(plan.tokens.length - 1);
        plan.legs = Plans.v3(0, last, Plans.exact(exact), venue, fee);
        ReadPlan memory read = reader.execute(Plans.encode(plan));
        assertEq(read.flags, plan.flags);
        assertEq(read.deadline, deadline);
        assertEq(read.tokens, plan.tokens);
        assertEq(read.amountIn, plan.amountIn);
        assertEq(read.minOut, plan.minOut);
        assertEq(read.legs.length, 1);
        assertEq(read.legs[0].indexOut, last);
        assertEq(read.legs[0].value, exact);
        assertEq(read.legs[0].words[0], venue);
        assertEq(read.legs[0].words[1], fee);
    }

    function test_a_plan_cut_anywhere_is_refused(uint256 length) public {
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        length = bound(length, 0, packed.length - 1);
        assembly ("memory-safe") {
            mstore(packed, length)
        }
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(packed);
    }

    function test_a_plan_with_bytes_after_its_last_leg_is_refused(bytes calldata extra) public {
        vm.assume(extra.length != 0);
        vm.assume(uint8(extra[0]) == 0 || uint8(extra[0]) > 8 || extra.length < 5);
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(bytes.concat(packed, extra));
    }

    function test_a_call_with_bytes_beyond_its_plan_is_refused(bytes calldata extra) public {
        vm.assume(extra.length != 0);
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        bytes memory call_ = bytes.concat(abi.encodeCall(executor.execute, (packed)), extra);
        uint256 expected = call_.length - extra.length;
        vm.prank(desk);
        (bool success, bytes memory reason) = address(executor).call(call_);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IExecutor.CalldataLength.selector, expected, call_.length));
    }

    function test_a_plan_elsewhere_in_calldata_is_refused() public {
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        bytes memory call_ =
            abi.encodePacked(executor.execute.selector, uint256(64), uint256(0), packed.length, packed, new bytes(31));
        vm.prank(desk);
        (bool success, bytes memory reason) = address(executor).call(call_);
        assertFalse(success);
        assertEq(bytes4(reason), IExecutor.CalldataLength.selector);
    }

    /// @dev Every bit of what gives the plan its shape: version, token count, table, kind, indices, mode, venue.
    function test_a_flipped_bit_of_the_plans_shape_never_executes(uint256 bit) public {
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        // 1 version, 1 flags, 5 deadline, 1 count, 40 table, 32 amounts, 4 leg, 16 amount, 1 venue.
        uint256[] memory shape = new uint256[](47);
        (shape[0], shape[1]) = (0, 7);
        for (uint256 i = 0; i < 40; ++i) {
            shape[2 + i] = 8 + i;
        }
        for (uint256 i = 0; i < 4; ++i) {
            shape[42 + i] = 80 + i;
        }
        shape[46] = 100;
        bit = bound(bit, 0, 47 * 8 - 1);
        packed[shape[bit / 8]] ^= bytes1(uint8(1 << (bit % 8)));
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(packed);
    }

    /// @dev Whatever else is flipped, the owner's own limits hold.
    function test_a_flipped_bit_anywhere_keeps_the_limits_that_are_then_written(uint256 bit) public {
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        bit = bound(bit, 0, packed.length * 8 - 1);
        packed[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        (uint256 heldA, uint256 heldB) = (_balance(a, address(executor)), _balance(b, address(executor)));
        vm.prank(desk);
        (bool success,) = address(executor).call(abi.encodeCall(executor.execute, (packed)));
        if (!success) return;
        ReadPlan memory read = reader.execute(packed);
        assertLe(heldA - _balance(a, address(executor)), read.amountIn);
        assertGe(_balance(b, address(executor)) + _balance(b, desk) - heldB, read.minOut);
    }

    function test_the_head_is_checked() public {
        Plan memory plan = _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        bytes memory packed = Plans.encode(plan);
        packed[0] = 0x02;
        _expect(packed, abi.encodeWithSelector(IExecutor.PlanVersion.selector, 2));
        plan.flags = 4;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.PlanFlags.selector, 4));
        plan.flags = 0;
        plan.amountIn = 0;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.ZeroAmountIn.selector));
        plan.amountIn = AMOUNT;
        plan.minOut = 0;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.ZeroMinOut.selector));
        plan.minOut = 1;
        plan.tokens[1] = a;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.DuplicateToken.selector, a));
        plan.tokens[1] = b;
        plan.legs = "";
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.PlanWithoutLegs.selector));
        plan.tokens = new address[](1);
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.TokenCount.selector, 1));
        plan.tokens = new address[](17);
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.TokenCount.selector, 17));
        _expect("", abi.encodeWithSelector(IExecutor.PlanVersion.selector, 0));
    }

    function test_legs_may_only_sell_what_the_plan_may_sell() public {
        uint8[2][6] memory pairs =
            [[uint8(0), 0], [uint8(1), 2], [uint8(2), 0], [uint8(0), 3], [uint8(3), 1], [uint8(2), 2]];
        for (uint256 i = 0; i < pairs.length; ++i) {
            bytes memory leg = Plans.v2(pairs[i][0], pairs[i][1], Plans.all(), 0);
            bytes memory packed = Plans.encode(_planVia(a, b, c, AMOUNT, leg));
            _expect(packed, abi.encodeWithSelector(IExecutor.TokenIndex.selector, 100, pairs[i][0], pairs[i][1]));
        }
    }

    function test_a_legs_particulars_are_checked() public {
        _expectLeg(hex"0900010200", abi.encodeWithSelector(IExecutor.UnknownLegKind.selector, 80, 9));
        _expectLeg(hex"0000010200", abi.encodeWithSelector(IExecutor.UnknownLegKind.selector, 80, 0));
        _expectLeg(hex"0100010300", abi.encodeWithSelector(IExecutor.UnknownAmountMode.selector, 80, 3));
        _expectLeg(Plans.v2(0, 1, Plans.exact(0), 0), abi.encodeWithSelector(IExecutor.ZeroLegAmount.selector, 80));
        _expectLeg(Plans.v2(0, 1, Plans.share(0), 0), abi.encodeWithSelector(IExecutor.ZeroLegAmount.selector, 80));
        _expectLeg(hex"0700010201" hex"02", abi.encodeWithSelector(IExecutor.BadSwitch.selector, 2));
        _expectLeg(
            hex"03000102" hex"000bb8" hex"00003c" hex"ff", abi.encodeWithSelector(IExecutor.BadSwitch.selector, 255)
        );
        _expectLeg(hex"02000102" hex"00" hex"000b", abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 88, 87));
    }

    function test_a_quote_whose_signature_leaves_the_plan_is_refused() public {
        bytes memory leg = abi.encodePacked(
            hex"08000102", maker, uint128(AMOUNT), uint128(AMOUNT), uint40(NOW), uint256(1), false, uint16(65), hex"00"
        );
        _expectLeg(leg, abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 80 + leg.length + 64, 80 + leg.length));
    }

    function _expectLeg(bytes memory leg, bytes memory refusal) private {
        _expect(Plans.encode(_plan(a, b, AMOUNT, leg)), refusal);
    }

    function _expect(bytes memory packed, bytes memory refusal) private {
        vm.prank(desk);
        vm.expectRevert(refusal);
        executor.execute(packed);
    }
}
