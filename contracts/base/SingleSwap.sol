// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "../interfaces/IERC20.sol";
import {IPoolManager, IUniswapV2Pair, IUniswapV3Pool} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Hop, hopOf} from "../types/Hop.sol";
import {Cursor, FLAG_PERMIT, LEG_V2, LEG_V3, LEG_V4, PAIR_END, TOKEN_IN, TOKEN_OUT} from "../types/Plan.sol";
import {CREATE2_MARK, HIGHEST, LOWEST, PathLegs} from "./PathLegs.sol";
import {SingletonLegs} from "./SingletonLegs.sol";

/// @title The commonest plan: all of one asset into another, at one pool of Uniswap's own
/// @notice A lane of its own, 2,250 to 2,500 gas less than the general one, which does the same for every other form of plan
/// and for assets that are no ordinary tokens. `ExecutorLanes.t.sol` holds the two together. The account holds the funds, or
/// the owner pays the pool by permit and is paid by it.
/// @dev The form of such a plan is fixed, so nothing is looked up: head 0x0200, or 0x0204 by permit, deadline, counts 0x20;
/// asset 0 at byte 8, asset 1 at byte 45, the leg at byte 82: kind and mode, tokens 0x01, particulars; a permit behind.
abstract contract SingleSwap is PathLegs, SingletonLegs {
    using TokenCalls for address;

    /// @dev Where the first two assets' tokens stand in a plan, each behind its bound and before its amount.
    uint256 internal constant TOKEN_0 = 9;
    uint256 internal constant TOKEN_1 = 46;
    /// @dev Two assets and no other token.
    uint256 private constant COUNTS = 0x20;
    /// @dev Where the leg begins, and its first three bytes without its kind: all, the first asset for the second, venue 0.
    uint256 private constant LEG = 82;
    uint256 private constant ALL_FIRST_FOR_SECOND = 0x400100;

    // Forms of plans over held funds, as `_form` reads them: version 2 and no flags, two assets, the only leg's first bytes,
    // and how long such a plan is.
    uint256 private constant FORM = (0x0200000000000020 << 192) | ALL_FIRST_FOR_SECOND;
    uint256 internal constant FORM_V2 = FORM | (LEG_V2 << 16) | ((LEG + 3) << 24);
    uint256 internal constant FORM_V3 = FORM | (LEG_V3 << 16) | ((LEG + 6) << 24);
    uint256 internal constant FORM_V4 = FORM | (LEG_V4 << 16) | ((LEG + 9) << 24);

    /// @dev The head without its deadline, the length of the plan, and three bytes where the first leg is if there are two
    /// assets and no other token. No calldata is so long that its length reaches the head.
    function _form() internal pure returns (uint256 form) {
        assembly ("memory-safe") {
            form := and(calldataload(0), 0xffff0000000000ff000000000000000000000000000000000000000000000000)
            form := or(or(form, shr(232, calldataload(LEG))), shl(24, calldatasize()))
        }
    }

    /// @dev The kind of a plan's only leg if the plan has the form of this lane; else zero. The plan's flags are none, or
    /// those of a permit that pays the pool.
    function _singleKind(uint256 head) internal pure returns (uint256 kind) {
        // A leg has 3 bytes for each step of its kind: 3, 6, 9. A permit's length stands last; with one that is too long, no
        // size fits.
        assembly ("memory-safe") {
            let size := sub(calldatasize(), LEG)
            if and(head, shl(48, 0xff)) {
                size := sub(size, add(10, and(calldataload(sub(calldatasize(), 32)), 0xffff)))
            }
            let leg := sub(shr(232, calldataload(LEG)), ALL_FIRST_FOR_SECOND)
            kind := and(eq(mul(3, leg), shl(16, size)), and(lt(size, 10), eq(and(head, 0xff), COUNTS)))
            kind := mul(kind, shr(16, leg))
        }
    }

    /// @dev Out of what the account holds: no permit can pay the manager.
    function _swapHeldSingleton() internal {
        address manager = _poolManager;
        bytes4 selector = IPoolManager.unlock.selector;
        uint256 particulars;
        // Fee and tick spacing, then a switch.
        assembly ("memory-safe") {
            particulars := shr(200, calldataload(add(LEG, 2)))
        }
        if (particulars & 0xff != 0) return _swapHeldCoin(particulars);
        bool success;
        bool fine;
        // `SingletonLegs._swapSingleton` at known places, of two tokens. Whether the manager called back need not be asked where
        // it says that something came of it: it has nothing if not, which the plan's end sees, and is disarmed there.
        assembly ("memory-safe") {
            mstore(add(PAIR_END, 36), or(shl(160, LEG_V4), manager))
            mstore(add(PAIR_END, 68), shr(96, calldataload(TOKEN_0)))
            mstore(add(PAIR_END, 100), shr(96, calldataload(TOKEN_1)))
            mstore(add(PAIR_END, 132), shr(128, calldataload(add(TOKEN_0, 20))))
            mstore(add(PAIR_END, 164), particulars)
            tstore(_state.slot, keccak256(add(PAIR_END, 36), add(CONTEXT_BYTES, 32)))
            mstore(PAIR_END, selector)
            mstore(add(PAIR_END, 4), 32)
            mstore(add(PAIR_END, 36), CONTEXT_BYTES)
            success := call(gas(), manager, 0, PAIR_END, add(UNLOCK_CONTEXT, CONTEXT_BYTES), 0, 0)
            fine := and(success, gt(returndatasize(), 95))
        }
        if (!fine) _explainManager(success);
    }

    function _swapHeldCoin(uint256 particulars) private {
        uint256 native = particulars & 0xff;
        if (native > 1) revert IExecutor.BadSwitch(native);
        (, address sold, uint256 amount) = PlanCodec.asset(TOKEN_IN);
        (, address bought,) = PlanCodec.asset(TOKEN_OUT);
        _swapSingleton(sold, bought, amount, particulars >> 8, true);
    }

    /// @param holder Who pays, by the permit behind the leg if that is not this account, and is paid.
    function _swapSinglePair(address holder) internal {
        _state = LOCKED;
        address token;
        address bought;
        uint256 sold;
        address factory = _v2Factory;
        bytes32 initCodeHash = _v2InitCodeHash;
        bytes4 getReserves = IUniswapV2Pair.getReserves.selector;
        address pair;
        uint256 out;
        bool whole;
        uint256 others;
        // `PoolAddress.constantProduct`, `PathLegs._reserves` and `._pairOut`, with their proofs; at known places and in
        // scratch space. The later write covers the zeros of the earlier. The fee of 3,000 pips is 3 parts of 1,000.
        assembly ("memory-safe") {
            token := shr(96, calldataload(TOKEN_0))
            bought := shr(96, calldataload(TOKEN_1))
            sold := shr(128, calldataload(add(TOKEN_0, 20)))
            let up := lt(token, bought)
            let swap := mul(xor(token, bought), up)
            mstore(add(PAIR_END, 20), xor(token, swap))
            mstore(PAIR_END, xor(bought, swap))
            let salt := keccak256(add(PAIR_END, 12), 40)
            mstore(PAIR_END, or(CREATE2_MARK, factory))
            mstore(add(PAIR_END, 32), salt)
            mstore(add(PAIR_END, 64), initCodeHash)
            pair := shr(96, shl(96, keccak256(add(PAIR_END, 11), 85)))
            mstore(0, getReserves)
            whole := staticcall(gas(), pair, 0, 4, 0, 64)
            whole := and(and(whole, gt(returndatasize(), 63)), iszero(shr(112, sold)))
            let afterFee := mul(sold, 997)
            let where := shl(5, up)
            out := div(mul(afterFee, mload(where)), add(mul(mload(sub(32, where)), 1000), afterFee))
            others := xor(holder, address())
        }
        if (!whole) {
            if (sold > type(uint112).max && pair.code.length != 0) revert IExecutor.AmountOverflow(sold);
            revert IExecutor.PoolMissing(pair);
        }
        if (others != 0) {
            (uint256 terms, uint256 size) = _permitTerms(0, FLAG_PERMIT, 2, Cursor.wrap(LEG + 3));
            _sendPermit(holder, token, pair, sold, terms, size);
        } else {
            _payPair(token, pair, sold);
        }
        bytes4 selector = IUniswapV2Pair.swap.selector;
        bool success;
        // As `PathLegs._askPair`.
        assembly ("memory-safe") {
            let where := shl(5, lt(token, bought))
            mstore(PAIR_END, selector)
            mstore(add(add(PAIR_END, 4), where), out)
            mstore(sub(add(PAIR_END, 36), where), 0)
            mstore(add(PAIR_END, 68), holder)
            mstore(add(PAIR_END, 100), 128)
            mstore(add(PAIR_END, 132), 0)
            success := call(gas(), pair, 0, PAIR_END, 164, 0, 0)
        }
        if (!success) _explainPair(hopOf(pair, token < bought, LEG_V2, 0), token, sold);
    }

    /// @dev As `TokenCalls.send`.
    function _payPair(address token, address pair, uint256 sold) private {
        bytes4 transfer = IERC20.transfer.selector;
        bool success;
        bool plain;
        assembly ("memory-safe") {
            mstore(PAIR_END, transfer)
            mstore(add(PAIR_END, 4), pair)
            mstore(add(PAIR_END, 36), sold)
            success := call(gas(), token, 0, PAIR_END, 68, 0, 32)
            plain := and(and(success, eq(mload(0), 1)), gt(returndatasize(), 31))
        }
        if (!plain && !token.accepted(success)) revert ITokenErrors.TransferFailed(token, pair, sold);
    }

    /// @dev Out of what the account holds.
    function _swapHeldConcentrated() internal {
        address deployer = _v3Factory;
        bytes32 initCodeHash = _v3InitCodeHash;
        bytes4 selector = IUniswapV3Pool.swap.selector;
        uint256 derived;
        bool success;
        bool fine;
        // As `_swapSingleConcentrated`, which see, at known places.
        assembly ("memory-safe") {
            let token := shr(96, calldataload(TOKEN_0))
            let bought := shr(96, calldataload(TOKEN_1))
            let amount := shr(128, calldataload(add(TOKEN_0, 20)))
            let up := lt(token, bought)
            let where := shl(5, up)
            mstore(sub(add(PAIR_END, 32), where), token)
            mstore(add(PAIR_END, where), bought)
            mstore(add(PAIR_END, 64), shr(232, calldataload(add(LEG, 3))))
            let salt := keccak256(PAIR_END, 96)
            mstore(PAIR_END, or(CREATE2_MARK, deployer))
            mstore(add(PAIR_END, 32), salt)
            mstore(add(PAIR_END, 64), initCodeHash)
            // The upper twelve bytes are not the address's: a call does without them, and the kind is written over them.
            derived := keccak256(add(PAIR_END, 11), 85)
            mstore(add(PAIR_END, 164), derived)
            mstore(add(PAIR_END, 144), LEG_V3)
            mstore(add(PAIR_END, 196), token)
            mstore(add(PAIR_END, 228), amount)
            tstore(_state.slot, keccak256(add(PAIR_END, 164), 96))
            mstore(PAIR_END, selector)
            mstore(add(PAIR_END, 4), address())
            mstore(add(PAIR_END, 36), up)
            mstore(add(PAIR_END, 68), amount)
            mstore(add(PAIR_END, 100), xor(HIGHEST, mul(xor(LOWEST, HIGHEST), up)))
            mstore(add(PAIR_END, 132), 160)
            mstore(add(PAIR_END, 164), 64)
            success := call(gas(), derived, 0, PAIR_END, 260, 0, 64)
            fine := and(success, gt(returndatasize(), 63))
            fine := and(fine, and(eq(mload(sub(32, where)), amount), slt(mload(where), 1)))
        }
        if (!fine) _explainHeld(derived, success);
    }

    function _explainHeld(uint256 derived, bool success) private view {
        (, address token, uint256 amount) = PlanCodec.asset(TOKEN_IN);
        (, address bought,) = PlanCodec.asset(TOKEN_OUT);
        // The cut is meant: it leaves the address.
        // forge-lint: disable-next-line(unsafe-typecast)
        _explainSingle(hopOf(address(uint160(derived)), token < bought, LEG_V3, 0), amount, success);
    }

    /// @param holder Who pays, by the permit behind the leg, and is paid.
    function _swapSingleConcentrated(address holder) internal {
        uint256 terms = _permitInContext(FLAG_PERMIT, 2, Cursor.wrap(LEG + 6));
        address token;
        address bought;
        uint256 amount;
        address deployer = _v3Factory;
        bytes32 initCodeHash = _v3InitCodeHash;
        bytes4 selector = IUniswapV3Pool.swap.selector;
        address pool;
        bool success;
        bool fine;
        // `PoolAddress.concentrated`, then `PathLegs._permitContext`, `CallbackGuard._arm` and the call of
        // `PathLegs._askConcentrated`; beyond the free pointer and in scratch space. Fine is that the pool took the amount and
        // gave something. Whether it called back need not be asked: it has nothing if not, and is disarmed by the plan's end.
        assembly ("memory-safe") {
            token := shr(96, calldataload(TOKEN_0))
            bought := shr(96, calldataload(TOKEN_1))
            amount := shr(128, calldataload(add(TOKEN_0, 20)))
            let at := mload(64)
            let up := lt(token, bought)
            let swap := mul(xor(token, bought), up)
            mstore(at, xor(bought, swap))
            mstore(add(at, 32), xor(token, swap))
            mstore(add(at, 64), shr(232, calldataload(add(LEG, 3))))
            let salt := keccak256(at, 96)
            mstore(at, or(CREATE2_MARK, deployer))
            mstore(add(at, 32), salt)
            mstore(add(at, 64), initCodeHash)
            pool := shr(96, shl(96, keccak256(add(at, 11), 85)))
            mstore(add(at, 164), or(shl(160, LEG_V3), pool))
            let size := add(64, terms)
            mstore(add(at, 196), or(token, shl(160, PAY_PERMIT)))
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
            fine := and(success, gt(returndatasize(), 63))
            let where := shl(5, up)
            fine := and(fine, and(eq(mload(sub(32, where)), amount), slt(mload(where), 1)))
        }
        if (fine) return;
        _explainSingle(hopOf(pool, token < bought, LEG_V3, 0), amount, success);
    }

    /// @dev As the general lane has it.
    function _explainSingle(Hop hop, uint256 amount, bool success) private view {
        int256 amount0;
        int256 amount1;
        assembly ("memory-safe") {
            amount0 := mload(0)
            amount1 := mload(32)
        }
        // The amount is below 2^128.
        _explainUnfit(hop, int256(amount), success);
        int256 owed = hop.zeroForOne() ? amount0 : amount1;
        revert IExecutor.PartialFill(amount, owed == int256(amount) ? int256(0) : owed);
    }
}
