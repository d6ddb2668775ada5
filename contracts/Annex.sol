// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BalancerV3Leg} from "./base/BalancerV3Leg.sol";
import {CallLeg} from "./base/CallLeg.sol";
import {ConversionLegs} from "./base/ConversionLegs.sol";
import {FlashLeg} from "./base/FlashLeg.sol";
import {FurtherLegs} from "./base/FurtherLegs.sol";
import {OrderLegs} from "./base/OrderLegs.sol";
import {SendingLegs} from "./base/SendingLegs.sol";
import {VenueRegistry} from "./base/VenueRegistry.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {IAnnex} from "./interfaces/IParts.sol";
import {PlanCodec} from "./libraries/PlanCodec.sol";
import {
    Cursor,
    LEG_ACROSS,
    LEG_AIRSWAP,
    LEG_BALANCER_V3,
    LEG_CALL,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_VAULT,
    LEG_WRAP,
    LEG_ZEROEX_RFQ,
    Leg
} from "./types/Plan.sol";

/// @title Legs beyond swaps
/// @notice The executor's own code, in a contract of its own as one could not hold it all. Called directly it has no funds
/// and no owner, and refuses.
/// @dev Runs by delegatecall on the executor's storage. Holds none of its own: immutables only, so that all executors of a
/// chain may share it.
contract Annex is IAnnex, ConversionLegs, SendingLegs, OrderLegs, CallLeg, FlashLeg {
    /// @dev Names no factory: of the registry it reads only what is listed.
    constructor(IAnnex.Places memory places) FurtherLegs(places) VenueRegistry(address(0), 0, address(0), 0) {}

    /// @inheritdoc IAnnex
    function runLeg(uint256 kind, address tokenIn, address tokenOut, uint256 amount, bytes calldata particulars)
        external
        returns (uint256 sold, uint256 out, uint256 left)
    {
        if (_state != LOCKED) revert NoPlanRuns();
        Leg memory leg = Leg(kind, tokenIn, tokenOut, amount);
        (uint256 beforeIn, uint256 beforeOut) = (_held(tokenIn), _held(tokenOut));
        uint256 gone = _run(leg, particulars);
        (uint256 afterIn, uint256 afterOut) = (_held(tokenIn), _held(tokenOut));
        sold = beforeIn > afterIn ? beforeIn - afterIn : 0;
        out = afterOut > beforeOut ? afterOut - beforeOut : 0;
        left = gone < sold ? gone : sold;
    }

    /// @notice Balancer v2's callback.
    function receiveFlashLoan(
        address[] calldata tokens,
        uint256[] calldata amounts,
        uint256[] calldata fees,
        bytes calldata context
    ) external {
        _runWithBalancerV2(tokens, amounts, fees, context);
    }

    /// @notice Aave v3's callback.
    function executeOperation(address asset, uint256 amount, uint256 premium, address initiator, bytes calldata context)
        external
        returns (bool)
    {
        _runWithAave(asset, amount, premium, initiator, context);
        return true;
    }

    /// @notice Balancer v3's callback, for a swap or a loan, as the context's first byte says.
    function vaultUnlocked(bytes calldata context) external {
        (uint256 kind, Cursor at) = PlanCodec.take(_start(context), 1);
        if (kind == LEG_FLASH) return _runInVault(context);
        _takeCallback(LEG_BALANCER_V3, Cursor.unwrap(_start(context)), context.length);
        _swapInVault(at);
    }

    /// @return gone How much is certain to have been sent away for good.
    function _run(Leg memory leg, bytes calldata particulars) private returns (uint256 gone) {
        uint256 kind = leg.kind;
        if (kind == LEG_WRAP) {
            _wrapOrUnwrap(leg, particulars);
        } else if (kind == LEG_VAULT) {
            _depositOrRedeem(leg, particulars);
        } else if (kind == LEG_BALANCER_V3) {
            _swapBalancerV3(leg, particulars);
        } else if (kind == LEG_AIRSWAP) {
            _fillAirSwap(leg, particulars);
        } else if (kind == LEG_ZEROEX_RFQ) {
            _fillZeroEx(leg, particulars);
        } else if (kind == LEG_PAYOUT) {
            gone = _payOut(leg, particulars);
        } else if (kind == LEG_ACROSS) {
            _bridge(leg, particulars);
            gone = leg.amount;
        } else if (kind == LEG_CALL) {
            _callListed(leg, particulars);
        } else if (kind == LEG_FLASH) {
            _borrow(leg, particulars);
        } else {
            revert IExecutor.UnknownLegKind(0, kind);
        }
    }
}
