// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IZeroEx} from "contracts/interfaces/IFurtherVenues.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_ZEROEX_RFQ} from "contracts/types/Plan.sol";

import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Orders} from "./support/Orders.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {Published} from "./support/Published.sol";

interface IZeroExMaker {
    function cancelRfqOrder(IZeroEx.RfqOrder calldata order) external;
    function getRfqOrderHash(IZeroEx.RfqOrder calldata order) external view returns (bytes32);
    function registerAllowedRfqOrigins(address[] calldata origins, bool allowed) external;
    function registerAllowedOrderSigner(address signer, bool allowed) external;
}

/// @notice 0x's RFQ orders, by the published proxy and feature.
contract ZeroExLegTest is Published {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    uint8 internal constant ETH_SIGN = 3;
    uint8 internal constant FILLED = 2;
    uint8 internal constant CANCELLED = 3;
    uint8 internal constant EXPIRED = 4;

    address internal zeroEx;
    address internal sender = makeAddr("sender");

    function setUp() public override {
        _needsPublished();
        super.setUp();
        zeroEx = _startZeroEx();
        IAnnex.Places memory known;
        known.zeroEx = zeroEx;
        _settle(known);
        _mint(a, address(executor), AMOUNT);
        vm.prank(maker);
        IERC20(b).approve(zeroEx, type(uint256).max);
    }

    function test_the_hash_that_makers_sign_is_the_published_contracts(IZeroEx.RfqOrder memory order) public view {
        assertEq(IZeroExMaker(zeroEx).getRfqOrderHash(order), Orders.zeroEx(zeroEx, order));
    }

    function test_an_order_is_filled_and_leaves_no_allowance() public {
        (uint256 spent, uint256 received) = _send(_orderPlan(_order(), AMOUNT));
        assertEq(spent, AMOUNT);
        assertEq(received, 2 * AMOUNT);
        _assertNothingLeft();
    }

    function test_an_order_of_any_size_is_filled_in_part(uint128 takes, uint128 gives, uint128 part) public {
        takes = uint128(bound(takes, 1, DEPTH));
        gives = uint128(bound(gives, 1, DEPTH));
        part = uint128(bound(part, 1, DEPTH));
        uint256 taken = part < takes ? part : takes;
        uint256 given = taken * gives / takes;
        vm.assume(given != 0);
        IZeroEx.RfqOrder memory order = _order();
        (order.takerAmount, order.makerAmount) = (takes, gives);
        deal(a, address(executor), part);
        (uint256 had, uint256 bought) = (_balance(a, maker), _balance(b, maker));
        (uint256 spent, uint256 received) = _send(_planOf(order, part, part));
        assertEq(spent, taken);
        assertEq(received, given);
        assertEq(_balance(a, maker), had + taken);
        assertEq(_balance(b, maker), bought - given);
        assertEq(_balance(a, address(executor)), part - taken);
        _assertNothingLeft();
    }

    function test_an_order_for_anybody_is_filled() public {
        IZeroEx.RfqOrder memory order = _order();
        order.taker = address(0);
        (, uint256 received) = _send(_orderPlan(order, AMOUNT));
        assertEq(received, 2 * AMOUNT);
    }

    function test_a_maker_may_sign_as_wallets_do() public {
        IZeroEx.RfqOrder memory order = _order();
        bytes32 digest = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", Orders.zeroEx(zeroEx, order)));
        (, uint256 received) = _send(_signedPlan(order, _signature(ETH_SIGN, makerKey, digest)));
        assertEq(received, 2 * AMOUNT);
    }

    function test_a_makers_own_signer_may_sign() public {
        (address clerk, uint256 key) = makeAddrAndKey("clerk");
        IZeroEx.RfqOrder memory order = _order();
        IZeroEx.Signature memory signed = _signature(2, key, Orders.zeroEx(zeroEx, order));
        _refusesFrom(sender, _signedPlan(order, signed), _notSigned(order, clerk));
        vm.prank(maker);
        IZeroExMaker(zeroEx).registerAllowedOrderSigner(clerk, true);
        (, uint256 received) = _send(_signedPlan(order, signed));
        assertEq(received, 2 * AMOUNT);
    }

    function test_an_order_is_filled_in_parts_and_then_no_further(uint128 first) public {
        first = uint128(bound(first, 1, AMOUNT - 1));
        _mint(a, address(executor), AMOUNT);
        (uint256 spent, uint256 received) = _send(_orderPlan(_order(), first));
        assertEq(spent, first);
        assertEq(received, 2 * uint256(first));
        // Of the rest there is less than the leg would sell.
        (spent, received) = _send(_orderPlan(_order(), AMOUNT));
        assertEq(spent, AMOUNT - first);
        assertEq(received, 2 * uint256(AMOUNT - first));
        _assertNothingLeft();
        _refusesFrom(sender, _orderPlan(_order(), 1), _notFillable(_order(), FILLED));
    }

    function test_the_plans_minimum_holds_where_less_is_left_than_it_would_sell() public {
        _mint(a, address(executor), AMOUNT);
        _send(_orderPlan(_order(), AMOUNT / 4));
        Plan memory plan = _orderPlan(_order(), AMOUNT);
        plan.minOut = 2 * AMOUNT;
        _refusesFrom(
            sender, plan, abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 2 * AMOUNT * 3 / 4, 2 * AMOUNT)
        );
    }

    function test_a_part_that_brings_nothing_is_refused() public {
        IZeroEx.RfqOrder memory order = _order();
        (order.takerAmount, order.makerAmount) = (AMOUNT, 1);
        // 0x fills nothing then, and says that it did.
        _refusesFrom(
            sender, _orderPlan(order, AMOUNT - 1), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    function test_an_order_that_ended_is_refused() public {
        IZeroEx.RfqOrder memory order = _order();
        vm.warp(NOW + 30);
        _refusesFrom(sender, _orderPlan(order, AMOUNT), _notFillable(order, EXPIRED));
    }

    function test_an_order_that_its_maker_cancelled_is_refused() public {
        IZeroEx.RfqOrder memory order = _order();
        vm.prank(maker);
        IZeroExMaker(zeroEx).cancelRfqOrder(order);
        _refusesFrom(sender, _orderPlan(order, AMOUNT), _notFillable(order, CANCELLED));
    }

    function test_an_order_for_another_sender_is_refused_unless_that_one_lets_it() public {
        IZeroEx.RfqOrder memory order = _order();
        bytes32 hash = Orders.zeroEx(zeroEx, order);
        bytes memory reason =
            abi.encodeWithSignature("OrderNotFillableByOriginError(bytes32,address,address)", hash, desk, sender);
        _refusesFrom(desk, _orderPlan(order, AMOUNT), reason);
        address[] memory origins = new address[](1);
        origins[0] = desk;
        vm.prank(sender, sender);
        IZeroExMaker(zeroEx).registerAllowedRfqOrigins(origins, true);
        bytes memory packed = Plans.encode(_orderPlan(order, AMOUNT));
        vm.prank(desk, desk);
        (, uint256 received) = executor.execute(packed);
        assertEq(received, 2 * AMOUNT);
    }

    function test_an_order_signed_for_another_taker_is_not_this_accounts(address taker) public {
        vm.assume(taker != address(executor) && taker != address(0));
        IZeroEx.RfqOrder memory order = _order();
        order.taker = taker;
        IZeroEx.Signature memory signed = _signature(2, makerKey, Orders.zeroEx(zeroEx, order));
        // A leg can mean this account or anybody, so that the order is another one than the maker's.
        order.taker = address(executor);
        _refusesFrom(sender, _signedPlan(order, signed), _notSigned(order, _recovered(order, signed)));
    }

    function test_an_order_signed_for_another_chain_is_not_the_makers(uint64 chain) public {
        vm.assume(chain != block.chainid && chain != 0);
        IZeroEx.RfqOrder memory order = _order();
        uint256 here = block.chainid;
        vm.chainId(chain);
        bytes32 digest = Orders.zeroEx(zeroEx, order);
        vm.chainId(here);
        IZeroEx.Signature memory signed = _signature(2, makerKey, digest);
        _refusesFrom(sender, _signedPlan(order, signed), _notSigned(order, _recovered(order, signed)));
    }

    function test_better_terms_than_the_maker_signed_are_not_the_makers(uint128 more) public {
        more = uint128(bound(more, 1, DEPTH));
        IZeroEx.RfqOrder memory order = _order();
        IZeroEx.Signature memory signed = _signature(2, makerKey, Orders.zeroEx(zeroEx, order));
        order.makerAmount += more;
        _refusesFrom(sender, _signedPlan(order, signed), _notSigned(order, _recovered(order, signed)));
    }

    function test_an_order_of_somebody_else_is_not_the_makers() public {
        IZeroEx.RfqOrder memory order = _order();
        order.maker = desk;
        _refusesFrom(sender, _orderPlan(order, AMOUNT), _notSigned(order, maker));
    }

    function test_a_kind_of_signature_that_there_is_not_is_refused(uint8 kind) public {
        kind = uint8(bound(kind, 0, 1));
        IZeroEx.RfqOrder memory order = _order();
        bytes32 hash = Orders.zeroEx(zeroEx, order);
        IZeroEx.Signature memory signed = _signature(kind, makerKey, hash);
        // 0x's own codes: illegal, and always invalid.
        uint8 code = kind == 0 ? 3 : 0;
        _refusesFrom(
            sender,
            _signedPlan(order, signed),
            abi.encodeWithSignature("SignatureValidationError(uint8,bytes32)", code, hash)
        );
    }

    function test_a_maker_without_the_means_is_refused() public {
        vm.prank(maker);
        IERC20(b).approve(zeroEx, AMOUNT);
        _refusesFrom(
            sender,
            _orderPlan(_order(), AMOUNT),
            abi.encodeWithSignature(
                "AllowanceTooLow(address,address,uint256,uint256)", maker, zeroEx, AMOUNT, 2 * AMOUNT
            )
        );
    }

    function test_tokens_that_return_nothing_are_traded() public {
        _mint(silent, maker, 2 * AMOUNT);
        vm.prank(maker);
        (bool approved,) = silent.call(abi.encodeCall(IERC20.approve, (zeroEx, type(uint256).max)));
        assertTrue(approved);
        IZeroEx.RfqOrder memory order = _order();
        order.makerToken = silent;
        Plan memory plan = _orderPlan(order, AMOUNT);
        plan.tokens[1] = silent;
        (, uint256 received) = _send(plan);
        assertEq(received, 2 * AMOUNT);
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

    function _refusesFrom(address origin, Plan memory plan, bytes memory reason) private {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk, origin);
        vm.expectRevert(reason);
        executor.execute(packed);
    }

    function _assertNothingLeft() private view {
        assertEq(IERC20(a).allowance(address(executor), zeroEx), 0);
        assertEq(_balance(a, zeroEx), 0);
        assertEq(_balance(b, zeroEx), 0);
    }

    function _notFillable(IZeroEx.RfqOrder memory order, uint8 status) private view returns (bytes memory) {
        return abi.encodeWithSignature("OrderNotFillableError(bytes32,uint8)", Orders.zeroEx(zeroEx, order), status);
    }

    function _notSigned(IZeroEx.RfqOrder memory order, address signer) private view returns (bytes memory) {
        bytes32 hash = Orders.zeroEx(zeroEx, order);
        return abi.encodeWithSignature("OrderNotSignedByMakerError(bytes32,address,address)", hash, signer, order.maker);
    }

    function _recovered(IZeroEx.RfqOrder memory order, IZeroEx.Signature memory signed) private view returns (address) {
        return ecrecover(Orders.zeroEx(zeroEx, order), signed.v, signed.r, signed.s);
    }

    function _signature(uint8 kind, uint256 key, bytes32 digest)
        private
        pure
        returns (IZeroEx.Signature memory signature)
    {
        signature.signatureType = kind;
        (signature.v, signature.r, signature.s) = vm.sign(key, digest);
    }

    function _orderPlan(IZeroEx.RfqOrder memory order, uint128 amount) private view returns (Plan memory) {
        return _planOf(order, amount, AMOUNT);
    }

    function _planOf(IZeroEx.RfqOrder memory order, uint128 amount, uint128 most) private view returns (Plan memory) {
        IZeroEx.Signature memory signature = _signature(2, makerKey, Orders.zeroEx(zeroEx, order));
        return _plan(a, b, most, FurtherPlans.zeroEx(0, 1, Plans.exact(amount), order, signature));
    }

    function _signedPlan(IZeroEx.RfqOrder memory order, IZeroEx.Signature memory signature)
        private
        view
        returns (Plan memory)
    {
        return _plan(a, b, AMOUNT, FurtherPlans.zeroEx(0, 1, Plans.exact(AMOUNT), order, signature));
    }

    function _order() private view returns (IZeroEx.RfqOrder memory) {
        return IZeroEx.RfqOrder(b, a, 2 * AMOUNT, AMOUNT, maker, address(executor), sender, bytes32(0), NOW + 30, 99);
    }
}
