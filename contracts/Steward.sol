// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TimedRegistry} from "./base/TimedRegistry.sol";
import {UserOperations} from "./base/UserOperations.sol";
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
contract Steward is IExecutor, TimedRegistry, UserOperations {
    using TokenCalls for address;

    address private immutable _warden;

    /// @param warden What answers for sessions; zero for none.
    /// @param delay Seconds that an addition to the registry waits. Zero, for development chains, lets it act at once.
    constructor(
        address v2Factory,
        bytes32 v2InitCodeHash,
        address v3Factory,
        bytes32 v3InitCodeHash,
        address warden,
        uint256 delay
    ) VenueRegistry(v2Factory, v2InitCodeHash, v3Factory, v3InitCodeHash) TimedRegistry(delay) {
        _warden = warden;
    }

    /// @dev What is not here is the warden's business; its own doors into a plan are closed while none runs.
    fallback() external {
        address warden = _warden;
        if (warden == address(0)) revert UnknownFunction(msg.sig);
        // Takes all of memory, as this ends the call.
        assembly ("memory-safe") {
            let at := mload(64)
            calldatacopy(at, 0, calldatasize())
            let success := delegatecall(gas(), warden, at, calldatasize(), 0, 0)
            returndatacopy(at, 0, returndatasize())
            switch success
            case 0 { revert(at, returndatasize()) }
            default { return(at, returndatasize()) }
        }
    }

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
        emit OwnershipOffered(_owner(), to);
    }

    /// @inheritdoc IAccount
    function acceptOwnership() external {
        if (msg.sender != _account().pendingOwner) revert NotPendingOwner(msg.sender);
        if (_isLocked()) revert Reentered();
        _setOwner(msg.sender);
        _setGuardian(address(0));
        uint48 number = _nextGrant();
        _account().reign = number;
        emit ReignBegun(number);
    }

    /// @inheritdoc IAccount
    function setGuardian(address to) external {
        _requireOwner();
        _setGuardian(to);
    }

    /// @inheritdoc IAccount
    function pause() external {
        _requireOwnerOrGuardian();
        _account().authority |= PAUSED;
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
        // Not to the caller, who may be the owner's entry point.
        address to = _owner();
        if (token != address(0)) return token.send(to, amount);
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert ITokenErrors.TransferFailed(token, to, amount);
    }

    /// @inheritdoc IExecutor
    function setVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips) external {
        _requireOwner();
        _setVenueNow(kind, id, Venue(deployer, feePips, initCodeHash));
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

    function _setGuardian(address to) internal override {
        _account().guardian = to;
        emit GuardianSet(to);
    }
}
