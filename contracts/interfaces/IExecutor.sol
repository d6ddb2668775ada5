// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "./IAccount.sol";

/// @title The desk's settlement account
/// @notice Executes packed plans of swaps, for its owner only and with its owner's funds only. Nobody but the owner has a
/// reason to approve this contract, and its owner none to let an approval stand.
///
/// A plan is sent as the calldata itself, without a selector, in the layout that `PlanCodec` describes; its first byte is
/// that of no function here. It runs as a whole or reverts, and answers two words: base units by which asset 0 fell, and by
/// which asset 1 rose, at the owner if delivered.
///
/// Guarantees, on balances measured before and after all legs: an asset falls or rises as its bound says, what passes
/// through is as before but for tolerated dust, and legs pay from and into declared assets only. Where funds come straight
/// from the owner, the balances are the owner's, else this account's. No allowance, callback or lock outlives the call.
/// Trusts: the configured venues' factories to have deployed only their own pool code.
interface IExecutor is IAccount {
    /// @notice Where the venues of this chain are; a zero address means that the chain lacks that venue.
    /// @param owner The only account that may execute plans and add venues.
    /// @param weth The wrapped native coin.
    /// @param v2Factory Venue 0 of constant-product pools, with a fee of 3,000 pips.
    /// @param v2InitCodeHash Its pairs' init code hash.
    /// @param v3Factory Venue 0 of concentrated pools.
    /// @param v3InitCodeHash Its pools' init code hash.
    /// @param poolManager Uniswap v4's singleton.
    /// @param balancerVault Balancer v2's vault.
    /// @param rfqSettlement The contract that settles makers' quotes.
    struct Venues {
        address owner;
        address weth;
        address v2Factory;
        bytes32 v2InitCodeHash;
        address v3Factory;
        bytes32 v3InitCodeHash;
        address poolManager;
        address balancerVault;
        address rfqSettlement;
    }

    /// @notice The parts of its code that stand in contracts of their own.
    /// @param steward Ownership, guardian, venues, and every way in but the owner's own plan.
    /// @param annex Legs from kind 10 on.
    /// @param warden What session keys may do.
    struct Parts {
        address steward;
        address annex;
        address warden;
    }

    // Who and when.
    /// @notice There is no code where a part was said to be.
    error PartMissing(address part);
    error Reentered();
    error PlanExpired(uint256 deadline, uint256 timestamp);
    /// @notice Native coin from an account that has no business sending it now.
    error EthRefused(address sender);

    // What a plan may say. `at` is a byte offset into the plan.
    error PlanVersion(uint256 version);
    error PlanFlags(uint256 flags);
    error PlanTruncated(uint256 needed, uint256 length);
    error TokenCount(uint256 count);
    /// @notice An unknown bound, or asset 0 that may not fall, or asset 1 that need not rise.
    error AssetBound(address token, uint256 bound);
    error ZeroAmountIn();
    error ZeroMinOut();
    /// @notice Not in the tables, or both ends the same.
    error TokenIndex(uint256 at, uint256 indexIn, uint256 indexOut);
    /// @notice A leg pays from or into a token whose balance nobody bounds.
    error NotDeclared(uint256 indexIn, uint256 indexOut);
    /// @notice A leg that sells something other than all that was handed on, or a pool that cannot be paid beforehand.
    error HandedWrong(uint256 at);
    /// @notice A leg of a kind that cannot be part of a path.
    error NoPath(uint256 at, uint256 kind);
    error NoHops(uint256 at);
    /// @notice Funds that go straight from the owner to a pool need a plan of one path.
    error NotDirect(uint256 at);
    error UnknownLegKind(uint256 at, uint256 kind);
    error UnknownAmountMode(uint256 at, uint256 mode);
    /// @notice A switch that is neither 0 nor 1.
    error BadSwitch(uint256 value);
    error ZeroLegAmount(uint256 at);
    error AmountAboveAvailable(uint256 at, uint256 amount, uint256 available);
    /// @notice The amount does not fit the venue's integer type.
    error AmountOverflow(uint256 amount);

    // Venues.
    error VenueUnknown(uint256 kind, uint256 id);
    error VenueFixed(uint256 kind, uint256 id);
    error VenueFee(uint256 feePips);
    error PoolMissing(address pool);
    /// @notice A native pool asked for without the wrapped coin at the right end.
    error NotNative(address tokenIn, address tokenOut);
    error PartialFill(uint256 asked, int256 filled);
    error CallbackNotArmed(address caller);
    error CallbackOverBudget(int256 owed, uint256 budget);
    error CallbackMissed(address venue);

    // What must hold at the end.
    error Overspent(address token, uint256 spent, uint256 amountIn);
    error MinOutMissed(uint256 received, uint256 minOut);
    /// @notice The balance of a token that passes through fell, or rose by more than was tolerated.
    error LeftBehind(address token, uint256 before, uint256 remaining);
    error AllowanceLeft(address token, address spender, uint256 allowance);

    event VenueSet(uint8 indexed kind, uint8 indexed id, address deployer, bytes32 initCodeHash, uint24 feePips);

    /// @notice Sends what the account holds to its owner. Zero is the native coin.
    function withdraw(address token, uint256 amount) external;

    /// @notice Adds, changes or (with a zero deployer) removes a fork's factory. Identifier 0 is fixed for ever. Where the
    /// registry has a delay it only removes; see `IRegistry.proposeVenue`.
    /// @param kind The leg kind: constant product, concentrated or Solidly.
    /// @param id 1 to 255.
    /// @param deployer The address in the pools' CREATE2 derivation; for Solidly the factory to ask.
    /// @param initCodeHash The pools' init code hash; unused for Solidly.
    /// @param feePips Fee on the input in millionths, for constant product only.
    function setVenue(uint8 kind, uint8 id, address deployer, bytes32 initCodeHash, uint24 feePips) external;

    function venue(uint8 kind, uint8 id) external view returns (address deployer, uint24 feePips, bytes32 initCodeHash);

    /// @notice The pool that a leg of this kind would use.
    /// @param variant The fee of a concentrated pool, 1 for a stable Solidly pool, else 0.
    function poolFor(uint8 kind, uint8 id, address tokenA, address tokenB, uint24 variant)
        external
        view
        returns (address);
}
