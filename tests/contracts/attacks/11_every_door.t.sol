// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";
import {IBatches} from "contracts/interfaces/IBatches.sol";
import {ICallbacks} from "contracts/interfaces/ICallbacks.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {IUserOperations} from "contracts/interfaces/IUserOperations.sol";

import {Attack} from "./Attack.sol";

/// @notice SquidMulticall, UnprotectedArbBot, 2026, and many bots: one door that nobody guarded. Here every door is tried by
/// a stranger, one by one, from the contracts' own list of them.
contract EveryDoorTest is Attack {
    /// @dev Doors that only tell something.
    string[21] internal windows = [
        "owner()",
        "paused()",
        "pendingOwner()",
        "guardian()",
        "venue(uint8,uint8)",
        "poolFor(uint8,uint8,address,address,uint24)",
        "applicableFrom(bytes32)",
        "domainSeparator()",
        "entryPoint()",
        "isListed(uint8,address,bytes4)",
        "nextNonce(address,uint192)",
        "plansDigest(bytes[],uint256,uint256,uint40,address)",
        "registryDelay()",
        "mayRise(address,address)",
        "mayUseVenue(address,uint8,bytes32)",
        "referenceFeed(address)",
        "session(address)",
        "spending(address,address)",
        "grantOf(address)",
        "isBuiltInOn(uint8)",
        "farReferenceFeed(uint64,address)"
    ];

    function test_no_door_of_the_steward_opens_to_a_stranger() public {
        assertGe(_knockAtAll("out/Steward.sol/Steward.json"), 23);
    }

    function test_no_door_of_the_warden_opens_to_a_stranger() public {
        assertEq(_knockAtAll("out/Warden.sol/Warden.json"), 6);
    }

    /// @dev By themselves, too, these parts obey nobody.
    function test_no_door_of_a_part_that_is_called_directly_opens() public {
        address warden = vm.deployCode(_code("Warden"));
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory call_ = i == 0
                ? abi.encodeWithSignature("revokeSession(address)", stranger)
                : abi.encodeWithSignature("setReference(address,address,uint32)", a, stranger, 1);
            vm.prank(stranger);
            (bool success,) = warden.call(call_);
            assertFalse(success);
        }
    }

    /// @dev The one thing that anybody may write: numbers of its own that it will not use.
    function test_a_stranger_skips_nobodys_numbers_but_its_own() public {
        vm.prank(stranger);
        executor.skipNonces(0, 5);
        assertEq(executor.nextNonce(stranger, 0), 5);
        assertEq(executor.nextNonce(desk, 0), 0);
    }

    /// @dev With empty arguments: what a stranger is refused for is who it is, or what it lacks to be somebody.
    function _knockAtAll(string memory artifact) private returns (uint256 tried) {
        string[] memory doors = vm.parseJsonKeys(vm.readFile(artifact), ".methodIdentifiers");
        for (uint256 i = 0; i < doors.length; ++i) {
            if (_isWindow(doors[i])) continue;
            tried += 1;
            vm.prank(stranger);
            (bool success, bytes memory reason) = address(executor).call(_knock(doors[i]));
            assertFalse(success, doors[i]);
            assertTrue(_isRefusal(bytes4(reason)), string.concat(doors[i], vm.toString(reason)));
        }
    }

    /// @dev Empty lists where there are lists, as nobody is asked before the arguments were read.
    function _knock(string memory door) private view returns (bytes memory) {
        bytes4 selector = bytes4(keccak256(bytes(door)));
        if (selector == IBatches.executeSigned.selector) {
            return abi.encodeCall(executor.executeSigned, (new bytes[](0), 0, 0, type(uint40).max, desk, ""));
        }
        return abi.encodePacked(selector, new bytes(640));
    }

    function _isRefusal(bytes4 name) private pure returns (bool) {
        return name == IAccount.NotOwner.selector || name == IAccount.NotPendingOwner.selector
            || name == IAccount.NotGuardian.selector || name == IUserOperations.NotEntryPoint.selector
            || name == IUserOperations.NotAdoptable.selector || name == IBatches.WrongSignature.selector
            || name == IBatches.NonceUnexpected.selector || name == ISessions.OnlyWithinPlan.selector;
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
