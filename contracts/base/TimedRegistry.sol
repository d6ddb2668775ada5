// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {RightsGiven} from "../libraries/RightsGiven.sol";
import {TokenQuestions} from "../libraries/TokenQuestions.sol";
import {FIRST_FURTHER, LEG_CALL, LEG_FLASH, LEG_SOLIDLY, LEG_V3_EXACT_OUT} from "../types/Plan.sol";
import {Account} from "./Account.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

/// @title The registry's slow and its quick side
/// @notice See `IRegistry`.
abstract contract TimedRegistry is IRegistry, Account, VenueRegistry {
    address private constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    uint256 private immutable _registryDelay;

    constructor(uint256 delay) {
        _registryDelay = delay;
    }

    /// @inheritdoc IRegistry
    function proposeVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips)
        external
        returns (bytes32 proposal)
    {
        _requireOwner();
        _checkVenueEntry(kind, id, Venue(deployer, feePips, initCodeHash));
        uint256 from;
        (proposal, from) = _propose(_venueProposal(kind, id, deployer, initCodeHash, feePips));
        emit VenueProposed(proposal, kind, id, deployer, initCodeHash, feePips, from);
    }

    /// @inheritdoc IRegistry
    function applyVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips) external {
        _requireOwner();
        _take(_venueProposal(kind, id, deployer, initCodeHash, feePips));
        _changeVenue(kind, id, Venue(deployer, feePips, initCodeHash));
    }

    /// @inheritdoc IRegistry
    function disableVenue(uint8 kind, uint8 id) external {
        _requireOwnerOrGuardian();
        if (id == 0) _switchBuiltIn(kind, false);
        else _changeVenue(kind, id, Venue(address(0), 0, 0));
    }

    /// @inheritdoc IRegistry
    function restoreVenue(uint8 kind) external {
        _requireOwner();
        _switchBuiltIn(kind, true);
    }

    /// @inheritdoc IRegistry
    function isBuiltInOn(uint8 kind) external view returns (bool) {
        return _account().authority & _builtIn(kind) == 0;
    }

    /// @inheritdoc IRegistry
    function proposeListing(uint8 kind, address target, bytes4 selector) external returns (bytes32 proposal) {
        _requireOwner();
        _checkListing(kind, target, selector);
        uint256 from;
        (proposal, from) = _propose(_listingProposal(kind, target, selector));
        emit ListingProposed(proposal, kind, target, selector, from);
    }

    /// @inheritdoc IRegistry
    /// @dev Looked at again: what was none may have become a token meanwhile.
    function applyListing(uint8 kind, address target, bytes4 selector) external {
        _requireOwner();
        _take(_listingProposal(kind, target, selector));
        _checkListing(kind, target, selector);
        _changeListing(kind, target, selector, true);
    }

    /// @inheritdoc IRegistry
    function setListed(uint8 kind, address target, bytes4 selector, bool listed) external {
        _requireOwner();
        if (listed) {
            if (_registryDelay != 0) revert RegistryDelayed(_registryDelay);
            _checkListing(kind, target, selector);
        }
        _changeListing(kind, target, selector, listed);
    }

    /// @inheritdoc IRegistry
    function disableListing(uint8 kind, address target, bytes4 selector) external {
        _requireOwnerOrGuardian();
        _changeListing(kind, target, selector, false);
    }

    /// @inheritdoc IRegistry
    function cancelProposal(bytes32 proposal) external {
        _requireOwnerOrGuardian();
        if (_registry().applicableFrom[_entry(proposal)] == 0) revert NotProposed(proposal);
        _registry().applicableFrom[_entry(proposal)] = 0;
        emit ProposalCancelled(proposal, msg.sender);
    }

    /// @inheritdoc IRegistry
    function applicableFrom(bytes32 proposal) external view returns (uint256) {
        return _registry().applicableFrom[_entry(proposal)];
    }

    /// @inheritdoc IRegistry
    function isListed(uint8 kind, address target, bytes4 selector) external view returns (bool) {
        return _isListed(kind, target, selector);
    }

    /// @inheritdoc IRegistry
    function registryDelay() external view returns (uint256) {
        return _registryDelay;
    }

    /// @dev What takes away acts at once, what adds only where there is no delay.
    function _setVenueNow(uint8 kind, uint8 id, Venue memory entry) internal {
        if (entry.deployer != address(0) && _registryDelay != 0) revert RegistryDelayed(_registryDelay);
        _changeVenue(kind, id, entry);
    }

    function _changeVenue(uint8 kind, uint8 id, Venue memory entry) private {
        _setVenue(kind, id, entry);
        emit IExecutor.VenueSet(kind, id, entry.deployer, entry.initCodeHash, entry.feePips);
    }

    /// @dev In the word that every plan reads, so that nothing is read for it while all are on.
    function _switchBuiltIn(uint8 kind, bool on) private {
        uint256 bit = _builtIn(kind);
        if (on) _account().authority &= ~bit;
        else _account().authority |= bit;
        emit BuiltInSwitched(kind, on, msg.sender);
    }

    /// @dev Solidly has no built-in venue, and exact outputs go by that of concentrated pools.
    function _builtIn(uint8 kind) private pure returns (uint256 bit) {
        if (kind == 0 || kind > LEG_FLASH || kind == LEG_SOLIDLY || kind == LEG_V3_EXACT_OUT) {
            revert IExecutor.VenueUnknown(kind, 0);
        }
        return 1 << (OFF_SHIFT + kind);
    }

    function _changeListing(uint8 kind, address target, bytes4 selector, bool listed) private {
        _list(kind, target, selector, listed);
        emit ListingSet(kind, target, selector, listed);
    }

    /// @dev Proposing again begins the delay anew.
    function _propose(bytes32 proposal) private returns (bytes32, uint256 from) {
        from = block.timestamp + _registryDelay;
        _registry().applicableFrom[_entry(proposal)] = from;
        return (proposal, from);
    }

    function _take(bytes32 proposal) private {
        uint256 from = _registry().applicableFrom[_entry(proposal)];
        if (from == 0) revert NotProposed(proposal);
        if (block.timestamp < from) revert NotYet(proposal, from, block.timestamp);
        _registry().applicableFrom[_entry(proposal)] = 0;
    }

    /// @dev Where a proposal is found; nothing that a former owner proposed is.
    function _entry(bytes32 proposal) private view returns (bytes32) {
        return keccak256(abi.encode(proposal, _account().reign));
    }

    function _checkListing(uint256 kind, address target, bytes4 selector) private view {
        bool nobody = target == address(0) || target == address(this) || target == PERMIT2;
        if (kind < FIRST_FURTHER || nobody) revert NotListable(kind, target);
        if (kind != LEG_CALL) {
            if (selector != 0) revert SelectorRefused(selector);
            return;
        }
        if (selector == 0 || RightsGiven.by(selector)) revert SelectorRefused(selector);
        if (target.code.length == 0) revert NotListable(kind, target);
        if (TokenQuestions.isToken(target)) revert TargetIsToken(target);
    }

    function _venueProposal(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode("venue", kind, id, deployer, initCodeHash, feePips));
    }

    function _listingProposal(uint8 kind, address target, bytes4 selector) private pure returns (bytes32) {
        return keccak256(abi.encode("listing", kind, target, selector));
    }
}
