// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {ISolidlyFactory} from "../interfaces/IVenues.sol";
import {PoolAddress} from "../libraries/PoolAddress.sol";
import {LEG_SOLIDLY, LEG_V2, LEG_V3} from "../types/Plan.sol";

/// @title The factories whose pools may be traded with
/// @notice Venue 0 of each kind costs no storage read. A pool is never named by a plan, only derived from a venue.
/// @dev Storage is namespaced (ERC-7201, "oms.venues").
abstract contract VenueRegistry {
    struct Venue {
        address deployer;
        uint24 feePips;
        bytes32 initCodeHash;
    }

    struct RegistryStorage {
        mapping(uint256 key => Venue) venues;
        mapping(bytes32 key => bool) listed;
        /// When a proposal may be applied, in Unix time.
        mapping(bytes32 proposal => uint256) applicableFrom;
    }

    /// @dev keccak256(abi.encode(uint256(keccak256("oms.venues")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant REGISTRY = 0x955a1ab55acbb79d895b6cb77c2fdcf98e6c2f9db05844d008e9e1b7d868ad00;

    uint256 internal constant PIPS = 1_000_000;
    uint24 internal constant V2_FEE_PIPS = 3000;

    address internal immutable _v2Factory;
    bytes32 internal immutable _v2InitCodeHash;
    address internal immutable _v3Factory;
    bytes32 internal immutable _v3InitCodeHash;

    constructor(address v2Factory, bytes32 v2InitCodeHash, address v3Factory, bytes32 v3InitCodeHash) {
        _v2Factory = v2Factory;
        _v2InitCodeHash = v2InitCodeHash;
        _v3Factory = v3Factory;
        _v3InitCodeHash = v3InitCodeHash;
    }

    /// @dev The caller has checked that the owner asks.
    function _setVenue(uint256 kind, uint256 id, Venue memory entry) internal {
        _checkVenueEntry(kind, id, entry);
        _registry().venues[_key(kind, id)] = entry;
    }

    function _checkVenueEntry(uint256 kind, uint256 id, Venue memory entry) internal pure {
        if (kind != LEG_V2 && kind != LEG_V3 && kind != LEG_SOLIDLY) revert IExecutor.VenueUnknown(kind, id);
        if (id == 0) revert IExecutor.VenueFixed(kind, id);
        if (entry.feePips >= PIPS || (kind != LEG_V2 && entry.feePips != 0)) revert IExecutor.VenueFee(entry.feePips);
    }

    function _venue(uint256 kind, uint256 id)
        internal
        view
        returns (address deployer, uint256 feePips, bytes32 initCodeHash)
    {
        if (id == 0 && kind == LEG_V2) {
            (deployer, feePips, initCodeHash) = (_v2Factory, V2_FEE_PIPS, _v2InitCodeHash);
        } else if (id == 0 && kind == LEG_V3) {
            (deployer, initCodeHash) = (_v3Factory, _v3InitCodeHash);
        } else {
            Venue storage entry = _registry().venues[_key(kind, id)];
            (deployer, feePips, initCodeHash) = (entry.deployer, entry.feePips, entry.initCodeHash);
        }
        if (deployer == address(0)) revert IExecutor.VenueUnknown(kind, id);
    }

    function _constantProductPool(uint256 id, address tokenA, address tokenB)
        internal
        view
        returns (address pool, uint256 feePips)
    {
        address deployer;
        bytes32 initCodeHash;
        (deployer, feePips, initCodeHash) = _venue(LEG_V2, id);
        pool = PoolAddress.constantProduct(deployer, initCodeHash, tokenA, tokenB);
    }

    function _concentratedPool(uint256 id, address tokenA, address tokenB, uint24 fee) internal view returns (address) {
        (address deployer,, bytes32 initCodeHash) = _venue(LEG_V3, id);
        return PoolAddress.concentrated(deployer, initCodeHash, tokenA, tokenB, fee);
    }

    function _solidlyPool(uint256 id, address tokenA, address tokenB, bool stable)
        internal
        view
        returns (address pool)
    {
        (address factory,,) = _venue(LEG_SOLIDLY, id);
        bytes4 selector = ISolidlyFactory.getPool.selector;
        // The call lies beyond the free pointer, which must not move: 196 bytes beyond it a context may already wait for the
        // pool before this one. The answer's word goes to scratch space.
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), tokenA)
            mstore(add(call_, 36), tokenB)
            mstore(add(call_, 68), stable)
            let success := staticcall(gas(), factory, call_, 100, 0, 32)
            if and(success, gt(returndatasize(), 31)) { pool := shr(96, shl(96, mload(0))) }
        }
        if (pool == address(0)) revert IExecutor.PoolMissing(pool);
    }

    /// @dev Whether legs of that kind may deal with that address, by that function: who may be paid, what may be called.
    function _isListed(uint256 kind, address target, bytes4 selector) internal view returns (bool) {
        return _registry().listed[keccak256(abi.encode(kind, target, selector))];
    }

    /// @dev The caller has checked that the owner asks.
    function _list(uint256 kind, address target, bytes4 selector, bool allowed) internal {
        _registry().listed[keccak256(abi.encode(kind, target, selector))] = allowed;
    }

    function _key(uint256 kind, uint256 id) private pure returns (uint256) {
        return (kind << 8) | id;
    }

    function _registry() internal pure returns (RegistryStorage storage registry) {
        assembly ("memory-safe") {
            registry.slot := REGISTRY
        }
    }
}
