// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IPoolManager, IUniswapV2Pair, IUniswapV3Pool, PoolKey, SwapParams} from "contracts/interfaces/IVenues.sol";

/// @notice The floor for gas: holds the funds, calls the pool, checks nothing. Anybody could empty it.
contract BareSwapper {
    function v2(address pair, address token, uint256 amount, bool zeroForOne) public returns (uint256 out) {
        (uint256 reserveIn, uint256 reserveOut,) = IUniswapV2Pair(pair).getReserves();
        if (!zeroForOne) (reserveIn, reserveOut) = (reserveOut, reserveIn);
        uint256 afterFee = amount * 997;
        out = afterFee * reserveOut / (reserveIn * 1000 + afterFee);
        IERC20(token).transfer(pair, amount);
        IUniswapV2Pair(pair).swap(zeroForOne ? 0 : out, zeroForOne ? out : 0, address(this), "");
    }

    function v3(address pool, address token, uint256 amount, bool zeroForOne) public {
        uint160 limit = zeroForOne ? 4_295_128_740 : 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;
        IUniswapV3Pool(pool).swap(address(this), zeroForOne, int256(amount), limit, abi.encode(token));
    }

    function v2v3(address pair, address pool, address token, address between, uint256 amount, bool first, bool second)
        external
    {
        v3(pool, between, v2(pair, token, amount, first), second);
    }

    function split(address pair, address pool, address token, uint256 amount, bool zeroForOne) external {
        v2(pair, token, amount / 2, zeroForOne);
        v3(pool, token, amount - amount / 2, zeroForOne);
    }

    function v4(address manager, PoolKey calldata key, uint256 amount, bool zeroForOne) external {
        IPoolManager(manager).unlock(abi.encode(key, amount, zeroForOne));
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        IERC20(abi.decode(data, (address))).transfer(msg.sender, uint256(amount0 > 0 ? amount0 : amount1));
    }

    function unlockCallback(bytes calldata data) external returns (bytes memory) {
        (PoolKey memory key, uint256 amount, bool zeroForOne) = abi.decode(data, (PoolKey, uint256, bool));
        uint160 limit = zeroForOne ? 4_295_128_740 : 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;
        int256 delta = IPoolManager(msg.sender).swap(key, SwapParams(zeroForOne, -int256(amount), limit), "");
        (address tokenIn, address tokenOut) =
            zeroForOne ? (key.currency0, key.currency1) : (key.currency1, key.currency0);
        IPoolManager(msg.sender).sync(tokenIn);
        IERC20(tokenIn).transfer(msg.sender, amount);
        IPoolManager(msg.sender).settle();
        uint256 out = uint256(zeroForOne ? int256(int128(delta)) : delta >> 128);
        IPoolManager(msg.sender).take(tokenOut, address(this), out);
        return "";
    }
}
