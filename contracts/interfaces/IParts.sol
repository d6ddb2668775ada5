// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// The parts of an executor's code that stand in contracts of their own. Each runs by delegatecall on the executor's storage
// and holds none.

/// @notice Legs from kind 10 on.
interface IAnnex {
    /// @param particulars The leg's own bytes, without their length.
    /// @return sold Base units of `tokenIn` that the leg used.
    /// @return out By how much the balance of `tokenOut` rose.
    /// @return left How much of `tokenIn` was sent away for good.
    function runLeg(uint256 kind, address tokenIn, address tokenOut, uint256 amount, bytes calldata particulars)
        external
        returns (uint256 sold, uint256 out, uint256 left);
}

/// @notice What keys other than the owner's may do.
interface IWarden {
    /// @notice Refuses a plan that the key may not have run: unknown, expired or revoked key, leg kind, venue or asset.
    /// @param plan As `PlanCodec` describes it, permit included.
    function checkPlan(address key, bytes calldata plan) external view;

    /// @notice Counts what the plan spent, and refuses it beyond a limit or below the price that the reference allows.
    /// @param changes By how much each declared asset fell, rose or left, as its bound is about.
    function chargePlan(address key, bytes calldata plan, uint256[] calldata changes) external;
}
