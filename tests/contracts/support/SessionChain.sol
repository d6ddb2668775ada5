// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_V2, LEG_V3, LEG_V3_EXACT_OUT} from "contracts/types/Plan.sol";

import {Chain} from "./Chain.sol";
import {IExecutorUnderTest, Sending} from "./IExecutorUnderTest.sol";
import {Plan, Plans} from "./Plans.sol";

/// @notice An executor that holds A and B, pools for them, a guardian, and a key that may sell A for B.
abstract contract SessionChain is Chain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant LIMIT = 100e18;
    uint32 internal constant PERIOD = 1 days;
    uint128 internal constant HELD = 10_000e18;
    uint40 internal constant EXPIRY = NOW + 30 days;

    address internal robot;
    uint256 internal robotKey;
    address internal watchman = makeAddr("watchman");

    function setUp() public virtual override {
        super.setUp();
        (robot, robotKey) = makeAddrAndKey("robot");
        _pair(a, b);
        _v3Pool(a, b);
        _mint(a, address(executor), HELD);
        _mint(b, address(executor), HELD);
        vm.prank(desk);
        executor.setGuardian(watchman);
    }

    /// @dev Sells A for B at venue 0 of v2 and v3; loses what it likes.
    function _terms() internal view returns (ISessions.Grant memory terms) {
        terms.expiry = EXPIRY;
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_V3) | (1 << LEG_V3_EXACT_OUT));
        terms.mostLossBps = 10_000;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_V3), 0);
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(a, LIMIT, PERIOD);
        terms.rises = new address[](1);
        terms.rises[0] = b;
    }

    function _grant(ISessions.Grant memory terms) internal {
        vm.prank(desk);
        executor.grantSession(robot, terms);
    }

    function _sale(uint128 amount) internal view returns (bytes memory) {
        return _saleWith(amount, Plans.v2(0, 1, Plans.all(), 0));
    }

    function _saleWith(uint128 amount, bytes memory legs) internal view returns (bytes memory) {
        Plan memory plan = _plan(a, b, amount, legs);
        plan.deadline = uint40(block.timestamp);
        return Plans.encode(plan);
    }

    function _robotRuns(bytes memory packed) internal returns (uint256 spent, uint256 received) {
        vm.prank(robot);
        return executor.execute(packed);
    }

    function _robotFails(bytes memory packed, bytes memory reason) internal {
        vm.prank(robot);
        vm.expectRevert(reason);
        executor.execute(packed);
    }

    function _one(bytes memory packed) internal pure returns (bytes[] memory plans) {
        plans = new bytes[](1);
        plans[0] = packed;
    }

    function _two(bytes memory first, bytes memory second) internal pure returns (bytes[] memory plans) {
        plans = new bytes[](2);
        (plans[0], plans[1]) = (first, second);
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
