// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";

import {SessionAttack} from "./SessionAttack.sol";

/// @notice An account is handed over, and the former owner left itself a key: it grants one, lets the account go, and sells
/// the new owner's funds with it. Here no right outlives the owner that gave it.
contract FormerOwnersKeyTest is SessionAttack {
    address internal heir = makeAddr("heir");

    function setUp() public override {
        super.setUp();
        vm.prank(desk);
        executor.offerOwnership(heir);
        vm.prank(heir);
        executor.acceptOwnership();
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(robot, _sale(LIMIT));
    }

    function _loot() internal view override returns (uint256) {
        return AMOUNT - _balance(a, address(executor));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(ISessions.FormerOwners.selector, robot, 1);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 36;
    }
}
