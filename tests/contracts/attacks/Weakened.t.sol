// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Scene} from "./Attack.sol";

/// @notice The weakened copy is of the sources as they are now.
contract WeakenedTest is Scene {
    function test_the_weakened_copy_is_of_these_sources() public view {
        string memory manifest = vm.readFile(".build/weakened/sources.json");
        for (uint256 i = 0; vm.keyExistsJson(manifest, string.concat(".sources[", vm.toString(i), "]")); ++i) {
            string memory entry = string.concat(".sources[", vm.toString(i), "]");
            string memory path = vm.parseJsonString(manifest, string.concat(entry, ".path"));
            bytes32 expected = vm.parseJsonBytes32(manifest, string.concat(entry, ".sha256"));
            assertEq(sha256(bytes(vm.readFile(path))), expected, string.concat(path, ": run scripts/weaken"));
        }
    }
}
