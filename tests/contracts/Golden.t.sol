// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAnnex} from "contracts/interfaces/IParts.sol";
import {Quote} from "contracts/interfaces/IRfqSettlement.sol";
import {LEG_CALL, LEG_PAYOUT, LENDER_BALANCER_V3} from "contracts/types/Plan.sol";

import {MockSolidlyPool} from "./mocks/MockSolidly.sol";
import {Counter} from "./mocks/Targets.sol";
import {PlainVault} from "./mocks/Vaults.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {PlanReader} from "./support/PlanReader.sol";
import {Plan, Plans} from "./support/Plans.sol";
import {Published} from "./support/Published.sol";

/// @notice Golden calldata in both directions. `from_python.json` is written by the Python encoder (its test regenerates
/// and compares it) and decoded here. `from_solidity.json` holds calls that were executed here against real pools; the
/// Python decoder must read them and encode them back to the same bytes. WRITE_GOLDEN=1 rewrites the latter.
contract GoldenTest is Published {
    string internal constant FROM_PYTHON = "tests/contracts/golden/from_python.json";
    string internal constant FROM_SOLIDITY = "tests/contracts/golden/from_solidity.json";
    uint128 internal constant AMOUNT = 1000e18;

    string internal executed;

    function test_plans_encoded_in_python_decode_to_the_same_fields() public {
        PlanReader reader = new PlanReader();
        string memory json = vm.readFile(FROM_PYTHON);
        bytes[] memory calls = vm.parseJsonBytesArray(json, ".calldata");
        bytes[] memory fields = vm.parseJsonBytesArray(json, ".fields");
        assertGt(calls.length, 10);
        assertEq(calls.length, fields.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool success, bytes memory read) = address(reader).call(calls[i]);
            assertTrue(success, vm.toString(i));
            assertEq(read, fields[i], vm.toString(i));
        }
    }

    function test_what_was_executed_is_what_the_python_decoder_is_given() public {
        _needsPublished();
        _pair(a, b);
        _v3Pool(a, b);
        _v4Pool(a, b);
        _v4Pool(address(0), a);
        _pair(a, c);
        _v3Pool(c, b);
        address curve = _curvePool(a, b);
        address solidly = solidlyFactory.createPool(a, b, true);
        _mint(a, solidly, DEPTH);
        _mint(b, solidly, DEPTH);
        MockSolidlyPool(solidly).sync();
        _mint(a, address(executor), 100 * uint256(AMOUNT));
        Quote memory quote = _quote(b, a, AMOUNT);

        _record("v2", _plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        _record("v3", _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.exact(AMOUNT), 0, FEE)));
        _record("v4", _plan(a, b, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, false)));
        _record("v4 native", _plan(a, weth, AMOUNT, Plans.v4(0, 1, Plans.all(), FEE, SPACING, true)));
        _record("curve stable", _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), curve, 0, 1, false)));
        _record("curve crypto", _plan(a, b, AMOUNT, Plans.curve(0, 1, Plans.all(), curve, 0, 1, true)));
        _record("solidly", _plan(a, b, AMOUNT, Plans.solidly(0, 1, Plans.all(), 1, true)));
        _record("maker quote", _plan(a, b, AMOUNT, Plans.rfq(0, 1, Plans.all(), quote, _sign(quote))));
        bytes memory legs = abi.encodePacked(
            Plans.v2(0, 1, Plans.share(1 << 30), 0),
            Plans.v2(0, 2, Plans.share(1 << 31), 0),
            Plans.v3(2, 1, Plans.all(), 0, FEE),
            Plans.v3(0, 1, Plans.all(), 0, FEE)
        );
        _record("split with two hops", _planVia(a, b, c, AMOUNT, legs));
        legs = abi.encodePacked(Plans.hand(Plans.v2(0, 2, Plans.all(), 0)), Plans.v3(2, 1, Plans.all(), 0, FEE));
        _record("handed on", _planHanding(a, b, c, AMOUNT, legs));

        _recordFurther();

        string memory json = string.concat("{\n", executed, "\n}\n");
        if (vm.envOr("WRITE_GOLDEN", false)) vm.writeFile(FROM_SOLIDITY, json);
        assertEq(
            vm.readFile(FROM_SOLIDITY), json, "run forge test with WRITE_GOLDEN=1 if the layout was meant to change"
        );
    }

    function _recordFurther() private {
        _startBalancerV3();
        address pool = _weightedPool(a, b, DEPTH);
        IAnnex.Places memory known;
        (known.balancerV3Vault, known.spokePool) = (balancerV3, _startAcross(a, 10));
        _settle(known);
        (PlainVault vault, Counter counter) = (new PlainVault(a), new Counter());
        _mint(b, address(counter), DEPTH);
        _mint(a, address(executor), 100 * uint256(AMOUNT));
        _mint(weth, address(executor), AMOUNT);
        _list(LEG_PAYOUT, maker, 0);
        _list(LEG_CALL, address(counter), Counter.trade.selector);

        _record("unwrap", _plan(weth, address(0), AMOUNT, FurtherPlans.wrap(0, 1, Plans.all())));
        _record("wrap", _plan(address(0), weth, AMOUNT, FurtherPlans.wrap(0, 1, Plans.all())));
        bytes memory leg = FurtherPlans.vault(0, 1, Plans.all(), address(vault));
        _record("deposit", _plan(a, address(vault), AMOUNT, leg));
        _record("redeem", _plan(address(vault), a, AMOUNT, leg));
        _record("balancer v3", _plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)));
        _record("payout", _planLeaving(a, a, AMOUNT, AMOUNT, FurtherPlans.payout(0, 1, Plans.all(), maker)));
        FurtherPlans.Deposit memory deposit =
            FurtherPlans.Deposit(address(executor), b, 990e18, 10, maker, uint32(NOW) - 60, uint32(NOW) + 60, 30);
        _record("across", _planLeaving(a, a, AMOUNT, AMOUNT, FurtherPlans.across(0, 1, Plans.all(), deposit)));
        bytes memory data = abi.encodeCall(Counter.trade, (a, b, AMOUNT));
        leg = FurtherPlans.callOut(0, 1, Plans.all(), address(counter), true, data);
        _record("call", _plan(a, b, AMOUNT, leg));
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(a, b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)));
        leg = FurtherPlans.flash(0, 1, Plans.all(), balancerV3, LENDER_BALANCER_V3, AMOUNT, plans);
        _record("flash loan", _plan(a, b, AMOUNT, leg));
    }

    function _record(string memory name, Plan memory plan) private {
        (uint256 spent,) = _run(plan);
        assertEq(spent, AMOUNT);
        string memory line = string.concat('  "', name, '": "', vm.toString(Plans.encode(plan)), '"');
        executed = bytes(executed).length == 0 ? line : string.concat(executed, ",\n", line);
    }
}
