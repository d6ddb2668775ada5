// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {IBalancerV3Vault} from "contracts/interfaces/IFurtherVenues.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_BALANCER_V3, LENDER_BALANCER_V3} from "contracts/types/Plan.sol";

import {GreedyBalancerV3Vault} from "./mocks/GreedyBalancerV3Vault.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {IBalancerV3ToStart, Published} from "./support/Published.sol";
import {FeeToken} from "./tokens/HostileTokens.sol";

/// @notice Balancer v3's vault and one of its weighted pools, compiled from their published source.
abstract contract BalancerV3Chain is Published {
    uint128 internal constant AMOUNT = 1000e18;
    /// @dev A weighted pool takes at most 30 % of what it holds in one swap.
    uint128 internal constant MOST = uint128(DEPTH * 3 / 10);

    address internal pool;

    function setUp() public virtual override {
        _needsPublished();
        super.setUp();
        _startBalancerV3();
        pool = _weightedPool(a, b, DEPTH);
        IAnnex.Places memory known;
        known.balancerV3Vault = balancerV3;
        _settle(known);
        _mint(a, address(executor), AMOUNT);
    }

    function _swap(uint128 amount) internal view returns (Plan memory) {
        return _plan(a, b, amount, FurtherPlans.balancerV3(0, 1, Plans.exact(amount), pool));
    }

    function _reserves(address token) internal view returns (uint256) {
        return IBalancerV3ToStart(balancerV3).getReservesOf(token);
    }

    /// @dev What the vault itself says that a swap would bring, which it only does for a call from nobody.
    function _quoted(uint256 amount) internal returns (uint256 out) {
        uint256 state = vm.snapshotState();
        vm.prank(address(this), address(0));
        bytes memory answer = IBalancerV3ToStart(balancerV3).quote(abi.encodeCall(this.ask, (amount)));
        (out,,) = abi.decode(answer, (uint256, uint256, uint256));
        vm.revertToState(state);
    }

    /// @notice The vault's callback while it answers.
    function ask(uint256 amount) external returns (uint256, uint256, uint256) {
        return IBalancerV3Vault(balancerV3).swap(IBalancerV3Vault.VaultSwapParams(0, pool, a, b, amount, 0, ""));
    }

    /// @dev The vault holds what it accounts for, and neither owes nor is owed: it would not have locked itself.
    function _assertSettled() internal view {
        assertEq(_reserves(a), _balance(a, balancerV3));
        assertEq(_reserves(b), _balance(b, balancerV3));
        assertEq(IERC20(a).allowance(address(executor), balancerV3), 0);
    }
}

contract BalancerV3LegTest is BalancerV3Chain {
    function test_a_swap_settles_the_vault_without_an_allowance(uint128 amount) public {
        amount = uint128(bound(amount, 2 * BALANCER_LEAST, MOST));
        _mint(a, address(executor), amount);
        uint256 held = _balance(a, address(executor));
        uint256 quoted = _quoted(amount);
        (uint256 spent, uint256 received) = _run(_swap(amount));
        assertEq(spent, amount);
        assertEq(received, quoted);
        assertEq(_balance(a, address(executor)), held - amount);
        assertEq(_reserves(a), DEPTH + amount);
        assertEq(_reserves(b), DEPTH - received);
        _assertSettled();
    }

    function test_less_than_the_bound_is_refused_to_the_wei(uint128 amount) public {
        amount = uint128(bound(amount, 2 * BALANCER_LEAST, MOST));
        _mint(a, address(executor), amount);
        uint256 quoted = _quoted(amount);
        Plan memory plan = _swap(amount);
        plan.minOut = uint128(quoted + 1);
        _refuses(plan, abi.encodeWithSelector(IExecutor.MinOutMissed.selector, quoted, quoted + 1));
        plan.minOut = uint128(quoted);
        _run(plan);
    }

    function test_two_swaps_follow_each_other() public {
        address next = _weightedPool(b, c, DEPTH);
        bytes memory legs = abi.encodePacked(
            FurtherPlans.balancerV3(0, 2, Plans.share(1 << 31), pool), FurtherPlans.balancerV3(2, 1, Plans.all(), next)
        );
        (uint256 spent, uint256 received) = _run(_planVia(a, c, b, AMOUNT, legs));
        assertEq(spent, AMOUNT / 2);
        assertApproxEqRel(received, uint256(AMOUNT) / 2 * 997 / 1000 * 997 / 1000, 0.002e18);
        assertEq(_balance(b, address(executor)), 0);
        _assertSettled();
    }

    function test_what_was_sent_to_the_vault_before_pays_for_nothing() public {
        _mint(a, balancerV3, AMOUNT);
        (uint256 spent,) = _run(_swap(AMOUNT));
        assertEq(spent, AMOUNT);
        _assertSettled();
    }

    function test_a_pool_that_is_none_is_refused(address other) public {
        vm.assume(other != pool);
        _refuses(
            _plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), other)),
            abi.encodeWithSignature("PoolNotInitialized(address)", other)
        );
    }

    function test_a_pool_without_funds_is_refused() public {
        address empty = _weightedPool(a, c, 0);
        _refuses(
            _plan(a, c, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), empty)),
            abi.encodeWithSignature("PoolNotInitialized(address)", empty)
        );
    }

    function test_a_token_that_the_pool_does_not_hold_is_refused() public {
        _refuses(
            _plan(a, c, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)),
            abi.encodeWithSignature("TokenNotRegistered(address)", c)
        );
        _mint(c, address(executor), AMOUNT);
        _refuses(
            _plan(c, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)),
            abi.encodeWithSignature("TokenNotRegistered(address)", c)
        );
    }

    function test_too_little_and_too_much_are_refused() public {
        _refuses(_swap(uint128(BALANCER_LEAST - 1)), abi.encodeWithSignature("TradeAmountTooSmall()"));
        _mint(a, address(executor), DEPTH);
        _refuses(_swap(MOST * 101 / 100), abi.encodeWithSignature("MaxInRatio()"));
    }

    function test_a_paused_pool_and_a_paused_vault_are_refused() public {
        IBalancerV3ToStart(balancerV3).pausePool(pool);
        _refuses(_swap(AMOUNT), abi.encodeWithSignature("PoolPaused(address)", pool));
        IBalancerV3ToStart(balancerV3).pauseVault();
        _refuses(_swap(AMOUNT), abi.encodeWithSignature("VaultPaused()"));
    }

    function test_a_token_that_keeps_a_fee_leaves_the_vault_unsettled() public {
        FeeToken fee = new FeeToken();
        address odd = _weightedPool(address(fee), b, DEPTH);
        _mint(address(fee), address(executor), AMOUNT);
        _refuses(
            _plan(address(fee), b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), odd)),
            abi.encodeWithSignature("BalanceNotSettled()")
        );
    }

    function test_the_vault_itself_may_not_be_called_without_its_lock() public {
        vm.expectRevert(abi.encodeWithSignature("VaultIsNotUnlocked()"));
        this.ask(AMOUNT);
    }

    function test_a_chain_without_the_vault_refuses() public {
        IAnnex.Places memory none;
        _settle(none);
        _refuses(_swap(AMOUNT), abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_BALANCER_V3, 0));
    }
}

/// @notice A vault that Balancer's own never is.
contract HostileBalancerV3VaultTest is FurtherChain {
    uint128 internal constant AMOUNT = 1000e18;

    function test_a_swap_that_takes_more_than_the_leg_sells_is_refused() public {
        IAnnex.Places memory known;
        known.balancerV3Vault = address(new GreedyBalancerV3Vault());
        _settle(known);
        _mint(a, address(executor), AMOUNT);
        _refuses(
            _plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), makeAddr("pool"))),
            abi.encodeWithSelector(IExecutor.AmountOverflow.selector, 2 * AMOUNT)
        );
    }
}

/// @notice Loans of the same vault.
contract BalancerV3LoanTest is BalancerV3Chain {
    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _v3Pool(a, b);
    }

    function test_a_loan_of_any_size_stands_around_a_swap_and_is_repaid(uint128 loan) public {
        loan = uint128(bound(loan, 1, DEPTH));
        (uint256 spent, uint256 received) = _run(_borrowing(loan, _swapElsewhere(AMOUNT)));
        assertEq(spent, AMOUNT);
        assertGt(received, AMOUNT * 99 / 100);
        assertEq(_reserves(a), DEPTH);
        _assertSettled();
    }

    function test_a_loan_stands_around_a_swap_in_the_vault_that_lends(uint128 loan) public {
        loan = uint128(bound(loan, 1, DEPTH));
        uint256 quoted = _quoted(AMOUNT);
        (uint256 spent, uint256 received) = _run(_borrowing(loan, Plans.encode(_swap(AMOUNT))));
        assertEq(spent, AMOUNT);
        assertEq(received, quoted);
        assertEq(_reserves(a), DEPTH + AMOUNT);
        _assertSettled();
    }

    function test_a_loan_above_what_the_vault_has_is_refused(uint128 more) public {
        more = uint128(bound(more, 1, type(uint128).max - DEPTH));
        _refuses(
            _borrowing(uint128(DEPTH) + more, _swapElsewhere(AMOUNT)), abi.encodeWithSignature("Panic(uint256)", 0x11)
        );
    }

    function test_a_loan_that_is_not_earned_back_is_refused(uint128 loan) public {
        loan = uint128(bound(loan, 1, DEPTH));
        bytes memory reason =
            abi.encodeWithSignature("BalanceTooLow(address,uint256,uint256)", address(executor), AMOUNT - 1, loan);
        // All that was borrowed and one more, where the account has less than that.
        deal(a, address(executor), AMOUNT);
        vm.assume(loan >= AMOUNT);
        _refuses(_borrowing(loan, _swapElsewhere(loan + 1)), reason);
    }

    function test_a_loan_of_a_token_that_keeps_a_fee_is_refused() public {
        FeeToken fee = new FeeToken();
        _weightedPool(address(fee), b, DEPTH);
        _mint(address(fee), address(executor), AMOUNT);
        bytes[] memory plans = new bytes[](1);
        plans[0] = _swapElsewhere(AMOUNT);
        bytes memory leg = FurtherPlans.flash(0, 1, Plans.all(), balancerV3, LENDER_BALANCER_V3, AMOUNT, plans);
        _refuses(
            _plan(address(fee), b, AMOUNT, leg),
            abi.encodeWithSelector(
                ITokenErrors.FeeOnTransfer.selector, address(fee), AMOUNT, uint256(AMOUNT) * 99 / 100
            )
        );
    }

    function test_a_loan_within_a_loan_of_the_same_vault_is_repaid_first() public {
        bytes memory inner = Plans.encode(_borrowing(2 * AMOUNT, _swapElsewhere(AMOUNT)));
        (uint256 spent,) = _run(_borrowing(3 * AMOUNT, inner));
        assertEq(spent, AMOUNT);
        assertEq(_reserves(a), DEPTH);
        _assertSettled();
    }

    function _swapElsewhere(uint128 amount) private view returns (bytes memory) {
        return Plans.encode(_plan(a, b, amount, Plans.v2(0, 1, Plans.exact(amount), 0)));
    }

    function _borrowing(uint128 loan, bytes memory inner) private view returns (Plan memory) {
        bytes[] memory plans = new bytes[](1);
        plans[0] = inner;
        return _plan(a, b, AMOUNT, FurtherPlans.flash(0, 1, Plans.all(), balancerV3, LENDER_BALANCER_V3, loan, plans));
    }
}
