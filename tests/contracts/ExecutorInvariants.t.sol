// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IERC20} from "contracts/interfaces/IERC20.sol";

import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice Runs random plans as the owner, some of them damaged, and knocks on every door as a stranger.
contract Desk is Test {
    /// @dev Head and three assets.
    uint256 private constant LEGS_AT = 8 + 3 * 37;

    IExecutorUnderTest private immutable _executor;
    address private immutable _owner;
    address[3] private _tokens;
    address private immutable _curve;

    uint256 public executed;
    uint256 public broken;

    constructor(IExecutorUnderTest executor, address owner, address[3] memory tokens, address curve) {
        (_executor, _owner, _tokens, _curve) = (executor, owner, tokens, curve);
    }

    function trade(uint256 from, uint128 amount, uint32 share, uint8 shape, uint256 damage) external {
        from = bound(from, 0, 1);
        Plan memory plan;
        plan.deadline = uint40(block.timestamp);
        plan.tokens = new address[](3);
        (plan.tokens[0], plan.tokens[1], plan.tokens[2]) = (_tokens[from], _tokens[1 - from], _tokens[2]);
        plan.amountIn = uint128(bound(amount, 1e6, 1000e18));
        plan.minOut = 1;
        share = uint32(bound(share, 1 << 24, type(uint32).max));
        plan.legs = _legs(shape % 6, share, uint8(from));
        bytes memory packed = Plans.encode(plan);
        // Only legs are damaged: the head says what the checks below must find.
        if (damage % 4 == 0) packed[LEGS_AT + damage % (packed.length - LEGS_AT)] ^= bytes1(uint8(1 << (damage % 8)));
        _run(plan, packed);
    }

    function knock(address caller, uint8 door, bytes calldata data) external {
        if (caller == _owner) return;
        bytes[5] memory calls = [
            data,
            abi.encodeCall(_executor.uniswapV3SwapCallback, (int256(1), int256(1), data)),
            abi.encodeCall(_executor.unlockCallback, (data)),
            abi.encodeCall(_executor.rfqPay, (_tokens[0], caller, 1)),
            data
        ];
        vm.prank(caller);
        (bool success,) = address(_executor).call(calls[door % 5]);
        // The fuzzer may hit a getter by chance; nothing may move all the same.
        success;
    }

    function _run(Plan memory plan, bytes memory packed) private {
        (address tokenIn, address tokenOut) = (plan.tokens[0], plan.tokens[1]);
        uint256 held = IERC20(tokenIn).balanceOf(address(_executor));
        uint256 gained = IERC20(tokenOut).balanceOf(address(_executor));
        vm.prank(_owner);
        (bool success, bytes memory answer) = address(_executor).call(packed);
        if (success) {
            executed += 1;
            (uint256 spent, uint256 received) = abi.decode(answer, (uint256, uint256));
            if (held - IERC20(tokenIn).balanceOf(address(_executor)) != spent || spent > plan.amountIn) broken += 1;
            if (IERC20(tokenOut).balanceOf(address(_executor)) - gained != received || received == 0) broken += 1;
        } else {
            if (held != IERC20(tokenIn).balanceOf(address(_executor))) broken += 1;
        }
    }

    function _legs(uint256 shape, uint32 share, uint8 from) private view returns (bytes memory) {
        if (shape == 5) {
            return
                abi.encodePacked(
                    Plans.hand(Plans.v2(0, 2, Plans.share(share), 0)), Plans.v3(2, 1, Plans.all(), 0, 3000)
                );
        }
        if (shape == 0) return Plans.v2(0, 1, Plans.share(share), 0);
        if (shape == 1) return Plans.v3(0, 1, Plans.share(share), 0, 3000);
        if (shape == 2) return Plans.v4(0, 1, Plans.all(), 3000, 60, false);
        bytes memory first = Plans.curve(0, 1, Plans.share(share), _curve, from, 1 - from, shape == 3);
        if (shape == 3) return abi.encodePacked(first, Plans.v2(0, 1, Plans.all(), 0));
        return abi.encodePacked(first, Plans.v2(0, 2, Plans.all(), 0), Plans.v3(2, 1, Plans.all(), 0, 3000));
    }
}

contract ExecutorInvariantsTest is Chain {
    uint256 internal constant HELD = 17e18;

    Desk internal handler;
    address internal curve;

    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _v3Pool(a, b);
        _v4Pool(a, b);
        _pair(a, c);
        _pair(b, c);
        _v3Pool(c, b);
        _v3Pool(c, a);
        curve = _curvePool(a, b);
        _mint(a, address(executor), DEPTH);
        _mint(b, address(executor), DEPTH);
        _mint(c, address(executor), HELD);
        handler = new Desk(executor, desk, [a, b, c], curve);
        targetContract(address(handler));
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_every_plan_kept_its_own_limits() public view {
        assertEq(handler.broken(), 0);
    }

    function invariant_nothing_stays_approved() public view {
        address[3] memory tokens = [a, b, c];
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(IERC20(tokens[i]).allowance(address(executor), curve), 0);
            assertEq(IERC20(tokens[i]).allowance(address(executor), manager), 0);
        }
    }

    function invariant_tokens_only_passed_through_are_as_before() public view {
        assertEq(_balance(c, address(executor)), HELD);
        assertEq(address(executor).balance, 0);
    }

    function invariant_nothing_is_armed_at_rest() public {
        address pool = executor.poolFor(2, 0, a, b, FEE);
        vm.prank(pool);
        (bool success,) =
            address(executor).call(abi.encodeCall(executor.uniswapV3SwapCallback, (int256(1), int256(0), "")));
        assertFalse(success);
    }

    function test_the_handler_trades_in_every_shape() public {
        for (uint8 shape = 0; shape < 6; ++shape) {
            for (uint256 from = 0; from < 2; ++from) {
                handler.trade(from, 1e18, 1 << 31, shape, 1);
            }
        }
        assertEq(handler.executed(), 12);
        assertEq(handler.broken(), 0);
    }
}
