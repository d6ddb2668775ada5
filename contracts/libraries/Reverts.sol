// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Passing on another contract's reason
library Reverts {
    function bubble(bytes memory reason) internal pure {
        // Reads `reason` where it lies and ends the call.
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    /// @notice What the call just made answered.
    function data() internal pure returns (bytes memory answer) {
        // Takes memory as the compiler does: length, content, the free pointer moved to the next whole word.
        assembly ("memory-safe") {
            answer := mload(64)
            mstore(answer, returndatasize())
            returndatacopy(add(answer, 32), 0, returndatasize())
            mstore(64, and(add(add(answer, returndatasize()), 63), not(31)))
        }
    }

    /// @notice Ends the call with what the call just made answered.
    function again() internal pure {
        // The memory's content no longer matters.
        assembly ("memory-safe") {
            let free := mload(64)
            returndatacopy(free, 0, returndatasize())
            revert(free, returndatasize())
        }
    }
}
