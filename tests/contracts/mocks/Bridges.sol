// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {ISpokePool} from "contracts/interfaces/IFurtherVenues.sol";

/// @notice What Across's SpokePool does with a deposit, for tests of what sessions may send; the leg itself is tried on
/// Across's own bytecode (`AcrossLeg.t.sol`). It checks both times against its own clock and takes the input from the caller.
/// It announces the order by an event, where tests look at the call instead.
contract PlainSpokePool {
    error InvalidQuoteTimestamp();
    error InvalidFillDeadline();

    uint32 public constant DEPOSIT_QUOTE_BUFFER = 3600;
    uint32 public constant FILL_DEADLINE_BUFFER = 21_600;

    /// @dev `depositV3`, by hand: its twelve arguments are more than the compiler's stack holds.
    fallback() external {
        require(msg.sig == ISpokePool.depositV3.selector);
        require(_word(11) == 12 * 32);
        if (block.timestamp - _word(8) > DEPOSIT_QUOTE_BUFFER) revert InvalidQuoteTimestamp();
        if (_word(9) > block.timestamp + FILL_DEADLINE_BUFFER) revert InvalidFillDeadline();
        IERC20(address(uint160(_word(2)))).transferFrom(msg.sender, address(this), _word(4));
    }

    function _word(uint256 index) private pure returns (uint256) {
        return uint256(bytes32(msg.data[4 + 32 * index:]));
    }
}
