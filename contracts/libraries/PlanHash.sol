// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ASSET_BYTES, Cursor, Frame, HEAD_BYTES} from "../types/Plan.sol";
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
    /// @dev The end of the type that Permit2 hashes: the witness, then the types in order of their names.
    string internal constant WITNESS = "Plan witness)Asset(uint8 bound,address token,uint256 amount)"
        "Plan(address executor,uint256 chainId,uint8 flags,uint256 deadline,Asset[] assets,bytes route)"
        "TokenPermissions(address token,uint256 amount)";

    function hash() internal view returns (bytes32) {
        uint256 tableEnd = HEAD_BYTES + ASSET_BYTES * Frame.declared();
        uint256 routeSize = Cursor.unwrap(Frame.end()) - tableEnd;
        bytes32 route;
        // Beyond the free pointer, not needed afterwards.
        assembly ("memory-safe") {
            let at := mload(64)
            calldatacopy(at, tableEnd, routeSize)
            route := keccak256(at, routeSize)
        }
        return keccak256(
            abi.encode(
                PLAN_TYPEHASH, address(this), block.chainid, Frame.flags(), PlanCodec.deadline(), _assets(), route
            )
        );
    }

    function _assets() private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](Frame.declared());
        for (uint256 i = 0; i < hashes.length; ++i) {
            (uint256 bound, address token, uint256 amount) = PlanCodec.asset(i);
            hashes[i] = keccak256(abi.encode(ASSET_TYPEHASH, bound, token, amount));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
