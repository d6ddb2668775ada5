// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ApprovalLegs} from "./base/ApprovalLegs.sol";
import {ConcentratedLegs} from "./base/ConcentratedLegs.sol";
import {PairLegs} from "./base/PairLegs.sol";
import {RfqLeg} from "./base/RfqLeg.sol";
import {SingletonLegs} from "./base/SingletonLegs.sol";
import {VenueRegistry} from "./base/VenueRegistry.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {ITokenErrors} from "./interfaces/IERC20.sol";
import {PlanCodec} from "./libraries/PlanCodec.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";
import {
    Cursor,
    FLAG_DELIVER,
    FLAG_PULL,
    Header,
    LEG_BALANCER,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V4,
    Leg,
    TOKEN_IN,
    TOKEN_OUT
} from "./types/Plan.sol";

/// @title Executor
/// @notice See `IExecutor`.
contract Executor is IExecutor, PairLegs, ConcentratedLegs, SingletonLegs, ApprovalLegs, RfqLeg {
    using TokenCalls for address;

    /// @dev What the plan found, and what it may still sell.
    /// @param opening The executor's balance of each table entry when the plan began.
    /// @param openingOwner The owner's balance of token 1 when the plan began; zero unless it is delivered.
    /// @param available Per table entry, what a leg may still sell.
    struct Book {
        uint256[] opening;
        uint256 openingOwner;
        uint256[] available;
    }

    /// @inheritdoc IExecutor
    address public immutable owner;

    constructor(Venues memory venues)
        VenueRegistry(venues.v2Factory, venues.v2InitCodeHash, venues.v3Factory, venues.v3InitCodeHash)
        SingletonLegs(venues.weth, venues.poolManager)
        ApprovalLegs(venues.balancerVault)
        RfqLeg(venues.rfqSettlement)
    {
        owner = venues.owner;
    }

    /// @dev Native coin comes only from unwrapping or from a v4 pool, and is passed on within the same leg.
    receive() external payable {
        if (!_isLocked() || (msg.sender != _weth && msg.sender != address(_poolManager))) {
            revert EthRefused(msg.sender);
        }
    }

    /// @inheritdoc IExecutor
    function execute(bytes calldata plan) external returns (uint256 spent, uint256 received) {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _lock();
        (Header memory header, Cursor at, Cursor end) = PlanCodec.takeHeader(plan);
        if (block.timestamp > header.deadline) revert PlanExpired(header.deadline, block.timestamp);
        Book memory book = _open(header);
        while (Cursor.unwrap(at) < Cursor.unwrap(end)) {
            at = _runLeg(header, book.available, at, end);
        }
        (spent, received) = _close(header, book);
        _unlock();
    }

    /// @inheritdoc IExecutor
    function setVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        if (_isLocked()) revert Reentered();
        _setVenue(kind, id, Venue(deployer, feePips, initCodeHash));
        emit VenueSet(kind, id, deployer, initCodeHash, feePips);
    }

    /// @inheritdoc IExecutor
    function venue(uint8 kind, uint8 id)
        external
        view
        returns (address deployer, uint24 feePips, bytes32 initCodeHash)
    {
        uint256 fee;
        (deployer, fee, initCodeHash) = _venue(kind, id);
        // Stored as uint24.
        feePips = uint24(fee);
    }

    /// @inheritdoc IExecutor
    function poolFor(uint8 kind, uint8 id, address tokenA, address tokenB, uint24 variant)
        external
        view
        returns (address pool)
    {
        if (kind == LEG_V2) (pool,) = _constantProductPool(id, tokenA, tokenB);
        else if (kind == LEG_V3) pool = _concentratedPool(id, tokenA, tokenB, variant);
        else if (kind == LEG_SOLIDLY) pool = _solidlyPool(id, tokenA, tokenB, variant == 1);
        else revert VenueUnknown(kind, id);
    }

    function _runLeg(Header memory header, uint256[] memory available, Cursor start, Cursor end)
        private
        returns (Cursor)
    {
        (Leg memory leg, Cursor next) = PlanCodec.takeLeg(header, available, start);
        uint256 out;
        if (leg.kind == LEG_V3) (out, next) = _swapConcentrated(leg, next, end);
        else if (leg.kind == LEG_V2) (out, next) = _swapConstantProduct(leg, next, end);
        else if (leg.kind == LEG_V4) (out, next) = _swapSingleton(leg, next, end);
        else if (leg.kind == LEG_CURVE_STABLE || leg.kind == LEG_CURVE_CRYPTO) (out, next) = _swapCurve(leg, next, end);
        else if (leg.kind == LEG_BALANCER) (out, next) = _swapBalancer(leg, next, end);
        else if (leg.kind == LEG_RFQ) (out, next) = _fillQuote(leg, next, end);
        else if (leg.kind == LEG_SOLIDLY) (out, next) = _swapSolidly(leg, next, end);
        else revert UnknownLegKind(start.offset(), leg.kind);
        available[leg.indexIn] -= leg.amount;
        available[leg.indexOut] += out;
        return next;
    }

    /// @dev Notes what is there before the plan, and funds it.
    function _open(Header memory header) private returns (Book memory book) {
        book.opening = new uint256[](header.tokenCount);
        book.available = new uint256[](header.tokenCount);
        for (uint256 i = 0; i < header.tokenCount; ++i) {
            book.opening[i] = PlanCodec.token(header, i).balanceOf(address(this));
        }
        book.available[TOKEN_IN] = header.amountIn;
        if (header.flags & FLAG_DELIVER != 0) {
            book.openingOwner = PlanCodec.token(header, TOKEN_OUT).balanceOf(owner);
        }

        address token = PlanCodec.token(header, TOKEN_IN);
        uint256 held = book.opening[TOKEN_IN];
        if (header.flags & FLAG_PULL != 0) {
            token.pull(owner, address(this), header.amountIn);
            uint256 arrived = _rise(held, token.balanceOf(address(this)));
            if (arrived < header.amountIn) revert ITokenErrors.FeeOnTransfer(token, header.amountIn, arrived);
        } else if (held < header.amountIn) {
            revert HeldTooLittle(token, held, header.amountIn);
        }
    }

    /// @dev The end-to-end invariant, on balances alone: nothing that a venue or a leg claims is believed here.
    function _close(Header memory header, Book memory book) private returns (uint256 spent, uint256 received) {
        for (uint256 i = 2; i < header.tokenCount; ++i) {
            address token = PlanCodec.token(header, i);
            uint256 remaining = token.balanceOf(address(this));
            if (remaining != book.opening[i]) revert LeftBehind(token, book.opening[i], remaining);
        }
        spent = _closeTokenIn(header, book.opening[TOKEN_IN]);
        received = _closeTokenOut(header, book);
        if (received < header.minOut) revert MinOutMissed(received, header.minOut);
    }

    function _closeTokenIn(Header memory header, uint256 opening) private returns (uint256 spent) {
        address token = PlanCodec.token(header, TOKEN_IN);
        uint256 remaining = token.balanceOf(address(this));
        if (header.flags & FLAG_PULL == 0) {
            spent = _rise(remaining, opening);
            if (spent > header.amountIn) revert Overspent(token, spent, header.amountIn);
            return spent;
        }
        if (remaining < opening) revert Overspent(token, header.amountIn + opening - remaining, header.amountIn);
        uint256 unspent = remaining - opening;
        if (unspent != 0) token.send(owner, unspent);
        return _rise(unspent, header.amountIn);
    }

    function _closeTokenOut(Header memory header, Book memory book) private returns (uint256) {
        address token = PlanCodec.token(header, TOKEN_OUT);
        uint256 gained = _rise(book.opening[TOKEN_OUT], token.balanceOf(address(this)));
        if (header.flags & FLAG_DELIVER == 0) return gained;
        token.send(owner, gained);
        // Not more than the plan earned, whatever else the owner was paid meanwhile; less if the token takes a fee.
        uint256 delivered = _rise(book.openingOwner, token.balanceOf(owner));
        return delivered < gained ? delivered : gained;
    }

    /// @dev How far `to` lies above `from`; zero if below.
    function _rise(uint256 from, uint256 to) private pure returns (uint256) {
        return to > from ? to - from : 0;
    }
}
