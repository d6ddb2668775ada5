// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PriceFloor} from "./base/PriceFloor.sol";
import {IWarden} from "./interfaces/IParts.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {PlanReading} from "./libraries/PlanReading.sol";
import {SpendWindow} from "./libraries/SpendWindow.sol";
import {
    BOUND_FALL,
    BOUND_LEAVE,
    FLAG_PERMIT,
    FLAG_PULL,
    LEG_BALANCER,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    LEG_WRAP,
    TOKEN_IN,
    TOKEN_OUT
} from "./types/Plan.sol";

/// @title What keys other than the owner's may do
/// @notice The executor's own code, in a contract of its own. Called directly it has no owner and obeys nobody.
/// @dev Runs by delegatecall on the executor's storage: out of a plan for `IWarden`, out of `Steward` for the rest. Holds
/// none of its own. A plan is given by its bytes; what is read here is what runs, since `PlanReading` knows the same sizes
/// and refuses what does not fit.
contract Warden is IWarden, ISessions, PriceFloor {
    using PlanReading for bytes;
    using SpendWindow for SpendWindow.Window;

    /// @inheritdoc ISessions
    function grantSession(address key, Grant calldata terms) external returns (uint256 grant) {
        _requireOwner();
        if (key == address(0) || key == address(this) || _speaksForOwner(key)) revert BadKey(key);
        if (terms.expiry <= block.timestamp || terms.mostLossBps > BPS) {
            revert BadGrant(terms.expiry, terms.mostLossBps);
        }
        Session storage entry = _book().sessions[key];
        uint48 count = entry.grant + 1;
        (entry.grant, entry.expiry, entry.kinds) = (count, terms.expiry, terms.kinds);
        (entry.mostLossBps, entry.mayPull, entry.gasBudget) = (terms.mostLossBps, terms.mayPull, terms.gasBudget);
        _grantLists(key, count, terms);
        emit SessionGranted(key, count, terms.expiry, terms.kinds);
        return count;
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
    function session(address key)
        external
        view
        returns (uint256 grant, uint40 expiry, uint32 kinds, uint16 mostLossBps, bool mayPull, uint96 gasBudget)
    {
        Session memory entry = _book().sessions[key];
        return (entry.grant, entry.expiry, entry.kinds, entry.mostLossBps, entry.mayPull, entry.gasBudget);
    }

    /// @inheritdoc ISessions
    function mayUseVenue(address key, uint8 kind, bytes32 id) external view returns (bool) {
        return _book().granted[_item(key, _book().sessions[key].grant, ITEM_VENUE, kind, id)];
    }

    /// @inheritdoc ISessions
    function mayRise(address key, address token) external view returns (bool) {
        return _mayRise(key, _book().sessions[key].grant, token);
    }

    /// @inheritdoc ISessions
    function spending(address key, address token) external view returns (uint128 limit, uint32 period, uint256 free) {
        SpendWindow.Window memory window =
            _book().windows[_tokenItem(key, _book().sessions[key].grant, ITEM_SPEND, token)];
        (limit, period) = (window.limit, window.period);
        if (limit != 0) free = window.at(block.timestamp).free();
    }

    /// @inheritdoc ISessions
    function referenceFeed(address token) external view returns (address feed, uint32 maxAge) {
        Feed memory entry = _book().feeds[token];
        return (entry.feed, entry.maxAge);
    }

    /// @inheritdoc IWarden
    function checkPlan(address key, bytes calldata plan) external view {
        _requireWithinPlan();
        Session memory entry = _standing(key);
        PlanReading.Shape memory form = plan.shape();
        if (form.flags & (FLAG_PULL | FLAG_PERMIT) == FLAG_PULL && !entry.mayPull) revert PullNotGranted(key);
        _checkAssets(key, entry.grant, plan, form.declared);
        uint256 at = form.legs;
        do {
            PlanReading.Part memory leg = plan.part(form, at);
            if ((entry.kinds >> leg.kind) & 1 == 0) revert KindNotGranted(key, leg.at, leg.kind);
            if (leg.kind == LEG_V3_EXACT_OUT) _checkHops(key, entry.grant, plan, leg);
            else if (leg.kind != LEG_WRAP) _checkVenue(key, entry.grant, leg.at, leg.kind, _venueOf(plan, form, leg));
            at = leg.next;
        } while (at < form.end);
    }

    /// @inheritdoc IWarden
    /// @dev A revocation while the plan runs stops the next one; this one was admitted before.
    function chargePlan(address key, bytes calldata plan, uint256[] calldata changes) external {
        _requireWithinPlan();
        Session memory entry = _book().sessions[key];
        bool compared = entry.mostLossBps < BPS;
        uint256 fell;
        uint256 earned;
        for (uint256 i = 0; i < changes.length; ++i) {
            if (changes[i] == 0) continue;
            (uint256 bound, address token,) = plan.asset(i);
            if (bound == BOUND_FALL) {
                _charge(key, entry.grant, token, changes[i]);
                if (compared) fell += _value(token, changes[i], true);
            } else if (compared) {
                earned += _value(token, changes[i], false);
            }
        }
        // Sixteen values of 224 bits, times 10,000.
        uint256 least = (fell * (BPS - entry.mostLossBps) + BPS - 1) / BPS;
        if (compared && earned < least) revert BelowReference(key, earned, least);
    }

    /// @dev Only the executor's own code comes here while a plan runs: its doors are closed to everybody else then, and what
    /// `Steward` hands on comes while nothing runs.
    function _requireWithinPlan() private view {
        if (_state != LOCKED) revert OnlyWithinPlan();
    }

    function _grantLists(address key, uint256 grant, Grant calldata terms) private {
        bool compared = terms.mostLossBps < BPS;
        for (uint256 i = 0; i < terms.venues.length; ++i) {
            GrantedVenue calldata venue = terms.venues[i];
            _book().granted[_item(key, grant, ITEM_VENUE, venue.kind, venue.id)] = true;
        }
        for (uint256 i = 0; i < terms.rises.length; ++i) {
            if (compared) _requireFeed(terms.rises[i]);
            _book().granted[_tokenItem(key, grant, ITEM_RISE, terms.rises[i])] = true;
        }
        for (uint256 i = 0; i < terms.spends.length; ++i) {
            GrantedSpend calldata spend = terms.spends[i];
            if (spend.limit == 0 || spend.period == 0) revert BadSpend(spend.token, spend.limit, spend.period);
            if (compared) _requireFeed(spend.token);
            SpendWindow.Window storage window = _book().windows[_tokenItem(key, grant, ITEM_SPEND, spend.token)];
            (window.limit, window.period) = (spend.limit, spend.period);
        }
    }

    function _requireFeed(address token) private view {
        if (_book().feeds[token].feed == address(0)) revert FeedMissing(token);
    }

    /// @dev An asset counts once, whichever way it goes; but what leaves may be what falls.
    function _checkAssets(address key, uint256 grant, bytes calldata plan, uint256 declared) private view {
        for (uint256 i = 0; i < declared; ++i) {
            (uint256 bound, address token, uint256 amount) = plan.asset(i);
            if (bound == BOUND_FALL) {
                bool listed = _book().windows[_tokenItem(key, grant, ITEM_SPEND, token)].limit != 0;
                if (!listed) revert FallNotGranted(key, token);
            } else if (amount != 0 && !_mayRise(key, grant, token)) {
                // What passes through may leave dust, which rises.
                revert RiseNotGranted(key, token);
            }
            for (uint256 j = 0; j < i; ++j) {
                (, address other,) = plan.asset(j);
                bool sold = i == TOKEN_OUT && j == TOKEN_IN && bound == BOUND_LEAVE;
                if (other == token && !sold) revert AssetTwice(token);
            }
        }
    }

    function _mayRise(address key, uint256 grant, address token) private view returns (bool) {
        return _book().granted[_tokenItem(key, grant, ITEM_RISE, token)];
    }

    function _checkHops(address key, uint256 grant, bytes calldata plan, PlanReading.Part memory leg) private view {
        uint256 hops = plan.word(leg.start, 1, leg.next);
        for (uint256 i = 0; i < hops; ++i) {
            uint256 id = plan.word(leg.start + 1 + 4 * i, 1, leg.next);
            _checkVenue(key, grant, leg.at, LEG_V3, bytes32(id));
        }
    }

    function _checkVenue(address key, uint256 grant, uint256 at, uint256 kind, bytes32 id) private view {
        if (!_book().granted[_item(key, grant, ITEM_VENUE, kind, id)]) revert VenueNotGranted(key, at, kind, id);
    }

    /// @dev See `ISessions.GrantedVenue`.
    function _venueOf(bytes calldata plan, PlanReading.Shape memory form, PlanReading.Part memory leg)
        private
        pure
        returns (bytes32)
    {
        uint256 kind = leg.kind;
        if (kind == LEG_V4) return _singletonId(plan, form, leg);
        uint256 size = 20;
        if (kind == LEG_V2 || kind == LEG_V3 || kind == LEG_SOLIDLY) size = 1;
        else if (kind == LEG_BALANCER) size = 32;
        // A leg whose particulars hold no address deals with nobody that could have been granted.
        return bytes32(plan.word(leg.start, size, leg.next));
    }

    function _singletonId(bytes calldata plan, PlanReading.Shape memory form, PlanReading.Part memory leg)
        private
        pure
        returns (bytes32)
    {
        address low = plan.tokenOf(form, leg.indexIn);
        address high = plan.tokenOf(form, leg.indexOut);
        if (low > high) (low, high) = (high, low);
        // Seven bytes were found there.
        // forge-lint: disable-next-line(unsafe-typecast)
        return keccak256(abi.encodePacked(low, high, uint56(plan.word(leg.start, 7, leg.next))));
    }

    function _charge(address key, uint256 grant, address token, uint256 amount) private {
        bytes32 item = _tokenItem(key, grant, ITEM_SPEND, token);
        SpendWindow.Window memory window = _book().windows[item];
        if (window.limit == 0) revert FallNotGranted(key, token);
        uint256 free = window.at(block.timestamp).free();
        if (amount > free) revert SpendLimit(key, token, amount, free);
        _book().windows[item] = window.count(amount);
    }
}
