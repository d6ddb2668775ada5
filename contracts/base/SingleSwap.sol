// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "../interfaces/IERC20.sol";
import {IUniswapV2Pair, IUniswapV3Pool} from "../interfaces/IVenues.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {hopOf} from "../types/Hop.sol";
import {Cursor, FLAG_PERMIT, LEG_V2, LEG_V3, LEG_V4} from "../types/Plan.sol";
import {PathLegs} from "./PathLegs.sol";
import {SingletonLegs} from "./SingletonLegs.sol";

/// @title The commonest plan: all of one asset into another, at one pool of Uniswap's own
/// @notice A lane of its own, 1,100 to 2,900 gas less than the general one, which does the same and is asked whenever
/// anything is out of the ordinary before something was paid. `ExecutorLanes.t.sol` holds the two together. The account
/// holds the funds, or the owner pays the pool by permit and is paid by it.
/// @dev The form of such a plan is fixed, so nothing is looked up: head 0x0200, or 0x0204 by permit, deadline, counts 0x20;
/// asset 0 at byte 8, asset 1 at byte 45, the leg at byte 82: kind and mode, tokens 0x01, particulars; a permit behind.
abstract contract SingleSwap is PathLegs, SingletonLegs {
    using TokenCalls for address;

    /// @dev `MIN_SQRT_PRICE_LIMIT` and `MAX_SQRT_PRICE_LIMIT`, as assembly takes them.
    uint256 private constant LOWEST = 4_295_128_740;
    uint256 private constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    /// @dev A head without its deadline: held funds, two assets and no other token; the same with a permit.
    uint256 private constant HEAD_MASK = 0xffff0000000000ff;
    uint256 private constant HELD = 0x0200000000000020;
    uint256 private constant DIRECT = 0x0204000000000020;

    /// @dev The kind of a plan's only leg if the plan has the form of this lane; else zero. And where its permit begins, if
    /// it has one; else zero.
    function _singleKind(uint256 head) internal pure returns (uint256 kind, uint256 permit) {
        // A permit's length stands last. One that is too long begins where no case knows.
        assembly ("memory-safe") {
            let form := and(head, HEAD_MASK)
            let direct := eq(form, DIRECT)
            if or(direct, eq(form, HELD)) {
                let end := calldatasize()
                if direct {
                    end := sub(end, add(10, and(calldataload(sub(end, 32)), 0xffff)))
                    permit := end
                }
                let leg := calldataload(82)
                switch end
                case 85 { kind := mul(eq(shr(232, leg), 0x410100), LEG_V2) }
                case 88 { kind := mul(eq(shr(232, leg), 0x420100), LEG_V3) }
                case 91 { kind := mul(and(eq(shr(240, leg), 0x4301), iszero(or(byte(8, leg), direct))), LEG_V4) }
            }
        }
    }

    /// @dev Fee and tick spacing of a v4 leg, at byte 84 of the plan.
    function _singleKey() private pure returns (uint256 key) {
        assembly ("memory-safe") {
            key := shr(208, calldataload(84))
        }
    }

    /// @return done False if nothing was done, as the general lane is to say why or to do it.
    function _swapSingle(uint256 kind, uint256 permit, address owner)
        internal
        returns (bool done, uint256 spent, uint256 received)
    {
        address holder = permit == 0 ? address(this) : owner;
        uint256 question = _question(holder);
        (bool fine, address sold, uint256 most, uint256 opening) = _ask(question, 8, 1);
        (bool fineOut, address bought, uint256 least, uint256 openingOut) = _ask(question, 45, 2);
        if (!(fine && fineOut)) return (false, 0, 0);
        if (kind == LEG_V3) {
            _swapSingleConcentrated(
                sold, bought, most, holder, permit == 0 ? 0 : _permitInContext(FLAG_PERMIT, 2, Cursor.wrap(permit))
            );
        } else if (kind == LEG_V2) {
            if (!_swapSinglePair(sold, bought, most, holder, permit)) return (false, 0, 0);
        } else {
            if (address(_poolManager) == address(0)) return (false, 0, 0);
            _swapSingleton(sold, bought, most, _singleKey(), false);
        }
        uint256 closing;
        uint256 closingOut;
        (fine,,, closing) = _ask(question, 8, 1);
        (fineOut,,, closingOut) = _ask(question, 45, 2);
        // Where a difference wraps around, the first comparison beside it fails.
        assembly ("memory-safe") {
            spent := sub(opening, closing)
            received := sub(closingOut, openingOut)
            done := and(iszero(gt(closing, opening)), iszero(lt(closingOut, openingOut)))
            done := and(and(fine, fineOut), done)
            done := and(done, and(iszero(gt(spent, most)), iszero(lt(received, least))))
        }
        if (done) return (true, spent, received);
        if (!fine) revert ITokenErrors.NotAToken(sold);
        if (!fineOut) revert ITokenErrors.NotAToken(bought);
        spent = closing < opening ? opening - closing : 0;
        received = closingOut > openingOut ? closingOut - openingOut : 0;
        if (spent > most) revert IExecutor.Overspent(sold, spent, most);
        if (received < least) revert IExecutor.MinOutMissed(received, least);
        done = true;
    }

    function _question(address holder) private pure returns (uint256 question) {
        bytes4 selector = IERC20.balanceOf.selector;
        // Takes 64 bytes of memory.
        assembly ("memory-safe") {
            question := mload(64)
            mstore(64, add(question, 64))
            mstore(question, selector)
            mstore(add(question, 4), holder)
        }
    }

    /// @dev The asset at byte `at` of the plan, whether its bound is the expected one and it answers as a token, and what
    /// the holder has of it.
    function _ask(uint256 question, uint256 at, uint256 expected)
        private
        view
        returns (bool fine, address token, uint256 amount, uint256 held)
    {
        // The answer goes to scratch space. Arguments are evaluated from the last: the call before its answer's size.
        assembly ("memory-safe") {
            let word := calldataload(at)
            token := shr(96, shl(8, word))
            amount := shr(128, calldataload(add(at, 21)))
            fine := and(
                and(eq(byte(0, word), expected), gt(amount, 0)),
                and(gt(returndatasize(), 31), staticcall(gas(), token, question, 36, 0, 32))
            )
            held := mload(0)
        }
    }

    /// @param permit Where the permit begins that brings the funds; zero where the account holds them.
    /// @return whole Whether there is a pair that can store the amount; nothing was paid if not.
    function _swapSinglePair(address token, address bought, uint256 sold, address holder, uint256 permit)
        private
        returns (bool whole)
    {
        address factory = _v2Factory;
        bytes32 initCodeHash = _v2InitCodeHash;
        bytes4 transfer = IERC20.transfer.selector;
        bytes4 getReserves = IUniswapV2Pair.getReserves.selector;
        address pair;
        uint256 out;
        bool success;
        // `PoolAddress.constantProduct`, `PathLegs._reserves` and `._pairOut`, with their proofs, and the call of
        // `TokenCalls.send`; beyond the free pointer and in scratch space. The fee of 3,000 pips is 3 parts of 1,000.
        assembly ("memory-safe") {
            let at := mload(64)
            let up := lt(token, bought)
            let swap := mul(xor(token, bought), up)
            mstore(at, shl(96, xor(bought, swap)))
            mstore(add(at, 20), shl(96, xor(token, swap)))
            let salt := keccak256(at, 40)
            mstore(at, or(shl(248, 0xff), shl(88, factory)))
            mstore(add(at, 21), salt)
            mstore(add(at, 53), initCodeHash)
            pair := shr(96, shl(96, keccak256(at, 85)))
            mstore(0, getReserves)
            whole := staticcall(gas(), pair, 0, 4, 0, 64)
            whole := and(and(whole, gt(returndatasize(), 63)), iszero(shr(112, sold)))
            if whole {
                let afterFee := mul(sold, 997)
                let where := shl(5, up)
                out := div(mul(afterFee, mload(where)), add(mul(mload(sub(32, where)), 1000), afterFee))
                if iszero(permit) {
                    mstore(at, transfer)
                    mstore(add(at, 4), pair)
                    mstore(add(at, 36), sold)
                    success := call(gas(), token, 0, at, 68, 0, 32)
                }
            }
        }
        if (!whole) return false;
        if (permit != 0) {
            (uint256 terms, uint256 size) = _permitTerms(0, FLAG_PERMIT, 2, Cursor.wrap(permit));
            _sendPermit(holder, token, pair, sold, terms, size);
        } else if (!token.accepted(success)) {
            revert ITokenErrors.TransferFailed(token, pair, sold);
        }
        _askPair(hopOf(pair, token < bought, LEG_V2, 0), token, sold, out, holder);
    }

    /// @param terms Bytes of the permit's terms, written already; zero where the account holds the funds.
    function _swapSingleConcentrated(address token, address bought, uint256 amount, address holder, uint256 terms)
        private
    {
        address deployer = _v3Factory;
        bytes32 initCodeHash = _v3InitCodeHash;
        bytes4 selector = IUniswapV3Pool.swap.selector;
        address pool;
        uint256 state;
        bool success;
        bool whole;
        int256 owed;
        int256 got;
        // `PoolAddress.concentrated`, whose fee is at byte 85 of the plan, then `PathLegs._heldContext` or
        // `._permitContext`, `CallbackGuard._arm` and the call of `PathLegs._askConcentrated`; beyond the free pointer and in scratch space.
        assembly ("memory-safe") {
            let at := mload(64)
            let up := lt(token, bought)
            let swap := mul(xor(token, bought), up)
            mstore(at, xor(bought, swap))
            mstore(add(at, 32), xor(token, swap))
            mstore(add(at, 64), shr(232, calldataload(85)))
            let salt := keccak256(at, 96)
            mstore(at, or(shl(248, 0xff), shl(88, deployer)))
            mstore(add(at, 21), salt)
            mstore(add(at, 53), initCodeHash)
            pool := shr(96, shl(96, keccak256(at, 85)))
            mstore(add(at, 164), or(shl(160, LEG_V3), pool))
            let size := add(64, terms)
            mstore(add(at, 196), or(token, shl(160, mul(PAY_PERMIT, iszero(iszero(terms))))))
            mstore(add(at, 228), amount)
            tstore(_state.slot, keccak256(add(at, 164), add(size, 32)))
            mstore(at, selector)
            mstore(add(at, 4), holder)
            mstore(add(at, 36), up)
            mstore(add(at, 68), amount)
            mstore(add(at, 100), xor(HIGHEST, mul(xor(LOWEST, HIGHEST), up)))
            mstore(add(at, 132), 160)
            mstore(add(at, 164), size)
            success := call(gas(), pool, 0, at, add(196, size), 0, 64)
            whole := gt(returndatasize(), 63)
            owed := mload(shl(5, iszero(up)))
            got := mload(shl(5, up))
            state := tload(_state.slot)
        }
        if (!success) _explainConcentrated(hopOf(pool, token < bought, LEG_V3, 0), int256(amount));
        if (!whole) {
            if (deployer == address(0)) revert IExecutor.VenueUnknown(LEG_V3, 0);
            revert IExecutor.PoolMissing(pool);
        }
        if (state != LOCKED) revert IExecutor.CallbackMissed(pool);
        // The amount is below 2^128.
        if (owed != int256(amount)) revert IExecutor.PartialFill(amount, owed);
        if (got > 0) revert IExecutor.PartialFill(amount, 0);
    }
}
