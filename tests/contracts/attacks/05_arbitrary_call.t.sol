// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_CALL} from "contracts/types/Plan.sol";

import {FurtherPlans} from "../support/FurtherPlans.sol";
import {Permits} from "../support/Permits.sol";
import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";

/// @notice Dexible, Rubic, Rabby, SwapX, Maestro, UniBot, Unizen and others, 2022-2025: a target and its call data from the
/// user. Here a leg takes some, of what the owner listed alone; and of tokens, of who holds rights, and of what gives rights
/// away, not even that.
contract ArbitraryCallTest is Attack {
    function setUp() public override {
        super.setUp();
        _pair(a, b);
        _mint(c, address(executor), AMOUNT);
    }

    function test_nothing_unlisted_is_called() public {
        vm.etch(Permits.PERMIT2, hex"00");
        vm.etch(desk, hex"00");
        _tryAll(IAnnex.NotListed.selector, false);
    }

    function test_nothing_that_holds_or_gives_rights_is_called_though_all_of_it_is_listed() public {
        vm.etch(Permits.PERMIT2, hex"00");
        vm.etch(desk, hex"00");
        _tryAll(IAnnex.CallRefused.selector, true);
    }

    function _tryAll(bytes4 name, bool listed) private {
        address[5] memory targets = [a, Permits.PERMIT2, address(executor), desk, address(settlement)];
        string[7] memory functions = [
            "approve(address,uint256)",
            "increaseAllowance(address,uint256)",
            "transfer(address,uint256)",
            "transferFrom(address,address,uint256)",
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "setApprovalForAll(address,bool)",
            "approve(address,address,uint160,uint48)"
        ];
        for (uint256 i = 0; i < targets.length; ++i) {
            for (uint256 j = 0; j < functions.length; ++j) {
                bytes4 selector = bytes4(keccak256(bytes(functions[j])));
                if (listed) _list(LEG_CALL, targets[i], selector);
                bytes memory leg = _callLeg(targets[i], abi.encodePacked(selector, new bytes(224)));
                (bool success, bytes memory reason) = _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, leg)));
                assertFalse(success);
                bytes memory refusal = listed
                    ? abi.encodeWithSelector(name, targets[i], selector)
                    : abi.encodeWithSelector(name, LEG_CALL, targets[i], selector);
                assertEq(reason, refusal);
            }
        }
    }

    /// @dev Curve's leg, whose plan names an address as well, calls one function of it, which no token has.
    function test_a_token_or_permit2_named_as_a_curve_pool_is_not_moved() public {
        vm.etch(Permits.PERMIT2, hex"00");
        _refuseAsPool(c);
        _refuseAsPool(address(executor));
        _expect(
            _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), Permits.PERMIT2, 0, 1, false)),
            abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1)
        );
    }

    function _refuseAsPool(address target) private {
        bytes memory leg = Plans.curve(0, 1, Plans.all(), target, 0, 1, true);
        (bool success,) = _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, leg)));
        assertFalse(success);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // The executor's own tokens, by an approval that a plan was made to give.
        bytes memory approval = abi.encodeCall(IERC20.approve, (stranger, AMOUNT));
        bytes memory legs = abi.encodePacked(_callLeg(c, approval), Plans.v2(0, 1, Plans.all(), 0));
        (success, reason) = _sendAs(desk, Plans.encode(_plan(a, b, AMOUNT, legs)));
        if (!success) return (success, reason);
        vm.prank(stranger);
        return c.call(abi.encodeCall(IERC20.transferFrom, (address(executor), stranger, AMOUNT)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(c, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAnnex.NotListed.selector, LEG_CALL, c, IERC20.approve.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return (1 << 3) | (1 << 5);
    }

    function _callLeg(address target, bytes memory data) internal pure returns (bytes memory) {
        return FurtherPlans.callOut(0, 1, Plans.all(), target, false, data);
    }
}
