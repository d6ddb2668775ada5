// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {
    AMOUNT_ALL,
    AMOUNT_EXACT,
    AMOUNT_SHARE,
    ASSET_BYTES,
    BOUND_FALL,
    BOUND_LEAVE,
    BOUND_RISE,
    BOUND_UNCHANGED,
    Cursor,
    FLAG_DELIVER,
    FLAG_PERMIT,
    FLAG_PULL,
    Frame,
    HEAD_BYTES,
    KIND_MASK,
    LEG_V3_EXACT_OUT,
    MAX_TOTAL,
    MODE_SHIFT,
    TOKEN_IN,
    TOKEN_OUT
} from "../types/Plan.sol";

/// @title Decoding of packed plans, straight from calldata
/// @notice A plan is the whole calldata, without selector. All integers are big-endian and unpadded. One plan has exactly one encoding, and every byte is used.
///
///   plan    version u8 = 2 | flags u8 | deadline u40 | counts u8 | n x asset | m x token address | legs | permit
///   counts  n in the upper four bits, m in the lower; at most 16 together
///   asset   bound u8 | token address, zero for the native coin | amount u128
///           bound 0: does not fall, and rises by at most the amount (dust) | 1: falls by at most the amount
///           | 2: rises by at least the amount
///           | 3: at least the amount leaves, by legs that send it away (asset 1 only)
///   leg     head u8 | tokens u8 | amount | particulars
///   head    kind in the lower five bits | amount mode in the next two | highest bit: the output goes to the next pool
///   tokens  index of the token sold in the upper four bits, of the token bought in the lower
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
///     9 exact output       hops u8 | hops x (venue u8 | fee u24), last pool first | (hops - 1) x token u8, likewise;
///                          the amount is what is bought, in mode 0
///     from 10 on             length u16 | then, all of it:
///     10 wrap                nothing: the tokens are the native coin and its wrapper, either way
///     11 ERC-4626            vault address: one of the tokens, bought by a deposit or sold by a redemption
///     12 Balancer v3         pool address
///     13 AirSwap             signer address | signerAmount u128 | nonce u256 | expiry u40 | light u8 | v u8 | r | s; the
///                            leg's amount is the order's
///     14 0x v4 RFQ           maker address | makerAmount u128 | takerAmount u128 | open u8 (1: for any taker)
///                            | txOrigin address | pool 32 bytes | expiry u64 | salt u256 | signatureType u8 | v u8 | r | s
///     15 payout              receiver address, listed
///     16 Across              recipient address, listed or this account's | outputToken address | outputAmount u128
///                            | chain u64 | relayer address | quoteTimestamp u32 | fillDeadline u32 | exclusivity u32
///     17 call                target address | pays u8 (1: the leg's amount is approved meanwhile) | calldata, listed by
///                            target and selector
///     18 flash loan          lender address | lender's kind u8 (0: Balancer v2, 1: Aave v3, 2: Balancer v3)
///                            | loan u128 of the token sold | count u8 | count x (length u24 | plan); the leg's amount is
///                            the most that all of it may cost
///   permit  with the flag only: nonce u64 | signature | its length u16
///
/// Asset 0 may fall and asset 1 must rise or leave. Available of an asset is what it may fall by, less what legs sold, more what
/// legs bought.
/// @dev A read beyond the plan yields whatever follows it in calldata. Callers must therefore pass the cursor through
/// `within` after the last read and before acting on what they read.
library PlanCodec {
    uint256 private constant MAX_FLAGS = FLAG_PULL + FLAG_DELIVER + FLAG_PERMIT;
    uint256 private constant PERMIT_BYTES = 10;

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

    /// @notice Reads and checks the head of a plan, whose frame it begins.
    /// @return legs Where the legs start.
    function takeHead() internal pure returns (Cursor legs) {
        uint256 flags;
        uint256 declared;
        uint256 total;
        uint256 start;
        uint256 end;
        bool fine;
        // The head's bytes: version, flags, five of deadline, counts. Memory is not touched.
        assembly ("memory-safe") {
            let word := calldataload(0)
            flags := byte(1, word)
            let counts := byte(7, word)
            declared := shr(4, counts)
            total := add(declared, and(counts, 15))
            start := add(add(HEAD_BYTES, mul(declared, sub(ASSET_BYTES, 20))), mul(total, 20))
            end := calldatasize()
            fine := and(and(gt(declared, 1), lt(total, add(MAX_TOTAL, 1))), and(iszero(flags), lt(start, end)))
        }
        if (!fine) end = _cutHead(flags, declared, total, start, end);
        legs = Cursor.wrap(start);
        Frame.begin(flags, declared, total, Cursor.wrap(end));
    }

    /// @dev A head that is not that of a plan of held funds: another one's, or nobody's.
    function _cutHead(uint256 flags, uint256 declared, uint256 total, uint256 start, uint256 size)
        private
        pure
        returns (uint256 end)
    {
        end = size;
        if (declared < 2 || total > MAX_TOTAL) revert IExecutor.TokenCount(total);
        if (flags > MAX_FLAGS) revert IExecutor.PlanFlags(flags);
        if (flags & FLAG_PERMIT != 0) end = _cutPermit(end);
        if (start >= end) revert IExecutor.PlanTruncated(start + 1, end);
    }

    /// @notice Last second, in Unix time, at which the plan may run.
    function deadline() internal pure returns (uint256 value) {
        (value,) = take(Cursor.wrap(2), 5);
    }

    /// @notice The permit behind the legs of a plan with `FLAG_PERMIT`, which end where it begins.
    function permit(Cursor end) internal pure returns (uint256 nonce, Cursor signature, uint256 size) {
        (nonce, signature) = take(end, 8);
        unchecked {
            size = msg.data.length - Cursor.unwrap(end) - PERMIT_BYTES; // `_cutPermit` found it so.
        }
    }

    /// @notice An entry of the table of assets; the index must be below the number of assets.
    function asset(uint256 index) internal pure returns (uint256 bound, address token_, uint256 amount) {
        // Bound and token are the first 21 bytes of an entry, the amount the other 16. Memory is not touched.
        assembly ("memory-safe") {
            let at := add(HEAD_BYTES, mul(ASSET_BYTES, index))
            let word := calldataload(at)
            bound := byte(0, word)
            token_ := shr(96, shl(8, word))
            amount := shr(128, calldataload(add(at, 21)))
        }
    }

    /// @notice Refuses a bound that is none: unknown, zero where something is sold or bought, or of the wrong direction.
    function checkAsset(uint256 index, uint256 bound, address token_, uint256 amount) internal pure {
        bool known;
        if (index == TOKEN_IN) known = bound == BOUND_FALL;
        else if (index == TOKEN_OUT) known = bound == BOUND_RISE || bound == BOUND_LEAVE;
        else known = bound <= BOUND_RISE;
        if (!known) revert IExecutor.AssetBound(token_, bound);
        if (amount != 0 || bound == BOUND_UNCHANGED) return;
        if (bound == BOUND_FALL) revert IExecutor.ZeroAmountIn();
        revert IExecutor.ZeroMinOut();
    }

    /// @notice A token that legs may name; the index must be below the total.
    function token(uint256 index) internal pure returns (address value) {
        uint256 declared = Frame.declared();
        // Either an asset, past its bound, or an address behind the table of assets. Memory is not touched.
        assembly ("memory-safe") {
            let at := add(mul(ASSET_BYTES, index), add(HEAD_BYTES, 1))
            if iszero(lt(index, declared)) {
                at := add(HEAD_BYTES, add(mul(sub(ASSET_BYTES, 20), declared), mul(20, index)))
            }
            value := shr(96, calldataload(at))
        }
    }

    /// @notice Reads what all legs share and resolves the amount.
    function takeLeg(Cursor start)
        internal
        pure
        returns (uint256 head, uint256 indexIn, uint256 indexOut, uint256 amount, Cursor at)
    {
        (head, indexIn, indexOut, at) = _takeShared(start);
        amount = Frame.available(indexIn);
        if ((head >> MODE_SHIFT) & 3 != AMOUNT_ALL) (amount, at) = _takeAmount(start, at, head, amount);
        if (amount == 0) revert IExecutor.ZeroLegAmount(start.offset());
    }

    /// @notice Reads a leg that sells all that the leg before it handed on.
    function takeNext(Cursor start, uint256 handed) internal pure returns (uint256 head, uint256 indexOut, Cursor at) {
        within(start, Frame.end());
        uint256 indexIn;
        (head, indexIn, indexOut, at) = _takeShared(start);
        if ((head >> MODE_SHIFT) & 3 != AMOUNT_ALL || indexIn != handed) {
            revert IExecutor.HandedWrong(start.offset());
        }
    }

    function _takeAmount(Cursor start, Cursor at, uint256 head, uint256 limit)
        private
        pure
        returns (uint256 amount, Cursor next)
    {
        uint256 mode = (head >> MODE_SHIFT) & 3;
        if (mode == AMOUNT_EXACT) {
            (amount, next) = take(at, 16);
            // An exact output is limited by what its path may take, which the path sees to.
            bool fits = amount <= limit || (head & KIND_MASK == LEG_V3_EXACT_OUT && limit != 0);
            if (!fits) revert IExecutor.AmountAboveAvailable(start.offset(), amount, limit);
        } else if (mode == AMOUNT_SHARE) {
            (amount, next) = take(at, 4);
            // What is available is below 2^128, see `Executor._count`.
            unchecked {
                amount = (limit * amount) >> 32;
            }
        } else {
            revert IExecutor.UnknownAmountMode(start.offset(), mode);
        }
    }

    function _takeShared(Cursor start)
        private
        pure
        returns (uint256 head, uint256 indexIn, uint256 indexOut, Cursor at)
    {
        uint256 total = Frame.total();
        bool known;
        // Two bytes: the head, then two halves. Memory is not touched.
        assembly ("memory-safe") {
            let word := calldataload(start)
            head := byte(0, word)
            indexOut := and(byte(1, word), 15)
            indexIn := shr(4, byte(1, word))
            at := add(start, 2)
            known := and(and(lt(indexIn, total), lt(indexOut, total)), iszero(eq(indexIn, indexOut)))
        }
        if (!known) revert IExecutor.TokenIndex(start.offset(), indexIn, indexOut);
    }

    /// @dev The end of the legs, before the permit, whose length stands last.
    function _cutPermit(uint256 end) private pure returns (uint256) {
        // The head's eight bytes are there, or what is read is a length too large.
        unchecked {
            (uint256 size,) = take(Cursor.wrap(end - 2), 2);
            size += PERMIT_BYTES;
            if (end < 2 || size > end) revert IExecutor.PlanTruncated(size, end);
            return end - size;
        }
    }
}
