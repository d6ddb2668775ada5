// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {
    AMOUNT_ALL,
    AMOUNT_EXACT,
    ASSET_BYTES,
    FIRST_FURTHER,
    FLAG_PERMIT,
    HEAD_BYTES,
    KIND_MASK,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    MAX_TOTAL,
    MODE_SHIFT
} from "../types/Plan.sol";

/// @title A plan read without running it
/// @notice Where `PlanCodec` reads the whole calldata as the plan that runs, this reads plans that are an argument, leg by
/// leg, with the same sizes. What does not fit is refused, so nothing is seen here otherwise than it will run.
library PlanReading {
    /// @dev Nonce and length of a permit, beside its signature.
    uint256 private constant PERMIT_BYTES = 10;
    /// @dev A quote's fields before its signature's length.
    uint256 private constant QUOTE_BYTES = 90;

    /// @param legs Where the legs start.
    /// @param end One past the last leg's last byte.
    struct Shape {
        uint256 flags;
        uint256 declared;
        uint256 total;
        uint256 legs;
        uint256 end;
    }

    /// @param start Where the leg's particulars begin.
    /// @param size How many bytes they have; from kind 10 on without their length.
    struct Part {
        uint256 at;
        uint256 kind;
        uint256 indexIn;
        uint256 indexOut;
        uint256 start;
        uint256 size;
        uint256 next;
    }

    function shape(bytes calldata plan) internal pure returns (Shape memory found) {
        found.end = plan.length;
        found.flags = word(plan, 1, 1, found.end);
        uint256 counts = word(plan, 7, 1, found.end);
        found.declared = counts >> 4;
        found.total = found.declared + (counts & 15);
        if (found.declared < 2 || found.total > MAX_TOTAL) revert IExecutor.TokenCount(found.total);
        if (found.flags & FLAG_PERMIT != 0) {
            uint256 size = PERMIT_BYTES + word(plan, plan.length - 2, 2, plan.length);
            if (size > plan.length) revert IExecutor.PlanTruncated(size, plan.length);
            found.end = plan.length - size;
        }
        found.legs = HEAD_BYTES + ASSET_BYTES * found.declared + 20 * (found.total - found.declared);
        if (found.legs >= found.end) revert IExecutor.PlanTruncated(found.legs + 1, found.end);
    }

    /// @dev The index must be below the number of assets.
    function asset(bytes calldata plan, uint256 index)
        internal
        pure
        returns (uint256 bound, address token, uint256 amount)
    {
        uint256 start = HEAD_BYTES + ASSET_BYTES * index;
        bound = word(plan, start, 1, plan.length);
        token = address(uint160(word(plan, start + 1, 20, plan.length)));
        amount = word(plan, start + 21, 16, plan.length);
    }

    /// @dev The token of that index, asset or not.
    function tokenOf(bytes calldata plan, Shape memory form, uint256 index) internal pure returns (address token) {
        if (index < form.declared) {
            (, token,) = asset(plan, index);
            return token;
        }
        if (index >= form.total) revert IExecutor.TokenIndex(form.legs, index, index);
        uint256 start = HEAD_BYTES + ASSET_BYTES * form.declared + 20 * (index - form.declared);
        return address(uint160(word(plan, start, 20, form.legs)));
    }

    function part(bytes calldata plan, Shape memory form, uint256 at) internal pure returns (Part memory found) {
        uint256 end = form.end;
        uint256 head = word(plan, at, 1, end);
        uint256 tokens = word(plan, at + 1, 1, end);
        (found.at, found.kind) = (at, head & KIND_MASK);
        (found.indexIn, found.indexOut) = (tokens >> 4, tokens & 15);
        found.start = at + 2 + _amountBytes(at, (head >> MODE_SHIFT) & 3);
        if (found.kind >= FIRST_FURTHER) {
            found.size = word(plan, found.start, 2, end);
            found.start += 2;
        } else {
            found.size = _size(plan, found, end);
        }
        found.next = found.start + found.size;
        if (found.next > end) revert IExecutor.PlanTruncated(found.next, end);
    }

    /// @notice `size` bytes from `at` as an integer; none may lie beyond `end`.
    function word(bytes calldata plan, uint256 at, uint256 size, uint256 end) internal pure returns (uint256 value) {
        if (at + size > end) revert IExecutor.PlanTruncated(at + size, end);
        // Within the plan, by the line above and since no `end` is beyond it; `size` is from 1 to 32.
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(add(plan.offset, at)))
        }
    }

    function _amountBytes(uint256 at, uint256 mode) private pure returns (uint256) {
        if (mode > AMOUNT_ALL) revert IExecutor.UnknownAmountMode(at, mode);
        if (mode == AMOUNT_ALL) return 0;
        return mode == AMOUNT_EXACT ? 16 : 4;
    }

    function _size(bytes calldata plan, Part memory leg, uint256 end) private pure returns (uint256) {
        uint256 kind = leg.kind;
        if (kind == LEG_V2) return 1;
        if (kind == LEG_V3) return 4;
        if (kind == LEG_V4) return 7;
        if (kind == LEG_CURVE_STABLE || kind == LEG_CURVE_CRYPTO) return 22;
        if (kind == LEG_BALANCER) return 32;
        if (kind == LEG_SOLIDLY) return 2;
        if (kind == LEG_RFQ) return QUOTE_BYTES + 2 + word(plan, leg.start + QUOTE_BYTES, 2, end);
        if (kind != LEG_V3_EXACT_OUT) revert IExecutor.UnknownLegKind(leg.at, kind);
        uint256 hops = word(plan, leg.start, 1, end);
        if (hops == 0) revert IExecutor.NoHops(leg.start);
        return 5 * hops;
    }
}
