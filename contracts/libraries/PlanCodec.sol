// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {
    AMOUNT_ALL,
    AMOUNT_EXACT,
    AMOUNT_SHARE,
    Cursor,
    FLAG_DELIVER,
    FLAG_PULL,
    Header,
    Leg,
    MAX_TOKENS,
    PLAN_START,
    PLAN_VERSION,
    TOKEN_IN,
    TOKEN_OUT
} from "../types/Plan.sol";

/// @title Decoding of packed plans, straight from calldata
/// @notice All integers are big-endian and unpadded. One plan has exactly one encoding, and every byte is used.
///
///   plan    version u8 = 1 | flags u8 | deadline u40 | n u8 | n x token address | amountIn u128 | minOut u128 | legs
///   leg     kind u8 | indexIn u8 | indexOut u8 | mode u8 | amount | particulars
///   amount  mode 0: exact u128 | mode 1: share u32, in 2^-32 of what is available, rounded down | mode 2: nothing, all
///   particulars by kind
///     1 constant product   venue u8
///     2 concentrated       venue u8 | fee u24
///     3 Uniswap v4         fee u24 | tickSpacing i24 | native u8 (1: the pool's currency0 is the native coin)
///     4, 5 Curve           pool address | i u8 | j u8
///     6 Balancer v2        poolId 32 bytes
///     7 Solidly            venue u8 | stable u8
///     8 maker's quote      maker address | makerAmount u128 | takerAmount u128 | expiry u40 | nonce u256
///                          | partialFillAllowed u8 | length u16 | signature
///
/// Available of token 0 is the plan's amount less what earlier legs took; of another token, what earlier legs brought.
/// @dev A read beyond the plan yields whatever follows it in calldata. Callers must therefore pass the cursor through
/// `within` after the last read and before acting on what they read.
library PlanCodec {
    /// @notice The next `size` bytes as an integer; `size` is at most 32.
    function take(Cursor at, uint256 size) internal pure returns (uint256 value, Cursor next) {
        // Memory is not touched; `size` is a literal from 1 to 32, so the shift is from 0 to 248.
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(at))
            next := add(at, size)
        }
    }

    function takeAddress(Cursor at) internal pure returns (address value, Cursor next) {
        uint256 word;
        (word, next) = take(at, 20);
        // casting to 'uint160' is safe because 20 bytes were read
        // forge-lint: disable-next-line(unsafe-typecast)
        value = address(uint160(word));
    }

    /// @notice A byte that must be 0 or 1.
    function takeSwitch(Cursor at) internal pure returns (bool value, Cursor next) {
        uint256 word;
        (word, next) = take(at, 1);
        if (word > 1) revert IExecutor.BadSwitch(word);
        value = word == 1;
    }

    /// @notice Refuses a cursor that has left the plan.
    function within(Cursor at, Cursor end) internal pure {
        if (Cursor.unwrap(at) > Cursor.unwrap(end)) revert IExecutor.PlanTruncated(at.offset(), end.offset());
    }

    /// @notice Reads and checks the head of a plan.
    /// @return header The head.
    /// @return at The first leg.
    /// @return end One past the plan's last byte.
    function takeHeader(bytes calldata plan) internal pure returns (Header memory header, Cursor at, Cursor end) {
        uint256 offset;
        // Memory is not touched. The plan must be where the legs are read from, or its length would be another's.
        assembly ("memory-safe") {
            offset := calldataload(4)
        }
        if (offset != 32) revert IExecutor.CalldataLength(32, offset);
        uint256 length = plan.length;
        // The ABI decoder has found the whole of `plan` in calldata, so its length is small.
        unchecked {
            uint256 expected = PLAN_START + ((length + 31) & ~uint256(31));
            if (msg.data.length != expected) revert IExecutor.CalldataLength(expected, msg.data.length);
            (at, end) = (Cursor.wrap(PLAN_START), Cursor.wrap(PLAN_START + length));
        }

        uint256 word;
        (word, at) = take(at, 8);
        if (word >> 56 != PLAN_VERSION) revert IExecutor.PlanVersion(word >> 56);
        header.flags = (word >> 48) & 0xff;
        if (header.flags > FLAG_PULL + FLAG_DELIVER) revert IExecutor.PlanFlags(header.flags);
        header.deadline = (word >> 8) & type(uint40).max;
        word &= 0xff;
        if (word < 2 || word > MAX_TOKENS) revert IExecutor.TokenCount(word);
        header.tokenCount = word;
        header.tokens = at;
        at = _skip(at, 20 * word);
        (word, at) = take(at, 32);
        (header.amountIn, header.minOut) = (word >> 128, word & type(uint128).max);
        within(at, end);
        if (Cursor.unwrap(at) == Cursor.unwrap(end)) revert IExecutor.PlanWithoutLegs();
        if (header.amountIn == 0) revert IExecutor.ZeroAmountIn();
        if (header.minOut == 0) revert IExecutor.ZeroMinOut();
        _distinct(header);
    }

    /// @notice An entry of the token table; the index must be below the table's length.
    function token(Header memory header, uint256 index) internal pure returns (address value) {
        (value,) = takeAddress(_skip(header.tokens, 20 * index));
    }

    /// @notice Reads what all legs share and resolves the amount.
    /// @param available Per table entry, what a leg may still sell.
    function takeLeg(Header memory header, uint256[] memory available, Cursor start)
        internal
        pure
        returns (Leg memory leg, Cursor at)
    {
        uint256 word;
        (word, at) = take(start, 4);
        uint256 indexIn = (word >> 16) & 0xff;
        uint256 indexOut = (word >> 8) & 0xff;
        uint256 count = header.tokenCount;
        if (
            indexIn >= count || indexOut >= count || indexIn == indexOut || indexIn == TOKEN_OUT || indexOut == TOKEN_IN
        ) revert IExecutor.TokenIndex(start.offset(), indexIn, indexOut);
        leg.kind = word >> 24;
        (leg.indexIn, leg.indexOut) = (indexIn, indexOut);
        (leg.tokenIn, leg.tokenOut) = (token(header, indexIn), token(header, indexOut));
        (leg.amount, at) = _takeAmount(start, at, word & 0xff, available[indexIn]);
    }

    function _takeAmount(Cursor leg, Cursor at, uint256 mode, uint256 limit)
        private
        pure
        returns (uint256 amount, Cursor next)
    {
        if (mode == AMOUNT_ALL) {
            (amount, next) = (limit, at);
        } else if (mode == AMOUNT_EXACT) {
            (amount, next) = take(at, 16);
            if (amount > limit) revert IExecutor.AmountAboveAvailable(leg.offset(), amount, limit);
        } else if (mode == AMOUNT_SHARE) {
            (amount, next) = take(at, 4);
            amount = (limit * amount) >> 32;
        } else {
            revert IExecutor.UnknownAmountMode(leg.offset(), mode);
        }
        if (amount == 0) revert IExecutor.ZeroLegAmount(leg.offset());
        // Every venue's signed types hold what is below 2^127; no real amount comes near.
        if (amount > uint256(uint128(type(int128).max))) revert IExecutor.AmountOverflow(amount);
    }

    function _distinct(Header memory header) private pure {
        uint256 count = header.tokenCount;
        for (uint256 i = 1; i < count; ++i) {
            address later = token(header, i);
            for (uint256 j = 0; j < i; ++j) {
                if (token(header, j) == later) revert IExecutor.DuplicateToken(later);
            }
        }
    }

    function _skip(Cursor at, uint256 size) private pure returns (Cursor) {
        // A position in calldata plus at most 20 times a byte.
        unchecked {
            return Cursor.wrap(Cursor.unwrap(at) + size);
        }
    }
}
