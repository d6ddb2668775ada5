// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_V2} from "contracts/types/Plan.sol";

import {MockFeed} from "./mocks/MockFeed.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {SessionChain} from "./support/SessionChain.sol";

/// @notice No right that an owner gave outlives its ownership. What stops stays stopped.
contract ExecutorReignsTest is SessionChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant SALE = 10e18;

    address internal heir = makeAddr("heir");
    address internal second = makeAddr("second");

    function test_all_sessions_end_with_their_owner_at_once() public {
        _grant(_terms());
        vm.prank(desk);
        executor.grantSession(second, _terms());
        _robotRuns(_sale(SALE));
        _pass();
        address[2] memory keys = [robot, second];
        for (uint256 i = 0; i < 2; ++i) {
            (uint256 grant, uint40 expiry,,,,) = executor.session(keys[i]);
            assertEq(grant, i + 1);
            assertEq(expiry, 0);
            bytes memory reason = abi.encodeWithSelector(ISessions.FormerOwners.selector, keys[i], i + 1);
            bytes memory packed = _sale(SALE);
            vm.startPrank(keys[i]);
            vm.expectRevert(reason);
            executor.execute(packed);
            vm.expectRevert(reason);
            executor.executeBatch(_one(packed), 1);
            vm.stopPrank();
        }
    }

    function test_a_key_that_the_heir_grants_again_starts_clean() public {
        ISessions.Grant memory terms = _terms();
        _grant(terms);
        _robotRuns(_sale(LIMIT));
        _pass();
        terms.venues = new ISessions.GrantedVenue[](0);
        vm.prank(heir);
        assertEq(executor.grantSession(robot, terms), 3);
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, LIMIT);
        assertFalse(executor.mayUseVenue(robot, uint8(LEG_V2), 0));
        _robotFails(
            _sale(SALE), abi.encodeWithSelector(ISessions.VenueNotGranted.selector, robot, 82, LEG_V2, bytes32(0))
        );
    }

    function test_guardian_and_entry_point_end_with_their_owner() public {
        vm.prank(desk);
        executor.setEntryPoint(second);
        vm.prank(desk);
        executor.offerOwnership(heir);
        vm.expectEmit(address(executor));
        emit IAccount.GuardianSet(address(0));
        vm.expectEmit(address(executor));
        emit IAccount.ReignBegun(1);
        vm.prank(heir);
        executor.acceptOwnership();
        assertEq(executor.guardian(), address(0));
        assertEq(executor.entryPoint(), address(0));
        vm.prank(watchman);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotGuardian.selector, watchman));
        executor.pause();
        bytes memory packed = _sale(SALE);
        vm.prank(second);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, second));
        executor.execute(packed);
    }

    function test_references_end_with_their_owner() public {
        address feed = address(new MockFeed(8, 1e8, NOW));
        vm.startPrank(desk);
        executor.setReference(a, feed, 60);
        executor.setReference(b, feed, 60);
        executor.setFarReference(10, c, feed, 60, 6);
        vm.stopPrank();
        _pass();
        (address named,) = executor.referenceFeed(a);
        assertEq(named, address(0));
        (named,,) = executor.farReferenceFeed(10, c);
        assertEq(named, address(0));
        ISessions.Grant memory terms = _terms();
        terms.mostLossBps = 100;
        vm.startPrank(heir);
        vm.expectRevert(abi.encodeWithSelector(ISessions.FeedMissing.selector, b));
        executor.grantSession(robot, terms);
        executor.setReference(a, feed, 60);
        executor.setReference(b, feed, 60);
        executor.grantSession(robot, terms);
        vm.stopPrank();
        _robotRuns(_sale(SALE));
    }

    function test_what_is_stopped_stays_stopped() public {
        vm.startPrank(desk);
        executor.disableVenue(uint8(LEG_V2), 0);
        executor.pause();
        vm.stopPrank();
        _pass();
        assertTrue(executor.paused());
        assertFalse(executor.isBuiltInOn(uint8(LEG_V2)));
        assertEq(executor.owner(), heir);
    }

    function test_a_session_of_the_account_itself_taken_over_by_its_key_is_no_session() public {
        _grant(_terms());
        vm.prank(desk);
        executor.offerOwnership(robot);
        vm.prank(robot);
        executor.acceptOwnership();
        assertEq(executor.grantOf(robot), 2);
        // More than its limit was.
        _robotRuns(_sale(2 * LIMIT));
    }

    function test_an_offer_is_taken_once() public {
        vm.prank(desk);
        executor.offerOwnership(address(this));
        assertEq(executor.grantOf(desk), 0);
        executor.acceptOwnership();
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotPendingOwner.selector, address(this)));
        executor.acceptOwnership();
        assertEq(executor.grantOf(address(this)), 1);
    }

    function _pass() private {
        vm.prank(desk);
        executor.offerOwnership(heir);
        vm.prank(heir);
        executor.acceptOwnership();
    }
}
