// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "../interfaces/IAccount.sol";
import {IExecutor} from "../interfaces/IExecutor.sol";
import {CallbackGuard} from "./CallbackGuard.sol";

/// @title Whose account this is
/// @notice What every call asks. `Steward` holds what changes it.
/// @dev Storage is namespaced (ERC-7201, "oms.account"), so that the code can stand behind an account that has other
/// code at other times. Owner and pause share a word, so that a plan of the owner's reads one: a paused account's word
/// equals nobody's address, as does that of one whose built-in venues are not all on.
abstract contract Account is CallbackGuard {
    struct AccountStorage {
        uint256 authority;
        address pendingOwner;
        address guardian;
        /// ERC-4337's, if the owner named one. It calls with what `validateUserOp` has found to be the owner's.
        address entryPoint;
        /// Counts the grants to keys of this account, and the changes of its owner among them.
        uint48 grants;
        /// The count of the last change of owner; zero for the first. What was granted, proposed or signed under a lower one
        /// is a former owner's.
        uint48 reign;
    }

    uint256 internal constant PAUSED = 1 << 160;
    /// @dev Bit `k` above this: the built-in venue of leg kind `k` is off.
    uint256 internal constant OFF_SHIFT = 161;
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
        account.authority = (account.authority & ~uint256(type(uint160).max)) | uint160(to);
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

    /// @dev A number that no grant and no change of owner had before.
    function _nextGrant() internal returns (uint48 number) {
        AccountStorage storage account = _account();
        number = account.grants + 1;
        account.grants = number;
    }

    /// @dev Who asks for a plan, where that is not plainly the owner.
    /// @return key Zero for the owner, unless a built-in venue is off: then plans are read before they run, and it is who
    /// asks. Else a session's key, of which nothing is known yet.
    function _admit(uint256 state, uint256 authority) internal view returns (address key) {
        if (authority & PAUSED != 0) revert IAccount.IsPaused();
        key = state == AT_REST ? msg.sender : _actingKey(state);
        if (key == address(0)) revert IAccount.NotOwner(key);
        if (authority >> OFF_SHIFT == 0 && _speaksForOwner(key)) return address(0);
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
