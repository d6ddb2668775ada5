// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IRfqSettlement, Quote} from "../interfaces/IRfqSettlement.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, Frame, LEG_RFQ, Leg} from "../types/Plan.sol";
import {CallbackGuard} from "./CallbackGuard.sol";

/// @title Makers' signed quotes
/// @notice The executor is the quote's taker and pays when the settlement contract asks, once the maker's tokens came.
abstract contract RfqLeg is CallbackGuard {
    using TokenCalls for address;

    IRfqSettlement internal immutable _rfqSettlement;

    constructor(address rfqSettlement) {
        _rfqSettlement = IRfqSettlement(rfqSettlement);
    }

    function _fillQuote(Leg memory leg, Cursor at) internal returns (uint256 out, Cursor next) {
        address settlement = address(_rfqSettlement);
        if (settlement == address(0)) revert IExecutor.VenueUnknown(LEG_RFQ, 0);
        Quote memory quote;
        bytes calldata signature;
        (quote, signature, next) = _takeQuote(leg, at, Frame.end());
        (address token, uint256 amount) = (leg.tokenIn, leg.amount);
        uint256 free;
        // The context is the callback's own arguments.
        assembly ("memory-safe") {
            free := mload(64)
            mstore(add(free, 32), token)
            mstore(add(free, 64), settlement)
            mstore(add(free, 96), amount)
        }
        _arm(LEG_RFQ, settlement, free, 96);
        out = _rfqSettlement.fill(quote, signature, amount);
        _requireTaken(settlement);
    }

    /// @dev The settlement's callback, `IRfqTaker.rfqPay`: its three arguments are the context.
    function _payMaker() internal {
        _takeCallback(LEG_RFQ, 4, 96);
        (address token, address to, uint256 amount) = abi.decode(msg.data[4:], (address, address, uint256));
        token.send(to, amount);
    }

    function _takeQuote(Leg memory leg, Cursor at, Cursor end)
        private
        view
        returns (Quote memory quote, bytes calldata signature, Cursor next)
    {
        uint256 length;
        quote.taker = address(this);
        quote.makerToken = leg.tokenOut;
        quote.takerToken = leg.tokenIn;
        (quote.maker, next) = PlanCodec.takeAddress(at);
        (quote.makerAmount, next) = PlanCodec.take(next, 16);
        (quote.takerAmount, next) = PlanCodec.take(next, 16);
        (quote.expiry, next) = PlanCodec.take(next, 5);
        (quote.nonce, next) = PlanCodec.take(next, 32);
        (quote.partialFillAllowed, next) = PlanCodec.takeSwitch(next);
        (length, next) = PlanCodec.take(next, 2);
        // A slice of calldata; `within` below refuses one that leaves the plan before it is used.
        assembly ("memory-safe") {
            signature.offset := next
            signature.length := length
            next := add(next, length)
        }
        PlanCodec.within(next, end);
    }
}
