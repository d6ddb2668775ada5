// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface IV3PoolToSeed {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes calldata data)
        external
        returns (uint256 amount0, uint256 amount1);
}

interface IV4ManagerToSeed {
    struct PoolKey {
        address currency0;
        address currency1;
        uint24 fee;
        int24 tickSpacing;
        address hooks;
    }

    struct ModifyLiquidityParams {
        int24 tickLower;
        int24 tickUpper;
        int256 liquidityDelta;
        bytes32 salt;
    }

    function unlock(bytes calldata data) external returns (bytes memory);
    function modifyLiquidity(PoolKey calldata key, ModifyLiquidityParams calldata params, bytes calldata hookData)
        external
        returns (int256 callerDelta, int256 feesAccrued);
    function sync(address currency) external;
    function settle() external payable returns (uint256 paid);
}

/// @title Liquidity provider of the development chain's concentrated pools
/// @notice Mints many positions in one transaction and pays for them out of its own balances. Only for chains that we
/// start ourselves: what it holds after seeding stays in it.
contract PoolSeeder {
    struct Range {
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
    }

    error NotOwner(address caller);
    error UnexpectedCallback(address caller);
    error TransferFailed(address token);

    address public immutable owner;

    /// @dev The only contract whose callback is answered; zero between seedings.
    address private transient payee;

    constructor(address owner_) {
        owner = owner_;
    }

    receive() external payable {}

    /// @notice Add every range to a v3 pool.
    function seedV3(IV3PoolToSeed pool, Range[] calldata ranges) external {
        _arm(address(pool));
        bytes memory tokens = abi.encode(pool.token0(), pool.token1());
        for (uint256 i; i < ranges.length; ++i) {
            pool.mint(address(this), ranges[i].tickLower, ranges[i].tickUpper, ranges[i].liquidity, tokens);
        }
        payee = address(0);
    }

    /// @notice Add every range to a v4 pool.
    function seedV4(IV4ManagerToSeed manager, IV4ManagerToSeed.PoolKey calldata key, Range[] calldata ranges) external {
        _arm(address(manager));
        manager.unlock(abi.encode(key, ranges));
        payee = address(0);
    }

    /// @notice Pays a v3 pool for one position.
    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata tokens) external {
        if (msg.sender != payee) revert UnexpectedCallback(msg.sender);
        (address token0, address token1) = abi.decode(tokens, (address, address));
        if (amount0 != 0) _transfer(token0, amount0);
        if (amount1 != 0) _transfer(token1, amount1);
    }

    /// @notice Adds the ranges inside v4's lock and pays what is owed in total.
    function unlockCallback(bytes calldata data) external returns (bytes memory) {
        if (msg.sender != payee) revert UnexpectedCallback(msg.sender);
        (IV4ManagerToSeed.PoolKey memory key, Range[] memory ranges) =
            abi.decode(data, (IV4ManagerToSeed.PoolKey, Range[]));
        IV4ManagerToSeed manager = IV4ManagerToSeed(msg.sender);
        int256 owed0;
        int256 owed1;
        for (uint256 i; i < ranges.length; ++i) {
            IV4ManagerToSeed.ModifyLiquidityParams memory params = IV4ManagerToSeed.ModifyLiquidityParams(
                ranges[i].tickLower, ranges[i].tickUpper, int256(uint256(ranges[i].liquidity)), bytes32(0)
            );
            (int256 delta,) = manager.modifyLiquidity(key, params, "");
            owed0 -= delta >> 128; // two int128 halves; the owner's side of a deposit is negative
            // forge-lint: disable-next-line(unsafe-typecast)
            owed1 -= int256(int128(delta)); // the cut is meant: it leaves the lower half
        }
        // Casting is safe: a deposit never pays out, so neither sum is negative.
        // forge-lint: disable-next-line(unsafe-typecast)
        _settle(key.currency0, uint256(owed0));
        // forge-lint: disable-next-line(unsafe-typecast)
        _settle(key.currency1, uint256(owed1));
        return "";
    }

    function _arm(address pool) private {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        payee = pool;
    }

    function _settle(address currency, uint256 amount) private {
        if (amount == 0) return;
        if (currency == address(0)) {
            IV4ManagerToSeed(msg.sender).settle{value: amount}();
            return;
        }
        IV4ManagerToSeed(msg.sender).sync(currency);
        _transfer(currency, amount);
        IV4ManagerToSeed(msg.sender).settle();
    }

    /// @dev Some tokens return nothing; an answer of false is a failure.
    function _transfer(address token, uint256 amount) private {
        (bool success, bytes memory answer) =
            token.call(abi.encodeWithSignature("transfer(address,uint256)", msg.sender, amount));
        if (!success || (answer.length != 0 && !abi.decode(answer, (bool)))) revert TransferFailed(token);
    }
}
