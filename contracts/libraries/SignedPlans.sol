// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "../interfaces/IRfqSettlement.sol";

/// @title What keys sign for an executor, and whether they did
library SignedPlans {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant PLANS_TYPEHASH =
        keccak256("Plans(address key,uint256 grant,bytes[] plans,uint256 continueMask,uint256 nonce,uint40 deadline)");
    bytes32 private constant ADOPTION_TYPEHASH =
        keccak256("Adoption(address guardian,address entryPoint,uint40 deadline)");
    /// @dev Half the order of the curve; a larger s has a smaller twin that signs the same.
    uint256 private constant HIGHEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @param grant As `IBatches.grantOf` has it.
    struct Batch {
        address key;
        uint256 grant;
        uint256 continueMask;
        uint256 nonce;
        uint256 deadline;
    }

    function domain(address account) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256("oms executor"), keccak256("1"), block.chainid, account));
    }

    function plansDigest(address account, Batch memory batch, bytes[] calldata plans) internal view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](plans.length);
        for (uint256 i = 0; i < plans.length; ++i) {
            hashes[i] = keccak256(plans[i]);
        }
        bytes32 all = keccak256(abi.encodePacked(hashes));
        bytes32 struct_ = keccak256(
            abi.encode(PLANS_TYPEHASH, batch.key, batch.grant, all, batch.continueMask, batch.nonce, batch.deadline)
        );
        return keccak256(abi.encodePacked("\x19\x01", domain(account), struct_));
    }

    function adoptionDigest(address account, address guardian, address entryPoint, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 struct_ = keccak256(abi.encode(ADOPTION_TYPEHASH, guardian, entryPoint, deadline));
        return keccak256(abi.encodePacked("\x19\x01", domain(account), struct_));
    }

    /// @notice Whether the signer's key signed, or the contract there accepts the signature. An account with code by
    /// EIP-7702 still has its key.
    function signedBy(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (signer == address(0)) return false;
        if (recovered(digest, signature) == signer) return true;
        return signer.code.length != 0 && _accepts(signer, digest, signature);
    }

    /// @notice Zero for a signature that is none: 65 bytes r, s, v with a low s.
    function recovered(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != 65) return address(0);
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        if (uint256(s) > HIGHEST_S) return address(0);
        return ecrecover(digest, uint8(signature[64]), r, s);
    }

    /// @dev Asked by STATICCALL, so that asking changes nothing. Nothing is deployed to be asked (ERC-6492).
    function _accepts(address signer, bytes32 digest, bytes calldata signature) private view returns (bool accepted) {
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes4 magic = IERC1271.isValidSignature.selector;
        // The answer's first word goes to scratch space; no more of it is copied.
        assembly ("memory-safe") {
            let success := staticcall(gas(), signer, add(question, 32), mload(question), 0, 32)
            accepted := and(and(success, gt(returndatasize(), 31)), eq(mload(0), magic))
        }
    }
}
