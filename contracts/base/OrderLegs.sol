// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAirSwap, IZeroEx} from "../interfaces/IFurtherVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Cursor, Leg} from "../types/Plan.sol";
import {FurtherLegs} from "./FurtherLegs.sol";

/// @title Makers' orders at AirSwap and 0x
/// @notice Their contracts pull the payment: exactly the leg's amount is approved, and nothing after it.
abstract contract OrderLegs is FurtherLegs {
    /// @dev The order is for exactly the leg's amount, and for this account as its sender.
    function _fillAirSwap(Leg memory leg, bytes calldata particulars) internal {
        address place = _known(_airSwap, leg);
        bytes memory call_ = _airSwapCall(leg, particulars);
        _permitExactly(leg.tokenIn, place, leg.amount);
        _callVenue(place, call_);
        _forbid(leg.tokenIn, place);
    }

    /// @dev Fills up to the leg's amount, or what is left of the order. `txOrigin` is 0x's own condition on who sends the
    /// transaction.
    function _fillZeroEx(Leg memory leg, bytes calldata particulars) internal {
        address place = _known(_zeroEx, leg);
        (IZeroEx.RfqOrder memory order, Cursor at) = _zeroExOrder(leg, _start(particulars));
        IZeroEx.Signature memory signature;
        (signature, at) = _zeroExSignature(at);
        _finish(leg, particulars, at);
        _permitExactly(leg.tokenIn, place, leg.amount);
        // What is available is below 2^128.
        // forge-lint: disable-next-line(unsafe-typecast)
        _callVenue(place, abi.encodeCall(IZeroEx.fillRfqOrder, (order, signature, uint128(leg.amount))));
        _forbid(leg.tokenIn, place);
    }

    function _airSwapCall(Leg memory leg, bytes calldata particulars) private view returns (bytes memory) {
        address signer;
        uint256[6] memory words;
        bool light;
        Cursor at;
        (signer, at) = PlanCodec.takeAddress(_start(particulars));
        (words[0], at) = PlanCodec.take(at, 16);
        (words[1], at) = PlanCodec.take(at, 32);
        (words[2], at) = PlanCodec.take(at, 5);
        (light, at) = PlanCodec.takeSwitch(at);
        (words[3], at) = PlanCodec.take(at, 1);
        (words[4], at) = PlanCodec.take(at, 32);
        (words[5], at) = PlanCodec.take(at, 32);
        _finish(leg, particulars, at);
        bytes memory order = abi.encode(
            words[1], words[2], signer, leg.tokenOut, words[0], leg.tokenIn, leg.amount, words[3], words[4], words[5]
        );
        if (light) return bytes.concat(IAirSwap.swapLight.selector, order);
        return bytes.concat(IAirSwap.swap.selector, abi.encode(address(this)), order);
    }

    function _zeroExOrder(Leg memory leg, Cursor start)
        private
        view
        returns (IZeroEx.RfqOrder memory order, Cursor at)
    {
        uint256 word;
        bool open;
        (order.makerToken, order.takerToken) = (leg.tokenOut, leg.tokenIn);
        (order.maker, at) = PlanCodec.takeAddress(start);
        // Each is read in its own size.
        (word, at) = PlanCodec.take(at, 16);
        // forge-lint: disable-next-line(unsafe-typecast)
        order.makerAmount = uint128(word);
        (word, at) = PlanCodec.take(at, 16);
        // forge-lint: disable-next-line(unsafe-typecast)
        order.takerAmount = uint128(word);
        (open, at) = PlanCodec.takeSwitch(at);
        if (!open) order.taker = address(this);
        (order.txOrigin, at) = PlanCodec.takeAddress(at);
        (word, at) = PlanCodec.take(at, 32);
        order.pool = bytes32(word);
        (word, at) = PlanCodec.take(at, 8);
        // forge-lint: disable-next-line(unsafe-typecast)
        order.expiry = uint64(word);
        (order.salt, at) = PlanCodec.take(at, 32);
    }

    function _zeroExSignature(Cursor start) private pure returns (IZeroEx.Signature memory signature, Cursor at) {
        uint256 word;
        // Each is read in its own size.
        (word, at) = PlanCodec.take(start, 1);
        // forge-lint: disable-next-line(unsafe-typecast)
        signature.signatureType = uint8(word);
        (word, at) = PlanCodec.take(at, 1);
        // forge-lint: disable-next-line(unsafe-typecast)
        signature.v = uint8(word);
        (word, at) = PlanCodec.take(at, 32);
        signature.r = bytes32(word);
        (word, at) = PlanCodec.take(at, 32);
        signature.s = bytes32(word);
    }
}
