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
    event Paused(address indexed by);
    event Resumed();

    /// @notice Names the account that may take over by `acceptOwnership`; zero for none.
    function offerOwnership(address to) external;

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
