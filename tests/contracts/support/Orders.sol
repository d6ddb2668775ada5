// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IZeroEx} from "contracts/interfaces/IFurtherVenues.sol";

import {FurtherPlans} from "./FurtherPlans.sol";

/// @notice What makers sign at AirSwap and 0x.
library Orders {
    /// @param given The token that the maker gives.
    /// @param got The token that the maker gets, and `amount` how much of it.
    /// @param fee AirSwap's, in hundredths of a percent.
    struct Trade {
        address given;
        address got;
        uint256 amount;
        address sender;
        uint256 fee;
    }

    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    function airSwap(address place, FurtherPlans.AirSwapOrder memory order, Trade memory trade)
        internal
        view
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            "OrderERC20(uint256 nonce,uint256 expiry,address signerWallet,address signerToken,uint256 signerAmount,"
            "uint256 protocolFee,address senderWallet,address senderToken,uint256 senderAmount)"
        );
        bytes memory given =
            abi.encode(kind, order.nonce, order.expiry, order.signer, trade.given, order.signerAmount, trade.fee);
        bytes memory got = abi.encode(trade.sender, trade.got, trade.amount);
        return _digest("SWAP_ERC20", "4.3", place, keccak256(bytes.concat(given, got)));
    }

    function zeroEx(address place, IZeroEx.RfqOrder memory order) internal view returns (bytes32) {
        bytes32 kind = keccak256(
            "RfqOrder(address makerToken,address takerToken,uint128 makerAmount,uint128 takerAmount,address maker,"
            "address taker,address txOrigin,bytes32 pool,uint64 expiry,uint256 salt)"
        );
        return _digest("ZeroEx", "1.0.0", place, keccak256(abi.encode(kind, order)));
    }

    function _digest(string memory name, string memory version, address place, bytes32 hash)
        private
        view
        returns (bytes32)
    {
        bytes32 domain =
            keccak256(abi.encode(DOMAIN, keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, place));
        return keccak256(abi.encodePacked("\x19\x01", domain, hash));
    }
}
