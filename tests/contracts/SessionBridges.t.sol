// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_ACROSS, LEG_PAYOUT} from "contracts/types/Plan.sol";

import {PlainSpokePool} from "./mocks/Bridges.sol";
import {MockFeed} from "./mocks/MockFeed.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {SessionChain} from "./support/SessionChain.sol";

/// @notice What a session's key may send away, and at which price.
contract SessionBridgesTest is SessionChain {
    using Sending for IExecutorUnderTest;

    uint64 internal constant FAR = 10;
    uint128 internal constant SALE = 10e18;
    /// @dev In millionths.
    uint128 internal constant ASKED = 9.9e6;

    address internal farToken = makeAddr("far token");
    address internal payee = makeAddr("payee");
    PlainSpokePool internal spoke;
    MockFeed internal feed;

    function setUp() public override {
        spoke = new PlainSpokePool();
        super.setUp();
        feed = new MockFeed(8, 1e8, NOW);
        vm.startPrank(desk);
        executor.setReference(a, address(feed), 60);
        executor.setReference(b, address(feed), 60);
        executor.setFarReference(FAR, farToken, address(feed), 60, 6);
        executor.setListed(uint8(LEG_PAYOUT), payee, 0, true);
        vm.stopPrank();
        _grantLeaving(100);
    }

    function _places() internal view override returns (IAnnex.Places memory known) {
        (known.weth, known.spokePool) = (weth, address(spoke));
    }

    function test_what_is_bridged_must_be_asked_for_at_its_price_on_the_other_side() public {
        _robotRuns(_bridging(_deposit(ASKED)));
        assertEq(_balance(a, address(spoke)), SALE);
        _robotFails(
            _bridging(_deposit(ASKED - 1)),
            abi.encodeWithSelector(ISessions.BelowReference.selector, robot, 9.899999e18, 9.9e18)
        );
    }

    function test_what_is_bought_and_bridged_is_held_to_the_price_of_what_fell() public {
        bytes memory swap = Plans.v2(0, 1, Plans.all(), 0);
        FurtherPlans.Deposit memory deposit = _deposit(ASKED);
        bytes memory bridge = FurtherPlans.across(1, 0, Plans.all(), deposit);
        _robotRuns(_leaving(a, b, abi.encodePacked(swap, bridge)));
        assertGt(_balance(b, address(spoke)), SALE * 99 / 100);
        deposit.outputAmount = ASKED - 1;
        bridge = FurtherPlans.across(1, 0, Plans.all(), deposit);
        _robotFails(
            _leaving(a, b, abi.encodePacked(swap, bridge)),
            abi.encodeWithSelector(ISessions.BelowReference.selector, robot, 9.899999e18, 9.9e18)
        );
    }

    function test_an_order_that_asks_for_more_than_leaves_counts_as_what_leaves(uint128 asked) public {
        asked = uint128(bound(asked, 20e6, type(uint128).max));
        // A tenth of what falls is bridged; the rest is sold for what is not declared, at a loss for the plan.
        bytes memory swap = Plans.v2(0, 1, Plans.all(), 0);
        bytes memory bridge = FurtherPlans.across(1, 0, Plans.exact(1e18), _deposit(asked));
        _robotFails(
            _leaving(a, b, abi.encodePacked(swap, bridge)),
            abi.encodeWithSelector(ISessions.BelowReference.selector, robot, 1e18, 9.9e18)
        );
    }

    function test_a_token_or_chain_without_a_reference_is_not_bridged_into() public {
        FurtherPlans.Deposit memory deposit = _deposit(ASKED);
        deposit.outputToken = payee;
        _robotFails(_bridging(deposit), abi.encodeWithSelector(ISessions.FarFeedMissing.selector, FAR, payee));
        deposit = _deposit(ASKED);
        deposit.chainId = 11;
        _robotFails(_bridging(deposit), abi.encodeWithSelector(ISessions.FarFeedMissing.selector, 11, farToken));
        vm.prank(desk);
        executor.setFarReference(FAR, farToken, address(0), 0, 0);
        _robotFails(
            _bridging(_deposit(ASKED)), abi.encodeWithSelector(ISessions.FarFeedMissing.selector, FAR, farToken)
        );
    }

    function test_a_bridge_is_alone_in_what_it_sends() public {
        bytes memory half = FurtherPlans.across(0, 1, Plans.share(1 << 31), _deposit(ASKED));
        bytes memory rest = FurtherPlans.across(0, 1, Plans.all(), _deposit(ASKED));
        bytes memory paid = FurtherPlans.payout(0, 1, Plans.share(1 << 31), payee);
        bytes[3] memory both = [abi.encodePacked(half, rest), abi.encodePacked(paid, rest), ""];
        both[2] = abi.encodePacked(half, FurtherPlans.payout(0, 1, Plans.all(), payee));
        uint256[3] memory second = [82 + half.length, 82 + paid.length, 82 + half.length];
        for (uint256 i = 0; i < 3; ++i) {
            _robotFails(
                _leaving(a, a, both[i]), abi.encodeWithSelector(ISessions.BridgeNotAlone.selector, robot, second[i])
            );
        }
    }

    function test_payments_count_as_what_arrived_however_many() public {
        bytes memory legs = abi.encodePacked(
            Plans.v2(0, 1, Plans.all(), 0),
            FurtherPlans.payout(1, 0, Plans.share(1 << 31), payee),
            FurtherPlans.payout(1, 0, Plans.all(), payee)
        );
        _robotRuns(_leaving(a, b, legs));
        uint256 paid = _balance(b, payee);
        assertGt(paid, SALE * 99 / 100);
        feed.set(1e8, NOW);
        MockFeed dear = new MockFeed(8, 1.1e8, NOW);
        vm.prank(desk);
        executor.setReference(a, address(dear), 60);
        vm.prank(robot);
        vm.expectPartialRevert(ISessions.BelowReference.selector);
        executor.execute(_leaving(a, b, legs));
    }

    function test_what_is_bridged_of_another_asset_than_the_second_was_not_earned() public {
        bytes memory legs = abi.encodePacked(
            FurtherPlans.across(0, 1, Plans.exact(SALE / 2), _deposit(ASKED)), Plans.v2(0, 1, Plans.all(), 0)
        );
        vm.prank(robot);
        vm.expectPartialRevert(ISessions.BelowReference.selector);
        executor.execute(Plans.encode(_plan(a, b, SALE, legs)));
    }

    function test_where_nothing_is_compared_the_limit_is_the_bound() public {
        _grantLeaving(10_000);
        FurtherPlans.Deposit memory deposit = _deposit(1);
        deposit.chainId = 11;
        _robotRuns(_bridging(deposit));
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT - SALE);
    }

    function test_a_reference_that_is_named_later_lets_no_key_bridge_to_another_chain() public {
        vm.prank(desk);
        executor.setFarReference(8453, farToken, address(feed), 60, 6);
        FurtherPlans.Deposit memory deposit = _deposit(ASKED);
        deposit.chainId = 8453;
        bytes32 id = keccak256(abi.encode(executor, 8453));
        _robotFails(
            _bridging(deposit), abi.encodeWithSelector(ISessions.VenueNotGranted.selector, robot, 82, LEG_ACROSS, id)
        );
        assertFalse(executor.mayUseVenue(robot, uint8(LEG_ACROSS), id));
        assertTrue(executor.mayUseVenue(robot, uint8(LEG_ACROSS), keccak256(abi.encode(executor, FAR))));
    }

    function test_a_receiver_that_was_granted_for_no_chain_is_bridged_to_on_none() public {
        ISessions.Grant memory terms = _terms();
        terms.kinds |= uint32(1 << LEG_ACROSS);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_ACROSS), bytes32(uint256(uint160(address(executor)))));
        terms.rises[0] = a;
        _grant(terms);
        vm.prank(robot);
        vm.expectPartialRevert(ISessions.VenueNotGranted.selector);
        executor.execute(_bridging(_deposit(ASKED)));
    }

    function test_far_references_are_named_by_the_owner_and_must_answer(address caller) public {
        vm.assume(caller != desk && caller != address(0));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.setFarReference(FAR, payee, address(feed), 60, 6);
        vm.startPrank(desk);
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadFeed.selector, payee, feed, 37, 60));
        executor.setFarReference(FAR, payee, address(feed), 60, 37);
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadFeed.selector, payee, feed, 6, 0));
        executor.setFarReference(FAR, payee, address(feed), 0, 6);
        feed.set(0, NOW);
        vm.expectRevert(abi.encodeWithSelector(ISessions.FeedAnswer.selector, feed, 0));
        executor.setFarReference(FAR, payee, address(feed), 60, 6);
        vm.stopPrank();
        (address named, uint32 maxAge, uint8 decimals) = executor.farReferenceFeed(FAR, farToken);
        assertEq(named, address(feed));
        assertEq(maxAge, 60);
        assertEq(decimals, 6);
    }

    function _grantLeaving(uint16 bps) private {
        ISessions.Grant memory terms = _terms();
        terms.mostLossBps = bps;
        terms.kinds |= uint32((1 << LEG_ACROSS) | (1 << LEG_PAYOUT));
        terms.venues = new ISessions.GrantedVenue[](4);
        terms.venues[0] = ISessions.GrantedVenue(1, 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_ACROSS), keccak256(abi.encode(executor, FAR)));
        terms.venues[2] = ISessions.GrantedVenue(uint8(LEG_PAYOUT), bytes32(uint256(uint160(payee))));
        terms.venues[3] = ISessions.GrantedVenue(uint8(LEG_ACROSS), keccak256(abi.encode(executor, FAR + 1)));
        terms.rises = new address[](2);
        (terms.rises[0], terms.rises[1]) = (a, b);
        _grant(terms);
    }

    function _bridging(FurtherPlans.Deposit memory deposit) private view returns (bytes memory) {
        return _leaving(a, a, FurtherPlans.across(0, 1, Plans.all(), deposit));
    }

    function _leaving(address sold, address sent, bytes memory legs) private pure returns (bytes memory) {
        Plan memory plan = _plan(sold, sent, SALE, legs);
        (plan.minOut, plan.leaves) = (1, true);
        return Plans.encode(plan);
    }

    function _deposit(uint128 asked) private view returns (FurtherPlans.Deposit memory) {
        return FurtherPlans.Deposit(
            address(executor), farToken, asked, FAR, address(0), uint32(NOW) - 60, uint32(NOW) + 3600, 0
        );
    }
}
