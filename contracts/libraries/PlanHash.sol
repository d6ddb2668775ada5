// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ASSET_BYTES, Cursor, HEAD_BYTES} from "../types/Plan.sol";
import {PlanCodec} from "./PlanCodec.sol";

/// @title What an owner signs
/// @notice EIP-712's hash of a plan, as the witness of a Permit2 transfer: flags, deadline, every asset with its bound, the
/// route byte for byte, the executor and the chain.
library PlanHash {
    bytes32 private constant ASSET_TYPEHASH = keccak256("Asset(uint8 bound,address token,uint256 amount)");
    bytes32 private constant PLAN_TYPEHASH = keccak256(
        "Plan(address executor,uint256 chainId,uint8 flags,uint256 deadline,Asset[] assets,bytes route)"
        "Asset(uint8 bound,address token,uint256 amount)"
    );

    /// @param flags The plan's flags, as its head says.
    /// @param declared The number of its assets, likewise.
    /// @param end Where its legs end.
    function hash(uint256 flags, uint256 declared, Cursor end) internal view returns (bytes32 result) {
        bytes32 assetTypehash = ASSET_TYPEHASH;
        bytes32 planTypehash = PLAN_TYPEHASH;
        uint256 deadline = PlanCodec.deadline();
        // Beyond the free pointer: four words of an asset and, behind them, the list of the assets' hashes; then the
        // route; then the seven words of the plan. Bound and token are the first 21 bytes of an asset's entry.
        assembly ("memory-safe") {
            let at := mload(64)
            let list := add(at, 128)
            let entry := HEAD_BYTES
            mstore(at, assetTypehash)
            for { let last := add(list, shl(5, declared)) } lt(list, last) { list := add(list, 32) } {
                let word := calldataload(entry)
                mstore(add(at, 32), byte(0, word))
                mstore(add(at, 64), shr(96, shl(8, word)))
                mstore(add(at, 96), shr(128, calldataload(add(entry, 21))))
                mstore(list, keccak256(at, 128))
                entry := add(entry, ASSET_BYTES)
            }
            let assets := keccak256(add(at, 128), shl(5, declared))
            let size := sub(end, entry)
            calldatacopy(at, entry, size)
            let route := keccak256(at, size)
            mstore(at, planTypehash)
            mstore(add(at, 32), address())
            mstore(add(at, 64), chainid())
            mstore(add(at, 96), flags)
            mstore(add(at, 128), deadline)
            mstore(add(at, 160), assets)
            mstore(add(at, 192), route)
            result := keccak256(at, 224)
        }
    }
}
