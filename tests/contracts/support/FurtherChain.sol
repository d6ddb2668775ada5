// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAnnex} from "contracts/interfaces/IParts.sol";

import {Chain} from "./Chain.sol";
import {IExecutorUnderTest, Sending} from "./IExecutorUnderTest.sol";
import {Plan, Plans} from "./Plans.sol";

/// @notice The chain for legs from kind 10 on: their places can be set, and addresses listed.
abstract contract FurtherChain is Chain {
    using Sending for IExecutorUnderTest;

    /// @dev `VenueRegistry`'s storage; what is listed is its second mapping.
    uint256 internal constant LISTED = 0x955a1ab55acbb79d895b6cb77c2fdcf98e6c2f9db05844d008e9e1b7d868ad01;

    IAnnex.Places internal places;

    /// @dev The executor anew, whose annex knows these places.
    function _settle(IAnnex.Places memory known) internal {
        places = known;
        places.weth = weth;
        executor = _deployExecutor();
    }

    function _places() internal view override returns (IAnnex.Places memory known) {
        known = places;
        known.weth = weth;
    }

    /// @dev As if the owner had listed it.
    function _list(uint256 kind, address target, bytes4 selector) internal {
        bytes32 key = keccak256(abi.encode(kind, target, selector));
        vm.store(address(executor), keccak256(abi.encode(key, LISTED)), bytes32(uint256(1)));
    }

    /// @dev A plan whose second asset has to leave.
    function _planLeaving(address tokenIn, address tokenOut, uint128 amountIn, uint128 least, bytes memory legs)
        internal
        pure
        returns (Plan memory plan)
    {
        plan = _plan(tokenIn, tokenOut, amountIn, legs);
        (plan.minOut, plan.leaves) = (least, true);
    }

    function _refuses(Plan memory plan, bytes memory reason) internal {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert(reason);
        executor.execute(packed);
    }
}
