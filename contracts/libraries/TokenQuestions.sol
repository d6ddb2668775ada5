// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "../interfaces/IERC20.sol";

interface ISupply {
    function totalSupply() external view returns (uint256);
}

/// @title Whether an address is a token
/// @notice Asked when a target of calls is listed, and again before each call of it. Answers prove nothing: what is none may
/// say that it is one, and is then not called.
library TokenQuestions {
    uint256 private constant PROBE_GAS = 100_000;

    /// @notice Whether it tells a total supply, or an allowance.
    function isToken(address target) internal view returns (bool) {
        return _answers(target, abi.encodeCall(ISupply.totalSupply, ()))
            || _answers(target, abi.encodeCall(IERC20.allowance, (address(this), address(this))));
    }

    /// @dev Whether it answers a word or more.
    function _answers(address target, bytes memory question) private view returns (bool whole) {
        // The answer is not copied.
        assembly ("memory-safe") {
            let success := staticcall(PROBE_GAS, target, add(question, 32), mload(question), 0, 0)
            whole := and(success, gt(returndatasize(), 31))
        }
    }
}
