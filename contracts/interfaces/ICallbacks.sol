// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What pools call while a plan runs. Each is taken once, from the venue that a leg armed, with its own context.
interface ICallbacks {
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata context) external;
    function pancakeV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata context) external;
    function unlockCallback(bytes calldata context) external returns (bytes memory);

    /// @notice Balancer v2's, after a flash loan.
    function receiveFlashLoan(
        address[] calldata tokens,
        uint256[] calldata amounts,
        uint256[] calldata fees,
        bytes calldata context
    ) external;

    /// @notice Aave v3's, after a simple flash loan.
    function executeOperation(address asset, uint256 amount, uint256 premium, address initiator, bytes calldata context)
        external
        returns (bool);

    /// @notice Balancer v3's vault calls what it is told to; this executor tells it to call this.
    function vaultUnlocked(bytes calldata context) external;
}
