// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionRules} from "./base/SessionRules.sol";
import {IWarden} from "./interfaces/IParts.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {PlanReading} from "./libraries/PlanReading.sol";
import {
    LEG_BALANCER,
    LEG_BALANCER_V3,
    LEG_FLASH,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    LEG_WRAP,
    LENDER_AAVE,
    LENDER_BALANCER_V2
} from "./types/Plan.sol";

/// @title What keys other than the owner's may do
/// @notice The executor's own code, in a contract of its own. Called directly it has no owner and obeys nobody.
/// @dev Runs by delegatecall on the executor's storage: out of a plan for `IWarden`, out of `Steward` for the rest. Holds
/// none of its own. See `SessionRules`.
contract Warden is IWarden, ISessions, SessionRules {
    using PlanReading for bytes;

    /// @dev Where a v4 leg says whether its pool is of the coin itself.
    uint256 private constant V4_NATIVE = 6;
    /// @dev Balancer's two, which lend as well.
    uint256 private constant VAULTS = (1 << LEG_BALANCER) | (1 << LEG_BALANCER_V3);

    /// @inheritdoc ISessions
    function grantSession(address key, Grant calldata terms) external returns (uint256 grant) {
        _requireOwner();
        if (key == address(0) || key == address(this) || _speaksForOwner(key)) revert BadKey(key);
        grant = _grant(key, terms);
        emit SessionGranted(key, grant, terms.expiry, terms.kinds);
    }

    /// @inheritdoc ISessions
    function revokeSession(address key) external {
        _requireOwnerOrGuardian();
        Session storage entry = _book().sessions[key];
        entry.expiry = 0;
        emit SessionEnded(key, entry.grant, msg.sender);
    }

    /// @inheritdoc ISessions
    function setReference(address token, address feed, uint32 maxAge) external {
        _requireOwner();
        _setFeed(token, feed, maxAge);
        emit PriceFeedSet(token, feed, maxAge);
    }

    /// @inheritdoc ISessions
    function setFarReference(uint64 chainId, address token, address feed, uint32 maxAge, uint8 decimals) external {
        _requireOwner();
        _setFarFeed(chainId, token, feed, maxAge, decimals);
        emit FarPriceFeedSet(chainId, token, feed, maxAge, decimals);
    }

    /// @inheritdoc ISessions
    function session(address key)
        external
        view
        returns (uint256 grant, uint40 expiry, uint32 kinds, uint16 mostLossBps, bool mayPull, uint96 gasBudget)
    {
        Session memory entry = _sessionOf(key);
        return (entry.grant, entry.expiry, entry.kinds, entry.mostLossBps, entry.mayPull, entry.gasBudget);
    }

    /// @inheritdoc ISessions
    function mayUseVenue(address key, uint8 kind, bytes32 id) external view returns (bool) {
        return _mayUseVenue(key, kind, id);
    }

    /// @inheritdoc ISessions
    function mayRise(address key, address token) external view returns (bool) {
        return _mayRiseNow(key, token);
    }

    /// @inheritdoc ISessions
    function spending(address key, address token) external view returns (uint128 limit, uint32 period, uint256 free) {
        return _spending(key, token);
    }

    /// @inheritdoc ISessions
    function referenceFeed(address token) external view returns (address feed, uint32 maxAge) {
        return _referenceFeed(token);
    }

    /// @inheritdoc ISessions
    function farReferenceFeed(uint64 chainId, address token)
        external
        view
        returns (address feed, uint32 maxAge, uint8 decimals)
    {
        Feed memory entry = _book().farFeeds[chainId][token];
        if (entry.reign == _account().reign) (feed, maxAge, decimals) = (entry.feed, entry.maxAge, entry.decimals);
    }

    /// @inheritdoc IWarden
    /// @dev The owner's plans come here only while a built-in venue is off.
    function checkPlan(address key, bytes calldata plan) external view {
        _requireWithinPlan();
        PlanReading.Shape memory form = plan.shape();
        uint256 off = _account().authority >> OFF_SHIFT;
        if (off != 0) _checkBuiltIn(plan, form, off);
        if (!_speaksForOwner(key)) _check(key, plan, form);
    }

    /// @inheritdoc IWarden
    function chargePlan(address key, bytes calldata plan, uint256[] calldata changes) external {
        _requireWithinPlan();
        if (!_speaksForOwner(key)) _charge(key, plan, changes);
    }

    /// @dev Only the executor's own code comes here while a plan runs: its doors are closed to everybody else then, and what
    /// `Steward` hands on comes while nothing runs.
    function _requireWithinPlan() private view {
        if (_state != LOCKED) revert OnlyWithinPlan();
    }

    /// @param off Bit `k` for leg kind `k`.
    function _checkBuiltIn(bytes calldata plan, PlanReading.Shape memory form, uint256 off) private pure {
        uint256 at = form.legs;
        do {
            PlanReading.Part memory leg = plan.part(form, at);
            if (_dealsWithBuiltIn(plan, leg, off)) revert IRegistry.VenueDisabled(leg.kind, leg.at);
            at = leg.next;
        } while (at < form.end);
    }

    /// @dev Whether with one that is off, also where it lends, or wraps for a v4 pool of the coin. Plans within a loan are
    /// read when they run.
    function _dealsWithBuiltIn(bytes calldata plan, PlanReading.Part memory leg, uint256 off)
        private
        pure
        returns (bool)
    {
        if (leg.kind == LEG_V3_EXACT_OUT) {
            uint256 hops = (off >> LEG_V3) & 1 == 0 ? 0 : plan.word(leg.start, 1, leg.next);
            for (uint256 i = 0; i < hops; ++i) {
                if (plan.word(leg.start + 1 + 4 * i, 1, leg.next) == 0) return true;
            }
            return false;
        }
        bool isOff = (off >> leg.kind) & 1 != 0;
        if (leg.kind == LEG_V2 || leg.kind == LEG_V3) return isOff && plan.word(leg.start, 1, leg.next) == 0;
        if (isOff) return true;
        if (leg.kind == LEG_V4) {
            return (off >> LEG_WRAP) & 1 != 0 && plan.word(leg.start + V4_NATIVE, 1, leg.next) != 0;
        }
        if (leg.kind != LEG_FLASH || off & VAULTS == 0) return false;
        uint256 lender = plan.word(leg.start + LENDER_KIND, 1, leg.next);
        if (lender == LENDER_AAVE) return false;
        return (off >> (lender == LENDER_BALANCER_V2 ? LEG_BALANCER : LEG_BALANCER_V3)) & 1 != 0;
    }
}
