// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {ICallbacks} from "contracts/interfaces/ICallbacks.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {Attack} from "./Attack.sol";

/// @notice SquidMulticall, UnprotectedArbBot, 2026, and many bots: one door that nobody guarded. Here every door is tried by
/// a stranger, one by one, from the contracts' own list of them.
contract EveryDoorTest is Attack {
    /// @dev Doors that only tell something.
    string[7] internal windows = [
        "owner()",
        "paused()",
        "pendingOwner()",
        "guardian()",
        "venue(uint8,uint8)",
        "poolFor(uint8,uint8,address,address,uint24)",
        ""
    ];

    function test_no_door_of_the_steward_opens_to_a_stranger() public {
        string[] memory doors = vm.parseJsonKeys(vm.readFile("out/Steward.sol/Steward.json"), ".methodIdentifiers");
        uint256 tried;
        for (uint256 i = 0; i < doors.length; ++i) {
            if (_isWindow(doors[i])) continue;
            tried += 1;
            bytes memory call_ = abi.encodePacked(bytes4(keccak256(bytes(doors[i]))), new bytes(320));
            vm.prank(stranger);
            (bool success, bytes memory reason) = address(executor).call(call_);
            assertFalse(success, doors[i]);
            bytes4 name = bytes4(reason);
            assertTrue(
                name == IAccount.NotOwner.selector || name == IAccount.NotPendingOwner.selector
                    || name == IAccount.NotGuardian.selector,
                doors[i]
            );
        }
        assertGe(tried, 7);
    }

    function test_a_flash_loan_that_nobody_asked_for_does_nothing(address caller) public {
        address[] memory none;
        uint256[] memory no;
        bytes[3] memory calls = [
            abi.encodeCall(ICallbacks.receiveFlashLoan, (none, no, no, "")),
            abi.encodeCall(ICallbacks.executeOperation, (a, AMOUNT, 0, caller, "")),
            abi.encodeCall(ICallbacks.vaultUnlocked, (""))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(caller);
            (bool success,) = address(executor).call(calls[i]);
            assertFalse(success);
        }
        assertEq(_balance(a, address(executor)), AMOUNT);
    }

    function test_native_coin_from_a_stranger_is_refused() public {
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        (bool success, bytes memory reason) = address(executor).call{value: 1}("");
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IExecutor.EthRefused.selector, stranger));
    }

    function test_native_coin_from_weth_outside_a_plan_is_refused() public {
        vm.deal(weth, 1 ether);
        vm.prank(weth);
        (bool success,) = address(executor).call{value: 1}("");
        assertFalse(success);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // The settlement's payment door, which pays whom it is told to.
        vm.prank(stranger);
        return address(executor).call(abi.encodeCall(executor.rfqPay, (a, stranger, AMOUNT)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, stranger);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 2;
    }

    function _isWindow(string memory door) private view returns (bool) {
        for (uint256 i = 0; i < windows.length; ++i) {
            if (keccak256(bytes(windows[i])) == keccak256(bytes(door))) return true;
        }
        return false;
    }
}
