// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A position in calldata.
type Cursor is uint256;

using {offset} for Cursor global;

/// @dev `execute(bytes)` puts the plan's first byte behind the selector, the offset word and the length word.
uint256 constant PLAN_START = 68;

/// @notice The byte offset into the plan, for error messages.
function offset(Cursor at) pure returns (uint256) {
    unchecked {
        return Cursor.unwrap(at) - PLAN_START; // No cursor points before the plan.
    }
}

uint256 constant PLAN_VERSION = 1;

/// @dev The owner's tokens are pulled at the start and the rest refunded; otherwise the executor holds them already.
uint256 constant FLAG_PULL = 1;
/// @dev The bought token goes to the owner at the end.
uint256 constant FLAG_DELIVER = 2;

uint256 constant TOKEN_IN = 0;
uint256 constant TOKEN_OUT = 1;
uint256 constant MAX_TOKENS = 16;

// Leg kinds. Zero is none, so that padding never reads as a leg.
uint256 constant LEG_V2 = 1;
uint256 constant LEG_V3 = 2;
uint256 constant LEG_V4 = 3;
uint256 constant LEG_CURVE_STABLE = 4;
uint256 constant LEG_CURVE_CRYPTO = 5;
uint256 constant LEG_BALANCER = 6;
uint256 constant LEG_SOLIDLY = 7;
uint256 constant LEG_RFQ = 8;

// Amount modes.
uint256 constant AMOUNT_EXACT = 0;
uint256 constant AMOUNT_SHARE = 1;
uint256 constant AMOUNT_ALL = 2;

/// @notice A plan's head.
/// @param flags Sum of `FLAG_*`.
/// @param deadline Last second, in Unix time, at which the plan may run.
/// @param tokenCount Entries of the token table.
/// @param tokens Where the table starts.
/// @param amountIn Most that may be spent of token 0.
/// @param minOut Least that must be gained of token 1.
struct Header {
    uint256 flags;
    uint256 deadline;
    uint256 tokenCount;
    Cursor tokens;
    uint256 amountIn;
    uint256 minOut;
}

/// @notice What all legs have in common, decoded and checked.
/// @param indexIn Entry of the token table that is sold.
/// @param indexOut Entry of the token table that is bought.
/// @param amount Base units to sell, resolved from the amount specification.
struct Leg {
    uint256 kind;
    uint256 indexIn;
    uint256 indexOut;
    address tokenIn;
    address tokenOut;
    uint256 amount;
}
