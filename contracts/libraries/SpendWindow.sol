// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title How much was spent of late
/// @notice Time is cut into thirds of the period. What was spent in the running third and the three before it counts, which
/// covers a whole period however it lies, so that within any period never more than the limit is spent.
library SpendWindow {
    uint256 internal constant PARTS = 3;

    /// @param part The third of a period, counted from the epoch, that `used0` is about.
    /// @param used0 Base units spent in it; `used1` to `used3` in those before.
    struct Window {
        uint128 limit;
        uint32 period;
        uint40 part;
        uint128 used0;
        uint128 used1;
        uint128 used2;
        uint128 used3;
    }

    /// @notice The same window as it stands at `time`, in Unix seconds. Time that went backwards frees nothing.
    function at(Window memory window, uint256 time) internal pure returns (Window memory) {
        uint256 part = partOf(window.period, time);
        if (part <= window.part) return window;
        uint256 passed = part - window.part;
        // The cut is meant nowhere: a 40-bit second divided by at least one fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        window.part = uint40(part);
        for (uint256 i = 0; i < passed && i <= PARTS; ++i) {
            (window.used3, window.used2, window.used1, window.used0) = (window.used2, window.used1, window.used0, 0);
        }
        return window;
    }

    /// @notice Base units that may still be spent.
    function free(Window memory window) internal pure returns (uint256) {
        uint256 used = uint256(window.used0) + window.used1 + window.used2 + window.used3;
        return used < window.limit ? window.limit - used : 0;
    }

    /// @notice Counts `amount`, which the caller has found to be free.
    function count(Window memory window, uint256 amount) internal pure returns (Window memory) {
        // Below the limit, of the same type.
        // forge-lint: disable-next-line(unsafe-typecast)
        window.used0 += uint128(amount);
        return window;
    }

    /// @dev A third is rounded up, so that three are no less than the period. A period of zero is never stored.
    function partOf(uint256 period, uint256 time) internal pure returns (uint256) {
        return time / ((period + PARTS - 1) / PARTS);
    }
}
