// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    AMOUNT_ALL,
    AMOUNT_EXACT,
    AMOUNT_SHARE,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V4,
    PLAN_VERSION
} from "contracts/types/Plan.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";

/// @notice Encodes plans: the tests' counterpart of `PlanCodec`.
struct Plan {
    uint8 flags;
    uint40 deadline;
    address[] tokens;
    uint128 amountIn;
    uint128 minOut;
    bytes legs;
}

library Plans {
    function encode(Plan memory plan) internal pure returns (bytes memory packed) {
        packed = abi.encodePacked(uint8(PLAN_VERSION), plan.flags, plan.deadline, uint8(plan.tokens.length));
        for (uint256 i = 0; i < plan.tokens.length; ++i) {
            packed = abi.encodePacked(packed, plan.tokens[i]);
        }
        packed = abi.encodePacked(packed, plan.amountIn, plan.minOut, plan.legs);
    }

    function exact(uint256 amount) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(AMOUNT_EXACT), uint128(amount));
    }

    function share(uint32 parts) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(AMOUNT_SHARE), parts);
    }

    function all() internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(AMOUNT_ALL));
    }

    function v2(uint8 from, uint8 to, bytes memory amount, uint8 venue) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(LEG_V2), from, to, amount, venue);
    }

    function v3(uint8 from, uint8 to, bytes memory amount, uint8 venue, uint24 fee)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(uint8(LEG_V3), from, to, amount, venue, fee);
    }

    function v4(uint8 from, uint8 to, bytes memory amount, uint24 fee, int24 tickSpacing, bool native)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(uint8(LEG_V4), from, to, amount, fee, tickSpacing, native);
    }

    function curve(uint8 from, uint8 to, bytes memory amount, address pool, uint8 i, uint8 j, bool crypto)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(uint8(crypto ? LEG_CURVE_CRYPTO : LEG_CURVE_STABLE), from, to, amount, pool, i, j);
    }

    function balancer(uint8 from, uint8 to, bytes memory amount, bytes32 poolId) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(LEG_BALANCER), from, to, amount, poolId);
    }

    function solidly(uint8 from, uint8 to, bytes memory amount, uint8 venue, bool stable)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(uint8(LEG_SOLIDLY), from, to, amount, venue, stable);
    }

    function rfq(uint8 from, uint8 to, bytes memory amount, Quote memory quote, bytes memory signature)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory terms = abi.encodePacked(
            quote.maker,
            uint128(quote.makerAmount),
            uint128(quote.takerAmount),
            uint40(quote.expiry),
            quote.nonce,
            quote.partialFillAllowed
        );
        return abi.encodePacked(uint8(LEG_RFQ), from, to, amount, terms, uint16(signature.length), signature);
    }
}
