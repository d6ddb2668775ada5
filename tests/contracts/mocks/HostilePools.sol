// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

interface ISwapCallback {
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;
}

/// @notice A pool of a factory that its operator controls; behaves as told.
contract RoguePool {
    using TokenCalls for address;

    int256 public owed0;
    int256 public owed1;
    int256 public claimed0;
    int256 public claimed1;
    uint256 public callbacks;
    bool public tampering;
    uint256 public tampered;
    address public giftToken;
    uint256 public gift;

    /// @notice What it pays whatever was asked: just enough for a careless minimum.
    function give(address token, uint256 amount) external {
        (giftToken, gift) = (token, amount);
    }

    function behave(int256 owed0_, int256 owed1_, int256 claimed0_, int256 claimed1_, uint256 callbacks_) external {
        (owed0, owed1, claimed0, claimed1, callbacks) = (owed0_, owed1_, claimed0_, claimed1_, callbacks_);
    }

    /// @notice The context is passed on with this byte of it changed, if it has one of that index.
    function tamper(uint256 index) external {
        (tampering, tampered) = (true, index);
    }

    function swap(address to, bool, int256, uint160, bytes calldata context) external returns (int256, int256) {
        bytes memory passed = context;
        if (tampering) passed[tampered] ^= 0x01;
        if (gift != 0) giftToken.send(to, gift);
        for (uint256 i = 0; i < callbacks; ++i) {
            ISwapCallback(msg.sender).uniswapV3SwapCallback(owed0, owed1, passed);
        }
        return (claimed0, claimed1);
    }
}

/// @notice Creates rogue pools at the addresses that the executor derives for this deployer.
contract RogueFactory {
    function initCodeHash() external pure returns (bytes32) {
        return keccak256(type(RoguePool).creationCode);
    }

    function create(address tokenA, address tokenB, uint24 fee) external returns (RoguePool) {
        (address low, address high) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
        return new RoguePool{salt: keccak256(abi.encode(low, high, fee))}();
    }
}

/// @notice A Curve-like pool that never pays, or takes and never gives.
contract GreedyCurvePool {
    using TokenCalls for address;

    address private immutable _coin;

    constructor(address coin) {
        _coin = coin;
    }

    function exchange(int128, int128, uint256 dx, uint256) external {
        _coin.pull(msg.sender, address(this), dx);
    }
}

/// @notice A Curve-like pool that takes nothing while it is asked, pays one base unit, and comes for the rest later.
contract PatientCurvePool {
    using TokenCalls for address;

    address private immutable _coin;
    address private immutable _bait;
    bool private immutable _atOnce;
    uint256 private _due;
    address private _from;

    constructor(address coin, address bait, bool atOnce) {
        (_coin, _bait, _atOnce) = (coin, bait, atOnce);
    }

    function exchange(int128, int128, uint256 dx, uint256) external {
        (_due, _from) = (dx, msg.sender);
        if (_atOnce) _coin.pull(msg.sender, address(this), dx);
        _bait.send(msg.sender, 1);
    }

    function collect() external {
        _coin.pull(_from, address(this), _due);
    }
}

/// @notice A Solidly-like factory and pool in one, which say and pay what they were told to.
contract RogueSolidly {
    using TokenCalls for address;

    uint256 private immutable _claimed;
    address private immutable _bait;

    constructor(uint256 claimed, address bait) {
        (_claimed, _bait) = (claimed, bait);
    }

    function getPool(address, address, bool) external view returns (address) {
        return address(this);
    }

    function getAmountOut(uint256, address) external view returns (uint256) {
        return _claimed;
    }

    function swap(uint256, uint256, address to, bytes calldata) external {
        if (_bait.balanceOf(address(this)) != 0) _bait.send(to, 1);
    }
}
