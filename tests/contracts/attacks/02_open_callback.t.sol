// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {RoguePool} from "../mocks/HostilePools.sol";
import {IExecutorUnderTest} from "../support/IExecutorUnderTest.sol";
import {Plans} from "../support/Plans.sol";
import {HookedToken, ITokenReceiver, ReenteringToken} from "../tokens/HostileTokens.sol";
import {Attack} from "./Attack.sol";

/// @notice ParaSwap Augustus V6, 2024-03: anybody could call the pools' callback. Here a callback is armed for one pool,
/// once, with one context, and never at rest.
contract OpenCallbackTest is Attack {
    function _attack() internal override returns (bool success, bytes memory reason) {
        bytes memory context = abi.encode(a, uint256(AMOUNT));
        vm.prank(stranger);
        return address(executor)
            .call(abi.encodeCall(executor.uniswapV3SwapCallback, (int256(uint256(AMOUNT)), int256(0), context)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, stranger);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 2;
    }

    function test_nobody_can_call_back_at_rest(address caller) public {
        address pool = _v3Pool(a, b);
        address[3] memory callers = [caller, pool, manager];
        for (uint256 i = 0; i < callers.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, callers[i]);
            vm.startPrank(callers[i]);
            vm.expectRevert(refusal);
            executor.uniswapV3SwapCallback(1, 0, "");
            vm.expectRevert(refusal);
            executor.pancakeV3SwapCallback(1, 0, "");
            vm.expectRevert(refusal);
            executor.unlockCallback("");
            vm.expectRevert(refusal);
            executor.rfqPay(a, callers[i], 1);
            vm.stopPrank();
        }
    }

    function test_no_callback_is_armed_after_a_plan() public {
        address pool = _v3Pool(a, b);
        _run(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        vm.prank(pool);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, pool));
        executor.uniswapV3SwapCallback(1, 0, "");
    }

    function test_a_stranger_cannot_call_back_in_the_middle_of_a_swap() public {
        ReenteringToken token = new ReenteringToken();
        _v3Pool(address(token), b);
        _mint(address(token), address(executor), AMOUNT);
        // The executor pays the armed pool in this token, whose transfer is where the attack runs.
        token.plant(address(executor), abi.encodeCall(executor.uniswapV3SwapCallback, (int256(1), int256(0), "")));
        _expect(
            _plan(address(token), b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(token))
        );
    }

    function test_a_pool_that_calls_back_twice_is_refused() public {
        RoguePool pool = _rogue(a, b);
        pool.behave(a < b ? int256(1) : int256(-1), a < b ? int256(-1) : int256(1), 0, 0, 2);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(pool)));
    }

    function test_a_pool_that_asks_for_more_than_the_leg_is_refused() public {
        RoguePool pool = _rogue(a, b);
        int256 owed = int256(uint256(AMOUNT) + 1);
        pool.behave(owed, -1, owed, -1, 1);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackOverBudget.selector, owed, AMOUNT));
    }

    function test_a_pool_that_asks_for_nothing_is_refused() public {
        RoguePool pool = _rogue(a, b);
        pool.behave(0, 0, int256(uint256(AMOUNT)), -1, 1);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackOverBudget.selector, 0, AMOUNT));
    }

    function test_a_pool_that_does_not_call_back_is_refused() public {
        RoguePool pool = _rogue(a, b);
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackMissed.selector, address(pool)));
    }

    function test_a_pool_that_changes_any_byte_of_its_context_is_refused(uint256 index) public {
        RoguePool pool = _rogue(a, b);
        int256 all = int256(uint256(AMOUNT));
        pool.behave(all, all, all, all, 1);
        pool.tamper(bound(index, 0, 63));
        _expect(_roguePlan(), abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, address(pool)));
    }

    /// @dev The pool pays out before it asks, so that a hostile token bought runs while the pool's callback is armed.
    function test_a_token_cannot_answer_for_the_pool_while_its_callback_is_armed() public {
        HookedToken token = new HookedToken();
        _v3Pool(a, address(token));
        Impostor impostor = new Impostor(executor, abi.encode(a, uint256(AMOUNT)), AMOUNT);
        token.setHook(address(executor), address(impostor));
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory amount = i == 0 ? Plans.all() : Plans.exact(AMOUNT);
            (, uint256 received) = _run(_plan(a, address(token), AMOUNT, Plans.v3(0, 1, amount, 0, FEE)));
            assertGt(received, 0);
            assertEq(impostor.refusals(), i + 1);
            assertEq(impostor.refusal(), abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, impostor));
            _mint(a, address(executor), AMOUNT);
        }
        assertEq(_balance(a, address(impostor)), 0);
    }
}

/// @notice Calls back in the pool's place with exactly the context that the pool was given.
contract Impostor is ITokenReceiver {
    IExecutorUnderTest private immutable _executor;
    bytes private _context;
    uint256 private immutable _amount;

    uint256 public refusals;
    bytes public refusal;

    constructor(IExecutorUnderTest executor, bytes memory context, uint256 amount) {
        (_executor, _context, _amount) = (executor, context, amount);
    }

    function tokensReceived(address, address, uint256) external {
        (bool success, bytes memory reason) = address(_executor)
            .call(abi.encodeCall(_executor.uniswapV3SwapCallback, (int256(_amount), int256(0), _context)));
        if (!success) (refusals, refusal) = (refusals + 1, reason);
    }
}
