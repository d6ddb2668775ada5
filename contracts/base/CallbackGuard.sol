// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";

/// @title One lock, and the one callback that is expected
/// @notice At rest no callback is accepted. While a plan runs, a leg arms exactly one: from one venue, by one door, with
/// one context. Taking it un-arms it. All of it is one transient word, so nothing can stay behind.
/// @dev The context travels through the venue, as callbacks carry no other memory; the word is the hash of venue, door and
/// context, so a venue that changes a byte of it is refused.
abstract contract CallbackGuard {
    uint256 internal constant AT_REST = 0;
    uint256 internal constant LOCKED = 1;
    /// @dev Above an address: this account may call itself for that key, and nobody else may call it.
    uint256 private constant ACTING = 0x6f6d732e616374696e672e6b;

    /// @dev `AT_REST`, `LOCKED`, `ACTING` for a key, or the hash of the armed callback, which is none of these but by
    /// finding a preimage.
    uint256 internal transient _state;
    /// @dev The session's key that the running plan runs for; zero for the owner.
    address internal transient _session;

    /// @dev Opens the account to its own calls for a key, in place of `before`, which `_rest` brings back.
    function _act(address key) internal returns (uint256 before) {
        before = _state;
        _state = (ACTING << 160) | uint160(key);
    }

    function _rest(uint256 before) internal {
        _state = before;
    }

    /// @dev For whom this account is calling itself. Refuses all other calls while something runs.
    function _actingKey(uint256 state) internal view returns (address) {
        if (state >> 160 != ACTING || msg.sender != address(this)) revert IExecutor.Reentered();
        // The cut is meant: it leaves the address.
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(state));
    }

    function _isLocked() internal view returns (bool) {
        return _state != AT_REST;
    }

    /// @dev Expects `venue` to call back once by the door of `kind`, with the `size` bytes of context that lie in memory one
    /// word behind `at`. Overwrites the word at `at`.
    function _arm(uint256 kind, address venue, uint256 at, uint256 size) internal {
        // The caller owns the memory from `at` on.
        assembly ("memory-safe") {
            mstore(at, or(shl(160, kind), venue))
            tstore(_state.slot, keccak256(at, add(size, 32)))
        }
    }

    /// @dev First line of every callback: the context is the `size` bytes of calldata from `start`. If it is not all there,
    /// its hash is another's, but for zeros at its end, which are read all the same.
    /// @return context Where in memory it is, too, until something else is written beyond the free pointer.
    function _takeCallback(uint256 kind, uint256 start, uint256 size) internal returns (uint256 context) {
        bool armed;
        // The hash's input lies beyond the free pointer.
        assembly ("memory-safe") {
            let at := mload(64)
            mstore(at, or(shl(160, kind), caller()))
            context := add(at, 32)
            calldatacopy(context, start, size)
            armed := eq(tload(_state.slot), keccak256(at, add(size, 32)))
            tstore(_state.slot, LOCKED)
        }
        if (!armed) revert IExecutor.CallbackNotArmed(msg.sender);
    }

    /// @dev A venue that was armed and did not call back has not behaved as what it was proved to be.
    function _requireTaken(address venue) internal view {
        if (_state != LOCKED) revert IExecutor.CallbackMissed(venue);
    }
}
