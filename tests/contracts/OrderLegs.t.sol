// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IZeroEx} from "contracts/interfaces/IFurtherVenues.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_AIRSWAP, LEG_ZEROEX_RFQ} from "contracts/types/Plan.sol";

import {PlainZeroEx} from "./mocks/PlainZeroEx.sol";
import {Orders} from "./support/Orders.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice AirSwap's orders, by its published bytecode.
contract AirSwapLegTest is FurtherChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    uint128 internal constant GIVEN = 2000e18;
    uint256 internal constant FEE_BPS = 5;
    uint256 internal constant LIGHT_FEE_BPS = 7;

    address internal airSwap;
    address internal feeWallet = makeAddr("fees");

    function setUp() public override {
        super.setUp();
        airSwap = _deploy(
            "node_modules/@airswap/swap-erc20/build/contracts/SwapERC20.sol/SwapERC20.json",
            abi.encode(FEE_BPS, LIGHT_FEE_BPS, feeWallet, 10, 100)
        );
        IAnnex.Places memory known;
        known.airSwap = airSwap;
        _settle(known);
        _mint(a, address(executor), AMOUNT);
        vm.prank(maker);
        IERC20(b).approve(airSwap, type(uint256).max);
    }

    function test_an_order_is_filled_and_leaves_no_allowance() public {
        (uint256 spent, uint256 received) = _run(_orderPlan(_order(false)));
        assertEq(spent, AMOUNT);
        assertEq(received, GIVEN);
        assertEq(_balance(a, maker), DEPTH + AMOUNT);
        assertEq(_balance(b, feeWallet), GIVEN * FEE_BPS / 10_000);
        assertEq(IERC20(a).allowance(address(executor), airSwap), 0);
    }

    function test_a_light_order_is_filled_by_the_light_function() public {
        (uint256 spent, uint256 received) = _run(_orderPlan(_order(true)));
        assertEq(spent, AMOUNT);
        assertEq(received, GIVEN);
        assertEq(_balance(b, feeWallet), GIVEN * LIGHT_FEE_BPS / 10_000);
        assertEq(IERC20(a).allowance(address(executor), airSwap), 0);
    }

    function test_an_order_is_filled_once() public {
        _mint(a, address(executor), AMOUNT);
        _run(_orderPlan(_order(false)));
        _refuses(_orderPlan(_order(false)), abi.encodeWithSignature("NonceAlreadyUsed(uint256)", 7));
    }

    function test_an_order_of_another_amount_is_not_the_makers() public {
        bytes memory invalid = abi.encodeWithSignature("SignatureInvalid()");
        FurtherPlans.AirSwapOrder memory order = _order(false);
        _refuses(_plan(a, b, AMOUNT, FurtherPlans.airSwap(0, 1, Plans.exact(AMOUNT - 1), order)), invalid);
        ++order.signerAmount;
        _refuses(_orderPlan(order), invalid);
    }

    function test_an_order_that_ended_is_refused() public {
        FurtherPlans.AirSwapOrder memory order = _order(false);
        vm.warp(NOW + 31);
        _refuses(_orderPlan(order), abi.encodeWithSignature("OrderExpired()"));
    }

    function test_a_chain_without_airswap_refuses() public {
        IAnnex.Places memory none;
        FurtherPlans.AirSwapOrder memory order = _order(false);
        _settle(none);
        _refuses(_orderPlan(order), abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_AIRSWAP, 0));
    }

    function _orderPlan(FurtherPlans.AirSwapOrder memory order) private view returns (Plan memory) {
        return _plan(a, b, AMOUNT, FurtherPlans.airSwap(0, 1, Plans.all(), order));
    }

    function _order(bool light) private view returns (FurtherPlans.AirSwapOrder memory order) {
        order = FurtherPlans.AirSwapOrder(maker, GIVEN, 7, NOW + 30, light, 0, 0, 0);
        uint256 fee = light ? LIGHT_FEE_BPS : FEE_BPS;
        bytes32 digest = Orders.airSwap(airSwap, order, Orders.Trade(b, a, AMOUNT, address(executor), fee));
        (order.v, order.r, order.s) = vm.sign(makerKey, digest);
    }
}

/// @notice 0x's RFQ orders.
contract ZeroExLegTest is FurtherChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;

    address internal zeroEx;
    address internal sender = makeAddr("sender");

    function setUp() public virtual override {
        super.setUp();
        zeroEx = _zeroEx();
        IAnnex.Places memory known;
        known.zeroEx = zeroEx;
        _settle(known);
        _mint(a, address(executor), AMOUNT);
        vm.prank(maker);
        IERC20(b).approve(zeroEx, type(uint256).max);
    }

    function test_an_order_is_filled_and_leaves_no_allowance() public {
        (uint256 spent, uint256 received) = _send(_orderPlan(_order(), AMOUNT));
        assertEq(spent, AMOUNT);
        assertEq(received, 2 * AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), zeroEx), 0);
    }

    function test_an_order_for_anybody_is_filled() public {
        IZeroEx.RfqOrder memory order = _order();
        order.taker = address(0);
        (, uint256 received) = _send(_orderPlan(order, AMOUNT));
        assertEq(received, 2 * AMOUNT);
    }

    function test_an_order_is_filled_in_parts_and_then_no_further() public {
        _mint(a, address(executor), AMOUNT);
        (uint256 spent, uint256 received) = _send(_orderPlan(_order(), AMOUNT / 4));
        assertEq(spent, AMOUNT / 4);
        assertEq(received, AMOUNT / 2);
        // Of the rest there is less than the leg would sell.
        (spent, received) = _send(_orderPlan(_order(), AMOUNT));
        assertEq(spent, AMOUNT * 3 / 4);
        assertEq(received, AMOUNT * 3 / 2);
        assertEq(IERC20(a).allowance(address(executor), zeroEx), 0);
        bytes memory packed = Plans.encode(_orderPlan(_order(), 1));
        vm.prank(desk, sender);
        vm.expectRevert();
        executor.execute(packed);
    }

    function test_an_order_for_another_sender_or_taker_or_signed_by_another_is_refused() public {
        IZeroEx.RfqOrder memory order = _order();
        _refusedBy(desk, _orderPlan(order, AMOUNT));
        order.maker = desk;
        _refusedBy(sender, _orderPlan(order, AMOUNT));
        // Signed for somebody else, where the leg can only mean this account or anybody.
        order = _order();
        order.taker = desk;
        _refusedBy(sender, _orderPlan(order, AMOUNT));
    }

    function test_a_chain_without_zero_ex_refuses() public {
        Plan memory plan = _orderPlan(_order(), AMOUNT);
        IAnnex.Places memory none;
        _settle(none);
        _refuses(plan, abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_ZEROEX_RFQ, 0));
    }

    function _send(Plan memory plan) private returns (uint256 spent, uint256 received) {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk, sender);
        return executor.execute(packed);
    }

    function _refusedBy(address origin, Plan memory plan) private {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk, origin);
        vm.expectRevert();
        executor.execute(packed);
    }

    function _orderPlan(IZeroEx.RfqOrder memory order, uint128 amount) private view returns (Plan memory) {
        IZeroEx.Signature memory signature;
        signature.signatureType = 2;
        (signature.v, signature.r, signature.s) = vm.sign(makerKey, Orders.zeroEx(zeroEx, order));
        return _plan(a, b, AMOUNT, FurtherPlans.zeroEx(0, 1, Plans.exact(amount), order, signature));
    }

    function _order() private view returns (IZeroEx.RfqOrder memory) {
        return IZeroEx.RfqOrder(b, a, 2 * AMOUNT, AMOUNT, maker, address(executor), sender, bytes32(0), NOW + 30, 99);
    }

    function _zeroEx() internal virtual returns (address) {
        return address(new PlainZeroEx());
    }
}

/// @notice The same by 0x's published bytecode, where its package is installed.
contract ZeroExPublishedTest is ZeroExLegTest {
    string private constant ARTIFACT =
        "node_modules/@0x/contracts-zero-ex/lib/generated-artifacts/NativeOrdersFeature.json";

    function setUp() public override {
        try vm.readFile(ARTIFACT) {
            super.setUp();
        } catch {
            vm.skip(true, "@0x/contracts-zero-ex is not installed");
        }
    }

    /// @notice Asked for once; collectors of fees play no part in RFQ orders.
    function FEE_COLLECTOR_INIT_CODE_HASH() external pure returns (bytes32) {
        return 0;
    }

    /// @dev The feature by itself, which takes itself for the proxy that it would stand behind.
    function _zeroEx() internal override returns (address deployed) {
        string memory text = vm.parseJsonString(vm.readFile(ARTIFACT), ".compilerOutput.evm.bytecode.object");
        address self = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        bytes memory code = abi.encodePacked(vm.parseBytes(text), abi.encode(self, weth, address(0), address(this), 0));
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        assertEq(deployed, self);
    }
}
