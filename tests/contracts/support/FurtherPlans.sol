// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IZeroEx} from "contracts/interfaces/IFurtherVenues.sol";
import {
    LEG_ACROSS,
    LEG_AIRSWAP,
    LEG_BALANCER_V3,
    LEG_CALL,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_VAULT,
    LEG_WRAP,
    LEG_ZEROEX_RFQ
} from "contracts/types/Plan.sol";

import {Plans} from "./Plans.sol";

/// @notice Encodes legs from kind 10 on: the tests' counterpart of what `Annex` reads.
library FurtherPlans {
    struct Deposit {
        address recipient;
        address outputToken;
        uint128 outputAmount;
        uint64 chainId;
        address relayer;
        uint32 quoteTimestamp;
        uint32 fillDeadline;
        uint32 exclusivity;
    }

    struct AirSwapOrder {
        address signer;
        uint128 signerAmount;
        uint256 nonce;
        uint40 expiry;
        bool light;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    function leg(uint256 kind, uint8 from, uint8 to, bytes memory amount, bytes memory particulars)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(Plans._leg(kind, from, to, amount), uint16(particulars.length), particulars);
    }

    function wrap(uint8 from, uint8 to, bytes memory amount) internal pure returns (bytes memory) {
        return leg(LEG_WRAP, from, to, amount, "");
    }

    function vault(uint8 from, uint8 to, bytes memory amount, address vault_) internal pure returns (bytes memory) {
        return leg(LEG_VAULT, from, to, amount, abi.encodePacked(vault_));
    }

    function balancerV3(uint8 from, uint8 to, bytes memory amount, address pool) internal pure returns (bytes memory) {
        return leg(LEG_BALANCER_V3, from, to, amount, abi.encodePacked(pool));
    }

    function airSwap(uint8 from, uint8 to, bytes memory amount, AirSwapOrder memory order)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory terms = abi.encodePacked(order.signer, order.signerAmount, order.nonce, order.expiry, order.light);
        return leg(LEG_AIRSWAP, from, to, amount, abi.encodePacked(terms, order.v, order.r, order.s));
    }

    function zeroEx(
        uint8 from,
        uint8 to,
        bytes memory amount,
        IZeroEx.RfqOrder memory order,
        IZeroEx.Signature memory signature
    ) internal pure returns (bytes memory) {
        bytes memory terms = abi.encodePacked(
            order.maker,
            order.makerAmount,
            order.takerAmount,
            order.taker == address(0),
            order.txOrigin,
            order.pool,
            order.expiry,
            order.salt
        );
        bytes memory signed = abi.encodePacked(signature.signatureType, signature.v, signature.r, signature.s);
        return leg(LEG_ZEROEX_RFQ, from, to, amount, abi.encodePacked(terms, signed));
    }

    function payout(uint8 from, uint8 to, bytes memory amount, address receiver) internal pure returns (bytes memory) {
        return leg(LEG_PAYOUT, from, to, amount, abi.encodePacked(receiver));
    }

    function across(uint8 from, uint8 to, bytes memory amount, Deposit memory deposit)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory terms = abi.encodePacked(
            deposit.recipient,
            deposit.outputToken,
            deposit.outputAmount,
            deposit.chainId,
            deposit.relayer,
            deposit.quoteTimestamp,
            deposit.fillDeadline,
            deposit.exclusivity
        );
        return leg(LEG_ACROSS, from, to, amount, terms);
    }

    function callOut(uint8 from, uint8 to, bytes memory amount, address target, bool pays, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        return leg(LEG_CALL, from, to, amount, abi.encodePacked(target, pays, data));
    }

    function flash(
        uint8 from,
        uint8 to,
        bytes memory amount,
        address lender,
        uint256 kind,
        uint128 loan,
        bytes[] memory plans
    ) internal pure returns (bytes memory) {
        bytes memory particulars = abi.encodePacked(lender, uint8(kind), loan, uint8(plans.length));
        for (uint256 i = 0; i < plans.length; ++i) {
            particulars = abi.encodePacked(particulars, uint24(plans[i].length), plans[i]);
        }
        return leg(LEG_FLASH, from, to, amount, particulars);
    }
}
