// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice An owner that is a contract: accepts its signer's signatures by ERC-1271, and makes the calls that its signer
/// asks for.
contract ContractOwner {
    address private immutable _signer;
    uint256 public asked;
    bool private _counting;

    constructor(address signer) {
        _signer = signer;
    }

    /// @dev From then on it changes its own state when asked, which a static call does not let it.
    function count() external {
        _counting = true;
    }

    function send(address target, bytes calldata call_) external returns (bytes memory answer) {
        require(msg.sender == _signer, "not the signer");
        bool success;
        (success, answer) = target.call(call_);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external returns (bytes4) {
        if (_counting) asked += 1;
        if (signature.length != 65) return 0xffffffff;
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        address signer = ecrecover(digest, uint8(signature[64]), r, s);
        return signer == _signer ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
