// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice Refuses native coin.
contract Unwilling {
    receive() external payable {
        revert();
    }
}
