// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {ITokenErrors} from "../interfaces/IERC20.sol";
import {ISolidlyPool, IUniswapV2Pair} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, Leg} from "../types/Plan.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

/// @title Pools that are paid first and then asked: Uniswap v2 and its forks, Solidly
abstract contract PairLegs is VenueRegistry {
    using TokenCalls for address;

    function _swapConstantProduct(Leg memory leg, Cursor at, Cursor end) internal returns (uint256 out, Cursor next) {
        uint256 id;
        (id, next) = PlanCodec.take(at, 1);
        PlanCodec.within(next, end);
        (address pool, uint256 feePips) = _constantProductPool(id, leg.tokenIn, leg.tokenOut);
        bool zeroForOne = leg.tokenIn < leg.tokenOut;
        (uint256 reserveIn, uint256 reserveOut) = _reserves(pool, zeroForOne);
        out = _constantProductOut(leg.amount, reserveIn, reserveOut, feePips);
        leg.tokenIn.send(pool, leg.amount);
        try IUniswapV2Pair(pool).swap(zeroForOne ? 0 : out, zeroForOne ? out : 0, address(this), "") {}
        catch (bytes memory reason) {
            _explain(leg, pool, reserveIn, reason);
        }
    }

    function _swapSolidly(Leg memory leg, Cursor at, Cursor end) internal returns (uint256 out, Cursor next) {
        uint256 id;
        bool stable;
        (id, next) = PlanCodec.take(at, 1);
        (stable, next) = PlanCodec.takeSwitch(next);
        PlanCodec.within(next, end);
        address pool = _solidlyPool(id, leg.tokenIn, leg.tokenOut, stable);
        bool zeroForOne = leg.tokenIn < leg.tokenOut;
        uint256 held = leg.tokenIn.balanceOf(pool);
        out = ISolidlyPool(pool).getAmountOut(leg.amount, leg.tokenIn);
        leg.tokenIn.send(pool, leg.amount);
        try ISolidlyPool(pool).swap(zeroForOne ? 0 : out, zeroForOne ? out : 0, address(this), "") {}
        catch (bytes memory reason) {
            _explain(leg, pool, held, reason);
        }
    }

    /// @dev As the pair's own check demands: `in * (1 - fee) * reserveOut / (reserveIn + in * (1 - fee))`, rounded down.
    function _constantProductOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut, uint256 feePips)
        private
        pure
        returns (uint256)
    {
        // The pair could not store a larger balance either.
        if (amountIn > type(uint112).max) revert IExecutor.AmountOverflow(amountIn);
        // All three amounts are below 2^112 and PIPS is below 2^20, so no product exceeds 2^244. `feePips` is below PIPS
        // and the amount is not zero, so the divisor is not zero.
        unchecked {
            uint256 afterFee = amountIn * (PIPS - feePips);
            return afterFee * reserveOut / (reserveIn * PIPS + afterFee);
        }
    }

    function _reserves(address pool, bool zeroForOne) private view returns (uint256 reserveIn, uint256 reserveOut) {
        bytes memory data = abi.encodeCall(IUniswapV2Pair.getReserves, ());
        bool whole;
        uint256 reserve0;
        uint256 reserve1;
        // Two words to scratch space. An address without code answers nothing, which saves asking for its code. The pair
        // is proved, so both words are uint112.
        assembly ("memory-safe") {
            let success := staticcall(gas(), pool, add(data, 32), mload(data), 0, 64)
            whole := and(success, gt(returndatasize(), 63))
            reserve0 := mload(0)
            reserve1 := mload(32)
        }
        if (!whole) revert IExecutor.PoolMissing(pool);
        return zeroForOne ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    /// @dev The pair was paid `leg.amount` and refused. Measuring only now keeps swaps that succeed free of it.
    function _explain(Leg memory leg, address pool, uint256 heldBefore, bytes memory reason) private view {
        uint256 held = leg.tokenIn.balanceOf(pool);
        uint256 received = held > heldBefore ? held - heldBefore : 0;
        if (received < leg.amount) revert ITokenErrors.FeeOnTransfer(leg.tokenIn, leg.amount, received);
        Reverts.bubble(reason);
    }
}
