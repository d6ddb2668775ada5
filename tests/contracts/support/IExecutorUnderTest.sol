// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IBatches} from "contracts/interfaces/IBatches.sol";
import {ICallbacks} from "contracts/interfaces/ICallbacks.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IRegistry} from "contracts/interfaces/IRegistry.sol";
import {IRfqTaker} from "contracts/interfaces/IRfqSettlement.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {IUserOperations} from "contracts/interfaces/IUserOperations.sol";

/// @notice All of the executor's doors, including those that only venues may use.
interface IExecutorUnderTest is IExecutor, ICallbacks, IRfqTaker, ISessions, IBatches, IUserOperations, IRegistry {}

/// @notice Sends plans, which have no selector.
library Sending {
    function execute(IExecutorUnderTest executor, bytes memory packed)
        internal
        returns (uint256 spent, uint256 received)
    {
        (bool success, bytes memory answer) = address(executor).call(packed);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        // Empty where a revert was expected and came.
        if (answer.length != 0) (spent, received) = abi.decode(answer, (uint256, uint256));
    }
}
