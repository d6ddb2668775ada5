// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";

/// @notice A contract that an owner may list: sells one token for another at one to one, or misbehaves.
contract Counter {
    error Closed(uint256 reason);

    function trade(address tokenIn, address tokenOut, uint256 amount) external returns (bool) {
        IERC20(tokenIn).transferFrom(msg.sender, address(this), amount);
        return IERC20(tokenOut).transfer(msg.sender, amount);
    }

    function claim(address token, uint256 amount) external {
        IERC20(token).transfer(msg.sender, amount);
    }

    function refuse(uint256 reason) external pure {
        revert Closed(reason);
    }

    function callBack(bytes calldata data) external {
        (bool success, bytes memory answer) = msg.sender.call(data);
        if (success) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    fallback() external {
        // Takes what it was allowed, whatever it is asked.
        (address token, uint256 amount) = abi.decode(msg.data[4:], (address, uint256));
        IERC20(token).transferFrom(msg.sender, address(this), amount);
    }
}

/// @notice Tells allowances and no supply, as tokens that are shares of something may.
contract AllowanceLike {
    function allowance(address, address) external pure returns (uint256) {
        return 0;
    }

    function claim(address, uint256) external {}
}

/// @notice Answers as a token does, and does more.
contract TokenLike {
    uint256 public constant totalSupply = 1;

    function claim(address, uint256) external {}
}
