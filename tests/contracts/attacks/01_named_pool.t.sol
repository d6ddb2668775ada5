// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {RoguePool} from "../mocks/HostilePools.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice SushiSwap RouteProcessor2, 2023-04: the route named the pool, and the pool named the payer. Here a plan has no
/// place for a pool's address: a pool is derived from a factory that the owner knows, its tokens and its fee.
contract NamedPoolTest is Attack {
    RoguePool internal pool;

    function setUp() public override {
        super.setUp();
        pool = new RoguePool();
        _bait(pool, a, b, AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // The attacker's pool among the tokens is as near as a plan comes to naming one.
        Plan memory plan = _planHanding(a, b, address(pool), AMOUNT, Plans.v3(0, 1, Plans.exact(AMOUNT), 0, FEE));
        return _sendAs(desk, Plans.encode(plan));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.PoolMissing.selector, executor.poolFor(2, 0, a, b, FEE));
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 1;
    }

    function test_a_pool_that_was_never_deployed_is_named() public {
        address pool = executor.poolFor(1, 0, a, b, 0);
        _expect(
            _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, pool)
        );
        pool = executor.poolFor(2, 0, a, b, FEE);
        _expect(
            _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, pool)
        );
        _expect(
            _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), stranger, 0, 1, false)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, stranger)
        );
        _expect(
            _plan(a, b, AMOUNT, Plans.solidly(0, 1, Plans.all(), 1, true)),
            abi.encodeWithSelector(IExecutor.PoolMissing.selector, address(0))
        );
    }

    function test_a_venue_that_was_never_added_is_named() public {
        for (uint8 kind = 1; kind < 3; ++kind) {
            bytes memory leg = kind == 1 ? Plans.v2(0, 1, Plans.all(), 77) : Plans.v3(0, 1, Plans.all(), 77, FEE);
            _expect(_plan(a, b, AMOUNT, leg), abi.encodeWithSelector(IExecutor.VenueUnknown.selector, kind, 77));
        }
        _expect(
            _plan(a, b, AMOUNT, Plans.balancer(0, 1, Plans.all(), bytes32(0))),
            abi.encodeWithSelector(IExecutor.VenueUnknown.selector, 6, 0)
        );
    }
}
