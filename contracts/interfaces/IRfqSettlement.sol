// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A maker's firm promise: `makerAmount` of `makerToken` for `takerAmount` of `takerToken`, to one taker.
/// @param maker Account that signed, or a contract that answers ERC-1271; it has approved the settlement contract.
/// @param taker The only account that may fill.
/// @param makerToken What the maker gives.
/// @param takerToken What the maker gets.
/// @param makerAmount Base units given for the whole quote.
/// @param takerAmount Base units asked for the whole quote; never zero.
/// @param expiry Last second, in Unix time, at which the quote holds.
/// @param nonce Unordered; each may be used once per maker.
/// @param partialFillAllowed Whether less than `takerAmount` may be filled. A partial fill uses up the nonce.
struct Quote {
    address maker;
    address taker;
    address makerToken;
    address takerToken;
    uint256 makerAmount;
    uint256 takerAmount;
    uint256 expiry;
    uint256 nonce;
    bool partialFillAllowed;
}

/// @title Settlement of makers' signed quotes
/// @notice Makers approve this contract and nothing else. It has no owner, keeps no balance, and moves a maker's tokens
/// only against that maker's signature and only if the maker is paid within the same call.
interface IRfqSettlement {
    error NotTaker(address caller, address taker);
    error QuoteExpired(uint256 expiry, uint256 timestamp);
    error BadQuote(uint256 makerAmount, uint256 takerAmount);
    error BadFillAmount(uint256 asked, uint256 takerAmount, bool partialFillAllowed);
    error NonceUsed(address maker, uint256 nonce);
    error BadSignature(address maker);
    /// @notice The maker's balance rose by less than was due.
    error MakerUnderpaid(address token, uint256 due, uint256 received);
    error Reentered();

    event QuoteFilled(
        address indexed maker, uint256 indexed nonce, address indexed taker, uint256 makerAmount, uint256 takerAmount
    );
    event NonceCancelled(address indexed maker, uint256 indexed nonce);

    /// @notice Gives the caller the maker's tokens, collects the payment by its `rfqPay`, and passes it on to the maker.
    /// @dev The maker gives `makerAmount * takerAmount / quote.takerAmount`, rounded down.
    /// @param quote The maker's quote; `quote.taker` must be the caller.
    /// @param signature 65 bytes r, s, v with a low s for a key; any bytes for an ERC-1271 contract.
    /// @param takerAmount How much to fill, at most `quote.takerAmount`, exactly it unless partial fills are allowed.
    /// @return makerAmount Base units of the maker's token sent.
    function fill(Quote calldata quote, bytes calldata signature, uint256 takerAmount)
        external
        returns (uint256 makerAmount);

    /// @notice Makes one of the caller's nonces unusable; harmless if it already is.
    function cancel(uint256 nonce) external;

    /// @notice 256 nonces of a maker at once: bit `n & 255` of word `n >> 8` is set once nonce `n` is used or cancelled.
    function usedNonces(address maker, uint256 word) external view returns (uint256 bits);

    /// @notice The EIP-712 digest that the maker signs.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);

    /// @notice EIP-712 domain: name "oms RFQ", version "1", the live chain id, this contract.
    function domainSeparator() external view returns (bytes32);
}

/// @notice Implemented by whoever fills quotes.
interface IRfqTaker {
    /// @notice Pays `to`, the settlement contract, which passes it on to the maker; called by it during `fill`, after the
    /// maker's tokens arrived.
    function rfqPay(address token, address to, uint256 amount) external;
}

interface IERC1271 {
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4);
}
