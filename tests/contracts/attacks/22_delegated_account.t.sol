// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";

import {Plans} from "../support/Plans.sol";
import {Vm} from "forge-std/Vm.sol";

import {Attack} from "./Attack.sol";

/// @notice EIP-7702: code without a constructor, storage that stays, an initialiser that anybody may call first. Here an
/// account without an owner obeys nobody, and storage has a name of its own (ERC-7201).
contract DelegatedAccountTest is Attack {
    address internal victim = makeAddr("victim");

    function setUp() public override {
        super.setUp();
        vm.etch(victim, address(executor).code);
        _mint(a, victim, AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        if (_isOff(address(executor), 22)) _turnOff(victim, 1 << 22);
        return _takeOver(victim, a, AMOUNT);
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAccount.NotOwner.selector, stranger);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 22;
    }

    function test_a_plan_for_an_account_without_an_owner_is_refused(address caller) public {
        _pair(a, b);
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        vm.prank(caller);
        (bool success, bytes memory reason) = victim.call(packed);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IAccount.NotOwner.selector, caller));
    }

    function test_nor_does_the_zero_address_speak_for_it() public {
        test_a_plan_for_an_account_without_an_owner_is_refused(address(0));
    }

    /// @dev Somebody else's code, which the account had before, wrote to the first slots.
    function test_storage_of_other_code_is_not_read() public {
        for (uint256 slot = 0; slot < 16; ++slot) {
            vm.store(victim, bytes32(slot), bytes32(uint256(uint160(stranger))));
        }
        (bool success, bytes memory reason) = _attack();
        assertFalse(success);
        assertEq(reason, _refusal());
    }

    function test_no_contract_asks_who_sent_the_transaction() public {
        string[5] memory folders =
            ["contracts", "contracts/base", "contracts/interfaces", "contracts/libraries", "contracts/types"];
        uint256 read;
        for (uint256 i = 0; i < folders.length; ++i) {
            Vm.DirEntry[] memory entries = vm.readDir(folders[i]);
            for (uint256 j = 0; j < entries.length; ++j) {
                if (entries[j].isDir) continue;
                read += 1;
                assertEq(vm.split(vm.readFile(entries[j].path), "tx.origin").length, 1, entries[j].path);
            }
        }
        assertGt(read, 20);
    }
}
