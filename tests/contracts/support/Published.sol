// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {FurtherChain} from "./FurtherChain.sol";

interface IZeroExToStart {
    struct Features {
        address registry;
        address ownable;
    }

    function initializeZeroEx(address owner, address zeroEx, Features calldata features) external returns (address);
    function migrate(address target, bytes calldata data, address owner) external;
}

interface ISpokePoolToStart {
    function initialize(uint32 firstDeposit, address withdrawals) external;
    function setEnableRoute(address token, uint256 chainId, bool enabled) external;
    function pauseDeposits(bool paused) external;
}

interface IBalancerV3ToStart {
    struct TokenConfig {
        address token;
        uint8 tokenType;
        address rateProvider;
        bool paysYieldFees;
    }

    struct Roles {
        address pauseManager;
        address swapFeeManager;
        address poolCreator;
    }

    struct Liquidity {
        bool disableUnbalanced;
        bool addCustom;
        bool removeCustom;
        bool donation;
    }

    /// @dev A weighted pool's constructor takes it.
    struct Pool {
        string name;
        string symbol;
        uint256 size;
        uint256[] weights;
        string version;
        uint256[] leastBalances;
    }

    function registerPool(
        address pool,
        TokenConfig[] calldata tokens,
        uint256 swapFee,
        uint32 pauseWindowEnd,
        bool exempt,
        Roles calldata roles,
        address hooks,
        Liquidity calldata liquidity
    ) external;

    function initialize(
        address pool,
        address to,
        address[] calldata tokens,
        uint256[] calldata amounts,
        uint256 least,
        bytes calldata data
    ) external returns (uint256);

    function unlock(bytes calldata data) external returns (bytes memory);
    function quote(bytes calldata data) external returns (bytes memory);
    function settle(address token, uint256 amount) external returns (uint256);
    function getReservesOf(address token) external view returns (uint256);
    function pausePool(address pool) external;
    function pauseVault() external;
}

/// @notice 0x v4, Across and Balancer v3 by the bytecode that `scripts/published` makes, put up as their owners do. This
/// contract owns each of them, and is Balancer's authorizer.
abstract contract Published is FurtherChain {
    string private constant FOLDER = ".build/published/";
    /// @dev 0.3 % of what is sold.
    uint256 internal constant BALANCER_FEE = 3e15;
    /// @dev Below it Balancer trades nothing, as on mainnet.
    uint256 internal constant BALANCER_LEAST = 1e6;
    /// @dev Seconds, as on mainnet.
    uint32 internal constant QUOTE_BUFFER = 3600;
    uint32 internal constant FILL_BUFFER = 21_600;

    address internal balancerV3;

    function _isPublished() internal returns (bool) {
        return vm.isFile(string.concat(FOLDER, "made"));
    }

    function _needsPublished() internal {
        if (!_isPublished()) vm.skip(true, "run ./scripts/published first");
    }

    function _published(string memory name, bytes memory arguments) internal returns (address) {
        return _deploy(string.concat(FOLDER, name, ".json"), arguments);
    }

    // 0x

    /// @dev The proxy with its registry, and RFQ orders as its one feature.
    function _startZeroEx() internal returns (address proxy) {
        address migration = _published("InitialMigration", abi.encode(this));
        proxy = _published("ZeroEx", abi.encode(migration));
        IZeroExToStart.Features memory features =
            IZeroExToStart.Features(_published("SimpleFunctionRegistryFeature", ""), _published("OwnableFeature", ""));
        IZeroExToStart(migration).initializeZeroEx(address(this), proxy, features);
        address collectors = _published("FeeCollectorController", abi.encode(weth, address(0)));
        address orders = _published("NativeOrdersFeature", abi.encode(proxy, weth, address(0), collectors, 70_000));
        IZeroExToStart(proxy).migrate(orders, abi.encodeWithSignature("migrate()"), address(this));
    }

    // Across

    /// @dev Behind its proxy, with this route alone.
    function _startAcross(address token, uint256 chainId) internal returns (address spoke) {
        address code = _published("Ethereum_SpokePool", abi.encode(weth, QUOTE_BUFFER, FILL_BUFFER));
        bytes memory start = abi.encodeCall(ISpokePoolToStart.initialize, (0, address(this)));
        spoke = _published("ERC1967Proxy", abi.encode(code, start));
        ISpokePoolToStart(spoke).setEnableRoute(token, chainId, true);
    }

    // Balancer v3

    /// @dev Vault, its two extensions and the controller of fees, each of which knows the vault's address beforehand.
    function _startBalancerV3() internal {
        balancerV3 = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 3);
        address admin = _published("VaultAdmin", abi.encode(balancerV3, 4 * 365 days, 180 days, BALANCER_LEAST, 1e4));
        address extension = _published("VaultExtension", abi.encode(balancerV3, admin));
        // Half of what pools earn, as on mainnet.
        address fees = _published("ProtocolFeeController", abi.encode(balancerV3, 50e16, 10e16));
        address started = _published("Vault", abi.encode(extension, address(this), fees));
        assertEq(started, balancerV3);
    }

    /// @dev A weighted pool of both, half and half, with this much of each.
    function _weightedPool(address tokenA, address tokenB, uint256 depth) internal returns (address pool) {
        address[] memory tokens = _pairOf(tokenA, tokenB);
        pool = _published("WeightedPool", abi.encode(_evenPool(), balancerV3));
        IBalancerV3ToStart.TokenConfig[] memory configs = new IBalancerV3ToStart.TokenConfig[](2);
        (configs[0].token, configs[1].token) = (tokens[0], tokens[1]);
        IBalancerV3ToStart.Roles memory roles;
        IBalancerV3ToStart.Liquidity memory liquidity;
        IBalancerV3ToStart(balancerV3)
            .registerPool(
                pool, configs, BALANCER_FEE, uint32(block.timestamp + 365 days), false, roles, address(0), liquidity
            );
        if (depth == 0) return pool;
        IBalancerV3ToStart(balancerV3).unlock(abi.encodeCall(this.fillPool, (pool, tokens, depth)));
    }

    /// @notice The vault's callback while it is unlocked.
    function fillPool(address pool, address[] calldata tokens, uint256 depth) external {
        uint256[] memory amounts = new uint256[](2);
        for (uint256 i = 0; i < 2; ++i) {
            uint256 before = _balance(tokens[i], balancerV3);
            _mint(tokens[i], balancerV3, depth);
            amounts[i] = _balance(tokens[i], balancerV3) - before;
            IBalancerV3ToStart(balancerV3).settle(tokens[i], amounts[i]);
        }
        IBalancerV3ToStart(balancerV3).initialize(pool, address(this), tokens, amounts, 0, "");
    }

    /// @notice Balancer's authorizer: this contract may do everything, and nobody else.
    function canPerform(bytes32, address account, address) external view returns (bool) {
        return account == address(this);
    }

    function _evenPool() private pure returns (IBalancerV3ToStart.Pool memory) {
        uint256[] memory weights = new uint256[](2);
        uint256[] memory least = new uint256[](2);
        (weights[0], weights[1]) = (0.5e18, 0.5e18);
        (least[0], least[1]) = (1e6, 1e6);
        return IBalancerV3ToStart.Pool("A and B", "AB", 2, weights, "1", least);
    }

    function _pairOf(address tokenA, address tokenB) private pure returns (address[] memory tokens) {
        tokens = new address[](2);
        (tokens[0], tokens[1]) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
    }
}
