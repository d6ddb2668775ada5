// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPermit2} from "../interfaces/IVenues.sol";
import {PlanCodec} from "../libraries/PlanCodec.sol";
import {PlanHash} from "../libraries/PlanHash.sol";
import {Reverts} from "../libraries/Reverts.sol";
import {Cursor, FLAG_PERMIT, FLAG_PULL, Frame, TOKEN_IN} from "../types/Plan.sol";
import {Account} from "./Account.sol";

/// @title The owner's funds by signature
/// @notice A Permit2 transfer whose witness is the plan: the signature is worth nothing for any other plan, executor or
/// chain, and at most once. No allowance to this contract is needed, ever.
/// @dev In assembly: hashing the plan and calling Permit2 cost 4,500 gas more as the compiler encodes them.
abstract contract PermitFunding is Account {
    address private constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    /// @dev What a callback must know to call Permit2: the most that was signed for, nonce, deadline and witness, a word
    /// each, and the signature behind them.
    uint256 internal constant PERMIT_TERMS = 128;

    // The end of the type that Permit2 hashes: the witness, then the types in order of their names.
    uint256 private constant WITNESS_BYTES = 200;
    bytes32 private constant WITNESS_0 = "Plan witness)Asset(uint8 bound,a";
    bytes32 private constant WITNESS_1 = "ddress token,uint256 amount)Plan";
    bytes32 private constant WITNESS_2 = "(address executor,uint256 chainI";
    bytes32 private constant WITNESS_3 = "d,uint8 flags,uint256 deadline,A";
    bytes32 private constant WITNESS_4 = "sset[] assets,bytes route)TokenP";
    bytes32 private constant WITNESS_5 = "ermissions(address token,uint256";
    bytes32 private constant WITNESS_6 = " amount)";

    /// @dev Whether the owner pays the plan's first pool and is paid by its last.
    function _isDirect() internal pure returns (bool) {
        return Frame.flags() & (FLAG_PULL | FLAG_PERMIT) == FLAG_PERMIT;
    }

    function _pullByPermit(address token, address to, uint256 amount) internal {
        (uint256 at, uint256 size) = _permitTerms(0, Frame.flags(), Frame.declared(), Frame.end());
        _sendPermit(_owner(), token, to, amount, at, size);
    }

    /// @dev Writes the terms and the signature beyond the free pointer, `gap` bytes on.
    /// @return at Where they are.
    /// @return size How many bytes.
    function _permitTerms(uint256 gap, uint256 flags, uint256 declared, Cursor end)
        internal
        view
        returns (uint256 at, uint256 size)
    {
        (uint256 nonce, Cursor signature, uint256 signed) = PlanCodec.permit(end);
        (,, uint256 most) = PlanCodec.asset(TOKEN_IN);
        uint256 deadline = PlanCodec.deadline();
        bytes32 witness = PlanHash.hash(flags, declared, end);
        size = PERMIT_TERMS + signed;
        // Beyond the free pointer, which is not moved.
        assembly ("memory-safe") {
            at := add(mload(64), gap)
            mstore(at, most)
            mstore(add(at, 32), nonce)
            mstore(add(at, 64), deadline)
            mstore(add(at, 96), witness)
            calldatacopy(add(at, PERMIT_TERMS), signature, signed)
        }
    }

    /// @dev Calls Permit2 by the `size` bytes of terms in memory at `terms`, and overwrites what follows them.
    function _sendPermit(address owner, address token, address to, uint256 amount, uint256 terms, uint256 size)
        internal
    {
        bytes4 selector = IPermit2.permitWitnessTransferFrom.selector;
        bool success;
        // Behind the terms: selector, ten words of which the last two are the offsets of the type's end and of the
        // signature, then these two, each behind its length and padded to whole words.
        assembly ("memory-safe") {
            let signed := sub(size, PERMIT_TERMS)
            let call_ := add(terms, and(add(size, 31), not(31)))
            mstore(call_, selector)
            mstore(add(call_, 4), token)
            mcopy(add(call_, 36), terms, 96)
            mstore(add(call_, 132), to)
            mstore(add(call_, 164), amount)
            mstore(add(call_, 196), owner)
            mstore(add(call_, 228), mload(add(terms, 96)))
            mstore(add(call_, 260), 320)
            mstore(add(call_, 292), 576)
            mstore(add(call_, 324), WITNESS_BYTES)
            mstore(add(call_, 356), WITNESS_0)
            mstore(add(call_, 388), WITNESS_1)
            mstore(add(call_, 420), WITNESS_2)
            mstore(add(call_, 452), WITNESS_3)
            mstore(add(call_, 484), WITNESS_4)
            mstore(add(call_, 516), WITNESS_5)
            mstore(add(call_, 548), WITNESS_6)
            mstore(add(call_, 580), signed)
            let tail := add(call_, 612)
            mstore(add(tail, signed), 0)
            mcopy(tail, add(terms, PERMIT_TERMS), signed)
            success := call(gas(), PERMIT2, 0, call_, add(612, and(add(signed, 31), not(31))), 0, 0)
        }
        if (!success) Reverts.again();
    }
}
