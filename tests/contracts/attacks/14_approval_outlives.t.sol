// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";

import {PatientCurvePool} from "../mocks/HostilePools.sol";
import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice CoW's SwapGuard, 2023-02: the settlement had approved a contract that could be told to take. Here exactly the
/// leg's amount is approved and nothing is once the leg is over, so that a venue that comes late finds nothing.
contract ApprovalOutlivesTest is Attack {
    PatientCurvePool internal pool;

    function setUp() public override {
        super.setUp();
        pool = new PatientCurvePool(a, b, false);
        _mint(b, address(pool), 1);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        (success, reason) = _sendAs(
            desk, Plans.encode(_plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), address(pool), 0, 1, false)))
        );
        require(success, "the plan itself is in order");
        return address(pool).call(abi.encodeCall(pool.collect, ()));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(DevToken.AllowanceTooLow.selector, executor, pool, 0, AMOUNT);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 14;
    }
}
