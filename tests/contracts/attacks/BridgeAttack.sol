// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_ACROSS, LEG_V2} from "contracts/types/Plan.sol";

import {PlainSpokePool} from "../mocks/Bridges.sol";
import {MockFeed} from "../mocks/MockFeed.sol";
import {FurtherPlans} from "../support/FurtherPlans.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

interface IPairToTilt {
    function sync() external;
}

/// @notice A key that leaked. It was granted to sell A for B and to bridge either to the account itself on another chain, for
/// at most 1 % less than the reference.
abstract contract BridgeAttack is Attack {
    uint64 internal constant FAR = 10;
    uint128 internal constant LIMIT = AMOUNT / 10;

    address internal robot = makeAddr("robot");
    address internal farToken = makeAddr("far token");
    address internal pair;
    PlainSpokePool internal spoke;

    function setUp() public virtual override {
        spoke = new PlainSpokePool();
        places.spokePool = address(spoke);
        super.setUp();
        pair = _pair(a, b);
        address feed = address(new MockFeed(8, 1e8, NOW));
        vm.startPrank(desk);
        executor.setReference(a, feed, 60);
        executor.setReference(b, feed, 60);
        executor.setFarReference(FAR, farToken, feed, 60, 18);
        executor.grantSession(robot, _terms());
        vm.stopPrank();
    }

    function _terms() private view returns (ISessions.Grant memory terms) {
        terms.expiry = NOW + 30 days;
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_ACROSS));
        terms.mostLossBps = 100;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_ACROSS), keccak256(abi.encode(executor, FAR)));
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(a, LIMIT, 1 days);
        terms.rises = new address[](2);
        (terms.rises[0], terms.rises[1]) = (a, b);
    }

    function _bridge(uint8 from, bytes memory amount, uint128 asked) internal view returns (bytes memory) {
        FurtherPlans.Deposit memory deposit = FurtherPlans.Deposit(
            address(executor), farToken, asked, FAR, stranger, uint32(NOW) - 60, uint32(NOW) + 3600, 30
        );
        return FurtherPlans.across(from, 1 - from, amount, deposit);
    }

    function _leaving(address sent, bytes memory legs) internal view returns (bytes memory) {
        Plan memory plan = _plan(a, sent, LIMIT, legs);
        (plan.minOut, plan.leaves) = (1, true);
        return Plans.encode(plan);
    }

    /// @dev A is worth a tenth there, until the attacker buys back what it put in.
    function _tilt() internal {
        _mint(a, pair, 9 * DEPTH);
        IPairToTilt(pair).sync();
    }
}
