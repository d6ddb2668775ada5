// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271, IRfqSettlement, IRfqTaker, Quote} from "./interfaces/IRfqSettlement.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";

/// @title RfqSettlement
/// @notice See `IRfqSettlement`.
contract RfqSettlement is IRfqSettlement {
    using TokenCalls for address;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("oms RFQ");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant QUOTE_TYPEHASH = keccak256(
        "Quote(address maker,address taker,address makerToken,address takerToken,uint256 makerAmount,"
        "uint256 takerAmount,uint256 expiry,uint256 nonce,bool partialFillAllowed)"
    );
    /// @dev Half the order of secp256k1, rounded down; a signature with a larger s has a twin with a smaller one.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @inheritdoc IRfqSettlement
    mapping(address maker => mapping(uint256 word => uint256 bits)) public usedNonces;

    bool private transient _filling;

    /// @inheritdoc IRfqSettlement
    function fill(Quote calldata quote, bytes calldata signature, uint256 takerAmount)
        external
        returns (uint256 makerAmount)
    {
        if (_filling) revert Reentered();
        _filling = true;
        if (msg.sender != quote.taker) revert NotTaker(msg.sender, quote.taker);
        if (block.timestamp > quote.expiry) revert QuoteExpired(quote.expiry, block.timestamp);
        makerAmount = _makerAmount(quote, takerAmount);
        _useNonce(quote.maker, quote.nonce);
        if (!_signed(quote.maker, quoteDigest(quote), signature)) revert BadSignature(quote.maker);

        quote.makerToken.pull(quote.maker, msg.sender, makerAmount);
        _collect(quote.takerToken, takerAmount);
        uint256 before = quote.takerToken.balanceOf(quote.maker);
        quote.takerToken.send(quote.maker, takerAmount);
        _requirePaid(quote, before, takerAmount);

        emit QuoteFilled(quote.maker, quote.nonce, msg.sender, makerAmount, takerAmount);
        _filling = false;
    }

    /// @inheritdoc IRfqSettlement
    function cancel(uint256 nonce) external {
        usedNonces[msg.sender][nonce >> 8] |= 1 << (nonce & 0xff);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IRfqSettlement
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        // All fields are static, so the struct's ABI encoding is the one that EIP-712 hashes.
        bytes32 structHash = keccak256(abi.encode(QUOTE_TYPEHASH, quote));
        return keccak256(abi.encodePacked("\x19\x01", domainSeparator(), structHash));
    }

    /// @inheritdoc IRfqSettlement
    function domainSeparator() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
    }

    function _makerAmount(Quote calldata quote, uint256 takerAmount) private pure returns (uint256) {
        // Above 128 bits the product below could overflow, and no token needs them.
        if (quote.takerAmount == 0 || (quote.takerAmount | quote.makerAmount) > type(uint128).max) {
            revert BadQuote(quote.makerAmount, quote.takerAmount);
        }
        bool fits = quote.partialFillAllowed
            ? takerAmount != 0 && takerAmount <= quote.takerAmount
            : takerAmount == quote.takerAmount;
        if (!fits) revert BadFillAmount(takerAmount, quote.takerAmount, quote.partialFillAllowed);
        return quote.makerAmount * takerAmount / quote.takerAmount;
    }

    function _useNonce(address maker, uint256 nonce) private {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 bits = usedNonces[maker][nonce >> 8];
        if (bits & bit != 0) revert NonceUsed(maker, nonce);
        usedNonces[maker][nonce >> 8] = bits | bit;
    }

    /// @dev A key first, so that an account with delegated code (EIP-7702) may still sign with its key; then ERC-1271.
    function _signed(address maker, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length == 65) {
            bytes32 r = bytes32(signature[:32]);
            bytes32 s = bytes32(signature[32:64]);
            uint8 v = uint8(signature[64]);
            if (uint256(s) <= MAX_S && (v == 27 || v == 28)) {
                address signer = ecrecover(digest, v, r, s);
                if (signer != address(0) && signer == maker) return true;
            }
        }
        if (maker.code.length == 0) return false;
        (bool success, bytes memory answer) =
            maker.staticcall(abi.encodeCall(IERC1271.isValidSignature, (digest, signature)));
        return success && answer.length >= 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @dev The taker pays here and not the maker itself: nobody owes this contract anything else, so that no other
    /// payment due to the maker, made within the taker's call, can pass for this one.
    function _collect(address token, uint256 amount) private {
        uint256 held = token.balanceOf(address(this));
        IRfqTaker(msg.sender).rfqPay(token, address(this), amount);
        uint256 holds = token.balanceOf(address(this));
        uint256 paid = holds > held ? holds - held : 0;
        if (paid < amount) revert MakerUnderpaid(token, amount, paid);
    }

    /// @dev A token that takes a fee on the way to the maker is stopped here.
    function _requirePaid(Quote calldata quote, uint256 before, uint256 due) private view {
        uint256 balance = quote.takerToken.balanceOf(quote.maker);
        uint256 received = balance > before ? balance - before : 0;
        if (received < due) revert MakerUnderpaid(quote.takerToken, due, received);
    }
}
