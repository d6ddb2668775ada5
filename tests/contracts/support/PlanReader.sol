// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PlanCodec} from "contracts/libraries/PlanCodec.sol";
import {
    AMOUNT_EXACT,
    AMOUNT_SHARE,
    Cursor,
    Header,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V4,
    Leg
} from "contracts/types/Plan.sol";

/// @notice A plan, field by field, in a form that both sides of the golden files can compare.
/// @param words The particulars' integers in order; a negative number as two's complement.
/// @param tail The signature of a maker's quote, else empty.
struct ReadLeg {
    uint256 kind;
    uint256 indexIn;
    uint256 indexOut;
    uint256 mode;
    uint256 value;
    uint256[] words;
    bytes tail;
}

struct ReadPlan {
    uint256 flags;
    uint256 deadline;
    address[] tokens;
    uint256 amountIn;
    uint256 minOut;
    ReadLeg[] legs;
}

/// @notice Decodes a plan with the executor's codec without doing anything about it. Called through an ABI of the
/// executor's own shape, since the codec reads calldata.
contract PlanReader {
    uint256 private constant PLENTY = uint256(uint128(type(int128).max));

    function execute(bytes calldata packed) external pure returns (ReadPlan memory plan) {
        (Header memory header, Cursor at, Cursor end) = PlanCodec.takeHeader(packed);
        plan.flags = header.flags;
        plan.deadline = header.deadline;
        plan.tokens = new address[](header.tokenCount);
        uint256[] memory available = new uint256[](header.tokenCount);
        for (uint256 i = 0; i < header.tokenCount; ++i) {
            plan.tokens[i] = PlanCodec.token(header, i);
            available[i] = PLENTY;
        }
        (plan.amountIn, plan.minOut) = (header.amountIn, header.minOut);
        ReadLeg[] memory legs = new ReadLeg[](packed.length);
        uint256 count;
        while (Cursor.unwrap(at) < Cursor.unwrap(end)) {
            (legs[count++], at) = _readLeg(header, available, at, end);
        }
        assembly ("memory-safe") {
            mstore(legs, count) // Shrinks the array; the rest of it is simply no longer used.
        }
        plan.legs = legs;
    }

    function _readLeg(Header memory header, uint256[] memory available, Cursor start, Cursor end)
        private
        pure
        returns (ReadLeg memory read, Cursor at)
    {
        Leg memory leg;
        (leg, at) = PlanCodec.takeLeg(header, available, start);
        (read.kind, read.indexIn, read.indexOut) = (leg.kind, leg.indexIn, leg.indexOut);
        (read.mode,) = PlanCodec.take(Cursor.wrap(Cursor.unwrap(start) + 3), 1);
        read.value = _value(leg, read.mode, start);
        uint256[] memory sizes = _sizes(leg.kind);
        read.words = new uint256[](sizes.length);
        for (uint256 i = 0; i < sizes.length; ++i) {
            (read.words[i], at) = PlanCodec.take(at, sizes[i]);
        }
        if (leg.kind == LEG_V4) read.words[1] = uint256(int256(int24(uint24(read.words[1]))));
        if (leg.kind == LEG_RFQ) (read.tail, at) = _tail(at);
        PlanCodec.within(at, end);
    }

    /// @dev The amount's own bytes, and a check that the codec resolved them as the layout says.
    function _value(Leg memory leg, uint256 mode, Cursor start) private pure returns (uint256 value) {
        Cursor at = Cursor.wrap(Cursor.unwrap(start) + 4);
        if (mode == AMOUNT_EXACT) {
            (value,) = PlanCodec.take(at, 16);
            require(leg.amount == value, "exact amount");
        } else if (mode == AMOUNT_SHARE) {
            (value,) = PlanCodec.take(at, 4);
            require(leg.amount == PLENTY * value / (1 << 32), "share");
        } else {
            require(leg.amount == PLENTY, "all");
        }
    }

    function _tail(Cursor at) private pure returns (bytes memory tail, Cursor next) {
        uint256 length;
        (length, next) = PlanCodec.take(at, 2);
        tail = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            uint256 octet;
            (octet, next) = PlanCodec.take(next, 1);
            tail[i] = bytes1(uint8(octet));
        }
    }

    function _sizes(uint256 kind) private pure returns (uint256[] memory) {
        if (kind == LEG_V2) return _list(hex"01");
        if (kind == LEG_V3) return _list(hex"0103");
        if (kind == LEG_V4) return _list(hex"030301");
        if (kind == LEG_CURVE_STABLE || kind == LEG_CURVE_CRYPTO) return _list(hex"140101");
        if (kind == LEG_BALANCER) return _list(hex"20");
        if (kind == LEG_SOLIDLY) return _list(hex"0101");
        require(kind == LEG_RFQ, "unknown kind");
        return _list(hex"141010052001");
    }

    function _list(bytes memory packed) private pure returns (uint256[] memory sizes) {
        sizes = new uint256[](packed.length);
        for (uint256 i = 0; i < packed.length; ++i) {
            sizes[i] = uint8(packed[i]);
        }
    }
}
