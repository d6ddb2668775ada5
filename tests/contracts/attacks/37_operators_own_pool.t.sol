// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_CURVE_STABLE} from "contracts/types/Plan.sol";

import {PatientCurvePool} from "../mocks/HostilePools.sol";
import {Plans} from "../support/Plans.sol";
import {OperatorAttack} from "./OperatorAttack.sol";

/// @notice An operator sells to a pool of its own, for one unit, all that its limit lets it. Here an operator, like a
/// session's key, trades at the venues that it was granted alone.
contract OperatorsOwnPoolTest is OperatorAttack {
    PatientCurvePool internal pool;

    function setUp() public override {
        super.setUp();
        pool = new PatientCurvePool(a, b, true);
        _mint(b, address(pool), 1);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        bytes memory legs = Plans.curve(0, 1, Plans.all(), address(pool), 0, 1, false);
        return _runAs(operator, Plans.encode(_plan(a, b, LIMIT, legs)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        bytes32 id = bytes32(uint256(uint160(address(pool))));
        return abi.encodeWithSelector(ISessions.VenueNotGranted.selector, operator, 82, LEG_CURVE_STABLE, id);
    }

    /// @dev The venue, and the price that would have stopped it too.
    function _guards() internal pure override returns (uint256) {
        return (1 << 31) | (1 << 38);
    }

    function test_even_without_its_venues_the_reference_stops_it() public {
        _weaken(1 << 31);
        (bool success, bytes memory reason) = _attack();
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(ISessions.BelowReference.selector, operator, 1, LIMIT * 99 / 100));
    }
}
