// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_V3} from "contracts/types/Plan.sol";

import {Plans} from "../support/Plans.sol";
import {SessionAttack} from "./SessionAttack.sol";

/// @notice A leaked key sells to a pool of its own, for one unit, all that its limit lets it. Here it sells at the venues
/// that it was granted alone.
contract BeyondAGrantTest is SessionAttack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        _bait(pool, a, c, LIMIT);
        return _sendAs(robot, Plans.encode(_plan(a, c, LIMIT, Plans.v3(0, 1, Plans.all(), 5, FEE))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.VenueNotGranted.selector, robot, 82, LEG_V3, bytes32(uint256(5)));
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 31;
    }

    function test_even_so_no_more_is_lost_than_the_limit() public {
        _weaken(_guards());
        _bait(pool, a, c, LIMIT + 1);
        bytes memory packed = Plans.encode(_plan(a, c, LIMIT + 1, Plans.v3(0, 1, Plans.all(), 5, FEE)));
        (bool success, bytes memory reason) = _sendAs(robot, packed);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(ISessions.SpendLimit.selector, robot, a, LIMIT + 1, LIMIT));
    }
}
