// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LENDER_AAVE, LENDER_BALANCER_V2, LEG_FLASH, LEG_V2} from "contracts/types/Plan.sol";

import {RogueLender} from "../mocks/Lenders.sol";
import {MockFeed} from "../mocks/MockFeed.sol";
import {FurtherPlans} from "../support/FurtherPlans.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

interface IPairToSpoil {
    function sync() external;
}

/// @notice A leaked key sells C to a pair whose price it moved, around a loan within which it sells A at a fair price. What
/// that sale brought rises in the plan around it as well, and would pay for C. Here a loan is alone in a plan that is
/// compared with the reference.
contract EarnedTwiceTest is Attack {
    uint128 internal constant LIMIT = AMOUNT / 10;
    uint128 internal constant SOLD = LIMIT * 97 / 100;

    address internal robot = makeAddr("robot");
    address internal pair;
    RogueLender internal lender;

    function setUp() public override {
        lender = new RogueLender();
        places.balancerV2Vault = address(lender);
        places.aavePool = address(lender);
        super.setUp();
        _pair(a, b);
        pair = _pair(c, b);
        _mint(c, address(executor), AMOUNT);
        _mint(c, address(lender), AMOUNT);
        address feed = address(new MockFeed(8, 1e8, NOW));
        vm.startPrank(desk);
        executor.setReference(a, feed, 60);
        executor.setReference(b, feed, 60);
        executor.setReference(c, feed, 60);
        executor.grantSession(robot, _terms());
        vm.stopPrank();
        // C is worth a hundredth there, until the attacker buys back what it put in.
        _mint(c, pair, 99 * DEPTH);
        IPairToSpoil(pair).sync();
    }

    function _terms() private view returns (ISessions.Grant memory terms) {
        terms.expiry = NOW + 30 days;
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_FLASH));
        terms.mostLossBps = 100;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_FLASH), bytes32(uint256(uint160(address(lender)))));
        terms.spends = new ISessions.GrantedSpend[](2);
        terms.spends[0] = ISessions.GrantedSpend(a, LIMIT, 1 days);
        terms.spends[1] = ISessions.GrantedSpend(c, LIMIT, 1 days);
        terms.rises = new address[](1);
        terms.rises[0] = b;
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(robot, _spending(abi.encodePacked(_loan(LENDER_BALANCER_V2), _sale())));
    }

    /// @dev What the pair has of C that somebody will buy at a hundredth.
    function _loot() internal view override returns (uint256) {
        return _balance(c, pair);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.LoanNotAlone.selector, robot, 82);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 43;
    }

    function test_alone_the_bad_sale_is_below_the_reference() public {
        (bool success, bytes memory reason) = _sendAs(robot, _spending(_sale()));
        assertFalse(success);
        assertEq(bytes4(reason), ISessions.BelowReference.selector);
    }

    function test_a_loan_is_not_alone_behind_another_leg_either() public {
        bytes memory sale = Plans.v2(0, 1, Plans.share(1 << 31), 0);
        (bool success, bytes memory reason) =
            _sendAs(robot, _spending(abi.encodePacked(sale, _loan(LENDER_BALANCER_V2))));
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(ISessions.LoanNotAlone.selector, robot, 82 + sale.length));
    }

    function test_a_loan_that_is_alone_runs_and_its_plans_are_compared() public {
        (bool success, bytes memory reason) = _sendAs(robot, _spending(_loan(LENDER_BALANCER_V2)));
        assertTrue(success, vm.toString(reason));
        assertEq(_balance(a, address(executor)), AMOUNT - LIMIT);
        (,, uint256 free) = executor.spending(robot, a);
        assertEq(free, 0);
    }

    /// @dev Its fee would be paid for by what is earned within, as a leg would be.
    function test_a_key_that_is_held_to_a_reference_borrows_for_no_fee() public {
        (bool success, bytes memory reason) = _sendAs(robot, _spending(_loan(LENDER_AAVE)));
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(ISessions.LoanCosts.selector, robot, 82));
    }

    function _spending(bytes memory legs) private view returns (bytes memory) {
        return Plans.encode(_plan(c, b, SOLD, legs));
    }

    function _sale() private pure returns (bytes memory) {
        return Plans.v2(0, 1, Plans.all(), 0);
    }

    function _loan(uint256 kind) private view returns (bytes memory) {
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(a, b, LIMIT, _sale()));
        return FurtherPlans.flash(0, 1, Plans.exact(1), address(lender), kind, 1, plans);
    }
}
