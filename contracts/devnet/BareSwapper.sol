// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "../interfaces/IERC20.sol";
import {IPoolManager, IUniswapV2Pair, IUniswapV3Pool, PoolKey, SwapParams} from "../interfaces/IVenues.sol";

/// @notice The floor for gas: holds the funds, is told the pools, calls them in the cheapest order and checks nothing.
/// Anybody could empty it.
contract BareSwapper {
    uint160 private constant LOW = 4_295_128_740;
    uint160 private constant HIGH = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    function v2(address pair, address token, uint256 amount, bool zeroForOne) public {
        uint256 out = _out(pair, amount, zeroForOne);
        IERC20(token).transfer(pair, amount);
        IUniswapV2Pair(pair).swap(zeroForOne ? 0 : out, zeroForOne ? out : 0, address(this), "");
    }

    function v3(address pool, address token, uint256 amount, bool zeroForOne) public {
        IUniswapV3Pool(pool).swap(address(this), zeroForOne, int256(amount), zeroForOne ? LOW : HIGH, abi.encode(token));
    }

    /// @notice The second pool is asked first; the pair pays it from within.
    function v2v3(address pair, address pool, address token, uint256 amount, bool first, bool second) external {
        uint256 out = _out(pair, amount, first);
        bytes memory data = abi.encode(token, pair, amount, out, first);
        IUniswapV3Pool(pool).swap(address(this), second, int256(out), second ? LOW : HIGH, data);
    }

    /// @notice An exact output: the second pool is asked first; the first pays it from within.
    function v3v3(address poolA, address poolB, address token, uint256 out, bool first, bool second) external {
        bytes memory data = abi.encode(token, poolA, first);
        IUniswapV3Pool(poolB).swap(address(this), second, -int256(out), second ? LOW : HIGH, data);
    }

    function split(address pair, address pool, address token, uint256 amount, bool zeroForOne) external {
        v2(pair, token, amount / 2, zeroForOne);
        v3(pool, token, amount - amount / 2, zeroForOne);
    }

    function v4(address manager, PoolKey calldata key, uint256 amount, bool zeroForOne) external {
        IPoolManager(manager).unlock(abi.encode(key, amount, zeroForOne));
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        uint256 owed = uint256(amount0 > 0 ? amount0 : amount1);
        if (data.length == 32) {
            IERC20(abi.decode(data, (address))).transfer(msg.sender, owed);
        } else if (data.length == 96) {
            (address token, address pool, bool zeroForOne) = abi.decode(data, (address, address, bool));
            bytes memory rest = abi.encode(token);
            IUniswapV3Pool(pool).swap(msg.sender, zeroForOne, -int256(owed), zeroForOne ? LOW : HIGH, rest);
        } else {
            (address token, address pair, uint256 amount, uint256 out, bool zeroForOne) =
                abi.decode(data, (address, address, uint256, uint256, bool));
            IERC20(token).transfer(pair, amount);
            IUniswapV2Pair(pair).swap(zeroForOne ? 0 : out, zeroForOne ? out : 0, msg.sender, "");
        }
    }

    function unlockCallback(bytes calldata data) external returns (bytes memory) {
        (PoolKey memory key, uint256 amount, bool zeroForOne) = abi.decode(data, (PoolKey, uint256, bool));
        int256 delta =
            IPoolManager(msg.sender).swap(key, SwapParams(zeroForOne, -int256(amount), zeroForOne ? LOW : HIGH), "");
        (address tokenIn, address tokenOut) =
            zeroForOne ? (key.currency0, key.currency1) : (key.currency1, key.currency0);
        IPoolManager(msg.sender).sync(tokenIn);
        IERC20(tokenIn).transfer(msg.sender, amount);
        IPoolManager(msg.sender).settle();
        uint256 out = uint256(zeroForOne ? int256(int128(delta)) : delta >> 128);
        IPoolManager(msg.sender).take(tokenOut, address(this), out);
        return "";
    }

    function _out(address pair, uint256 amount, bool zeroForOne) private view returns (uint256) {
        (uint256 reserveIn, uint256 reserveOut,) = IUniswapV2Pair(pair).getReserves();
        if (!zeroForOne) (reserveIn, reserveOut) = (reserveOut, reserveIn);
        uint256 afterFee = amount * 997;
        return afterFee * reserveOut / (reserveIn * 1000 + afterFee);
    }
}
