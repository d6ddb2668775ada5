// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";
import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LEG_WRAP} from "contracts/types/Plan.sol";

import {HalfHeartedVault, LyingVault, PlainVault} from "./mocks/Vaults.sol";
import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plan, Plans} from "./support/Plans.sol";

/// @notice The native coin and its wrapper, vaults of ERC-4626.
contract ConversionLegsTest is FurtherChain {
    uint128 internal constant AMOUNT = 1000e18;

    PlainVault internal vault;

    function setUp() public override {
        super.setUp();
        vault = new PlainVault(a);
        _mint(a, address(executor), AMOUNT);
        vm.deal(address(executor), AMOUNT);
    }

    function test_the_native_coin_is_wrapped_one_for_one() public {
        (uint256 spent, uint256 received) =
            _run(_plan(address(0), weth, AMOUNT / 2, FurtherPlans.wrap(0, 1, Plans.all())));
        assertEq(spent, AMOUNT / 2);
        assertEq(received, AMOUNT / 2);
        assertEq(address(executor).balance, AMOUNT / 2);
        assertEq(_balance(weth, address(executor)), AMOUNT / 2);
    }

    function test_the_wrapper_is_unwrapped_one_for_one() public {
        _mint(weth, address(executor), AMOUNT);
        (uint256 spent, uint256 received) =
            _run(_plan(weth, address(0), AMOUNT, FurtherPlans.wrap(0, 1, Plans.exact(AMOUNT / 4))));
        assertEq(spent, AMOUNT / 4);
        assertEq(received, AMOUNT / 4);
        assertEq(address(executor).balance, AMOUNT + AMOUNT / 4);
    }

    function test_what_was_wrapped_is_sold_on_and_the_rest_unwrapped() public {
        _v3Pool(weth, a);
        Plan memory plan = _planVia(
            address(0),
            a,
            weth,
            AMOUNT,
            abi.encodePacked(
                FurtherPlans.wrap(0, 2, Plans.all()),
                Plans.v3(2, 1, Plans.share(1 << 31), 0, FEE),
                FurtherPlans.wrap(2, 0, Plans.all())
            )
        );
        (uint256 spent, uint256 received) = _run(plan);
        assertEq(spent, AMOUNT / 2);
        assertGt(received, AMOUNT / 2 * 99 / 100);
        assertEq(_balance(weth, address(executor)), 0);
    }

    function test_wrapping_of_anything_else_is_refused() public {
        bytes memory leg = FurtherPlans.wrap(0, 1, Plans.all());
        _refuses(_plan(a, weth, AMOUNT, leg), abi.encodeWithSelector(IExecutor.NotNative.selector, a, weth));
        _refuses(_plan(weth, a, AMOUNT, leg), abi.encodeWithSelector(IExecutor.NotNative.selector, weth, a));
        _refuses(_plan(address(0), a, AMOUNT, leg), abi.encodeWithSelector(IExecutor.NotNative.selector, 0, a));
    }

    function test_wrapping_takes_no_particulars() public {
        bytes memory leg = FurtherPlans.leg(LEG_WRAP, 0, 1, Plans.all(), hex"00");
        _refuses(
            _plan(address(0), weth, AMOUNT, leg), abi.encodeWithSelector(IAnnex.BadParticulars.selector, LEG_WRAP, 1)
        );
    }

    function test_more_native_coin_than_may_fall_is_not_spent() public {
        bytes memory leg = FurtherPlans.wrap(0, 1, Plans.exact(AMOUNT));
        _refuses(
            _plan(address(0), weth, AMOUNT / 2, leg),
            abi.encodeWithSelector(IExecutor.AmountAboveAvailable.selector, 8 + 2 * 37, AMOUNT, AMOUNT / 2)
        );
    }

    function test_a_deposit_gives_shares_and_leaves_no_allowance() public {
        (uint256 spent, uint256 received) =
            _run(_plan(a, address(vault), AMOUNT, FurtherPlans.vault(0, 1, Plans.all(), address(vault))));
        assertEq(spent, AMOUNT);
        assertEq(received, AMOUNT);
        assertEq(vault.balanceOf(address(executor)), AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), address(vault)), 0);
    }

    function test_shares_are_redeemed_for_what_they_have_become_worth() public {
        _run(_plan(a, address(vault), AMOUNT, FurtherPlans.vault(0, 1, Plans.all(), address(vault))));
        _mint(a, address(vault), AMOUNT);
        Plan memory plan =
            _plan(address(vault), a, AMOUNT, FurtherPlans.vault(0, 1, Plans.exact(AMOUNT / 2), address(vault)));
        (uint256 spent, uint256 received) = _run(plan);
        assertEq(spent, AMOUNT / 2);
        assertApproxEqAbs(received, AMOUNT, 1);
        assertEq(_balance(a, address(executor)), received);
    }

    function test_a_vault_that_is_neither_of_the_tokens_is_refused() public {
        bytes memory leg = FurtherPlans.vault(0, 1, Plans.all(), address(vault));
        _refuses(_plan(a, b, AMOUNT, leg), abi.encodeWithSelector(IAnnex.VaultNotTraded.selector, address(vault)));
    }

    function test_a_vault_that_takes_less_keeps_no_allowance() public {
        HalfHeartedVault half = new HalfHeartedVault(a);
        (uint256 spent, uint256 received) =
            _run(_plan(a, address(half), AMOUNT, FurtherPlans.vault(0, 1, Plans.all(), address(half))));
        assertEq(spent, AMOUNT / 2);
        assertEq(received, AMOUNT);
        assertEq(IERC20(a).allowance(address(executor), address(half)), 0);
    }

    function test_a_vault_is_believed_nothing() public {
        LyingVault lying = new LyingVault();
        bytes memory leg = FurtherPlans.vault(0, 1, Plans.all(), address(lying));
        _refuses(_plan(a, address(lying), AMOUNT, leg), abi.encodeWithSelector(IExecutor.MinOutMissed.selector, 0, 1));
    }

    function test_a_token_without_answers_is_deposited_and_redeemed() public {
        vault = new PlainVault(silent);
        _mint(silent, address(executor), AMOUNT);
        _run(_plan(silent, address(vault), AMOUNT, FurtherPlans.vault(0, 1, Plans.all(), address(vault))));
        _run(_plan(address(vault), silent, AMOUNT, FurtherPlans.vault(0, 1, Plans.all(), address(vault))));
        assertEq(_balance(silent, address(executor)), AMOUNT);
    }
}
