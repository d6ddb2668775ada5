// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Whose account an executor is
/// @notice One owner, who hands over in two steps, and a guardian who can stop everything, revoke and disable, and nothing
/// else.
interface IAccount {
    error NotOwner(address caller);
    error NotPendingOwner(address caller);
    error NotGuardian(address caller);
    error IsPaused();
    /// @notice No function of that selector here.
    error UnknownFunction(bytes4 selector);

    event OwnershipOffered(address indexed owner, address indexed to);
    event OwnershipTaken(address indexed before, address indexed owner);
    event GuardianSet(address indexed guardian);
    /// @notice What was granted to keys, proposed to the registry, named as a reference or signed under a lower number than
    /// this one has ended.
    event ReignBegun(uint256 reign);
    event Paused(address indexed by);
    event Resumed();

    /// @notice Names the account that may take over by `acceptOwnership`; zero for none.
    function offerOwnership(address to) external;

    /// @notice Takes over what the owner offered. From this call on no right that a former owner gave holds: sessions, what
    /// they or former owners signed, references, proposals to the registry, guardian and entry point are gone. What stays is
    /// what stops or was applied: a pause, venues that are off, the registry.
    function acceptOwnership() external;

    /// @notice Names the account that may pause, revoke and disable, beside the owner.
    function setGuardian(address to) external;

    /// @notice Stops every plan, from this call on: the next of a batch that is running too. By the owner or the guardian.
    function pause() external;

    /// @notice Ends a pause. By the owner only.
    function resume() external;

    function owner() external view returns (address);
    function pendingOwner() external view returns (address);
    function guardian() external view returns (address);
    function paused() external view returns (bool);
}
