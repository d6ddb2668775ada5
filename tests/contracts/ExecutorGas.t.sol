// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {PoolKey} from "contracts/interfaces/IVenues.sol";
import {BareSwapper} from "contracts/devnet/BareSwapper.sol";
import {IV4ManagerToSeed} from "contracts/devnet/PoolSeeder.sol";

import {Chain} from "./support/Chain.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice Whole-transaction gas of warm swaps: each runs again in a later block, from storage that already holds
/// non-zero balances on both sides, as on a desk's working day, beside a contract that checks nothing. The bounds are
/// budgets; `-vv` prints the figures.
/// forge-config: default.isolate = true
contract ExecutorGasTest is Chain {
    uint128 internal constant AMOUNT = 100e18;

    BareSwapper internal bare;
    address internal pairAB;
    address internal pairAC;
    address internal poolAB;
    address internal poolAC;
    address internal poolCB;
    IV4ManagerToSeed.PoolKey internal key;

    function setUp() public override {
        super.setUp();
        bare = BareSwapper(vm.deployCode("BareSwapper.sol:BareSwapper"));
        for (uint256 i = 0; i < 3; ++i) {
            _mint([a, b, c][i], address(executor), DEPTH);
            _mint([a, b, c][i], address(bare), DEPTH);
        }
        pairAB = _pair(a, b);
        pairAC = _pair(a, c);
        poolAB = _v3Pool(a, b);
        poolAC = _v3Pool(a, c);
        poolCB = _v3Pool(c, b);
        key = _v4Pool(a, b);
    }

    function test_gas_v2() public {
        _compare(
            "v2",
            _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeCall(BareSwapper.v2, (pairAB, a, AMOUNT, a < b)),
            107
        );
    }

    function test_gas_v3() public {
        _compare(
            "v3",
            _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeCall(BareSwapper.v3, (poolAB, a, AMOUNT, a < b)),
            107
        );
    }

    function test_gas_v4() public {
        PoolKey memory poolKey = PoolKey(key.currency0, key.currency1, key.fee, key.tickSpacing, key.hooks);
        _compare(
            "v4",
            _plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)),
            abi.encodeCall(BareSwapper.v4, (manager, poolKey, AMOUNT, a < b)),
            107
        );
    }

    function test_gas_v2_v3() public {
        bytes memory legs =
            abi.encodePacked(Plans.hand(Plans.v2(0, 2, Plans.all(), 0)), Plans.v3(2, 1, Plans.all(), 0, FEE));
        _compare(
            "v2_v3",
            _planHanding(a, b, c, AMOUNT, legs),
            abi.encodeCall(BareSwapper.v2v3, (pairAC, poolCB, a, AMOUNT, a < c, c < b)),
            107
        );
    }

    function test_gas_v3_v3() public {
        bytes memory hops = abi.encodePacked(uint8(0), FEE, uint8(0), FEE);
        bytes memory legs = Plans.exactOut(0, 1, AMOUNT, hops, hex"02");
        _compare(
            "v3_v3",
            _planHanding(a, b, c, AMOUNT * 2, legs),
            abi.encodeCall(BareSwapper.v3v3, (poolAC, poolCB, a, AMOUNT, a < c, c < b)),
            107
        );
    }

    function test_gas_split() public {
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.share(1 << 31), 0), Plans.v3(0, 1, Plans.all(), 0, FEE));
        _compare(
            "split",
            _plan(a, b, AMOUNT, legs),
            abi.encodeCall(BareSwapper.split, (pairAB, poolAB, a, AMOUNT, a < b)),
            107
        );
    }

    function test_gas_rfq() public {
        Quote memory quote = _quote(b, a, AMOUNT);
        _run(_plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        quote.nonce += 1;
        _run(_plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint("gas rfq", used);
        assertLt(used, 95_000);
    }

    /// @dev Both run the same sequence from the same state; the fourth swap is measured. v2's price accumulators are
    /// first written by the first swap that comes later than the pool, hence the swaps before.
    function _compare(string memory name, Plan memory plan, bytes memory bareCall, uint256 percent) private {
        uint256 state = vm.snapshotState();
        for (uint256 i = 1; i < 4; ++i) {
            _later(i);
            _run(plan);
        }
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.revertToState(state);
        for (uint256 i = 1; i < 4; ++i) {
            _later(i);
            (bool done,) = address(bare).call(bareCall);
            assertTrue(done);
        }
        uint256 floor = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(string.concat("gas ", name), used);
        emit log_named_uint(string.concat("gas floor ", name), floor);
        emit log_named_decimal_uint(string.concat("ratio ", name), used * 1000 / floor, 3);
        assertLe(used * 100, floor * percent);
    }

    function _later(uint256 blocks) private {
        vm.roll(100 + blocks);
        vm.warp(NOW + 12 * blocks);
    }
}
