// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_AIRSWAP} from "contracts/types/Plan.sol";

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
