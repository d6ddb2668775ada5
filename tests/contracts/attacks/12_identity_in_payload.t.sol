// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IRfqSettlement, IRfqTaker, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

import {Attack} from "./Attack.sol";

/// @notice SquidRouterModule, 2026-05: who was trusted stood in the payload. Here a quote's taker is the caller, and a
/// plan's owner is the sender.
contract IdentityInPayloadTest is Attack, IRfqTaker {
    using TokenCalls for address;

    function setUp() public override {
        super.setUp();
        _mint(a, address(this), AMOUNT);
    }

    /// @dev The attacker takes quotes as a contract.
    function rfqPay(address token, address to, uint256 amount) external {
        token.send(to, amount);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // A quote made for the desk's executor, overheard.
        Quote memory quote = _quote(b, a, AMOUNT);
        return address(settlement).call(abi.encodeCall(settlement.fill, (quote, _sign(quote), AMOUNT)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(this));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IRfqSettlement.NotTaker.selector, address(this), executor);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 12;
    }
}
