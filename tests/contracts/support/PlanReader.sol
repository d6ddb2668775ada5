// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PlanCodec} from "contracts/libraries/PlanCodec.sol";
import {
    AMOUNT_EXACT,
    AMOUNT_SHARE,
    Cursor,
    FIRST_FURTHER,
    FLAG_PERMIT,
    Frame,
    HANDS_ON,
    KIND_MASK,
    LEG_ACROSS,
    LEG_AIRSWAP,
    LEG_BALANCER,
    LEG_BALANCER_V3,
    LEG_CALL,
    LEG_CURVE_CRYPTO,
    LEG_CURVE_STABLE,
    LEG_FLASH,
    LEG_PAYOUT,
    LEG_RFQ,
    LEG_SOLIDLY,
    LEG_V2,
    LEG_V3,
    LEG_V3_EXACT_OUT,
    LEG_V4,
    LEG_VAULT,
    LEG_WRAP,
    LEG_ZEROEX_RFQ,
    MODE_SHIFT
} from "contracts/types/Plan.sol";

/// @notice A plan, field by field, in a form that both sides of the golden files can compare.
/// @param words The particulars' integers in order; a negative number as two's complement.
/// @param tail The signature of a maker's quote, the tokens between the hops of an exact output, a call's data, a loan's
/// plans with their lengths, else empty.
struct ReadLeg {
    uint256 kind;
    bool handsOn;
    uint256 indexIn;
    uint256 indexOut;
    uint256 mode;
    uint256 value;
    uint256[] words;
    bytes tail;
}

struct ReadAsset {
    uint256 bound;
    address token;
    uint256 amount;
}

struct ReadPlan {
    uint256 flags;
    uint256 deadline;
    ReadAsset[] assets;
    address[] handed;
    ReadLeg[] legs;
    uint256 permitNonce;
    bytes permitSignature;
}

/// @notice Decodes a plan, which is all of calldata, with the executor's codec and does nothing about it.
contract PlanReader {
    uint256 private constant PLENTY = uint256(uint128(type(int128).max));

    fallback(bytes calldata) external returns (bytes memory) {
        // Before any memory is taken, as in the executor.
        Cursor at = PlanCodec.takeHead();
        return abi.encode(_read(PlanCodec.deadline(), at));
    }

    function _read(uint256 deadline, Cursor at) private pure returns (ReadPlan memory read) {
        read.deadline = deadline;
        read.flags = Frame.flags();
        _readTables(read);
        if (read.flags & FLAG_PERMIT != 0) {
            (uint256 nonce, Cursor signature, uint256 size) = PlanCodec.permit(Frame.end());
            (read.permitNonce, read.permitSignature) = (nonce, _bytes(signature, size));
        }
        ReadLeg[] memory legs = new ReadLeg[](msg.data.length);
        uint256 count;
        bool handed;
        while (Cursor.unwrap(at) < Cursor.unwrap(Frame.end())) {
            (legs[count], at) = _readLeg(at, handed, count == 0 ? 0 : legs[count - 1].indexOut);
            handed = legs[count++].handsOn;
        }
        assembly ("memory-safe") {
            mstore(legs, count) // Shrinks the array; the rest of it is simply no longer used.
        }
        read.legs = legs;
    }

    function _readTables(ReadPlan memory read) private pure {
        read.assets = new ReadAsset[](Frame.declared());
        for (uint256 i = 0; i < read.assets.length; ++i) {
            (uint256 bound, address token, uint256 amount) = PlanCodec.asset(i);
            PlanCodec.checkAsset(i, bound, token, amount);
            read.assets[i] = ReadAsset(bound, token, amount);
            Frame.note(i, 0, PLENTY);
        }
        read.handed = new address[](Frame.total() - Frame.declared());
        for (uint256 i = 0; i < read.handed.length; ++i) {
            read.handed[i] = PlanCodec.token(Frame.declared() + i);
        }
    }

    function _readLeg(Cursor start, bool handed, uint256 before) private pure returns (ReadLeg memory read, Cursor at) {
        uint256 head;
        uint256 amount;
        if (handed) (head, read.indexOut, at) = PlanCodec.takeNext(start, before);
        else (head, read.indexIn, read.indexOut, amount, at) = PlanCodec.takeLeg(start);
        if (handed) read.indexIn = before;
        (read.kind, read.handsOn) = (head & KIND_MASK, head & HANDS_ON != 0);
        read.mode = (head >> MODE_SHIFT) & 3;
        read.value = handed ? 0 : _value(amount, read.mode, start);
        if (read.kind >= FIRST_FURTHER) {
            at = _readFurther(read, at);
            return (read, at);
        }
        uint256[] memory sizes;
        if (read.kind == LEG_V3_EXACT_OUT) (sizes, at) = _hops(at);
        else sizes = _sizes(read.kind);
        read.words = new uint256[](sizes.length);
        for (uint256 i = 0; i < sizes.length; ++i) {
            (read.words[i], at) = PlanCodec.take(at, sizes[i]);
        }
        if (read.kind == LEG_V4) read.words[1] = uint256(int256(int24(uint24(read.words[1]))));
        if (read.kind == LEG_RFQ) (read.tail, at) = _tail(at);
        if (read.kind == LEG_V3_EXACT_OUT) {
            uint256 between = sizes.length / 2 - 1;
            read.tail = _bytes(at, between);
            at = Cursor.wrap(Cursor.unwrap(at) + between);
        }
        PlanCodec.within(at, Frame.end());
    }

    /// @dev Particulars of their own length; only a call and a loan have more behind what is fixed.
    function _readFurther(ReadLeg memory read, Cursor start) private pure returns (Cursor end) {
        (uint256 length, Cursor at) = PlanCodec.take(start, 2);
        end = Cursor.wrap(Cursor.unwrap(at) + length);
        PlanCodec.within(end, Frame.end());
        uint256[] memory sizes = _furtherSizes(read.kind);
        read.words = new uint256[](sizes.length);
        for (uint256 i = 0; i < sizes.length; ++i) {
            (read.words[i], at) = PlanCodec.take(at, sizes[i]);
        }
        require(Cursor.unwrap(at) <= Cursor.unwrap(end), "short particulars");
        read.tail = _bytes(at, Cursor.unwrap(end) - Cursor.unwrap(at));
        require(read.tail.length == 0 || read.kind == LEG_CALL || read.kind == LEG_FLASH, "long particulars");
    }

    function _furtherSizes(uint256 kind) private pure returns (uint256[] memory) {
        if (kind == LEG_WRAP) return _list("");
        if (kind == LEG_VAULT || kind == LEG_BALANCER_V3 || kind == LEG_PAYOUT) return _list(hex"14");
        if (kind == LEG_AIRSWAP) return _list(hex"1410200501012020");
        if (kind == LEG_ZEROEX_RFQ) return _list(hex"14101001142008200101" hex"2020");
        if (kind == LEG_ACROSS) return _list(hex"1414100814040404");
        if (kind == LEG_CALL) return _list(hex"1401");
        require(kind == LEG_FLASH, "unknown kind");
        return _list(hex"14011001");
    }

    /// @dev The amount's own bytes, and a check that the codec resolved them as the layout says.
    function _value(uint256 amount, uint256 mode, Cursor start) private pure returns (uint256 value) {
        Cursor at = Cursor.wrap(Cursor.unwrap(start) + 2);
        if (mode == AMOUNT_EXACT) {
            (value,) = PlanCodec.take(at, 16);
            require(amount == value, "exact amount");
        } else if (mode == AMOUNT_SHARE) {
            (value,) = PlanCodec.take(at, 4);
            require(amount == PLENTY * value / (1 << 32), "share");
        } else {
            require(amount == PLENTY, "all");
        }
    }

    function _tail(Cursor at) private pure returns (bytes memory tail, Cursor next) {
        uint256 length;
        (length, next) = PlanCodec.take(at, 2);
        tail = _bytes(next, length);
        next = Cursor.wrap(Cursor.unwrap(next) + length);
    }

    function _bytes(Cursor at, uint256 length) private pure returns (bytes memory taken) {
        taken = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            uint256 octet;
            (octet, at) = PlanCodec.take(at, 1);
            taken[i] = bytes1(uint8(octet));
        }
    }

    /// @dev Venue and fee of each hop.
    function _hops(Cursor at) private pure returns (uint256[] memory sizes, Cursor next) {
        uint256 count;
        (count, next) = PlanCodec.take(at, 1);
        require(count != 0, "no hops");
        sizes = new uint256[](2 * count);
        for (uint256 i = 0; i < count; ++i) {
            (sizes[2 * i], sizes[2 * i + 1]) = (1, 3);
        }
    }

    function _sizes(uint256 kind) private pure returns (uint256[] memory) {
        if (kind == LEG_V2) return _list(hex"01");
        if (kind == LEG_V3) return _list(hex"0103");
        if (kind == LEG_V4) return _list(hex"030301");
        if (kind == LEG_CURVE_STABLE || kind == LEG_CURVE_CRYPTO) return _list(hex"140101");
        if (kind == LEG_BALANCER) return _list(hex"20");
        if (kind == LEG_SOLIDLY) return _list(hex"0101");
        require(kind == LEG_RFQ, "unknown kind");
        return _list(hex"141010052001");
    }

    function _list(bytes memory packed) private pure returns (uint256[] memory sizes) {
        sizes = new uint256[](packed.length);
        for (uint256 i = 0; i < packed.length; ++i) {
            sizes[i] = uint8(packed[i]);
        }
    }
}

/// @notice Asks a reader.
library Reading {
    function read(PlanReader reader, bytes memory packed) internal returns (ReadPlan memory) {
        (bool success, bytes memory answer) = address(reader).call(packed);
        require(success, "not a plan");
        return abi.decode(answer, (ReadPlan));
    }
}
