// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {
    BOUND_LEAVE,
    FLAG_DELIVER,
    FLAG_PERMIT,
    FLAG_PULL,
    LEG_CALL,
    LEG_PAYOUT,
    LENDER_BALANCER_V3
} from "contracts/types/Plan.sol";

import {MockSolidlyPool} from "./mocks/MockSolidly.sol";
import {Counter} from "./mocks/Targets.sol";
import {PlainVault} from "./mocks/Vaults.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Permits} from "./support/Permits.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {MakersOrders} from "./support/MakersOrders.sol";

/// @notice A valid plan of every leg kind, damaged in every way there is: each byte turned into others, cut at each length,
/// and more behind it. It is refused, or where the damage makes another valid plan, what it then says holds on balances; and
/// nothing that it never names moves.
/// @dev A leg kind that is added gets a line in `_plans`.
contract MalformedCalldataTest is MakersOrders {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    uint256 internal constant HELD = 5000e18;
    uint256 internal constant PLANS = 25;

    uint256 internal deskKey;
    address internal curve;
    address internal victim = makeAddr("victim");
    address internal payee = makeAddr("payee");
    address internal balancerPool;
    PlainVault internal vault;
    Counter internal counter;

    function setUp() public override {
        _needsPublished();
        (desk, deskKey) = makeAddrAndKey("desk");
        super.setUp();
        _furtherVenues();
        string memory published = vm.readFile("node_modules/@1inch/solidity-utils/dist/src/permit2.json");
        vm.etch(Permits.PERMIT2, vm.parseBytes(vm.parseJsonString(published, ".bytecode")));
        address[3] memory tokens = [a, b, c];
        for (uint256 i = 0; i < 3; ++i) {
            _mint(tokens[i], address(executor), HELD);
            _mint(tokens[i], desk, AMOUNT);
            _mint(tokens[i], victim, AMOUNT);
            vm.prank(victim);
            IERC20(tokens[i]).approve(address(executor), type(uint256).max);
            vm.startPrank(desk);
            IERC20(tokens[i]).approve(Permits.PERMIT2, type(uint256).max);
            // So that a flag that is turned on finds something.
            IERC20(tokens[i]).approve(address(executor), AMOUNT);
            vm.stopPrank();
            for (uint256 j = i + 1; j < 3; ++j) {
                _pair(tokens[i], tokens[j]);
                _v3Pool(tokens[i], tokens[j]);
            }
        }
        _v4Pool(a, b);
        curve = _curvePool(a, b);
        address solidly = solidlyFactory.createPool(a, b, true);
        _mint(a, solidly, DEPTH);
        _mint(b, solidly, DEPTH);
        MockSolidlyPool(solidly).sync();
    }

    /// @dev What legs from kind 10 on deal with.
    function _furtherVenues() private {
        (vault, counter) = (new PlainVault(a), new Counter());
        _startBalancerV3();
        balancerPool = _weightedPool(a, b, DEPTH);
        IAnnex.Places memory known;
        known.balancerV3Vault = balancerV3;
        known.spokePool = _startAcross(b, 10);
        known.zeroEx = _startZeroEx();
        known.airSwap = _deploy(
            "node_modules/@airswap/swap-erc20/build/contracts/SwapERC20.sol/SwapERC20.json",
            abi.encode(5, 7, makeAddr("fees"), 10, 100)
        );
        _settle(known);
        vm.prank(desk);
        executor.setVenue(7, 1, address(solidlyFactory), 0, 0);
        _list(LEG_PAYOUT, payee, 0);
        _list(LEG_CALL, address(counter), Counter.trade.selector);
        vm.startPrank(maker);
        IERC20(b).approve(known.airSwap, type(uint256).max);
        IERC20(b).approve(known.zeroEx, type(uint256).max);
        vm.stopPrank();
        _mint(b, address(counter), DEPTH);
        _mint(weth, address(executor), HELD);
    }

    function test_every_plan_is_valid_before_it_is_damaged() public {
        bytes[] memory plans = _plans();
        for (uint256 i = 0; i < plans.length; ++i) {
            uint256 state = vm.snapshotState();
            vm.prank(desk, desk);
            executor.execute(plans[i]);
            vm.revertToState(state);
        }
    }

    function test_each_byte_of_a_single_leg_turned_is_refused_or_keeps_what_is_then_written() public {
        _turnEach(0, 7);
    }

    function test_each_byte_of_an_exact_output_and_a_quote_turned_is_refused_or_keeps_what_is_then_written() public {
        _turnEach(7, 10);
    }

    function test_each_byte_of_a_path_and_of_the_owners_funds_turned_is_refused_or_keeps_what_is_then_written() public {
        _turnEach(10, 15);
    }

    function test_each_byte_of_a_wrap_a_vault_a_call_and_a_pool_of_balancers_turned_is_refused_or_keeps_it() public {
        _turnEach(15, 19);
    }

    function test_each_byte_of_other_makers_orders_turned_is_refused_or_keeps_it() public {
        _turnEach(19, 21);
    }

    function test_each_byte_of_what_leaves_turned_is_refused_or_keeps_it() public {
        _turnEach(21, 24);
    }

    function test_each_byte_of_a_loan_and_of_the_plan_within_turned_is_refused_or_keeps_it() public {
        _turnEach(24, PLANS);
    }

    function test_any_byte_turned_into_any_other_is_refused_or_keeps_what_is_then_written(
        uint256 which,
        uint256 at,
        uint8 turn
    ) public {
        bytes[] memory plans = _plans();
        bytes memory damaged = plans[which % plans.length];
        damaged[at % damaged.length] ^= bytes1(turn);
        _try(damaged);
    }

    function test_a_plan_cut_at_any_length_is_refused_or_keeps_what_is_then_written() public {
        bytes[] memory plans = _plans();
        for (uint256 i = 0; i < plans.length; ++i) {
            for (uint256 length = plans[i].length - 1; length != 0; --length) {
                bytes memory cut = plans[i];
                assembly ("memory-safe") {
                    mstore(cut, length)
                }
                _try(cut);
            }
        }
    }

    function test_a_plan_with_more_behind_it_is_refused_or_keeps_what_is_then_written(
        uint256 which,
        bytes calldata more
    ) public {
        bytes[] memory plans = _plans();
        _try(bytes.concat(plans[which % plans.length], more));
    }

    function test_a_plan_with_one_byte_more_is_refused() public {
        bytes[] memory plans = _plans();
        for (uint256 i = 0; i < plans.length; ++i) {
            for (uint256 more = 0; more < 256; ++more) {
                vm.prank(desk, desk);
                (bool success,) = address(executor).call(abi.encodePacked(plans[i], uint8(more)));
                assertFalse(success);
            }
        }
    }

    function test_what_must_leave_is_not_counted_as_having_left_when_it_is_delivered() public {
        for (uint8 flags = 2; flags < 4; ++flags) {
            Plan memory plan = _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
            plan.flags = flags;
            bytes memory packed = Plans.encode(plan);
            packed[8 + 37] = bytes1(uint8(BOUND_LEAVE));
            vm.prank(desk);
            vm.expectRevert(abi.encodeWithSelector(IExecutor.AssetBound.selector, b, BOUND_LEAVE));
            executor.execute(packed);
        }
    }

    function _turnEach(uint256 from, uint256 to) private {
        bytes[] memory plans = _plans();
        uint8[4] memory turns = [0x01, 0x02, 0x80, 0xff];
        for (uint256 i = from; i < to; ++i) {
            for (uint256 at = 0; at < plans[i].length; ++at) {
                for (uint256 j = 0; j < turns.length; ++j) {
                    bytes memory damaged = bytes.concat(plans[i]);
                    damaged[at] ^= bytes1(turns[j]);
                    _try(damaged);
                }
            }
        }
    }

    /// @dev Bounds, tokens and amounts are read here anew, from the head as it is after the damage.
    function _try(bytes memory packed) private {
        uint256 state = vm.snapshotState();
        address[3] memory tokens = [a, b, c];
        uint256[3] memory before;
        for (uint256 i = 0; i < 3; ++i) {
            before[i] = _ours(tokens[i]);
        }
        uint256[3] memory away = [_away(a), _away(b), _away(c)];
        vm.prank(desk, desk);
        (bool success,) = address(executor).call(packed);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 found = _ours(tokens[i]);
            if (success) _withinBounds(packed, tokens[i], before[i], found);
            if (success) _hasLeft(packed, tokens[i], _away(tokens[i]) - away[i]);
            else assertEq(found, before[i], "refused, and yet moved");
            assertEq(_balance(tokens[i], victim), AMOUNT, "the victim's");
            assertEq(IERC20(tokens[i]).allowance(address(executor), curve), 0, "allowance");
            assertEq(IERC20(tokens[i]).allowance(address(executor), address(counter)), 0, "allowance");
            assertEq(IERC20(tokens[i]).allowance(address(executor), places.spokePool), 0, "allowance");
        }
        if (success) assertTrue(_isPlan(packed) || uint8(packed[0]) != 2, "ran, and is no plan");
        vm.revertToStateAndDelete(state);
    }

    function _withinBounds(bytes memory packed, address token, uint256 before, uint256 found) private pure {
        (bool named, uint256 bound, uint256 amount) = _declared(packed, token);
        if (!named) {
            assertEq(found, before, "not named, and yet moved");
        } else if (bound == 1) {
            assertLe(before, found + amount, "fell by more");
        } else if (bound == 2) {
            assertGe(found, before + amount, "rose by less");
        } else if (bound == BOUND_LEAVE) {
            assertGe(found, before, "fell beyond what left");
        } else {
            assertTrue(
                found >= before && found - before <= amount, string.concat("did not stay: ", vm.toString(packed))
            );
        }
    }

    /// @dev Of an asset 1 that must leave, that much did: to the payee or the bridge, the only ones that are listed.
    function _hasLeft(bytes memory packed, address token, uint256 left) private pure {
        uint256 at = 8 + 37;
        if (packed.length < at + 37 || _word(packed, at, 1) != BOUND_LEAVE) return;
        if (address(uint160(_word(packed, at + 1, 20))) != token) return;
        assertGe(left, _word(packed, at + 21, 16), "less left");
    }

    function _away(address token) private view returns (uint256) {
        return _balance(token, payee) + _balance(token, places.spokePool);
    }

    function _declared(bytes memory packed, address token)
        private
        pure
        returns (bool named, uint256 bound, uint256 amount)
    {
        if (packed.length < 8) return (false, 0, 0);
        for (uint256 i = 0; i < uint8(packed[7]) >> 4; ++i) {
            uint256 at = 8 + 37 * i;
            if (at + 37 > packed.length || address(uint160(_word(packed, at + 1, 20))) != token) continue;
            return (true, _word(packed, at, 1), _word(packed, at + 21, 16));
        }
    }

    function _isPlan(bytes memory packed) private view returns (bool) {
        return packed.length > 82 && uint8(packed[0]) == 2 && _word(packed, 2, 5) >= block.timestamp;
    }

    function _word(bytes memory packed, uint256 at, uint256 size) private pure returns (uint256 value) {
        for (uint256 i = 0; i < size; ++i) {
            value = (value << 8) | uint8(packed[at + i]);
        }
    }

    /// @dev The account's and its owner's, as funds may come from the one and go to the other.
    function _ours(address token) private view returns (uint256) {
        return _balance(token, address(executor)) + _balance(token, desk);
    }

    /// @dev One of each kind, each way of funding, and paths.
    function _plans() private view returns (bytes[] memory plans) {
        plans = new bytes[](PLANS);
        uint256 count;
        bytes[9] memory legs = [
            Plans.v2(0, 1, Plans.all(), 0),
            Plans.v2(0, 1, Plans.exact(AMOUNT), 0),
            Plans.v3(0, 1, Plans.all(), 0, FEE),
            Plans.v3(0, 1, Plans.share(1 << 31), 0, FEE),
            Plans.v4(0, 1, Plans.all(), FEE, SPACING, false),
            Plans.curve(0, 1, Plans.all(), curve, 0, 1, false),
            Plans.solidly(0, 1, Plans.all(), 1, true),
            Plans.exactOut(0, 1, AMOUNT / 2, abi.encodePacked(uint8(0), FEE), ""),
            Plans.exactOut(0, 1, AMOUNT / 2, abi.encodePacked(uint8(0), FEE, uint8(0), FEE), hex"02")
        ];
        for (; count < 9; ++count) {
            Plan memory plan = _planHanding(a, b, c, AMOUNT, legs[count]);
            if (count < 8) plan = _plan(a, b, AMOUNT, legs[count]);
            plans[count] = Plans.encode(plan);
        }
        Quote memory quote = _quote(b, a, AMOUNT);
        plans[count++] = Plans.encode(_plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        bytes memory handed =
            abi.encodePacked(Plans.hand(Plans.v2(0, 2, Plans.all(), 0)), Plans.v3(2, 1, Plans.all(), 0, FEE));
        plans[count++] = Plans.encode(_planHanding(a, b, c, AMOUNT, handed));
        bytes memory resting = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v2(2, 1, Plans.all(), 0));
        plans[count++] = Plans.encode(_planVia(a, b, c, AMOUNT, resting));
        Plan memory pulled = _plan(a, b, AMOUNT, legs[0]);
        pulled.flags = uint8(FLAG_PULL + FLAG_DELIVER);
        plans[count++] = Plans.encode(pulled);
        plans[count++] = _signed(_plan(a, b, AMOUNT, legs[2]), FLAG_PERMIT);
        plans[count++] = _signed(_plan(a, b, AMOUNT, legs[0]), FLAG_PERMIT + FLAG_PULL + FLAG_DELIVER);
        bytes memory amount = Plans.all();
        plans[count++] = Plans.encode(_plan(weth, address(0), AMOUNT, FurtherPlans.wrap(0, 1, amount)));
        plans[count++] =
            Plans.encode(_plan(a, address(vault), AMOUNT, FurtherPlans.vault(0, 1, amount, address(vault))));
        bytes memory call_ = abi.encodeCall(Counter.trade, (a, b, AMOUNT));
        bytes memory leg = FurtherPlans.callOut(0, 1, amount, address(counter), true, call_);
        plans[count++] = Plans.encode(_plan(a, b, AMOUNT, leg));
        plans[count++] = Plans.encode(_plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, amount, balancerPool)));
        plans[count++] = Plans.encode(_plan(a, b, AMOUNT, _airSwapLeg(amount, AMOUNT)));
        plans[count++] = Plans.encode(_plan(a, b, AMOUNT, _zeroExLeg(amount, AMOUNT)));
        leg = FurtherPlans.payout(0, 1, amount, payee);
        plans[count++] = Plans.encode(_planLeaving(a, a, AMOUNT, AMOUNT, leg));
        leg = abi.encodePacked(Plans.v2(0, 1, amount, 0), FurtherPlans.payout(1, 0, amount, payee));
        plans[count++] = Plans.encode(_planLeaving(a, b, AMOUNT, AMOUNT / 2, leg));
        FurtherPlans.Deposit memory deposit =
            FurtherPlans.Deposit(address(executor), b, 1, 10, address(0), uint32(NOW), uint32(NOW), 0);
        leg = abi.encodePacked(Plans.v2(0, 1, amount, 0), FurtherPlans.across(1, 0, amount, deposit));
        plans[count++] = Plans.encode(_planLeaving(a, b, AMOUNT, AMOUNT / 2, leg));
        bytes[] memory inner = new bytes[](1);
        inner[0] = plans[0];
        leg = FurtherPlans.flash(0, 1, Plans.exact(AMOUNT), places.balancerV3Vault, LENDER_BALANCER_V3, AMOUNT, inner);
        plans[count++] = Plans.encode(_plan(a, b, AMOUNT, leg));
        assertEq(count, PLANS);
    }

    function _signed(Plan memory plan, uint256 flags) private view returns (bytes memory) {
        plan.flags = uint8(flags);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(deskKey, Permits.digest(plan, address(executor), 3));
        plan.permit = Permits.tail(3, abi.encodePacked(r, s, v));
        return Plans.encode(plan);
    }
}
