// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IZeroEx} from "contracts/interfaces/IFurtherVenues.sol";

/// @notice What 0x v4 does with an RFQ order signed by EIP-712: fills up to what is left, for its taker and its sender.
contract PlainZeroEx {
    error NotFillable();
    error NotSigned();

    bytes32 private constant ORDER = keccak256(
        "RfqOrder(address makerToken,address takerToken,uint128 makerAmount,uint128 takerAmount,address maker,address taker,"
        "address txOrigin,bytes32 pool,uint64 expiry,uint256 salt)"
    );

    mapping(bytes32 hash => uint128) private _filled;

    function fillRfqOrder(IZeroEx.RfqOrder calldata order, IZeroEx.Signature calldata signature, uint128 most)
        external
        returns (uint128 taken, uint128 given)
    {
        bytes32 hash = getRfqOrderHash(order);
        uint128 left = order.takerAmount - _filled[hash];
        if (left == 0 || order.expiry <= block.timestamp || order.txOrigin != tx.origin) revert NotFillable();
        if (order.taker != address(0) && order.taker != msg.sender) revert NotFillable();
        address signer = ecrecover(hash, signature.v, signature.r, signature.s);
        if (signature.signatureType != 2 || signer != order.maker) revert NotSigned();
        taken = most < left ? most : left;
        given = uint128(uint256(taken) * order.makerAmount / order.takerAmount);
        _filled[hash] += taken;
        IERC20(order.takerToken).transferFrom(msg.sender, order.maker, taken);
        IERC20(order.makerToken).transferFrom(order.maker, msg.sender, given);
    }

    function getRfqOrderHash(IZeroEx.RfqOrder calldata order) public view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ZeroEx"),
                keccak256("1.0.0"),
                block.chainid,
                address(this)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, keccak256(abi.encode(ORDER, order))));
    }
}
