// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IBalancerV3Vault} from "contracts/interfaces/IFurtherVenues.sol";

/// @notice Balancer v3's vault as far as it accounts: unlocked by a call back with the very bytes that it was given, debts
/// and credits by token, and nothing owed when it is locked again. Its pools trade one for one less 0.3 %.
contract PlainBalancerV3Vault {
    error BalanceNotSettled();
    error VaultIsNotUnlocked();
    error PoolNotRegistered(address pool);
    error SwapLimit(uint256 amount, uint256 limit);

    mapping(address pool => bool) public registered;
    mapping(address token => uint256) private _reserves;
    mapping(address token => int256) private _owed;
    uint256 private _open;
    bool private _unlocked;

    function register(address pool) external {
        registered[pool] = true;
    }

    function unlock(bytes calldata data) external returns (bytes memory result) {
        bool inner = _unlocked;
        _unlocked = true;
        bool success;
        (success, result) = msg.sender.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        if (inner) return result;
        if (_open != 0) revert BalanceNotSettled();
        _unlocked = false;
    }

    function settle(address token, uint256 amountHint) external returns (uint256 credit) {
        _requireUnlocked();
        uint256 held = IERC20(token).balanceOf(address(this));
        credit = held - _reserves[token];
        _reserves[token] = held;
        if (credit > amountHint) credit = amountHint;
        _account(token, -int256(credit));
    }

    function sendTo(address token, address to, uint256 amount) external {
        _requireUnlocked();
        _account(token, int256(amount));
        _reserves[token] -= amount;
        IERC20(token).transfer(to, amount);
    }

    function swap(IBalancerV3Vault.VaultSwapParams calldata params)
        external
        virtual
        returns (uint256 calculated, uint256 amountIn, uint256 amountOut)
    {
        _requireUnlocked();
        if (!registered[params.pool]) revert PoolNotRegistered(params.pool);
        (amountIn, amountOut) = (params.amountGivenRaw, params.amountGivenRaw * 997 / 1000);
        if (amountOut < params.limitRaw) revert SwapLimit(amountOut, params.limitRaw);
        _account(params.tokenIn, int256(amountIn));
        _account(params.tokenOut, -int256(amountOut));
        calculated = amountOut;
    }

    /// @dev What was sent to it without a swap, as liquidity.
    function sync(address token) external {
        _reserves[token] = IERC20(token).balanceOf(address(this));
    }

    function _account(address token, int256 change) internal {
        int256 before = _owed[token];
        int256 later = before + change;
        if (before == 0 && later != 0) ++_open;
        if (before != 0 && later == 0) --_open;
        _owed[token] = later;
    }

    function _requireUnlocked() internal view {
        if (!_unlocked) revert VaultIsNotUnlocked();
    }
}

/// @notice Asks for twice what it was to sell.
contract GreedyBalancerV3Vault is PlainBalancerV3Vault {
    function swap(IBalancerV3Vault.VaultSwapParams calldata params)
        external
        pure
        override
        returns (uint256, uint256, uint256)
    {
        return (1, params.amountGivenRaw * 2, 1);
    }
}
