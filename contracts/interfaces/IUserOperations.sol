// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice ERC-4337's, from EntryPoint 0.7 on.
/// @param accountGasLimits Gas for validation in the upper 128 bits, for the call in the lower.
/// @param gasFees Most priority fee in the upper 128 bits, most fee in the lower, in wei per gas.
struct PackedUserOperation {
    address sender;
    uint256 nonce;
    bytes initCode;
    bytes callData;
    bytes32 accountGasLimits;
    uint256 preVerificationGas;
    bytes32 gasFees;
    bytes paymasterAndData;
    bytes signature;
}

/// @title The executor as an ERC-4337 account, and as the code of an externally owned one (EIP-7702)
/// @notice An operation's signature is the key that signs, 20 bytes, then that key's signature of the operation's hash.
interface IUserOperations {
    error NotEntryPoint(address caller);
    /// @notice The account itself, or a key whose session stands.
    error BadEntryPoint(address entryPoint);
    /// @notice Only the code of an account of its own, by EIP-7702, can be adopted, and only once.
    error NotAdoptable(address account, address owner);

    event EntryPointSet(address indexed entryPoint);

    /// @notice Names the entry point whose validated operations count as the owner's; zero for none. By the owner. It is
    /// trusted with everything that the owner may do, and forgotten when ownership passes.
    function setEntryPoint(address entryPoint) external;

    function entryPoint() external view returns (address);

    /// @notice Checks an operation and pays what the entry point lacks for it. The owner may have it call anything here; a
    /// session's key only `executeUserOp`, in lanes whose lower 160 bits are the key, and at the account's cost only
    /// within its budget and without naming a paymaster of address zero. A session's lane and expiry are the entry point's
    /// business from then on.
    /// @return validationData Zero or 1 in the lowest 160 bits, for a signature that holds or not; then the last second at
    /// which it does.
    function validateUserOp(PackedUserOperation calldata op, bytes32 opHash, uint256 missingFunds)
        external
        returns (uint256 validationData);

    /// @notice Runs a batch for the key that signed the operation, if it still may. By the entry point.
    /// @param op Its call data are this function's selector, then `abi.encode(bytes[] plans, uint256 continueMask)`.
    function executeUserOp(PackedUserOperation calldata op, bytes32 opHash) external;

    /// @notice Makes an account that has this code by EIP-7702 its own owner. By itself, or by anybody with its key's
    /// signature of `Adoption(address guardian,address entryPoint,uint40 deadline)` in this account's domain. Once.
    /// @param guardian May be zero, as may the entry point.
    /// @param signature Unused where the account calls itself.
    function adopt(address guardian, address entryPoint, uint40 deadline, bytes calldata signature) external;
}
