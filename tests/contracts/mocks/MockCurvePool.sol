// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

/// @notice Two coins at one for one less 4 bps, behind both of Curve's `exchange` functions; returns nothing, as old
/// pools do. Can be told to take less than it was allowed.
contract MockCurvePool {
    using TokenCalls for address;

    address[2] public coins;
    uint256 public untaken;

    constructor(address coin0, address coin1) {
        coins = [coin0, coin1];
    }

    function setUntaken(uint256 amount) external {
        untaken = amount;
    }

    function exchange(int128 i, int128 j, uint256 dx, uint256 minDy) external {
        _exchange(uint256(uint128(i)), uint256(uint128(j)), dx, minDy);
    }

    function exchange(uint256 i, uint256 j, uint256 dx, uint256 minDy) external {
        _exchange(i, j, dx, minDy);
    }

    function _exchange(uint256 i, uint256 j, uint256 dx, uint256 minDy) private {
        coins[i].pull(msg.sender, address(this), dx - untaken);
        uint256 dy = dx * 9996 / 10_000;
        require(dy >= minDy, "Slippage");
        coins[j].send(msg.sender, dy);
    }
}
