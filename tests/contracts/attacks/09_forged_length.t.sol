// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {FLAG_PERMIT} from "contracts/types/Plan.sol";

import {ContractMaker} from "../mocks/ContractMaker.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice 1inch Fusion v1, 2025-03: a length from the caller moved the place from where the signed part was read. Here
/// every length is held against the plan's end before anything behind it is used.
contract ForgedLengthTest is Attack {
    uint256 internal constant SIGNATURE_BYTES = 100;

    ContractMaker internal wallet;

    function setUp() public override {
        super.setUp();
        wallet = new ContractMaker(b, address(settlement));
        _mint(b, address(wallet), AMOUNT);
    }

    function test_a_permits_length_cannot_reach_before_the_legs(uint16 size) public {
        bytes memory legs = Plans.v2(0, 1, Plans.all(), 0);
        Plan memory plan = _plan(a, b, AMOUNT, legs);
        plan.flags = uint8(FLAG_PERMIT);
        plan.permit = abi.encodePacked(uint64(1), size);
        size = uint16(bound(size, 1, type(uint16).max));
        plan.permit = abi.encodePacked(uint64(1), size);
        uint256 length = Plans.encode(plan).length;
        uint256 needed = uint256(size) + 10;
        // Either the legs are gone, or the head itself.
        uint256 left = needed > length ? 0 : length - needed;
        if (needed > length) _expect(plan, abi.encodeWithSelector(IExecutor.PlanTruncated.selector, needed, length));
        else if (left <= 82) _expect(plan, abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 83, left));
        else _expectPart(plan, IExecutor.PlanTruncated.selector);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Quote memory quote = _quote(b, a, AMOUNT);
        quote.maker = address(wallet);
        wallet.approve(settlement.quoteDigest(quote), new bytes(SIGNATURE_BYTES));
        // The leg says how long its signature is, and the plan ends before it.
        bytes memory leg = Plans.rfq(0, 1, Plans.all(), quote, new bytes(SIGNATURE_BYTES));
        return _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, _cut(leg))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(executor));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.PlanTruncated.selector, 82 + 94 + SIGNATURE_BYTES, 82 + 94);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 9;
    }

    function _cut(bytes memory leg) private pure returns (bytes memory) {
        uint256 length = leg.length - SIGNATURE_BYTES;
        assembly ("memory-safe") {
            mstore(leg, length)
        }
        return leg;
    }
}
