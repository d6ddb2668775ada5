// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {ITokenErrors, IWeth} from "../interfaces/IERC20.sol";
import {IPoolManager} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, Frame, LEG_V4} from "../types/Plan.sol";
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
    IPoolManager internal immutable _poolManager;

    /// @dev A context's words: the pool's currency sold; the one bought, with fee and tick spacing above; the amount; the
    /// leg's own token sold, which differs where it is unwrapped.
    uint256 private constant CONTEXT_BYTES = 128;
    /// @dev Where a context lies behind selector, offset and length, in the call of `unlock` and in that of the callback.
    uint256 private constant CONTEXT = 68;

    constructor(address weth, address poolManager) {
        _weth = weth;
        _poolManager = IPoolManager(poolManager);
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
        address manager = address(_poolManager);
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
            let context := add(call_, CONTEXT)
            mstore(context, sold)
            mstore(add(context, 32), or(bought, shl(160, key)))
            mstore(add(context, 64), amount)
            mstore(add(context, 96), native)
        }
        _arm(LEG_V4, manager, call_ + CONTEXT - 32, CONTEXT_BYTES);
        bool success;
        // The callback answers one word, which the manager passes on as bytes: offset, length, word.
        assembly ("memory-safe") {
            mstore(call_, selector)
            mstore(add(call_, 4), 32)
            mstore(add(call_, 36), CONTEXT_BYTES)
            success := call(gas(), manager, 0, call_, add(CONTEXT, CONTEXT_BYTES), call_, 96)
            out := mload(add(call_, 64))
        }
        if (!success) Reverts.again();
        _requireTaken(manager);
    }

    /// @dev The callback of the manager, with the context alone. Ends the call.
    function _swapUnlocked() internal {
        address sold;
        address bought;
        uint256 key;
        uint256 amount;
        uint256 native;
        bool armed;
        // `CallbackGuard._takeCallback`. The context's bytes stand behind selector, offset and length. It is this contract's
        // own, if its hash shows so.
        assembly ("memory-safe") {
            let at := mload(64)
            mstore(at, or(shl(160, LEG_V4), caller()))
            calldatacopy(add(at, 32), CONTEXT, CONTEXT_BYTES)
            armed := eq(tload(_state.slot), keccak256(at, add(CONTEXT_BYTES, 32)))
            tstore(_state.slot, LOCKED)
            sold := mload(add(at, 32))
            let word := mload(add(at, 64))
            key := shr(160, word)
            bought := shr(96, shl(96, word))
            amount := mload(add(at, 96))
            native := mload(add(at, 128))
        }
        if (!armed) revert IExecutor.CallbackNotArmed(msg.sender);
        uint256 out = _swapAtManager(sold, bought, key, amount);
        if (native == 0 && sold != address(0)) {
            _settleToken(sold, amount);
            _collect(bought, out);
        } else {
            _closeNative(sold, bought, amount, out, native != 0);
        }
        // Offset, length and one word, in scratch space and over the free pointer.
        assembly ("memory-safe") {
            mstore(0, 32)
            mstore(32, 32)
            mstore(64, out)
            return(0, 96)
        }
    }

    /// @dev One of the two may be the coin itself.
    /// @param wrapped Whether the account holds it wrapped.
    function _closeNative(address sold, address bought, uint256 amount, uint256 out, bool wrapped) private {
        if (sold == address(0)) {
            if (wrapped) IWeth(_weth).withdraw(amount);
            _settle(sold, amount, amount);
        } else {
            _settleToken(sold, amount);
        }
        _collect(bought, out);
        if (bought != address(0) || !wrapped) return;
        IWeth(_weth).deposit{value: out}();
    }

    /// @dev The key's bytes are fee and tick spacing.
    function _swapAtManager(address sold, address bought, uint256 key, uint256 amount) private returns (uint256 out) {
        bytes4 selector = IPoolManager.swap.selector;
        int256 changeIn;
        int256 changeOut;
        bool success;
        // Beyond the free pointer: the pool's key of five words, the three parameters, and empty data for no hooks. Of the
        // answer the upper half is currency0's change and the lower currency1's, negative where we owe.
        assembly ("memory-safe") {
            let call_ := mload(64)
            let up := lt(sold, bought)
            let swap := mul(xor(sold, bought), up)
            mstore(call_, selector)
            mstore(add(call_, 4), xor(bought, swap))
            mstore(add(call_, 36), xor(sold, swap))
            mstore(add(call_, 68), shr(24, key))
            mstore(add(call_, 100), signextend(2, key))
            mstore(add(call_, 132), 0)
            mstore(add(call_, 164), up)
            mstore(add(call_, 196), sub(0, amount))
            mstore(add(call_, 228), xor(HIGHEST, mul(xor(LOWEST, HIGHEST), up)))
            mstore(add(call_, 260), 288)
            mstore(add(call_, 292), 0)
            success := call(gas(), caller(), 0, call_, 324, 0, 32)
            changeIn := sar(128, mload(0))
            changeOut := signextend(15, mload(0))
            swap := mul(xor(changeIn, changeOut), iszero(up))
            changeIn := xor(changeIn, swap)
            changeOut := xor(changeOut, swap)
        }
        if (!success) Reverts.again();
        // The amount is below 2^127.
        if (changeIn != -int256(amount)) revert IExecutor.PartialFill(amount, -changeIn);
        if (changeOut < 0) revert IExecutor.PartialFill(amount, 0);
        // It was just found not to be negative.
        out = uint256(changeOut);
    }

    function _settleToken(address currency, uint256 amount) private {
        bytes4 sync = IPoolManager.sync.selector;
        bool success;
        // 36 bytes of scratch space.
        assembly ("memory-safe") {
            mstore(0, sync)
            mstore(4, currency)
            success := call(gas(), caller(), 0, 0, 36, 0, 0)
        }
        if (!success) Reverts.again();
        currency.send(msg.sender, amount);
        _settle(currency, amount, 0);
    }

    /// @param value What of the amount goes with the call: all of it or nothing.
    function _settle(address currency, uint256 amount, uint256 value) private {
        bytes4 selector = IPoolManager.settle.selector;
        bool success;
        uint256 paid;
        // Scratch space.
        assembly ("memory-safe") {
            mstore(0, selector)
            success := call(gas(), caller(), value, 0, 4, 0, 32)
            paid := mload(0)
        }
        if (!success) Reverts.again();
        if (paid < amount) revert ITokenErrors.FeeOnTransfer(currency, amount, paid);
    }

    function _collect(address currency, uint256 amount) private {
        bytes4 selector = IPoolManager.take.selector;
        bool success;
        // Beyond the free pointer.
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), currency)
            mstore(add(call_, 36), address())
            mstore(add(call_, 68), amount)
            success := call(gas(), caller(), 0, call_, 100, 0, 0)
        }
        if (!success) Reverts.again();
    }
}
