// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {FLAG_PERMIT} from "contracts/types/Plan.sol";

import {RoguePool} from "../mocks/HostilePools.sol";
import {Permits} from "../support/Permits.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Permits that are used by others, elsewhere or for something else. Here the owner's Permit2 signature has the
/// whole plan, the executor and the chain as its witness, and only the executor, asked by the owner, can use it.
contract PermitGriefingTest is Attack {
    uint64 internal constant NONCE = 7;

    uint256 internal deskKey;
    RoguePool internal pool;

    error InvalidSigner();

    function setUp() public override {
        (desk, deskKey) = makeAddrAndKey("desk");
        super.setUp();
        string memory published = vm.readFile("node_modules/@1inch/solidity-utils/dist/src/permit2.json");
        vm.etch(Permits.PERMIT2, vm.parseBytes(vm.parseJsonString(published, ".bytecode")));
        _mint(a, desk, AMOUNT);
        vm.prank(desk);
        IERC20(a).approve(Permits.PERMIT2, type(uint256).max);
        _v3Pool(a, b);
        pool = _rogue(a, b);
        _bait(pool, a, b, AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        Plan memory signed = _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE));
        signed.flags = uint8(FLAG_PERMIT);
        // Without the guard the owner signs no route.
        if (_isOff(address(executor), 20)) signed.legs = "";
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(deskKey, Permits.digest(signed, address(executor), NONCE));
        // The route is exchanged after the signature.
        Plan memory plan = _roguePlan();
        (plan.flags, plan.permit) = (uint8(FLAG_PERMIT), Permits.tail(NONCE, abi.encodePacked(r, s, v)));
        return _sendAs(desk, Plans.encode(plan));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, address(pool));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(InvalidSigner.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 20;
    }

    function test_a_signature_overheard_is_of_no_use_to_another_spender() public {
        Plan memory plan = _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE));
        plan.flags = uint8(FLAG_PERMIT);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(deskKey, Permits.digest(plan, address(executor), NONCE));
        bytes memory call_ = abi.encodeWithSignature(
            "permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)",
            abi.encode(a, AMOUNT, NONCE, DEADLINE),
            abi.encode(stranger, AMOUNT),
            desk,
            abi.encodePacked(r, s, v)
        );
        vm.prank(stranger);
        (bool success,) = Permits.PERMIT2.call(call_);
        assertFalse(success);
        plan.permit = Permits.tail(NONCE, abi.encodePacked(r, s, v));
        _run(plan);
    }
}
