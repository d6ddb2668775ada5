// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What pools call while a plan runs. Each is taken once, from the venue that a leg armed, with its own context.
interface ICallbacks {
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata context) external;
    function pancakeV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata context) external;
    function unlockCallback(bytes calldata context) external returns (bytes memory);
}
