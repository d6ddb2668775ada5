// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {FLAG_DELIVER, FLAG_PERMIT, FLAG_PULL} from "contracts/types/Plan.sol";

import {Permits} from "../support/Permits.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {Actor, Ledger, Things} from "./World.sol";

/// @notice Sends plans of every shape, of held, pulled and permitted funds, and damages some of them.
contract Owner is Actor {
    uint256 private constant SHAPES = 10;

    uint64 private _permits;
    uint256 private _quotes;

    constructor(Ledger ledger, Things memory things) Actor(ledger, things) {}

    function trade(uint256 from, uint128 amount, uint32 share, uint8 shape, uint8 funding, uint256 damage) external {
        from = bound(from, 0, 1);
        Plan memory plan = _base(from, amount);
        plan.legs = _legs(shape % SHAPES, uint32(bound(share, 1 << 24, type(uint32).max)), uint8(from), plan.amountIn);
        plan.flags = uint8(funding % 4);
        if (plan.flags & FLAG_PULL != 0) _approve(plan.tokens[0], plan.amountIn);
        _run(plan, _damaged(Plans.encode(plan), damage, 8 + 3 * 37));
    }

    /// @dev Straight from the owner to a pool and back.
    function permit(uint256 from, uint128 amount, uint8 shape, uint256 damage) external {
        from = bound(from, 0, 1);
        Plan memory plan = _base(from, amount);
        plan.flags = uint8(FLAG_PERMIT);
        plan.legs = shape % 3 == 0
            ? Plans.v2(0, 1, Plans.all(), 0)
            : shape % 3 == 1
                ? Plans.v3(0, 1, Plans.all(), 0, 3000)
                : abi.encodePacked(Plans.hand(Plans.v2(0, 2, Plans.all(), 0)), Plans.v3(2, 1, Plans.all(), 0, 3000));
        uint64 nonce = _permits++;
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(_things.ownerKey, Permits.digest(plan, address(_things.executor), nonce));
        plan.permit = Permits.tail(nonce, abi.encodePacked(r, s, v));
        _run(plan, _damaged(Plans.encode(plan), damage, 0));
    }

    /// @dev A maker's quote, new or used before.
    function quoted(uint256 from, uint128 amount, bool again) external {
        from = bound(from, 0, 1);
        Plan memory plan = _base(from, amount);
        Quote memory quote = _quote(plan, again && _quotes != 0 ? _quotes - 1 : _quotes++);
        plan.legs = Plans.rfq(0, 1, Plans.all(), quote, _sign(quote));
        uint256 used = _things.settlement.usedNonces(_things.maker, quote.nonce >> 8);
        bool fresh = used & (1 << (quote.nonce & 0xff)) == 0;
        if (_run(plan, Plans.encode(plan))) {
            _ledger.countFill(quote.nonce);
            _ledger.note("nonceUsedOnce", fresh);
        }
    }

    function cancel(uint8 ahead) external {
        vm.prank(_things.maker);
        _things.settlement.cancel(_quotes + ahead % 4);
    }

    /// @dev A token that takes a fee, or one that returns nothing, in either direction: refused by name or within bounds.
    function tradeOdd(bool fee, bool sells, uint128 amount, bool concentrated) external {
        Plan memory plan = _base(0, amount);
        address odd = _things.tokens[fee ? 4 : 3];
        (plan.tokens[0], plan.tokens[1]) = sells ? (odd, _things.tokens[0]) : (_things.tokens[0], odd);
        plan.legs = concentrated ? Plans.v3(0, 1, Plans.all(), 0, 3000) : Plans.v2(0, 1, Plans.exact(plan.amountIn), 0);
        _run(plan, Plans.encode(plan));
    }

    function _base(uint256 from, uint128 amount) private view returns (Plan memory plan) {
        plan.deadline = uint40(block.timestamp);
        plan.tokens = new address[](3);
        (plan.tokens[0], plan.tokens[1], plan.tokens[2]) =
        (_things.tokens[from], _things.tokens[1 - from], _things.tokens[2]);
        plan.amountIn = uint128(bound(amount, 1e6, 1000e18));
        plan.minOut = 1;
    }

    /// @dev Everything that the plan's head promises, looked up in balances.
    function _run(Plan memory plan, bytes memory packed) private returns (bool success) {
        (address sold, address bought) = (plan.tokens[0], plan.tokens[1]);
        uint256[4] memory before = [_held(sold), _held(bought), _owned(sold), _owned(bought)];
        (bytes32 digest, bytes32 others) = (_digest(), _others());
        bytes memory answer;
        vm.prank(_things.owner);
        (success, answer) = address(_things.executor).call(packed);
        _ledger.count(success);
        _probe();
        _ledger.note(ONLY_OWNER_PAYS, others == _others());
        if (!success) {
            _ledger.note(REVERT_EQUAL, digest == _digest());
            return false;
        }
        _ledger.note(PAUSE, !_things.executor.paused());
        (uint256 spent, uint256 received) = abi.decode(answer, (uint256, uint256));
        (uint256 sum, uint256 sumBought) = (before[0] + before[2], before[1] + before[3]);
        _ledger.note(NET_DELTA, spent <= plan.amountIn && sum - _held(sold) - _owned(sold) == spent);
        _ledger.note(NET_DELTA, received >= plan.minOut && _held(bought) + _owned(bought) - sumBought == received);
        if (plan.flags & (FLAG_PULL | FLAG_PERMIT) != 0) _ledger.note(RESIDUAL_BALANCE, _held(sold) == before[0]);
        if (plan.flags & (FLAG_DELIVER | FLAG_PERMIT) != 0) _ledger.note(RESIDUAL_BALANCE, _held(bought) == before[1]);
    }

    /// @dev Only what stands from `start` on: the head says what is checked afterwards. Of a permitted plan everything may
    /// be damaged, as then nothing runs.
    function _damaged(bytes memory packed, uint256 damage, uint256 start) private pure returns (bytes memory) {
        if (damage % 4 != 0) return packed;
        damage >>= 2;
        packed[start + (damage >> 3) % (packed.length - start)] ^= bytes1(uint8(1 << (damage % 8)));
        return packed;
    }

    function _legs(uint256 shape, uint32 share, uint8 from, uint128 amount) private view returns (bytes memory) {
        if (shape == 0) return Plans.v2(0, 1, Plans.share(share), 0);
        if (shape == 1) return Plans.v3(0, 1, Plans.share(share), 0, 3000);
        if (shape == 2) return Plans.v4(0, 1, Plans.all(), 3000, 60, false);
        if (shape == 3) return Plans.v3(0, 1, Plans.all(), 0, 3000);
        if (shape == 4) return Plans.solidly(0, 1, Plans.share(share), 1, true);
        if (shape == 5) return Plans.exactOut(0, 1, amount / 2, abi.encodePacked(uint8(0), uint24(3000)), "");
        if (shape == 6) {
            return
                Plans.exactOut(
                    0, 1, amount / 3, abi.encodePacked(uint8(0), uint24(3000), uint8(0), uint24(3000)), hex"02"
                );
        }
        if (shape == 7) {
            return
                abi.encodePacked(
                    Plans.hand(Plans.v2(0, 2, Plans.share(share), 0)), Plans.v3(2, 1, Plans.all(), 0, 3000)
                );
        }
        bytes memory first = Plans.curve(0, 1, Plans.share(share), _things.curve, from, 1 - from, shape == 8);
        if (shape == 8) return abi.encodePacked(first, Plans.v2(0, 1, Plans.all(), 0));
        return abi.encodePacked(first, Plans.v2(0, 2, Plans.all(), 0), Plans.v3(2, 1, Plans.all(), 0, 3000));
    }

    function _approve(address token, uint256 amount) private {
        vm.prank(_things.owner);
        IERC20(token).approve(address(_things.executor), amount);
    }

    function _quote(Plan memory plan, uint256 nonce) private view returns (Quote memory) {
        return Quote({
            maker: _things.maker,
            taker: address(_things.executor),
            makerToken: plan.tokens[1],
            takerToken: plan.tokens[0],
            makerAmount: plan.amountIn,
            takerAmount: plan.amountIn,
            expiry: plan.deadline,
            nonce: nonce,
            partialFillAllowed: false
        });
    }

    function _sign(Quote memory quote) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_things.makerKey, _things.settlement.quoteDigest(quote));
        return abi.encodePacked(r, s, v);
    }
}
