// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITokenErrors} from "../interfaces/IERC20.sol";
import {ISpokePool} from "../interfaces/IFurtherVenues.sol";
import {IAnnex} from "../interfaces/IParts.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, LEG_ACROSS, LEG_PAYOUT, Leg} from "../types/Plan.sol";
import {FurtherLegs} from "./FurtherLegs.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

/// @title Funds that leave the account for good
/// @notice To addresses that the owner listed, here or on another chain.
abstract contract SendingLegs is FurtherLegs, VenueRegistry {
    using TokenCalls for address;

    /// @return arrived By how much the receiver's balance rose: less than was sent, if the token takes a fee.
    function _payOut(Leg memory leg, bytes calldata particulars) internal returns (uint256 arrived) {
        address to = _takeAddressLast(leg, particulars);
        if (!_isListed(LEG_PAYOUT, to, 0)) revert IAnnex.NotListed(LEG_PAYOUT, to, 0);
        if (leg.tokenIn == address(0)) {
            _sendNative(to, leg.amount);
            return leg.amount;
        }
        uint256 before = leg.tokenIn.balanceOf(to);
        leg.tokenIn.send(to, leg.amount);
        uint256 later = leg.tokenIn.balanceOf(to);
        return later > before ? later - before : 0;
    }

    /// @dev The other chain's side is not atomic with the plan: a relayer pays there, or Across refunds this account. A
    /// recipient is this account's own address, where the owner must see that it is the owner's on that chain too, or one
    /// that the owner listed.
    function _bridge(Leg memory leg, bytes calldata particulars) internal {
        (address recipient, Cursor at) = PlanCodec.takeAddress(_start(particulars));
        if (recipient != address(this) && !_isListed(LEG_ACROSS, recipient, 0)) {
            revert IAnnex.NotListed(LEG_ACROSS, recipient, 0);
        }
        address spoke = _known(_spoke, leg);
        bytes memory call_ = _depositCall(leg, recipient, particulars, at);
        _permitExactly(leg.tokenIn, spoke, leg.amount);
        _callVenue(spoke, call_);
        _forbid(leg.tokenIn, spoke);
    }

    function _depositCall(Leg memory leg, address recipient, bytes calldata particulars, Cursor start)
        private
        view
        returns (bytes memory)
    {
        address outputToken;
        address relayer;
        uint256[5] memory terms;
        Cursor at;
        (outputToken, at) = PlanCodec.takeAddress(start);
        (terms[0], at) = PlanCodec.take(at, 16);
        (terms[1], at) = PlanCodec.take(at, 8);
        (relayer, at) = PlanCodec.takeAddress(at);
        (terms[2], at) = PlanCodec.take(at, 4);
        (terms[3], at) = PlanCodec.take(at, 4);
        (terms[4], at) = PlanCodec.take(at, 4);
        _finish(leg, particulars, at);
        if (outputToken == address(0) || terms[0] == 0) revert IAnnex.NothingAsked();
        // Of each of the last three, four bytes were read.
        return abi.encodeCall(
            ISpokePool.depositV3,
            (
                address(this),
                recipient,
                leg.tokenIn,
                outputToken,
                leg.amount,
                terms[0],
                terms[1],
                relayer,
                uint32(terms[2]),
                uint32(terms[3]),
                uint32(terms[4]),
                ""
            )
        );
    }

    function _sendNative(address to, uint256 amount) private {
        bool sent;
        // Nothing of the answer is copied.
        assembly ("memory-safe") {
            sent := call(gas(), to, amount, 0, 0, 0, 0)
        }
        if (!sent) revert ITokenErrors.TransferFailed(address(0), to, amount);
    }
}
