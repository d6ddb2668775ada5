// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IAnnex} from "../interfaces/IParts.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, Leg} from "../types/Plan.sol";
import {CallbackGuard} from "./CallbackGuard.sol";

/// @title What legs from kind 10 on share
/// @notice Their protocols' places, exact allowances, and the reading of particulars, which must be used to the last byte.
/// @dev Legs do not say what they sold and bought: `Annex` measures it.
abstract contract FurtherLegs is CallbackGuard {
    using TokenCalls for address;

    address internal immutable _wrapped;
    address internal immutable _balancerV2;
    address internal immutable _balancerV3;
    address internal immutable _aave;
    address internal immutable _spoke;
    address internal immutable _zeroEx;
    address internal immutable _airSwap;

    constructor(IAnnex.Places memory places) {
        _wrapped = places.weth;
        _balancerV2 = places.balancerV2Vault;
        _balancerV3 = places.balancerV3Vault;
        _aave = places.aavePool;
        _spoke = places.spokePool;
        _zeroEx = places.zeroEx;
        _airSwap = places.airSwap;
    }

    /// @dev Exactly the amount. Nothing is approved between legs, so tokens that refuse to change a non-zero allowance are
    /// content.
    function _permitExactly(address token, address spender, uint256 amount) internal {
        token.approve(spender, amount);
    }

    function _forbid(address token, address spender) internal {
        if (token.allowance(address(this), spender) == 0) return;
        token.approve(spender, 0);
        uint256 left = token.allowance(address(this), spender);
        if (left != 0) revert IExecutor.AllowanceLeft(token, spender, left);
    }

    /// @dev Nothing of the answer is believed, or copied if it is no reason to revert.
    function _callVenue(address venue, bytes memory call_) internal {
        if (venue.code.length == 0) revert IExecutor.PoolMissing(venue);
        bool success;
        assembly ("memory-safe") {
            success := call(gas(), venue, 0, add(call_, 32), mload(call_), 0, 0)
        }
        if (!success) Reverts.again();
    }

    /// @dev What this account has; of the native coin, if the address is zero.
    function _held(address token) internal view returns (uint256) {
        return token == address(0) ? address(this).balance : token.balanceOf(address(this));
    }

    /// @dev The protocol's place, if the chain has it.
    function _known(address place, Leg memory leg) internal pure returns (address) {
        if (place == address(0)) revert IExecutor.VenueUnknown(leg.kind, 0);
        return place;
    }

    function _start(bytes calldata particulars) internal pure returns (Cursor at) {
        // A cursor is a position in calldata. Memory is not touched.
        assembly ("memory-safe") {
            at := particulars.offset
        }
    }

    /// @dev Refuses particulars that were not used to their last byte, or beyond it.
    function _finish(Leg memory leg, bytes calldata particulars, Cursor at) internal pure {
        if (Cursor.unwrap(at) != Cursor.unwrap(_start(particulars)) + particulars.length) {
            revert IAnnex.BadParticulars(leg.kind, particulars.length);
        }
    }

    function _after(Leg memory leg, bytes calldata particulars, Cursor at) internal pure returns (bytes calldata) {
        uint256 used = Cursor.unwrap(at) - Cursor.unwrap(_start(particulars));
        if (used > particulars.length) revert IAnnex.BadParticulars(leg.kind, particulars.length);
        return particulars[used:];
    }

    /// @dev Arms the callback for a context of its own, which stays as it is.
    function _armFor(uint256 kind, address venue, bytes memory context) internal {
        uint256 size = context.length;
        uint256 at;
        assembly ("memory-safe") {
            at := context
        }
        _arm(kind, venue, at, size);
        // The length was overwritten for the hash.
        assembly ("memory-safe") {
            mstore(context, size)
        }
    }

    function _takeAddressLast(Leg memory leg, bytes calldata particulars) internal pure returns (address value) {
        Cursor at;
        (value, at) = PlanCodec.takeAddress(_start(particulars));
        _finish(leg, particulars, at);
    }
}
