// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAnnex} from "../interfaces/IParts.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {RightsGiven} from "../libraries/RightsGiven.sol";
import {TokenQuestions} from "../libraries/TokenQuestions.sol";
import {Cursor, LEG_CALL, Leg} from "../types/Plan.sol";
import {Account} from "./Account.sol";
import {FurtherLegs} from "./FurtherLegs.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

/// @title A call of a function that the owner listed
/// @notice Off until something is listed. Whatever is listed: no token, nobody who holds rights over this account or its
/// funds, no function that gives rights away, no value.
abstract contract CallLeg is FurtherLegs, Account, VenueRegistry {
    address private constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    function _callListed(Leg memory leg, bytes calldata particulars) internal {
        (address target, Cursor at) = PlanCodec.takeAddress(_start(particulars));
        bool pays;
        (pays, at) = PlanCodec.takeSwitch(at);
        bytes calldata data = _after(leg, particulars, at);
        if (data.length < 4) revert IAnnex.BadParticulars(LEG_CALL, particulars.length);
        bytes4 selector = bytes4(data);
        if (!_isListed(LEG_CALL, target, selector)) revert IAnnex.NotListed(LEG_CALL, target, selector);
        if (_isSacred(leg, target) || RightsGiven.by(selector) || TokenQuestions.isToken(target)) {
            revert IAnnex.CallRefused(target, selector);
        }
        if (pays) _permitExactly(leg.tokenIn, target, leg.amount);
        _callVenue(target, data);
        if (pays) _forbid(leg.tokenIn, target);
    }

    /// @dev An address without code is refused likewise.
    function _isSacred(Leg memory leg, address target) private view returns (bool) {
        if (target == leg.tokenIn || target == leg.tokenOut || target == PERMIT2) return true;
        if (target == address(this) || target == _owner() || target == _account().entryPoint) return true;
        if (target == _wrapped || target == _balancerV2 || target == _balancerV3 || target == _aave) return true;
        if (target == _spoke || target == _zeroEx || target == _airSwap) return true;
        return target.code.length == 0;
    }
}
