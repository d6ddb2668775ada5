// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    AMOUNT_ALL,
    AMOUNT_EXACT,
    AMOUNT_SHARE,
    BOUND_FALL,
    BOUND_LEAVE,
    BOUND_RISE,
    BOUND_UNCHANGED,
    HANDS_ON,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    MODE_SHIFT,
    PLAN_VERSION
} from "contracts/types/Plan.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";

/// @notice Encodes plans: the tests' counterpart of `PlanCodec`.
/// @param tokens The assets: the first may fall by `amountIn`, the second must rise by `minOut`, others pass through.
/// @param handed Tokens that only go from pool to pool.
/// @param permit What follows the legs of a plan that pulls by Permit2.
/// @param leaves The second asset must leave the account rather than rise.
struct Plan {
    uint8 flags;
    uint40 deadline;
    address[] tokens;
    uint128 amountIn;
    uint128 minOut;
    address[] handed;
    bytes legs;
    bytes permit;
    bool leaves;
}

library Plans {
    function encode(Plan memory plan) internal pure returns (bytes memory) {
        return abi.encodePacked(head(plan), table(plan), route(plan), plan.permit);
    }

    function head(Plan memory plan) internal pure returns (bytes memory) {
        uint8 counts = uint8((plan.tokens.length << 4) | plan.handed.length);
        return abi.encodePacked(uint8(PLAN_VERSION), plan.flags, plan.deadline, counts);
    }

    function table(Plan memory plan) internal pure returns (bytes memory packed) {
        for (uint256 i = 0; i < plan.tokens.length; ++i) {
            uint256 gains = plan.leaves ? BOUND_LEAVE : BOUND_RISE;
            uint8 bound = uint8(i == 0 ? BOUND_FALL : i == 1 ? gains : BOUND_UNCHANGED);
            uint128 amount = i == 0 ? plan.amountIn : i == 1 ? plan.minOut : 0;
            packed = abi.encodePacked(packed, bound, plan.tokens[i], amount);
        }
    }

    function route(Plan memory plan) internal pure returns (bytes memory packed) {
        for (uint256 i = 0; i < plan.handed.length; ++i) {
            packed = abi.encodePacked(packed, plan.handed[i]);
        }
        packed = abi.encodePacked(packed, plan.legs);
    }

    /// @notice The same leg, whose output goes to the next leg's pool.
    function hand(bytes memory leg) internal pure returns (bytes memory) {
        leg[0] |= bytes1(uint8(HANDS_ON));
        return leg;
    }

    /// @notice What all legs begin with.
    function _leg(uint256 kind, uint8 from, uint8 to, bytes memory amount) internal pure returns (bytes memory) {
        bytes memory value = new bytes(amount.length - 1);
        for (uint256 i = 0; i < value.length; ++i) {
            value[i] = amount[i + 1];
        }
        return abi.encodePacked(uint8(kind | (uint256(uint8(amount[0])) << MODE_SHIFT)), (from << 4) | to, value);
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
        return abi.encodePacked(_leg(LEG_V2, from, to, amount), venue);
    }

    function v3(uint8 from, uint8 to, bytes memory amount, uint8 venue, uint24 fee)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(_leg(LEG_V3, from, to, amount), venue, fee);
    }

    function v4(uint8 from, uint8 to, bytes memory amount, uint24 fee, int24 tickSpacing, bool native)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(_leg(LEG_V4, from, to, amount), fee, tickSpacing, native);
    }

    function curve(uint8 from, uint8 to, bytes memory amount, address pool, uint8 i, uint8 j, bool crypto)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(_leg(crypto ? LEG_CURVE_CRYPTO : LEG_CURVE_STABLE, from, to, amount), pool, i, j);
    }

    function balancer(uint8 from, uint8 to, bytes memory amount, bytes32 poolId) internal pure returns (bytes memory) {
        return abi.encodePacked(_leg(LEG_BALANCER, from, to, amount), poolId);
    }

    function solidly(uint8 from, uint8 to, bytes memory amount, uint8 venue, bool stable)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(_leg(LEG_SOLIDLY, from, to, amount), venue, stable);
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
        return abi.encodePacked(_leg(LEG_RFQ, from, to, amount), terms, uint16(signature.length), signature);
    }

    /// @notice `hops` are venue u8 and fee u24 each, last pool first; `between` the tokens between them, likewise.
    function exactOut(uint8 from, uint8 to, uint256 amount, bytes memory hops, bytes memory between)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(_leg(LEG_V3_EXACT_OUT, from, to, exact(amount)), uint8(hops.length / 4), hops, between);
    }
}
