// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {SpendWindow} from "contracts/libraries/SpendWindow.sol";

/// @notice However spending is timed, no period of that length holds more than the limit.
contract SpendWindowTest is Test {
    using SpendWindow for SpendWindow.Window;

    uint256 private constant SPENDS = 40;

    function test_no_period_holds_more_than_the_limit(uint256 seed, uint32 period, uint128 limit) public pure {
        period = uint32(bound(period, 1, 400 days));
        limit = uint128(bound(limit, 1, type(uint128).max));
        SpendWindow.Window memory window;
        (window.limit, window.period) = (limit, period);
        uint256[SPENDS] memory times;
        uint256[SPENDS] memory amounts;
        uint256 time = 1_700_000_000 + seed % period;
        for (uint256 i = 0; i < SPENDS; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            // Often just before, at or after an edge.
            uint256 part = (uint256(period) + 2) / 3;
            time += seed % 4 == 0 ? part - time % part : seed % 4 == 1 ? 0 : (seed >> 8) % part;
            uint256 free = window.at(time).free();
            amounts[i] = seed % 3 == 0 ? free : (seed >> 64) % (free + 1);
            times[i] = time;
            window = window.count(amounts[i]);
            uint256 sum;
            for (uint256 j = 0; j <= i; ++j) {
                if (times[j] + period > time) sum += amounts[j];
            }
            assertLe(sum, limit);
        }
    }

    function test_all_is_free_again_after_four_thirds(uint32 period, uint40 start, uint128 limit) public pure {
        period = uint32(bound(period, 1, type(uint32).max));
        start = uint40(bound(start, 0, type(uint40).max / 2));
        limit = uint128(bound(limit, 1, type(uint128).max));
        SpendWindow.Window memory window;
        (window.limit, window.period) = (limit, period);
        window = window.at(start).count(limit);
        assertEq(window.free(), 0);
        assertEq(window.at(uint256(start) + period - 1).free(), 0);
        assertEq(window.at(uint256(start) + 4 * ((uint256(period) + 2) / 3)).free(), limit);
    }

    function test_time_that_goes_backwards_frees_nothing() public pure {
        SpendWindow.Window memory window;
        (window.limit, window.period) = (100, 300);
        window = window.at(1000).count(60);
        assertEq(window.at(10).free(), 40);
        assertEq(window.at(1000).free(), 40);
    }
}
