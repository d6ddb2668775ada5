// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "../interfaces/ISessions.sol";
import {PlanReading} from "../libraries/PlanReading.sol";
import {SpendWindow} from "../libraries/SpendWindow.sol";
import {
    BOUND_FALL,
    BOUND_LEAVE,
    FLAG_PERMIT,
    FLAG_PULL,
    LEG_ACROSS,
    LEG_BALANCER,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    LEG_WRAP,
    LENDER_AAVE,
    TOKEN_IN,
    TOKEN_OUT
} from "../types/Plan.sol";
import {PriceFloor} from "./PriceFloor.sol";

/// @title What is granted to a key, and what its plans are held to
/// @notice The same rules for an executor's sessions (`Warden`) and for a Safe's operators (`SafeModule`), each in a book of
/// its own.
/// @dev A plan is given by its bytes; what is read here is what runs, since `PlanReading` knows the same sizes as the
/// executor and refuses what does not fit.
abstract contract SessionRules is PriceFloor {
    using PlanReading for bytes;
    using SpendWindow for SpendWindow.Window;

    /// @dev Where the fields of a bridge's leg begin in its particulars, behind the recipient.
    uint256 private constant FAR_TOKEN = 20;
    uint256 private constant FAR_AMOUNT = 40;
    uint256 private constant FAR_CHAIN = 56;
    /// @dev Where a loan's particulars say what kind of lender it is, behind its address.
    uint256 internal constant LENDER_KIND = 20;

    /// @dev The caller has checked who grants, and to whom.
    function _grant(address key, ISessions.Grant calldata terms) internal returns (uint256) {
        if (terms.expiry <= block.timestamp || terms.mostLossBps > BPS) {
            revert ISessions.BadGrant(terms.expiry, terms.mostLossBps);
        }
        Session storage entry = _book().sessions[key];
        uint48 count = _nextGrant();
        (entry.grant, entry.expiry, entry.kinds) = (count, terms.expiry, terms.kinds);
        (entry.mostLossBps, entry.mayPull, entry.gasBudget) = (terms.mostLossBps, terms.mayPull, terms.gasBudget);
        _grantLists(key, count, terms);
        return count;
    }

    /// @dev Refuses what the key may not have run, before it runs.
    function _check(address key, bytes calldata plan, PlanReading.Shape memory form) internal view {
        Session memory entry = _standing(key);
        if (form.flags & (FLAG_PULL | FLAG_PERMIT) == FLAG_PULL && !entry.mayPull) {
            revert ISessions.PullNotGranted(key);
        }
        _checkAssets(key, entry.grant, plan, form.declared);
        uint256 at = form.legs;
        do {
            PlanReading.Part memory leg = plan.part(form, at);
            if ((entry.kinds >> leg.kind) & 1 == 0) revert ISessions.KindNotGranted(key, leg.at, leg.kind);
            if (leg.kind == LEG_FLASH && entry.mostLossBps < BPS) _checkLoan(key, plan, form, leg);
            if (leg.kind == LEG_V3_EXACT_OUT) _checkHops(key, entry.grant, plan, leg);
            else if (leg.kind != LEG_WRAP) _checkVenue(key, entry.grant, leg.at, leg.kind, _venueOf(plan, form, leg));
            at = leg.next;
        } while (at < form.end);
    }

    /// @dev Counts what the plan did. A revocation while it ran stops the next one; this one was admitted before.
    function _charge(address key, bytes calldata plan, uint256[] memory changes) internal {
        Session memory entry = _book().sessions[key];
        bool compared = entry.mostLossBps < BPS;
        uint256 fell;
        uint256 earned;
        for (uint256 i = 0; i < changes.length; ++i) {
            if (changes[i] == 0) continue;
            (uint256 bound, address token,) = plan.asset(i);
            if (bound == BOUND_FALL) {
                _count(key, entry.grant, token, changes[i]);
                if (compared) fell += _value(token, changes[i], true);
            } else if (compared) {
                uint256 value = _value(token, changes[i], false);
                earned += bound == BOUND_LEAVE ? _leftValue(key, plan, token, value) : value;
            }
        }
        // Sixteen values of 224 bits, times 10,000.
        uint256 least = (fell * (BPS - entry.mostLossBps) + BPS - 1) / BPS;
        if (compared && earned < least) revert ISessions.BelowReference(key, earned, least);
    }

    function _mayUseVenue(address key, uint256 kind, bytes32 id) internal view returns (bool) {
        return _stands(key) && _book().granted[_item(key, _book().sessions[key].grant, ITEM_VENUE, kind, id)];
    }

    function _mayRiseNow(address key, address token) internal view returns (bool) {
        return _stands(key) && _mayRise(key, _book().sessions[key].grant, token);
    }

    function _mayRise(address key, uint256 grant, address token) internal view returns (bool) {
        return _book().granted[_tokenItem(key, grant, ITEM_RISE, token)];
    }

    function _spending(address key, address token) internal view returns (uint128 limit, uint32 period, uint256 free) {
        if (!_stands(key)) return (0, 0, 0);
        SpendWindow.Window memory window =
            _book().windows[_tokenItem(key, _book().sessions[key].grant, ITEM_SPEND, token)];
        (limit, period) = (window.limit, window.period);
        if (limit != 0) free = window.at(block.timestamp).free();
    }

    /// @dev What left counts at its own price if it was paid out. Over a bridge it counts as what is asked for on the other
    /// side, but as no more than what left: an order that nobody fills comes back as what left. How much each of several
    /// legs sent is not known, so that a bridge must be alone.
    function _leftValue(address key, bytes calldata plan, address token, uint256 here) private view returns (uint256) {
        PlanReading.Shape memory form = plan.shape();
        bool bridged;
        bool several;
        uint256 there;
        uint256 at = form.legs;
        do {
            PlanReading.Part memory leg = plan.part(form, at);
            bool sends = leg.kind == LEG_ACROSS || leg.kind == LEG_PAYOUT;
            if (sends && plan.tokenOf(form, leg.indexIn) == token) {
                if (bridged || (several && leg.kind == LEG_ACROSS)) revert ISessions.BridgeNotAlone(key, leg.at);
                if (leg.kind == LEG_ACROSS) (bridged, there) = (true, _askedFor(plan, leg));
                several = true;
            }
            at = leg.next;
        } while (at < form.end);
        return bridged && there < here ? there : here;
    }

    /// @dev What the order of a bridge's leg asks for, by the reference of that token on that chain.
    function _askedFor(bytes calldata plan, PlanReading.Part memory leg) private view returns (uint256) {
        uint256 amount = plan.word(leg.start + FAR_AMOUNT, 16, leg.next);
        uint256 chainId = plan.word(leg.start + FAR_CHAIN, 8, leg.next);
        // The cut is of the twenty bytes that were read.
        // forge-lint: disable-next-line(unsafe-typecast)
        address token = address(uint160(plan.word(leg.start + FAR_TOKEN, 20, leg.next)));
        return _farValue(chainId, token, amount);
    }

    function _grantLists(address key, uint256 grant, ISessions.Grant calldata terms) private {
        bool compared = terms.mostLossBps < BPS;
        for (uint256 i = 0; i < terms.venues.length; ++i) {
            ISessions.GrantedVenue calldata venue = terms.venues[i];
            _book().granted[_item(key, grant, ITEM_VENUE, venue.kind, venue.id)] = true;
        }
        for (uint256 i = 0; i < terms.rises.length; ++i) {
            if (compared) _requirePrice(terms.rises[i]);
            _book().granted[_tokenItem(key, grant, ITEM_RISE, terms.rises[i])] = true;
        }
        for (uint256 i = 0; i < terms.spends.length; ++i) {
            ISessions.GrantedSpend calldata spend = terms.spends[i];
            if (spend.limit == 0 || spend.period == 0) {
                revert ISessions.BadSpend(spend.token, spend.limit, spend.period);
            }
            if (compared) _requirePrice(spend.token);
            SpendWindow.Window storage window = _book().windows[_tokenItem(key, grant, ITEM_SPEND, spend.token)];
            (window.limit, window.period) = (spend.limit, spend.period);
        }
    }

    /// @dev An asset counts once, whichever way it goes; but what leaves may be what falls.
    function _checkAssets(address key, uint256 grant, bytes calldata plan, uint256 declared) private view {
        for (uint256 i = 0; i < declared; ++i) {
            (uint256 bound, address token, uint256 amount) = plan.asset(i);
            if (bound == BOUND_FALL) {
                bool listed = _book().windows[_tokenItem(key, grant, ITEM_SPEND, token)].limit != 0;
                if (!listed) revert ISessions.FallNotGranted(key, token);
            } else if (amount != 0 && !_mayRise(key, grant, token)) {
                // What passes through may leave dust, which rises.
                revert ISessions.RiseNotGranted(key, token);
            }
            for (uint256 j = 0; j < i; ++j) {
                (, address other,) = plan.asset(j);
                bool sold = i == TOKEN_OUT && j == TOKEN_IN && bound == BOUND_LEAVE;
                if (other == token && !sold) revert ISessions.AssetTwice(token);
            }
        }
    }

    /// @dev What plans within a loan earn is compared with what fell in them. The plan around them sees it rise once more, so
    /// that it must do nothing of its own that this would pay for: no other leg, no fee.
    function _checkLoan(address key, bytes calldata plan, PlanReading.Shape memory form, PlanReading.Part memory leg)
        private
        pure
    {
        if (leg.at != form.legs || leg.next != form.end) revert ISessions.LoanNotAlone(key, leg.at);
        if (plan.word(leg.start + LENDER_KIND, 1, leg.next) == LENDER_AAVE) revert ISessions.LoanCosts(key, leg.at);
    }

    function _checkHops(address key, uint256 grant, bytes calldata plan, PlanReading.Part memory leg) private view {
        uint256 hops = plan.word(leg.start, 1, leg.next);
        for (uint256 i = 0; i < hops; ++i) {
            uint256 id = plan.word(leg.start + 1 + 4 * i, 1, leg.next);
            _checkVenue(key, grant, leg.at, LEG_V3, bytes32(id));
        }
    }

    function _checkVenue(address key, uint256 grant, uint256 at, uint256 kind, bytes32 id) private view {
        if (!_book().granted[_item(key, grant, ITEM_VENUE, kind, id)]) {
            revert ISessions.VenueNotGranted(key, at, kind, id);
        }
    }

    /// @dev See `ISessions.GrantedVenue`.
    function _venueOf(bytes calldata plan, PlanReading.Shape memory form, PlanReading.Part memory leg)
        private
        pure
        returns (bytes32)
    {
        uint256 kind = leg.kind;
        if (kind == LEG_V4) return _singletonId(plan, form, leg);
        if (kind == LEG_ACROSS) return _bridgeId(plan, leg);
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

    /// @dev A receiver is of a chain: what is granted for one is not for another, whatever has a reference there later.
    function _bridgeId(bytes calldata plan, PlanReading.Part memory leg) private pure returns (bytes32) {
        uint256 recipient = plan.word(leg.start, 20, leg.next);
        return keccak256(abi.encode(recipient, plan.word(leg.start + FAR_CHAIN, 8, leg.next)));
    }

    function _count(address key, uint256 grant, address token, uint256 amount) private {
        bytes32 item = _tokenItem(key, grant, ITEM_SPEND, token);
        SpendWindow.Window memory window = _book().windows[item];
        if (window.limit == 0) revert ISessions.FallNotGranted(key, token);
        uint256 free = window.at(block.timestamp).free();
        if (amount > free) revert ISessions.SpendLimit(key, token, amount, free);
        _book().windows[item] = window.count(amount);
    }
}
