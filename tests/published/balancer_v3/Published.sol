// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Imported for their artifacts alone.
import {Vault} from "@balancer-labs/v3-vault/contracts/Vault.sol";
import {VaultAdmin} from "@balancer-labs/v3-vault/contracts/VaultAdmin.sol";
import {VaultExtension} from "@balancer-labs/v3-vault/contracts/VaultExtension.sol";
