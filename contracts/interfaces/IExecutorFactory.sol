// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Executors at the same address on every chain
/// @notice An address here follows from this factory, the account that deploys and its salt, and from nothing else: not from
/// the code, whose immutables differ from chain to chain. Nobody can take an address of somebody else's. Where this factory
/// stands at the same address on two chains, so do an account's executors of the same salt.
///
/// The factory has no owner and no storage, never calls what it deployed, and does not judge the code: that it is an
/// executor's is for its owner to check. Whoever controls the account on a chain chooses the code there, so an address that
/// one chain vouches for says nothing of the other until something stands there.
interface IExecutorFactory {
    /// @notice Something was deployed by this account with this salt before.
    error AlreadyDeployed(address executor);
    /// @notice The constructor reverted without a reason, or left no code.
    error NothingDeployed(address executor);

    event ExecutorDeployed(address indexed deployer, bytes32 indexed salt, address executor, bytes32 codeHash);

    /// @notice Deploys code at `addressOf(msg.sender, salt)`. A reason given by the constructor is passed on.
    /// @param initCode Creation code with the constructor's arguments; the constructor's `msg.sender` is not the caller.
    function deploy(bytes32 salt, bytes calldata initCode) external returns (address executor);

    /// @notice Where that account's deployment with that salt is or will be.
    function addressOf(address deployer, bytes32 salt) external view returns (address executor);
}
