// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BOUND_FALL, BOUND_RISE, BOUND_UNCHANGED} from "contracts/types/Plan.sol";

import {Plan, Plans} from "./Plans.sol";

/// @notice What an owner signs for a plan: the tests' counterpart of `PlanHash` and of Permit2's own hashing.
library Permits {
    address internal constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
    bytes32 private constant ASSET = keccak256("Asset(uint8 bound,address token,uint256 amount)");
    string private constant PLAN =
        "Plan(address executor,uint256 chainId,uint8 flags,uint256 deadline,Asset[] assets,bytes route)";

    function digest(Plan memory plan, address executor, uint256 nonce) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Permit2"),
                block.chainid,
                PERMIT2
            )
        );
        bytes32 permitted = keccak256(
            abi.encode(keccak256("TokenPermissions(address token,uint256 amount)"), plan.tokens[0], plan.amountIn)
        );
        bytes32 kind = keccak256(
            abi.encodePacked(
                "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,"
                "Plan witness)Asset(uint8 bound,address token,uint256 amount)",
                PLAN,
                "TokenPermissions(address token,uint256 amount)"
            )
        );
        bytes32 permit =
            keccak256(abi.encode(kind, permitted, executor, nonce, plan.deadline, _witness(plan, executor)));
        return keccak256(abi.encodePacked("\x19\x01", domain, permit));
    }

    function tail(uint64 nonce, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodePacked(nonce, signature, uint16(signature.length));
    }

    function _witness(Plan memory plan, address executor) private view returns (bytes32) {
        bytes32[] memory assets = new bytes32[](plan.tokens.length);
        for (uint256 i = 0; i < assets.length; ++i) {
            uint256 bound = i == 0 ? BOUND_FALL : i == 1 ? BOUND_RISE : BOUND_UNCHANGED;
            uint256 amount = i == 0 ? plan.amountIn : i == 1 ? plan.minOut : 0;
            assets[i] = keccak256(abi.encode(ASSET, bound, plan.tokens[i], amount));
        }
        return keccak256(
            abi.encode(
                keccak256(abi.encodePacked(PLAN, "Asset(uint8 bound,address token,uint256 amount)")),
                executor,
                block.chainid,
                plan.flags,
                plan.deadline,
                keccak256(abi.encodePacked(assets)),
                keccak256(Plans.route(plan))
            )
        );
    }
}
