// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {DevToken} from "contracts/devnet/DevToken.sol";
import {NoReturnToken} from "contracts/devnet/NoReturnToken.sol";
import {IV3PoolToSeed, IV4ManagerToSeed, PoolSeeder} from "contracts/devnet/PoolSeeder.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20, IWeth} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {IRfqSettlement, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {LEG_SOLIDLY} from "contracts/types/Plan.sol";

import {MockCurvePool} from "../mocks/MockCurvePool.sol";
import {MockSolidlyFactory} from "../mocks/MockSolidly.sol";
import {IExecutorUnderTest, Sending} from "./IExecutorUnderTest.sol";
import {Plan, Plans} from "./Plans.sol";

interface IV2FactoryToSeed {
    function createPair(address a, address b) external returns (address);
}

interface IV2PairToSeed {
    function mint(address to) external returns (uint256);
}

interface IV3FactoryToSeed {
    function createPool(address a, address b, uint24 fee) external returns (address);
    function enableFeeAmount(uint24 fee, int24 tickSpacing) external;
}

interface IV3PoolToStart {
    function initialize(uint160 sqrtPriceX96) external;
}

interface IV4ManagerToStart {
    function initialize(IV4ManagerToSeed.PoolKey calldata key, uint160 sqrtPriceX96) external returns (int24);
}

/// @notice The protocols' published bytecode, seeded pools at a price of one, the executor and its owner.
abstract contract Chain is Test {
    using Sending for IExecutorUnderTest;

    uint160 internal constant PRICE_ONE = 1 << 96;
    uint256 internal constant DEPTH = 1_000_000e18;
    uint24 internal constant FEE = 3000;
    int24 internal constant SPACING = 60;
    uint40 internal constant NOW = 1_773_164_292;
    uint40 internal constant DEADLINE = NOW + 60;

    bytes32 internal constant V2_INIT = 0x96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f;
    bytes32 internal constant V3_INIT = 0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54;

    address internal desk = makeAddr("desk");
    address internal maker;
    uint256 internal makerKey;

    address internal v2Factory;
    address internal v3Factory;
    address internal manager;
    address payable internal weth;
    MockSolidlyFactory internal solidlyFactory;
    PoolSeeder internal seeder;
    IRfqSettlement internal settlement;
    IExecutorUnderTest internal executor;

    address internal a;
    address internal b;
    address internal c;
    /// @dev Returns nothing, as mainnet's USDT.
    address internal silent;

    function setUp() public virtual {
        vm.warp(NOW);
        (maker, makerKey) = makeAddrAndKey("maker");
        a = address(new DevToken("A", "A", 18));
        b = address(new DevToken("B", "B", 18));
        c = address(new DevToken("C", "C", 18));
        silent = address(new NoReturnToken("Silent", "S", 18));
        weth = payable(_deploy("node_modules/@uniswap/v2-periphery/build/WETH9.json", ""));
        v2Factory = _deploy("node_modules/@uniswap/v2-core/build/UniswapV2Factory.json", abi.encode(address(this)));
        v3Factory =
            _deploy("node_modules/@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json", "");
        manager =
            _deploy("node_modules/@uniswap/v4-core/out/PoolManager.sol/PoolManager.json", abi.encode(address(this)));
        solidlyFactory = new MockSolidlyFactory();
        seeder = new PoolSeeder(address(this));
        settlement = IRfqSettlement(vm.deployCode(_code("RfqSettlement")));
        executor = _deployExecutor();
        vm.prank(desk);
        executor.setVenue(uint8(LEG_SOLIDLY), 1, address(solidlyFactory), 0, 0);
        _mint(a, maker, DEPTH);
        _mint(b, maker, DEPTH);
        vm.startPrank(maker);
        IERC20(a).approve(address(settlement), type(uint256).max);
        IERC20(b).approve(address(settlement), type(uint256).max);
        vm.stopPrank();
    }

    /// @dev The product as it is shipped, by its artifact.
    function _deployExecutor() internal returns (IExecutorUnderTest) {
        return IExecutorUnderTest(vm.deployCode(_code("Executor"), abi.encode(_venues(), _parts())));
    }

    /// @dev Where a contract's bytecode is found: the product's own, but for tests of weakened copies.
    function _code(string memory name) internal view virtual returns (string memory) {
        return string.concat(name, ".sol:", name);
    }

    function _parts() internal virtual returns (IExecutor.Parts memory) {
        IExecutor.Venues memory venues = _venues();
        address warden = vm.deployCode(_code("Warden"));
        bytes memory arguments = abi.encode(
            venues.v2Factory, venues.v2InitCodeHash, venues.v3Factory, venues.v3InitCodeHash, warden, _registryDelay()
        );
        return IExecutor.Parts({
            steward: vm.deployCode(_code("Steward"), arguments),
            annex: vm.deployCode(_code("Annex"), abi.encode(_places())),
            warden: warden
        });
    }

    /// @dev Seconds; zero lets venues be set at once.
    function _registryDelay() internal view virtual returns (uint256) {
        return 0;
    }

    function _venues() internal view virtual returns (IExecutor.Venues memory) {
        return IExecutor.Venues({
            owner: desk,
            weth: weth,
            v2Factory: v2Factory,
            v2InitCodeHash: V2_INIT,
            v3Factory: v3Factory,
            v3InitCodeHash: V3_INIT,
            poolManager: manager,
            balancerVault: address(0),
            rfqSettlement: address(settlement)
        });
    }

    /// @dev What the annex's legs deal with; tests of these fill in what they need.
    function _places() internal view virtual returns (IAnnex.Places memory places) {
        places.weth = weth;
    }

    // Plans

    function _run(Plan memory plan) internal returns (uint256 spent, uint256 received) {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        return executor.execute(packed);
    }

    function _plan(address tokenIn, address tokenOut, uint128 amountIn, bytes memory legs)
        internal
        pure
        returns (Plan memory plan)
    {
        plan.deadline = DEADLINE;
        plan.tokens = new address[](2);
        (plan.tokens[0], plan.tokens[1]) = (tokenIn, tokenOut);
        (plan.amountIn, plan.minOut, plan.legs) = (amountIn, 1, legs);
    }

    function _planVia(address tokenIn, address tokenOut, address between, uint128 amountIn, bytes memory legs)
        internal
        pure
        returns (Plan memory plan)
    {
        plan = _plan(tokenIn, tokenOut, amountIn, legs);
        plan.tokens = new address[](3);
        (plan.tokens[0], plan.tokens[1], plan.tokens[2]) = (tokenIn, tokenOut, between);
    }

    /// @dev `between` never rests in the executor.
    function _planHanding(address tokenIn, address tokenOut, address between, uint128 amountIn, bytes memory legs)
        internal
        pure
        returns (Plan memory plan)
    {
        plan = _plan(tokenIn, tokenOut, amountIn, legs);
        plan.handed = new address[](1);
        plan.handed[0] = between;
    }

    // Quotes

    function _quote(address makerToken, address takerToken, uint256 amount) internal view returns (Quote memory) {
        return Quote({
            maker: maker,
            taker: address(executor),
            makerToken: makerToken,
            takerToken: takerToken,
            makerAmount: amount,
            takerAmount: amount,
            expiry: NOW + 30,
            nonce: 7,
            partialFillAllowed: false
        });
    }

    function _sign(Quote memory quote) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(makerKey, settlement.quoteDigest(quote));
        return abi.encodePacked(r, s, v);
    }

    // Pools

    function _pair(address tokenA, address tokenB) internal returns (address pair) {
        pair = IV2FactoryToSeed(v2Factory).createPair(tokenA, tokenB);
        _mint(tokenA, pair, DEPTH);
        _mint(tokenB, pair, DEPTH);
        IV2PairToSeed(pair).mint(address(this));
    }

    function _v3Pool(address tokenA, address tokenB) internal returns (address pool) {
        pool = IV3FactoryToSeed(v3Factory).createPool(tokenA, tokenB, FEE);
        IV3PoolToStart(pool).initialize(PRICE_ONE);
        _mint(tokenA, address(seeder), DEPTH);
        _mint(tokenB, address(seeder), DEPTH);
        seeder.seedV3(IV3PoolToSeed(pool), _range());
    }

    /// @dev A zero `tokenA` is the native coin.
    function _v4Pool(address tokenA, address tokenB) internal returns (IV4ManagerToSeed.PoolKey memory key) {
        (address low, address high) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
        key = IV4ManagerToSeed.PoolKey(low, high, FEE, SPACING, address(0));
        IV4ManagerToStart(manager).initialize(key, PRICE_ONE);
        _mint(tokenA, address(seeder), DEPTH);
        _mint(tokenB, address(seeder), DEPTH);
        seeder.seedV4(IV4ManagerToSeed(manager), key, _range());
    }

    function _curvePool(address tokenA, address tokenB) internal returns (address pool) {
        pool = address(new MockCurvePool(tokenA, tokenB));
        _mint(tokenA, pool, DEPTH);
        _mint(tokenB, pool, DEPTH);
    }

    function _range() internal pure returns (PoolSeeder.Range[] memory ranges) {
        ranges = new PoolSeeder.Range[](1);
        ranges[0] = PoolSeeder.Range(-60_000, 60_000, uint128(DEPTH / 2));
    }

    // Tokens

    function _mint(address token, address to, uint256 amount) internal {
        if (token == address(0)) vm.deal(to, to.balance + amount);
        else if (token == weth) _wrap(to, amount);
        else DevToken(token).mint(to, amount);
    }

    function _balance(address token, address account) internal view returns (uint256) {
        return IERC20(token).balanceOf(account);
    }

    function _wrap(address to, uint256 amount) private {
        vm.deal(address(this), amount);
        IWeth(weth).deposit{value: amount}();
        IERC20(weth).transfer(to, amount);
    }

    /// @dev Published artifacts hold their bytecode as text with or without `0x`, or as forge's object.
    function _deploy(string memory path, bytes memory arguments) internal returns (address deployed) {
        string memory json = vm.readFile(path);
        string memory key = vm.keyExistsJson(json, ".bytecode.object") ? ".bytecode.object" : ".bytecode";
        string memory text = vm.parseJsonString(json, key);
        if (bytes(text)[1] != "x") text = string.concat("0x", text);
        bytes memory code = abi.encodePacked(vm.parseBytes(text), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        require(deployed != address(0), path);
    }
}
