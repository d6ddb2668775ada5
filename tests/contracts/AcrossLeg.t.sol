// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {ISpokePool} from "contracts/interfaces/IFurtherVenues.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_ACROSS} from "contracts/types/Plan.sol";

import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {ISpokePoolToStart, Published} from "./support/Published.sol";

/// @notice Deposits at Across's published contract, behind its proxy.
contract AcrossLegTest is Published {
    bytes32 internal constant DEPOSITED = keccak256(
        "V3FundsDeposited(address,address,uint256,uint256,uint256,uint32,uint32,uint32,uint32,address,address,address,bytes)"
    );
    uint128 internal constant AMOUNT = 1000e18;
    uint64 internal constant THERE = 10;

    address internal payee = makeAddr("payee");
    address internal spoke;

    function setUp() public override {
        _needsPublished();
        super.setUp();
        spoke = _startAcross(a, THERE);
        ISpokePoolToStart(spoke).setEnableRoute(b, THERE, true);
        ISpokePoolToStart(spoke).setEnableRoute(weth, THERE, true);
        IAnnex.Places memory known;
        known.spokePool = spoke;
        _settle(known);
        _mint(a, address(executor), AMOUNT);
    }

    function test_a_deposit_is_made_for_the_account_itself() public {
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        vm.expectCall(spoke, _depositCall(AMOUNT));
        (uint256 spent, uint256 left) = _run(_planOf(deposit));
        assertEq(spent, AMOUNT);
        assertEq(left, AMOUNT);
        assertEq(_balance(a, spoke), AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), spoke), 0);
    }

    function test_a_deposit_says_what_the_plan_says(uint128 amount, FurtherPlans.Deposit memory deposit) public {
        amount = uint128(bound(amount, 1, AMOUNT));
        _list(LEG_ACROSS, deposit.recipient, 0);
        deposit.chainId = THERE;
        if (deposit.outputToken == address(0)) deposit.outputToken = b;
        if (deposit.outputAmount == 0) deposit.outputAmount = 1;
        if (deposit.relayer == address(0)) deposit.exclusivity = 0;
        deposit.quoteTimestamp = uint32(bound(deposit.quoteTimestamp, NOW - QUOTE_BUFFER, NOW));
        deposit.fillDeadline = uint32(bound(deposit.fillDeadline, NOW, NOW + FILL_BUFFER));
        // Up to a year it is a time from now, which Across adds up; above, a moment.
        uint32 until = deposit.exclusivity;
        if (until != 0 && until <= 31_536_000) until += uint32(NOW);
        bytes memory legs = FurtherPlans.across(0, 1, Plans.exact(amount), deposit);
        vm.recordLogs();
        (uint256 spent, uint256 left) = _run(_planLeaving(a, a, amount, amount, legs));
        _assertDeposited(deposit, a, amount, until, 0);
        assertEq(spent, amount);
        assertEq(left, amount);
        assertEq(_balance(a, spoke), amount);
        assertEq(_balance(a, address(executor)), AMOUNT - amount);
        assertEq(IERC20(a).allowance(address(executor), spoke), 0);
    }

    function test_a_deposit_is_made_for_a_listed_recipient_after_a_swap() public {
        _pair(a, b);
        _list(LEG_ACROSS, payee, 0);
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), FurtherPlans.across(1, 0, Plans.all(), _deposit(payee)));
        (, uint256 left) = _run(_planLeaving(a, b, AMOUNT, 1, legs));
        assertEq(_balance(b, spoke), left);
    }

    function test_wrapped_coin_is_deposited_as_a_token() public {
        _mint(weth, address(executor), AMOUNT);
        bytes memory legs = FurtherPlans.across(0, 1, Plans.all(), _deposit(address(executor)));
        _run(_planLeaving(weth, weth, AMOUNT, AMOUNT, legs));
        assertEq(_balance(weth, spoke), AMOUNT);
        assertEq(spoke.balance, 0);
    }

    function test_deposits_are_numbered_and_none_is_made_twice() public {
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        bytes memory leg = FurtherPlans.across(0, 1, Plans.exact(AMOUNT / 2), deposit);
        for (uint256 number = 0; number < 2; ++number) {
            vm.recordLogs();
            _run(_planLeaving(a, a, AMOUNT, AMOUNT / 2, leg));
            _assertDeposited(deposit, a, AMOUNT / 2, uint32(NOW) + 30, number);
        }
        assertEq(_balance(a, spoke), AMOUNT);
    }

    function test_an_unlisted_recipient_is_refused(address to) public {
        vm.assume(to != address(executor));
        _refuses(_planOf(_deposit(to)), abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_ACROSS, to, bytes4(0)));
    }

    function test_a_deposit_that_asks_for_nothing_is_refused() public {
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        deposit.outputAmount = 0;
        _refuses(_planOf(deposit), abi.encodeWithSelector(IAnnex.NothingAsked.selector));
        deposit = _deposit(address(executor));
        deposit.outputToken = address(0);
        _refuses(_planOf(deposit), abi.encodeWithSelector(IAnnex.NothingAsked.selector));
    }

    function test_a_chain_or_a_token_that_across_does_not_serve_is_refused(uint64 chainId) public {
        vm.assume(chainId != THERE);
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        deposit.chainId = chainId;
        _refuses(_planOf(deposit), abi.encodeWithSignature("DisabledRoute()"));
        _mint(c, address(executor), AMOUNT);
        bytes memory legs = FurtherPlans.across(0, 1, Plans.all(), _deposit(address(executor)));
        _refuses(_planLeaving(c, c, AMOUNT, 1, legs), abi.encodeWithSignature("DisabledRoute()"));
    }

    function test_a_quote_that_is_too_old_or_of_tomorrow_is_refused(uint32 age) public {
        age = uint32(bound(age, QUOTE_BUFFER + 1, NOW));
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        deposit.quoteTimestamp = uint32(NOW) - age;
        _refuses(_planOf(deposit), abi.encodeWithSignature("InvalidQuoteTimestamp()"));
        deposit.quoteTimestamp = uint32(bound(age, NOW + 1, type(uint32).max));
        _refuses(_planOf(deposit), abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    function test_a_deadline_that_passed_or_is_too_far_is_refused(uint32 deadline) public {
        deadline = uint32(bound(deadline, 0, NOW - 1));
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        deposit.fillDeadline = deadline;
        _refuses(_planOf(deposit), abi.encodeWithSignature("InvalidFillDeadline()"));
        deposit.fillDeadline = uint32(bound(deadline, NOW + FILL_BUFFER + 1, type(uint32).max));
        _refuses(_planOf(deposit), abi.encodeWithSignature("InvalidFillDeadline()"));
    }

    function test_exclusivity_for_nobody_is_refused(uint32 exclusivity) public {
        exclusivity = uint32(bound(exclusivity, 1, type(uint32).max));
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        (deposit.relayer, deposit.exclusivity) = (address(0), exclusivity);
        _refuses(_planOf(deposit), abi.encodeWithSignature("InvalidExclusiveRelayer()"));
    }

    function test_a_bridge_that_takes_no_deposits_is_refused() public {
        ISpokePoolToStart(spoke).pauseDeposits(true);
        _refuses(_planOf(_deposit(address(executor))), abi.encodeWithSignature("DepositsArePaused()"));
    }

    function test_native_coin_cannot_be_deposited_unwrapped() public {
        vm.deal(address(executor), AMOUNT);
        bytes memory legs = FurtherPlans.across(0, 1, Plans.all(), _deposit(address(executor)));
        _refuses(
            _planLeaving(address(0), address(0), AMOUNT, 1, legs),
            abi.encodeWithSelector(ITokenErrors.ApproveFailed.selector, address(0), spoke, AMOUNT)
        );
    }

    function test_a_chain_without_the_bridge_refuses() public {
        IAnnex.Places memory none;
        _settle(none);
        _refuses(
            _planOf(_deposit(address(executor))), abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_ACROSS, 0)
        );
    }

    function _planOf(FurtherPlans.Deposit memory deposit) private view returns (Plan memory) {
        return _planLeaving(a, a, AMOUNT, AMOUNT, FurtherPlans.across(0, 1, Plans.all(), deposit));
    }

    function _deposit(address recipient) private view returns (FurtherPlans.Deposit memory) {
        return FurtherPlans.Deposit(recipient, b, 990e18, THERE, maker, uint32(NOW) - 60, uint32(NOW) + 3600, 30);
    }

    /// @dev What relayers see, by hand as well. The depositor is always the account, and the message empty.
    function _assertDeposited(
        FurtherPlans.Deposit memory deposit,
        address token,
        uint256 amount,
        uint32 until,
        uint256 number
    ) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 i = 0;
        while (logs[i].emitter != spoke) ++i;
        assertEq(logs[i].topics[0], DEPOSITED);
        assertEq(uint256(logs[i].topics[1]), deposit.chainId);
        assertEq(uint256(logs[i].topics[2]), number);
        assertEq(address(uint160(uint256(logs[i].topics[3]))), address(executor));
        bytes memory assets = abi.encode(token, deposit.outputToken, amount, uint256(deposit.outputAmount));
        bytes memory terms = abi.encode(deposit.quoteTimestamp, deposit.fillDeadline, until);
        assertEq(logs[i].data, bytes.concat(assets, terms, abi.encode(deposit.recipient, deposit.relayer, 10 * 32, 0)));
    }

    /// @dev The whole call, by hand: its twelve arguments are more than the compiler's stack holds.
    function _depositCall(uint256 amount) private view returns (bytes memory) {
        address account = address(executor);
        bytes memory assets = abi.encode(account, account, a, b, amount, 990e18);
        bytes memory terms = abi.encode(THERE, maker, uint32(NOW) - 60, uint32(NOW) + 3600, 30, 12 * 32, 0);
        return bytes.concat(ISpokePool.depositV3.selector, assets, terms);
    }
}
