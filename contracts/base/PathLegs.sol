// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "../interfaces/IERC20.sol";
import {ISolidlyPool, IUniswapV2Pair, IUniswapV3Pool} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Hop, hopOf} from "../types/Hop.sol";
import {Cursor, Frame, HANDS_ON, KIND_MASK, LEG_SOLIDLY, LEG_V2, LEG_V3} from "../types/Plan.sol";
import {PermitFunding} from "./PermitFunding.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

/// @dev Prices, as square roots, that no swap passes.
uint256 constant LOWEST = 4_295_128_740;
uint256 constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

/// @dev 0xff, which a CREATE2 address's deployer follows.
uint256 constant CREATE2_MARK = 0xff << 160;

/// @title Paths through proved pools: Uniswap v2, v3 and their forks, and Solidly
/// @notice A pool of a path pays the next one where it can. A pair is paid before it is asked, and a concentrated pool in
/// its callback: so a concentrated pool behind a pair is asked first, and the pair pays it from within.
/// @dev Pools are called in assembly, 1,500 to 2,500 gas a hop less than the compiler's encoding, copying and checks of
/// code. What they answer is believed for amounts on the way, as they are proved; the plan's bounds on balances hold
/// whatever they answer.
abstract contract PathLegs is VenueRegistry, PermitFunding {
    using TokenCalls for address;

    /// @dev Error(string) "IIA": the pool's balance did not rise by what it asked for.
    bytes32 private constant UNDERPAID = keccak256(abi.encodeWithSignature("Error(string)", "IIA"));

    // A concentrated pool's context starts with the token that is owed and, above it, how it is paid; then the most that
    // may be asked.
    // Zero is out of what the executor holds; nothing follows.
    /// @dev By a pair that is paid first. Follow its hop, the token that the pair gets, and how much of it.
    uint256 private constant PAY_PAIR = 1;
    /// @dev By the owner, through Permit2. Follow the terms of the permit.
    uint256 internal constant PAY_PERMIT = 2;
    /// @dev By further concentrated pools, or out of what the executor holds if none follows, and what it was is noted.
    /// Follow, for each, its hop and the token that it is owed, with the mode in which it is paid; the most that may be asked
    /// is of the last of these.
    uint256 private constant PAY_HOPS = 3;
    /// @dev As by a pair, which has been paid already.
    uint256 private constant PAY_PAID_PAIR = 4;

    /// @dev While a call of `swap` is built: its context lies behind selector, five words and the context's length.
    uint256 private constant CONTEXT = 196;
    /// @dev Where a callback's context starts in calldata: behind selector, two amounts, offset and length.
    uint256 private constant PAYMENT = 132;

    /// @dev What the innermost pool of an exact output took.
    uint256 private transient _taken;

    /// @dev Runs the leg and all that it hands on to. The last pool pays whoever's balances are bounded.
    /// @return out What the last pool paid.
    /// @return last The token that it paid.
    /// @return at The leg after the path.
    function _swapPath(uint256 head, uint256 indexIn, uint256 indexOut, uint256 amount, Cursor start)
        internal
        returns (uint256 out, uint256 last, Cursor at)
    {
        address token = PlanCodec.token(indexIn);
        address next = PlanCodec.token(indexOut);
        // Of a pair, whether it has its amount already; of a concentrated pool, the bytes of the context that has been written for
        // it, where a pair is to pay it from within.
        uint256 ready;
        Hop hop;
        (hop, at) = _takeHop(head & KIND_MASK, token, next, start);
        if (head < HANDS_ON) {
            // Asked here, the question is 35 gas less.
            if (Cursor.unwrap(at) > Cursor.unwrap(Frame.end())) PlanCodec.within(at, Frame.end());
            return (_swapHop(hop, token, amount, Frame.holder(), 0), indexOut, at);
        }
        do {
            (head, indexOut, at) = PlanCodec.takeNext(at, indexOut);
            address beyond = PlanCodec.token(indexOut);
            Hop following;
            (following, at) = _takeHop(head & KIND_MASK, next, beyond, at);
            PlanCodec.within(at, Frame.end());
            if (following.kind() == LEG_V3) {
                // A concentrated pool asks for its own payment and does not see one made before.
                if (hop.kind() == LEG_V3) revert IExecutor.HandedWrong(at.offset());
                (amount, ready) = _deferPair(hop, token, amount, ready);
            } else {
                amount = _swapHop(hop, token, amount, following.pool(), ready);
                ready = 1;
            }
            hop = following;
            token = next;
            next = beyond;
        } while (head >= HANDS_ON);
        out = _swapHop(hop, token, amount, Frame.holder(), ready);
        last = indexOut;
    }

    function _swapHop(Hop hop, address token, uint256 amount, address to, uint256 ready) private returns (uint256) {
        if (hop.kind() == LEG_V3) return _swapConcentrated(hop, token, amount, to, ready);
        return _swapPair(hop, token, amount, to, ready != 0);
    }

    /// @dev Buys exactly the amount, the last pool first: each is paid by the one before it, from within.
    function _buyExactly(uint256 indexIn, uint256 indexOut, uint256 amount, Cursor start)
        internal
        returns (uint256 sold, Cursor at)
    {
        uint256 count;
        (count, at) = PlanCodec.take(start, 1);
        if (count == 0) revert IExecutor.NoHops(start.offset());
        bool asked;
        Hop first;
        (first, asked, at) = _hopsContext(indexIn, indexOut, at, count);
        // The amount is below 2^128, and a count has one byte.
        unchecked {
            (, int256 got) = _askConcentrated(first, -int256(amount), address(this), count * 64);
            if (got != -int256(amount)) revert IExecutor.PartialFill(amount, -got);
        }
        if (asked) sold = _taken;
    }

    /// @dev The callback of a concentrated pool: two amounts, and its context. What is paid out of what is held is the
    /// commonest, and done in one piece.
    function _payConcentrated() internal {
        bytes4 transfer = IERC20.transfer.selector;
        uint256 at;
        uint256 size;
        uint256 head;
        uint256 owed;
        bool armed;
        bool held;
        // `CallbackGuard._takeCallback`. The context's bytes stand behind its offset, which is always that of the last of
        // three arguments, and its length. Of two amounts one is positive.
        assembly ("memory-safe") {
            at := mload(64)
            size := calldataload(100)
            mstore(at, or(shl(160, LEG_V3), caller()))
            calldatacopy(add(at, 32), PAYMENT, size)
            armed := eq(tload(_state.slot), keccak256(at, add(size, 32)))
            tstore(_state.slot, LOCKED)
            head := mload(add(at, 32))
            owed := calldataload(4)
            if slt(owed, 1) { owed := calldataload(36) }
            // The budget is below 2^128, and less than one is more than that, less one. No mode is above the token.
            held := gt(and(armed, lt(sub(owed, 1), mload(add(at, 64)))), shr(160, head))
        }
        if (!held) return _payOtherwise(armed, at + 32, size, head, int256(owed));
        bool success;
        // `TokenCalls.send`, whose ordinary outcome ends the call.
        assembly ("memory-safe") {
            mstore(at, transfer)
            mstore(add(at, 4), caller())
            mstore(add(at, 36), owed)
            success := call(gas(), head, 0, at, 68, 0, 32)
            if and(and(success, eq(mload(0), 1)), gt(returndatasize(), 31)) { stop() }
        }
        if (!address(uint160(head)).accepted(success)) {
            revert ITokenErrors.TransferFailed(address(uint160(head)), msg.sender, owed);
        }
    }

    /// @param context Where in memory it is.
    function _payOtherwise(bool armed, uint256 context, uint256 size, uint256 head, int256 owed) private {
        if (!armed) revert IExecutor.CallbackNotArmed(msg.sender);
        // The cut is meant: it leaves the address.
        // forge-lint: disable-next-line(unsafe-typecast)
        address token = address(uint160(head));
        uint256 budget = _word(1);
        uint256 mode = head >> 160;
        // The comparison with the budget sees only positive values.
        if (owed <= 0 || (uint256(owed) > budget && (mode != PAY_HOPS || size == 64))) {
            revert IExecutor.CallbackOverBudget(owed, budget);
        }
        if (mode == PAY_HOPS) _payByHops(token, uint256(owed), size - 64);
        else if (mode == PAY_PERMIT) _sendPermit(_owner(), token, msg.sender, uint256(owed), context + 64, size - 64);
        else _payByPair(token, mode == PAY_PAIR, budget);
    }

    /// @dev The pair pays all that it gives, so that nothing of it is left on the way.
    function _payByPair(address token, bool pay, uint256 out) private {
        Hop hop = Hop.wrap(_word(2));
        uint256 sold = _word(3);
        if (pay) token.send(hop.pool(), sold);
        _askPair(hop, token, sold, out, msg.sender);
    }

    function _payByHops(address token, uint256 owed, uint256 rest) private {
        if (rest == 0) {
            _taken = owed;
            token.send(msg.sender, owed);
            return;
        }
        Hop hop = Hop.wrap(_word(2));
        // Copies what follows the hop to where the next context lies, its own token first.
        assembly ("memory-safe") {
            let at := add(mload(64), CONTEXT)
            mstore(at, calldataload(add(PAYMENT, 96)))
            mstore(add(at, 32), calldataload(add(PAYMENT, 32)))
            calldatacopy(add(at, 64), add(PAYMENT, 128), sub(rest, 64))
        }
        // An amount that a pool owes fits its own type.
        (, int256 got) = _askConcentrated(hop, -int256(owed), msg.sender, rest);
        if (got != -int256(owed)) revert IExecutor.PartialFill(owed, -got);
    }

    /// @dev Its context has been written already if `size` is not zero.
    function _swapConcentrated(Hop hop, address token, uint256 amount, address to, uint256 size)
        private
        returns (uint256)
    {
        if (size == 0) size = _isDirect() ? _permitContext(token, amount) : _heldContext(token, amount);
        // The amount is below 2^128: what is available is, and what a pair gives fits its own type. A Solidly pool that claims
        // more asks for what no pool fills.
        (int256 owed, int256 got) = _askConcentrated(hop, int256(amount), to, size);
        if (owed != int256(amount)) revert IExecutor.PartialFill(amount, owed);
        if (got > 0) revert IExecutor.PartialFill(amount, 0);
        // What the pool sent, negated. Negating int256's least value leaves it, which no sum of amounts can take.
        unchecked {
            return uint256(-got);
        }
    }

    function _swapPair(Hop hop, address token, uint256 sold, address to, bool paid) private returns (uint256 out) {
        out = _pairOut(hop, token, sold);
        if (!paid) {
            if (_isDirect()) _pullByPermit(token, hop.pool(), sold);
            else token.send(hop.pool(), sold);
        }
        _askPair(hop, token, sold, out, to);
    }

    /// @dev The next pool is asked first, and this pair from within its callback.
    /// @return out What the pair will pay the next pool.
    /// @return size Bytes of the next pool's context, which this writes.
    function _deferPair(Hop hop, address token, uint256 sold, uint256 ready)
        private
        returns (uint256 out, uint256 size)
    {
        out = _pairOut(hop, token, sold);
        if (ready == 0 && _isDirect()) {
            _pullByPermit(token, hop.pool(), sold);
            ready = 1;
        }
        size = _pairContext(token, sold, hop, ready == 0 ? PAY_PAIR : PAY_PAID_PAIR, out);
    }

    // What a hop is

    /// @dev Venue 0 of Uniswap's own kinds is derived here, as `PoolAddress` does it, then `hopOf`: beyond the free pointer,
    /// up to where a context may wait for the pool before this one. Any other is looked up.
    function _takeHop(uint256 kind, address tokenIn, address tokenOut, Cursor at)
        private
        view
        returns (Hop hop, Cursor next)
    {
        uint256 fee;
        bool known;
        // Behind the venue, which is zero.
        assembly ("memory-safe") {
            fee := shr(224, calldataload(at))
            known := lt(shr(24, fee), lt(sub(kind, 1), 2))
        }
        if (!known) return _lookUpHop(kind, tokenIn, tokenOut, at);
        if (kind == LEG_V3) {
            address factory3 = _v3Factory;
            bytes32 hash3 = _v3InitCodeHash;
            assembly ("memory-safe") {
                let free := mload(64)
                let up := lt(tokenIn, tokenOut)
                let swap := mul(xor(tokenIn, tokenOut), up)
                mstore(free, xor(tokenOut, swap))
                mstore(add(free, 32), xor(tokenIn, swap))
                mstore(add(free, 64), fee)
                swap := keccak256(free, 96)
                mstore(free, or(CREATE2_MARK, factory3))
                mstore(add(free, 32), swap)
                mstore(add(free, 64), hash3)
                hop := shr(96, shl(96, keccak256(add(free, 11), 85)))
                hop := or(hop, or(shl(160, up), shl(168, LEG_V3)))
                next := add(at, 4)
            }
            return (hop, next);
        }
        address factory2 = _v2Factory;
        bytes32 hash2 = _v2InitCodeHash;
        // The later write covers the zeros of the earlier.
        assembly ("memory-safe") {
            let free := mload(64)
            let up := lt(tokenIn, tokenOut)
            let swap := mul(xor(tokenIn, tokenOut), up)
            mstore(add(free, 20), xor(tokenIn, swap))
            mstore(free, xor(tokenOut, swap))
            swap := keccak256(add(free, 12), 40)
            mstore(free, or(CREATE2_MARK, factory2))
            mstore(add(free, 32), swap)
            mstore(add(free, 64), hash2)
            hop := shr(96, shl(96, keccak256(add(free, 11), 85)))
            hop := or(hop, or(shl(160, up), or(shl(168, LEG_V2), shl(176, V2_FEE_PIPS))))
            next := add(at, 1)
        }
    }

    function _lookUpHop(uint256 kind, address tokenIn, address tokenOut, Cursor at)
        private
        view
        returns (Hop hop, Cursor next)
    {
        bool zeroForOne = tokenIn < tokenOut;
        uint256 id;
        (id, next) = PlanCodec.take(at, 1);
        if (kind == LEG_V2) {
            (address pair, uint256 feePips) = _constantProductPool(id, tokenIn, tokenOut);
            hop = hopOf(pair, zeroForOne, LEG_V2, feePips);
        } else if (kind == LEG_V3) {
            uint256 fee;
            (fee, next) = PlanCodec.take(next, 3);
            // It has three bytes.
            // forge-lint: disable-next-line(unsafe-typecast)
            hop = hopOf(_concentratedPool(id, tokenIn, tokenOut, uint24(fee)), zeroForOne, LEG_V3, 0);
        } else if (kind == LEG_SOLIDLY) {
            bool stable;
            (stable, next) = PlanCodec.takeSwitch(next);
            hop = hopOf(_solidlyPool(id, tokenIn, tokenOut, stable), zeroForOne, LEG_SOLIDLY, 0);
        } else {
            revert IExecutor.NoPath(at.offset(), kind);
        }
    }

    // Contexts, each written where `_askConcentrated` sends it from

    function _heldContext(address token, uint256 amount) private pure returns (uint256 size) {
        // Beyond the free pointer, where the call is about to be built.
        assembly ("memory-safe") {
            let at := add(mload(64), CONTEXT)
            mstore(at, token)
            mstore(add(at, 32), amount)
        }
        size = 64;
    }

    function _pairContext(address token, uint256 sold, Hop pair, uint256 mode, uint256 out)
        private
        pure
        returns (uint256 size)
    {
        // Beyond the free pointer, where the call is about to be built.
        assembly ("memory-safe") {
            let at := add(mload(64), CONTEXT)
            mstore(at, or(token, shl(160, mode)))
            mstore(add(at, 32), out)
            mstore(add(at, 64), pair)
            mstore(add(at, 96), sold)
        }
        size = 128;
    }

    /// @dev Writes the permit's terms where they stand in a context; returns how many bytes they are.
    function _permitInContext(uint256 flags, uint256 declared, Cursor end) internal view returns (uint256 size) {
        (, size) = _permitTerms(CONTEXT + 64, flags, declared, end);
    }

    function _permitContext(address token, uint256 amount) private view returns (uint256 size) {
        uint256 terms = _permitInContext(Frame.flags(), Frame.declared(), Frame.end());
        // Beyond the free pointer, where the call is about to be built.
        assembly ("memory-safe") {
            let at := add(mload(64), CONTEXT)
            mstore(at, or(token, shl(160, PAY_PERMIT)))
            mstore(add(at, 32), amount)
            size := add(64, terms)
        }
    }

    /// @dev Hops stand last pool first, then the tokens between them, likewise.
    /// What the path took is asked for afterwards but for a plan's last leg, see `Executor._count`; not asked for, the innermost
    /// pool is paid in the commonest mode.
    function _hopsContext(uint256 indexIn, uint256 indexOut, Cursor hops, uint256 count)
        private
        view
        returns (Hop first, bool asked, Cursor at)
    {
        // A count has one byte, and no calldata is long enough for a sum of its places to wrap.
        unchecked {
            uint256 between = Cursor.unwrap(hops) + 4 * count;
            at = Cursor.wrap(between + count - 1);
            PlanCodec.within(at, Frame.end());
            asked = Frame.flags() != 0 || Cursor.unwrap(at) < Cursor.unwrap(Frame.end());
            uint256 place;
            assembly ("memory-safe") {
                place := add(mload(64), CONTEXT)
            }
            address bought = PlanCodec.token(indexOut);
            do {
                uint256 head = PAY_HOPS << 160;
                uint256 index = indexIn;
                if (--count != 0) {
                    (index,) = PlanCodec.take(Cursor.wrap(between), 1);
                    if (index >= Frame.total()) revert IExecutor.TokenIndex(between, index, index);
                    ++between;
                } else if (!asked) {
                    head = 0;
                }
                address sold = PlanCodec.token(index);
                Hop hop;
                (hop, hops) = _takeHop(LEG_V3, sold, bought, hops);
                assembly ("memory-safe") {
                    mstore(place, hop)
                    mstore(add(place, 32), or(sold, head))
                    place := add(place, 64)
                }
                bought = sold;
            } while (count != 0);
        }
        uint256 budget = Frame.available(indexIn);
        // The first hop is asked, with its token as the context's head.
        assembly ("memory-safe") {
            let context := add(mload(64), CONTEXT)
            first := mload(context)
            mstore(context, mload(add(context, 32)))
            mstore(add(context, 32), budget)
        }
    }

    // Asking pools

    /// @dev Its context has been written already. Amounts are the pool's: positive where it is owed.
    /// @return owed What the pool took.
    /// @return got What it gave, negated.
    function _askConcentrated(Hop hop, int256 amount, address to, uint256 size)
        internal
        returns (int256 owed, int256 got)
    {
        address pool = hop.pool();
        bool zeroForOne = hop.zeroForOne();
        bytes4 selector = IUniswapV3Pool.swap.selector;
        uint256 call_;
        assembly ("memory-safe") {
            call_ := mload(64)
        }
        _arm(LEG_V3, pool, call_ + CONTEXT - 32, size);
        bool success;
        bool fine;
        // The call lies beyond the free pointer; its answer's two words go to scratch space. An address without code
        // answers nothing, which saves asking for its code.
        assembly ("memory-safe") {
            mstore(call_, selector)
            mstore(add(call_, 4), to)
            mstore(add(call_, 36), zeroForOne)
            mstore(add(call_, 68), amount)
            mstore(add(call_, 100), xor(HIGHEST, mul(xor(LOWEST, HIGHEST), zeroForOne)))
            mstore(add(call_, 132), 160)
            mstore(add(call_, 164), size)
            success := call(gas(), pool, 0, call_, add(size, CONTEXT), 0, 64)
            fine := and(and(success, gt(returndatasize(), 63)), eq(tload(_state.slot), LOCKED))
            let where := shl(5, zeroForOne)
            owed := mload(sub(32, where))
            got := mload(where)
        }
        if (!fine) _explainUnfit(hop, amount, success);
    }

    /// @dev Asks a pair that was paid `sold` of `token`.
    function _askPair(Hop hop, address token, uint256 sold, uint256 out, address to) internal {
        address pool = hop.pool();
        bool zeroForOne = hop.zeroForOne();
        bytes4 selector = IUniswapV2Pair.swap.selector;
        bool success;
        // The call lies beyond the free pointer. Whether there is code was seen when the pair was asked for its reserves.
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), mul(out, iszero(zeroForOne)))
            mstore(add(call_, 36), mul(out, zeroForOne))
            mstore(add(call_, 68), to)
            mstore(add(call_, 100), 128)
            mstore(add(call_, 132), 0)
            success := call(gas(), pool, 0, call_, 164, 0, 0)
        }
        if (!success) _explainPair(hop, token, sold);
    }

    /// @dev What the pair's own check demands; Solidly's pools are asked, as they have several formulas.
    function _pairOut(Hop hop, address token, uint256 amountIn) private view returns (uint256) {
        if (hop.kind() == LEG_SOLIDLY) return ISolidlyPool(hop.pool()).getAmountOut(amountIn, token);
        (uint256 reserveIn, uint256 reserveOut) = _reserves(hop);
        // The pair could not store a larger balance either.
        if (amountIn > type(uint112).max) revert IExecutor.AmountOverflow(amountIn);
        // `in * (1 - fee) * reserveOut / (reserveIn + in * (1 - fee))`, rounded down. All three amounts are below 2^112 and
        // PIPS is below 2^20, so no product exceeds 2^244. The fee is below PIPS and the amount is not zero, or the
        // reserves of a pair that gave it were empty, in which case the division panics.
        uint256 afterFee;
        uint256 divisor;
        unchecked {
            afterFee = amountIn * (PIPS - hop.feePips());
            divisor = reserveIn * PIPS + afterFee;
            afterFee *= reserveOut;
        }
        return afterFee / divisor;
    }

    function _reserves(Hop hop) private view returns (uint256 reserveIn, uint256 reserveOut) {
        address pool = hop.pool();
        bytes4 selector = IUniswapV2Pair.getReserves.selector;
        bool whole;
        uint256 reserve0;
        uint256 reserve1;
        // Two words to scratch space. An address without code answers nothing, which saves asking for its code. The pair
        // is proved, so both words are uint112.
        assembly ("memory-safe") {
            mstore(0, selector)
            let success := staticcall(gas(), pool, 0, 4, 0, 64)
            whole := and(success, gt(returndatasize(), 63))
            reserve0 := mload(0)
            reserve1 := mload(32)
        }
        if (!whole) revert IExecutor.PoolMissing(hop.pool());
        return hop.zeroForOne() ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    // Why a pool refused. Looked at only then, which keeps swaps that succeed free of it.

    /// @dev A concentrated pool that failed, is none, or did not call back.
    function _explainUnfit(Hop hop, int256 amount, bool success) internal view {
        if (!success) _explainConcentrated(hop, amount);
        bool whole;
        assembly ("memory-safe") {
            whole := gt(returndatasize(), 63)
        }
        if (!whole) revert IExecutor.PoolMissing(hop.pool());
        _requireTaken(hop.pool());
    }

    function _explainConcentrated(Hop hop, int256 amount) private view {
        bytes memory reason = Reverts.data();
        if (keccak256(reason) != UNDERPAID || amount < 0) Reverts.bubble(reason);
        IUniswapV3Pool pool = IUniswapV3Pool(hop.pool());
        // Not negative.
        revert ITokenErrors.FeeOnTransfer(hop.zeroForOne() ? pool.token0() : pool.token1(), uint256(amount), 0);
    }

    /// @dev What the pair has beyond its reserve is what it was paid.
    function _explainPair(Hop hop, address token, uint256 sold) internal view {
        bytes memory reason = Reverts.data();
        (uint256 reserveIn,) = _reserves(hop);
        uint256 held = token.balanceOf(hop.pool());
        uint256 received = held > reserveIn ? held - reserveIn : 0;
        if (received < sold) revert ITokenErrors.FeeOnTransfer(token, sold, received);
        Reverts.bubble(reason);
    }

    /// @dev The context's word of that index. The context is this contract's own, as its hash showed.
    function _word(uint256 index) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(PAYMENT, shl(5, index)))
        }
    }
}
