// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20, ITokenErrors} from "contracts/interfaces/IERC20.sol";
import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IRfqSettlement, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {FLAG_DELIVER, FLAG_PULL} from "contracts/types/Plan.sol";

import {MockSolidlyPool} from "../mocks/MockSolidly.sol";
import {IExecutorUnderTest, Sending} from "../support/IExecutorUnderTest.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {BlocklistToken, FalseToken, FeeToken, RebasingToken, SurchargeToken} from "../tokens/HostileTokens.sol";
import {Attack} from "./Attack.sol";

/// @notice Fees on transfer, rebasing, no answer, an allowance that must be zero first. Here balances are measured, and
/// each kind is either dealt with or refused by name.
contract OddTokensTest is Attack {
    using Sending for IExecutorUnderTest;

    address internal token;

    function setUp() public override {
        super.setUp();
        token = address(new SurchargeToken());
        _pair(token, b);
        _mint(token, address(executor), uint256(AMOUNT) * 2);
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        // More than the leg's amount leaves the account.
        return _sendAs(desk, Plans.encode(_plan(token, b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(token, address(0xfee));
    }

    function _refusal() internal view override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.Overspent.selector, token, uint256(AMOUNT) * 101 / 100, AMOUNT);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 19;
    }

    function test_a_rebase_in_the_middle_of_a_plan_counts_against_its_bound() public {
        RebasingToken odd = new RebasingToken();
        _pair(address(odd), b);
        _mint(address(odd), address(executor), uint256(AMOUNT) * 3);
        odd.shrink(address(executor), 500);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory amount = i == 0 ? Plans.all() : Plans.exact(AMOUNT);
            _expect(
                _plan(address(odd), b, AMOUNT, Plans.v2(0, 1, amount, 0)),
                abi.encodeWithSelector(IExecutor.Overspent.selector, odd, uint256(AMOUNT) * 2, AMOUNT)
            );
        }
    }

    function test_a_blocked_account_stops_its_own_plan_and_nothing_stays() public {
        BlocklistToken odd = new BlocklistToken();
        address pair = _pair(address(odd), b);
        _mint(address(odd), address(executor), AMOUNT);
        address[2] memory blocked = [pair, address(executor)];
        for (uint256 i = 0; i < 2; ++i) {
            odd.setBlocked(blocked[i], true);
            _expect(
                _plan(address(odd), b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
                abi.encodeWithSelector(BlocklistToken.Blocked.selector, blocked[i])
            );
            odd.setBlocked(blocked[i], false);
        }
        assertEq(_balance(address(odd), address(executor)), AMOUNT);
    }

    function test_a_fee_on_transfer_is_named_by_every_family() public {
        address fee = address(new FeeToken());
        _mint(fee, address(executor), AMOUNT);
        _pair(fee, b);
        FeeToken(fee).setCharging(false);
        _v3Pool(fee, b);
        _v4Pool(fee, b);
        FeeToken(fee).setCharging(true);
        uint256 kept = uint256(AMOUNT) * 99 / 100;
        _expect(
            _plan(fee, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, kept)
        );
        _expect(
            _plan(fee, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 0, FEE)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, 0)
        );
        _expect(
            _plan(fee, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, kept)
        );
        address solidly = solidlyFactory.createPool(fee, b, false);
        _mint(b, solidly, DEPTH);
        MockSolidlyPool(solidly).sync();
        _expect(
            _plan(fee, b, AMOUNT, Plans.solidly(0, 1, Plans.all(), 1, false)),
            abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, kept)
        );
        Quote memory quote = _quote(b, fee, AMOUNT);
        _expect(
            _plan(fee, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))),
            abi.encodeWithSelector(IRfqSettlement.MakerUnderpaid.selector, fee, AMOUNT, kept)
        );
    }

    function test_a_fee_on_transfer_is_named_when_funds_are_pulled() public {
        address fee = address(new FeeToken());
        _mint(fee, desk, AMOUNT);
        vm.prank(desk);
        IERC20(fee).approve(address(executor), AMOUNT);
        Plan memory plan = _plan(fee, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_PULL);
        _expect(
            plan, abi.encodeWithSelector(ITokenErrors.FeeOnTransfer.selector, fee, AMOUNT, uint256(AMOUNT) * 99 / 100)
        );
    }

    function test_a_fee_on_the_token_bought_counts_against_the_minimum() public {
        address fee = address(new FeeToken());
        _pair(a, fee);
        Plan memory plan = _plan(a, fee, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.minOut = AMOUNT * 99 / 100;
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.MinOutMissed.selector);
        executor.execute(packed);
    }

    function test_a_fee_on_delivery_counts_against_the_minimum() public {
        address fee = address(new FeeToken());
        _pair(a, fee);
        Plan memory plan = _plan(a, fee, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        plan.flags = uint8(FLAG_DELIVER);
        plan.minOut = AMOUNT * 985 / 1000;
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectPartialRevert(IExecutor.MinOutMissed.selector);
        executor.execute(packed);
    }

    function test_a_token_that_charges_its_sender_cannot_overspend() public {
        token = address(new SurchargeToken());
        _pair(token, b);
        _mint(token, address(executor), uint256(AMOUNT) * 2);
        _expect(
            _plan(token, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(IExecutor.Overspent.selector, token, uint256(AMOUNT) * 101 / 100, AMOUNT)
        );
    }

    function test_a_token_that_answers_false_is_refused() public {
        token = address(new FalseToken());
        address pair = _pair(token, b);
        _mint(token, address(executor), AMOUNT);
        _expect(
            _plan(token, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ITokenErrors.TransferFailed.selector, token, pair, AMOUNT)
        );
    }

    function test_an_address_without_code_is_no_token() public {
        _expect(
            _plan(stranger, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(ITokenErrors.NotAToken.selector, stranger)
        );
    }
}
