// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {ITokenErrors} from "../interfaces/IERC20.sol";
import {IUniswapV3Pool} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, LEG_V3, Leg} from "../types/Plan.sol";
import {CallbackGuard} from "./CallbackGuard.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

uint160 constant MIN_SQRT_PRICE_LIMIT = 4_295_128_740;
uint160 constant MAX_SQRT_PRICE_LIMIT = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

/// @title Uniswap v3 and its forks: the pool sends first and is paid in its callback
abstract contract ConcentratedLegs is CallbackGuard, VenueRegistry {
    using TokenCalls for address;

    /// @dev Error(string) "IIA": the pool's balance did not rise by what it asked for.
    bytes32 private constant UNDERPAID = keccak256(abi.encodeWithSignature("Error(string)", "IIA"));

    function _swapConcentrated(Leg memory leg, Cursor at, Cursor end) internal returns (uint256 out, Cursor next) {
        uint256 word;
        (word, next) = PlanCodec.take(at, 4);
        PlanCodec.within(next, end);
        // Venue and fee; the cast keeps the last three bytes.
        address pool = _concentratedPool(word >> 24, leg.tokenIn, leg.tokenOut, uint24(word));
        bool zeroForOne = leg.tokenIn < leg.tokenOut;
        _arm(LEG_V3, pool, leg.tokenIn, leg.amount);
        (int256 amount0, int256 amount1) = _callPool(leg, pool, zeroForOne);
        _requireTaken(pool);
        (int256 paid, int256 got) = zeroForOne ? (amount0, amount1) : (amount1, amount0);
        // The leg's amount is below 2^127.
        if (paid != int256(leg.amount)) revert IExecutor.PartialFill(leg.amount, paid);
        if (got > 0) revert IExecutor.PartialFill(leg.amount, 0);
        // `got` is what the pool sent, negated; negating int256's least value panics.
        out = uint256(-got);
    }

    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        _payPool(amount0Delta, amount1Delta);
    }

    function pancakeV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        _payPool(amount0Delta, amount1Delta);
    }

    function _payPool(int256 amount0Delta, int256 amount1Delta) private {
        (address token, uint256 budget) = _takeCallback(LEG_V3);
        int256 owed = amount0Delta > 0 ? amount0Delta : amount1Delta;
        // The second comparison sees only positive values.
        if (owed <= 0 || uint256(owed) > budget) revert IExecutor.CallbackOverBudget(owed, budget);
        token.send(msg.sender, uint256(owed));
    }

    function _callPool(Leg memory leg, address pool, bool zeroForOne) private returns (int256 amount0, int256 amount1) {
        (bool success, bytes memory answer) = pool.call(
            abi.encodeCall(
                IUniswapV3Pool.swap,
                (
                    address(this),
                    zeroForOne,
                    int256(leg.amount),
                    zeroForOne ? MIN_SQRT_PRICE_LIMIT : MAX_SQRT_PRICE_LIMIT,
                    ""
                )
            )
        );
        if (!success) {
            if (keccak256(answer) == UNDERPAID) revert ITokenErrors.FeeOnTransfer(leg.tokenIn, leg.amount, 0);
            Reverts.bubble(answer);
        }
        // An address without code answers nothing, which saves asking for its code.
        if (answer.length < 64) revert IExecutor.PoolMissing(pool);
        return abi.decode(answer, (int256, int256));
    }
}
