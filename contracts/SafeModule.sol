// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionRules} from "./base/SessionRules.sol";
import {IAccount} from "./interfaces/IAccount.sol";
import {IBatches} from "./interfaces/IBatches.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "./interfaces/IERC20.sol";
import {ISafe, ISafeModule} from "./interfaces/ISafeModule.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {PlanReading} from "./libraries/PlanReading.sol";
import {Reverts} from "./libraries/Reverts.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";
import {BOUND_FALL, FLAG_PERMIT, FLAG_PULL, LEG_FLASH, PLAN_VERSION, TOKEN_IN, TOKEN_OUT} from "./types/Plan.sol";

/// @title SafeModule
/// @notice See `ISafeModule`.
/// @dev A module may have its Safe do anything. This one has it call the executor with a plan, and a token with `approve`
/// for the executor, and nothing else; never by DELEGATECALL, and with no value. Operators are granted what an executor's
/// sessions are and held to it by the same code (`SessionRules`), in this contract's own storage.
contract SafeModule is ISafeModule, SessionRules {
    using PlanReading for bytes;
    using TokenCalls for address;

    uint8 private constant CALL = 0;

    /// @inheritdoc ISafeModule
    address public immutable safe;
    /// @inheritdoc ISafeModule
    address public immutable executor;

    /// @dev What the executor's `grantOf` said of the Safe when it granted: another each time that it takes the executor.
    mapping(address operator => uint256) private _reigns;

    bool private transient _running;

    constructor(address safe_, address executor_) {
        (safe, executor) = (safe_, executor_);
    }

    modifier bySafe() {
        if (msg.sender != safe) revert NotSafe(msg.sender);
        _;
    }

    /// @inheritdoc ISafeModule
    function grantOperator(address operator, ISessions.Grant calldata terms) external bySafe returns (uint256 grant) {
        if (operator == address(0) || operator == safe) revert ISessions.BadKey(operator);
        _requireOwned();
        grant = _grant(operator, terms);
        _reigns[operator] = _reign();
        emit OperatorGranted(operator, grant, terms.expiry, terms.kinds);
    }

    /// @inheritdoc ISafeModule
    function endOperator(address operator) external bySafe {
        _book().sessions[operator].expiry = 0;
        emit OperatorEnded(operator);
    }

    /// @inheritdoc ISafeModule
    function setReference(address token, address feed, uint32 maxAge) external bySafe {
        _setFeed(token, feed, maxAge);
        emit ISessions.PriceFeedSet(token, feed, maxAge);
    }

    /// @inheritdoc ISafeModule
    function setFarReference(uint64 chainId, address token, address feed, uint32 maxAge, uint8 decimals)
        external
        bySafe
    {
        _setFarFeed(chainId, token, feed, maxAge, decimals);
        emit ISessions.FarPriceFeedSet(chainId, token, feed, maxAge, decimals);
    }

    /// @inheritdoc ISafeModule
    function run(bytes calldata plan) external returns (uint256 spent, uint256 received) {
        if (block.timestamp > _book().sessions[msg.sender].expiry) revert NotOperator(msg.sender);
        if (_running) revert ModuleBusy();
        _running = true;
        _requireOwned();
        if (_reigns[msg.sender] != _reign()) {
            revert ISessions.FormerOwners(msg.sender, _book().sessions[msg.sender].grant);
        }
        PlanReading.Shape memory form = _read(plan);
        _check(msg.sender, plan, form);
        (, address token, uint256 amount) = plan.asset(TOKEN_IN);
        bool pulls = form.flags & (FLAG_PULL | FLAG_PERMIT) == FLAG_PULL;
        if (pulls) _approve(token, amount);
        (spent, received) = abi.decode(_send(executor, plan), (uint256, uint256));
        if (pulls) _revoke(token);
        // What further assets gained is not known here, and counts for nothing.
        uint256[] memory changes = new uint256[](form.declared);
        (changes[TOKEN_IN], changes[TOKEN_OUT]) = (spent, received);
        _charge(msg.sender, plan, changes);
        emit PlanRun(msg.sender, token, spent, received);
        _running = false;
    }

    /// @inheritdoc ISafeModule
    function operatorTerms(address key)
        external
        view
        returns (uint256 grant, uint40 expiry, uint32 kinds, uint16 mostLossBps, bool mayPull)
    {
        Session memory entry = _book().sessions[key];
        if (!_ofThisReign(key)) entry.expiry = 0;
        return (entry.grant, entry.expiry, entry.kinds, entry.mostLossBps, entry.mayPull);
    }

    /// @inheritdoc ISafeModule
    function operatorLimit(address key, address token)
        external
        view
        returns (uint128 limit, uint32 period, uint256 free)
    {
        return _spending(key, token);
    }

    /// @inheritdoc ISafeModule
    function mayUseVenue(address key, uint8 kind, bytes32 id) external view returns (bool) {
        return _mayUseVenue(key, kind, id);
    }

    /// @inheritdoc ISafeModule
    function mayRise(address key, address token) external view returns (bool) {
        return _mayRiseNow(key, token);
    }

    /// @inheritdoc ISafeModule
    function referenceFeed(address token) external view returns (address feed, uint32 maxAge) {
        return _referenceFeed(token);
    }

    function _stands(address key) internal view override returns (bool) {
        return super._stands(key) && _ofThisReign(key);
    }

    function _requireOwned() private view {
        address owner = IAccount(executor).owner();
        if (owner != safe) revert NotOwned(executor, owner);
    }

    function _ofThisReign(address key) private view returns (bool) {
        return IAccount(executor).owner() == safe && _reigns[key] == _reign();
    }

    function _reign() private view returns (uint256) {
        return IBatches(executor).grantOf(safe);
    }

    function _approve(address token, uint256 amount) private {
        uint256 standing = token.allowance(safe, executor);
        if (standing != 0) revert AllowanceStands(token, standing);
        _send(token, abi.encodeCall(IERC20.approve, (executor, amount)));
        if (token.allowance(safe, executor) != amount) revert ITokenErrors.ApproveFailed(token, executor, amount);
    }

    function _revoke(address token) private {
        if (token.allowance(safe, executor) != 0) _send(token, abi.encodeCall(IERC20.approve, (executor, 0)));
        uint256 left = token.allowance(safe, executor);
        if (left != 0) revert IExecutor.AllowanceLeft(token, executor, left);
    }

    function _send(address target, bytes memory data) private returns (bytes memory answer) {
        bool success;
        (success, answer) = ISafe(safe).execTransactionFromModuleReturnData(target, 0, data, CALL);
        if (success) return answer;
        if (answer.length == 0) revert SafeRefused(target);
        Reverts.bubble(answer);
    }

    /// @dev Nothing but a plan, and of its assets only the first may fall: the others' changes are not known here. None within
    /// a loan, which the executor would run for its owner.
    function _read(bytes calldata plan) private pure returns (PlanReading.Shape memory form) {
        if (plan.length == 0 || uint8(plan[0]) != PLAN_VERSION) {
            revert IExecutor.PlanVersion(plan.length == 0 ? 0 : uint8(plan[0]));
        }
        form = plan.shape();
        for (uint256 i = 1; i < form.declared; ++i) {
            (uint256 bound, address other,) = plan.asset(i);
            if (bound == BOUND_FALL) revert SecondFall(other);
        }
        uint256 at = form.legs;
        do {
            PlanReading.Part memory leg = plan.part(form, at);
            if (leg.kind == LEG_FLASH) revert LoanRefused(leg.at);
            at = leg.next;
        } while (at < form.end);
    }
}
