// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";

import {Plan, Plans} from "../support/Plans.sol";
import {Actor, Ledger, Things} from "./World.sol";

/// @notice The guardian, who pauses, and the owner's other hand, which ends the pause and hands the account over and back.
contract Guards is Actor {
    address private immutable _heir = address(0x4e14);

    constructor(Ledger ledger, Things memory things) Actor(ledger, things) {}

    /// @dev While it lasts the owner's own plan is refused, by that name.
    function pauseFor(uint128 amount) external {
        vm.prank(_things.guardian);
        _things.executor.pause();
        bytes32 before = _digest();
        vm.prank(_things.owner);
        (bool success, bytes memory reason) = address(_things.executor).call(_plan(amount));
        _ledger.note(PAUSE, !success && bytes4(reason) == IAccount.IsPaused.selector && before == _digest());
        vm.prank(_things.guardian);
        (success,) = address(_things.executor).call(abi.encodeCall(_things.executor.resume, ()));
        _ledger.note(PAUSE, !success && _things.executor.paused());
        _probe();
    }

    function resume() external {
        vm.prank(_things.owner);
        _things.executor.resume();
    }

    /// @dev Who was the owner has no more to say once another is.
    function handOverAndBack(uint128 amount) external {
        bool paused = _things.executor.paused();
        vm.prank(_things.owner);
        _things.executor.offerOwnership(_heir);
        vm.prank(_heir);
        _things.executor.acceptOwnership();
        vm.prank(_things.owner);
        (bool success,) = address(_things.executor).call(_plan(amount));
        _ledger.note(ONLY_OWNER_PAYS, !success);
        vm.prank(_heir);
        _things.executor.offerOwnership(_things.owner);
        vm.prank(_things.owner);
        _things.executor.acceptOwnership();
        _ledger.note(PAUSE, paused == _things.executor.paused());
        _ledger.note(ONLY_OWNER_PAYS, _things.executor.guardian() == address(0));
        vm.prank(_things.owner);
        _things.executor.setGuardian(_things.guardian);
    }

    function _plan(uint128 amount) private view returns (bytes memory) {
        Plan memory plan;
        plan.deadline = uint40(block.timestamp);
        plan.tokens = new address[](2);
        (plan.tokens[0], plan.tokens[1]) = (_things.tokens[0], _things.tokens[1]);
        (plan.amountIn, plan.minOut) = (uint128(bound(amount, 1e6, 1e18)), 1);
        plan.legs = Plans.v3(0, 1, Plans.all(), 0, 3000);
        return Plans.encode(plan);
    }
}
