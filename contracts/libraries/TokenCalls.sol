// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20, ITokenErrors} from "../interfaces/IERC20.sol";

/// @title Token calls that cope with what tokens do
/// @notice A call succeeds if the token did not revert and returned either true or nothing at all. A token's own revert
/// data is passed on. Nothing here says how much arrived; callers measure balances where that matters.
/// @dev Written in assembly as a swap makes five of these calls: about 200 gas less each than what the compiler makes of
/// the interface. Every function builds its call in the memory beyond the free pointer without moving it, or in scratch
/// space, so nothing is left behind and nothing of the caller's is touched.
library TokenCalls {
    function balanceOf(address token, address account) internal view returns (uint256 value) {
        bytes4 selector = IERC20.balanceOf.selector;
        bool whole;
        // 36 bytes of scratch space hold the call, and its first 32 the answer.
        assembly ("memory-safe") {
            mstore(0, selector)
            mstore(4, account)
            let success := staticcall(gas(), token, 0, 36, 0, 32)
            whole := and(success, gt(returndatasize(), 31))
            value := mload(0)
        }
        if (!whole) revert ITokenErrors.NotAToken(token);
    }

    function allowance(address token, address holder, address spender) internal view returns (uint256 value) {
        bytes4 selector = IERC20.allowance.selector;
        bool whole;
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), holder)
            mstore(add(call_, 36), spender)
            let success := staticcall(gas(), token, call_, 68, 0, 32)
            whole := and(success, gt(returndatasize(), 31))
            value := mload(0)
        }
        if (!whole) revert ITokenErrors.NotAToken(token);
    }

    function send(address token, address to, uint256 amount) internal {
        bytes4 selector = IERC20.transfer.selector;
        bool success;
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), to)
            mstore(add(call_, 36), amount)
            success := call(gas(), token, 0, call_, 68, 0, 32)
        }
        if (!accepted(token, success)) revert ITokenErrors.TransferFailed(token, to, amount);
    }

    function pull(address token, address from, address to, uint256 amount) internal {
        bytes4 selector = IERC20.transferFrom.selector;
        bool success;
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), from)
            mstore(add(call_, 36), to)
            mstore(add(call_, 68), amount)
            success := call(gas(), token, 0, call_, 100, 0, 32)
        }
        if (!accepted(token, success)) revert ITokenErrors.TransferFailed(token, to, amount);
    }

    function approve(address token, address spender, uint256 amount) internal {
        bytes4 selector = IERC20.approve.selector;
        bool success;
        assembly ("memory-safe") {
            let call_ := mload(64)
            mstore(call_, selector)
            mstore(add(call_, 4), spender)
            mstore(add(call_, 36), amount)
            success := call(gas(), token, 0, call_, 68, 0, 32)
        }
        if (!accepted(token, success)) revert ITokenErrors.ApproveFailed(token, spender, amount);
    }

    /// @dev Judges the call just made, whose answer's first word is in scratch space at 0. False if the token answered
    /// anything but true or nothing, or is no contract.
    function accepted(address token, bool success) internal view returns (bool fine) {
        // Reads scratch space; revert data goes beyond the free pointer and ends the call.
        assembly ("memory-safe") {
            switch success
            case 0 {
                if returndatasize() {
                    let free := mload(64)
                    returndatacopy(free, 0, returndatasize())
                    revert(free, returndatasize())
                }
            }
            default {
                switch returndatasize()
                case 0 { fine := iszero(iszero(extcodesize(token))) }
                default { fine := and(gt(returndatasize(), 31), eq(mload(0), 1)) }
            }
        }
    }
}
