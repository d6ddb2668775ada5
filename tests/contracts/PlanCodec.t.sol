// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {BOUND_FALL, BOUND_RISE, BOUND_UNCHANGED, MAX_TOTAL, PLAN_VERSION} from "contracts/types/Plan.sol";

import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {PlanReader, ReadPlan, Reading} from "./support/PlanReader.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice The decoder takes what the encoder makes and nothing else.
contract PlanCodecTest is Chain {
    using Sending for IExecutorUnderTest;
    using Reading for PlanReader;

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
        uint8 handed,
        uint128 amountIn,
        uint128 minOut,
        uint128 exact,
        uint24 fee
    ) public {
        Plan memory plan;
        (plan.flags, plan.deadline) = (uint8(bound(flags, 0, 3)), deadline);
        plan.tokens = new address[](bound(count, 2, 15));
        for (uint256 i = 0; i < plan.tokens.length; ++i) {
            plan.tokens[i] = address(uint160(0x1000 + i));
        }
        plan.handed = new address[](bound(handed, 0, MAX_TOTAL - plan.tokens.length));
        for (uint256 i = 0; i < plan.handed.length; ++i) {
            plan.handed[i] = address(uint160(0x2000 + i));
        }
        (plan.amountIn, plan.minOut) = (uint128(_some(amountIn)), uint128(_some(minOut)));
        exact = uint128(bound(exact, 1, uint128(type(int128).max)));
        plan.legs = Plans.v3(0, uint8(plan.tokens.length - 1), Plans.exact(exact), 7, fee);
        _check(plan, reader.read(Plans.encode(plan)), exact, fee);
    }

    function _some(uint256 amount) private pure returns (uint256) {
        return bound(amount, 1, type(uint128).max);
    }

    function _check(Plan memory plan, ReadPlan memory read, uint256 exact, uint24 fee) private pure {
        assertEq(read.flags, plan.flags);
        assertEq(read.deadline, plan.deadline);
        assertEq(read.handed, plan.handed);
        assertEq(read.assets.length, plan.tokens.length);
        for (uint256 i = 0; i < plan.tokens.length; ++i) {
            assertEq(read.assets[i].token, plan.tokens[i]);
            assertEq(read.assets[i].bound, i == 0 ? BOUND_FALL : i == 1 ? BOUND_RISE : BOUND_UNCHANGED);
        }
        assertEq(read.assets[0].amount, plan.amountIn);
        assertEq(read.assets[1].amount, plan.minOut);
        assertEq(read.legs.length, 1);
        assertEq(read.legs[0].indexOut, plan.tokens.length - 1);
        assertEq(read.legs[0].value, exact);
        assertEq(read.legs[0].words[0], 7);
        assertEq(read.legs[0].words[1], fee);
    }

    function test_a_plan_cut_anywhere_is_refused(uint256 length) public {
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        // Nothing at all is a payment of no coin by the owner.
        length = bound(length, 1, packed.length - 1);
        assembly ("memory-safe") {
            mstore(packed, length)
        }
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(packed);
    }

    function test_a_plan_with_bytes_after_its_last_leg_is_refused(bytes calldata extra) public {
        vm.assume(extra.length != 0);
        // Kinds from 1 to 9 in the lower five bits might be legs.
        vm.assume(uint8(extra[0]) & 31 == 0 || uint8(extra[0]) & 31 > 9 || extra.length < 3);
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(desk);
        vm.expectRevert();
        executor.execute(bytes.concat(packed, extra));
    }

    function test_no_function_begins_as_a_plan_does() public view {
        string[] memory selectors = vm.parseJsonKeys(vm.readFile("out/Steward.sol/Steward.json"), ".methodIdentifiers");
        assertGt(selectors.length, 10);
        for (uint256 i = 0; i < selectors.length; ++i) {
            assertNotEq(uint8(bytes4(keccak256(bytes(selectors[i])))[0]), PLAN_VERSION, selectors[i]);
        }
        assertNotEq(uint8(executor.uniswapV3SwapCallback.selector[0]), PLAN_VERSION);
        assertNotEq(uint8(executor.pancakeV3SwapCallback.selector[0]), PLAN_VERSION);
        assertNotEq(uint8(executor.unlockCallback.selector[0]), PLAN_VERSION);
        assertNotEq(uint8(executor.rfqPay.selector[0]), PLAN_VERSION);
    }

    /// @dev Every bit of what gives the plan its shape: version, token count, table, kind, indices, mode, venue.
    function test_a_flipped_bit_of_the_plans_shape_never_executes(uint256 bit) public {
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        // 1 version, 1 flags, 5 deadline, 1 counts, twice bound, token and amount, 2 leg, 16 amount, 1 venue.
        uint256[] memory shape = new uint256[](47);
        (shape[0], shape[1]) = (0, 7);
        for (uint256 i = 0; i < 42; ++i) {
            shape[2 + i] = i < 21 ? 8 + i : 45 + i - 21;
        }
        (shape[44], shape[45], shape[46]) = (82, 83, 100);
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
        (bool success,) = address(executor).call(packed);
        if (!success) return;
        ReadPlan memory read = reader.read(packed);
        assertLe(heldA - _balance(a, address(executor)), read.assets[0].amount);
        assertGe(_balance(b, address(executor)) + _balance(b, desk) - heldB, read.assets[1].amount);
    }

    function test_the_head_is_checked() public {
        Plan memory plan = _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = 8;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.PlanFlags.selector, 8));
        plan.flags = 0;
        plan.amountIn = 0;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.ZeroAmountIn.selector));
        plan.amountIn = AMOUNT;
        plan.minOut = 0;
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.ZeroMinOut.selector));
        plan.minOut = 1;
        plan.legs = "";
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 83, 82));
        plan.tokens = new address[](1);
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.TokenCount.selector, 1));
        plan.tokens = new address[](2);
        plan.handed = new address[](15);
        _expect(Plans.encode(plan), abi.encodeWithSelector(IExecutor.TokenCount.selector, 17));
    }

    function test_what_is_no_plan_is_asked_of_the_steward_which_knows_it_not() public {
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        packed[0] = 0x01;
        _expect(packed, "");
    }

    function test_a_bound_is_checked() public {
        bytes memory packed = Plans.encode(_planVia(a, b, c, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        address[3] memory tokens = [a, b, c];
        uint8[3] memory wrong = [2, 1, 3];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory damaged = bytes.concat(packed);
            damaged[8 + 37 * i] = bytes1(wrong[i]);
            _expect(damaged, abi.encodeWithSelector(IExecutor.AssetBound.selector, tokens[i], wrong[i]));
        }
    }

    function test_a_legs_tokens_must_be_two_of_the_plans() public {
        uint8[2][4] memory pairs = [[uint8(0), 0], [uint8(0), 3], [uint8(3), 1], [uint8(2), 2]];
        for (uint256 i = 0; i < pairs.length; ++i) {
            bytes memory leg = Plans.v2(pairs[i][0], pairs[i][1], Plans.all(), 0);
            bytes memory packed = Plans.encode(_planVia(a, b, c, AMOUNT, leg));
            _expect(packed, abi.encodeWithSelector(IExecutor.TokenIndex.selector, 119, pairs[i][0], pairs[i][1]));
        }
    }

    function test_a_leg_cannot_pay_into_what_is_not_declared() public {
        _pair(a, c);
        bytes memory packed = Plans.encode(_planHanding(a, b, c, AMOUNT, Plans.v2(0, 2, Plans.all(), 0)));
        _expect(packed, abi.encodeWithSelector(IExecutor.NotDeclared.selector, 0, 2));
    }

    function test_a_leg_cannot_pay_from_what_is_not_declared() public {
        _pair(c, b);
        _mint(c, address(executor), AMOUNT);
        bytes memory packed = Plans.encode(_planHanding(a, b, c, AMOUNT, Plans.v2(2, 1, Plans.all(), 0)));
        _expect(packed, abi.encodeWithSelector(IExecutor.ZeroLegAmount.selector, 102));
    }

    function test_what_is_handed_on_must_be_sold_whole_by_a_pool_that_can_be_paid() public {
        _pair(a, c);
        _v3Pool(a, c);
        _v3Pool(c, b);
        bytes memory v2 = Plans.hand(Plans.v2(0, 2, Plans.all(), 0));
        bytes memory v3 = Plans.hand(Plans.v3(0, 2, Plans.all(), 0, FEE));
        bytes memory last = Plans.v3(2, 1, Plans.all(), 0, FEE);
        bytes memory wrong = abi.encodeWithSelector(IExecutor.HandedWrong.selector, 105);
        _expectHanding(abi.encodePacked(v2, Plans.v3(2, 1, Plans.exact(1), 0, FEE)), wrong);
        _expectHanding(abi.encodePacked(v2, Plans.v3(0, 1, Plans.all(), 0, FEE)), wrong);
        _expectHanding(abi.encodePacked(v3, last), abi.encodeWithSelector(IExecutor.HandedWrong.selector, 114));
        _expectHanding(
            abi.encodePacked(v2, Plans.v4(2, 1, Plans.all(), FEE, SPACING, false)),
            abi.encodeWithSelector(IExecutor.NoPath.selector, 107, 3)
        );
        _expectHanding(
            Plans.hand(Plans.v4(0, 2, Plans.all(), FEE, SPACING, false)),
            abi.encodeWithSelector(IExecutor.HandedWrong.selector, 102)
        );
        _expectHanding(v2, abi.encodeWithSelector(IExecutor.TokenIndex.selector, 105, 0, 0));
    }

    function test_a_legs_particulars_are_checked() public {
        _expectLeg(hex"530100", abi.encodeWithSelector(IExecutor.UnknownLegKind.selector, 82, 19));
        _expectLeg(hex"400100", abi.encodeWithSelector(IExecutor.UnknownLegKind.selector, 82, 0));
        _expectLeg(hex"610100", abi.encodeWithSelector(IExecutor.UnknownAmountMode.selector, 82, 3));
        _expectLeg(Plans.v2(0, 1, Plans.exact(0), 0), abi.encodeWithSelector(IExecutor.ZeroLegAmount.selector, 82));
        _expectLeg(Plans.v2(0, 1, Plans.share(0), 0), abi.encodeWithSelector(IExecutor.ZeroLegAmount.selector, 82));
        _expectLeg(hex"4701" hex"01" hex"02", abi.encodeWithSelector(IExecutor.BadSwitch.selector, 2));
        _expectLeg(hex"4301" hex"000bb8" hex"00003c" hex"ff", abi.encodeWithSelector(IExecutor.BadSwitch.selector, 255));
        _expectLeg(hex"4201" hex"00" hex"000b", abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 88, 87));
        _expectLeg(Plans.exactOut(0, 1, 1, "", ""), abi.encodeWithSelector(IExecutor.NoHops.selector, 82 + 18));
    }

    function test_a_quote_whose_signature_leaves_the_plan_is_refused() public {
        bytes memory leg = abi.encodePacked(
            hex"4801", maker, uint128(AMOUNT), uint128(AMOUNT), uint40(NOW), uint256(1), false, uint16(65), hex"00"
        );
        _expectLeg(leg, abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 82 + leg.length + 64, 82 + leg.length));
    }

    function _expectHanding(bytes memory legs, bytes memory refusal) private {
        _expect(Plans.encode(_planHanding(a, b, c, AMOUNT, legs)), refusal);
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
