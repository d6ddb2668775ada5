// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions, IPriceFeed} from "../interfaces/ISessions.sol";
import {SessionBook} from "./SessionBook.sol";

interface IDecimals {
    function decimals() external view returns (uint8);
}

/// @title What tokens are worth, by the feeds that the owner named
/// @dev Values are in 10^-18 of the feeds' currency. Amounts and prices are bounded so that no product leaves 256 bits;
/// what fell is rounded up and what was earned down, both against the key.
abstract contract PriceFloor is SessionBook {
    uint256 private constant VALUE_DECIMALS = 18;
    /// @dev Of a token and of a feed, each.
    uint256 private constant MAX_DECIMALS = 36;
    uint256 private constant MAX_PRICE = type(uint96).max;
    /// @dev Sixteen of these, times 10,000, are below 2^256.
    uint256 private constant MAX_VALUE = type(uint224).max;

    uint256 internal constant BPS = 10_000;

    function _setFeed(address token, address feed, uint32 maxAge) internal {
        uint8 decimals = token == address(0) || feed == address(0) ? 18 : IDecimals(token).decimals();
        _book().feeds[token] = _checked(token, Feed(feed, maxAge, decimals, _account().reign));
    }

    /// @dev Decimals are said by the owner, as nobody here can ask a token of another chain.
    function _setFarFeed(uint256 chainId, address token, address feed, uint32 maxAge, uint8 decimals) internal {
        _book().farFeeds[chainId][token] = _checked(token, Feed(feed, maxAge, decimals, _account().reign));
    }

    /// @dev Without a feed, the entry of none.
    function _checked(address token, Feed memory entry) private view returns (Feed memory) {
        if (entry.feed == address(0)) return Feed(address(0), 0, 0, 0);
        if (entry.decimals > MAX_DECIMALS || entry.maxAge == 0 || entry.feed.code.length == 0) {
            revert ISessions.BadFeed(token, entry.feed, entry.decimals, entry.maxAge);
        }
        _price(entry);
        return entry;
    }

    /// @dev Refuses a token that could not be valued now.
    function _requirePrice(address token) internal view {
        _price(_feedOf(token));
    }

    /// @dev What a former owner named is no reference.
    function _feedOf(address token) internal view returns (Feed memory feed) {
        feed = _book().feeds[token];
        if (feed.feed == address(0) || feed.reign < _account().reign) revert ISessions.FeedMissing(token);
    }

    function _referenceFeed(address token) internal view returns (address feed, uint32 maxAge) {
        Feed memory entry = _book().feeds[token];
        if (entry.reign == _account().reign) (feed, maxAge) = (entry.feed, entry.maxAge);
    }

    function _value(address token, uint256 amount, bool up) internal view returns (uint256) {
        return _valueBy(_feedOf(token), token, amount, up);
    }

    /// @dev Of a token on another chain, which is only ever earned.
    function _farValue(uint256 chainId, address token, uint256 amount) internal view returns (uint256) {
        Feed memory feed = _book().farFeeds[chainId][token];
        if (feed.feed == address(0) || feed.reign < _account().reign) {
            revert ISessions.FarFeedMissing(chainId, token);
        }
        return _valueBy(feed, token, amount, false);
    }

    /// @dev The token's own decimals are those of when the feed was named: a token cannot change its worth by changing them.
    function _valueBy(Feed memory feed, address token, uint256 amount, bool up) private view returns (uint256 value) {
        (uint256 price, uint256 decimals) = _price(feed);
        if (amount > type(uint128).max) {
            // More than any bound can name. Only what was earned can be; less of it counts.
            if (up) revert ISessions.ValueOverflow(token, amount);
            amount = type(uint128).max;
        }
        decimals += feed.decimals;
        value = amount * price;
        if (decimals > VALUE_DECIMALS) {
            uint256 unit = 10 ** (decimals - VALUE_DECIMALS);
            value = up ? (value + unit - 1) / unit : value / unit;
        } else {
            uint256 unit = 10 ** (VALUE_DECIMALS - decimals);
            if (value > MAX_VALUE / unit) revert ISessions.ValueOverflow(token, amount);
            value *= unit;
        }
    }

    /// @dev An answer that is not positive, from the future, or older than agreed is none.
    function _price(Feed memory entry) private view returns (uint256 price, uint256 decimals) {
        IPriceFeed feed = IPriceFeed(entry.feed);
        (, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        // The cast is of a positive answer.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (answer <= 0 || uint256(answer) > MAX_PRICE) revert ISessions.FeedAnswer(entry.feed, answer);
        if (updatedAt == 0 || updatedAt > block.timestamp || block.timestamp - updatedAt > entry.maxAge) {
            revert ISessions.FeedStale(entry.feed, updatedAt, block.timestamp);
        }
        decimals = feed.decimals();
        if (decimals > MAX_DECIMALS) revert ISessions.BadFeed(address(0), entry.feed, decimals, entry.maxAge);
        // forge-lint: disable-next-line(unsafe-typecast)
        price = uint256(answer);
    }
}
