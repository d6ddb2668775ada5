// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

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
/// stays approved after it. Operators spend within limits per token; assets beyond the first may not fall, and no plan may
/// borrow.
interface ISafeModule {
    error NotSafe(address caller);
    error NotOperator(address caller);
    /// @notice The executor belongs to somebody else.
    error NotOwned(address executor, address owner);
    /// @notice The Safe lets the executor take this much already, which no plan needs; it must take that back first.
    error AllowanceStands(address token, uint256 allowance);
    error OperatorLimit(address operator, address token, uint256 spent, uint256 free);
    /// @notice A plan of an operator's lets another asset than the first fall.
    error SecondFall(address token);
    /// @notice A plan of an operator's borrows. What runs within a loan runs for the Safe, and no limit would count it.
    error LoanRefused(uint256 at);
    error SafeRefused(address target);
    error ModuleBusy();

    event OperatorSet(address indexed operator, uint40 expiry);
    event OperatorLimitSet(address indexed operator, address indexed token, uint128 limit, uint32 period);
    event PlanRun(address indexed operator, address indexed token, uint256 spent, uint256 received);

    /// @notice By the Safe only.
    /// @param expiry Last second, in Unix time, at which the operator may run plans; zero ends that at once.
    function setOperator(address operator, uint40 expiry) external;

    /// @notice What an operator's plans may make a token fall by within any period; see `ISessions.GrantedSpend`. Begins
    /// anew. By the Safe only.
    /// @param limit Base units; zero for none.
    /// @param period Seconds; must not be zero where the limit is not.
    function setOperatorLimit(address operator, address token, uint128 limit, uint32 period) external;

    /// @notice Has the Safe run a plan.
    /// @param plan As it would be sent to the executor.
    /// @return spent Base units by which asset 0 fell.
    /// @return received By which asset 1 rose.
    function run(bytes calldata plan) external returns (uint256 spent, uint256 received);

    function safe() external view returns (address);
    function executor() external view returns (address);
    function operatorUntil(address operator) external view returns (uint40 expiry);

    /// @notice An operator's limit for a token, and how many base units of it are free now.
    function operatorLimit(address operator, address token)
        external
        view
        returns (uint128 limit, uint32 period, uint256 free);
}
