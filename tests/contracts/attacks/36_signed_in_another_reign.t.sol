// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IBatches} from "contracts/interfaces/IBatches.sol";

import {SessionAttack} from "./SessionAttack.sol";

/// @notice What an owner signed and nobody sent is kept until that owner has the account again, with other funds in it. Here
/// a signature ends with the ownership under which it was made, as a session's with its grant.
contract SignedInAnotherReignTest is SessionAttack {
    uint256 internal deskKey;
    bytes internal kept;

    function setUp() public override {
        (desk, deskKey) = makeAddrAndKey("desk");
        super.setUp();
        bytes[] memory plans = new bytes[](1);
        plans[0] = _sale(LIMIT);
        bytes32 digest = executor.plansDigest(plans, 0, 0, NOW + 1 days, desk);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(deskKey, digest);
        kept = abi.encodeCall(IBatches.executeSigned, (plans, 0, 0, NOW + 1 days, desk, abi.encodePacked(r, s, v)));
        _pass(desk, stranger);
        _pass(stranger, desk);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(stranger, kept);
    }

    function _loot() internal view override returns (uint256) {
        return AMOUNT - _balance(a, address(executor));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IBatches.WrongSignature.selector, desk);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 37;
    }

    function _pass(address from, address to) private {
        vm.prank(from);
        executor.offerOwnership(to);
        vm.prank(to);
        executor.acceptOwnership();
    }
}
