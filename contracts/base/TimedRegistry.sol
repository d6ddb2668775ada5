// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IERC20} from "../interfaces/IERC20.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {FIRST_FURTHER, LEG_CALL} from "../types/Plan.sol";
import {Account} from "./Account.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

interface ISupply {
    function totalSupply() external view returns (uint256);
}

/// @title The registry's slow and its quick side
/// @notice See `IRegistry`.
abstract contract TimedRegistry is IRegistry, Account, VenueRegistry {
    address private constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
    uint256 private constant PROBE_GAS = 100_000;

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
        _changeVenue(kind, id, Venue(address(0), 0, 0));
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
        if (_registry().applicableFrom[proposal] == 0) revert NotProposed(proposal);
        _registry().applicableFrom[proposal] = 0;
        emit ProposalCancelled(proposal, msg.sender);
    }

    /// @inheritdoc IRegistry
    function applicableFrom(bytes32 proposal) external view returns (uint256) {
        return _registry().applicableFrom[proposal];
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

    function _changeListing(uint8 kind, address target, bytes4 selector, bool listed) private {
        _list(kind, target, selector, listed);
        emit ListingSet(kind, target, selector, listed);
    }

    /// @dev Proposing again begins the delay anew.
    function _propose(bytes32 proposal) private returns (bytes32, uint256 from) {
        from = block.timestamp + _registryDelay;
        _registry().applicableFrom[proposal] = from;
        return (proposal, from);
    }

    function _take(bytes32 proposal) private {
        uint256 from = _registry().applicableFrom[proposal];
        if (from == 0) revert NotProposed(proposal);
        if (block.timestamp < from) revert NotYet(proposal, from, block.timestamp);
        _registry().applicableFrom[proposal] = 0;
    }

    function _checkListing(uint256 kind, address target, bytes4 selector) private view {
        bool nobody = target == address(0) || target == address(this) || target == PERMIT2;
        if (kind < FIRST_FURTHER || nobody) revert NotListable(kind, target);
        if (kind != LEG_CALL) {
            if (selector != 0) revert SelectorRefused(selector);
            return;
        }
        if (_movesAllowance(selector)) revert SelectorRefused(selector);
        if (target.code.length == 0) revert NotListable(kind, target);
        bool token = _answers(target, abi.encodeCall(IERC20.allowance, (address(this), address(this))))
            || (_answers(target, abi.encodeCall(IERC20.balanceOf, (address(this))))
                && _answers(target, abi.encodeCall(ISupply.totalSupply, ())));
        if (token) revert TargetIsToken(target);
    }

    /// @dev Whether it answers a word or more.
    function _answers(address target, bytes memory question) private view returns (bool whole) {
        // The answer is not copied.
        assembly ("memory-safe") {
            let success := staticcall(PROBE_GAS, target, add(question, 32), mload(question), 0, 0)
            whole := and(success, gt(returndatasize(), 31))
        }
    }

    /// @dev Functions by which tokens, Permit2 or vaults let somebody take, or by which tokens move. Lists are no proof:
    /// what is not a token by its answers and not among these is still only called where the owner listed it.
    function _movesAllowance(bytes4 selector) private pure returns (bool) {
        bytes4[36] memory refused = [
            bytes4(0), // none
            0x095ea7b3, // approve(address,uint256)
            0xa9059cbb, // transfer(address,uint256)
            0x23b872dd, // transferFrom(address,address,uint256)
            0xd505accf, // permit, ERC-2612
            0x8fcbaf0c, // permit, DAI
            0x9fd5a6cf, // permit with bytes
            0x39509351, // increaseAllowance
            0xa457c2d7, // decreaseAllowance
            0xd73dd623, // increaseApproval
            0x66188463, // decreaseApproval
            0xa22cb465, // setApprovalForAll
            0x42842e0e, // safeTransferFrom, ERC-721
            0xb88d4fde, // safeTransferFrom with data, ERC-721
            0xf242432a, // safeTransferFrom, ERC-1155
            0x2eb2c2d6, // safeBatchTransferFrom, ERC-1155
            0x87517c45, // approve, Permit2
            0x36c78516, // transferFrom, Permit2
            0x2b67b570, // permit, Permit2
            0xc04a8a10, // approveDelegation, Aave
            0x959b8c3f, // authorizeOperator, ERC-777
            0xfa6e671d, // setRelayerApproval, Balancer
            0x558a7297, // setOperator
            0x3177029f, // approveAndCall
            0xcae9ca51, // approveAndCall with data
            0x1296ee62, // transferAndCall
            0x4000aea0, // transferAndCall with data
            0xd8fbe994, // transferFromAndCall
            0xc1d34b89, // transferFromAndCall with data
            0x9bd9bbc6, // send, ERC-777
            0x62ad1b83, // operatorSend, ERC-777
            0x4dc5ecb3, // approve with an identifier and an owner
            0x426a8493, // approve with an identifier, ERC-6909
            0x110496e5, // allow, Compound
            0xeecea000, // setAuthorization, Morpho
            0xa3b22fc4 // hope, Maker
        ];
        for (uint256 i = 0; i < refused.length; ++i) {
            if (refused[i] == selector) return true;
        }
        return false;
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
