// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "../interfaces/IAccount.sol";
import {ISessions} from "../interfaces/ISessions.sol";
import {SpendWindow} from "../libraries/SpendWindow.sol";
import {Account} from "./Account.sol";

/// @title What is written down about keys
/// @dev Storage is namespaced (ERC-7201, "oms.sessions"). What a grant lists is found under the key and the grant's count,
/// so a new grant finds nothing of an older one. Counts only
/// grow, so what is below that of the last change of owner is a former owner's, and holds no longer.
abstract contract SessionBook is Account {
    /// @dev One word.
    struct Session {
        uint48 grant;
        uint40 expiry;
        uint32 kinds;
        uint16 mostLossBps;
        bool mayPull;
        uint96 gasBudget;
    }

    /// @param decimals The token's, as it answered when the feed was named, or as the owner said of one on another chain.
    /// @param reign Under which it was named.
    struct Feed {
        address feed;
        uint32 maxAge;
        uint8 decimals;
        uint48 reign;
    }

    struct SessionStorage {
        mapping(address key => Session) sessions;
        mapping(bytes32 item => bool) granted;
        mapping(bytes32 item => SpendWindow.Window) windows;
        mapping(address token => Feed) feeds;
        mapping(address key => mapping(uint256 lane => uint64)) nonces;
        mapping(uint256 chainId => mapping(address token => Feed)) farFeeds;
    }

    /// @dev keccak256(abi.encode(uint256(keccak256("oms.sessions")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant SESSIONS = 0x9bab5fbe4709f9d36f3c97288cf0d9fd71e1e507654c14c2037f40d20f7ec000;

    uint256 internal constant ITEM_VENUE = 1;
    uint256 internal constant ITEM_RISE = 2;
    uint256 internal constant ITEM_SPEND = 3;

    function _book() internal pure returns (SessionStorage storage book) {
        assembly ("memory-safe") {
            book.slot := SESSIONS
        }
    }

    /// @dev What a grant lists: a venue of a kind, a token that may rise, a token that may fall.
    function _item(address key, uint256 grant, uint256 list, uint256 kind, bytes32 id) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, grant, list, kind, id));
    }

    function _tokenItem(address key, uint256 grant, uint256 list, address token) internal pure returns (bytes32) {
        return _item(key, grant, list, 0, bytes32(uint256(uint160(token))));
    }

    /// @dev As it holds now: what a former owner granted has ended.
    function _sessionOf(address key) internal view returns (Session memory session) {
        session = _book().sessions[key];
        if (session.grant < _account().reign) session.expiry = 0;
    }

    /// @dev Whether what was granted to a key holds now: neither expired nor ended.
    function _stands(address key) internal view virtual returns (bool) {
        return block.timestamp <= _sessionOf(key).expiry;
    }

    /// @dev Refuses a key that was never granted anything, or no longer is.
    function _standing(address key) internal view returns (Session memory session) {
        session = _book().sessions[key];
        if (session.grant == 0) revert IAccount.NotOwner(key);
        if (session.grant < _account().reign) revert ISessions.FormerOwners(key, session.grant);
        if (session.expiry == 0) revert ISessions.SessionRevoked(key);
        if (block.timestamp > session.expiry) {
            revert ISessions.SessionExpired(key, session.expiry, block.timestamp);
        }
    }
}
