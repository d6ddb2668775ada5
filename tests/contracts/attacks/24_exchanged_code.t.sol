// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";

import {Attack} from "./Attack.sol";

/// @notice Tycho: whoever may exchange an executor's parts has everything. Here the parts are fixed when the executor is
/// made, no function changes them, and no call can name another.
contract ExchangedCodeTest is Attack {
    Thief internal thief;

    function setUp() public override {
        super.setUp();
        thief = new Thief();
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        vm.prank(stranger);
        return address(executor).call(abi.encodePacked(abi.encodeCall(thief.take, (a, stranger, AMOUNT)), thief));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, stranger);
    }

    function _refusal() internal pure override returns (bytes memory) {
        return "";
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 24;
    }

    /// @dev No word of storage stands between a call and the code that answers it.
    function test_no_storage_decides_whose_code_runs() public {
        vm.record();
        vm.prank(stranger);
        (bool success,) = address(executor).call(abi.encodeCall(thief.take, (a, stranger, AMOUNT)));
        assertFalse(success);
        (bytes32[] memory reads, bytes32[] memory writes) = vm.accesses(address(executor));
        assertEq(reads.length, 0);
        assertEq(writes.length, 0);
    }
}

/// @notice Takes everything from whoever lends it its storage.
contract Thief {
    function take(address token, address to, uint256 amount) external {
        IERC20(token).transfer(to, amount);
    }
}
