// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IWeth} from "../interfaces/IERC20.sol";
import {IVault4626} from "../interfaces/IFurtherVenues.sol";
import {IAnnex} from "../interfaces/IParts.sol";
import {Leg} from "../types/Plan.sol";
import {FurtherLegs} from "./FurtherLegs.sol";

/// @title The native coin and its wrapper, a vault's shares and what they stand for
abstract contract ConversionLegs is FurtherLegs {
    function _wrapOrUnwrap(Leg memory leg, bytes calldata particulars) internal {
        _finish(leg, particulars, _start(particulars));
        address weth = _known(_wrapped, leg);
        if (leg.tokenIn == address(0) && leg.tokenOut == weth) IWeth(weth).deposit{value: leg.amount}();
        else if (leg.tokenIn == weth && leg.tokenOut == address(0)) IWeth(weth).withdraw(leg.amount);
        else revert IExecutor.NotNative(leg.tokenIn, leg.tokenOut);
    }

    /// @dev A vault gets at most the leg's amount, by allowance or as its own shares. As with Curve's pools nothing proves
    /// it; what it gives is measured, and the plan's minimum holds it to its word.
    function _depositOrRedeem(Leg memory leg, bytes calldata particulars) internal {
        address vault = _takeAddressLast(leg, particulars);
        if (leg.tokenOut == vault) {
            _permitExactly(leg.tokenIn, vault, leg.amount);
            IVault4626(vault).deposit(leg.amount, address(this));
            _forbid(leg.tokenIn, vault);
        } else if (leg.tokenIn == vault) {
            IVault4626(vault).redeem(leg.amount, address(this), address(this));
        } else {
            revert IAnnex.VaultNotTraded(vault);
        }
    }
}
