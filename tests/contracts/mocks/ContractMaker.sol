// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IERC1271} from "contracts/interfaces/IRfqSettlement.sol";

/// @notice A maker that is a contract: accepts exactly the digests and signatures that it was told to.
contract ContractMaker is IERC1271 {
    mapping(bytes32 => bool) private _accepted;

    constructor(address token, address spender) {
        IERC20(token).approve(spender, type(uint256).max);
    }

    function approve(bytes32 digest, bytes calldata signature) external {
        _accepted[keccak256(abi.encode(digest, signature))] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return _accepted[keccak256(abi.encode(digest, signature))] ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}
