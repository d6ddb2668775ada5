// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IBalancerVault, ICurveCryptoSwap, ICurveStableSwap} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, Frame, LEG_BALANCER, LEG_CURVE_STABLE, Leg} from "../types/Plan.sol";

/// @title Venues that pull their payment: Curve and Balancer v2
/// @notice Exactly the leg's amount is approved, and nothing stays approved after the leg.
abstract contract ApprovalLegs {
    using TokenCalls for address;

    uint8 private constant GIVEN_IN = 0;

    address internal immutable _balancerVault;

    constructor(address balancerVault) {
        _balancerVault = balancerVault;
    }

    /// @dev Curve's pools share no factory that could prove them. A pool gets at most the leg's amount, by allowance; what
    /// it gives is measured, and the plan's minimum holds it to its word.
    function _swapCurve(Leg memory leg, Cursor at) internal returns (uint256 out, Cursor next) {
        address pool;
        uint256 i;
        uint256 j;
        (pool, next) = PlanCodec.takeAddress(at);
        (i, next) = PlanCodec.take(next, 1);
        (j, next) = PlanCodec.take(next, 1);
        PlanCodec.within(next, Frame.end());
        if (pool.code.length == 0) revert IExecutor.PoolMissing(pool);

        uint256 before = leg.tokenOut.balanceOf(address(this));
        _approve(leg, pool);
        if (leg.kind == LEG_CURVE_STABLE) {
            // One byte each was read.
            ICurveStableSwap(pool).exchange(int128(uint128(i)), int128(uint128(j)), leg.amount, 0);
        } else {
            ICurveCryptoSwap(pool).exchange(i, j, leg.amount, 0);
        }
        _revoke(leg, pool);
        uint256 remaining = leg.tokenOut.balanceOf(address(this));
        out = remaining > before ? remaining - before : 0;
    }

    function _swapBalancer(Leg memory leg, Cursor at) internal returns (uint256 out, Cursor next) {
        uint256 poolId;
        (poolId, next) = PlanCodec.take(at, 32);
        PlanCodec.within(next, Frame.end());
        if (_balancerVault == address(0)) revert IExecutor.VenueUnknown(LEG_BALANCER, 0);

        _approve(leg, _balancerVault);
        out = IBalancerVault(_balancerVault)
            .swap(
                IBalancerVault.SingleSwap({
                poolId: bytes32(poolId),
                kind: GIVEN_IN,
                assetIn: leg.tokenIn,
                assetOut: leg.tokenOut,
                amount: leg.amount,
                userData: ""
            }),
                IBalancerVault.FundManagement({
                sender: address(this),
                fromInternalBalance: false,
                recipient: payable(address(this)),
                toInternalBalance: false
            }),
                0,
                block.timestamp
            );
        _revoke(leg, _balancerVault);
    }

    /// @dev Nothing is approved between legs, so tokens that refuse to change a non-zero allowance are content.
    function _approve(Leg memory leg, address spender) private {
        leg.tokenIn.approve(spender, leg.amount);
    }

    function _revoke(Leg memory leg, address spender) private {
        if (leg.tokenIn.allowance(address(this), spender) == 0) return;
        leg.tokenIn.approve(spender, 0);
        uint256 left = leg.tokenIn.allowance(address(this), spender);
        if (left != 0) revert IExecutor.AllowanceLeft(leg.tokenIn, spender, left);
    }
}
