// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {PriceFloor} from "contracts/base/PriceFloor.sol";
import {DevToken} from "contracts/devnet/DevToken.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";

import {MockFeed} from "./mocks/MockFeed.sol";

contract Valuer is PriceFloor {
    function setFeed(address token, address feed) external {
        _setFeed(token, feed, 60);
    }

    function value(address token, uint256 amount, bool up) external view returns (uint256) {
        return _value(token, amount, up);
    }
}

/// @notice Values are exact to the unit, what fell rounded up and what was earned down.
contract PriceFloorTest is Test {
    Valuer private _valuer;

    function setUp() public {
        vm.warp(1_773_164_292);
        _valuer = new Valuer();
    }

    function test_values_are_exact_to_the_unit(uint128 amount, uint96 price, uint8 ofToken, uint8 ofFeed) public {
        price = uint96(bound(price, 1, type(uint96).max));
        (ofToken, ofFeed) = (ofToken % 37, ofFeed % 37);
        address token = _priced(price, ofToken, ofFeed);
        uint256 decimals = uint256(ofToken) + ofFeed;
        uint256 product = uint256(amount) * price;
        if (decimals > 18) {
            uint256 unit = 10 ** (decimals - 18);
            (uint256 down, uint256 up) = (_valuer.value(token, amount, false), _valuer.value(token, amount, true));
            assertEq(down, product / unit);
            assertEq(up, down + (product % unit == 0 ? 0 : 1));
        } else {
            uint256 unit = 10 ** (18 - decimals);
            if (product > type(uint224).max / unit) {
                vm.expectRevert(abi.encodeWithSelector(ISessions.ValueOverflow.selector, token, amount));
                _valuer.value(token, amount, true);
            } else {
                assertEq(_valuer.value(token, amount, false), product * unit);
                assertEq(_valuer.value(token, amount, true), product * unit);
            }
        }
    }

    function test_more_than_any_bound_names_counts_as_the_most_earned_and_never_as_spent(uint256 amount) public {
        amount = bound(amount, uint256(type(uint128).max) + 1, type(uint256).max);
        address token = _priced(1e8, 18, 8);
        assertEq(_valuer.value(token, amount, false), _valuer.value(token, type(uint128).max, false));
        vm.expectRevert(abi.encodeWithSelector(ISessions.ValueOverflow.selector, token, amount));
        _valuer.value(token, amount, true);
    }

    function test_a_price_or_decimals_out_of_range_are_no_reference() public {
        address token = address(new DevToken("T", "T", 18));
        address feed = address(new MockFeed(8, int256(uint256(type(uint96).max) + 1), block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(ISessions.FeedAnswer.selector, feed, int256(2 ** 96)));
        _valuer.setFeed(token, feed);
        feed = address(new MockFeed(37, 1, block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadFeed.selector, address(0), feed, 37, 60));
        _valuer.setFeed(token, feed);
        token = address(new DevToken("T", "T", 37));
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadFeed.selector, token, feed, 37, 60));
        _valuer.setFeed(token, feed);
    }

    function test_a_token_that_changes_its_decimals_keeps_its_worth() public {
        DevToken token = new DevToken("T", "T", 6);
        address feed = address(new MockFeed(8, 1e8, block.timestamp));
        _valuer.setFeed(address(token), feed);
        uint256 before = _valuer.value(address(token), 1e6, true);
        assertEq(before, 1e18);
        vm.etch(address(token), address(new DevToken("T", "T", 30)).code);
        assertEq(token.decimals(), 30);
        assertEq(_valuer.value(address(token), 1e6, true), before);
    }

    function test_the_native_coin_has_eighteen_decimals() public {
        _valuer.setFeed(address(0), address(new MockFeed(8, 3000e8, block.timestamp)));
        assertEq(_valuer.value(address(0), 1 ether, false), 3000e18);
    }

    function _priced(uint96 price, uint8 ofToken, uint8 ofFeed) private returns (address token) {
        token = address(new DevToken("T", "T", ofToken));
        _valuer.setFeed(token, address(new MockFeed(ofFeed, int256(uint256(price)), block.timestamp)));
    }
}
