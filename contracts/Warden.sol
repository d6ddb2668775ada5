// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Account} from "./base/Account.sol";
import {IAccount} from "./interfaces/IAccount.sol";
import {IWarden} from "./interfaces/IParts.sol";

/// @title What keys other than the owner's may do
/// @notice The executor's own code, in a contract of its own. Called directly it has no owner and obeys nobody.
/// @dev Runs by delegatecall on the executor's storage. Holds none of its own.
contract Warden is IWarden, Account {
    /// @inheritdoc IWarden
    function checkPlan(address key, bytes calldata) external pure {
        revert IAccount.NotOwner(key);
    }

    /// @inheritdoc IWarden
    function chargePlan(address key, bytes calldata, uint256[] calldata) external pure {
        revert IAccount.NotOwner(key);
    }
}
