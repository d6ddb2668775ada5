// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IBalancerV3Vault} from "contracts/interfaces/IFurtherVenues.sol";

/// @notice A vault that asks for twice what it was to sell, which Balancer's own never does.
contract GreedyBalancerV3Vault {
    function unlock(bytes calldata data) external returns (bytes memory result) {
        bool success;
        (success, result) = msg.sender.call(data);
        if (success) return result;
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }

    function swap(IBalancerV3Vault.VaultSwapParams calldata params) external pure returns (uint256, uint256, uint256) {
        return (1, params.amountGivenRaw * 2, 1);
    }
}
