// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice All that `RightsGiven` refuses, by name.
library RightsGivers {
    function all() internal pure returns (string[] memory signatures) {
        signatures = new string[](101);
        signatures[0] = "approve(address,uint256)";
        signatures[1] = "transfer(address,uint256)";
        signatures[2] = "transferFrom(address,address,uint256)";
        signatures[3] = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[4] = "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)";
        signatures[5] = "permit(address,address,uint256,uint256,bytes)";
        signatures[6] = "increaseAllowance(address,uint256)";
        signatures[7] = "decreaseAllowance(address,uint256)";
        signatures[8] = "increaseApproval(address,uint256)";
        signatures[9] = "transferAndCall(address,uint256)";
        signatures[10] = "transferAndCall(address,uint256,bytes)";
        signatures[11] = "approveAndCall(address,uint256)";
        signatures[12] = "approveAndCall(address,uint256,bytes)";
        signatures[13] = "transferFromAndCall(address,address,uint256)";
        signatures[14] = "transferFromAndCall(address,address,uint256,bytes)";
        signatures[15] = "authorizeOperator(address)";
        signatures[16] = "send(address,uint256,bytes)";
        signatures[17] = "operatorSend(address,address,uint256,bytes,bytes)";
        signatures[18] = "burn(uint256,bytes)";
        signatures[19] = "operatorBurn(address,uint256,bytes,bytes)";
        signatures[20] = "setApprovalForAll(address,bool)";
        signatures[21] = "safeTransferFrom(address,address,uint256)";
        signatures[22] = "safeTransferFrom(address,address,uint256,bytes)";
        signatures[23] = "safeTransferFrom(address,address,uint256,uint256,bytes)";
        signatures[24] = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)";
        signatures[25] = "approve(address,uint256,uint256)";
        signatures[26] = "setOperator(address,bool)";
        signatures[27] = "transfer(address,uint256,uint256)";
        signatures[28] = "transferFrom(address,address,uint256,uint256)";
        signatures[29] = "approve(address,address,uint160,uint48)";
        signatures[30] = "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)";
        signatures[31] = "permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)";
        signatures[32] = "transferFrom(address,address,uint160,address)";
        signatures[33] = "transferFrom((address,address,uint160,address)[])";
        signatures[34] = "permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)";
        signatures[35] = "permitTransferFrom(((address,uint256)[],uint256,uint256),(address,uint256)[],address,bytes)";
        signatures[36] =
            "permitWitnessTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes32,string,bytes)";
        signatures[37] =
            "permitWitnessTransferFrom(((address,uint256)[],uint256,uint256),(address,uint256)[],address,bytes32,string,bytes)";
        signatures[38] = "lockdown((address,address)[])";
        signatures[39] = "invalidateNonces(address,address,uint48)";
        signatures[40] = "invalidateUnorderedNonces(uint256,uint256)";
        signatures[41] = "approveDelegation(address,uint256)";
        signatures[42] = "delegationWithSig(address,address,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[43] = "allow(address,bool)";
        signatures[44] = "allowBySig(address,address,bool,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[45] = "setAuthorization(address,bool)";
        signatures[46] = "setAuthorizationWithSig((address,address,bool,uint256,uint256),(uint8,bytes32,bytes32))";
        signatures[47] = "setRelayerApproval(address,address,bool)";
        signatures[48] = "setRelayerApprovalWithSig(address,address,bool,uint256,bytes)";
        signatures[49] = "multicall(bytes[])";
        signatures[50] = "multicall(uint256,bytes[])";
        signatures[51] = "multicall(bytes32,bytes[])";
        signatures[52] = "aggregate3((address,bool,bytes)[])";
        signatures[53] = "execute(bytes,bytes[])";
        signatures[54] = "execute(bytes,bytes[],uint256)";
        signatures[55] = "decreaseApproval(address,uint256)";
        signatures[56] = "hope(address)";
        signatures[57] = "approve(address,address,uint256,uint256)";
        signatures[58] = "setAccountOperator(address,address,bool)";
        signatures[59] = "setOperator(bytes19,address,uint256)";
        signatures[60] = "setMasterContractApproval(address,address,bool,uint8,bytes32,bytes32)";
        signatures[61] = "approvePositionManager(address,bool)";
        signatures[62] = "setUserPositionManager(address,bool)";
        signatures[63] = "setAddManager(uint256,address)";
        signatures[64] = "setRemoveManager(uint256,address)";
        signatures[65] = "setRemoveManagerWithReceiver(uint256,address,address)";
        signatures[66] = "cdpAllow(uint256,address,uint256)";
        signatures[67] = "urnAllow(address,uint256)";
        signatures[68] = "setOperators((address,bool)[])";
        signatures[69] = "toggleOperator(address,address)";
        signatures[70] = "setMinterAllowance(address,uint256)";
        signatures[71] = "setMinterApproval(address,bool)";
        signatures[72] = "toggle_approve_mint(address)";
        signatures[73] = "permit(address,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[74] = "permit(address,uint256,uint256,uint256,bytes)";
        signatures[75] = "permitForAll(address,address,bool,uint256,uint256,bytes)";
        signatures[76] =
        "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)";
        signatures[77] = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)";
        signatures[78] =
        "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)";
        signatures[79] = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)";
        signatures[80] = "transferOwnership(address)";
        signatures[81] = "setOwner(address)";
        signatures[82] = "grantRole(bytes32,address)";
        signatures[83] = "rely(address)";
        signatures[84] = "delegate(address)";
        signatures[85] = "delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)";
        signatures[86] = "aggregate((address,bytes)[])";
        signatures[87] = "tryAggregate(bool,(address,bytes)[])";
        signatures[88] = "blockAndAggregate((address,bytes)[])";
        signatures[89] = "tryBlockAndAggregate(bool,(address,bytes)[])";
        signatures[90] = "aggregate3Value((address,bool,uint256,bytes)[])";
        signatures[91] = "execute(address,bytes)";
        signatures[92] = "execute(address,uint256,bytes)";
        signatures[93] = "execute(bytes32,bytes)";
        signatures[94] = "executeBatch((address,uint256,bytes)[])";
        signatures[95] = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)";
        signatures[96] = "execTransactionFromModule(address,uint256,bytes,uint8)";
        signatures[97] = "batch((address,address,uint256,bytes)[])";
        signatures[98] = "call(address,address,uint256,bytes)";
        signatures[99] = "batch(bytes[],bool)";
        signatures[100] = "multicall(address[],bytes[])";
    }
}
