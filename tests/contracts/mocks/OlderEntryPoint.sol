// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IUserOperations, PackedUserOperation} from "contracts/interfaces/IUserOperations.sol";

import {IEntryPoint} from "../support/EntryPoints.sol";

/// @notice What EntryPoint 0.7 has an account pay, and no more of it: it takes a paymaster of address zero for none, and
/// still counts the gas that is named behind it. A tenth of what was not used goes to the bundler, as there.
contract OlderEntryPoint {
    mapping(address account => uint256) public balanceOf;

    receive() external payable {
        balanceOf[msg.sender] += msg.value;
    }

    function handleOp(PackedUserOperation calldata op, address payable bundler) external {
        uint256 price = uint256(op.gasFees) & type(uint128).max;
        uint256 later = _behindPaymaster(op, 36) + (uint256(op.accountGasLimits) & type(uint128).max);
        uint256 gas_ = (uint256(op.accountGasLimits) >> 128) + later + _behindPaymaster(op, 20) + op.preVerificationGas;
        uint256 missing = gas_ * price > balanceOf[op.sender] ? gas_ * price - balanceOf[op.sender] : 0;
        uint256 answer = IUserOperations(op.sender).validateUserOp(op, getUserOpHash(op), missing);
        if (uint160(answer) != 0) revert IEntryPoint.FailedOp(0, "AA24 signature error");
        if (gas_ * price > balanceOf[op.sender]) revert IEntryPoint.FailedOp(0, "AA21 didn't pay prefund");
        IUserOperations(op.sender).executeUserOp(op, getUserOpHash(op));
        uint256 paid = later * price / 10;
        balanceOf[op.sender] -= paid;
        (bool sent,) = bundler.call{value: paid}("");
        require(sent, "AA91 failed send to beneficiary");
    }

    function getUserOpHash(PackedUserOperation calldata op) public view returns (bytes32) {
        bytes32 limits = keccak256(abi.encode(op.accountGasLimits, op.preVerificationGas, op.gasFees));
        bytes32 all =
            keccak256(abi.encode(op.sender, op.nonce, keccak256(op.callData), limits, keccak256(op.paymasterAndData)));
        return keccak256(abi.encode(all, address(this), block.chainid));
    }

    /// @dev Gas for the paymaster's validation lies behind its address, that for its work after the call behind that.
    function _behindPaymaster(PackedUserOperation calldata op, uint256 at) private pure returns (uint256) {
        return op.paymasterAndData.length == 0 ? 0 : uint128(bytes16(op.paymasterAndData[at:at + 16]));
    }
}
