// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A position in calldata, all of which is the plan.
type Cursor is uint256;

using {offset} for Cursor global;

/// @notice The byte offset into the plan, for error messages.
function offset(Cursor at) pure returns (uint256) {
    return Cursor.unwrap(at);
}

/// @dev Also what tells a plan from a call of a named function: no selector of the executor's begins with it.
uint256 constant PLAN_VERSION = 2;

/// @dev Asset 0 is pulled from the owner by its allowance at the start and the rest refunded.
uint256 constant FLAG_PULL = 1;
/// @dev What is gained of asset 1 goes to the owner at the end.
uint256 constant FLAG_DELIVER = 2;
/// @dev Asset 0 comes from the owner by a Permit2 signature whose witness is this plan. Without `FLAG_PULL`, straight to
/// the pool of the plan's only path, whose end pays the owner: nothing rests in the executor.
uint256 constant FLAG_PERMIT = 4;

uint256 constant TOKEN_IN = 0;
uint256 constant TOKEN_OUT = 1;

// How an asset may change.
/// @dev Neither up nor down: it passes through the executor.
uint256 constant BOUND_UNCHANGED = 0;
/// @dev Down by at most the bound.
uint256 constant BOUND_FALL = 1;
/// @dev Up by at least the bound.
uint256 constant BOUND_RISE = 2;
/// @dev Asset 1 only: at least the bound leaves the account by legs that send it away, and beyond that it does not fall.
uint256 constant BOUND_LEAVE = 3;

/// @dev A bound u8, a token address, an amount u128.
uint256 constant ASSET_BYTES = 37;

// Leg kinds. Zero is none, so that padding never reads as a leg.
uint256 constant LEG_V2 = 1;
uint256 constant LEG_V3 = 2;
uint256 constant LEG_V4 = 3;
uint256 constant LEG_CURVE_STABLE = 4;
uint256 constant LEG_CURVE_CRYPTO = 5;
uint256 constant LEG_BALANCER = 6;
uint256 constant LEG_SOLIDLY = 7;
uint256 constant LEG_RFQ = 8;
/// @dev An exact output through a path of concentrated pools.
uint256 constant LEG_V3_EXACT_OUT = 9;
// From here on the kinds that `Annex` runs. Their particulars begin with their length, and then with the address that the
// leg deals with, if any: what a session's list of venues names.
uint256 constant FIRST_FURTHER = 10;
uint256 constant LEG_WRAP = 10;
uint256 constant LEG_VAULT = 11;
uint256 constant LEG_BALANCER_V3 = 12;
uint256 constant LEG_AIRSWAP = 13;
uint256 constant LEG_ZEROEX_RFQ = 14;
uint256 constant LEG_PAYOUT = 15;
uint256 constant LEG_ACROSS = 16;
uint256 constant LEG_CALL = 17;
uint256 constant LEG_FLASH = 18;

// Who lends to a flash loan.
uint256 constant LENDER_BALANCER_V2 = 0;
uint256 constant LENDER_AAVE = 1;
uint256 constant LENDER_BALANCER_V3 = 2;

// A leg's first byte: kind in the lowest five bits, amount mode in the next two, and this bit.
/// @dev The output goes straight to the pool of the next leg, which sells all of it.
uint256 constant HANDS_ON = 128;
uint256 constant KIND_MASK = 31;
uint256 constant MODE_SHIFT = 5;

// Amount modes.
uint256 constant AMOUNT_EXACT = 0;
uint256 constant AMOUNT_SHARE = 1;
uint256 constant AMOUNT_ALL = 2;

uint256 constant HEAD_BYTES = 8;
uint256 constant MAX_TOTAL = 16;

/// @dev The first word of memory that is free when a call begins. The compiler must keep nothing there itself: a test reads
/// that in the bytecode. Known places are 6 gas less each than those that a pointer tells.
uint256 constant FIRST_FREE = 0x80;

// Where a plan's first two assets stand in memory: their openings, a word each, then the call of `balanceOf` for whoever's
// balances are bounded.
uint256 constant PAIR_OPENINGS = FIRST_FREE;
uint256 constant PAIR_CALL = 0xc0;
/// @dev What is free from then on.
uint256 constant PAIR_END = 0x100;

/// @notice A leg that stands by itself.
/// @param amount Base units to sell, resolved from the amount specification.
struct Leg {
    uint256 kind;
    address tokenIn;
    address tokenOut;
    uint256 amount;
}

/// @title The running plan's place in memory
/// @notice A plan runs in a call of its own, so what is known of it has fixed places at the start of memory: reading a word
/// is 6 gas where a field of a struct is 12 to 20, and a simple swap reads some forty.
/// @dev `begin` takes the memory; nothing may have been allocated before.
library Frame {
    uint256 private constant FLAGS = 0x140;
    uint256 private constant DECLARED = 0x160;
    uint256 private constant TOTAL = 0x180;
    uint256 private constant HOLDER = 0x1a0;
    uint256 private constant END = 0x1c0;
    uint256 private constant LEFT = 0x1e0;
    /// @dev Per token two words: its opening balance, and what legs may still sell of it.
    uint256 private constant BOOK = 0x200;

    function begin(uint256 flags_, uint256 declared_, uint256 total_, Cursor end_) internal pure {
        // The compiler keeps what its stack cannot hold from 0x80 on, hence the gap, and the check that it suffices. All of
        // this is zero, as memory is that was never written.
        assembly ("memory-safe") {
            if gt(mload(64), FLAGS) { invalid() }
            mstore(FLAGS, flags_)
            mstore(DECLARED, declared_)
            mstore(TOTAL, total_)
            mstore(END, end_)
            mstore(64, add(BOOK, shl(6, total_)))
        }
    }

    function flags() internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(FLAGS)
        }
    }

    /// @notice Number of assets, whose bounds are checked. Legs pay from and into these only.
    function declared() internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(DECLARED)
        }
    }

    /// @notice Number of tokens that legs may name: the assets, then those that only go from pool to pool.
    function total() internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(TOTAL)
        }
    }

    /// @notice Whose balances are bounded: the executor's, or the owner's if nothing rests in the executor.
    function holder() internal pure returns (address value) {
        assembly ("memory-safe") {
            value := mload(HOLDER)
        }
    }

    function setHolder(address value) internal pure {
        assembly ("memory-safe") {
            mstore(HOLDER, value)
        }
    }

    /// @notice One past the last leg's last byte.
    function end() internal pure returns (Cursor value) {
        assembly ("memory-safe") {
            value := mload(END)
        }
    }

    /// @notice How much of asset 1 legs have sent away.
    function left() internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(LEFT)
        }
    }

    function setLeft(uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(LEFT, value)
        }
    }

    function opening(uint256 index) internal pure returns (uint256 value) {
        // The index is below the number of tokens.
        assembly ("memory-safe") {
            value := mload(add(BOOK, shl(6, index)))
        }
    }

    /// @notice What legs may still sell of a token; nothing, of one that is not declared.
    function available(uint256 index) internal pure returns (uint256 value) {
        // The index is below the number of tokens.
        assembly ("memory-safe") {
            value := mload(add(add(BOOK, 32), shl(6, index)))
        }
    }

    function note(uint256 index, uint256 opening_, uint256 available_) internal pure {
        // The index is below the number of tokens.
        assembly ("memory-safe") {
            let at := add(BOOK, shl(6, index))
            mstore(at, opening_)
            mstore(add(at, 32), available_)
        }
    }

    /// @notice Takes what was sold of a token from what is available of it, and adds what was bought of another; does neither
    /// if there is less, if 128 bits do not hold the sum, or if the two are one, as of a path that comes back.
    function move(uint256 indexIn, uint256 sold, uint256 indexOut, uint256 bought) internal pure returns (bool fine) {
        // Both indexes are below the number of tokens. Of two numbers below 2^128 no sum wraps.
        assembly ("memory-safe") {
            let from := add(add(BOOK, 32), shl(6, indexIn))
            let to := add(add(BOOK, 32), shl(6, indexOut))
            let rest := sub(mload(from), sold)
            let sum := add(mload(to), bought)
            fine := gt(iszero(shr(128, or(or(rest, bought), sum))), eq(indexIn, indexOut))
            if fine {
                mstore(from, rest)
                mstore(to, sum)
            }
        }
    }

    function setAvailable(uint256 index, uint256 value) internal pure {
        // The index is below the number of tokens.
        assembly ("memory-safe") {
            mstore(add(add(BOOK, 32), shl(6, index)), value)
        }
    }
}
