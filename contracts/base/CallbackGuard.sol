// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";

/// @title One lock, and the one caller that may call back
/// @notice At rest no callback is accepted. While a plan runs, a leg arms exactly one venue for one callback; taking the
/// callback un-arms it. All of it is transient, so nothing can stay behind.
abstract contract CallbackGuard {
    uint256 private constant AT_REST = 0;
    uint256 private constant LOCKED = 1;

    /// @dev `AT_REST`, `LOCKED`, or leg kind and venue of the armed callback. A venue's address with its kind above it is
    /// never 0 or 1, as leg kinds start at 1.
    uint256 private transient _state;
    /// @dev Meaningful only while armed.
    address private transient _token;
    /// @dev Meaningful only while armed.
    uint256 private transient _budget;

    function _lock() internal {
        if (_state != AT_REST) revert IExecutor.Reentered();
        _state = LOCKED;
    }

    function _unlock() internal {
        _state = AT_REST;
    }

    function _isLocked() internal view returns (bool) {
        return _state != AT_REST;
    }

    /// @dev Lets `venue` call back once and be paid at most `budget` of `token`.
    function _arm(uint256 kind, address venue, address token, uint256 budget) internal {
        _state = (kind << 160) | uint160(venue);
        _token = token;
        _budget = budget;
    }

    /// @dev First line of every callback.
    function _takeCallback(uint256 kind) internal returns (address token, uint256 budget) {
        if (_state != (kind << 160) | uint160(msg.sender)) revert IExecutor.CallbackNotArmed(msg.sender);
        _state = LOCKED;
        return (_token, _budget);
    }

    /// @dev A venue that was armed and did not call back has not behaved as what it was proved to be.
    function _requireTaken(address venue) internal view {
        if (_state != LOCKED) revert IExecutor.CallbackMissed(venue);
    }
}
