// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What became of one plan of a batch.
/// @param spent Base units by which asset 0 fell, if done.
/// @param received By which asset 1 rose, or how much of it left, if done.
/// @param reason The revert data, if not done; its first 1,024 bytes.
struct PlanResult {
    bool done;
    uint256 spent;
    uint256 received;
    bytes reason;
}

/// @title Several plans in one call, by those who may run one, or by anybody with their signature
/// @notice Each plan runs as a whole or leaves nothing. Bit `i` of a continue mask says that where plan `i` does not run,
/// the next one does; else the call reverts. A plan that fails and leaves less than a quarter of the gas that was there
/// may have failed for want of gas, so it reverts the call in either case: who relays cannot choose what fails.
interface IBatches {
    error TooManyPlans(uint256 count);
    error PlanFailed(uint256 index, bytes reason);
    error GasShort(uint256 index, uint256 left);
    error SignatureExpired(uint256 deadline, uint256 timestamp);
    error NonceUnexpected(address key, uint256 nonce, uint256 next);
    error WrongSignature(address key);

    event PlanDone(address indexed key, uint256 indexed index, uint256 spent, uint256 received);
    event PlanSkipped(address indexed key, uint256 indexed index, bytes reason);
    event NonceUsed(address indexed key, uint256 nonce);

    /// @notice Runs plans for the caller: the owner, its entry point, or a session's key.
    /// @param plans At most 256, each as it would be sent alone.
    function executeBatch(bytes[] calldata plans, uint256 continueMask) external returns (PlanResult[] memory results);

    /// @notice Runs plans for whoever signed them; anybody may send it. The signature is EIP-712's, of
    /// `Plans(address key,uint256 grant,bytes[] plans,uint256 continueMask,uint256 nonce,uint40 deadline)` in the domain
    /// name "oms executor", version "1", the live chain id, this account. `grant` is what `grantOf` answers: a signature
    /// ends with the grant, or the ownership, under which it was made.
    /// @param nonce Lane in the upper 192 bits, the lane's next number in the lower 64. Each is used once.
    /// @param deadline Last second, in Unix time, at which the signature holds.
    /// @param key The owner, or a session's key. A key's signature is 65 bytes r, s, v with a low s; a contract's any
    /// bytes that it accepts by ERC-1271, asked by STATICCALL alone.
    function executeSigned(
        bytes[] calldata plans,
        uint256 continueMask,
        uint256 nonce,
        uint40 deadline,
        address key,
        bytes calldata signature
    ) external returns (PlanResult[] memory results);

    /// @notice Skips the caller's own numbers of a lane below `next`, so that nothing signed with them can run.
    function skipNonces(uint192 lane, uint64 next) external;

    /// @notice The next nonce of a key's lane, lane included.
    function nextNonce(address key, uint192 lane) external view returns (uint256);

    /// @notice What a key's signature names as its grant: the count that `session` answers; for the owner, the count at which
    /// it took the account over, zero for the first one.
    function grantOf(address key) external view returns (uint256);

    /// @notice What `key` signs for `executeSigned`, as of now.
    function plansDigest(bytes[] calldata plans, uint256 continueMask, uint256 nonce, uint40 deadline, address key)
        external
        view
        returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
