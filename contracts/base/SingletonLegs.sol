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
import {MAX_SQRT_PRICE_LIMIT, MIN_SQRT_PRICE_LIMIT} from "./PathLegs.sol";

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

    /// @dev The callback of the manager, with the context alone.
    function _swapUnlocked() internal {
        address sold;
        address bought;
        uint256 key;
        uint256 amount;
        bool native;
        // The context's bytes stand behind selector, offset and length. It is this contract's own, if its hash shows so.
        assembly ("memory-safe") {
            sold := calldataload(CONTEXT)
            let word := calldataload(add(CONTEXT, 32))
            key := shr(160, word)
            bought := shr(96, shl(96, word))
            amount := calldataload(add(CONTEXT, 64))
            native := calldataload(add(CONTEXT, 96))
        }
        _takeCallback(LEG_V4, CONTEXT, CONTEXT_BYTES);
        uint256 out = _swapAtManager(sold, bought, key, amount);
        _settle(sold, native && sold == address(0), amount);
        _collect(bought, native && bought == address(0), out);
        // Offset, length and one word, in scratch space and over the free pointer, as this ends the call.
        assembly ("memory-safe") {
            mstore(0, 32)
            mstore(32, 32)
            mstore(64, out)
            return(0, 96)
        }
    }

    /// @dev The key's bytes are fee and tick spacing.
    function _swapAtManager(address sold, address bought, uint256 key, uint256 amount) private returns (uint256 out) {
        bool zeroForOne = sold < bought;
        uint256 limit = zeroForOne ? MIN_SQRT_PRICE_LIMIT : MAX_SQRT_PRICE_LIMIT;
        bytes4 selector = IPoolManager.swap.selector;
        (address low, address high) = zeroForOne ? (sold, bought) : (bought, sold);
        int256 delta;
        bool success;
        // Beyond the free pointer: the pool's key of five words, the three parameters, and empty data for no hooks.
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), low)
            mstore(add(call_, 36), high)
            mstore(add(call_, 68), shr(24, key))
            mstore(add(call_, 100), signextend(2, key))
            mstore(add(call_, 132), 0)
            mstore(add(call_, 164), zeroForOne)
            mstore(add(call_, 196), sub(0, amount))
            mstore(add(call_, 228), limit)
            mstore(add(call_, 260), 288)
            mstore(add(call_, 292), 0)
            success := call(gas(), caller(), 0, call_, 324, 0, 32)
            delta := mload(0)
        }
        if (!success) Reverts.again();
        // The upper half is currency0's change and the lower currency1's, negative where we owe.
        (int256 changeIn, int256 changeOut) =
            zeroForOne ? (delta >> 128, int256(int128(delta))) : (int256(int128(delta)), delta >> 128);
        // The amount is below 2^127.
        if (changeIn != -int256(amount)) revert IExecutor.PartialFill(amount, -changeIn);
        if (changeOut < 0) revert IExecutor.PartialFill(amount, 0);
        // It was just found not to be negative.
        out = uint256(changeOut);
    }

    function _settle(address currency, bool unwrap, uint256 amount) private {
        uint256 value;
        if (currency == address(0)) {
            if (unwrap) IWeth(_weth).withdraw(amount);
            value = amount;
        } else {
            _sync(currency);
            currency.send(msg.sender, amount);
        }
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

    function _sync(address currency) private {
        bytes4 selector = IPoolManager.sync.selector;
        bool success;
        // 36 bytes of scratch space.
        assembly ("memory-safe") {
            mstore(0, selector)
            mstore(4, currency)
            success := call(gas(), caller(), 0, 0, 36, 0, 0)
        }
        if (!success) Reverts.again();
    }

    function _collect(address currency, bool wrap, uint256 amount) private {
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
        if (wrap) IWeth(_weth).deposit{value: amount}();
    }
}
