// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "./interfaces/IAccount.sol";
import {IExecutor} from "./interfaces/IExecutor.sol";
import {IERC20, ITokenErrors} from "./interfaces/IERC20.sol";
import {ISafe, ISafeModule} from "./interfaces/ISafeModule.sol";
import {PlanReading} from "./libraries/PlanReading.sol";
import {Reverts} from "./libraries/Reverts.sol";
import {SpendWindow} from "./libraries/SpendWindow.sol";
import {TokenCalls} from "./libraries/TokenCalls.sol";
import {BOUND_FALL, FLAG_PERMIT, FLAG_PULL, LEG_FLASH, PLAN_VERSION, TOKEN_IN} from "./types/Plan.sol";

/// @title SafeModule
/// @notice See `ISafeModule`.
/// @dev A module may have its Safe do anything. This one has it call the executor with a plan, and a token with `approve`
/// for the executor, and nothing else; never by DELEGATECALL, and with no value.
contract SafeModule is ISafeModule {
    using PlanReading for bytes;
    using SpendWindow for SpendWindow.Window;
    using TokenCalls for address;

    uint8 private constant CALL = 0;

    /// @inheritdoc ISafeModule
    address public immutable safe;
    /// @inheritdoc ISafeModule
    address public immutable executor;

    /// @inheritdoc ISafeModule
    mapping(address operator => uint40) public operatorUntil;
    mapping(address operator => mapping(address token => SpendWindow.Window)) private _windows;
    bool private transient _running;

    constructor(address safe_, address executor_) {
        (safe, executor) = (safe_, executor_);
    }

    modifier bySafe() {
        if (msg.sender != safe) revert NotSafe(msg.sender);
        _;
    }

    /// @inheritdoc ISafeModule
    function setOperator(address operator, uint40 expiry) external bySafe {
        operatorUntil[operator] = expiry;
        emit OperatorSet(operator, expiry);
    }

    /// @inheritdoc ISafeModule
    function setOperatorLimit(address operator, address token, uint128 limit, uint32 period) external bySafe {
        if (limit != 0 && period == 0) revert OperatorLimit(operator, token, limit, 0);
        SpendWindow.Window memory window;
        (window.limit, window.period) = (limit, period);
        _windows[operator][token] = window;
        emit OperatorLimitSet(operator, token, limit, period);
    }

    /// @inheritdoc ISafeModule
    function run(bytes calldata plan) external returns (uint256 spent, uint256 received) {
        if (block.timestamp > operatorUntil[msg.sender]) revert NotOperator(msg.sender);
        if (_running) revert ModuleBusy();
        _running = true;
        address owner = IAccount(executor).owner();
        if (owner != safe) revert NotOwned(executor, owner);
        (address token, uint256 amount, bool pulls) = _readPlan(plan);
        if (pulls) _approve(token, amount);
        (spent, received) = abi.decode(_send(executor, plan), (uint256, uint256));
        if (pulls) _revoke(token);
        _count(token, spent);
        emit PlanRun(msg.sender, token, spent, received);
        _running = false;
    }

    /// @inheritdoc ISafeModule
    function operatorLimit(address operator, address token)
        external
        view
        returns (uint128 limit, uint32 period, uint256 free)
    {
        SpendWindow.Window memory window = _windows[operator][token];
        (limit, period) = (window.limit, window.period);
        if (limit != 0) free = window.at(block.timestamp).free();
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

    function _count(address token, uint256 spent) private {
        SpendWindow.Window memory window = _windows[msg.sender][token];
        uint256 free;
        if (window.limit != 0) free = window.at(block.timestamp).free();
        if (spent > free) revert OperatorLimit(msg.sender, token, spent, free);
        if (spent != 0) _windows[msg.sender][token] = window.count(spent);
    }

    /// @dev Nothing but a plan, and of its assets only the first may fall: the one that is counted. None within a loan, which
    /// the executor would run for its owner.
    function _readPlan(bytes calldata plan) private pure returns (address token, uint256 amount, bool pulls) {
        if (plan.length == 0 || uint8(plan[0]) != PLAN_VERSION) {
            revert IExecutor.PlanVersion(plan.length == 0 ? 0 : uint8(plan[0]));
        }
        PlanReading.Shape memory form = plan.shape();
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
        (, token, amount) = plan.asset(TOKEN_IN);
        pulls = form.flags & (FLAG_PULL | FLAG_PERMIT) == FLAG_PULL;
    }
}
