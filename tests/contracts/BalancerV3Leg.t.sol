// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_BALANCER_V3} from "contracts/types/Plan.sol";

import {GreedyBalancerV3Vault, PlainBalancerV3Vault} from "./mocks/PlainBalancerV3Vault.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plans} from "./support/Plans.sol";

/// @notice Balancer v3's pools, against a vault that accounts as the published one does.
contract BalancerV3LegTest is FurtherChain {
    uint128 internal constant AMOUNT = 1000e18;

    PlainBalancerV3Vault internal vault;
    address internal pool = makeAddr("pool");

    function setUp() public override {
        super.setUp();
        _hire(new PlainBalancerV3Vault());
    }

    function test_a_swap_settles_the_vault_without_an_allowance() public {
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)));
        assertEq(spent, AMOUNT);
        assertEq(received, uint256(AMOUNT) * 997 / 1000);
        assertEq(_balance(a, address(vault)), DEPTH + AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), address(vault)), 0);
    }

    function test_two_swaps_follow_each_other() public {
        bytes memory legs = abi.encodePacked(
            FurtherPlans.balancerV3(0, 2, Plans.share(1 << 31), pool), FurtherPlans.balancerV3(2, 1, Plans.all(), pool)
        );
        _mint(c, address(vault), DEPTH);
        vault.sync(c);
        (uint256 spent, uint256 received) = _run(_planVia(a, b, c, AMOUNT, legs));
        assertEq(spent, AMOUNT / 2);
        assertEq(received, uint256(AMOUNT) / 2 * 997 / 1000 * 997 / 1000);
    }

    function test_the_vaults_own_refusal_is_passed_on() public {
        _refuses(
            _plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), desk)),
            abi.encodeWithSelector(PlainBalancerV3Vault.PoolNotRegistered.selector, desk)
        );
    }

    function test_a_swap_that_takes_more_than_the_leg_sells_is_refused() public {
        _hire(new GreedyBalancerV3Vault());
        _mint(a, address(executor), AMOUNT);
        _refuses(
            _plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)),
            abi.encodeWithSelector(IExecutor.AmountOverflow.selector, 2 * AMOUNT)
        );
    }

    function test_a_chain_without_the_vault_refuses() public {
        IAnnex.Places memory none;
        _settle(none);
        _refuses(
            _plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)),
            abi.encodeWithSelector(IExecutor.VenueUnknown.selector, LEG_BALANCER_V3, 0)
        );
    }

    function _hire(PlainBalancerV3Vault vault_) private {
        vault = vault_;
        vault.register(pool);
        _mint(a, address(vault), DEPTH);
        _mint(b, address(vault), DEPTH);
        vault.sync(a);
        vault.sync(b);
        IAnnex.Places memory known;
        known.balancerV3Vault = address(vault);
        _settle(known);
        _mint(a, address(executor), AMOUNT);
    }
}
