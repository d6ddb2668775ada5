// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LENDER_BALANCER_V2, LEG_FLASH, LEG_V2, LEG_V3} from "contracts/types/Plan.sol";

import {RogueLender} from "../mocks/Lenders.sol";
import {RoguePool} from "../mocks/HostilePools.sol";
import {FurtherPlans} from "../support/FurtherPlans.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice A key that leaked. It was granted to sell A for B at the venue 0 of pairs, and to borrow; the owner's own plans
/// also use a venue 5 whose pools turn out to be hostile.
abstract contract SessionAttack is Attack {
    uint128 internal constant LIMIT = AMOUNT / 10;

    address internal robot;
    uint256 internal robotKey;
    RogueLender internal lender;
    RoguePool internal pool;

    function setUp() public virtual override {
        (robot, robotKey) = makeAddrAndKey("robot");
        lender = new RogueLender();
        places.balancerV2Vault = address(lender);
        super.setUp();
        _pair(a, b);
        _mint(a, address(lender), AMOUNT);
        _mint(c, address(executor), AMOUNT);
        pool = _rogue(a, c);
        vm.prank(desk);
        executor.grantSession(robot, _terms());
    }

    function _terms() private view returns (ISessions.Grant memory terms) {
        terms.expiry = NOW + 30 days;
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_V3) | (1 << LEG_FLASH));
        terms.mostLossBps = 10_000;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_FLASH), bytes32(uint256(uint160(address(lender)))));
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(a, LIMIT, 1 days);
        terms.rises = new address[](2);
        (terms.rises[0], terms.rises[1]) = (b, c);
    }

    function _sale(uint128 amount) internal view returns (bytes memory) {
        return Plans.encode(_plan(a, b, amount, Plans.v2(0, 1, Plans.all(), 0)));
    }

    /// @dev One unit borrowed, the plan run meanwhile, and a sale behind it that makes the whole worth something.
    function _within(bytes memory inner) internal view returns (bytes memory) {
        bytes[] memory plans = new bytes[](1);
        plans[0] = inner;
        bytes memory loan = FurtherPlans.flash(0, 1, Plans.exact(1), address(lender), LENDER_BALANCER_V2, 1, plans);
        bytes memory legs = abi.encodePacked(loan, Plans.v2(0, 1, Plans.all(), 0));
        return Plans.encode(_plan(a, b, LIMIT / 10, legs));
    }
}
