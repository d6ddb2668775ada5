// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "contracts/interfaces/ISessions.sol";
import {PlanResult} from "contracts/interfaces/IBatches.sol";
import {LEG_V2, LEG_V3, LEG_V3_EXACT_OUT} from "contracts/types/Plan.sol";

import {Plan, Plans} from "../support/Plans.sol";
import {Actor, Ledger, Things} from "./World.sol";

/// @notice A session's key: trades, batches, signs and has others send it; is granted, revoked and granted anew, while time
/// passes. What it spent is written down here, apart from the account's own book, and summed over every period.
contract Sessions is Actor {
    bytes32 private constant PERIOD_LIMIT = "spendNeverExceedsPeriodLimit";
    bytes32 private constant REVOKED = "revokedKeyCannotExecute";
    bytes32 private constant NONCE = "nonceUsedOnce";

    struct Spend {
        uint256 time;
        uint256 amount;
    }

    uint128[2] private _limits = [100e18, 7e18];
    uint32[2] private _periods = [1 days, 1 hours];
    mapping(uint256 from => Spend[]) private _spends;
    bool private _granted;
    uint256 private _until;
    /// @dev At which count the owner that granted had taken the account over.
    uint256 private _reign;
    bytes[] private _sent;

    uint256 public ran;
    uint256 public skipped;

    constructor(Ledger ledger, Things memory things) Actor(ledger, things) {}

    /// @dev What was granted before is gone, and limits begin anew.
    function grant(uint256 hours_) external {
        ISessions.Grant memory terms;
        terms.expiry = uint40(block.timestamp + bound(hours_, 1, 24 * 20) * 1 hours);
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_V3) | (1 << LEG_V3_EXACT_OUT));
        terms.mostLossBps = 10_000;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_V3), 0);
        terms.spends = new ISessions.GrantedSpend[](2);
        terms.rises = new address[](2);
        for (uint256 i = 0; i < 2; ++i) {
            terms.spends[i] = ISessions.GrantedSpend(_things.tokens[i], _limits[i], _periods[i]);
            terms.rises[i] = _things.tokens[i];
            delete _spends[i];
        }
        vm.prank(_things.owner);
        _things.executor.grantSession(_things.session, terms);
        (_granted, _until, _reign) = (true, terms.expiry, _things.executor.grantOf(_things.owner));
    }

    /// @dev In the same block, the key's next plan is refused by that name.
    function revoke(bool byGuardian, uint128 amount) external {
        vm.prank(byGuardian ? _things.guardian : _things.owner);
        _things.executor.revokeSession(_things.session);
        bool known = _until != 0;
        _granted = false;
        (bool success, bytes memory reason) = _send(_things.session, _plan(0, amount, 0, 0, false));
        bytes4 expected = _ofThisOwner() ? ISessions.SessionRevoked.selector : ISessions.FormerOwners.selector;
        bool named = bytes4(reason) == expected;
        _ledger.note(REVOKED, !success && (named || !known || _things.executor.paused()));
    }

    function pass(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 12 hours));
    }

    /// @dev Of what is free often all, or a unit more.
    function trade(uint256 from, uint128 amount, uint8 shape, uint8 whole) external {
        from = bound(from, 0, 1);
        bytes memory plan = _plan(from, amount, shape, whole, false);
        uint256[2] memory before = _heldBoth();
        (bool success, bytes memory answer) = _send(_things.session, plan);
        if (!success) return;
        (uint256 spent, uint256 received) = abi.decode(answer, (uint256, uint256));
        uint256[2] memory moved;
        (moved[from], moved[1 - from]) = (before[from] - spent, before[1 - from] + received);
        _compare(moved);
        _write(from, spent);
    }

    /// @dev Three plans to and fro, any of which may be one that cannot succeed. Sent by the key, or by somebody else with
    /// its signature, in order or out of it.
    function batch(uint128[3] calldata amounts, uint8 bad, uint8 mask, uint8 way, uint192 lane) external {
        bytes[] memory plans = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            plans[i] = _plan(i % 2, amounts[i], uint8(i), 0, bad >> i & 1 != 0);
        }
        bytes memory call_ = abi.encodeCall(_things.executor.executeBatch, (plans, mask));
        uint256 nonce = _things.executor.nextNonce(_things.session, lane % 4) + (way % 4 == 2 ? 1 : 0);
        if (way % 4 != 0) call_ = _signed(plans, mask, nonce);
        uint256[2] memory before = _heldBoth();
        (bool success, bytes memory answer) = _send(way % 4 == 0 ? _things.session : _things.maker, call_);
        if (!success) return;
        if (way % 4 != 0) {
            _ledger.note(NONCE, way % 4 != 2);
            _ledger.countSigned(nonce);
            _sent.push(call_);
        }
        _settle(before, abi.decode(answer, (PlanResult[])), mask, bad);
    }

    /// @dev What ran once never runs again, whatever was granted since.
    function replay(uint256 which) external {
        if (_sent.length == 0) return;
        (bool success,) = _send(_things.maker, _sent[which % _sent.length]);
        _ledger.note(NONCE, !success);
    }

    function skip(uint192 lane, uint8 ahead) external {
        lane %= 4;
        uint64 next = uint64(_things.executor.nextNonce(_things.session, lane));
        vm.prank(_things.session);
        _things.executor.skipNonces(lane, next + 1 + ahead % 2);
    }

    /// @dev Each plan as a whole or not at all, and not at all only where the batch may go on.
    function _settle(uint256[2] memory moved, PlanResult[] memory results, uint256 mask, uint256 bad) private {
        for (uint256 i = 0; i < 3; ++i) {
            PlanResult memory result = results[i];
            _ledger.note(NET_DELTA, result.done ? (bad >> i) & 1 == 0 : (mask >> i) & 1 != 0);
            if (!result.done) {
                _ledger.note(NET_DELTA, result.spent == 0 && result.received == 0);
                skipped += 1;
                continue;
            }
            moved[i % 2] -= result.spent;
            moved[1 - i % 2] += result.received;
            _write(i % 2, result.spent);
        }
        _compare(moved);
    }

    function _send(address sender, bytes memory call_) private returns (bool success, bytes memory answer) {
        bool stands = _granted && block.timestamp <= _until && _ofThisOwner();
        bool paused = _things.executor.paused();
        (bytes32 digest, bytes32 others) = (_digest(), _others());
        vm.prank(sender);
        (success, answer) = address(_things.executor).call(call_);
        _probe();
        _ledger.note(ONLY_OWNER_PAYS, others == _others());
        if (!success) {
            _ledger.note(REVERT_EQUAL, digest == _digest());
            return (false, answer);
        }
        _ledger.note(REVOKED, stands);
        _ledger.note(PAUSE, !paused);
    }

    function _ofThisOwner() private view returns (bool) {
        return _reign == _things.executor.grantOf(_things.owner);
    }

    /// @dev The sum over the period that ends now; those that ended before were looked at then.
    function _write(uint256 from, uint256 spent) private {
        ran += 1;
        Spend[] storage spends = _spends[from];
        spends.push(Spend(block.timestamp, spent));
        uint256 sum;
        for (uint256 i = spends.length; i != 0 && spends[i - 1].time + _periods[from] > block.timestamp; --i) {
            sum += spends[i - 1].amount;
        }
        _ledger.note(PERIOD_LIMIT, sum <= _limits[from]);
    }

    function _compare(uint256[2] memory expected) private {
        uint256[2] memory found = _heldBoth();
        _ledger.note(NET_DELTA, found[0] == expected[0] && found[1] == expected[1]);
    }

    function _heldBoth() private view returns (uint256[2] memory) {
        return [_held(_things.tokens[0]), _held(_things.tokens[1])];
    }

    function _plan(uint256 from, uint128 amount, uint8 shape, uint8 whole, bool bad)
        private
        view
        returns (bytes memory)
    {
        Plan memory plan;
        plan.deadline = uint40(block.timestamp + 1 days);
        plan.tokens = new address[](2);
        (plan.tokens[0], plan.tokens[1]) = (_things.tokens[from], _things.tokens[1 - from]);
        (,, uint256 free) = _things.executor.spending(_things.session, plan.tokens[0]);
        uint256 sold = whole % 3 != 0 && free > 1e6 ? free + whole % 3 - 1 : bound(amount, 1e6, _limits[from]);
        (plan.amountIn, plan.minOut) = (uint128(sold), bad ? type(uint128).max : 1);
        if (shape % 3 == 0) plan.legs = Plans.v2(0, 1, Plans.all(), 0);
        else if (shape % 3 == 1) plan.legs = Plans.v3(0, 1, Plans.all(), 0, 3000);
        else plan.legs = Plans.exactOut(0, 1, sold / 2, abi.encodePacked(uint8(0), uint24(3000)), "");
        return Plans.encode(plan);
    }

    function _signed(bytes[] memory plans, uint256 mask, uint256 nonce) private view returns (bytes memory) {
        uint40 deadline = uint40(block.timestamp + 10 days);
        bytes32 digest = _things.executor.plansDigest(plans, mask, nonce, deadline, _things.session);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_things.sessionKey, digest);
        return abi.encodeCall(
            _things.executor.executeSigned, (plans, mask, nonce, deadline, _things.session, abi.encodePacked(r, s, v))
        );
    }
}
