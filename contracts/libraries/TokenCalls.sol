// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20, ITokenErrors} from "../interfaces/IERC20.sol";

/// @title Token calls that cope with what tokens do
/// @notice A call succeeds if the token did not revert and returned either true or nothing at all. A token's own revert
/// data is passed on. Nothing here says how much arrived; callers measure balances where that matters.
library TokenCalls {
    function balanceOf(address token, address account) internal view returns (uint256) {
        return _read(token, abi.encodeCall(IERC20.balanceOf, (account)));
    }

    function allowance(address token, address holder, address spender) internal view returns (uint256) {
        return _read(token, abi.encodeCall(IERC20.allowance, (holder, spender)));
    }

    function send(address token, address to, uint256 amount) internal {
        if (!_write(token, abi.encodeCall(IERC20.transfer, (to, amount)))) {
            revert ITokenErrors.TransferFailed(token, to, amount);
        }
    }

    function pull(address token, address from, address to, uint256 amount) internal {
        if (!_write(token, abi.encodeCall(IERC20.transferFrom, (from, to, amount)))) {
            revert ITokenErrors.TransferFailed(token, to, amount);
        }
    }

    function approve(address token, address spender, uint256 amount) internal {
        if (!_write(token, abi.encodeCall(IERC20.approve, (spender, amount)))) {
            revert ITokenErrors.ApproveFailed(token, spender, amount);
        }
    }

    function _read(address token, bytes memory data) private view returns (uint256 value) {
        bool whole;
        // Reads `data` where it lies and writes one word to scratch space.
        assembly ("memory-safe") {
            let success := staticcall(gas(), token, add(data, 32), mload(data), 0, 32)
            whole := and(success, gt(returndatasize(), 31))
            value := mload(0)
        }
        if (!whole) revert ITokenErrors.NotAToken(token);
    }

    /// @dev False if the token answered anything but true or nothing, or is no contract.
    function _write(address token, bytes memory data) private returns (bool accepted) {
        // Reads `data` where it lies; the answer's first word goes to scratch space; revert data goes beyond the free
        // pointer and ends the call.
        assembly ("memory-safe") {
            let success := call(gas(), token, 0, add(data, 32), mload(data), 0, 32)
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
                case 0 { accepted := iszero(iszero(extcodesize(token))) }
                default { accepted := and(gt(returndatasize(), 31), eq(mload(0), 1)) }
            }
        }
    }
}
