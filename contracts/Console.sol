// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Account} from "./base/Account.sol";
import {VenueRegistry} from "./base/VenueRegistry.sol";
import {IAccount} from "./interfaces/IAccount.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {ITokenErrors} from "./interfaces/IERC20.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";
import {LEG_SOLIDLY, LEG_V2, LEG_V3} from "./types/Plan.sol";

/// @title What an executor does beside plans
/// @notice The executor's own code, in a contract of its own so that plans and callbacks are found without comparing
/// twenty selectors first. Called directly it has no owner and obeys nobody.
/// @dev Runs by delegatecall on the executor's storage. Holds none of its own: immutables only, so that all executors of a
/// chain may share it.
contract Console is IExecutor, Account, VenueRegistry {
    using TokenCalls for address;

    constructor(address v2Factory, bytes32 v2InitCodeHash, address v3Factory, bytes32 v3InitCodeHash)
        VenueRegistry(v2Factory, v2InitCodeHash, v3Factory, v3InitCodeHash)
    {}

    /// @inheritdoc IAccount
    function owner() external view returns (address) {
        return _owner();
    }

    /// @inheritdoc IAccount
    function paused() external view returns (bool) {
        return _account().authority & PAUSED != 0;
    }

    /// @inheritdoc IAccount
    function pendingOwner() external view returns (address) {
        return _account().pendingOwner;
    }

    /// @inheritdoc IAccount
    function guardian() external view returns (address) {
        return _account().guardian;
    }

    /// @inheritdoc IAccount
    function offerOwnership(address to) external {
        _requireOwner();
        _account().pendingOwner = to;
        emit OwnershipOffered(msg.sender, to);
    }

    /// @inheritdoc IAccount
    function acceptOwnership() external {
        if (msg.sender != _account().pendingOwner) revert NotPendingOwner(msg.sender);
        if (_isLocked()) revert Reentered();
        _setOwner(msg.sender);
    }

    /// @inheritdoc IAccount
    function setGuardian(address to) external {
        _requireOwner();
        _account().guardian = to;
        emit GuardianSet(to);
    }

    /// @inheritdoc IAccount
    function pause() external {
        AccountStorage storage account = _account();
        if (msg.sender != _owner() && msg.sender != account.guardian) revert NotGuardian(msg.sender);
        account.authority |= PAUSED;
        emit Paused(msg.sender);
    }

    /// @inheritdoc IAccount
    function resume() external {
        _requireOwner();
        _account().authority &= ~PAUSED;
        emit Resumed();
    }

    /// @inheritdoc IExecutor
    function withdraw(address token, uint256 amount) external {
        _requireOwner();
        if (token != address(0)) return token.send(msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert ITokenErrors.TransferFailed(token, msg.sender, amount);
    }

    /// @inheritdoc IExecutor
    function setVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips) external {
        _requireOwner();
        _setVenue(kind, id, Venue(deployer, feePips, initCodeHash));
        emit VenueSet(kind, id, deployer, initCodeHash, feePips);
    }

    /// @inheritdoc IExecutor
    function venue(uint8 kind, uint8 id)
        external
        view
        returns (address deployer, uint24 feePips, bytes32 initCodeHash)
    {
        uint256 fee;
        (deployer, fee, initCodeHash) = _venue(kind, id);
        // Stored as uint24.
        feePips = uint24(fee);
    }

    /// @inheritdoc IExecutor
    function poolFor(uint8 kind, uint8 id, address tokenA, address tokenB, uint24 variant)
        external
        view
        returns (address pool)
    {
        if (kind == LEG_V2) (pool,) = _constantProductPool(id, tokenA, tokenB);
        else if (kind == LEG_V3) pool = _concentratedPool(id, tokenA, tokenB, variant);
        else if (kind == LEG_SOLIDLY) pool = _solidlyPool(id, tokenA, tokenB, variant == 1);
        else revert VenueUnknown(kind, id);
    }
}
