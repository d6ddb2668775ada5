// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPermit2} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {PlanHash} from "../libraries/PlanHash.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {Cursor, FLAG_PERMIT, FLAG_PULL, Frame, TOKEN_IN} from "../types/Plan.sol";
import {Account} from "./Account.sol";

/// @title The owner's funds by signature
/// @notice A Permit2 transfer whose witness is the plan: the signature is worth nothing for any other plan, executor or
/// chain, and at most once. No allowance to this contract is needed, ever.
abstract contract PermitFunding is Account {
    IPermit2 private constant PERMIT2 = IPermit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    /// @dev Where a call of Permit2 holds the receiver, and behind it the amount.
    uint256 private constant RECEIVER = 132;

    /// @dev Whether the owner pays the plan's first pool and is paid by its last.
    function _isDirect() internal pure returns (bool) {
        return Frame.flags() & (FLAG_PULL | FLAG_PERMIT) == FLAG_PERMIT;
    }

    function _pullByPermit(address token, address to, uint256 amount) internal {
        _send(_permitCall(token, to, amount));
    }

    /// @dev The call of Permit2, to be sent by `_pullByPermit` or `_payByPermit`.
    function _permitCall(address token, address to, uint256 amount) internal view returns (bytes memory) {
        (uint256 nonce, Cursor at, uint256 size) = PlanCodec.permit();
        bytes calldata signature;
        // The part of the plan that `takeHead` has cut off as the signature.
        assembly ("memory-safe") {
            signature.offset := at
            signature.length := size
        }
        (,, uint256 most) = PlanCodec.asset(TOKEN_IN);
        return abi.encodeCall(
            IPermit2.permitWitnessTransferFrom,
            (
                IPermit2.PermitTransferFrom(IPermit2.TokenPermissions(token, most), nonce, PlanCodec.deadline()),
                IPermit2.SignatureTransferDetails(to, amount),
                _owner(),
                PlanHash.hash(),
                PlanHash.WITNESS,
                signature
            )
        );
    }

    /// @dev Sends a call made before, to another receiver and for another amount, which Permit2 bounds by the signed one.
    function _payByPermit(uint256 start, uint256 size, address to, uint256 amount) internal {
        bytes memory copy = msg.data[start:start + size];
        // Two words of the call's fixed part.
        assembly ("memory-safe") {
            mstore(add(add(copy, 32), RECEIVER), to)
            mstore(add(add(copy, 64), RECEIVER), amount)
        }
        _send(copy);
    }

    function _send(bytes memory call_) private {
        (bool success,) = address(PERMIT2).call(call_);
        if (!success) Reverts.again();
    }
}
