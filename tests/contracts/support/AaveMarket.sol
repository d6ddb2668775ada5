// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IERC20} from "contracts/interfaces/IERC20.sol";

interface IAavePool {
    struct Configuration {
        uint256 data;
    }

    function initialize(address provider) external;
    function initReserve(address asset, address aToken, address stable, address variable, address strategy) external;
    function setConfiguration(address asset, Configuration calldata configuration) external;
    function updateFlashloanPremiums(uint128 total, uint128 toProtocol) external;
    function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
}

interface IAaveToken {
    function initialize(
        address pool,
        address treasury,
        address asset,
        address incentives,
        uint8 decimals,
        string calldata name,
        string calldata symbol,
        bytes calldata params
    ) external;
}

/// @notice Aave v3's published pool with one reserve, whose configurator and registry of addresses is this contract.
contract AaveMarket {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    string private constant ARTIFACTS = "node_modules/@aave/core-v3/artifacts/contracts/protocol/";
    string private constant LOGIC = "contracts/protocol/libraries/logic/";
    /// @dev Bits of a reserve: 18 decimals, active, flash loans allowed.
    uint256 private constant CONFIGURATION = (18 << 48) | (1 << 56) | (1 << 63);
    uint256 private constant RAY = 1e27;
    uint128 private constant PREMIUM_BPS = 9;

    IAavePool public pool;

    mapping(bytes32 placeholder => address) private _libraries;

    constructor() {
        _library("FlashLoanLogic");
        _library("PoolLogic");
        _library("SupplyLogic");
        pool = IAavePool(_create("pool/Pool.sol/Pool.json", abi.encode(address(this))));
        pool.initialize(address(this));
    }

    // What the pool asks its registry

    function getPoolConfigurator() external view returns (address) {
        return address(this);
    }

    function getPriceOracleSentinel() external pure returns (address) {
        return address(0);
    }

    /// @notice Opens the reserve with what this contract holds of the asset.
    function open(address asset) external returns (address aToken) {
        // Not before, as the pool asks this contract for its configurator.
        pool.updateFlashloanPremiums(PREMIUM_BPS, 0);
        bytes memory owner = abi.encode(address(pool));
        aToken = _create("tokenization/AToken.sol/AToken.json", owner);
        IAaveToken(aToken).initialize(address(pool), address(this), asset, address(0), 18, "Aave", "aA", "");
        address strategy = _create(
            "pool/DefaultReserveInterestRateStrategy.sol/DefaultReserveInterestRateStrategy.json",
            abi.encode(address(this), 8 * RAY / 10, 0, RAY / 25, RAY, RAY / 50, RAY, RAY / 50, RAY / 50, RAY / 5)
        );
        pool.initReserve(
            asset,
            aToken,
            _create("tokenization/StableDebtToken.sol/StableDebtToken.json", owner),
            _create("tokenization/VariableDebtToken.sol/VariableDebtToken.json", owner),
            strategy
        );
        pool.setConfiguration(asset, IAavePool.Configuration(CONFIGURATION));
        uint256 amount = IERC20(asset).balanceOf(address(this));
        IERC20(asset).approve(address(pool), amount);
        pool.supply(asset, amount, address(this), 0);
    }

    function _library(string memory name) private {
        bytes32 placeholder = keccak256(abi.encodePacked(LOGIC, name, ".sol:", name));
        string memory path = string.concat("libraries/logic/", name, ".sol/", name, ".json");
        _libraries[placeholder >> 120] = _create(path, "");
    }

    function _create(string memory path, bytes memory arguments) private returns (address created) {
        string memory text = VM.parseJsonString(VM.readFile(string.concat(ARTIFACTS, path)), ".bytecode");
        bytes memory code = abi.encodePacked(VM.parseBytes(_linked(bytes(text))), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
        }
        require(created != address(0), path);
    }

    /// @dev A library's address stands as `__$`, 34 digits of the hash of its name, `$__`. Those not needed become none.
    function _linked(bytes memory text) private view returns (string memory) {
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] != "_") continue;
            bytes memory digits = new bytes(34);
            for (uint256 j = 0; j < 34; ++j) {
                digits[j] = text[i + 3 + j];
            }
            uint256 placeholder = VM.parseUint(string.concat("0x", string(digits)));
            bytes memory place = bytes(VM.toString(_libraries[bytes32(placeholder)]));
            for (uint256 j = 0; j < 40; ++j) {
                text[i + j] = place[j + 2];
            }
        }
        return string(text);
    }
}
