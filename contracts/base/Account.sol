// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "../interfaces/IAccount.sol";
import {IExecutor} from "../interfaces/IExecutor.sol";
import {CallbackGuard} from "./CallbackGuard.sol";

/// @title Whose account this is
/// @notice What every call asks. `Steward` holds what changes it.
/// @dev Storage is namespaced (ERC-7201, "oms.account"), so that the code can stand behind an account that has other
/// code at other times. Owner and pause share a word, so that a plan of the owner's reads one: a paused account's word
/// equals nobody's address.
abstract contract Account is CallbackGuard {
    struct AccountStorage {
        uint256 authority;
        address pendingOwner;
        address guardian;
        /// ERC-4337's, if the owner named one. It calls with what `validateUserOp` has found to be the owner's.
        address entryPoint;
    }

    uint256 internal constant PAUSED = 1 << 160;
    /// @dev keccak256(abi.encode(uint256(keccak256("oms.account")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ACCOUNT = 0x6c503a7ad3125c25dc4b24e1ef24edde778644f4d54e7224a30eb7c72c873400;

    function _owner() internal view returns (address) {
        // The cut is meant: it leaves the address.
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(_account().authority));
    }

    function _setOwner(address to) internal {
        AccountStorage storage account = _account();
        address before = _owner();
        account.authority = (account.authority & PAUSED) | uint160(to);
        account.pendingOwner = address(0);
        // It may hold operations that it found to be the former owner's.
        account.entryPoint = address(0);
        emit IAccount.OwnershipTaken(before, to);
    }

    /// @dev For the owner's own acts, which a pause does not stop, but a running plan does.
    function _requireOwner() internal view {
        if (!_speaksForOwner(msg.sender)) revert IAccount.NotOwner(msg.sender);
        if (_isLocked()) revert IExecutor.Reentered();
    }

    /// @dev For what takes away: a pause, a revocation, a venue less. The caller sees to whether a plan may be running.
    function _requireOwnerOrGuardian() internal view {
        address caller = msg.sender;
        bool known = _speaksForOwner(caller) || (caller != address(0) && caller == _account().guardian);
        if (!known) revert IAccount.NotGuardian(caller);
    }

    /// @dev Who asks for a plan, where that is not plainly the owner.
    /// @return key Zero for the owner; else a session's key, of which nothing is known yet.
    function _admit(uint256 state, uint256 authority) internal view returns (address key) {
        if (authority & PAUSED != 0) revert IAccount.IsPaused();
        bool owners;
        if (state == AT_REST) (key, owners) = (msg.sender, _speaksForOwner(msg.sender));
        else owners = (key = _actingKey(state)) == _owner();
        if (owners) return address(0);
        if (key == address(0)) revert IAccount.NotOwner(key);
    }

    /// @dev The zero address, which can call where nothing is recorded, speaks for nobody.
    function _speaksForOwner(address caller) internal view returns (bool) {
        return caller != address(0) && (caller == _owner() || caller == _account().entryPoint);
    }

    function _account() internal pure returns (AccountStorage storage account) {
        assembly ("memory-safe") {
            account.slot := ACCOUNT
        }
    }
}
