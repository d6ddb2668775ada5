// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Quote} from "contracts/interfaces/IRfqSettlement.sol";

import {Chain} from "./support/Chain.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice Whole-transaction gas of warm swaps: each runs again in a later block, from storage that already holds
/// non-zero balances on both sides, as on a desk's working day. The bounds are budgets; `-vv` prints the figures.
/// forge-config: default.isolate = true
contract ExecutorGasTest is Chain {
    uint128 internal constant AMOUNT = 100e18;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 3; ++i) {
            _mint([a, b, c][i], address(executor), DEPTH);
        }
        _pair(a, b);
        _pair(a, c);
        _v3Pool(a, b);
        _v3Pool(c, b);
        _v4Pool(a, b);
    }

    function test_gas_v2() public {
        _measure("v2", _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)), 96_000);
    }

    function test_gas_v3() public {
        _measure("v3", _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)), 105_000);
    }

    function test_gas_v4() public {
        _measure("v4", _plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)), 105_000);
    }

    function test_gas_v2_v3() public {
        bytes memory legs = abi.encodePacked(Plans.v2(0, 2, Plans.all(), 0), Plans.v3(2, 1, Plans.all(), 0, FEE));
        _measure("v2_v3", _planVia(a, b, c, AMOUNT, legs), 172_000);
    }

    function test_gas_split() public {
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.share(1 << 31), 0), Plans.v3(0, 1, Plans.all(), 0, FEE));
        _measure("split v2+v3", _plan(a, b, AMOUNT, legs), 160_000);
    }

    function test_gas_rfq() public {
        vm.roll(block.number + 1);
        Quote memory quote = _quote(b, a, AMOUNT);
        uint256 used = _used(_plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        quote.nonce += 1;
        used = _used(_plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        emit log_named_uint("gas rfq", used);
        assertLt(used, 115_000);
    }

    function _measure(string memory name, Plan memory plan, uint256 budget) private {
        // Twice before: v2's price accumulators are first written by the first swap that comes later than the pool.
        for (uint256 i = 1; i < 3; ++i) {
            vm.roll(100 + i);
            vm.warp(NOW + 12 * i);
            _used(plan);
        }
        vm.roll(103);
        vm.warp(NOW + 36);
        uint256 used = _used(plan);
        emit log_named_uint(string.concat("gas ", name), used);
        assertLt(used, budget);
    }

    function _used(Plan memory plan) private returns (uint256) {
        _run(plan);
        return vm.lastCallGas().gasTotalUsed;
    }
}
