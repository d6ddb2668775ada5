// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutorFactory} from "./interfaces/IExecutorFactory.sol";
import {Reverts} from "./libraries/Reverts.sol";

/// @title ExecutorFactory
/// @notice See `IExecutorFactory`.
/// @dev Two steps: a cradle by CREATE2, whose code never differs, so that its address follows from the salt; and by the
/// cradle's first CREATE what was asked for, so that its address follows from the cradle's.
contract ExecutorFactory is IExecutorFactory {
    bytes32 private immutable _cradleHash = keccak256(type(Cradle).creationCode);

    /// @inheritdoc IExecutorFactory
    function deploy(bytes32 salt, bytes calldata initCode) external returns (address executor) {
        bytes32 mixed = _mixed(msg.sender, salt);
        address cradle = _cradleOf(mixed);
        executor = _firstCreatedBy(cradle);
        // A cradle stands only where its first creation did: otherwise the whole call reverted.
        if (cradle.code.length != 0) revert AlreadyDeployed(executor);
        new Cradle{salt: mixed}();
        (bool done, bytes memory answer) = cradle.call(initCode);
        if (!done && answer.length != 0) Reverts.bubble(answer);
        if (executor.code.length == 0) revert NothingDeployed(executor);
        emit ExecutorDeployed(msg.sender, salt, executor, executor.codehash);
    }

    /// @inheritdoc IExecutorFactory
    function addressOf(address deployer, bytes32 salt) external view returns (address executor) {
        return _firstCreatedBy(_cradleOf(_mixed(deployer, salt)));
    }

    function _mixed(address deployer, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(deployer, salt));
    }

    /// @dev EIP-1014.
    function _cradleOf(bytes32 mixed) private view returns (address) {
        return _low20(keccak256(abi.encodePacked(hex"ff", address(this), mixed, _cradleHash)));
    }

    /// @dev Creator and nonce 1, with which a contract starts, in RLP: a list of 22 bytes, a string of 20, the byte 1.
    function _firstCreatedBy(address creator) private pure returns (address) {
        return _low20(keccak256(abi.encodePacked(hex"d694", creator, hex"01")));
    }

    function _low20(bytes32 hash) private pure returns (address) {
        return address(uint160(uint256(hash)));
    }
}

/// @notice Creates, for the factory alone, one contract of the code that it is called with. Nothing else ever calls it again.
contract Cradle {
    address private immutable _factory = msg.sender;

    fallback() external {
        if (msg.sender != _factory) revert();
        // Takes all of memory, as this ends the call.
        assembly ("memory-safe") {
            let at := mload(64)
            calldatacopy(at, 0, calldatasize())
            if iszero(create(0, at, calldatasize())) {
                returndatacopy(at, 0, returndatasize())
                revert(at, returndatasize())
            }
        }
    }
}
