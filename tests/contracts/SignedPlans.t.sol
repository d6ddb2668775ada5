// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {ISafeModule} from "contracts/interfaces/ISafeModule.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {SignedPlans} from "contracts/libraries/SignedPlans.sol";

/// @notice What Python signs and sends is what the contracts hash and read; see `test_golden_signatures.py`.
contract SignedPlansTest is Test {
    address private constant EXECUTOR = 0x5FbDB2315678afecb367f032d93F642f64180aa3;
    address private constant KEY = 0x70997970C51812dc3A010C7d01b50e0d17dc79C8;
    address private constant TOKEN = 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2;
    address private constant OTHER = 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48;
    uint40 private constant DEADLINE = 1_773_164_352;

    string private _golden;

    function setUp() public {
        _golden = vm.readFile("tests/contracts/golden/signatures.json");
        vm.chainId(8453);
    }

    function test_a_batch_signed_in_python_has_the_contracts_digest() public view {
        SignedPlans.Batch memory batch =
            SignedPlans.Batch(KEY, 3, 5, uint256(vm.parseJsonBytes32(_golden, ".nonce")), DEADLINE);
        bytes32 digest = this.digestOf(batch, vm.parseJsonBytesArray(_golden, ".plans"));
        assertEq(digest, vm.parseJsonBytes32(_golden, ".batch"));
    }

    function test_an_adoption_signed_in_python_has_the_contracts_digest() public view {
        bytes32 digest = SignedPlans.adoptionDigest(EXECUTOR, KEY, OTHER, DEADLINE);
        assertEq(digest, vm.parseJsonBytes32(_golden, ".adoption"));
    }

    function test_a_grant_made_in_python_is_the_call_that_the_contracts_read() public view {
        bytes32 pool = keccak256(abi.encodePacked(OTHER, TOKEN, uint24(3000), int24(-60), true));
        assertEq(pool, vm.parseJsonBytes32(_golden, ".pool"));
        ISessions.Grant memory terms;
        (terms.expiry, terms.mostLossBps, terms.mayPull, terms.gasBudget) = (DEADLINE, 50, true, 1 ether);
        terms.kinds = uint32((1 << 1) | (1 << 2) | (1 << 9) | (1 << 18));
        terms.venues = new ISessions.GrantedVenue[](3);
        terms.venues[0] = ISessions.GrantedVenue(2, bytes32(uint256(4)));
        terms.venues[1] = ISessions.GrantedVenue(3, pool);
        terms.venues[2] = ISessions.GrantedVenue(8, bytes32(uint256(uint160(KEY))));
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(TOKEN, type(uint128).max, 1 days);
        terms.rises = new address[](2);
        (terms.rises[0], terms.rises[1]) = (OTHER, TOKEN);
        assertEq(abi.encodeCall(ISessions.grantSession, (KEY, terms)), vm.parseJsonBytes(_golden, ".grant"));
        assertEq(abi.encodeCall(ISessions.revokeSession, (KEY)), vm.parseJsonBytes(_golden, ".revoke"));
        assertEq(abi.encodeCall(ISafeModule.grantOperator, (KEY, terms)), vm.parseJsonBytes(_golden, ".grantOperator"));
        assertEq(abi.encodeCall(ISafeModule.endOperator, (KEY)), vm.parseJsonBytes(_golden, ".endOperator"));
        bytes memory reference_ = abi.encodeCall(ISessions.setFarReference, (10, TOKEN, OTHER, 3600, 6));
        assertEq(reference_, vm.parseJsonBytes(_golden, ".farReference"));
    }

    function digestOf(SignedPlans.Batch memory batch, bytes[] calldata plans) external view returns (bytes32) {
        return SignedPlans.plansDigest(EXECUTOR, batch, plans);
    }
}
