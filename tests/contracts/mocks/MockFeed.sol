// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A price feed that answers what it was told.
contract MockFeed {
    uint8 public decimals;
    int256 private _answer;
    uint256 private _updatedAt;

    constructor(uint8 decimals_, int256 answer, uint256 updatedAt) {
        decimals = decimals_;
        set(answer, updatedAt);
    }

    function set(int256 answer, uint256 updatedAt) public {
        (_answer, _updatedAt) = (answer, updatedAt);
    }

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, _answer, _updatedAt, _updatedAt, 1);
    }
}
