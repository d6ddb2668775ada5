// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IWarden} from "contracts/interfaces/IParts.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {
    BOUND_UNCHANGED,
    FLAG_DELIVER,
    FLAG_PULL,
    LEG_CURVE_STABLE,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_RFQ,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    LEG_WRAP
} from "contracts/types/Plan.sol";

import {MockFeed} from "./mocks/MockFeed.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {SessionChain} from "./support/SessionChain.sol";
import {ReenteringToken} from "./tokens/HostileTokens.sol";

/// @notice What a session's key may and may not do.
contract ExecutorSessionsTest is SessionChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant SALE = 10e18;

    // What is granted

    function test_a_key_sells_what_it_was_granted_at_the_venues_it_was_granted() public {
        _grant(_terms());
        (uint256 spent, uint256 received) = _robotRuns(_sale(SALE));
        assertEq(spent, SALE);
        assertEq(_balance(a, address(executor)), HELD - SALE);
        assertEq(_balance(b, address(executor)), HELD + received);
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT - SALE);
    }

    function test_a_grant_can_be_read_back() public {
        ISessions.Grant memory terms = _terms();
        (terms.mayPull, terms.gasBudget) = (true, 1 ether);
        _grant(terms);
        (uint256 grant, uint40 expiry, uint32 kinds, uint16 loss, bool pull, uint96 budget) = executor.session(robot);
        assertEq(grant, 1);
        assertEq(expiry, EXPIRY);
        assertEq(kinds, terms.kinds);
        assertEq(loss, 10_000);
        assertTrue(pull);
        assertEq(budget, 1 ether);
        assertTrue(executor.mayUseVenue(robot, uint8(LEG_V2), 0));
        assertFalse(executor.mayUseVenue(robot, uint8(LEG_V2), bytes32(uint256(1))));
        assertTrue(executor.mayRise(robot, b));
        assertFalse(executor.mayRise(robot, a));
        (uint128 limit, uint32 period, uint256 free) = executor.spending(robot, a);
        assertEq(limit, LIMIT);
        assertEq(period, PERIOD);
        assertEq(free, LIMIT);
    }

    function test_a_key_that_was_never_granted_anything_is_a_stranger(address stranger) public {
        vm.assume(stranger != desk && stranger != address(0) && stranger != address(executor));
        bytes memory packed = _sale(SALE);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, stranger));
        executor.execute(packed);
    }

    function test_only_the_owner_grants_and_names_feeds(address caller) public {
        vm.assume(caller != desk && caller != address(0));
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.grantSession(robot, _terms());
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        executor.setReference(a, address(1), 1);
        vm.stopPrank();
    }

    function test_who_needs_no_session_cannot_be_given_one() public {
        address[3] memory keys = [address(0), desk, address(executor)];
        for (uint256 i = 0; i < keys.length; ++i) {
            vm.prank(desk);
            vm.expectRevert(abi.encodeWithSelector(ISessions.BadKey.selector, keys[i]));
            executor.grantSession(keys[i], _terms());
        }
    }

    function test_a_grant_that_bounds_nothing_is_refused() public {
        ISessions.Grant memory terms = _terms();
        terms.expiry = NOW;
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.BadGrant.selector, NOW, 10_000));
        terms = _terms();
        terms.mostLossBps = 10_001;
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.BadGrant.selector, EXPIRY, 10_001));
        terms = _terms();
        terms.spends[0].limit = 0;
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.BadSpend.selector, a, 0, PERIOD));
        terms = _terms();
        terms.spends[0].period = 0;
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.BadSpend.selector, a, LIMIT, 0));
        terms = _terms();
        terms.mostLossBps = 100;
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.FeedMissing.selector, b));
    }

    // Time

    function test_a_key_expires_after_its_last_second() public {
        _grant(_terms());
        vm.warp(EXPIRY);
        _robotRuns(_sale(SALE));
        vm.warp(EXPIRY + 1);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.SessionExpired.selector, robot, EXPIRY, EXPIRY + 1));
    }

    function test_owner_and_guardian_revoke_in_the_same_block() public {
        address[2] memory revokers = [desk, watchman];
        for (uint256 i = 0; i < revokers.length; ++i) {
            _grant(_terms());
            _robotRuns(_sale(SALE));
            vm.prank(revokers[i]);
            executor.revokeSession(robot);
            _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.SessionRevoked.selector, robot));
        }
    }

    function test_nobody_else_revokes(address caller) public {
        vm.assume(caller != desk && caller != watchman && caller != address(0));
        _grant(_terms());
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotGuardian.selector, caller));
        executor.revokeSession(robot);
    }

    function test_a_new_grant_starts_clean() public {
        ISessions.Grant memory terms = _terms();
        _grant(terms);
        _robotRuns(_sale(LIMIT));
        terms.venues = new ISessions.GrantedVenue[](1);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V3), 0);
        _grant(terms);
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT);
        _robotFails(
            _sale(SALE), abi.encodeWithSelector(ISessions.VenueNotGranted.selector, robot, 82, LEG_V2, bytes32(0))
        );
        terms.rises[0] = c;
        terms.spends[0].token = c;
        _grant(terms);
        assertFalse(executor.mayRise(robot, b));
        _robotFails(
            _saleWith(SALE, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(ISessions.FallNotGranted.selector, robot, a)
        );
    }

    function test_a_pause_stops_keys_too() public {
        _grant(_terms());
        vm.prank(watchman);
        executor.pause();
        _robotFails(_sale(SALE), abi.encodeWithSelector(IAccount.IsPaused.selector));
    }

    // Legs and venues

    function test_a_leg_of_a_kind_that_was_not_granted_is_refused(uint8 kind) public {
        kind = uint8(bound(kind, 1, 18));
        ISessions.Grant memory terms = _terms();
        terms.kinds = ~uint32(1 << kind);
        _grant(terms);
        _robotFails(
            _saleWith(SALE, abi.encodePacked(uint8(kind | 64), uint8(1), uint8(1), new bytes(300))),
            abi.encodeWithSelector(ISessions.KindNotGranted.selector, robot, 82, kind)
        );
    }

    function test_each_kind_names_its_venue() public {
        ISessions.Grant memory terms = _terms();
        terms.kinds = type(uint32).max;
        terms.venues = new ISessions.GrantedVenue[](0);
        _grant(terms);
        Quote memory quote = _quote(b, a, SALE);
        (address low, address high) = a < b ? (a, b) : (b, a);
        _refuseVenue(Plans.v2(0, 1, Plans.all(), 3), LEG_V2, bytes32(uint256(3)));
        _refuseVenue(Plans.v3(0, 1, Plans.share(1 << 31), 4, FEE), LEG_V3, bytes32(uint256(4)));
        _refuseVenue(Plans.solidly(0, 1, Plans.all(), 5, true), 7, bytes32(uint256(5)));
        _refuseVenue(
            Plans.v4(0, 1, Plans.all(), FEE, SPACING, false),
            LEG_V4,
            keccak256(abi.encodePacked(low, high, FEE, SPACING, false))
        );
        _refuseVenue(Plans.balancer(0, 1, Plans.exact(SALE), bytes32(uint256(99))), 6, bytes32(uint256(99)));
        _refuseVenue(Plans.curve(0, 1, Plans.all(), address(77), 0, 1, false), LEG_CURVE_STABLE, bytes32(uint256(77)));
        _refuseVenue(Plans.rfq(0, 1, Plans.all(), quote, "signature"), LEG_RFQ, bytes32(uint256(uint160(maker))));
        _refuseVenue(
            abi.encodePacked(uint8(LEG_PAYOUT | 64), uint8(1), uint16(24), address(88), uint32(0)),
            LEG_PAYOUT,
            bytes32(uint256(88))
        );
        _refuseVenue(
            abi.encodePacked(uint8(LEG_FLASH | 64), uint8(1), uint16(38), address(89), uint8(1), uint128(1), uint8(0)),
            LEG_FLASH,
            bytes32(uint256(89))
        );
    }

    function test_a_session_that_ended_is_said_to_have_nothing(uint8 way) public {
        _grant(_terms());
        _saysOf(LIMIT);
        way %= 3;
        if (way == 0) {
            vm.prank(watchman);
            executor.revokeSession(robot);
        } else if (way == 1) {
            vm.warp(EXPIRY);
            _saysOf(LIMIT);
            vm.warp(EXPIRY + 1);
        } else {
            vm.prank(desk);
            executor.offerOwnership(watchman);
            vm.prank(watchman);
            executor.acceptOwnership();
        }
        _saysOf(0);
    }

    function _saysOf(uint256 expected) private view {
        assertEq(executor.mayUseVenue(robot, uint8(LEG_V2), 0), expected != 0);
        assertEq(executor.mayRise(robot, b), expected != 0);
        (uint128 limit, uint32 period, uint256 free) = executor.spending(robot, a);
        assertEq(limit, expected);
        assertEq(period, expected == 0 ? 0 : PERIOD);
        assertEq(free, expected);
    }

    function test_the_second_leg_is_looked_at_like_the_first() public {
        _grant(_terms());
        bytes memory first = Plans.v2(0, 1, Plans.share(1 << 31), 0);
        _robotFails(
            _saleWith(SALE, abi.encodePacked(first, Plans.v3(0, 1, Plans.all(), 9, FEE))),
            abi.encodeWithSelector(
                ISessions.VenueNotGranted.selector, robot, 82 + first.length, LEG_V3, bytes32(uint256(9))
            )
        );
    }

    function test_hops_of_an_exact_output_count_as_concentrated() public {
        _grant(_terms());
        (, uint256 received) =
            _robotRuns(_saleWith(SALE, Plans.exactOut(0, 1, 1e18, abi.encodePacked(uint8(0), FEE), "")));
        assertEq(received, 1e18);
        bytes memory hops = abi.encodePacked(uint8(0), FEE, uint8(6), FEE);
        _robotFails(
            _saleWith(SALE, Plans.exactOut(0, 1, 1e18, hops, abi.encodePacked(uint8(0)))),
            abi.encodeWithSelector(ISessions.VenueNotGranted.selector, robot, 82, LEG_V3, bytes32(uint256(6)))
        );
    }

    function test_wrapping_needs_no_venue_and_other_further_legs_need_an_address() public {
        ISessions.Grant memory terms = _terms();
        terms.kinds = type(uint32).max;
        _grant(terms);
        // Past the check, and refused by the part that runs such legs.
        bytes memory wrap = abi.encodePacked(uint8(LEG_WRAP | 64), uint8(1), uint16(0));
        vm.prank(robot);
        (bool success, bytes memory reason) = address(executor).call(_saleWith(SALE, wrap));
        assertFalse(success);
        assertTrue(bytes4(reason) != ISessions.VenueNotGranted.selector);
        bytes memory bare = abi.encodePacked(uint8(LEG_PAYOUT | 64), uint8(1), uint16(3), uint24(0));
        _robotFails(_saleWith(SALE, bare), abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 106, 89));
    }

    /// @dev What is read before is what runs: a plan of bytes that a key made up is refused by one of the two.
    function test_random_legs_never_spend_what_was_not_granted(bytes calldata legs, uint256 seed) public {
        vm.assume(legs.length > 3 && legs.length < 200);
        _grant(_terms());
        bytes memory made = legs;
        made[0] = bytes1(uint8(1 + seed % 9) | uint8((seed >> 8) % 3) * 32);
        made[1] = bytes1(uint8(1));
        vm.prank(robot);
        (bool success,) = address(executor).call(_saleWith(SALE, made));
        uint256 fell = HELD - _balance(a, address(executor));
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(LIMIT - free, fell);
        if (!success) assertEq(fell, 0);
    }

    // Assets

    function test_a_key_buys_only_what_may_rise() public {
        _pair(a, c);
        _grant(_terms());
        Plan memory plan = _plan(a, c, SALE, Plans.v2(0, 1, Plans.all(), 0));
        _robotFails(Plans.encode(plan), abi.encodeWithSelector(ISessions.RiseNotGranted.selector, robot, c));
        plan = _plan(b, a, SALE, Plans.v2(0, 1, Plans.all(), 0));
        _robotFails(Plans.encode(plan), abi.encodeWithSelector(ISessions.FallNotGranted.selector, robot, b));
    }

    function test_dust_of_what_passes_through_counts_as_a_rise() public {
        _grant(_terms());
        bytes memory legs = Plans.v2(0, 1, Plans.all(), 0);
        bytes memory through = abi.encodePacked(uint8(BOUND_UNCHANGED), c, uint128(1));
        _robotFails(_threeAssets(through, legs), abi.encodeWithSelector(ISessions.RiseNotGranted.selector, robot, c));
        through = abi.encodePacked(uint8(BOUND_UNCHANGED), c, uint128(0));
        _robotRuns(_threeAssets(through, legs));
    }

    function test_an_asset_named_twice_is_refused_to_a_key() public {
        _grant(_terms());
        bytes memory twice = abi.encodePacked(uint8(2), b, uint128(1));
        _robotFails(
            _threeAssets(twice, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ISessions.AssetTwice.selector, b)
        );
    }

    function test_a_key_takes_the_owners_own_funds_only_if_granted() public {
        _mint(a, desk, SALE);
        vm.prank(desk);
        IERC20(a).approve(address(executor), SALE);
        Plan memory plan = _plan(a, b, SALE, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL | FLAG_DELIVER);
        ISessions.Grant memory terms = _terms();
        _grant(terms);
        _robotFails(Plans.encode(plan), abi.encodeWithSelector(ISessions.PullNotGranted.selector, robot));
        terms.mayPull = true;
        _grant(terms);
        _robotRuns(Plans.encode(plan));
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT - SALE);
        assertGt(_balance(b, desk), 0);
    }

    // Limits

    function test_a_limit_counts_what_fell_and_not_what_might_have() public {
        _grant(_terms());
        (uint256 spent,) = _robotRuns(_saleWith(LIMIT * 5, Plans.v2(0, 1, Plans.exact(SALE), 0)));
        assertEq(spent, SALE);
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT - SALE);
    }

    function test_a_limit_is_never_passed_and_frees_itself_in_time() public {
        _grant(_terms());
        _robotRuns(_sale(LIMIT));
        _robotFails(_sale(1e6), abi.encodeWithSelector(ISessions.SpendLimit.selector, robot, a, 1e6, 0));
        vm.warp(NOW + PERIOD - 1);
        _robotFails(_sale(1e6), abi.encodeWithSelector(ISessions.SpendLimit.selector, robot, a, 1e6, 0));
        vm.warp(NOW + PERIOD + PERIOD / 3);
        _robotRuns(_sale(LIMIT));
    }

    // Prices

    function test_a_plan_must_earn_what_the_reference_says_less_the_loss_allowed() public {
        (MockFeed feedA,) = _feeds();
        _grantCompared(100);
        _robotRuns(_sale(SALE));
        feedA.set(1.1e8, NOW);
        vm.prank(robot);
        vm.expectPartialRevert(ISessions.BelowReference.selector);
        executor.execute(_sale(SALE));
    }

    function test_the_floor_is_exact_to_the_last_unit() public {
        _feeds();
        _grantCompared(0);
        // One for one, less the pool's 0.3 %, is below one for one.
        uint256 snapshot = vm.snapshotState();
        vm.prank(desk);
        (uint256 spent, uint256 received) = executor.execute(_sale(SALE));
        vm.revertToState(snapshot);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.BelowReference.selector, robot, received, spent));
    }

    function test_a_floor_holds_for_any_prices(
        uint96 priceA,
        uint96 priceB,
        uint8 decimalsA,
        uint8 decimalsB,
        uint16 bps
    ) public {
        (priceA, priceB) = (uint96(bound(priceA, 1, 1e24)), uint96(bound(priceB, 1, 1e24)));
        (decimalsA, decimalsB, bps) = (uint8(bound(decimalsA, 0, 20)), uint8(bound(decimalsB, 0, 20)), bps % 10_000);
        vm.startPrank(desk);
        executor.setReference(a, address(new MockFeed(decimalsA, int256(uint256(priceA)), NOW)), 60);
        executor.setReference(b, address(new MockFeed(decimalsB, int256(uint256(priceB)), NOW)), 60);
        vm.stopPrank();
        _grantCompared(bps);
        vm.prank(robot);
        (bool success, bytes memory answer) = address(executor).call(_sale(SALE));
        if (!success) {
            assertEq(bytes4(answer), ISessions.BelowReference.selector);
            return;
        }
        (uint256 spent, uint256 received) = abi.decode(answer, (uint256, uint256));
        // Without division, in whole numbers: below 2^256 for these bounds.
        uint256 left = received * priceB * (10 ** decimalsA);
        uint256 right = spent * priceA * (10 ** decimalsB);
        assertGe(left / (10_000 - bps) + 1, right / 10_000);
    }

    function test_an_answer_that_is_old_or_not_positive_or_missing_is_none() public {
        (MockFeed feedA, MockFeed feedB) = _feeds();
        _grantCompared(9999);
        feedA.set(0, NOW);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.FeedAnswer.selector, feedA, 0));
        feedA.set(-1, NOW);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.FeedAnswer.selector, feedA, -1));
        feedA.set(1e8, NOW - 61);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.FeedStale.selector, feedA, NOW - 61, NOW));
        feedA.set(1e8, NOW + 1);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.FeedStale.selector, feedA, NOW + 1, NOW));
        feedA.set(1e8, NOW - 60);
        _robotRuns(_sale(SALE));
        feedB.set(1e8, 0);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.FeedStale.selector, feedB, 0, NOW));
        vm.prank(desk);
        executor.setReference(b, address(0), 0);
        _robotFails(_sale(SALE), abi.encodeWithSelector(ISessions.FeedMissing.selector, b));
    }

    function test_a_session_is_granted_only_while_its_feeds_answer() public {
        (MockFeed feedA, MockFeed feedB) = _feeds();
        ISessions.Grant memory terms = _terms();
        terms.mostLossBps = 100;
        feedA.set(1e8, NOW - 61);
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.FeedStale.selector, feedA, NOW - 61, NOW));
        feedA.set(1e8, NOW + 1);
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.FeedStale.selector, feedA, NOW + 1, NOW));
        feedA.set(-1, NOW);
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.FeedAnswer.selector, feedA, -1));
        feedA.set(1e8, NOW);
        feedB.set(0, NOW);
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.FeedAnswer.selector, feedB, 0));
        feedB.set(1e18, NOW);
        feedB.setDecimals(37);
        _refuseGrant(terms, abi.encodeWithSelector(ISessions.BadFeed.selector, address(0), feedB, 37, 60));
        feedB.setDecimals(18);
        _grant(terms);
        // Where nothing is compared, nothing is asked.
        feedB.set(0, NOW);
        _grant(_terms());
    }

    function test_a_feed_that_does_not_answer_is_not_taken() public {
        MockFeed dead = new MockFeed(8, 0, NOW);
        vm.startPrank(desk);
        vm.expectRevert(abi.encodeWithSelector(ISessions.FeedAnswer.selector, dead, 0));
        executor.setReference(a, address(dead), 60);
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadFeed.selector, a, dead, 18, 0));
        executor.setReference(a, address(dead), 0);
        address nobody = makeAddr("nobody");
        vm.expectRevert(abi.encodeWithSelector(ISessions.BadFeed.selector, a, nobody, 18, 60));
        executor.setReference(a, nobody, 60);
        vm.stopPrank();
    }

    // The doors into a plan

    function test_nobody_reaches_the_check_or_the_charge_but_a_plan(address caller) public {
        vm.assume(caller != address(0));
        _grant(_terms());
        bytes memory packed = _sale(SALE);
        uint256[] memory changes = new uint256[](2);
        (changes[0], changes[1]) = (LIMIT, 1);
        IWarden outside = IWarden(address(executor));
        IWarden alone = IWarden(vm.deployCode("Warden.sol:Warden"));
        vm.startPrank(caller);
        vm.expectRevert(ISessions.OnlyWithinPlan.selector);
        outside.checkPlan(robot, packed);
        vm.expectRevert(ISessions.OnlyWithinPlan.selector);
        outside.chargePlan(robot, packed, changes);
        vm.expectRevert(ISessions.OnlyWithinPlan.selector);
        alone.checkPlan(robot, packed);
        vm.expectRevert(ISessions.OnlyWithinPlan.selector);
        alone.chargePlan(robot, packed, changes);
        vm.stopPrank();
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT);
    }

    function test_nobody_reaches_them_while_a_plan_runs_either() public {
        uint256[] memory changes = new uint256[](2);
        bytes[3] memory calls = [
            abi.encodeCall(IWarden.chargePlan, (robot, _sale(SALE), changes)),
            abi.encodeCall(IWarden.checkPlan, (robot, _sale(SALE))),
            abi.encodeCall(executor.grantSession, (robot, _terms()))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            (ReenteringToken token, bytes memory packed) = _reentering();
            token.plant(address(executor), calls[i]);
            vm.prank(desk);
            vm.expectRevert(IExecutor.Reentered.selector);
            executor.execute(packed);
        }
    }

    function test_the_warden_by_itself_obeys_nobody(address caller) public {
        vm.assume(caller != address(0));
        ISessions alone = ISessions(vm.deployCode("Warden.sol:Warden"));
        vm.startPrank(caller);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        alone.grantSession(robot, _terms());
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotGuardian.selector, caller));
        alone.revokeSession(robot);
        vm.stopPrank();
    }

    // Helpers

    function _refuseGrant(ISessions.Grant memory terms, bytes memory reason) private {
        vm.prank(desk);
        vm.expectRevert(reason);
        executor.grantSession(robot, terms);
    }

    function _refuseVenue(bytes memory leg, uint256 kind, bytes32 id) private {
        _robotFails(
            _saleWith(SALE, leg), abi.encodeWithSelector(ISessions.VenueNotGranted.selector, robot, 82, kind, id)
        );
    }

    function _threeAssets(bytes memory third, bytes memory legs) private view returns (bytes memory) {
        bytes memory table = Plans.table(_plan(a, b, SALE, legs));
        return abi.encodePacked(uint8(2), uint8(0), uint40(DEADLINE), uint8(0x30), table, third, legs);
    }

    function _feeds() private returns (MockFeed feedA, MockFeed feedB) {
        (feedA, feedB) = (new MockFeed(8, 1e8, NOW), new MockFeed(18, 1e18, NOW));
        vm.startPrank(desk);
        executor.setReference(a, address(feedA), 60);
        executor.setReference(b, address(feedB), 60);
        vm.stopPrank();
        (address feed, uint32 maxAge) = executor.referenceFeed(a);
        assertEq(feed, address(feedA));
        assertEq(maxAge, 60);
    }

    function _grantCompared(uint16 bps) private {
        ISessions.Grant memory terms = _terms();
        terms.mostLossBps = bps;
        _grant(terms);
    }

    function _reentering() private returns (ReenteringToken token, bytes memory packed) {
        token = new ReenteringToken();
        _pair(address(token), b);
        _mint(address(token), address(executor), SALE);
        packed = Plans.encode(_plan(address(token), b, SALE, Plans.v2(0, 1, Plans.all(), 0)));
    }
}
