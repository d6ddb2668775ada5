// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ApprovalLegs} from "./base/ApprovalLegs.sol";
import {RfqLeg} from "./base/RfqLeg.sol";
import {SingleSwap} from "./base/SingleSwap.sol";
import {SingletonLegs} from "./base/SingletonLegs.sol";
import {VenueRegistry} from "./base/VenueRegistry.sol";
import {ICallbacks} from "./interfaces/ICallbacks.sol";
import {IAccount} from "./interfaces/IAccount.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "./interfaces/IERC20.sol";
import {IAnnex, IWarden} from "./interfaces/IParts.sol";
import {IRfqTaker} from "./interfaces/IRfqSettlement.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {PlanCodec} from "./libraries/PlanCodec.sol";
import {Reverts} from "./libraries/Reverts.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";
import {
    AMOUNT_EXACT,
    BOUND_FALL,
    BOUND_LEAVE,
    BOUND_RISE,
    Cursor,
    FIRST_FURTHER,
    FLAG_DELIVER,
    FLAG_PERMIT,
    FLAG_PULL,
    Frame,
    HANDS_ON,
    HEAD_BYTES,
    KIND_MASK,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_FLASH,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    Leg,
    MODE_SHIFT,
    PAIR_CALL,
    PAIR_END,
    PAIR_OPENINGS,
    PLAN_VERSION,
    TOKEN_IN,
    TOKEN_OUT
} from "./types/Plan.sol";

/// @title Executor
/// @notice See `IExecutor`.
contract Executor is SingleSwap, ApprovalLegs, RfqLeg {
    using TokenCalls for address;

    /// @dev A bit for each kind of leg that is part of a path.
    uint256 private constant PATH_KINDS = (1 << LEG_V2) | (1 << LEG_V3) | (1 << LEG_SOLIDLY);

    /// @dev What an account that runs this code by EIP-7702 has for code: 0xef0100 and an address.
    uint256 private constant DELEGATION_BYTES = 23;

    address private immutable _steward;
    address private immutable _annex;
    address private immutable _warden;

    constructor(IExecutor.Venues memory venues, IExecutor.Parts memory parts)
        VenueRegistry(venues.v2Factory, venues.v2InitCodeHash, venues.v3Factory, venues.v3InitCodeHash)
        SingletonLegs(venues.weth, venues.poolManager)
        ApprovalLegs(venues.balancerVault)
        RfqLeg(venues.rfqSettlement)
    {
        _setOwner(venues.owner);
        // A call of code that isn't there would succeed and do nothing.
        if (parts.steward.code.length == 0) revert IExecutor.PartMissing(parts.steward);
        if (parts.annex.code.length == 0) revert IExecutor.PartMissing(parts.annex);
        if (parts.warden.code.length == 0) revert IExecutor.PartMissing(parts.warden);
        (_steward, _annex, _warden) = (parts.steward, parts.annex, parts.warden);
    }

    /// @dev What comes most often comes first: 900 gas less than behind the compiler's comparison of twenty selectors. Coin
    /// that comes with a plan is there before it begins.
    fallback() external payable {
        (uint256 head,) = PlanCodec.take(Cursor.wrap(0), HEAD_BYTES);
        if (head >> 56 == PLAN_VERSION) _execute(head);
        else _dispatch(head >> 32);
    }

    /// @notice See `IExecutor`. The owner's plan over held funds, or over funds that a permit brings to its first pool, is the
    /// commonest and goes on here, unless one of its two first assets is no ordinary token.
    /// @dev The lock is taken before the first call that could change anything: by each lane, as one that arms a callback at
    /// once need not do both.
    function _execute(uint256 head) private {
        uint256 before = _state;
        uint256 authority = _account().authority;
        address holder = address(this);
        uint256 odd = (before ^ AT_REST) | (authority ^ uint160(msg.sender)) | ((head >> 48) ^ (PLAN_VERSION << 8));
        // Nor is it late, nor the account nobody's. All in one question, as each costs 30 gas.
        assembly ("memory-safe") {
            odd := or(or(odd, iszero(authority)), gt(timestamp(), and(shr(8, head), 0xffffffffff)))
        }
        if (odd != 0) holder = _enter(head, before, authority);
        if (!_openPair(holder)) _executeApart(before, address(0));
        uint256 form = _form();
        if (form == FORM_V4) _swapHeldSingleton();
        else if (form == FORM_V3) _swapHeldConcentrated();
        else if (form == FORM_V2) _swapSinglePair(address(this));
        else _runOtherwise(head, holder);
        _closePair(before, holder);
    }

    /// @dev Whoever may run a plan, in time, if that is not plainly the owner with held funds.
    /// @return holder Whose balances are bounded.
    function _enter(uint256 head, uint256 before, uint256 authority) private returns (address holder) {
        address key;
        bool strange = (before ^ AT_REST) | (authority ^ uint160(msg.sender)) != 0;
        // Nobody's account has no owner, not even the zero address.
        assembly ("memory-safe") {
            strange := or(strange, iszero(authority))
        }
        if (strange) key = _admit(before, authority);
        uint256 deadline = (head >> 8) & type(uint40).max;
        if (block.timestamp > deadline) revert IExecutor.PlanExpired(deadline, block.timestamp);
        uint256 flags = (head >> 48) & type(uint8).max;
        if (flags == 0 && key == address(0)) return address(this);
        // An account that is its own owner could not tell its permit from what it holds.
        bool permitted = flags == FLAG_PERMIT && authority != uint160(address(this));
        if (!permitted || key != address(0)) _executeApart(before, key);
        // Not paused, or it would not have been admitted: nothing but an address.
        return address(uint160(authority));
    }

    /// @dev A lane by permit, or the legs of a plan whose first two assets are ordinary tokens, with their openings.
    function _runOtherwise(uint256 head, address holder) private {
        if (holder != address(this)) {
            uint256 kind = _singleKind(head);
            if (kind == LEG_V3) return _swapSingleConcentrated(holder);
            if (kind == LEG_V2) return _swapSinglePair(holder);
        }
        _state = LOCKED;
        Cursor at = PlanCodec.takeHead();
        Frame.setHolder(holder);
        (,, uint256 amount) = PlanCodec.asset(TOKEN_IN);
        (uint256 opening0, uint256 opening1) = _openings();
        Frame.note(TOKEN_IN, opening0, amount);
        Frame.note(TOKEN_OUT, opening1, 0);
        if (Frame.declared() > 2) _openSlowly(2);
        _runLegs(at);
    }

    /// @dev Ends the call. Any plan of anybody who may run it: a session's key is held to what it was granted, before and
    /// after; the owner may bring the funds, or get the proceeds, or both.
    function _executeApart(uint256 before, address key) private {
        _state = LOCKED;
        Cursor at = PlanCodec.takeHead();
        if (key != address(0)) _checkSession(key);
        uint256 flags = Frame.flags();
        Frame.setHolder(_isDirect() ? _owner() : address(this));
        _openSlowly(0);
        uint256 atOwner = _fund(flags);
        _runLegs(at);
        uint256 spent = flags & FLAG_PULL == 0 ? _checked(TOKEN_IN) : _refund();
        uint256 received = flags & FLAG_DELIVER == 0 || _isDirect() ? _checked(TOKEN_OUT) : _deliver(atOwner);
        if (key != address(0)) _chargeSession(key, spent, received);
        _end(before, spent, received);
    }

    /// @dev Ends the call.
    function _end(uint256 before, uint256 spent, uint256 received) private {
        _state = before;
        // Two words of scratch space.
        assembly ("memory-safe") {
            mstore(0, spent)
            mstore(32, received)
            return(0, 64)
        }
    }

    function _checkSession(address key) private {
        if (_warden == address(0)) revert IAccount.NotOwner(key);
        _session = key;
        _delegate(_warden, abi.encodeCall(IWarden.checkPlan, (key, msg.data)));
    }

    function _chargeSession(address key, uint256 spent, uint256 received) private {
        uint256[] memory changes = new uint256[](Frame.declared());
        (changes[0], changes[1]) = (spent, received);
        for (uint256 i = 2; i < changes.length; ++i) {
            changes[i] = Frame.opening(i);
        }
        _delegate(_warden, abi.encodeCall(IWarden.chargePlan, (key, msg.data, changes)));
        _session = address(0);
    }

    /// @dev What changed of assets behind the first two takes the place of their openings.
    function _runLegs(Cursor at) private {
        uint256 end = Cursor.unwrap(Frame.end());
        do {
            at = _runLeg(at);
        } while (Cursor.unwrap(at) < end);
        uint256 count = Frame.declared();
        for (uint256 i = 2; i < count; ++i) {
            Frame.note(i, _checked(i), 0);
        }
    }

    /// @dev One of the callbacks that legs arm, or the steward's business.
    function _dispatch(uint256 selector) private {
        if (selector == uint32(ICallbacks.uniswapV3SwapCallback.selector)) return _payConcentrated();
        if (selector == uint32(ICallbacks.unlockCallback.selector)) return _swapUnlocked();
        if (selector == uint32(IRfqTaker.rfqPay.selector)) return _payMaker();
        if (selector == uint32(ICallbacks.pancakeV3SwapCallback.selector)) return _payConcentrated();
        if (
            selector == uint32(ICallbacks.receiveFlashLoan.selector)
                || selector == uint32(ICallbacks.executeOperation.selector)
                || selector == uint32(ICallbacks.vaultUnlocked.selector)
        ) _become(_annex);
        if (msg.data.length == 0) return _receive();
        if (_isLocked() && !_takesAway(selector)) revert IExecutor.Reentered();
        _become(_steward);
    }

    /// @dev Without calldata, within a plan, native coin comes from unwrapping or from a v4 pool only; otherwise from the
    /// owner, or from anybody to an account that runs this code by delegation: all of it within the 2,300 gas of a plain
    /// payment, but for an owner's at rest.
    function _receive() private view {
        bool welcome = _isLocked()
            ? msg.sender == _weth || msg.sender == address(_poolManager)
            : address(this).code.length == DELEGATION_BYTES || msg.sender == _owner();
        if (!welcome) revert IExecutor.EthRefused(msg.sender);
    }

    /// @dev What the owner and the guardian may do at any time, as it only ends what others may do.
    function _takesAway(uint256 selector) private pure returns (bool) {
        return selector == uint32(IAccount.pause.selector) || selector == uint32(ISessions.revokeSession.selector);
    }

    /// @dev Ends the call with what that part makes of it.
    function _become(address part) private {
        // Takes all of memory, as this ends the call.
        assembly ("memory-safe") {
            let at := mload(64)
            calldatacopy(at, 0, calldatasize())
            let success := delegatecall(gas(), part, at, calldatasize(), 0, 0)
            returndatacopy(at, 0, returndatasize())
            switch success
            case 0 { revert(at, returndatasize()) }
            default { return(at, returndatasize()) }
        }
    }

    function _delegate(address part, bytes memory call_) private returns (bytes memory answer) {
        bool success;
        (success, answer) = part.delegatecall(call_);
        if (!success) Reverts.bubble(answer);
    }

    function _runLeg(Cursor start) private returns (Cursor at) {
        uint256 head;
        uint256 indexIn;
        uint256 indexOut;
        uint256 sold;
        uint256 out;
        (head, indexIn, indexOut, sold, at) = PlanCodec.takeLeg(start);
        if ((PATH_KINDS >> (head & KIND_MASK)) & 1 == 0) {
            if (head >= HANDS_ON) revert IExecutor.HandedWrong(start.offset());
            if (_isDirect()) revert IExecutor.NotDirect(start.offset());
            uint256 mode = (head >> MODE_SHIFT) & 3;
            // A share of what may be sold says nothing of what is bought.
            if (head & KIND_MASK == LEG_V3_EXACT_OUT && mode != AMOUNT_EXACT) {
                revert IExecutor.UnknownAmountMode(start.offset(), mode);
            }
            (sold, out, at) = _runApart(head & KIND_MASK, indexIn, indexOut, sold, at);
        } else {
            (out, indexOut, at) = _swapPath(head, indexIn, indexOut, sold, at);
        }
        _count(start, at, indexIn, sold, indexOut, out);
    }

    /// @dev Legs that neither pay another pool nor are paid by one.
    function _runApart(uint256 kind, uint256 indexIn, uint256 indexOut, uint256 amount, Cursor start)
        private
        returns (uint256 sold, uint256 out, Cursor at)
    {
        if (kind == LEG_V3_EXACT_OUT) {
            (sold, at) = _buyExactly(indexIn, indexOut, amount, start);
            return (sold, amount, at);
        }
        if (kind >= FIRST_FURTHER && kind <= LEG_FLASH) return _runFurther(kind, indexIn, indexOut, amount, start);
        (address tokenIn, address tokenOut) = (PlanCodec.token(indexIn), PlanCodec.token(indexOut));
        sold = amount;
        if (kind == LEG_V4) {
            uint256 key;
            bool native;
            (key, native, at) = _takeKey(start);
            return (amount, _swapSingleton(tokenIn, tokenOut, amount, key, native), at);
        }
        Leg memory leg = Leg(kind, tokenIn, tokenOut, amount);
        if (kind == LEG_RFQ) (out, at) = _fillQuote(leg, start);
        else if (kind == LEG_CURVE_STABLE || kind == LEG_CURVE_CRYPTO) (out, at) = _swapCurve(leg, start);
        else if (kind == LEG_BALANCER) (out, at) = _swapBalancer(leg, start);
        else revert IExecutor.UnknownLegKind(start.offset() - 2, kind);
    }

    function _runFurther(uint256 kind, uint256 indexIn, uint256 indexOut, uint256 amount, Cursor start)
        private
        returns (uint256 sold, uint256 out, Cursor at)
    {
        uint256 size;
        (size, at) = PlanCodec.take(start, 2);
        bytes calldata particulars;
        // A slice of calldata; `within` refuses one that leaves the plan before it is used.
        assembly ("memory-safe") {
            particulars.offset := at
            particulars.length := size
            at := add(at, size)
        }
        PlanCodec.within(at, Frame.end());
        address tokenIn = PlanCodec.token(indexIn);
        if (_annex == address(0)) revert IExecutor.UnknownLegKind(start.offset() - 2, kind);
        bytes memory answer = _delegate(
            _annex, abi.encodeCall(IAnnex.runLeg, (kind, tokenIn, PlanCodec.token(indexOut), amount, particulars))
        );
        uint256 left;
        (sold, out, left) = abi.decode(answer, (uint256, uint256, uint256));
        if (sold > amount) revert IExecutor.AmountAboveAvailable(start.offset(), sold, amount);
        if (tokenIn == PlanCodec.token(TOKEN_OUT)) Frame.setLeft(Frame.left() + left);
    }

    /// @dev What legs may sell from here on; after the last leg nobody asks.
    function _count(Cursor start, Cursor at, uint256 indexIn, uint256 sold, uint256 indexOut, uint256 out)
        private
        pure
    {
        if (indexOut >= Frame.declared()) revert IExecutor.NotDeclared(indexIn, indexOut);
        bool last = Cursor.unwrap(at) >= Cursor.unwrap(Frame.end());
        if (Frame.flags() == 0) {
            if (last || Frame.move(indexIn, sold, indexOut, out)) return;
        } else if (_isDirect() && !(last && indexIn == TOKEN_IN)) {
            // The owner pays the first pool and the last one pays the owner: nothing else can be part of such a plan.
            revert IExecutor.NotDirect(start.offset());
        }
        Frame.setAvailable(indexIn, Frame.available(indexIn) - sold);
        uint256 available = Frame.available(indexOut) + out;
        if (available > type(uint128).max) revert IExecutor.AmountOverflow(available);
        Frame.setAvailable(indexOut, available);
    }

    /// @dev What the holder has of the plan's first two assets, and the call of `balanceOf`, to where `PAIR_OPENINGS` says.
    /// @return fine Whether both are tokens that answer, with the commonest bounds; the openings mean nothing if not.
    function _openPair(address holder) private view returns (bool fine) {
        bytes4 selector = IERC20.balanceOf.selector;
        // Bound and token are the first 21 bytes of an entry, the amount the other 16. The answer goes to scratch space.
        assembly ("memory-safe") {
            mstore(64, PAIR_END)
            mstore(PAIR_CALL, selector)
            mstore(add(PAIR_CALL, 4), holder)
            let answers := staticcall(gas(), shr(96, calldataload(TOKEN_0)), PAIR_CALL, 36, 0, 32)
            answers := and(answers, gt(returndatasize(), 31))
            mstore(PAIR_OPENINGS, mload(0))
            // Arguments are evaluated from the last: the answers before this call.
            answers := and(staticcall(gas(), shr(96, calldataload(TOKEN_1)), PAIR_CALL, 36, 0, 32), answers)
            answers := and(answers, gt(returndatasize(), 31))
            mstore(add(PAIR_OPENINGS, 32), mload(0))
            let most := shr(128, calldataload(add(TOKEN_0, 20)))
            let least := shr(128, calldataload(add(TOKEN_1, 20)))
            let odd := xor(shr(248, calldataload(sub(TOKEN_0, 1))), BOUND_FALL)
            odd := or(odd, xor(shr(248, calldataload(sub(TOKEN_1, 1))), BOUND_RISE))
            fine := and(answers, gt(mul(most, least), 0))
            fine := gt(fine, odd)
        }
    }

    function _openings() private pure returns (uint256 opening0, uint256 opening1) {
        assembly ("memory-safe") {
            opening0 := mload(PAIR_OPENINGS)
            opening1 := mload(add(PAIR_OPENINGS, 32))
        }
    }

    /// @dev The same one by one, with names for what is wrong, and for the native coin.
    function _openSlowly(uint256 first) private view {
        uint256 count = Frame.declared();
        address holder = Frame.holder();
        for (uint256 i = first; i < count; ++i) {
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

    /// @dev The end-to-end invariant, on balances alone: nothing that a venue or a leg claims is believed here. Ends the
    /// call.
    function _closePair(uint256 before, address holder) private {
        // As in `_openPair`. Where a difference wraps around, the comparison beside it fails.
        assembly ("memory-safe") {
            let fine := staticcall(gas(), shr(96, calldataload(TOKEN_0)), PAIR_CALL, 36, 0, 32)
            fine := and(fine, gt(returndatasize(), 31))
            let opening := mload(PAIR_OPENINGS)
            let spent := sub(opening, mload(0))
            let bad := or(gt(mload(0), opening), gt(spent, shr(128, calldataload(add(TOKEN_0, 20)))))
            fine := and(staticcall(gas(), shr(96, calldataload(TOKEN_1)), PAIR_CALL, 36, 0, 32), fine)
            opening := mload(add(PAIR_OPENINGS, 32))
            let received := sub(mload(0), opening)
            bad := or(bad, or(lt(mload(0), opening), lt(received, shr(128, calldataload(add(TOKEN_1, 20))))))
            fine := and(fine, gt(returndatasize(), 31))
            if gt(fine, bad) {
                tstore(_state.slot, before)
                mstore(0, spent)
                mstore(32, received)
                return(0, 64)
            }
        }
        _closeSlowly(before, holder);
    }

    /// @dev The same, with names for what is wrong, and for an asset to be sold that rose.
    function _closeSlowly(uint256 before, address holder) private {
        (uint256 opening0, uint256 opening1) = _openings();
        Frame.setHolder(holder);
        Frame.note(TOKEN_IN, opening0, 0);
        Frame.note(TOKEN_OUT, opening1, 0);
        _end(before, _checked(TOKEN_IN), _checked(TOKEN_OUT));
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
        } else if (bound == BOUND_LEAVE) {
            change = Frame.left();
            if (change < amount) revert IExecutor.MinOutMissed(change, amount);
            // What leaves of the asset that may fall is bounded there.
            bool bounded = token == PlanCodec.token(TOKEN_IN);
            if (closing < opening && !bounded) revert IExecutor.Overspent(token, opening - closing, 0);
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
        (uint256 bound, address token, uint256 least) = PlanCodec.asset(TOKEN_OUT);
        // What must leave is not delivered.
        if (bound != BOUND_RISE) revert IExecutor.AssetBound(token, bound);
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
