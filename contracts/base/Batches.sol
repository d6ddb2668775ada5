// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "../interfaces/IAccount.sol";
import {IBatches, PlanResult} from "../interfaces/IBatches.sol";
import {IExecutor} from "../interfaces/IExecutor.sol";
import {SignedPlans} from "../libraries/SignedPlans.sol";
import {PLAN_VERSION} from "../types/Plan.sol";
import {SessionBook} from "./SessionBook.sol";

/// @title Several plans, one after the other
/// @notice See `IBatches`. The account calls itself for each plan, so that what fails leaves nothing, and each is admitted
/// for the batch's key as if that had sent it alone.
abstract contract Batches is IBatches, SessionBook {
    uint256 private constant MAX_PLANS = 256;
    uint256 private constant REASON_BYTES = 1024;

    /// @inheritdoc IBatches
    function executeBatch(bytes[] calldata plans, uint256 continueMask) external returns (PlanResult[] memory results) {
        return _runBatch(_callingKey(), plans, continueMask);
    }

    /// @inheritdoc IBatches
    function executeSigned(
        bytes[] calldata plans,
        uint256 continueMask,
        uint256 nonce,
        uint40 deadline,
        address key,
        bytes calldata signature
    ) external returns (PlanResult[] memory results) {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        SignedPlans.Batch memory batch = SignedPlans.Batch(key, _grantOf(key), continueMask, nonce, deadline);
        bytes32 digest = SignedPlans.plansDigest(address(this), batch, plans);
        if (!SignedPlans.signedBy(key, digest, signature)) revert WrongSignature(key);
        _useNonce(key, nonce);
        return _runBatch(key, plans, continueMask);
    }

    /// @inheritdoc IBatches
    function skipNonces(uint192 lane, uint64 next) external {
        address key = _callingKey();
        uint64 now_ = _book().nonces[key][lane];
        if (next <= now_) revert NonceUnexpected(key, next, now_);
        _book().nonces[key][lane] = next;
        emit NonceUsed(key, (uint256(lane) << 64) | (next - 1));
    }

    /// @inheritdoc IBatches
    function nextNonce(address key, uint192 lane) external view returns (uint256) {
        return (uint256(lane) << 64) | _book().nonces[key][lane];
    }

    /// @inheritdoc IBatches
    function grantOf(address key) external view returns (uint256) {
        return _grantOf(key);
    }

    /// @inheritdoc IBatches
    function plansDigest(bytes[] calldata plans, uint256 continueMask, uint256 nonce, uint40 deadline, address key)
        external
        view
        returns (bytes32)
    {
        SignedPlans.Batch memory batch = SignedPlans.Batch(key, _grantOf(key), continueMask, nonce, deadline);
        return SignedPlans.plansDigest(address(this), batch, plans);
    }

    /// @inheritdoc IBatches
    function domainSeparator() external view returns (bytes32) {
        return SignedPlans.domain(address(this));
    }

    /// @dev The owner's or a session's, as it stands now.
    function _runBatch(address key, bytes[] memory plans, uint256 continueMask)
        internal
        returns (PlanResult[] memory results)
    {
        if (_account().authority & PAUSED != 0) revert IAccount.IsPaused();
        if (_isLocked()) revert IExecutor.Reentered();
        if (key == address(0)) revert IAccount.NotOwner(key);
        if (key != _owner()) _standing(key);
        if (plans.length > MAX_PLANS) revert TooManyPlans(plans.length);
        results = new PlanResult[](plans.length);
        uint256 before = _act(key);
        for (uint256 i = 0; i < plans.length; ++i) {
            results[i] = _runPlan(key, plans[i], i, (continueMask >> i) & 1 != 0);
        }
        _rest(before);
    }

    function _runPlan(address key, bytes memory plan, uint256 index, bool goOn)
        private
        returns (PlanResult memory result)
    {
        uint256 gasBefore = gasleft();
        (result.done, result.reason) = _callSelf(plan);
        if (result.done) {
            (result.spent, result.received) = abi.decode(result.reason, (uint256, uint256));
            result.reason = "";
            emit PlanDone(key, index, result.spent, result.received);
            return result;
        }
        if (!goOn) revert PlanFailed(index, result.reason);
        // Each call keeps a 64th of its gas back. Where calls deep inside ran out of it, little more than that is left.
        if (gasleft() < gasBefore / 4) revert GasShort(index, gasleft());
        emit PlanSkipped(key, index, result.reason);
    }

    /// @dev Nothing but a plan: other functions of this account are not for a key to call by its batch.
    function _callSelf(bytes memory plan) private returns (bool success, bytes memory answer) {
        if (plan.length == 0 || uint8(plan[0]) != PLAN_VERSION) {
            return
                (false, abi.encodeWithSelector(IExecutor.PlanVersion.selector, plan.length == 0 ? 0 : uint8(plan[0])));
        }
        // Takes memory for what is kept of the answer: length, content, to the next whole word.
        assembly ("memory-safe") {
            answer := mload(64)
            success := call(gas(), address(), 0, add(plan, 32), mload(plan), 0, 0)
            let size := returndatasize()
            if gt(size, REASON_BYTES) { size := REASON_BYTES }
            mstore(answer, size)
            returndatacopy(add(answer, 32), 0, size)
            mstore(64, and(add(add(answer, size), 63), not(31)))
        }
    }

    /// @dev For whom the caller asks.
    function _callingKey() internal view returns (address) {
        return _speaksForOwner(msg.sender) ? _owner() : msg.sender;
    }

    /// @dev An owner that takes the account again finds nothing that it signed in an earlier reign.
    function _grantOf(address key) private view returns (uint256) {
        return key == _owner() ? _account().reign : _book().sessions[key].grant;
    }

    function _useNonce(address key, uint256 nonce) private {
        uint256 lane = nonce >> 64;
        uint64 next = _book().nonces[key][lane];
        // The cut is meant: it leaves the number.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (uint64(nonce) != next) revert NonceUnexpected(key, nonce, (lane << 64) | next);
        _book().nonces[key][lane] = next + 1;
        emit NonceUsed(key, nonce);
    }
}
