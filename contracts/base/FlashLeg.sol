// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITokenErrors} from "../interfaces/IERC20.sol";
import {IAaveLender, IBalancerV2Lender, IBalancerV3Vault} from "../interfaces/IFurtherVenues.sol";
import {IAnnex} from "../interfaces/IParts.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {TokenCalls} from "../libraries/TokenCalls.sol";
import {
    Cursor,
    LEG_FLASH,
    LENDER_AAVE,
    LENDER_BALANCER_V2,
    LENDER_BALANCER_V3,
    Leg,
    PLAN_VERSION
} from "../types/Plan.sol";
import {Account} from "./Account.sol";
import {BalancerV3Leg} from "./BalancerV3Leg.sol";

/// @title Plans on borrowed funds
/// @notice Borrows the leg's token sold, runs plans of this account by calls of itself, for the same key, and repays within
/// the leg. Each plan keeps its own bounds; what the leg sold is by how much the balance fell over all of it.
abstract contract FlashLeg is BalancerV3Leg, Account {
    using TokenCalls for address;

    /// @dev Where the plans start in a context: behind one byte, two addresses and three words.
    uint256 private constant CONTEXT_HEAD = 137;

    /// @dev A context's fields, packed.
    /// @param token What was borrowed.
    /// @param amount How much of it.
    /// @param most The highest fee: what the leg may sell.
    /// @param held What the account held of it before.
    /// @param key The session's key, or zero for the owner.
    struct Loan {
        address token;
        uint256 amount;
        uint256 most;
        uint256 held;
        address key;
    }

    function _borrow(Leg memory leg, bytes calldata particulars) internal {
        address lender;
        uint256 kind;
        Loan memory loan = Loan(leg.tokenIn, 0, leg.amount, _held(leg.tokenIn), _session);
        Cursor at;
        (lender, at) = PlanCodec.takeAddress(_start(particulars));
        (kind, at) = PlanCodec.take(at, 1);
        (loan.amount, at) = PlanCodec.take(at, 16);
        _checkPlans(leg, particulars, at);
        if (kind > LENDER_BALANCER_V3 || lender != _lender(kind) || lender == address(0)) {
            revert IAnnex.WrongLender(lender, kind);
        }
        (, at) = PlanCodec.take(at, 1);
        bytes memory context = abi.encodePacked(
            uint8(LEG_FLASH), loan.token, loan.amount, loan.most, loan.held, loan.key, _after(leg, particulars, at)
        );
        _ask(lender, kind, loan, context);
        // Plans within have cleared it.
        _session = loan.key;
    }

    function _ask(address lender, uint256 kind, Loan memory loan, bytes memory context) private {
        if (kind == LENDER_BALANCER_V3) return _unlockVault(lender, _door(kind), context);
        _armFor(_door(kind), lender, context);
        if (kind == LENDER_AAVE) {
            IAaveLender(lender).flashLoanSimple(address(this), loan.token, loan.amount, context, 0);
            _forbid(loan.token, lender);
        } else {
            address[] memory tokens = new address[](1);
            uint256[] memory amounts = new uint256[](1);
            (tokens[0], amounts[0]) = (loan.token, loan.amount);
            IBalancerV2Lender(lender).flashLoan(address(this), tokens, amounts, context);
        }
        _requireTaken(lender);
    }

    // The callbacks, each taken once. What the lender says beside the context is compared with it.

    function _runWithBalancerV2(
        address[] calldata tokens,
        uint256[] calldata amounts,
        uint256[] calldata fees,
        bytes calldata context
    ) internal {
        Loan memory loan = _takeLoan(LENDER_BALANCER_V2, context);
        bool one = tokens.length == 1 && amounts.length == 1 && fees.length == 1;
        if (!one || tokens[0] != loan.token || amounts[0] != loan.amount) {
            revert IAnnex.WrongLoan(loan.token, loan.amount);
        }
        _runPlans(loan, fees[0], context);
        loan.token.send(msg.sender, loan.amount + fees[0]);
    }

    function _runWithAave(address asset, uint256 amount, uint256 premium, address initiator, bytes calldata context)
        internal
    {
        Loan memory loan = _takeLoan(LENDER_AAVE, context);
        if (initiator != address(this) || asset != loan.token || amount != loan.amount) {
            revert IAnnex.WrongLoan(loan.token, loan.amount);
        }
        _runPlans(loan, premium, context);
        _permitExactly(asset, msg.sender, amount + premium);
    }

    function _runInVault(bytes calldata context) internal {
        Loan memory loan = _takeLoan(LENDER_BALANCER_V3, context);
        IBalancerV3Vault(msg.sender).sendTo(loan.token, address(this), loan.amount);
        _runPlans(loan, 0, context);
        loan.token.send(msg.sender, loan.amount);
        IBalancerV3Vault(msg.sender).settle(loan.token, loan.amount);
    }

    function _takeLoan(uint256 kind, bytes calldata context) private returns (Loan memory loan) {
        Cursor at = _start(context);
        _takeCallback(_door(kind), Cursor.unwrap(at), context.length);
        (, at) = PlanCodec.take(at, 1);
        (loan.token, at) = PlanCodec.takeAddress(at);
        (loan.amount, at) = PlanCodec.take(at, 32);
        (loan.most, at) = PlanCodec.take(at, 32);
        (loan.held, at) = PlanCodec.take(at, 32);
        (loan.key,) = PlanCodec.takeAddress(at);
    }

    /// @dev The account calls itself, which nobody else may do meanwhile.
    function _runPlans(Loan memory loan, uint256 fee, bytes calldata context) private {
        if (fee > loan.most) revert IAnnex.LoanFee(fee, loan.most);
        uint256 held = _held(loan.token);
        uint256 arrived = held > loan.held ? held - loan.held : 0;
        if (arrived < loan.amount) revert ITokenErrors.FeeOnTransfer(loan.token, loan.amount, arrived);
        uint256 before = _act(loan.key == address(0) ? _owner() : loan.key);
        uint256 at = CONTEXT_HEAD;
        while (at < context.length) {
            // Three bytes, whose plan was found to be there.
            uint256 size = uint24(bytes3(context[at:at + 3]));
            (bool success, bytes memory answer) = address(this).call(context[at + 3:at + 3 + size]);
            if (!success) Reverts.bubble(answer);
            at += 3 + size;
        }
        _rest(before);
    }

    /// @dev A count, then as many plans with their lengths, and nothing else.
    function _checkPlans(Leg memory leg, bytes calldata particulars, Cursor start) private pure {
        uint256 end = Cursor.unwrap(_start(particulars)) + particulars.length;
        (uint256 count, Cursor at) = PlanCodec.take(start, 1);
        if (count == 0) revert IAnnex.BadParticulars(LEG_FLASH, particulars.length);
        for (uint256 i = 0; i < count; ++i) {
            uint256 size;
            (size, at) = PlanCodec.take(at, 3);
            if (Cursor.unwrap(at) + size > end) revert IAnnex.BadParticulars(LEG_FLASH, particulars.length);
            // What does not begin as a plan would be a call of something else.
            (uint256 version,) = PlanCodec.take(at, 1);
            if (size == 0 || version != PLAN_VERSION) revert IAnnex.NotAPlan(i);
            at = Cursor.wrap(Cursor.unwrap(at) + size);
        }
        _finish(leg, particulars, at);
    }

    function _lender(uint256 kind) private view returns (address) {
        return kind == LENDER_BALANCER_V2 ? _balancerV2 : kind == LENDER_AAVE ? _aave : _balancerV3;
    }

    /// @dev Each lender has a door of its own.
    function _door(uint256 kind) private pure returns (uint256) {
        return LEG_FLASH | (kind << 8);
    }
}
