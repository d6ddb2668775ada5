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
}
