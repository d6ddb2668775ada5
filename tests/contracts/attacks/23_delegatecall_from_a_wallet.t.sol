// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccount} from "contracts/interfaces/IAccount.sol";

import {Attack} from "./Attack.sol";

/// @notice Safe's MultiSend runs by delegatecall: a wallet that delegatecalls the executor instead of calling it lends it
/// its storage and its funds. Here that storage names no owner, so nothing runs. The executor itself delegatecalls its own
/// fixed parts only (24).
contract DelegatecallFromAWalletTest is Attack {
    CarelessWallet internal wallet;

    function setUp() public override {
        super.setUp();
        wallet = new CarelessWallet();
        _mint(a, address(wallet), AMOUNT);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        if (_isOff(address(executor), 22)) _turnOff(address(wallet), 1 << 22);
        return _takeOver(address(wallet), a, AMOUNT);
    }

    function _strangerCalls(address account, bytes memory call_) internal override returns (bool, bytes memory) {
        return account.call(abi.encodeCall(CarelessWallet.run, (address(executor), call_)));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(a, stranger);
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IAccount.NotOwner.selector, stranger);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 22;
    }
}

/// @notice Runs by delegatecall what its owners thought was a call.
contract CarelessWallet {
    function run(address target, bytes calldata call_) external {
        (bool success, bytes memory answer) = target.delegatecall(call_);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}
