// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IRegistry} from "contracts/interfaces/IRegistry.sol";
import {LEG_V2} from "contracts/types/Plan.sol";

import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

interface IPairToBreak {
    function sync() external;
}

/// @notice A protocol that is fixed in the code turns out to be broken, the guardian stops it, and a router that has not heard
/// of it goes on, with minimums from the same broken pools. Here what is stopped is refused, whoever asks, and the rest goes
/// on.
contract BrokenBuiltInVenueTest is Attack {
    address internal watchman = makeAddr("watchman");
    address internal pair;

    function setUp() public override {
        super.setUp();
        pair = _pair(a, b);
        vm.prank(desk);
        executor.setGuardian(watchman);
        vm.prank(watchman);
        executor.disableVenue(uint8(LEG_V2), 0);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        _mint(a, pair, 9 * DEPTH);
        IPairToBreak(pair).sync();
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0))));
    }

    function _loot() internal view override returns (uint256) {
        return 2 * AMOUNT - _balance(a, address(executor)) - _balance(b, address(executor));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IRegistry.VenueDisabled.selector, LEG_V2, 82);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 42;
    }
}
