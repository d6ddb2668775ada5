// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What this project needs of a token. Calls go through `TokenCalls`, since many tokens return nothing.
interface IERC20 {
    function balanceOf(address account) external view returns (uint256);
    function allowance(address holder, address spender) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
    function approve(address spender, uint256 amount) external returns (bool);
}

/// @notice The wrapped native coin.
interface IWeth is IERC20 {
    function deposit() external payable;
    function withdraw(uint256 amount) external;
}

/// @notice Why a token call did not do what was asked. A token's own revert data is passed on as it came.
interface ITokenErrors {
    /// @notice The address holds no code, or answers `balanceOf` or `allowance` with less than a word.
    error NotAToken(address token);
    /// @notice The token answered false, or failed without a reason.
    error TransferFailed(address token, address to, uint256 amount);
    error ApproveFailed(address token, address spender, uint256 amount);
    /// @notice The receiver got less than was sent: the token takes a fee on transfer.
    error FeeOnTransfer(address token, uint256 sent, uint256 received);
}
