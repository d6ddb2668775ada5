// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Functions that are never called for a plan
/// @notice They move funds, give rights to move them, or carry other calls. A list is no proof: what is not among these is
/// still only called where the owner listed it.
/// @dev Four bytes each:
///   tokens      approve, transfer, transferFrom, permit (ERC-2612 two, DAI), increaseAllowance, decreaseAllowance,
///               increaseApproval, decreaseApproval, transferAndCall (two), approveAndCall (two), transferFromAndCall (two)
///   ERC-777     authorizeOperator, send, operatorSend, burn(uint256,bytes), operatorBurn
///   ERC-721     setApprovalForAll, safeTransferFrom (two), and of ERC-1155 one, safeBatchTransferFrom
///   ERC-6909    approve, setOperator, transfer, transferFrom
///   Permit2     approve, permit (two), transferFrom (two), permitTransferFrom (two), permitWitnessTransferFrom (two),
///               lockdown, invalidateNonces, invalidateUnorderedNonces
///   credit      Aave's approveDelegation, delegationWithSig; Compound's allow, allowBySig; Morpho's setAuthorization,
///               setAuthorizationWithSig; Balancer's setRelayerApproval, setRelayerApprovalWithSig; Maker's hope;
///               GMX's approve of a token that it holds; Euler's setAccountOperator, setOperator; BentoBox's
///               setMasterContractApproval; Aave's approvePositionManager, setUserPositionManager; Liquity's setAddManager,
///               setRemoveManager, setRemoveManagerWithReceiver; Maker's cdpAllow, urnAllow; dYdX's setOperators; Merkl's
///               toggleOperator; setMinterAllowance, Balancer's setMinterApproval, Curve's toggle_approve_mint
///   positions   permit of Uniswap v3's and of v4's, v4's permitForAll
///   ERC-3009    transferWithAuthorization (two), receiveWithAuthorization (two)
///   offices     transferOwnership, setOwner, grantRole, rely, delegate, delegateBySig
///   carriers    multicall (four), aggregate, tryAggregate, blockAndAggregate, tryBlockAndAggregate, aggregate3,
///               aggregate3Value, execute (five, of routers, proxies and accounts), executeBatch, execTransaction,
///               execTransactionFromModule, batch (two), Euler's call
library RightsGiven {
    bytes private constant REFUSED = hex"095ea7b3a9059cbb23b872ddd505accf8fcbaf0c9fd5a6cf39509351a457c2d7d73dd6231296ee624000aea03177029f"
        hex"cae9ca51d8fbe994c1d34b89959b8c3f9bd9bbc662ad1b83fe9d9303fc673c4fa22cb46542842e0eb88d4fdef242432a"
        hex"2eb2c2d6426a8493558a7297095bcdb6fe99049a87517c452b67b5702a2d80d136c785160d58b1db30f28b7aedd9444b"
        hex"137c29fefe8ec1a7cc53287f65d9723c3ff9dcb1c04a8a100b52d558110496e5bb24d994eecea0008069218ffa6e671d"
        hex"f517a809ac9650d85ae401dc1f0464d182ad56cb24856bc33593564c661884634dc5ecb3a3b22fc49f5c462ac14c11bf"
        hex"c0a47c93b8caa7c58874e104d3695fa5292a3f0bd6491eaf0b63fb62b68f400485b53fc8bdac7ca3c5c0db620de54ba0"
        hex"dd289d607ac2ff7b0f5730f13aea60f0e3ee160ecf092995ef55bec688b7ab63f2fde38b13af40352f2ff15d65fae35e"
        hex"5c19a95cc3cda520252dba42bce38bd7c3077fa9399542e9174dea711cff79cdb61d27f6e9ae5c5334fcd5be6a761202"
        hex"468721a7c16ae7a41f8b5215d2423b5163fb0b96";

    /// @notice Whether a function of that selector is one of these.
    function by(bytes4 selector) internal pure returns (bool) {
        bytes memory refused = REFUSED;
        for (uint256 i = 0; i < refused.length; i += 4) {
            bytes4 one;
            // Within the array, whose length is a multiple of four.
            assembly ("memory-safe") {
                one := and(mload(add(add(refused, 32), i)), shl(224, 0xffffffff))
            }
            if (one == selector) return true;
        }
        return false;
    }
}
