// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {IRfqSettlement, IRfqTaker, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {TokenCalls} from "contracts/libraries/TokenCalls.sol";
import {FLAG_PULL} from "contracts/types/Plan.sol";

import {Plan, Plans} from "../support/Plans.sol";
import {PhantomToken} from "../tokens/HostileTokens.sol";
import {Attack} from "./Attack.sol";

/// @notice Multichain, 2022-01 and 2025-07: a call that did not revert was taken for a permission. Here a signature counts
/// if the maker's contract answers ERC-1271's word, and a pull if the balance rose.
contract SilenceAsConsentTest is Attack, IRfqTaker {
    using TokenCalls for address;

    SilentMaker internal victim;

    function setUp() public override {
        super.setUp();
        victim = new SilentMaker(b, address(settlement));
        _mint(b, address(victim), AMOUNT);
        _mint(a, address(this), 1);
    }

    /// @dev The attacker takes quotes as a contract.
    function rfqPay(address token, address to, uint256 amount) external {
        token.send(to, amount);
    }

    function test_a_pull_that_moved_nothing_is_noticed() public {
        address phantom = address(new PhantomToken());
        _pair(phantom, b);
        _mint(phantom, address(executor), AMOUNT);
        Plan memory plan = _plan(phantom, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL);
        _expect(plan, abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, phantom, AMOUNT, 0));
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Quote memory quote = _quote(b, a, AMOUNT);
        (quote.maker, quote.taker, quote.takerAmount) = (address(victim), address(this), 1);
        return address(settlement).call(abi.encodeCall(settlement.fill, (quote, "forged", 1)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(b, address(this));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, victim);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 8;
    }
}

/// @notice Approved the settlement once, and lets every call it does not know pass in silence.
contract SilentMaker {
    constructor(address token, address spender) {
        IERC20(token).approve(spender, type(uint256).max);
    }

    fallback() external {}
}
