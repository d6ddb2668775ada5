// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PlanCodec} from "contracts/libraries/PlanCodec.sol";
import {PoolAddress} from "contracts/libraries/PoolAddress.sol";
import {SpendWindow} from "contracts/libraries/SpendWindow.sol";
import {ASSET_BYTES, Cursor, Frame, HEAD_BYTES, TOKEN_IN, TOKEN_OUT} from "contracts/types/Plan.sol";

/// @notice Decodes calldata with the product's own readers, for the proofs to ask.
contract CodecHarness {
    function takeAt(uint256 at, uint256 size) external pure returns (uint256 value, uint256 next) {
        Cursor after_;
        (value, after_) = PlanCodec.take(Cursor.wrap(at), size);
        next = Cursor.unwrap(after_);
    }

    /// @dev As a plan: all of calldata. Answers the head, both assets and what the two tokens are read as.
    fallback(bytes calldata) external returns (bytes memory) {
        Cursor legs = PlanCodec.takeHead();
        (uint256 bound0, address token0, uint256 amount0) = PlanCodec.asset(TOKEN_IN);
        (uint256 bound1, address token1, uint256 amount1) = PlanCodec.asset(TOKEN_OUT);
        return abi.encode(
            [Frame.flags(), PlanCodec.deadline(), Frame.declared(), Frame.total(), Cursor.unwrap(legs)],
            [bound0, amount0, bound1, amount1],
            [token0, token1, PlanCodec.token(0), PlanCodec.token(1), PlanCodec.token(2)]
        );
    }
}

/// @notice Proved for all inputs by Halmos: `halmos --contract Proofs` after `forge build --ast`.
/// @dev A `check_` function holds if no input makes its assertion fail.
contract Proofs {
    using SpendWindow for SpendWindow.Window;

    CodecHarness private immutable _codec = new CodecHarness();

    uint256 private constant PIPS = 1_000_000;

    // The codec

    /// @dev What is packed comes back: version, flags, deadline, both assets, a token that is handed on.
    function check_head_and_assets_come_back(
        uint40 deadline,
        uint8 bound0,
        address token0,
        uint128 amount0,
        uint8 bound1,
        address token1,
        uint128 amount1,
        address handed
    ) public {
        bytes memory head = abi.encodePacked(uint8(2), uint8(0), deadline, uint8(0x21));
        bytes memory packed =
            abi.encodePacked(head, bound0, token0, amount0, bound1, token1, amount1, handed, hex"410100");
        (bool success, bytes memory answer) = address(_codec).call(packed);
        assert(success);
        (uint256[5] memory numbers, uint256[4] memory bounds, address[5] memory tokens) =
            abi.decode(answer, (uint256[5], uint256[4], address[5]));
        assert(numbers[0] == 0 && numbers[1] == deadline && numbers[2] == 2 && numbers[3] == 3);
        assert(numbers[4] == HEAD_BYTES + 2 * ASSET_BYTES + 20);
        assert(bounds[0] == bound0 && bounds[1] == amount0 && bounds[2] == bound1 && bounds[3] == amount1);
        assert(tokens[0] == token0 && tokens[1] == token1);
        assert(tokens[2] == token0 && tokens[3] == token1 && tokens[4] == handed);
    }

    /// @dev A leg's two bytes say one kind, mode, hand-on and pair of tokens, and no two such say the same.
    function check_a_legs_head_is_read_in_one_way(uint8 kind, uint8 mode, bool hands, uint8 from, uint8 to)
        public
        pure
    {
        if (kind > 31 || mode > 3 || from > 15 || to > 15) return;
        uint256 head = uint256(kind) | (uint256(mode) << 5) | (hands ? 128 : 0);
        uint256 tokens = (uint256(from) << 4) | to;
        assert(head < 256 && tokens < 256);
        assert(head & 31 == kind && (head >> 5) & 3 == mode && (head >= 128) == hands);
        assert(tokens >> 4 == from && tokens & 15 == to);
    }

    /// @dev What `PlanCodec` multiplies unchecked for a share does not wrap, so that the share is never more than the whole:
    /// a product of 128 and 32 bits has at most 160, whose top 128 are at most those of the first.
    function check_a_share_is_part_of_the_whole(uint64 limit, uint8 parts) public pure {
        // The same with narrower numbers, as the solver does not get through 160 bits: the form is what is proved.
        uint256 amount;
        unchecked {
            amount = (uint256(limit) * parts) >> 8;
        }
        assert(amount <= limit);
    }

    // The end-to-end invariant: `Executor._closePair`

    /// @dev The comparisons accept exactly the closings that bounds allow, wherever a difference wraps.
    function check_the_pairs_comparisons_are_the_bounds(
        uint256 opening0,
        uint256 closing0,
        uint256 opening1,
        uint256 closing1,
        uint128 most,
        uint128 least
    ) public pure {
        bool fine;
        uint256 spent;
        uint256 received;
        // As in `Executor._closePair`, where both tokens answered.
        assembly ("memory-safe") {
            spent := sub(opening0, closing0)
            let bad := or(gt(closing0, opening0), gt(spent, most))
            received := sub(closing1, opening1)
            bad := or(bad, or(lt(closing1, opening1), lt(received, least)))
            fine := gt(1, bad)
        }
        bool fell = closing0 <= opening0 && opening0 - closing0 <= most;
        bool rose = closing1 >= opening1 && closing1 - opening1 >= least;
        assert(fine == (fell && rose));
        if (fine) assert(spent == opening0 - closing0 && received == closing1 - opening1);
    }

    /// @dev What is looked at again, one by one, accepts no more than that but a token sold that rose.
    function check_the_slow_comparisons_are_the_bounds(uint256 opening, uint256 closing, uint128 bound) public pure {
        uint256 fall = opening > closing ? opening - closing : 0;
        uint256 rise = closing > opening ? closing - opening : 0;
        assert((fall <= bound) == (closing >= opening || opening - closing <= bound));
        if (bound != 0) assert((rise >= bound) == (closing > opening && closing - opening >= bound));
        assert(fall == 0 || rise == 0);
    }

    // Limits over periods: `SpendWindow`. The three together are that no period holds more than the limit: what was spent
    // within it lies in the running third or the three before (first), all of that is in the window (second), and the
    // window never holds more than the limit (third).

    /// @dev Two times less than a period apart are at most three thirds apart. With narrower numbers, as the solver does not
    /// get through divisions of wide ones: the form is what is proved.
    function check_a_period_spans_at_most_four_thirds(uint8 period, uint8 first, uint8 second) public pure {
        if (period == 0 || second < first || second - first >= period) return;
        assert(SpendWindow.partOf(period, second) - SpendWindow.partOf(period, first) <= SpendWindow.PARTS);
    }

    /// @dev What was counted in a third is still there as long as that third is no more than three behind, and then gone.
    /// With a period of three seconds a second is a third, whatever its number.
    /// @custom:halmos --loop 6
    function check_what_was_counted_moves_on_third_by_third(uint128[4] memory used, uint32 part, uint32 passed)
        public
        pure
    {
        SpendWindow.Window memory window = _window(type(uint128).max, used);
        (window.period, window.part) = (3, part);
        SpendWindow.Window memory later = window.at(uint256(part) + passed);
        assert(later.part == uint256(part) + passed && later.period == 3 && later.limit == type(uint128).max);
        assert(later.used0 == (passed == 0 ? used[0] : 0));
        assert(later.used1 == (passed == 0 ? used[1] : passed == 1 ? used[0] : 0));
        assert(later.used2 == (passed == 0 ? used[2] : passed == 1 ? used[1] : passed == 2 ? used[0] : 0));
        uint128 last = passed == 0 ? used[3] : passed == 1 ? used[2] : passed == 2 ? used[1] : 0;
        assert(later.used3 == (passed == 3 ? used[0] : last));
    }

    /// @dev What is found to be free can be counted, and never makes more than the limit. With narrower numbers likewise;
    /// what is counted is below the limit, so no wider one is cut.
    function check_a_window_never_holds_more_than_its_limit(
        uint32 limit,
        uint32 used0,
        uint32 used1,
        uint32 used2,
        uint32 used3,
        uint32 amount
    ) public pure {
        uint256 sum = uint256(used0) + used1 + used2 + used3;
        if (sum > limit) return;
        SpendWindow.Window memory window = _window(limit, [uint128(used0), used1, used2, used3]);
        uint256 free = window.free();
        assert(free == limit - sum);
        if (amount > free) return;
        assert(sum + amount <= limit);
        window = window.count(amount);
        assert(window.used0 == uint256(used0) + amount);
        assert(window.used1 == used1 && window.used2 == used2 && window.used3 == used3);
    }

    function _window(uint128 limit, uint128[4] memory used) private pure returns (SpendWindow.Window memory window) {
        window.limit = limit;
        (window.used0, window.used1, window.used2, window.used3) = (used[0], used[1], used[2], used[3]);
    }

    // Venues

    /// @dev `VenueRegistry._key`: two venues never share an entry.
    function check_venue_keys_are_distinct(uint256 kind, uint8 id, uint256 otherKind, uint8 otherId) public pure {
        if (kind > 31 || otherKind > 31) return;
        uint256 key = (kind << 8) | id;
        uint256 other = (otherKind << 8) | otherId;
        assert((key == other) == (kind == otherKind && id == otherId));
    }

    /// @dev The order of two tokens does not matter, and is theirs.
    function check_tokens_are_sorted(address tokenA, address tokenB) public pure {
        (address low, address high) = PoolAddress.sorted(tokenA, tokenB);
        (address low_, address high_) = PoolAddress.sorted(tokenB, tokenA);
        assert(low <= high && low == low_ && high == high_);
        assert((low == tokenA && high == tokenB) || (low == tokenB && high == tokenA));
    }

    /// @dev `PathLegs._pairOut` is unchecked: no product of it wraps within the types that a pair stores.
    function check_a_pairs_formula_does_not_wrap(uint112 amountIn, uint112 reserveIn, uint112 reserveOut, uint24 fee)
        public
        pure
    {
        if (fee >= PIPS) return;
        uint256 afterFee = uint256(amountIn) * (PIPS - fee);
        assert(afterFee < 1 << 132);
        assert(uint256(reserveIn) * PIPS + afterFee < 1 << 134);
        assert(afterFee <= type(uint256).max >> 112 && reserveOut < 1 << 112);
    }
}
