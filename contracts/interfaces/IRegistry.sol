// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title What may be traded with, changed slowly and stopped at once
/// @notice What adds to it is proposed, and applied by the owner once the delay has passed. What takes away acts at once,
/// by the owner or the guardian. Where the delay is zero, as on development chains, `setVenue` and `setListed` add at once.
interface IRegistry {
    error RegistryDelayed(uint256 delay);
    error NotProposed(bytes32 proposal);
    error NotYet(bytes32 proposal, uint256 applicableFrom, uint256 timestamp);
    /// @notice Kinds of legs that look at no list, or an address that none may name: zero, this account, Permit2.
    error NotListable(uint256 kind, address target);
    /// @notice Answers as a token does; calls of tokens are never for lists.
    error TargetIsToken(address target);
    /// @notice The leg at that byte of the plan deals with a built-in venue that is off.
    error VenueDisabled(uint256 kind, uint256 at);
    /// @notice Moves an allowance or tokens of others.
    error SelectorRefused(bytes4 selector);

    event VenueProposed(
        bytes32 indexed proposal,
        uint8 kind,
        uint8 id,
        address deployer,
        bytes32 initCodeHash,
        uint24 feePips,
        uint256 applicableFrom
    );
    event ListingProposed(
        bytes32 indexed proposal, uint8 kind, address target, bytes4 selector, uint256 applicableFrom
    );
    event ProposalCancelled(bytes32 indexed proposal, address by);
    event BuiltInSwitched(uint8 indexed kind, bool on, address by);
    event ListingSet(uint8 indexed kind, address indexed target, bytes4 selector, bool listed);

    /// @notice Announces a venue; see `IExecutor.setVenue`. By the owner.
    function proposeVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips)
        external
        returns (bytes32 proposal);

    function applyVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips) external;

    /// @notice By the owner or the guardian, at once. Identifier 0 is the built-in venue of a kind, fixed in the code: of
    /// constant product and concentrated pools that factory, of any other kind all that its legs deal with. Balancer's
    /// vaults do not lend either while their kind is off, nor is a v4 pool of the coin used while wrapping is. While one is off, every plan is read before it runs, which costs it more gas.
    function disableVenue(uint8 kind, uint8 id) external;

    /// @notice Ends that for a built-in venue. By the owner.
    function restoreVenue(uint8 kind) external;

    function isBuiltInOn(uint8 kind) external view returns (bool);

    /// @notice Announces that legs of a kind may deal with an address. By the owner.
    /// @param kind From kind 10 on.
    /// @param selector The function that may be called; zero for kinds that do not name one.
    function proposeListing(uint8 kind, address target, bytes4 selector) external returns (bytes32 proposal);

    function applyListing(uint8 kind, address target, bytes4 selector) external;

    /// @notice By the owner; adds only where the delay is zero.
    function setListed(uint8 kind, address target, bytes4 selector, bool listed) external;

    /// @notice By the owner or the guardian, at once.
    function disableListing(uint8 kind, address target, bytes4 selector) external;

    /// @notice Drops a proposal. By the owner or the guardian.
    function cancelProposal(bytes32 proposal) external;

    /// @notice When it may be applied, in Unix time; zero for none.
    function applicableFrom(bytes32 proposal) external view returns (uint256);

    function isListed(uint8 kind, address target, bytes4 selector) external view returns (bool);

    /// @notice Seconds from a proposal to when it may be applied.
    function registryDelay() external view returns (uint256);
}
