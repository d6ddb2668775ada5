// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";

import {Plan, Plans} from "../support/Plans.sol";
import {Actor, Ledger, Things} from "./World.sol";

/// @notice Anybody but the owner and the guardian, at every door, with whatever they like.
contract Strangers is Actor {
    uint40 private constant NEVER = type(uint40).max;

    constructor(Ledger ledger, Things memory things) Actor(ledger, things) {}

    function knock(address caller, uint8 door, bytes calldata data, uint256 amount) external {
        // Nobody can send from the zero address, which is also the pending owner where none is.
        if (caller == address(0)) return;
        if (caller == _things.owner || caller == _things.guardian || caller == _things.maker) return;
        if (caller == _things.session) return;
        bytes memory context = abi.encode(_things.tokens[0], amount);
        bytes[14] memory calls = [
            data,
            abi.encodeCall(_things.executor.uniswapV3SwapCallback, (int256(amount >> 1), int256(0), context)),
            abi.encodeCall(_things.executor.pancakeV3SwapCallback, (int256(0), int256(amount >> 1), data)),
            abi.encodeCall(_things.executor.unlockCallback, (data)),
            abi.encodeCall(_things.executor.rfqPay, (_things.tokens[0], caller, amount)),
            abi.encodeCall(_things.executor.withdraw, (_things.tokens[0], amount)),
            abi.encodeCall(_things.executor.setVenue, (uint8(2), uint8(amount), caller, bytes32(amount), uint24(0))),
            abi.encodeCall(_things.executor.offerOwnership, (caller)),
            abi.encodeCall(_things.executor.acceptOwnership, ()),
            abi.encodeCall(_things.executor.pause, ()),
            abi.encodeCall(_things.executor.setGuardian, (caller)),
            abi.encodePacked(uint8(2), data),
            abi.encodeCall(_things.executor.revokeSession, (_things.session)),
            abi.encodeCall(_things.executor.executeSigned, (new bytes[](1), 1, amount, NEVER, _things.session, data))
        ];
        _as(caller, calls[door % 14]);
    }

    /// @dev A plan that would be in order if the owner sent it, for funds that stand approved.
    function plan(address caller, uint128 amount, uint8 flags) external {
        if (caller == _things.owner || caller == _things.session || caller == address(0)) return;
        Plan memory theirs;
        theirs.deadline = uint40(block.timestamp);
        theirs.tokens = new address[](2);
        (theirs.tokens[0], theirs.tokens[1]) = (_things.tokens[0], _things.tokens[1]);
        (theirs.amountIn, theirs.minOut, theirs.flags) = (uint128(bound(amount, 1, 1e18)), 1, flags % 4);
        theirs.legs = Plans.v2(0, 1, Plans.all(), 0);
        _as(caller, Plans.encode(theirs));
    }

    /// @dev Pays the executor, as anybody can: it must not matter to any plan.
    function donate(uint8 which, uint128 amount) external {
        address from = _things.maker;
        vm.prank(from);
        IERC20(_things.tokens[which % 2]).transfer(address(_things.executor), bound(amount, 0, 1e18));
    }

    function _as(address caller, bytes memory call_) private {
        bytes32 before = _digest();
        vm.prank(caller);
        (bool success,) = address(_things.executor).call(call_);
        // A getter may be hit by chance.
        success;
        _ledger.note(ONLY_OWNER_PAYS, before == _digest());
        _probe();
    }
}
