// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISessions} from "./ISessions.sol";

/// @notice A Safe's functions for its modules. The last argument is the kind of call, of which this project uses 0 alone,
/// CALL.
interface ISafe {
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool success, bytes memory answer);
}

/// @title A Safe's plans, run by its operators
/// @notice A module of one Safe and for one executor that the Safe owns. Operators, named by the Safe, run plans; the Safe
/// itself calls the executor. An operator is who calls: nothing inside a plan or an argument names one.
///
/// Where a plan takes the Safe's own funds, exactly the plan's amount of asset 0 is approved for that call, and nothing
/// stays approved after it. What an operator may do is granted in the terms of an executor's sessions, and refused by their
/// errors: kinds of legs, venues, assets, limits, a loss against references of the module's own. Beyond that, assets after
/// the first may not fall, what they gain does not count as earned, and no plan may borrow.
interface ISafeModule {
    error NotSafe(address caller);
    error NotOperator(address caller);
    /// @notice The executor belongs to somebody else.
    error NotOwned(address executor, address owner);
    /// @notice The Safe lets the executor take this much already, which no plan needs; it must take that back first.
    error AllowanceStands(address token, uint256 allowance);
    /// @notice A plan of an operator's lets another asset than the first fall.
    error SecondFall(address token);
    /// @notice A plan of an operator's borrows. What runs within a loan runs for the Safe, and no limit would count it.
    error LoanRefused(uint256 at);
    error SafeRefused(address target);
    error ModuleBusy();

    event OperatorGranted(address indexed operator, uint256 indexed grant, uint40 expiry, uint32 kinds);
    event OperatorEnded(address indexed operator);
    event PlanRun(address indexed operator, address indexed token, uint256 spent, uint256 received);

    /// @notice Lets an operator run plans within these bounds; see `ISessions.Grant`, of which `mayPull` is about the Safe's
    /// own funds and `gasBudget` has no meaning here. Whatever it was granted before is gone. It ends when the executor has
    /// another owner, also if the Safe takes it again. By the Safe only, while it owns the executor.
    /// @return grant Counts the grants of the module.
    function grantOperator(address operator, ISessions.Grant calldata terms) external returns (uint256 grant);

    /// @notice From this call on the operator runs nothing. By the Safe only.
    function endOperator(address operator) external;

    /// @notice As `ISessions.setReference`, for this module's operators. By the Safe only.
    function setReference(address token, address feed, uint32 maxAge) external;

    /// @notice As `ISessions.setFarReference`, for this module's operators. By the Safe only.
    function setFarReference(uint64 chainId, address token, address feed, uint32 maxAge, uint8 decimals) external;

    /// @notice Has the Safe run a plan.
    /// @param plan As it would be sent to the executor.
    /// @return spent Base units by which asset 0 fell.
    /// @return received By which asset 1 rose.
    function run(bytes calldata plan) external returns (uint256 spent, uint256 received);

    function safe() external view returns (address);
    function executor() external view returns (address);

    /// @notice An operator's last grant. Its expiry is zero if it was ended or the executor has changed its
    /// owner, and its count if there never was one.
    function operatorTerms(address key)
        external
        view
        returns (uint256 grant, uint40 expiry, uint32 kinds, uint16 mostLossBps, bool mayPull);

    /// @notice An operator's limit for a token, zero once it has ended, and how many base units of it are free now.
    function operatorLimit(address key, address token)
        external
        view
        returns (uint128 limit, uint32 period, uint256 free);

    function mayUseVenue(address key, uint8 kind, bytes32 id) external view returns (bool);

    function mayRise(address key, address token) external view returns (bool);

    function referenceFeed(address token) external view returns (address feed, uint32 maxAge);
}
