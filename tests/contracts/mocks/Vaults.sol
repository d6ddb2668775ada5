// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DevToken} from "contracts/devnet/DevToken.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";

import {ERC20} from "../../../node_modules/@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20 as IOzToken} from "../../../node_modules/@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "../../../node_modules/@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

/// @notice OpenZeppelin's vault as it is published.
contract PlainVault is ERC4626 {
    constructor(address asset_) ERC20("Vault", "V") ERC4626(IOzToken(asset_)) {}
}

/// @notice Takes half of what it may, and gives as many shares as if it had taken all.
contract HalfHeartedVault is DevToken("Half", "H", 18) {
    address private immutable _asset;

    constructor(address asset_) {
        _asset = asset_;
    }

    function deposit(uint256 assets, address receiver) external returns (uint256) {
        IERC20(_asset).transferFrom(msg.sender, address(this), assets / 2);
        _mintTo(receiver, assets);
        return type(uint256).max;
    }

    function _mintTo(address receiver, uint256 amount) private {
        totalSupply += amount;
        balanceOf[receiver] += amount;
    }
}

/// @notice Gives nothing, whatever it says.
contract LyingVault is DevToken("Lie", "L", 18) {
    function deposit(uint256 assets, address) external pure returns (uint256) {
        return assets;
    }
}
