// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {IRegistry} from "contracts/interfaces/IRegistry.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {PlanResult} from "contracts/interfaces/IBatches.sol";
import {
    FLAG_DELIVER,
    FLAG_PULL,
    LEG_BALANCER,
    LEG_BALANCER_V3,
    LEG_CALL,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    LEG_WRAP,
    LENDER_AAVE,
    LENDER_BALANCER_V2,
    LENDER_BALANCER_V3
} from "contracts/types/Plan.sol";

import {AllowanceLike, TokenLike} from "./mocks/Targets.sol";
import {Chain} from "./support/Chain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Permits} from "./support/Permits.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {RightsGivers} from "./support/RightsGivers.sol";

/// @notice Neither a token nor anything else of note, until it says otherwise.
contract Chameleon {
    bool public token;

    function become() external {
        token = true;
    }

    function allowance(address, address) external view returns (uint256) {
        require(token, "no token");
        return 0;
    }

    function poke() external {}
}

/// @notice Answers like a token of an older kind, without allowances.
contract OldToken {
    uint256 public totalSupply = 1;
    mapping(address => uint256) public balanceOf;
}

/// @notice What may be traded with changes slowly and stops at once.
contract ExecutorRegistryTest is Chain {
    using Sending for IExecutorUnderTest;

    uint256 internal constant DELAY = 2 days;

    IExecutorUnderTest internal slow;
    address internal watchman = makeAddr("watchman");
    address internal payee = makeAddr("payee");
    Chameleon internal target;
    bool private _delayed;

    function setUp() public override {
        super.setUp();
        _delayed = true;
        slow = _deployExecutor();
        target = new Chameleon();
        vm.startPrank(desk);
        slow.setGuardian(watchman);
        executor.setGuardian(watchman);
        vm.stopPrank();
    }

    function _registryDelay() internal view override returns (uint256) {
        return _delayed ? DELAY : 0;
    }

    // Venues

    function test_a_venue_waits_for_its_delay() public {
        assertEq(slow.registryDelay(), DELAY);
        vm.startPrank(desk);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryDelayed.selector, DELAY));
        slow.setVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        bytes32 proposal = slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        assertEq(slow.applicableFrom(proposal), NOW + DELAY);
        vm.warp(NOW + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYet.selector, proposal, NOW + DELAY, NOW + DELAY - 1));
        slow.applyVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_V2, 1));
        slow.venue(uint8(LEG_V2), 1);
        vm.warp(NOW + DELAY);
        slow.applyVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        (address deployer,,) = slow.venue(uint8(LEG_V2), 1);
        assertEq(deployer, v2Factory);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotProposed.selector, proposal));
        slow.applyVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        vm.stopPrank();
    }

    function test_nothing_is_applied_but_what_was_proposed(address deployer, bytes32 initCodeHash, uint24 fee) public {
        vm.assume(deployer != v2Factory);
        fee = uint24(bound(fee, 0, 999_999));
        vm.startPrank(desk);
        slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        vm.warp(NOW + DELAY);
        vm.expectPartialRevert(IRegistry.NotProposed.selector);
        slow.applyVenue(uint8(LEG_V2), 1, deployer, initCodeHash, fee);
        vm.stopPrank();
    }

    function test_proposing_again_begins_the_delay_anew() public {
        vm.startPrank(desk);
        bytes32 proposal = slow.proposeVenue(uint8(LEG_V3), 1, v3Factory, V3_INIT, 0);
        vm.warp(NOW + DELAY);
        slow.proposeVenue(uint8(LEG_V3), 1, v3Factory, V3_INIT, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYet.selector, proposal, NOW + 2 * DELAY, NOW + DELAY));
        slow.applyVenue(uint8(LEG_V3), 1, v3Factory, V3_INIT, 0);
        vm.stopPrank();
    }

    function test_what_no_venue_can_be_is_refused_at_once() public {
        vm.startPrank(desk);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFixed.selector, LEG_V2, 0));
        slow.proposeVenue(uint8(LEG_V2), 0, v2Factory, V2_INIT, 3000);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_V4, 1));
        slow.proposeVenue(uint8(LEG_V4), 1, v2Factory, V2_INIT, 0);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFee.selector, 1_000_000));
        slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 1_000_000);
        vm.stopPrank();
    }

    function test_owner_and_guardian_disable_a_venue_at_once() public {
        _mint(a, address(slow), 10e18);
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, 1e18, Plans.v2(0, 1, Plans.all(), 1)));
        address[2] memory stoppers = [desk, watchman];
        for (uint256 i = 0; i < stoppers.length; ++i) {
            uint256 start = block.timestamp;
            vm.startPrank(desk);
            slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
            vm.warp(start + DELAY);
            slow.applyVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
            vm.warp(NOW);
            slow.execute(packed);
            vm.stopPrank();
            vm.prank(stoppers[i]);
            slow.disableVenue(uint8(LEG_V2), 1);
            vm.prank(desk);
            vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_V2, 1));
            slow.execute(packed);
        }
        vm.prank(desk);
        slow.setVenue(uint8(LEG_V2), 1, address(0), 0, 0);
    }

    function test_owner_and_guardian_cancel_what_was_proposed() public {
        address[2] memory stoppers = [desk, watchman];
        for (uint256 i = 0; i < stoppers.length; ++i) {
            vm.prank(desk);
            bytes32 proposal = slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
            vm.prank(stoppers[i]);
            slow.cancelProposal(proposal);
            assertEq(slow.applicableFrom(proposal), 0);
            vm.prank(stoppers[i]);
            vm.expectRevert(abi.encodeWithSelector(IRegistry.NotProposed.selector, proposal));
            slow.cancelProposal(proposal);
        }
    }

    function test_what_a_former_owner_proposed_is_dropped() public {
        vm.startPrank(desk);
        bytes32 venue = slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        bytes32 listing = slow.proposeListing(uint8(LEG_PAYOUT), payee, 0);
        slow.offerOwnership(payee);
        vm.stopPrank();
        vm.warp(NOW + DELAY);
        vm.startPrank(payee);
        slow.acceptOwnership();
        assertEq(slow.applicableFrom(venue), 0);
        assertEq(slow.applicableFrom(listing), 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotProposed.selector, venue));
        slow.applyVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotProposed.selector, listing));
        slow.applyListing(uint8(LEG_PAYOUT), payee, 0);
        slow.offerOwnership(desk);
        vm.stopPrank();
        // Nor by who proposed it, once it owns the account again.
        vm.startPrank(desk);
        slow.acceptOwnership();
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotProposed.selector, venue));
        slow.applyVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        slow.proposeVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        assertEq(slow.applicableFrom(venue), NOW + 2 * DELAY);
        vm.stopPrank();
    }

    // Built-in venues

    function test_owner_and_guardian_switch_a_built_in_venue_off_and_the_owner_alone_on() public {
        _pair(a, b);
        _v3Pool(a, b);
        _mint(a, address(slow), 10e18);
        bytes memory packed = Plans.encode(_plan(a, b, 1e18, Plans.v2(0, 1, Plans.all(), 0)));
        bytes memory other = Plans.encode(_plan(a, b, 1e18, Plans.v3(0, 1, Plans.all(), 0, FEE)));
        address[2] memory stoppers = [desk, watchman];
        for (uint256 i = 0; i < stoppers.length; ++i) {
            vm.prank(desk);
            slow.execute(packed);
            vm.prank(stoppers[i]);
            slow.disableVenue(uint8(LEG_V2), 0);
            assertFalse(slow.isBuiltInOn(uint8(LEG_V2)));
            assertEq(slow.owner(), desk);
            assertFalse(slow.paused());
            vm.startPrank(desk);
            vm.expectRevert(abi.encodeWithSelector(IRegistry.VenueDisabled.selector, LEG_V2, 82));
            slow.execute(packed);
            slow.execute(other);
            vm.stopPrank();
            vm.prank(watchman);
            vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, watchman));
            slow.restoreVenue(uint8(LEG_V2));
            vm.prank(desk);
            slow.restoreVenue(uint8(LEG_V2));
            assertTrue(slow.isBuiltInOn(uint8(LEG_V2)));
        }
        vm.prank(desk);
        slow.execute(packed);
    }

    function test_what_is_off_is_found_in_every_leg_and_hop_and_other_venues_of_the_kind_are_not() public {
        vm.startPrank(desk);
        executor.setVenue(uint8(LEG_V3), 1, v3Factory, V3_INIT, 0);
        executor.disableVenue(uint8(LEG_V3), 0);
        vm.stopPrank();
        _pair(a, b);
        _v3Pool(a, b);
        _mint(a, address(executor), 10e18);
        bytes memory first = Plans.v2(0, 1, Plans.share(1 << 31), 0);
        _stopped(abi.encodePacked(first, Plans.v3(0, 1, Plans.all(), 0, FEE)), LEG_V3, 82 + first.length);
        bytes memory hops = abi.encodePacked(uint8(0), FEE);
        _stopped(Plans.exactOut(0, 1, 1e17, hops, ""), LEG_V3_EXACT_OUT, 82);
        _run(_plan(a, b, 1e18, abi.encodePacked(first, Plans.v3(0, 1, Plans.all(), 1, FEE))));
        _run(_plan(a, b, 1e18, Plans.exactOut(0, 1, 1e17, abi.encodePacked(uint8(1), FEE), "")));
    }

    function test_kinds_without_factories_are_off_as_a_whole(uint8 kind) public {
        kind = uint8(bound(kind, 3, 18));
        if (kind == 7 || kind == 9) return;
        vm.prank(desk);
        executor.disableVenue(kind, 0);
        _mint(a, address(executor), 10e18);
        bytes memory leg = abi.encodePacked(uint8(kind | 64), uint8(1), new bytes(300));
        _stopped(leg, kind, 82);
    }

    function test_a_vault_that_is_off_does_not_lend() public {
        uint8[2] memory kinds = [uint8(LEG_BALANCER), uint8(LEG_BALANCER_V3)];
        uint256[2] memory lenders = [LENDER_BALANCER_V2, LENDER_BALANCER_V3];
        _mint(a, address(executor), 10e18);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(desk);
            executor.disableVenue(kinds[i], 0);
            _stopped(_loan(lenders[i]), LEG_FLASH, 82);
            // The others are asked, and are not there.
            _unknown(_loan(LENDER_AAVE), LENDER_AAVE);
            _unknown(_loan(lenders[1 - i]), lenders[1 - i]);
            vm.prank(desk);
            executor.restoreVenue(kinds[i]);
            _unknown(_loan(lenders[i]), lenders[i]);
        }
    }

    function test_a_v4_pool_of_the_coin_is_off_with_wrapping() public {
        _mint(a, address(executor), 10e18);
        vm.prank(desk);
        executor.disableVenue(uint8(LEG_WRAP), 0);
        _stopped(Plans.v4(0, 1, Plans.all(), FEE, SPACING, true), LEG_V4, 82);
        bytes memory packed = Plans.encode(_plan(a, b, 1e18, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        vm.prank(desk);
        (bool success, bytes memory reason) = address(executor).call(packed);
        // There is no such pool.
        assertFalse(success);
        assertNotEq(bytes4(reason), IRegistry.VenueDisabled.selector);
    }

    function test_kinds_that_have_no_built_in_venue_cannot_be_switched() public {
        uint8[4] memory kinds = [0, 7, 9, 19];
        for (uint256 i = 0; i < kinds.length; ++i) {
            vm.prank(watchman);
            vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueUnknown.selector, kinds[i], 0));
            executor.disableVenue(kinds[i], 0);
        }
    }

    function test_while_one_is_off_the_owners_other_plans_run_as_before(uint8 off, uint128 amount) public {
        _pair(a, b);
        _mint(a, address(executor), 20e18);
        amount = uint128(bound(amount, 1e6, 10e18));
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(a, b, amount, Plans.v2(0, 1, Plans.all(), 0)));
        uint256 snapshot = vm.snapshotState();
        vm.prank(desk);
        (uint256 spent, uint256 received) = executor.execute(plans[0]);
        vm.revertToState(snapshot);
        off = uint8(bound(off, 10, 18));
        vm.startPrank(desk);
        executor.disableVenue(off, 0);
        PlanResult[] memory results = executor.executeBatch(plans, 0);
        vm.stopPrank();
        assertEq(results[0].spent, spent);
        assertEq(results[0].received, received);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, payee));
        executor.execute(plans[0]);
    }

    function test_funds_are_pulled_and_delivered_while_one_is_off_too() public {
        _pair(a, b);
        _mint(a, desk, 1e18);
        vm.startPrank(desk);
        executor.disableVenue(uint8(LEG_PAYOUT), 0);
        IERC20(a).approve(address(executor), 1e18);
        vm.stopPrank();
        Plan memory plan = _plan(a, b, 1e18, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL | FLAG_DELIVER);
        (uint256 spent, uint256 received) = _run(plan);
        assertEq(spent, 1e18);
        assertEq(_balance(b, desk), received);
    }

    function test_a_session_is_stopped_at_what_is_off_too() public {
        _pair(a, b);
        _mint(a, address(executor), 1e18);
        ISessions.Grant memory terms;
        (terms.expiry, terms.kinds, terms.mostLossBps) = (NOW + 1 days, uint32(1 << LEG_V2), 10_000);
        terms.venues = new ISessions.GrantedVenue[](1);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(a, 1e18, 1 days);
        terms.rises = new address[](1);
        terms.rises[0] = b;
        vm.startPrank(desk);
        executor.grantSession(payee, terms);
        executor.disableVenue(uint8(LEG_V2), 0);
        vm.stopPrank();
        bytes memory packed = Plans.encode(_plan(a, b, 1e17, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.VenueDisabled.selector, LEG_V2, 82));
        executor.execute(packed);
        vm.prank(desk);
        executor.restoreVenue(uint8(LEG_V2));
        vm.prank(payee);
        executor.execute(packed);
    }

    function test_the_entry_points_plans_run_while_one_is_off_too() public {
        _pair(a, b);
        _mint(a, address(executor), 20e18);
        vm.startPrank(desk);
        executor.setEntryPoint(payee);
        executor.disableVenue(uint8(LEG_PAYOUT), 0);
        vm.stopPrank();
        bytes memory packed = Plans.encode(_plan(a, b, 1e18, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(payee);
        executor.execute(packed);
        vm.prank(payee);
        executor.disableVenue(uint8(LEG_V2), 0);
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.VenueDisabled.selector, LEG_V2, 82));
        executor.execute(packed);
    }

    function _loan(uint256 lender) private view returns (bytes memory) {
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(a, b, 1e18, Plans.v2(0, 1, Plans.all(), 0)));
        return FurtherPlans.flash(0, 1, Plans.exact(1), payee, lender, 1, plans);
    }

    function _unknown(bytes memory legs, uint256 lender) private {
        bytes memory packed = Plans.encode(_plan(a, b, 1e18, legs));
        vm.prank(desk);
        vm.expectRevert(abi.encodeWithSelector(IAnnex.WrongLender.selector, payee, lender));
        executor.execute(packed);
    }

    function _stopped(bytes memory legs, uint256 kind, uint256 at) private {
        bytes memory packed = Plans.encode(_plan(a, b, 1e18, legs));
        vm.prank(desk);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.VenueDisabled.selector, kind, at));
        executor.execute(packed);
    }

    function test_without_a_delay_a_venue_and_a_listing_act_at_once() public {
        assertEq(executor.registryDelay(), 0);
        vm.startPrank(desk);
        executor.setVenue(uint8(LEG_V2), 1, v2Factory, V2_INIT, 3000);
        executor.setListed(uint8(LEG_PAYOUT), payee, 0, true);
        assertTrue(executor.isListed(uint8(LEG_PAYOUT), payee, 0));
        executor.setListed(uint8(LEG_PAYOUT), payee, 0, false);
        assertFalse(executor.isListed(uint8(LEG_PAYOUT), payee, 0));
        vm.stopPrank();
    }

    // Lists

    function test_a_listing_waits_for_its_delay_and_ends_at_once() public {
        bytes4 poke = Chameleon.poke.selector;
        vm.startPrank(desk);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RegistryDelayed.selector, DELAY));
        slow.setListed(uint8(LEG_CALL), address(target), poke, true);
        bytes32 proposal = slow.proposeListing(uint8(LEG_CALL), address(target), poke);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYet.selector, proposal, NOW + DELAY, NOW));
        slow.applyListing(uint8(LEG_CALL), address(target), poke);
        vm.warp(NOW + DELAY);
        assertFalse(slow.isListed(uint8(LEG_CALL), address(target), poke));
        slow.applyListing(uint8(LEG_CALL), address(target), poke);
        vm.stopPrank();
        assertTrue(slow.isListed(uint8(LEG_CALL), address(target), poke));
        assertFalse(slow.isListed(uint8(LEG_PAYOUT), address(target), poke));
        assertFalse(slow.isListed(uint8(LEG_CALL), address(target), Chameleon.become.selector));
        vm.prank(watchman);
        slow.disableListing(uint8(LEG_CALL), address(target), poke);
        assertFalse(slow.isListed(uint8(LEG_CALL), address(target), poke));
    }

    function test_a_token_is_never_a_target_of_calls() public {
        address[6] memory tokens = [a, silent, address(weth), address(new OldToken()), address(0), address(0)];
        (tokens[4], tokens[5]) = (address(new TokenLike()), address(new AllowanceLike()));
        for (uint256 i = 0; i < tokens.length; ++i) {
            vm.prank(desk);
            vm.expectRevert(abi.encodeWithSelector(IRegistry.TargetIsToken.selector, tokens[i]));
            slow.proposeListing(uint8(LEG_CALL), tokens[i], Chameleon.poke.selector);
        }
    }

    function test_what_became_a_token_meanwhile_is_not_listed() public {
        vm.startPrank(desk);
        slow.proposeListing(uint8(LEG_CALL), address(target), Chameleon.poke.selector);
        target.become();
        vm.warp(NOW + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.TargetIsToken.selector, target));
        slow.applyListing(uint8(LEG_CALL), address(target), Chameleon.poke.selector);
        vm.stopPrank();
    }

    function test_functions_that_move_allowances_are_never_listed() public {
        string[] memory refused = RightsGivers.all();
        vm.startPrank(desk);
        for (uint256 i = 0; i < refused.length; ++i) {
            bytes4 selector = bytes4(keccak256(bytes(refused[i])));
            vm.expectRevert(abi.encodeWithSelector(IRegistry.SelectorRefused.selector, selector));
            slow.proposeListing(uint8(LEG_CALL), address(target), selector);
        }
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SelectorRefused.selector, bytes4(0)));
        slow.proposeListing(uint8(LEG_CALL), address(target), 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SelectorRefused.selector, bytes4(uint32(1))));
        slow.proposeListing(uint8(LEG_PAYOUT), payee, bytes4(uint32(1)));
        vm.stopPrank();
    }

    function test_what_the_registry_refuses_are_those_functions_and_no_others(bytes4 selector) public {
        string[] memory refused = RightsGivers.all();
        bool known = selector == 0;
        for (uint256 i = 0; i < refused.length; ++i) {
            known = known || selector == bytes4(keccak256(bytes(refused[i])));
        }
        vm.prank(desk);
        (bool success,) =
            address(slow).call(abi.encodeCall(slow.proposeListing, (uint8(LEG_CALL), address(target), selector)));
        assertEq(success, !known);
    }

    function test_nobody_in_particular_is_never_listed() public {
        address[3] memory nobody = [address(0), address(slow), Permits.PERMIT2];
        vm.startPrank(desk);
        for (uint256 i = 0; i < nobody.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRegistry.NotListable.selector, LEG_PAYOUT, nobody[i]));
            slow.proposeListing(uint8(LEG_PAYOUT), nobody[i], 0);
        }
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotListable.selector, LEG_V4, payee));
        slow.proposeListing(uint8(LEG_V4), payee, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotListable.selector, LEG_CALL, payee));
        slow.proposeListing(uint8(LEG_CALL), payee, Chameleon.poke.selector);
        vm.stopPrank();
    }

    // Who

    function test_only_the_owner_adds(address caller) public {
        vm.assume(caller != desk && caller != address(0));
        bytes[6] memory calls = [
            abi.encodeCall(slow.proposeVenue, (uint8(1), uint8(1), v2Factory, V2_INIT, 3000)),
            abi.encodeCall(slow.applyVenue, (uint8(1), uint8(1), v2Factory, V2_INIT, 3000)),
            abi.encodeCall(slow.setVenue, (uint8(1), uint8(1), address(0), bytes32(0), 0)),
            abi.encodeCall(slow.proposeListing, (uint8(LEG_PAYOUT), payee, bytes4(0))),
            abi.encodeCall(slow.applyListing, (uint8(LEG_PAYOUT), payee, bytes4(0))),
            abi.encodeCall(slow.setListed, (uint8(LEG_PAYOUT), payee, bytes4(0), true))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            _refused(caller, calls[i], abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
        }
    }

    function test_only_owner_and_guardian_take_away(address caller) public {
        vm.assume(caller != desk && caller != watchman && caller != address(0));
        bytes[4] memory calls = [
            abi.encodeCall(slow.disableVenue, (uint8(1), uint8(1))),
            abi.encodeCall(slow.disableListing, (uint8(LEG_PAYOUT), payee, bytes4(0))),
            abi.encodeCall(slow.cancelProposal, (bytes32(0))),
            abi.encodeCall(slow.revokeSession, (payee))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            _refused(caller, calls[i], abi.encodeWithSelector(IAccount.NotGuardian.selector, caller));
        }
    }

    function _refused(address caller, bytes memory call_, bytes memory reason) private {
        vm.prank(caller);
        (bool success, bytes memory answer) = address(slow).call(call_);
        assertFalse(success);
        assertEq(answer, reason);
    }
}
