// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IZeroEx} from "contracts/interfaces/IFurtherVenues.sol";

import {FurtherPlans} from "./FurtherPlans.sol";
import {Orders} from "./Orders.sol";
import {Published} from "./Published.sol";

/// @notice Legs with an order that the maker signed: B for as much A, for the executor.
abstract contract MakersOrders is Published {
    function _airSwapLeg(bytes memory amount, uint128 traded) internal view returns (bytes memory) {
        FurtherPlans.AirSwapOrder memory order = FurtherPlans.AirSwapOrder(maker, traded, 7, NOW + 30, false, 0, 0, 0);
        bytes32 digest = Orders.airSwap(places.airSwap, order, Orders.Trade(b, a, traded, address(executor), 5));
        (order.v, order.r, order.s) = vm.sign(makerKey, digest);
        return FurtherPlans.airSwap(0, 1, amount, order);
    }

    function _zeroExLeg(bytes memory amount, uint128 traded) internal view returns (bytes memory) {
        IZeroEx.RfqOrder memory order =
            IZeroEx.RfqOrder(b, a, traded, traded, maker, address(executor), desk, bytes32(0), NOW + 30, 99);
        IZeroEx.Signature memory signature;
        signature.signatureType = 2;
        (signature.v, signature.r, signature.s) = vm.sign(makerKey, Orders.zeroEx(places.zeroEx, order));
        return FurtherPlans.zeroEx(0, 1, amount, order, signature);
    }
}
