// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// The parts of an executor's code that stand in contracts of their own. Each runs by delegatecall on the executor's storage
// and holds none.

/// @notice Legs from kind 10 on.
interface IAnnex {
    /// @notice Where these legs' protocols are; a zero address means that the chain lacks that one.
    /// @param weth The wrapped native coin.
    /// @param balancerV2Vault Balancer v2's vault, for flash loans.
    /// @param balancerV3Vault Balancer v3's vault.
    /// @param aavePool Aave v3's pool.
    /// @param spokePool Across's contract on this chain.
    /// @param zeroEx The exchange proxy of 0x v4.
    /// @param airSwap AirSwap's `SwapERC20`.
    struct Places {
        address weth;
        address balancerV2Vault;
        address balancerV3Vault;
        address aavePool;
        address spokePool;
        address zeroEx;
        address airSwap;
    }

    /// @notice This code was called by itself, or beside a plan.
    error NoPlanRuns();
    /// @notice Particulars that are too short or too long for their kind.
    error BadParticulars(uint256 kind, uint256 size);
    /// @notice The owner has not listed that address, or that function of it, for legs of this kind.
    error NotListed(uint256 kind, address target, bytes4 selector);
    /// @notice A call that no listing can allow: of a token, of who holds rights over this account, or of a function that
    /// gives rights away.
    error CallRefused(address target, bytes4 selector);
    /// @notice Neither of the leg's tokens is the vault's own.
    error VaultNotTraded(address vault);
    /// @notice A bridge order that asks for nothing on the other side.
    error NothingAsked();
    error WrongLender(address lender, uint256 kind);
    /// @notice What a lender's callback says it lent is not what was asked for.
    error WrongLoan(address token, uint256 amount);
    /// @notice The lender asks for a higher fee than the leg may sell.
    error LoanFee(uint256 fee, uint256 most);
    /// @notice What is to run within a loan does not begin as a plan does. Counted from zero.
    error NotAPlan(uint256 index);

    /// @param particulars The leg's own bytes, without their length.
    /// @return sold Base units of `tokenIn` that the leg used.
    /// @return out By how much the balance of `tokenOut` rose.
    /// @return left How much of `tokenIn` was sent away for good.
    function runLeg(uint256 kind, address tokenIn, address tokenOut, uint256 amount, bytes calldata particulars)
        external
        returns (uint256 sold, uint256 out, uint256 left);
}

/// @notice What keys other than the owner's may do.
interface IWarden {
    /// @notice Refuses a plan that the key may not have run: unknown, expired or revoked key, leg kind, venue or asset.
    /// @param plan As `PlanCodec` describes it, permit included.
    function checkPlan(address key, bytes calldata plan) external view;

    /// @notice Counts what the plan spent, and refuses it beyond a limit or below the price that the reference allows.
    /// @param changes By how much each declared asset fell, rose or left, as its bound is about.
    function chargePlan(address key, bytes calldata plan, uint256[] calldata changes) external;
}
