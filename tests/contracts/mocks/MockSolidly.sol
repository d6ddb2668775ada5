// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

/// @notice One for one less 5 bps, with Solidly's interface and its check that the pool was paid.
contract MockSolidlyPool {
    using TokenCalls for address;

    address public immutable token0;
    address public immutable token1;
    uint256 public reserve0;
    uint256 public reserve1;

    constructor(address token0_, address token1_) {
        (token0, token1) = (token0_, token1_);
    }

    function sync() public {
        (reserve0, reserve1) = (token0.balanceOf(address(this)), token1.balanceOf(address(this)));
    }

    function getReserves() external view returns (uint256, uint256, uint256) {
        return (reserve0, reserve1, 0);
    }

    function getAmountOut(uint256 amountIn, address) public pure returns (uint256) {
        return amountIn * 9995 / 10_000;
    }

    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata) external {
        uint256 paid =
            amount0Out == 0 ? token0.balanceOf(address(this)) - reserve0 : token1.balanceOf(address(this)) - reserve1;
        require(getAmountOut(paid, address(0)) >= amount0Out + amount1Out, "K");
        if (amount0Out != 0) token0.send(to, amount0Out);
        if (amount1Out != 0) token1.send(to, amount1Out);
        sync();
    }
}

contract MockSolidlyFactory {
    mapping(address => mapping(address => mapping(bool => address))) public getPool;

    function createPool(address tokenA, address tokenB, bool stable) external returns (address pool) {
        (address token0, address token1) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
        pool = address(new MockSolidlyPool(token0, token1));
        getPool[token0][token1][stable] = getPool[token1][token0][stable] = pool;
    }
}
