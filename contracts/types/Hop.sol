// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A pool on a path and how it is asked: pool in the lowest 160 bits, then direction, kind and fee in pips.
type Hop is uint256;

using {pool, zeroForOne, kind, feePips} for Hop global;

function hopOf(address pool_, bool zeroForOne_, uint256 kind_, uint256 feePips_) pure returns (Hop hop) {
    // A bool is 0 or 1, a kind fits 8 bits, and a fee is below 2^24. Memory is not touched.
    assembly ("memory-safe") {
        hop := or(or(pool_, shl(160, zeroForOne_)), or(shl(168, kind_), shl(176, feePips_)))
    }
}

function pool(Hop hop) pure returns (address) {
    // The cut is meant: it leaves the address.
    // forge-lint: disable-next-line(unsafe-typecast)
    return address(uint160(Hop.unwrap(hop)));
}

function zeroForOne(Hop hop) pure returns (bool) {
    return (Hop.unwrap(hop) >> 160) & 1 != 0;
}

function kind(Hop hop) pure returns (uint256) {
    return (Hop.unwrap(hop) >> 168) & 0xff;
}

function feePips(Hop hop) pure returns (uint256) {
    return Hop.unwrap(hop) >> 176;
}
