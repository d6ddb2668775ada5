// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IERC20, ITokenErrors, IWeth} from "../interfaces/IERC20.sol";
import {IPoolManager} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, FIRST_FREE, Frame, LEG_V4} from "../types/Plan.sol";
import {CallbackGuard} from "./CallbackGuard.sol";
import {HIGHEST, LOWEST} from "./PathLegs.sol";

/// @title Uniswap v4 pools without hooks
/// @notice Where a leg names the wrapped coin and the pool trades the native one, it is unwrapped before and wrapped after,
/// within the leg.
/// @dev In assembly: the manager is called five times for one swap, 600 gas less each than what the compiler makes of its
/// structs.
abstract contract SingletonLegs is CallbackGuard {
    using TokenCalls for address;

    address internal immutable _weth;
    address internal immutable _poolManager;

    /// @dev A context's words: the pool's currency sold; the one bought; the amount; the particulars as the plan has them, of
    /// which the switch tells that one of the two is unwrapped before or wrapped after.
    uint256 internal constant CONTEXT_BYTES = 128;
    /// @dev Where a context lies behind selector, offset and length, in the call of `unlock` and in that of the callback.
    uint256 internal constant UNLOCK_CONTEXT = 68;

    constructor(address weth, address poolManager) {
        _weth = weth;
        _poolManager = poolManager;
    }

    /// @dev The leg's particulars: fee and tick spacing, and whether the pool trades the coin itself.
    function _takeKey(Cursor start) internal pure returns (uint256 key, bool native, Cursor at) {
        (key, at) = PlanCodec.take(start, 6);
        (native, at) = PlanCodec.takeSwitch(at);
        PlanCodec.within(at, Frame.end());
    }

    function _swapSingleton(address sold, address bought, uint256 amount, uint256 key, bool native)
        internal
        returns (uint256 out)
    {
        address manager = _poolManager;
        if (manager == address(0)) revert IExecutor.VenueUnknown(LEG_V4, 0);

        if (native) {
            if (sold == _weth) sold = address(0);
            else if (bought == _weth) bought = address(0);
            else revert IExecutor.NotNative(sold, bought);
        }
        bytes4 selector = IPoolManager.unlock.selector;
        uint256 call_;
        // The context, beyond the free pointer.
        assembly ("memory-safe") {
            call_ := mload(64)
            let context := add(call_, UNLOCK_CONTEXT)
            mstore(context, sold)
            mstore(add(context, 32), bought)
            mstore(add(context, 64), amount)
            mstore(add(context, 96), or(shl(8, key), native))
        }
        _arm(LEG_V4, manager, call_ + UNLOCK_CONTEXT - 32, CONTEXT_BYTES);
        bool success;
        // The callback answers one word, which the manager passes on as bytes: offset, length, word.
        assembly ("memory-safe") {
            mstore(call_, selector)
            mstore(add(call_, 4), 32)
            mstore(add(call_, 36), CONTEXT_BYTES)
            success := call(gas(), manager, 0, call_, add(UNLOCK_CONTEXT, CONTEXT_BYTES), call_, 96)
            out := mload(add(call_, 64))
        }
        if (!success) Reverts.again();
        _requireTaken(manager);
    }

    /// @dev A manager that failed, is none, or did not call back.
    function _explainManager(bool success) internal view {
        address manager = _poolManager;
        if (manager == address(0)) revert IExecutor.VenueUnknown(LEG_V4, 0);
        if (!success) Reverts.again();
        _requireTaken(manager);
    }

    /// @dev The callback of the manager, with the context alone. Ends the call.
    function _swapUnlocked() internal {
        address sold;
        address bought;
        uint256 amount;
        uint256 particulars;
        bool armed;
        // `CallbackGuard._takeCallback`. The context's bytes stand behind selector, offset and length. It is this contract's
        // own, if its hash shows so.
        assembly ("memory-safe") {
            mstore(FIRST_FREE, or(shl(160, LEG_V4), caller()))
            calldatacopy(add(FIRST_FREE, 32), UNLOCK_CONTEXT, CONTEXT_BYTES)
            armed := eq(tload(_state.slot), keccak256(FIRST_FREE, add(CONTEXT_BYTES, 32)))
            tstore(_state.slot, LOCKED)
            sold := mload(add(FIRST_FREE, 32))
            bought := mload(add(FIRST_FREE, 64))
            amount := mload(add(FIRST_FREE, 96))
            particulars := mload(add(FIRST_FREE, 128))
        }
        if (!armed) revert IExecutor.CallbackNotArmed(msg.sender);
        uint256 out = _swapAtManager(sold, bought, particulars, amount);
        _exchange(sold, bought, amount, out, particulars & 1);
        // Offset, length and one word, in scratch space and over the free pointer.
        assembly ("memory-safe") {
            mstore(0, 32)
            mstore(32, 32)
            mstore(64, out)
            return(0, 96)
        }
    }

    /// @dev Pays the manager and takes what it owes. One of the two currencies may be the coin itself.
    /// @param native Whether the account holds that wrapped.
    function _exchange(address sold, address bought, uint256 amount, uint256 out, uint256 native) private {
        bytes4 selector = IPoolManager.sync.selector;
        bool token;
        bool success;
        bool fine;
        // Each call from scratch space or known places, as nothing was allocated. The coin is synced too, as anybody may have
        // left another currency so earlier in the transaction.
        assembly ("memory-safe") {
            token := iszero(iszero(sold))
            mstore(0, selector)
            mstore(4, sold)
            success := call(gas(), caller(), 0, 0, 36, 0, 0)
        }
        if (!success) Reverts.again();
        if (token) {
            selector = IERC20.transfer.selector;
            assembly ("memory-safe") {
                mstore(FIRST_FREE, selector)
                mstore(add(FIRST_FREE, 4), caller())
                mstore(add(FIRST_FREE, 36), amount)
                success := call(gas(), sold, 0, FIRST_FREE, 68, 0, 32)
                fine := and(and(success, eq(mload(0), 1)), gt(returndatasize(), 31))
            }
            if (!fine && !sold.accepted(success)) revert ITokenErrors.TransferFailed(sold, msg.sender, amount);
        } else if (native != 0) {
            IWeth(_weth).withdraw(amount);
        }
        selector = IPoolManager.settle.selector;
        uint256 paid;
        // The coin goes with the call: all of it or nothing.
        assembly ("memory-safe") {
            mstore(0, selector)
            success := call(gas(), caller(), mul(amount, iszero(sold)), 0, 4, 0, 32)
            paid := mload(0)
            fine := gt(success, lt(paid, amount))
        }
        if (!fine) _explainSettled(sold, amount, paid, success);
        selector = IPoolManager.take.selector;
        assembly ("memory-safe") {
            mstore(FIRST_FREE, selector)
            mstore(add(FIRST_FREE, 4), bought)
            mstore(add(FIRST_FREE, 36), address())
            mstore(add(FIRST_FREE, 68), out)
            success := call(gas(), caller(), 0, FIRST_FREE, 100, 0, 0)
            fine := gt(native, bought)
        }
        if (!success) Reverts.again();
        if (fine) IWeth(_weth).deposit{value: out}();
    }

    function _explainSettled(address currency, uint256 amount, uint256 paid, bool success) private pure {
        if (!success) Reverts.again();
        revert ITokenErrors.FeeOnTransfer(currency, amount, paid);
    }

    /// @dev The particulars' bytes are fee and tick spacing, then a switch.
    function _swapAtManager(address sold, address bought, uint256 particulars, uint256 amount)
        private
        returns (uint256 out)
    {
        bytes4 selector = IPoolManager.swap.selector;
        int256 changeIn;
        bool success;
        bool fine;
        // The pool's key of five words, the three parameters, and empty data for no hooks, whose length is zero as memory is
        // that was never written. Of the answer the upper half is currency0's change and the lower currency1's, negative
        // where we owe. The amount is below 2^127.
        assembly ("memory-safe") {
            let up := lt(sold, bought)
            let where := shl(5, up)
            mstore(FIRST_FREE, selector)
            mstore(sub(add(FIRST_FREE, 36), where), sold)
            mstore(add(add(FIRST_FREE, 4), where), bought)
            mstore(add(FIRST_FREE, 68), shr(32, particulars))
            mstore(add(FIRST_FREE, 100), signextend(2, shr(8, particulars)))
            mstore(add(FIRST_FREE, 132), 0)
            mstore(add(FIRST_FREE, 164), up)
            mstore(add(FIRST_FREE, 196), sub(0, amount))
            mstore(add(FIRST_FREE, 228), xor(HIGHEST, mul(xor(LOWEST, HIGHEST), up)))
            mstore(add(FIRST_FREE, 260), 288)
            success := call(gas(), caller(), 0, FIRST_FREE, 324, 0, 32)
            let down := shl(7, iszero(up))
            changeIn := sar(128, shl(down, mload(0)))
            out := sar(128, shl(xor(down, 128), mload(0)))
            fine := and(and(success, iszero(add(changeIn, amount))), iszero(slt(out, 0)))
        }
        if (!fine) _explainSwap(amount, changeIn, success);
    }

    function _explainSwap(uint256 amount, int256 changeIn, bool success) private pure {
        if (!success) Reverts.again();
        if (changeIn != -int256(amount)) revert IExecutor.PartialFill(amount, -changeIn);
        revert IExecutor.PartialFill(amount, 0);
    }
}
