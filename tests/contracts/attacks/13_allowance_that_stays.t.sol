// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {PatientCurvePool} from "../mocks/HostilePools.sol";
import {MockCurvePool} from "../mocks/MockCurvePool.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {ApproveRaceToken, StickyToken} from "../tokens/HostileTokens.sol";
import {Attack} from "./Attack.sol";

/// @notice AaveRebalancer, 2026-04: a permission that stood was used by others. Here no leg leaves one: an allowance that a
/// token will not take back reverts the plan, and no leg gives operators, credit or Permit2 allowances.
contract AllowanceThatStaysTest is Attack {
    address internal token;
    PatientCurvePool internal pool;

    function setUp() public override {
        super.setUp();
        token = address(new StickyToken());
        _mint(token, address(executor), AMOUNT);
        pool = new PatientCurvePool(token, b, false);
        _mint(b, address(pool), 1);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Plan memory plan = _plan(token, b, AMOUNT, Plans.curve(0, 1, Plans.all(), address(pool), 0, 1, false));
        (success, reason) = _sendAs(desk, Plans.encode(plan));
        if (!success) return (success, reason);
        return address(pool).call(abi.encodeCall(pool.collect, ()));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(token, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.AllowanceLeft.selector, token, pool, AMOUNT);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 13;
    }

    function test_a_token_that_refuses_to_change_an_allowance_is_sold_again_and_again() public {
        address race = address(new ApproveRaceToken());
        _mint(race, address(executor), AMOUNT);
        address curve = _curvePool(race, b);
        MockCurvePool(curve).setUntaken(1);
        for (uint256 i = 0; i < 3; ++i) {
            _run(_plan(race, b, AMOUNT / 4, Plans.curve(0, 1, Plans.all(), curve, 0, 1, false)));
            assertEq(IERC20(race).allowance(address(executor), curve), 0);
        }
    }
}
