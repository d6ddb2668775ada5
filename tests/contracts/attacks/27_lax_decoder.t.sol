// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Decoders that do not mind their bounds read bytes that nobody signed. Here every byte of a plan is used once and
/// none behind it is. More in `PlanCodec.t.sol` and `MalformedCalldata.t.sol`.
contract LaxDecoderTest is Attack {
    function setUp() public override {
        super.setUp();
        _pair(a, b);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // Cut in the middle of its last leg: the venue is missing, and reads as venue 0.
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0)));
        assembly ("memory-safe") {
            mstore(packed, sub(mload(packed), 1))
        }
        return _sendAs(desk, packed);
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(executor));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 101, 100);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 27;
    }
}
