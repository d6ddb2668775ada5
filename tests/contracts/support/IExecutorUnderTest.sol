// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IRfqTaker} from "contracts/interfaces/IRfqSettlement.sol";

/// @notice All of the executor's doors, including those that only venues may use.
interface IExecutorUnderTest is IExecutor, IRfqTaker {
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;
    function pancakeV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;
    function unlockCallback(bytes calldata data) external returns (bytes memory);
}
