// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IBatches} from "../interfaces/IBatches.sol";
import {IUserOperations, PackedUserOperation} from "../interfaces/IUserOperations.sol";
import {SignedPlans} from "../libraries/SignedPlans.sol";
import {Batches} from "./Batches.sol";

/// @title Operations by an entry point, and accounts that took this code
/// @notice See `IUserOperations`.
abstract contract UserOperations is IUserOperations, Batches {
    uint256 private constant REFUSED = 1;
    uint256 private constant KEY_BYTES = 20;
    /// @dev An account's code by EIP-7702: these three bytes, then the address whose code it runs.
    bytes3 private constant DELEGATED = 0xef0100;
    uint256 private constant DELEGATED_BYTES = 23;

    /// @inheritdoc IUserOperations
    function setEntryPoint(address to) external {
        _requireOwner();
        // What a session's key signed must not come to be the owner's.
        if (to == address(this) || _sessionOf(to).expiry >= block.timestamp) revert BadEntryPoint(to);
        _setEntryPoint(to);
    }

    /// @inheritdoc IUserOperations
    function entryPoint() external view returns (address) {
        return _account().entryPoint;
    }

    /// @inheritdoc IUserOperations
    function validateUserOp(PackedUserOperation calldata op, bytes32 opHash, uint256 missingFunds)
        external
        returns (uint256 validationData)
    {
        _requireEntryPoint();
        validationData = _validate(op, opHash, missingFunds);
        if (missingFunds != 0) {
            // Paid whatever the answer, as estimates of gas need it: the entry point reverts where an operation is refused.
            // Too little is its to refuse as well.
            (bool paid,) = msg.sender.call{value: missingFunds}("");
            paid;
        }
    }

    /// @inheritdoc IUserOperations
    /// @dev The entry point calls this with the very operation that it validated.
    function executeUserOp(PackedUserOperation calldata op, bytes32) external {
        _requireEntryPoint();
        (bytes[] memory plans, uint256 continueMask) = abi.decode(op.callData[4:], (bytes[], uint256));
        _runBatch(_keyOf(op), plans, continueMask);
    }

    /// @inheritdoc IUserOperations
    function adopt(address guardian_, address entryPoint_, uint40 deadline, bytes calldata signature) external {
        bytes memory code = address(this).code;
        // The cut is meant: it leaves the mark.
        // forge-lint: disable-next-line(unsafe-typecast)
        bool delegated = code.length == DELEGATED_BYTES && bytes3(code) == DELEGATED;
        if (!delegated || _owner() != address(0)) revert NotAdoptable(address(this), _owner());
        if (entryPoint_ == address(this)) revert BadEntryPoint(entryPoint_);
        if (msg.sender != address(this)) {
            if (block.timestamp > deadline) revert IBatches.SignatureExpired(deadline, block.timestamp);
            bytes32 digest = SignedPlans.adoptionDigest(address(this), guardian_, entryPoint_, deadline);
            address signer = SignedPlans.recovered(digest, signature);
            if (signer != address(this)) revert IBatches.WrongSignature(address(this));
        }
        _setOwner(address(this));
        _setGuardian(guardian_);
        _setEntryPoint(entryPoint_);
    }

    /// @dev The owner's signature is for whatever the operation calls; a session's for plans, which are held to the session
    /// when they run. Nothing is read of the time here: that is the entry point's.
    function _validate(PackedUserOperation calldata op, bytes32 opHash, uint256 missingFunds)
        private
        returns (uint256)
    {
        address key = _keyOf(op);
        if (!SignedPlans.signedBy(key, opHash, op.signature[_keyBytes(op):])) return REFUSED;
        if (key == _owner()) return 0;
        Session storage entry = _book().sessions[key];
        uint256 expiry = _sessionOf(key).expiry;
        bool plans = op.callData.length >= 4 && bytes4(op.callData[:4]) == IUserOperations.executeUserOp.selector;
        // The cut is meant: it leaves the lane's lower 160 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        bool ownLane = address(uint160(op.nonce >> 64)) == key;
        if (expiry == 0 || !plans || !ownLane || _account().authority & PAUSED != 0) return REFUSED;
        if (!_paidByOthers(op)) {
            uint256 cost = _mostCost(op);
            if (op.paymasterAndData.length != 0 || missingFunds > cost || cost > entry.gasBudget) return REFUSED;
            // Below the budget, of the same type.
            // forge-lint: disable-next-line(unsafe-typecast)
            entry.gasBudget -= uint96(cost);
        }
        return expiry << 160;
    }

    /// @dev Whether the operation names a paymaster, which the entry point has pay in the account's place.
    function _paidByOthers(PackedUserOperation calldata op) private pure returns (bool) {
        return op.paymasterAndData.length >= 20 && bytes20(op.paymasterAndData[:20]) != 0;
    }

    /// @dev What an operation without a paymaster costs at most: all gas that it names, at its highest price. EntryPoint 0.7
    /// also asks an account for the gas that is named behind a paymaster of address zero, so a key's operation may name none.
    function _mostCost(PackedUserOperation calldata op) private pure returns (uint256) {
        uint256 limits = uint256(op.accountGasLimits);
        uint256 gas_ = (limits >> 128) + (limits & type(uint128).max) + op.preVerificationGas;
        return gas_ * (uint256(op.gasFees) & type(uint128).max);
    }

    function _keyOf(PackedUserOperation calldata op) private pure returns (address) {
        return op.signature.length < KEY_BYTES ? address(0) : address(bytes20(op.signature[:KEY_BYTES]));
    }

    function _keyBytes(PackedUserOperation calldata op) private pure returns (uint256) {
        return op.signature.length < KEY_BYTES ? op.signature.length : KEY_BYTES;
    }

    function _requireEntryPoint() private view {
        if (msg.sender != _account().entryPoint || msg.sender == address(0)) revert NotEntryPoint(msg.sender);
    }

    function _setEntryPoint(address to) private {
        _account().entryPoint = to;
        emit EntryPointSet(to);
    }

    function _setGuardian(address to) internal virtual;
}
