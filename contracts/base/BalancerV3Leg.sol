// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "../interfaces/IExecutor.sol";
import {IBalancerV3Vault} from "../interfaces/IFurtherVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {Cursor, LEG_BALANCER_V3, Leg} from "../types/Plan.sol";
import {FurtherLegs} from "./FurtherLegs.sol";

/// @title Balancer v3 pools
/// @notice The vault calls back while it is unlocked; what the swap takes is paid to it there, without an allowance.
abstract contract BalancerV3Leg is FurtherLegs {
    using TokenCalls for address;

    uint8 private constant GIVEN_IN = 0;

    function _swapBalancerV3(Leg memory leg, bytes calldata particulars) internal {
        address pool = _takeAddressLast(leg, particulars);
        _unlockVault(
            _known(_balancerV3, leg),
            LEG_BALANCER_V3,
            abi.encodePacked(uint8(LEG_BALANCER_V3), pool, leg.tokenIn, leg.tokenOut, leg.amount)
        );
    }

    /// @dev The vault calls its caller with the very bytes that it was given: here a call of `vaultUnlocked`.
    function _unlockVault(address vault, uint256 door, bytes memory context) internal {
        _armFor(door, vault, context);
        IBalancerV3Vault(vault).unlock(_unlockedCall(context));
        _requireTaken(vault);
    }

    /// @dev The callback, whose context is this contract's own.
    function _swapInVault(Cursor start) internal {
        address pool;
        address tokenIn;
        address tokenOut;
        uint256 amount;
        Cursor at;
        (pool, at) = PlanCodec.takeAddress(start);
        (tokenIn, at) = PlanCodec.takeAddress(at);
        (tokenOut, at) = PlanCodec.takeAddress(at);
        (amount,) = PlanCodec.take(at, 32);
        (, uint256 taken, uint256 given) = IBalancerV3Vault(msg.sender)
            .swap(IBalancerV3Vault.VaultSwapParams(GIVEN_IN, pool, tokenIn, tokenOut, amount, 0, ""));
        if (taken > amount) revert IExecutor.AmountOverflow(taken);
        tokenIn.send(msg.sender, taken);
        IBalancerV3Vault(msg.sender).settle(tokenIn, taken);
        IBalancerV3Vault(msg.sender).sendTo(tokenOut, address(this), given);
    }

    function _unlockedCall(bytes memory context) private pure returns (bytes memory) {
        return abi.encodeWithSelector(bytes4(keccak256("vaultUnlocked(bytes)")), context);
    }
}
