// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";

import {IExecutorUnderTest} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {SessionChain} from "./support/SessionChain.sol";

/// @notice A key that tries everything, an owner and a guardian who grant and take away, and time that passes.
contract Actors is Test {
    uint256 private constant LONGEST = 400;

    IExecutorUnderTest private immutable _executor;
    address private immutable _owner;
    address private immutable _guardian;
    address private immutable _key;
    uint256 private immutable _secret;
    address private immutable _sold;
    address private immutable _bought;
    ISessions.Grant private _terms;

    uint256[] private _times;
    uint256[] private _amounts;
    bool private _granted;
    mapping(uint256 nonce => bool) private _used;
    bytes[] private _sent;
    uint256 private _expiry;

    uint256 public ran;
    uint256 public broken;

    constructor(
        IExecutorUnderTest executor,
        address[2] memory powers,
        address key,
        uint256 secret,
        ISessions.Grant memory terms
    ) {
        (_executor, _owner, _guardian) = (executor, powers[0], powers[1]);
        (_key, _secret) = (key, secret);
        (_sold, _bought) = (terms.spends[0].token, terms.rises[0]);
        (_terms.kinds, _terms.mostLossBps) = (terms.kinds, terms.mostLossBps);
        for (uint256 i = 0; i < terms.venues.length; ++i) {
            _terms.venues.push(terms.venues[i]);
        }
        _terms.spends.push(terms.spends[0]);
        _terms.rises.push(terms.rises[0]);
    }

    function grant(uint256 days_) external {
        ISessions.Grant memory terms = _terms;
        terms.expiry = uint40(block.timestamp + bound(days_, 1, 20) * 1 days);
        vm.prank(_owner);
        _executor.grantSession(_key, terms);
        (_granted, _expiry) = (true, terms.expiry);
        delete _times;
        delete _amounts;
    }

    function revoke(bool byGuardian) external {
        vm.prank(byGuardian ? _guardian : _owner);
        _executor.revokeSession(_key);
        _granted = false;
    }

    function pause(bool on, bool byGuardian) external {
        vm.prank(on && byGuardian ? _guardian : _owner);
        if (on) _executor.pause();
        else _executor.resume();
    }

    function pass(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, _terms.spends[0].period));
    }

    function trade(uint128 amount, bool whole) external {
        bytes memory plan = _plan(amount, whole);
        uint256 before = _held();
        vm.prank(_key);
        (bool success,) = address(_executor).call(plan);
        _judge(before, success);
    }

    function batch(uint128 first, uint128 second, uint256 mask) external {
        bytes[] memory plans = new bytes[](2);
        (plans[0], plans[1]) = (_plan(first, false), _plan(second, true));
        uint256 before = _held();
        vm.prank(_key);
        (bool success,) = address(_executor).call(abi.encodeCall(_executor.executeBatch, (plans, mask)));
        _judge(before, success);
    }

    function relay(uint128 amount, uint192 lane, uint64 ahead) external {
        bytes[] memory plans = new bytes[](1);
        plans[0] = _plan(amount, false);
        uint40 deadline = uint40(block.timestamp + 10 days);
        uint256 nonce = _executor.nextNonce(_key, lane % 4) + ahead % 2;
        bytes32 digest = _executor.plansDigest(plans, 0, nonce, deadline, _key);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_secret, digest);
        bytes memory signature = abi.encodePacked(r, s, v);
        bytes memory call_ = abi.encodeCall(_executor.executeSigned, (plans, 0, nonce, deadline, _key, signature));
        uint256 before = _held();
        (bool success,) = address(_executor).call(call_);
        _judge(before, success);
        if (!success) return;
        if (_used[nonce]) broken += 1;
        _used[nonce] = true;
        _sent.push(call_);
    }

    /// @dev What ran once never runs again, whatever was granted since.
    function replay(uint256 which) external {
        if (_sent.length == 0) return;
        (bool success,) = address(_executor).call(_sent[which % _sent.length]);
        if (success) broken += 1;
    }

    /// @dev Whether what the key spent within the last period, at any of its trades, passed the limit.
    function passedLimit() external view returns (bool) {
        uint256 period = _terms.spends[0].period;
        for (uint256 i = 0; i < _times.length; ++i) {
            uint256 sum;
            for (uint256 j = 0; j <= i; ++j) {
                if (_times[j] + period > _times[i]) sum += _amounts[j];
            }
            if (sum > _terms.spends[0].limit) return true;
        }
        return false;
    }

    function _judge(uint256 before, bool success) private {
        uint256 spent = before - _held();
        if (!success && spent != 0) broken += 1;
        if (spent == 0) return;
        ran += 1;
        if (!_granted || block.timestamp > _expiry || _executor.paused()) broken += 1;
        if (_times.length == LONGEST) return;
        _times.push(block.timestamp);
        _amounts.push(spent);
    }

    function _held() private view returns (uint256) {
        return IERC20(_sold).balanceOf(address(_executor));
    }

    function _plan(uint128 amount, bool whole) private view returns (bytes memory) {
        Plan memory plan;
        plan.deadline = uint40(block.timestamp);
        plan.tokens = new address[](2);
        (plan.tokens[0], plan.tokens[1]) = (_sold, _bought);
        (,, uint256 free) = _executor.spending(_key, _sold);
        // Often all that is free, or a little more.
        plan.amountIn = uint128(whole && free > 1e6 ? free + amount % 2 : bound(amount, 1e6, _terms.spends[0].limit));
        (plan.minOut, plan.legs) = (1, Plans.v2(0, 1, Plans.all(), 0));
        return Plans.encode(plan);
    }
}

contract SessionInvariantsTest is SessionChain {
    Actors internal actors;

    function setUp() public override {
        super.setUp();
        _mint(a, address(executor), DEPTH);
        actors = new Actors(executor, [desk, watchman], robot, robotKey, _terms());
        targetContract(address(actors));
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_a_key_runs_only_while_granted_and_every_nonce_once() public view {
        assertEq(actors.broken(), 0);
    }

    function invariant_no_period_holds_more_than_the_limit() public view {
        assertFalse(actors.passedLimit());
    }

    function invariant_the_owner_stays_the_owner() public view {
        assertEq(executor.owner(), desk);
        assertEq(executor.pendingOwner(), address(0));
        assertEq(executor.guardian(), watchman);
    }

    function test_the_actors_trade_by_every_door() public {
        actors.grant(3);
        actors.trade(1e18, false);
        actors.batch(1e18, 1, 3);
        actors.pass(PERIOD);
        actors.pass(PERIOD);
        actors.relay(1e18, 0, 0);
        assertEq(actors.ran(), 3);
        actors.replay(0);
        actors.pause(true, true);
        actors.trade(1e18, false);
        actors.pause(false, false);
        actors.revoke(true);
        actors.trade(1e18, false);
        assertEq(actors.ran(), 3);
        assertEq(actors.broken(), 0);
        assertFalse(actors.passedLimit());
    }
}
