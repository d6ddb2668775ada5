// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {DevToken} from "contracts/devnet/DevToken.sol";
import {ICallbacks} from "contracts/interfaces/ICallbacks.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {BackwardsToken, FalseToken, FeeToken, SurchargeToken} from "./tokens/HostileTokens.sol";
import {Chain} from "./support/Chain.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice Takes what it is sold, says that it is owed as much of the other token, and gives a little of that.
contract TwiceOwed {
    DevToken private immutable _bought;

    constructor(address bought) {
        _bought = DevToken(bought);
    }

    function swap(address to, bool zeroForOne, int256 amount, uint160, bytes calldata data)
        external
        returns (int256, int256)
    {
        _bought.transfer(to, 100);
        ICallbacks(msg.sender)
            .uniswapV3SwapCallback(zeroForOne ? amount : int256(0), zeroForOne ? int256(0) : amount, data);
        return (amount, amount);
    }
}

/// @notice The lane of the commonest plan beside the general one: the same plan, whose amount is "all" in the one and
/// exact in the other, ends in the same answer or the same refusal, with the same logs and the same balances.
contract ExecutorLanesTest is Chain {
    uint256 internal constant HELD = 1000e18;

    struct Outcome {
        bool success;
        bytes answer;
        bytes32 logs;
        uint256 left;
        uint256 got;
    }

    function setUp() public override {
        super.setUp();
        _mint(a, address(executor), HELD);
        _mint(b, address(executor), HELD);
        _pair(a, b);
        _v3Pool(a, b);
        _v4Pool(a, b);
    }

    /// @dev The lanes' places in memory begin at 0x80, `PAIR_OPENINGS`: the first instructions say that all behind is free.
    function test_the_compiler_keeps_nothing_where_a_plan_begins() public view {
        bytes memory code = address(executor).code;
        assertEq(bytes5(code), bytes5(hex"6080604052"));
    }

    function test_any_plan_ends_the_same_in_both_lanes(uint8 kind, bool up, uint128 amount, uint128 least) public {
        (address sold, address bought) = up ? (a, b) : (b, a);
        // Up to a little more than is held, and about what one for one would bring.
        amount = uint128(bound(amount, 1, HELD + 2));
        least = uint128(bound(least, 0, uint256(amount) + 1));
        _compare(sold, bought, kind, amount, least);
    }

    function test_every_hostile_token_ends_the_same_in_both_lanes(uint8 kind, uint8 which, bool sells) public {
        address odd = which % 3 == 0
            ? address(new FeeToken())
            : which % 3 == 1 ? address(new SurchargeToken()) : address(new FalseToken());
        if (which % 3 == 0) FeeToken(odd).setCharging(false);
        _mint(odd, address(executor), HELD);
        _pair(odd, a);
        if (which % 3 == 0) FeeToken(odd).setCharging(true);
        (address sold, address bought) = sells ? (odd, a) : (a, odd);
        _compare(sold, bought, kind % 2 == 0 ? 0 : kind, 1e18, 1);
    }

    function test_what_falls_though_it_was_bought_is_refused_in_both_lanes(uint128 least) public {
        least = uint128(bound(least, 1, type(uint128).max));
        address odd = address(new BackwardsToken());
        _mint(odd, address(executor), HELD);
        address pair = _pair(odd, a);
        bytes memory answer = _outcome(a, odd, Plans.v2(0, 1, Plans.all(), 0), 1e18, least).answer;
        assertEq(answer, abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, least));
        _compare(a, odd, 0, 1e18, least);
        assertGt(_balance(odd, pair), 0);
    }

    /// @dev Its code would have to be other than what it was proved to be.
    function test_a_pool_that_claims_to_be_owed_twice_is_refused_in_both_lanes() public {
        address pool = _v3Pool(a, c);
        vm.etch(pool, address(new TwiceOwed(c)).code);
        bytes memory refusal = abi.encodeWithSelector(IExecutor.PartialFill.selector, 1e18, 0);
        assertEq(_outcome(a, c, Plans.v3(0, 1, Plans.all(), 0, FEE), 1e18, 1).answer, refusal);
        _compare(a, c, 1, 1e18, 1);
    }

    function test_a_token_that_is_none_and_a_pool_that_is_missing_end_the_same_in_both_lanes(uint8 kind) public {
        _compare(a, c, kind, 1e18, 1);
        _compare(a, makeAddr("nobody"), kind, 1e18, 1);
        _compare(makeAddr("nobody"), a, kind, 1e18, 1);
    }

    /// @dev The manager is not proved as pools are. The lane does not ask whether it called back: nothing came of it then.
    function test_a_manager_that_does_not_call_back_gets_nothing_in_either_lane() public {
        bytes memory missed = abi.encodeWithSelector(IExecutor.CallbackMissed.selector, manager);
        // It stops, and answers nothing; then three words of zeros.
        vm.etch(manager, hex"00");
        assertEq(_outcome(a, b, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false), 1e18, 1).answer, missed);
        _compare(a, b, 2, 1e18, 1);
        vm.etch(manager, hex"60605ff3");
        assertEq(_outcome(a, b, Plans.v4(0, 1, Plans.exact(1e18), FEE, SPACING, false), 1e18, 1).answer, missed);
        Outcome memory lane = _outcome(a, b, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false), 1e18, 1);
        assertEq(lane.answer, abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
        assertEq(lane.left, HELD);
    }

    function _compare(address sold, address bought, uint8 kind, uint128 amount, uint128 least) private {
        uint256 state = vm.snapshotState();
        Outcome memory lane = _outcome(sold, bought, _leg(kind, Plans.all()), amount, least);
        vm.revertToState(state);
        Outcome memory general = _outcome(sold, bought, _leg(kind, Plans.exact(amount)), amount, least);
        vm.revertToState(state);
        assertEq(lane.success, general.success);
        assertEq(lane.answer, general.answer);
        assertEq(lane.logs, general.logs);
        assertEq(lane.left, general.left);
        assertEq(lane.got, general.got);
    }

    function _outcome(address sold, address bought, bytes memory leg, uint128 amount, uint128 least)
        private
        returns (Outcome memory outcome)
    {
        Plan memory plan = _plan(sold, bought, amount, leg);
        plan.minOut = least;
        vm.recordLogs();
        vm.prank(desk);
        (outcome.success, outcome.answer) = address(executor).call(Plans.encode(plan));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            outcome.logs = keccak256(abi.encode(outcome.logs, logs[i].topics, logs[i].data, logs[i].emitter));
        }
        outcome.left = sold.code.length == 0 ? 0 : _balance(sold, address(executor));
        outcome.got = bought.code.length == 0 ? 0 : _balance(bought, address(executor));
    }

    function _leg(uint8 kind, bytes memory amount) private pure returns (bytes memory) {
        if (kind % 3 == 0) return Plans.v2(0, 1, amount, 0);
        if (kind % 3 == 1) return Plans.v3(0, 1, amount, 0, FEE);
        return Plans.v4(0, 1, amount, FEE, SPACING, false);
    }
}
