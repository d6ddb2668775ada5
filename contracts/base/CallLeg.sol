// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAnnex} from "../interfaces/IParts.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Cursor, LEG_CALL, Leg} from "../types/Plan.sol";
import {Account} from "./Account.sol";
import {FurtherLegs} from "./FurtherLegs.sol";
import {VenueRegistry} from "./VenueRegistry.sol";

/// @title A call of a function that the owner listed
/// @notice Off until something is listed. Whatever is listed: no token, nobody who holds rights over this account or its
/// funds, no function that gives rights away, no value.
abstract contract CallLeg is FurtherLegs, Account, VenueRegistry {
    address private constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    /// @dev Functions that move funds, give rights to move them, or carry other calls, four bytes each:
    ///   tokens      approve, transfer, transferFrom, permit (ERC-2612 two, DAI), increaseAllowance, decreaseAllowance,
    ///               increaseApproval, transferAndCall (two), approveAndCall (two), transferFromAndCall (two)
    ///   ERC-777     authorizeOperator, send, operatorSend, burn(uint256,bytes), operatorBurn
    ///   ERC-721     setApprovalForAll, safeTransferFrom (two), and of ERC-1155 one, safeBatchTransferFrom
    ///   ERC-6909    approve, setOperator, transfer, transferFrom
    ///   Permit2     approve, permit (two), transferFrom (two), permitTransferFrom (two), permitWitnessTransferFrom (two),
    ///               lockdown, invalidateNonces, invalidateUnorderedNonces
    ///   credit      Aave's approveDelegation, delegationWithSig; Compound's allow, allowBySig; Morpho's setAuthorization,
    ///               setAuthorizationWithSig; Balancer's setRelayerApproval, setRelayerApprovalWithSig
    ///   carriers    multicall (three), aggregate3, execute(bytes,bytes[]), execute(bytes,bytes[],uint256)
    bytes private constant REFUSED = hex"095ea7b3a9059cbb23b872ddd505accf8fcbaf0c9fd5a6cf39509351a457c2d7d73dd6231296ee624000aea03177029f"
        hex"cae9ca51d8fbe994c1d34b89959b8c3f9bd9bbc662ad1b83fe9d9303fc673c4fa22cb46542842e0eb88d4fdef242432a"
        hex"2eb2c2d6426a8493558a7297095bcdb6fe99049a87517c452b67b5702a2d80d136c785160d58b1db30f28b7aedd9444b"
        hex"137c29fefe8ec1a7cc53287f65d9723c3ff9dcb1c04a8a100b52d558110496e5bb24d994eecea0008069218ffa6e671d"
        hex"f517a809ac9650d85ae401dc1f0464d182ad56cb24856bc33593564c";

    function _callListed(Leg memory leg, bytes calldata particulars) internal {
        (address target, Cursor at) = PlanCodec.takeAddress(_start(particulars));
        bool pays;
        (pays, at) = PlanCodec.takeSwitch(at);
        bytes calldata data = _after(leg, particulars, at);
        if (data.length < 4) revert IAnnex.BadParticulars(LEG_CALL, particulars.length);
        bytes4 selector = bytes4(data);
        if (!_isListed(LEG_CALL, target, selector)) revert IAnnex.NotListed(LEG_CALL, target, selector);
        if (_isSacred(leg, target) || _givesAway(selector) || _isToken(target)) {
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

    /// @dev Whether it knows a total supply.
    function _isToken(address target) private view returns (bool token) {
        // `totalSupply()`, in scratch space.
        assembly ("memory-safe") {
            mstore(0, 0x18160ddd00000000000000000000000000000000000000000000000000000000)
            let success := staticcall(gas(), target, 0, 4, 0, 0)
            token := and(success, gt(returndatasize(), 31))
        }
    }

    function _givesAway(bytes4 selector) private pure returns (bool) {
        bytes memory refused = REFUSED;
        for (uint256 i = 0; i < refused.length; i += 4) {
            bytes4 one;
            // Within the array, whose length is a multiple of four.
            assembly ("memory-safe") {
                one := and(mload(add(add(refused, 32), i)), shl(224, 0xffffffff))
            }
            if (one == selector) return true;
        }
        return false;
    }
}
