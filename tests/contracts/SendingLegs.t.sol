// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {ISpokePool} from "contracts/interfaces/IFurtherVenues.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_ACROSS, LEG_PAYOUT} from "contracts/types/Plan.sol";

import {PlainSpokePool, Unwilling} from "./mocks/Bridges.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {FeeToken} from "./tokens/HostileTokens.sol";

/// @notice What leaves the account: to listed addresses, and over a bridge.
contract SendingLegsTest is FurtherChain {
    uint128 internal constant AMOUNT = 1000e18;

    address internal payee = makeAddr("payee");
    PlainSpokePool internal spoke;

    function setUp() public override {
        super.setUp();
        spoke = new PlainSpokePool();
        IAnnex.Places memory known;
        known.spokePool = address(spoke);
        _settle(known);
        _list(LEG_PAYOUT, payee, 0);
        _mint(a, address(executor), AMOUNT);
        vm.deal(address(executor), AMOUNT);
    }

    function test_what_is_bought_is_paid_out_and_counts_as_left() public {
        _pair(a, b);
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), FurtherPlans.payout(1, 0, Plans.all(), payee));
        (uint256 spent, uint256 left) = _run(_planLeaving(a, b, AMOUNT, 1, legs));
        assertEq(spent, AMOUNT);
        assertEq(_balance(b, payee), left);
        assertGt(left, AMOUNT * 99 / 100);
        assertEq(_balance(b, address(executor)), 0);
    }

    function test_what_is_held_is_paid_out_when_it_is_both_assets() public {
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.exact(AMOUNT / 2), payee);
        (uint256 spent, uint256 left) = _run(_planLeaving(a, a, AMOUNT, AMOUNT / 2, legs));
        assertEq(spent, AMOUNT / 2);
        assertEq(left, AMOUNT / 2);
        assertEq(_balance(a, payee), AMOUNT / 2);
    }

    function test_native_coin_is_paid_out() public {
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.all(), payee);
        (uint256 spent, uint256 left) = _run(_planLeaving(address(0), address(0), AMOUNT, AMOUNT, legs));
        assertEq(spent, AMOUNT);
        assertEq(left, AMOUNT);
        assertEq(payee.balance, AMOUNT);
    }

    function test_less_than_the_bound_leaves_nothing() public {
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.exact(AMOUNT / 2), payee);
        _refuses(
            _planLeaving(a, a, AMOUNT, AMOUNT / 2 + 1, legs),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, AMOUNT / 2, AMOUNT / 2 + 1)
        );
    }

    function test_an_unlisted_payee_gets_nothing(address to) public {
        vm.assume(to != payee);
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.all(), to);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, legs),
            abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_PAYOUT, to, bytes4(0))
        );
    }

    function test_whom_only_another_kind_or_function_lists_is_no_payee() public {
        address other = makeAddr("other");
        _list(LEG_ACROSS, other, 0);
        _list(LEG_PAYOUT, other, IERC20.transfer.selector);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), other)),
            abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_PAYOUT, other, bytes4(0))
        );
    }

    function test_paying_oneself_does_not_count_as_leaving() public {
        _list(LEG_PAYOUT, address(executor), 0);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), address(executor))),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    function test_a_payee_that_refuses_coin_reverts_the_plan() public {
        address unwilling = address(new Unwilling());
        _list(LEG_PAYOUT, unwilling, 0);
        _refuses(
            _planLeaving(address(0), address(0), AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), unwilling)),
            abi.encodeWithSelector(ITokenErrors.TransferFailed.selector, address(0), unwilling, AMOUNT)
        );
    }

    function test_a_fee_on_transfer_counts_only_what_arrives() public {
        FeeToken fee = new FeeToken();
        _mint(address(fee), address(executor), AMOUNT);
        bytes memory legs = FurtherPlans.payout(0, 1, Plans.all(), payee);
        _refuses(
            _planLeaving(address(fee), address(fee), AMOUNT, AMOUNT, legs),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, AMOUNT * 99 / 100, AMOUNT)
        );
    }

    function test_a_payout_of_another_asset_does_not_count() public {
        _mint(b, address(executor), AMOUNT);
        _refuses(
            _planLeaving(a, b, AMOUNT, 1, FurtherPlans.payout(0, 1, Plans.all(), payee)),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    function test_a_plan_that_must_rise_cannot_pay_out_what_it_bought() public {
        _pair(a, b);
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), FurtherPlans.payout(1, 0, Plans.all(), payee));
        _refuses(_plan(a, b, AMOUNT, legs), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
    }

    // Across

    function test_a_deposit_is_made_for_the_account_itself() public {
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        vm.expectCall(address(spoke), _depositCall(AMOUNT));
        (uint256 spent, uint256 left) =
            _run(_planLeaving(a, a, AMOUNT, AMOUNT, FurtherPlans.across(0, 1, Plans.all(), deposit)));
        assertEq(spent, AMOUNT);
        assertEq(left, AMOUNT);
        assertEq(_balance(a, address(spoke)), AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), address(spoke)), 0);
    }

    function test_a_deposit_is_made_for_a_listed_recipient_after_a_swap() public {
        _pair(a, b);
        _list(LEG_ACROSS, payee, 0);
        bytes memory legs =
            abi.encodePacked(Plans.v2(0, 1, Plans.all(), 0), FurtherPlans.across(1, 0, Plans.all(), _deposit(payee)));
        (, uint256 left) = _run(_planLeaving(a, b, AMOUNT, 1, legs));
        assertEq(_balance(b, address(spoke)), left);
    }

    function test_an_unlisted_recipient_is_refused() public {
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.across(0, 1, Plans.all(), _deposit(payee))),
            abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_ACROSS, payee, bytes4(0))
        );
    }

    function test_a_deposit_that_asks_for_nothing_is_refused() public {
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        deposit.outputAmount = 0;
        Plan memory plan = _planLeaving(a, a, AMOUNT, 1, FurtherPlans.across(0, 1, Plans.all(), deposit));
        _refuses(plan, abi.encodeWithSelector(IAnnex.NothingAsked.selector));
        deposit = _deposit(address(executor));
        deposit.outputToken = address(0);
        plan = _planLeaving(a, a, AMOUNT, 1, FurtherPlans.across(0, 1, Plans.all(), deposit));
        _refuses(plan, abi.encodeWithSelector(IAnnex.NothingAsked.selector));
    }

    function test_the_bridges_own_refusal_is_passed_on() public {
        FurtherPlans.Deposit memory deposit = _deposit(address(executor));
        deposit.quoteTimestamp = uint32(NOW) - 7200;
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.across(0, 1, Plans.all(), deposit)),
            abi.encodeWithSelector(PlainSpokePool.InvalidQuoteTimestamp.selector)
        );
    }

    function test_native_coin_cannot_be_deposited_unwrapped() public {
        bytes memory legs = FurtherPlans.across(0, 1, Plans.all(), _deposit(address(executor)));
        _refuses(
            _planLeaving(address(0), address(0), AMOUNT, 1, legs),
            abi.encodeWithSelector(ITokenErrors.ApproveFailed.selector, address(0), address(spoke), AMOUNT)
        );
    }

    function test_a_chain_without_the_bridge_refuses() public {
        IAnnex.Places memory none;
        _settle(none);
        _refuses(
            _planLeaving(a, a, AMOUNT, 1, FurtherPlans.across(0, 1, Plans.all(), _deposit(address(executor)))),
            abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_ACROSS, 0)
        );
    }

    function _deposit(address recipient) private view returns (FurtherPlans.Deposit memory) {
        return FurtherPlans.Deposit(recipient, b, 990e18, 10, maker, uint32(NOW) - 60, uint32(NOW) + 3600, 30);
    }

    /// @dev The whole call: depositor and recipient are the account, and the message is empty.
    function _depositCall(uint256 amount) private view returns (bytes memory) {
        address account = address(executor);
        bytes memory assets = abi.encode(account, account, a, b, amount, 990e18);
        bytes memory terms = abi.encode(10, maker, uint32(NOW) - 60, uint32(NOW) + 3600, 30, 12 * 32, 0);
        return bytes.concat(ISpokePool.depositV3.selector, assets, terms);
    }
}

/// @notice A deposit at Across's published contract, where its package is installed.
contract AcrossPublishedTest is FurtherChain {
    string private constant ARTIFACT =
        "node_modules/@across-protocol/contracts/artifacts/contracts/Ethereum_SpokePool.sol/Ethereum_SpokePool.json";
    uint128 internal constant AMOUNT = 1000e18;

    address internal spoke;

    function setUp() public override {
        try vm.readFile(ARTIFACT) {
            super.setUp();
            spoke = _deploy(ARTIFACT, abi.encode(weth, 3600, 21_600));
            IAnnex.Places memory known;
            known.spokePool = spoke;
            _settle(known);
            _mint(a, address(executor), AMOUNT);
            _openRoute(10);
        } catch {
            vm.skip(true, "@across-protocol/contracts is not installed");
        }
    }

    function test_a_deposit_is_taken_by_the_published_contract() public {
        FurtherPlans.Deposit memory deposit =
            FurtherPlans.Deposit(address(executor), b, 990e18, 10, address(0), uint32(NOW), uint32(NOW) + 3600, 0);
        (uint256 spent, uint256 left) =
            _run(_planLeaving(a, a, AMOUNT, AMOUNT, FurtherPlans.across(0, 1, Plans.all(), deposit)));
        assertEq(spent, AMOUNT);
        assertEq(left, AMOUNT);
        assertEq(_balance(a, spoke), AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), spoke), 0);
    }

    /// @dev As Across's owner would; the slot is what its getter reads.
    function _openRoute(uint256 chainId) private {
        vm.record();
        (bool answered,) = spoke.call(abi.encodeWithSignature("enabledDepositRoutes(address,uint256)", a, chainId));
        assertTrue(answered);
        (bytes32[] memory reads,) = vm.accesses(spoke);
        vm.store(spoke, reads[reads.length - 1], bytes32(uint256(1)));
    }
}
