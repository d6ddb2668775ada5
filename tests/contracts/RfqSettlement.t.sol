// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IRfqSettlement, IRfqTaker, Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {TokenCalls} from "contracts/libraries/TokenCalls.sol";

import {ContractMaker} from "./mocks/ContractMaker.sol";
import {Chain} from "./support/Chain.sol";

contract RfqSettlementTest is Chain, IRfqTaker {
    using TokenCalls for address;

    uint256 internal constant AMOUNT = 1000e18;
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @dev How this taker behaves when asked to pay.
    uint256 internal shortfall;
    bytes internal reentry;
    /// @dev Another settlement, on which this taker fills another of the maker's quotes instead of paying the first.
    IRfqSettlement internal second;
    Quote internal elsewhere;
    bytes internal elsewhereSignature;

    function setUp() public override {
        super.setUp();
        _mint(a, address(this), AMOUNT);
    }

    function rfqPay(address token, address to, uint256 amount) external {
        if (address(second) != address(0) && msg.sender == address(settlement)) {
            second.fill(elsewhere, elsewhereSignature, amount);
            return;
        }
        require(msg.sender == address(settlement) || msg.sender == address(second), "only a settlement");
        if (reentry.length != 0) {
            (bool success, bytes memory reason) = address(settlement).call(reentry);
            require(!success, "entered twice");
            assertEq(reason, abi.encodeWithSelector(IRfqSettlement.Reentered.selector));
        }
        token.send(to, amount - shortfall);
    }

    function test_a_fill_swaps_both_sides_once() public {
        Quote memory quote = _mine();
        quote.makerAmount = 777e18;
        uint256 paid = settlement.fill(quote, _sign(quote), AMOUNT);
        assertEq(paid, 777e18);
        assertEq(_balance(b, address(this)), 777e18);
        assertEq(_balance(a, address(this)), 0);
        assertEq(_balance(a, address(settlement)) + _balance(b, address(settlement)), 0);
        assertEq(settlement.usedNonces(maker, 0), 1 << quote.nonce);
        _expect(quote, AMOUNT, abi.encodeWithSelector(IRfqSettlement.NonceUsed.selector, maker, quote.nonce));
    }

    function test_a_payment_due_elsewhere_does_not_pay_this_quote() public {
        second = IRfqSettlement(vm.deployCode("RfqSettlement.sol:RfqSettlement"));
        _mint(b, maker, AMOUNT);
        vm.prank(maker);
        IERC20(b).approve(address(second), type(uint256).max);
        elsewhere = _mine();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(makerKey, second.quoteDigest(elsewhere));
        elsewhereSignature = abi.encodePacked(r, s, v);
        Quote memory quote = _mine();
        quote.nonce += 1;
        _expect(quote, AMOUNT, abi.encodeWithSelector(IRfqSettlement.MakerUnderpaid.selector, a, AMOUNT, 0));
    }

    function test_a_partial_fill_rounds_the_makers_side_down(uint128 makerAmount, uint128 takerAmount, uint128 fill)
        public
    {
        Quote memory quote = _mine();
        quote.partialFillAllowed = true;
        quote.takerAmount = bound(takerAmount, 1, AMOUNT);
        quote.makerAmount = bound(makerAmount, 0, DEPTH);
        uint256 amount = bound(fill, 1, quote.takerAmount);
        uint256 paid = settlement.fill(quote, _sign(quote), amount);
        assertLe(paid * quote.takerAmount, quote.makerAmount * amount);
        assertGt((paid + 1) * quote.takerAmount, quote.makerAmount * amount);
    }

    function test_only_the_named_taker_may_fill() public {
        Quote memory quote = _mine();
        quote.taker = desk;
        _expect(quote, AMOUNT, abi.encodeWithSelector(IRfqSettlement.NotTaker.selector, address(this), desk));
    }

    function test_a_quote_holds_through_its_last_second_only() public {
        Quote memory quote = _mine();
        vm.warp(quote.expiry + 1);
        _expect(
            quote, AMOUNT, abi.encodeWithSelector(IRfqSettlement.QuoteExpired.selector, quote.expiry, quote.expiry + 1)
        );
        vm.warp(quote.expiry);
        assertEq(settlement.fill(quote, _sign(quote), AMOUNT), AMOUNT);
    }

    function test_a_part_is_refused_unless_the_maker_allows_it() public {
        Quote memory quote = _mine();
        uint256[3] memory amounts = [uint256(0), AMOUNT - 1, AMOUNT + 1];
        for (uint256 i = 0; i < 3; ++i) {
            _expect(quote, amounts[i], _badFill(amounts[i], false));
        }
        quote.partialFillAllowed = true;
        _expect(quote, 0, _badFill(0, true));
        _expect(quote, AMOUNT + 1, _badFill(AMOUNT + 1, true));
    }

    function test_every_field_is_signed(uint256 field) public {
        Quote memory quote = _mine();
        quote.partialFillAllowed = true;
        bytes memory signature = _sign(quote);
        field = bound(field, 0, 5);
        if (field == 0) (quote.makerToken, quote.takerToken) = (quote.takerToken, quote.makerToken);
        else if (field == 1) quote.makerAmount += 1;
        else if (field == 2) quote.takerAmount += 1;
        else if (field == 3) quote.expiry += 1;
        else if (field == 4) quote.nonce += 1;
        else quote.partialFillAllowed = false;
        uint256 amount = field == 5 ? AMOUNT : 1;
        vm.expectRevert(abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, maker));
        settlement.fill(quote, signature, amount);
    }

    function test_the_signature_is_for_this_chain_and_contract() public {
        Quote memory quote = _mine();
        bytes memory signature = _sign(quote);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, maker));
        settlement.fill(quote, signature, AMOUNT);
    }

    function test_the_high_s_twin_and_damaged_signatures_are_refused() public {
        Quote memory quote = _mine();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(makerKey, settlement.quoteDigest(quote));
        bytes[5] memory signatures = [
            abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27)),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s),
            abi.encodePacked(r, s, v, uint8(0)),
            bytes("")
        ];
        for (uint256 i = 0; i < signatures.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, maker));
            settlement.fill(quote, signatures[i], AMOUNT);
        }
    }

    function test_nobody_can_sign_for_the_zero_address() public {
        Quote memory quote = _mine();
        quote.maker = address(0);
        vm.expectRevert(abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, address(0)));
        settlement.fill(quote, abi.encodePacked(bytes32(0), bytes32(0), uint8(27)), AMOUNT);
    }

    function test_a_contract_signs_by_erc1271(bytes calldata signature) public {
        ContractMaker wallet = new ContractMaker(b, address(settlement));
        _mint(b, address(wallet), AMOUNT);
        Quote memory quote = _mine();
        quote.maker = address(wallet);
        wallet.approve(settlement.quoteDigest(quote), signature);
        if (signature.length != 0) {
            vm.expectRevert(abi.encodeWithSelector(IRfqSettlement.BadSignature.selector, address(wallet)));
            settlement.fill(quote, "", AMOUNT);
        }
        assertEq(settlement.fill(quote, signature, AMOUNT), AMOUNT);
    }

    function test_a_cancelled_nonce_cannot_be_filled(uint256 nonce) public {
        Quote memory quote = _mine();
        quote.nonce = nonce;
        vm.prank(maker);
        settlement.cancel(nonce);
        assertEq(settlement.usedNonces(maker, nonce >> 8), 1 << (nonce & 0xff));
        _expect(quote, AMOUNT, abi.encodeWithSelector(IRfqSettlement.NonceUsed.selector, maker, nonce));
    }

    function test_anothers_nonce_stays_usable() public {
        Quote memory quote = _mine();
        settlement.cancel(quote.nonce);
        assertEq(settlement.fill(quote, _sign(quote), AMOUNT), AMOUNT);
    }

    function test_a_taker_that_pays_short_is_refused() public {
        shortfall = 1;
        _expect(_mine(), AMOUNT, abi.encodeWithSelector(IRfqSettlement.MakerUnderpaid.selector, a, AMOUNT, AMOUNT - 1));
    }

    function test_a_taker_cannot_enter_twice() public {
        Quote memory quote = _mine();
        reentry = abi.encodeCall(settlement.fill, (quote, _sign(quote), AMOUNT));
        assertEq(settlement.fill(quote, _sign(quote), AMOUNT), AMOUNT);
    }

    function test_a_quote_of_zero_or_beyond_128_bits_is_refused() public {
        Quote memory quote = _mine();
        quote.takerAmount = 0;
        _expect(quote, 0, abi.encodeWithSelector(IRfqSettlement.BadQuote.selector, AMOUNT, 0));
        quote.takerAmount = 1 << 128;
        _expect(quote, 1 << 128, abi.encodeWithSelector(IRfqSettlement.BadQuote.selector, AMOUNT, 1 << 128));
    }

    function test_a_maker_without_the_tokens_keeps_the_takers_safe() public {
        Quote memory quote = _mine();
        uint256 held = _balance(b, maker);
        vm.prank(maker);
        IERC20(b).transfer(desk, held);
        bytes memory signature = _sign(quote);
        vm.expectRevert();
        settlement.fill(quote, signature, AMOUNT);
        assertEq(_balance(a, address(this)), AMOUNT);
        assertEq(settlement.usedNonces(maker, 0), 0);
    }

    function _mine() private view returns (Quote memory quote) {
        quote = _quote(b, a, AMOUNT);
        quote.taker = address(this);
    }

    function _badFill(uint256 amount, bool allowed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRfqSettlement.BadFillAmount.selector, amount, AMOUNT, allowed);
    }

    function _expect(Quote memory quote, uint256 amount, bytes memory refusal) private {
        bytes memory signature = _sign(quote);
        vm.expectRevert(refusal);
        settlement.fill(quote, signature, amount);
    }
}
