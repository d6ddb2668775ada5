// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Pool addresses by CREATE2
/// @notice An address derived here can only hold code that the deployer created from the init code of that hash.
library PoolAddress {
    function sorted(address a, address b) internal pure returns (address low, address high) {
        return a < b ? (a, b) : (b, a);
    }

    function constantProduct(address deployer, bytes32 initCodeHash, address tokenA, address tokenB)
        internal
        pure
        returns (address)
    {
        (address low, address high) = sorted(tokenA, tokenB);
        return derive(deployer, keccak256(abi.encodePacked(low, high)), initCodeHash);
    }

    function concentrated(address deployer, bytes32 initCodeHash, address tokenA, address tokenB, uint24 fee)
        internal
        pure
        returns (address)
    {
        (address low, address high) = sorted(tokenA, tokenB);
        return derive(deployer, keccak256(abi.encode(low, high, fee)), initCodeHash);
    }

    function derive(address deployer, bytes32 salt, bytes32 initCodeHash) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), deployer, salt, initCodeHash)))));
    }
}
