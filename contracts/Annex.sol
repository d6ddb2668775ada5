// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {CallbackGuard} from "./base/CallbackGuard.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {IAnnex} from "./interfaces/IParts.sol";

/// @title Legs beyond swaps
/// @notice The executor's own code, in a contract of its own as one could not hold it all. Called directly it has no funds
/// and no owner.
/// @dev Runs by delegatecall on the executor's storage. Holds none of its own: immutables only.
contract Annex is IAnnex, CallbackGuard {
    /// @inheritdoc IAnnex
    function runLeg(uint256 kind, address, address, uint256, bytes calldata)
        external
        pure
        returns (uint256, uint256, uint256)
    {
        revert IExecutor.UnknownLegKind(0, kind);
    }
}
