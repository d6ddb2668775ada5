// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IERC1271, IRfqSettlement, IRfqTaker, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

import {Attack} from "./Attack.sol";

/// @notice ODOS, 2025-01: checking a signature made a call of the attacker's. Here ERC-1271 is asked without the power to
/// change anything, and nothing is deployed for it (ERC-6492).
contract CheckThatActsTest is Attack, IRfqTaker {
    using TokenCalls for address;

    ActingMaker internal wallet;

    function setUp() public override {
        super.setUp();
        wallet = new ActingMaker(b, address(settlement));
        _mint(b, address(wallet), AMOUNT);
        _mint(a, address(this), AMOUNT);
    }

    /// @dev The attacker takes quotes as a contract.
    function rfqPay(address token, address to, uint256 amount) external {
        token.send(to, amount);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Quote memory quote = _quote(b, a, AMOUNT);
        (quote.maker, quote.taker) = (address(wallet), address(this));
        return address(settlement).call(abi.encodeCall(settlement.fill, (quote, "", AMOUNT)));
    }

    function _loot() internal view override returns (uint256) {
        return wallet.acted();
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, wallet);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 15;
    }
}

/// @notice Acts when it is asked for a signature.
contract ActingMaker {
    uint256 public acted;

    constructor(address token, address spender) {
        IERC20(token).approve(spender, type(uint256).max);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        acted += 1;
        return IERC1271.isValidSignature.selector;
    }
}
