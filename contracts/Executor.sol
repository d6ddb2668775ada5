// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Console} from "./Console.sol";
import {ApprovalLegs} from "./base/ApprovalLegs.sol";
import {PathLegs} from "./base/PathLegs.sol";
import {RfqLeg} from "./base/RfqLeg.sol";
import {SingletonLegs} from "./base/SingletonLegs.sol";
import {VenueRegistry} from "./base/VenueRegistry.sol";
import {ICallbacks} from "./interfaces/ICallbacks.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {ITokenErrors} from "./interfaces/IERC20.sol";
import {IRfqTaker} from "./interfaces/IRfqSettlement.sol";
import {PlanCodec} from "./libraries/PlanCodec.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";
import {
    BOUND_FALL,
    BOUND_RISE,
    Cursor,
    FLAG_DELIVER,
    FLAG_PERMIT,
    FLAG_PULL,
    Frame,
    HANDS_ON,
    KIND_MASK,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    Leg,
    PLAN_VERSION,
    TOKEN_IN,
    TOKEN_OUT
} from "./types/Plan.sol";

/// @title Executor
/// @notice See `IExecutor`.
contract Executor is PathLegs, SingletonLegs, ApprovalLegs, RfqLeg {
    using TokenCalls for address;

    address private immutable _console;

    constructor(IExecutor.Venues memory venues)
        VenueRegistry(venues.v2Factory, venues.v2InitCodeHash, venues.v3Factory, venues.v3InitCodeHash)
        SingletonLegs(venues.weth, venues.poolManager)
        ApprovalLegs(venues.balancerVault)
        RfqLeg(venues.rfqSettlement)
    {
        _setOwner(venues.owner);
        Console console = new Console(venues.v2Factory, venues.v2InitCodeHash, venues.v3Factory, venues.v3InitCodeHash);
        _console = address(console);
    }

    /// @dev Within a plan native coin comes only from unwrapping or from a v4 pool; otherwise from the owner.
    receive() external payable {
        bool welcome = _isLocked() ? msg.sender == _weth || msg.sender == address(_poolManager) : msg.sender == _owner();
        if (!welcome) revert IExecutor.EthRefused(msg.sender);
    }

    /// @dev What comes most often comes first: 900 gas less than behind the compiler's comparison of twenty selectors.
    fallback() external {
        (uint256 first,) = PlanCodec.take(Cursor.wrap(0), 1);
        if (first == PLAN_VERSION) _execute();
        else _dispatch();
    }

    /// @dev See `IExecutor`.
    function _execute() private {
        _requireActiveOwner();
        _lock();
        (uint256 deadline, Cursor at) = PlanCodec.takeHead();
        if (block.timestamp > deadline) revert IExecutor.PlanExpired(deadline, block.timestamp);
        uint256 flags = Frame.flags();
        Frame.setHolder(_isDirect() ? _owner() : address(this));
        _open();
        uint256 atOwner;
        if (flags != 0) atOwner = _fund(flags);
        uint256 end = Cursor.unwrap(Frame.end());
        do {
            at = _runLeg(at);
        } while (Cursor.unwrap(at) < end);
        (uint256 spent, uint256 received) = _close(flags, atOwner);
        _unlock();
        // Two words of scratch space; this ends the call.
        assembly ("memory-safe") {
            mstore(0, spent)
            mstore(32, received)
            return(0, 64)
        }
    }

    /// @dev One of the callbacks that legs arm, or the console's business.
    function _dispatch() private {
        bytes4 selector = msg.sig;
        if (selector == ICallbacks.uniswapV3SwapCallback.selector) _payConcentrated();
        else if (selector == ICallbacks.unlockCallback.selector) _swapUnlocked();
        else if (selector == IRfqTaker.rfqPay.selector) _payMaker();
        else if (selector == ICallbacks.pancakeV3SwapCallback.selector) _payConcentrated();
        else _askConsole();
    }

    function _askConsole() private {
        address console = _console;
        // Takes all of memory, as this ends the call.
        assembly ("memory-safe") {
            let at := mload(64)
            calldatacopy(at, 0, calldatasize())
            let success := delegatecall(gas(), console, at, calldatasize(), 0, 0)
            returndatacopy(at, 0, returndatasize())
            switch success
            case 0 { revert(at, returndatasize()) }
            default { return(at, returndatasize()) }
        }
    }

    function _runLeg(Cursor start) private returns (Cursor at) {
        uint256 head;
        uint256 indexIn;
        uint256 indexOut;
        uint256 sold;
        uint256 out;
        (head, indexIn, indexOut, sold, at) = PlanCodec.takeLeg(start);
        uint256 kind = head & KIND_MASK;
        if (kind == LEG_V3 || kind == LEG_V2 || kind == LEG_SOLIDLY) {
            (out, indexOut, at) = _swapPath(head, indexIn, indexOut, sold, at);
        } else {
            if (head >= HANDS_ON) revert IExecutor.HandedWrong(start.offset());
            if (_isDirect()) revert IExecutor.NotDirect(start.offset());
            (sold, out, at) = _runApart(kind, indexIn, indexOut, sold, at);
        }
        _count(start, at, indexIn, sold, indexOut, out);
    }

    /// @dev Legs that neither pay another pool nor are paid by one.
    function _runApart(uint256 kind, uint256 indexIn, uint256 indexOut, uint256 amount, Cursor start)
        private
        returns (uint256 sold, uint256 out, Cursor at)
    {
        (address tokenIn, address tokenOut) = (PlanCodec.token(indexIn), PlanCodec.token(indexOut));
        sold = amount;
        if (kind == LEG_V4) {
            (out, at) = _swapSingleton(tokenIn, tokenOut, amount, start);
        } else if (kind == LEG_V3_EXACT_OUT) {
            out = amount;
            (sold, at) = _buyExactly(indexIn, indexOut, amount, start);
        } else {
            Leg memory leg = Leg(kind, tokenIn, tokenOut, amount);
            if (kind == LEG_RFQ) (out, at) = _fillQuote(leg, start);
            else if (kind == LEG_CURVE_STABLE || kind == LEG_CURVE_CRYPTO) (out, at) = _swapCurve(leg, start);
            else if (kind == LEG_BALANCER) (out, at) = _swapBalancer(leg, start);
            else revert IExecutor.UnknownLegKind(start.offset() - 2, kind);
        }
    }

    /// @dev What legs may sell from here on; after the last leg nobody asks.
    function _count(Cursor start, Cursor at, uint256 indexIn, uint256 sold, uint256 indexOut, uint256 out)
        private
        pure
    {
        if (indexOut >= Frame.declared()) revert IExecutor.NotDeclared(indexIn, indexOut);
        bool last = Cursor.unwrap(at) >= Cursor.unwrap(Frame.end());
        // The owner pays the first pool and the last one pays the owner: nothing else can be part of such a plan.
        if (Frame.flags() != 0 && _isDirect() && !(last && indexIn == TOKEN_IN)) {
            revert IExecutor.NotDirect(start.offset());
        }
        if (last) return;
        Frame.setAvailable(indexIn, Frame.available(indexIn) - sold);
        uint256 available = Frame.available(indexOut) + out;
        if (available > type(uint128).max) revert IExecutor.AmountOverflow(available);
        Frame.setAvailable(indexOut, available);
    }

    /// @dev Notes what is there before the plan, and what legs may sell.
    function _open() private view {
        uint256 count = Frame.declared();
        address holder = Frame.holder();
        for (uint256 i = 0; i < count; ++i) {
            (uint256 bound, address token, uint256 amount) = PlanCodec.asset(i);
            PlanCodec.checkAsset(i, bound, token, amount);
            Frame.note(i, _balance(token, holder), bound == BOUND_FALL ? amount : 0);
        }
    }

    /// @dev Brings the owner's funds, and notes what the owner has of asset 1 if it is to get more.
    function _fund(uint256 flags) private returns (uint256 atOwner) {
        if (flags & FLAG_DELIVER != 0) atOwner = PlanCodec.token(TOKEN_OUT).balanceOf(_owner());
        if (flags & FLAG_PULL == 0) return atOwner;
        (, address token, uint256 amount) = PlanCodec.asset(TOKEN_IN);
        if (flags & FLAG_PERMIT != 0) _pullByPermit(token, address(this), amount);
        else token.pull(_owner(), address(this), amount);
        uint256 arrived = _rise(Frame.opening(TOKEN_IN), token.balanceOf(address(this)));
        if (arrived < amount) revert ITokenErrors.FeeOnTransfer(token, amount, arrived);
    }

    /// @dev The end-to-end invariant, on balances alone: nothing that a venue or a leg claims is believed here.
    function _close(uint256 flags, uint256 atOwner) private returns (uint256 spent, uint256 received) {
        uint256 count = Frame.declared();
        for (uint256 i = 2; i < count; ++i) {
            _checked(i);
        }
        spent = flags & FLAG_PULL == 0 ? _checked(TOKEN_IN) : _refund();
        received = flags & FLAG_DELIVER == 0 || _isDirect() ? _checked(TOKEN_OUT) : _deliver(atOwner);
    }

    /// @dev By how much the asset fell or rose, whichever its bound is about.
    function _checked(uint256 index) private view returns (uint256 change) {
        (uint256 bound, address token, uint256 amount) = PlanCodec.asset(index);
        uint256 opening = Frame.opening(index);
        uint256 closing = _balance(token, Frame.holder());
        if (bound == BOUND_FALL) {
            change = _rise(closing, opening);
            if (change > amount) revert IExecutor.Overspent(token, change, amount);
        } else if (bound == BOUND_RISE) {
            change = _rise(opening, closing);
            if (change < amount) revert IExecutor.MinOutMissed(change, amount);
        } else if (closing < opening || closing - opening > amount) {
            revert IExecutor.LeftBehind(token, opening, closing);
        }
    }

    /// @dev What was pulled and not sold returns to the owner.
    function _refund() private returns (uint256 spent) {
        (, address token, uint256 amount) = PlanCodec.asset(TOKEN_IN);
        (uint256 opening, uint256 remaining) = (Frame.opening(TOKEN_IN), token.balanceOf(address(this)));
        if (remaining < opening) revert IExecutor.Overspent(token, amount + opening - remaining, amount);
        uint256 unspent = remaining - opening;
        if (unspent != 0) token.send(_owner(), unspent);
        return _rise(unspent, amount);
    }

    /// @dev Not more counts than the plan earned, whatever else the owner was paid meanwhile; less if the token takes a fee.
    function _deliver(uint256 atOwner) private returns (uint256 received) {
        (, address token, uint256 least) = PlanCodec.asset(TOKEN_OUT);
        uint256 gained = _rise(Frame.opening(TOKEN_OUT), token.balanceOf(address(this)));
        address payee = _owner();
        token.send(payee, gained);
        uint256 arrived = _rise(atOwner, token.balanceOf(payee));
        received = arrived < gained ? arrived : gained;
        if (received < least) revert IExecutor.MinOutMissed(received, least);
    }

    function _balance(address token, address holder) private view returns (uint256) {
        return token == address(0) ? holder.balance : token.balanceOf(holder);
    }

    /// @dev How far `to` lies above `from`; zero if below.
    function _rise(uint256 from, uint256 to) private pure returns (uint256) {
        return to > from ? to - from : 0;
    }
}
