// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IRfqSettlement, IRfqTaker, Quote} from "../interfaces/IRfqSettlement.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, LEG_RFQ, Leg} from "../types/Plan.sol";
import {CallbackGuard} from "./CallbackGuard.sol";

/// @title Makers' signed quotes
/// @notice The executor is the quote's taker and pays when the settlement contract asks, once the maker's tokens came.
abstract contract RfqLeg is CallbackGuard, IRfqTaker {
    using TokenCalls for address;

    IRfqSettlement internal immutable _rfqSettlement;

    constructor(address rfqSettlement) {
        _rfqSettlement = IRfqSettlement(rfqSettlement);
    }

    function _fillQuote(Leg memory leg, Cursor at, Cursor end) internal returns (uint256 out, Cursor next) {
        if (address(_rfqSettlement) == address(0)) revert IExecutor.VenueUnknown(LEG_RFQ, 0);
        Quote memory quote;
        bytes calldata signature;
        (quote, signature, next) = _takeQuote(leg, at, end);
        _arm(LEG_RFQ, address(_rfqSettlement), leg.tokenIn, leg.amount);
        out = _rfqSettlement.fill(quote, signature, leg.amount);
        _requireTaken(address(_rfqSettlement));
    }

    /// @inheritdoc IRfqTaker
    function rfqPay(address token, address to, uint256 amount) external {
        (address armed, uint256 budget) = _takeCallback(LEG_RFQ);
        if (token != armed) revert IExecutor.CallbackToken(token, armed);
        // The budget is below 2^127, and an amount that the cast would make negative is above it.
        if (amount > budget) revert IExecutor.CallbackOverBudget(int256(amount), budget);
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
