// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {ITokenErrors, IWeth} from "../interfaces/IERC20.sol";
import {IPoolManager, PoolKey, SwapParams} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, LEG_V4, Leg} from "../types/Plan.sol";
import {CallbackGuard} from "./CallbackGuard.sol";
import {MAX_SQRT_PRICE_LIMIT, MIN_SQRT_PRICE_LIMIT} from "./ConcentratedLegs.sol";

/// @title Uniswap v4 pools without hooks
/// @notice Where a pool trades the native coin, the wrapped one is unwrapped before and wrapped after, within the leg.
abstract contract SingletonLegs is CallbackGuard {
    using TokenCalls for address;

    address internal immutable _weth;
    IPoolManager internal immutable _poolManager;

    constructor(address weth, address poolManager) {
        _weth = weth;
        _poolManager = IPoolManager(poolManager);
    }

    function _swapSingleton(Leg memory leg, Cursor at, Cursor end) internal returns (uint256 out, Cursor next) {
        uint256 word;
        bool native;
        (word, next) = PlanCodec.take(at, 6);
        (native, next) = PlanCodec.takeSwitch(next);
        PlanCodec.within(next, end);
        if (address(_poolManager) == address(0)) revert IExecutor.VenueUnknown(LEG_V4, 0);

        (address currencyIn, address currencyOut) = (leg.tokenIn, leg.tokenOut);
        if (native) {
            if (currencyIn == _weth) currencyIn = address(0);
            else if (currencyOut == _weth) currencyOut = address(0);
            else revert IExecutor.NotNative(currencyIn, currencyOut);
        }
        bool zeroForOne = currencyIn < currencyOut;
        // Three bytes each; the casts keep the last three bytes.
        PoolKey memory key = PoolKey({
            currency0: zeroForOne ? currencyIn : currencyOut,
            currency1: zeroForOne ? currencyOut : currencyIn,
            fee: uint24(word >> 24),
            tickSpacing: int24(uint24(word)),
            hooks: address(0)
        });
        _arm(LEG_V4, address(_poolManager), leg.tokenIn, leg.amount);
        out = abi.decode(_poolManager.unlock(abi.encode(key, zeroForOne)), (uint256));
        _requireTaken(address(_poolManager));
    }

    function unlockCallback(bytes calldata data) external returns (bytes memory) {
        (address tokenIn, uint256 amount) = _takeCallback(LEG_V4);
        (PoolKey memory key, bool zeroForOne) = abi.decode(data, (PoolKey, bool));
        // The leg's amount is below 2^127, so negating it is safe.
        SwapParams memory params = SwapParams({
            zeroForOne: zeroForOne,
            amountSpecified: -int256(amount),
            sqrtPriceLimitX96: zeroForOne ? MIN_SQRT_PRICE_LIMIT : MAX_SQRT_PRICE_LIMIT
        });
        int256 delta = _poolManager.swap(key, params, "");
        // The upper half is currency0's change and the lower currency1's, negative where we owe.
        (int256 changeIn, int256 changeOut) =
            zeroForOne ? (delta >> 128, int256(int128(delta))) : (int256(int128(delta)), delta >> 128);
        if (changeIn != -int256(amount)) revert IExecutor.PartialFill(amount, -changeIn);
        if (changeOut < 0) revert IExecutor.PartialFill(amount, 0);
        // It was just found not to be negative.
        uint256 out = uint256(changeOut);
        _settle(zeroForOne ? key.currency0 : key.currency1, tokenIn, amount);
        _collect(zeroForOne ? key.currency1 : key.currency0, out);
        return abi.encode(out);
    }

    function _settle(address currency, address token, uint256 amount) private {
        uint256 paid;
        if (currency == address(0)) {
            IWeth(_weth).withdraw(amount);
            paid = _poolManager.settle{value: amount}();
        } else {
            _poolManager.sync(currency);
            token.send(address(_poolManager), amount);
            paid = _poolManager.settle();
        }
        if (paid < amount) revert ITokenErrors.FeeOnTransfer(token, amount, paid);
    }

    function _collect(address currency, uint256 amount) private {
        _poolManager.take(currency, address(this), amount);
        if (currency == address(0)) IWeth(_weth).deposit{value: amount}();
    }
}
