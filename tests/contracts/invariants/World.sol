// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IRfqSettlement, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {IExecutorUnderTest} from "../support/IExecutorUnderTest.sol";

/// @notice Who and what the actors know.
/// @param tokens The two that are traded, the one that only passes through, one that returns nothing, one that takes a fee.
/// @param session A key that is granted and revoked.
/// @param accounts All whose balances are watched; the first is the executor, the second its owner.
/// @param spenders All that might be left an allowance.
struct Things {
    IExecutorUnderTest executor;
    IRfqSettlement settlement;
    address owner;
    uint256 ownerKey;
    address guardian;
    address maker;
    uint256 makerKey;
    address session;
    uint256 sessionKey;
    address curve;
    address[5] tokens;
    address[8] accounts;
    address[5] spenders;
}

/// @notice What the actors saw that must never be. One for all, so that invariants have one place to look.
contract Ledger {
    uint256 public executed;
    uint256 public refused;
    uint256 public filled;
    mapping(bytes32 invariantName => uint256) public broken;
    mapping(uint256 nonce => uint256) public fills;
    uint256 public mostFills;

    function note(bytes32 invariantName, bool holds) external {
        if (!holds) broken[invariantName] += 1;
    }

    function count(bool success) external {
        if (success) executed += 1;
        else refused += 1;
    }

    function countFill(uint256 nonce) external {
        filled += 1;
        _countUse(nonce);
    }

    /// @dev A batch that ran by a signature.
    function countSigned(uint256 nonce) external {
        _countUse(uint256(keccak256(abi.encode("signed", nonce))));
    }

    function _countUse(uint256 nonce) private {
        uint256 times = ++fills[nonce];
        if (times > mostFills) mostFills = times;
    }
}

/// @notice What every actor can do: look at the whole world, and knock at the lock.
abstract contract Actor is CommonBase, StdUtils {
    bytes32 internal constant ONLY_OWNER_PAYS = "onlyOwnerPays";
    bytes32 internal constant NET_DELTA = "netDeltaRespected";
    bytes32 internal constant RESIDUAL_BALANCE = "zeroResidualBalance";
    bytes32 internal constant LOCK_RELEASED = "lockReleased";
    bytes32 internal constant PAUSE = "pauseStopsEverything";
    bytes32 internal constant REVERT_EQUAL = "revertLeavesStateEqual";

    Ledger internal immutable _ledger;
    Things internal _things;

    constructor(Ledger ledger, Things memory things) {
        _ledger = ledger;
        _things = things;
    }

    /// @dev All balances, allowances of the executor, the settlement's nonces, owner and pause, what a session may still
    /// spend and its nonces.
    function _digest() internal view returns (bytes32 digest) {
        for (uint256 i = 0; i < _things.accounts.length; ++i) {
            digest = keccak256(abi.encode(digest, _things.accounts[i].balance));
            for (uint256 j = 0; j < _things.tokens.length; ++j) {
                digest = keccak256(abi.encode(digest, IERC20(_things.tokens[j]).balanceOf(_things.accounts[i])));
            }
        }
        for (uint256 i = 0; i < _things.spenders.length; ++i) {
            for (uint256 j = 0; j < 2; ++j) {
                digest = keccak256(abi.encode(digest, _allowance(_things.tokens[j], _things.spenders[i])));
            }
        }
        (address owner, bool paused) = (_things.executor.owner(), _things.executor.paused());
        digest = keccak256(abi.encode(digest, _things.settlement.usedNonces(_things.maker, 0), owner, paused));
        for (uint192 i = 0; i < 4; ++i) {
            (,, uint256 free) = _things.executor.spending(_things.session, _things.tokens[i % 2]);
            digest = keccak256(abi.encode(digest, free, _things.executor.nextNonce(_things.session, i)));
        }
    }

    function _allowance(address token, address spender) internal view returns (uint256) {
        return IERC20(token).allowance(address(_things.executor), spender);
    }

    function _held(address token) internal view returns (uint256) {
        return IERC20(token).balanceOf(address(_things.executor));
    }

    function _owned(address token) internal view returns (uint256) {
        return IERC20(token).balanceOf(_things.owner);
    }

    /// @dev In the same transaction as what went before, so that a lock or an armed callback would still be there.
    function _probe() internal {
        (bool open,) = address(_things.executor).staticcall(abi.encodeCall(_things.executor.owner, ()));
        _ledger.note(LOCK_RELEASED, open);
        vm.prank(_things.accounts[7]);
        (bool armed,) = address(_things.executor)
            .call(abi.encodeCall(_things.executor.uniswapV3SwapCallback, (int256(1), int256(0), "")));
        _ledger.note(LOCK_RELEASED, !armed);
    }

    /// @dev Everybody but the executor and its owner.
    function _others() internal view returns (bytes32 digest) {
        for (uint256 j = 0; j < _things.tokens.length; ++j) {
            digest = keccak256(abi.encode(digest, IERC20(_things.tokens[j]).balanceOf(_things.accounts[2])));
            digest = keccak256(abi.encode(digest, IERC20(_things.tokens[j]).balanceOf(_things.accounts[3])));
        }
    }
}
