// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {RogueFactory, RoguePool} from "../mocks/HostilePools.sol";
import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Socket Gateway, 2024-01: a new route was added that nobody had checked. Here legs are fixed for ever, and a new
/// factory is the owner's decision alone.
contract NewModuleTest is Attack {
    RoguePool internal pool;
    address internal rogueFactory;
    bytes32 internal rogueHash;

    function setUp() public override {
        super.setUp();
        _v3Pool(a, b);
        vm.prank(desk);
        executor.setVenue(2, 9, v3Factory, V3_INIT, 0);
        RogueFactory factory = new RogueFactory();
        (rogueFactory, rogueHash) = (address(factory), factory.initCodeHash());
        pool = factory.create(a, b, FEE);
        _bait(pool, a, b, AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // A venue that the desk trades with comes to mean the attacker's factory.
        vm.prank(stranger);
        (success, reason) = address(executor)
            .call(abi.encodeCall(executor.setVenue, (uint8(2), uint8(9), rogueFactory, rogueHash, uint24(0))));
        if (!success) return (success, reason);
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 9, FEE))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAccount.NotOwner.selector, stranger);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 4;
    }

    function test_a_stranger_cannot_add_a_venue() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccount.NotOwner.selector, stranger));
        executor.setVenue(2, 1, stranger, bytes32(0), 0);
    }

    function test_the_built_in_venues_cannot_be_changed() public {
        vm.startPrank(desk);
        for (uint8 kind = 1; kind < 3; ++kind) {
            vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFixed.selector, kind, 0));
            executor.setVenue(kind, 0, stranger, bytes32(0), 0);
        }
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueUnknown.selector, 4, 1));
        executor.setVenue(4, 1, stranger, bytes32(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFee.selector, 1_000_000));
        executor.setVenue(1, 1, stranger, bytes32(0), 1_000_000);
        vm.expectRevert(abi.encodeWithSelector(IExecutor.VenueFee.selector, 1));
        executor.setVenue(2, 1, stranger, bytes32(0), 1);
    }
}
