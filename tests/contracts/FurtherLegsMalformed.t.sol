// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {
    FIRST_FURTHER,
    LEG_ACROSS,
    LEG_AIRSWAP,
    LEG_BALANCER_V3,
    LEG_CALL,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_VAULT,
    LEG_WRAP,
    LEG_ZEROEX_RFQ,
    LENDER_BALANCER_V3
} from "contracts/types/Plan.sol";

import {Counter} from "./mocks/Targets.sol";
import {PlainVault} from "./mocks/Vaults.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {MakersOrders} from "./support/MakersOrders.sol";

/// @notice One plan for each kind from 10 on that runs, and what becomes of it when its particulars are damaged.
contract FurtherLegsMalformedTest is MakersOrders {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    uint256 internal constant KINDS = LEG_FLASH - FIRST_FURTHER + 1;

    PlainVault internal vault;
    Counter internal counter;
    address internal pool;
    address internal payee = makeAddr("payee");

    function setUp() public override {
        _needsPublished();
        super.setUp();
        vault = new PlainVault(a);
        counter = new Counter();
        _startBalancerV3();
        pool = _weightedPool(a, b, DEPTH);
        IAnnex.Places memory known;
        known.balancerV3Vault = balancerV3;
        known.spokePool = _startAcross(a, 10);
        known.zeroEx = _startZeroEx();
        known.airSwap = _deploy(
            "node_modules/@airswap/swap-erc20/build/contracts/SwapERC20.sol/SwapERC20.json",
            abi.encode(5, 7, payee, 10, 100)
        );
        _settle(known);
        _list(LEG_PAYOUT, payee, 0);
        _list(LEG_CALL, address(counter), Counter.trade.selector);
        vm.startPrank(maker);
        IERC20(b).approve(known.airSwap, type(uint256).max);
        IERC20(b).approve(known.zeroEx, type(uint256).max);
        vm.stopPrank();
        _mint(a, address(executor), AMOUNT);
        _mint(weth, address(executor), AMOUNT);
        _mint(b, address(counter), DEPTH);
        _pair(a, b);
    }

    function test_one_plan_of_each_kind_runs() public {
        for (uint256 kind = FIRST_FURTHER; kind <= LEG_FLASH; ++kind) {
            uint256 state = vm.snapshotState();
            assertTrue(_runs(kind, _particulars(kind)), vm.toString(kind));
            assertTrue(vm.revertToState(state));
        }
    }

    function test_particulars_cut_anywhere_only_ever_revert(uint8 which, uint16 size) public {
        uint256 kind = FIRST_FURTHER + which % KINDS;
        bytes memory particulars = _particulars(kind);
        vm.assume(particulars.length != 0);
        // A call's arguments may have any length that the called function takes: its own decoder refuses them.
        bytes memory cut = _slice(particulars, size % particulars.length);
        assertFalse(_runs(kind, cut));
    }

    function test_particulars_with_anything_behind_them_only_ever_revert(uint8 which, bytes calldata more) public {
        uint256 kind = FIRST_FURTHER + which % KINDS;
        // What stands behind a call's arguments is the called function's own business.
        vm.assume(more.length != 0 && kind != LEG_CALL);
        assertFalse(_runs(kind, bytes.concat(_particulars(kind), more)));
    }

    function test_a_flipped_bit_of_what_a_leg_deals_with_only_ever_reverts(uint8 which, uint16 bit) public {
        uint256 kind = FIRST_FURTHER + which % KINDS;
        bytes memory particulars = _particulars(kind);
        uint256 bound = _bound(kind, particulars.length);
        vm.assume(bound != 0);
        uint256 at = bit % (8 * bound);
        particulars[at / 8] ^= bytes1(uint8(1 << (at % 8)));
        assertFalse(_runs(kind, particulars));
    }

    function test_random_particulars_only_ever_revert(uint8 which, bytes calldata particulars) public {
        assertFalse(_runs(LEG_VAULT + which % (KINDS - 1), particulars));
    }

    function test_a_flipped_bit_anywhere_never_breaks_the_bounds(uint8 which, uint16 bit) public {
        uint256 kind = FIRST_FURTHER + which % KINDS;
        bytes memory packed = _packed(kind, _particulars(kind));
        uint256 legs = 8 + 2 * 37;
        uint256 at = 8 * legs + bit % (8 * (packed.length - legs));
        packed[at / 8] ^= bytes1(uint8(1 << (at % 8)));
        (uint256 heldA, uint256 heldWeth) = (_balance(a, address(executor)), _balance(weth, address(executor)));
        vm.prank(desk, desk);
        (bool success,) = address(executor).call(packed);
        if (!success) return;
        assertLe(heldA - _balance(a, address(executor)), AMOUNT);
        assertLe(heldWeth - _balance(weth, address(executor)), AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), address(counter)), 0);
        assertEq(IERC20(a).allowance(address(executor), places.spokePool), 0);
    }

    function test_a_length_that_leaves_the_plan_is_refused(uint8 which, uint16 length) public {
        uint256 kind = FIRST_FURTHER + which % KINDS;
        bytes memory particulars = _particulars(kind);
        vm.assume(length > particulars.length);
        bytes memory leg = abi.encodePacked(Plans._leg(kind, 0, 1, Plans.exact(1)), length, particulars);
        uint256 end = 8 + 2 * 37 + 20;
        bytes memory reason =
            abi.encodeWithSelector(IExecutor.PlanTruncated.selector, end + length, end + particulars.length);
        _refuses(_planOf(kind, leg), reason);
    }

    /// @dev How many of the first bytes decide what the leg deals with: nothing else than what they say may run.
    function _bound(uint256 kind, uint256 size) private pure returns (uint256) {
        if (kind == LEG_FLASH) return 21;
        if (kind == LEG_CALL) return 25;
        if (kind == LEG_ACROSS) return 20;
        return size;
    }

    function _runs(uint256 kind, bytes memory particulars) private returns (bool success) {
        bytes memory packed = _packed(kind, particulars);
        vm.prank(desk, desk);
        (success,) = address(executor).call(packed);
    }

    function _packed(uint256 kind, bytes memory particulars) private view returns (bytes memory) {
        bytes memory leg = FurtherPlans.leg(kind, 0, 1, Plans.exact(AMOUNT), particulars);
        return Plans.encode(_planOf(kind, leg));
    }

    function _planOf(uint256 kind, bytes memory leg) private view returns (Plan memory) {
        if (kind == LEG_WRAP) return _plan(weth, address(0), AMOUNT, leg);
        if (kind == LEG_VAULT) return _plan(a, address(vault), AMOUNT, leg);
        if (kind == LEG_PAYOUT || kind == LEG_ACROSS) return _planLeaving(a, a, AMOUNT, AMOUNT, leg);
        return _plan(a, b, AMOUNT, leg);
    }

    /// @dev What stands behind the length in a leg of that kind.
    function _particulars(uint256 kind) private view returns (bytes memory) {
        bytes memory amount = Plans.exact(AMOUNT);
        if (kind == LEG_WRAP) return "";
        if (kind == LEG_VAULT) return abi.encodePacked(vault);
        if (kind == LEG_PAYOUT) return abi.encodePacked(payee);
        if (kind == LEG_BALANCER_V3) return abi.encodePacked(pool);
        if (kind == LEG_CALL) {
            return abi.encodePacked(address(counter), true, abi.encodeCall(Counter.trade, (a, b, AMOUNT)));
        }
        if (kind == LEG_ACROSS) {
            FurtherPlans.Deposit memory deposit =
                FurtherPlans.Deposit(address(executor), b, 1, 10, address(0), uint32(NOW), uint32(NOW), 0);
            return _behind(FurtherPlans.across(0, 1, amount, deposit));
        }
        if (kind == LEG_AIRSWAP) return _behind(_airSwapLeg(amount, AMOUNT));
        if (kind == LEG_ZEROEX_RFQ) return _behind(_zeroExLeg(amount, AMOUNT));
        bytes[] memory plans = new bytes[](1);
        Plan memory inner = _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plans[0] = Plans.encode(inner);
        return _behind(FurtherPlans.flash(0, 1, amount, places.balancerV3Vault, LENDER_BALANCER_V3, AMOUNT, plans));
    }

    /// @dev Without head, tokens, amount and length.
    function _behind(bytes memory leg) private pure returns (bytes memory rest) {
        rest = new bytes(leg.length - 20);
        for (uint256 i = 0; i < rest.length; ++i) {
            rest[i] = leg[i + 20];
        }
    }

    function _slice(bytes memory whole, uint256 size) private pure returns (bytes memory cut) {
        cut = new bytes(size);
        for (uint256 i = 0; i < size; ++i) {
            cut[i] = whole[i];
        }
    }
}
