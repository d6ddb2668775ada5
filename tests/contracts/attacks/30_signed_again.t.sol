// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IBatches} from "contracts/interfaces/IBatches.sol";

import {SessionAttack} from "./SessionAttack.sol";

/// @notice What was signed once is sent again: by whoever relayed it, or who saw it. Here every number of a lane is used
/// once, whether its plans ran or were skipped, and a number that is ahead waits.
contract SignedAgainTest is SessionAttack {
    uint256 internal deskKey;
    bytes internal sent;

    function setUp() public override {
        (desk, deskKey) = makeAddrAndKey("desk");
        super.setUp();
        sent = _signed(0, NOW + 1 days, block.chainid, address(executor));
        vm.prank(stranger);
        (bool success,) = address(executor).call(sent);
        assertTrue(success);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(stranger, sent);
    }

    /// @dev What was sold beside what was signed for.
    function _loot() internal view override returns (uint256) {
        return AMOUNT - LIMIT - _balance(a, address(executor));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IBatches.NonceUnexpected.selector, desk, 0, 1);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 30;
    }

    function test_a_number_that_is_ahead_waits() public {
        _refused(_signed(2, NOW + 1 days, block.chainid, address(executor)), _ahead());
    }

    function test_another_chains_or_accounts_signature_is_none() public {
        bytes memory wrong = abi.encodeWithSelector(IBatches.WrongSignature.selector, desk);
        _refused(_signed(1, NOW + 1 days, block.chainid + 1, address(executor)), wrong);
        _refused(_signed(1, NOW + 1 days, block.chainid, address(settlement)), wrong);
    }

    function test_a_signature_ends_with_its_deadline() public {
        bytes memory late = _signed(1, NOW + 1 days, block.chainid, address(executor));
        vm.warp(NOW + 1 days + 1);
        _refused(late, abi.encodeWithSelector(IBatches.SignatureExpired.selector, NOW + 1 days, NOW + 1 days + 1));
    }

    function _refused(bytes memory call_, bytes memory refusal) private {
        (bool success, bytes memory reason) = _sendAs(stranger, call_);
        assertFalse(success);
        assertEq(reason, refusal);
    }

    function _ahead() private view returns (bytes memory) {
        return abi.encodeWithSelector(IBatches.NonceUnexpected.selector, desk, 2, 1);
    }

    /// @dev Put together by hand, as a wallet does, for any chain and account.
    function _signed(uint256 nonce, uint40 deadline, uint256 chain, address account)
        private
        view
        returns (bytes memory)
    {
        bytes[] memory plans = new bytes[](1);
        plans[0] = _sale(LIMIT);
        bytes32 kind = keccak256(
            "Plans(address key,uint256 grant,bytes[] plans,uint256 continueMask,uint256 nonce,uint40 deadline)"
        );
        bytes32 inside =
            keccak256(abi.encode(kind, desk, 0, keccak256(abi.encodePacked(keccak256(plans[0]))), 0, nonce, deadline));
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("oms executor"),
                keccak256("1"),
                chain,
                account
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(deskKey, keccak256(abi.encodePacked("\x19\x01", domain, inside)));
        return abi.encodeCall(IBatches.executeSigned, (plans, 0, nonce, deadline, desk, abi.encodePacked(r, s, v)));
    }
}
