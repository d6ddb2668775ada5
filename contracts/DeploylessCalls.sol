// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Many views in one `eth_call`, without any deployed contract
/// @notice Never deployed: a node is asked to simulate this contract's creation, and what would become its code is the
/// answer. Takes what Multicall3's `aggregate3` takes and returns what that returns, so that both are read alike, but
/// calls statically: a target can change nothing that a later view sees. A failed call is always reported, never
/// passed on.
/// @dev The answer is bound by the size of code that a chain allows (24,576 bytes, EIP-170) and the creation by that of
/// init code (49,152 bytes, EIP-3860). An answer starts with a zero byte, which EIP-3541 demands of code (not 0xEF).
contract DeploylessCalls {
    struct Call {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    constructor(Call[] memory calls) {
        Result[] memory results = new Result[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            (results[i].success, results[i].returnData) = calls[i].target.staticcall(calls[i].callData);
        }
        bytes memory answer = abi.encode(results);
        // Reads `answer` where it lies and ends the creation.
        assembly ("memory-safe") {
            return(add(answer, 32), mload(answer))
        }
    }
}
