// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IRfqSettlement, IRfqTaker, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

import {Attack} from "./Attack.sol";

/// @notice Malleable signatures, chains that forked, accounts that share an owner. Here the domain is computed anew each
/// time, s must be low, and digests name taker and contract. More in `RfqSettlement.t.sol`.
contract SignaturesTest is Attack, IRfqTaker {
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
        // Signed on one chain, replayed on one that forked from it.
        vm.chainId(1);
        Quote memory quote = _quote(b, a, AMOUNT);
        quote.taker = address(this);
        bytes memory signature = _sign(quote);
        vm.chainId(10_001);
        return address(settlement).call(abi.encodeCall(settlement.fill, (quote, signature, AMOUNT)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(this));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, maker);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 21;
    }
}
