// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISafeModule} from "contracts/interfaces/ISafeModule.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_FLASH, LEG_V2, LENDER_BALANCER_V2} from "contracts/types/Plan.sol";

import {GreedyCurvePool} from "../mocks/HostilePools.sol";
import {RogueLender} from "../mocks/Lenders.sol";
import {FurtherPlans} from "../support/FurtherPlans.sol";
import {Plans} from "../support/Plans.sol";
import {Attack} from "./Attack.sol";
import {PlainSafe} from "./OperatorAttack.sol";

/// @notice Rights that are checked on the outer call and not on those within (Zodiac's Roles, 2023): an operator of a Safe,
/// limited to selling A, borrows one unit and has a plan within the loan sell C to a pool of its own. The executor runs that
/// plan for the Safe, its owner. Here the module refuses plans that borrow.
contract OperatorInALoanTest is Attack {
    PlainSafe internal safe;
    ISafeModule internal module;
    RogueLender internal lender;
    GreedyCurvePool internal pool;
    address internal operator = makeAddr("operator");

    function setUp() public override {
        lender = new RogueLender();
        places.balancerV2Vault = address(lender);
        super.setUp();
        _pair(a, b);
        _pair(c, a);
        _mint(a, address(lender), AMOUNT);
        _mint(c, address(executor), AMOUNT);
        pool = new GreedyCurvePool(c);
        safe = new PlainSafe();
        module = ISafeModule(vm.deployCode(_code("SafeModule"), abi.encode(address(safe), address(executor))));
        vm.prank(desk);
        executor.offerOwnership(address(safe));
        vm.prank(address(safe));
        executor.acceptOwnership();
        vm.prank(address(safe));
        module.grantOperator(operator, _terms());
    }

    /// @dev It may sell A for B at the venue 0 of pairs, and the Safe was even talked into granting loans.
    function _terms() private view returns (ISessions.Grant memory terms) {
        terms.expiry = NOW + 30 days;
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_FLASH));
        terms.mostLossBps = 10_000;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_FLASH), bytes32(uint256(uint160(address(lender)))));
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(a, AMOUNT / 10, 1 days);
        terms.rises = new address[](1);
        terms.rises[0] = b;
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        if (_isOff(address(executor), 35)) _turnOff(address(module), 1 << 35);
        // All but a little of it for nothing, and that little for what makes the plan worth something.
        bytes memory legs = abi.encodePacked(
            Plans.curve(0, 1, Plans.exact(AMOUNT - 1e6), address(pool), 0, 1, false), Plans.v2(0, 1, Plans.all(), 0)
        );
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(c, a, AMOUNT, legs));
        bytes memory loan = FurtherPlans.flash(0, 1, Plans.exact(1), address(lender), LENDER_BALANCER_V2, 1, plans);
        bytes memory outer =
            Plans.encode(_plan(a, b, AMOUNT / 100, abi.encodePacked(loan, Plans.v2(0, 1, Plans.all(), 0))));
        vm.prank(operator);
        return address(module).call(abi.encodeCall(module.run, (outer)));
    }

    /// @dev C was never the operator's to sell.
    function _loot() internal view override returns (uint256) {
        return _balance(c, address(pool));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(ISafeModule.LoanRefused.selector, 82);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 35;
    }

    function test_a_loan_is_found_behind_other_legs_and_in_any_mode() public {
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(c, a, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        bytes memory loan = FurtherPlans.flash(0, 1, Plans.all(), address(lender), LENDER_BALANCER_V2, 1, plans);
        bytes memory first = Plans.v2(0, 1, Plans.share(1 << 31), 0);
        bytes memory outer = Plans.encode(_plan(a, b, AMOUNT / 100, abi.encodePacked(first, Plans.hand(loan))));
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ISafeModule.LoanRefused.selector, 82 + first.length));
        module.run(outer);
    }
}
