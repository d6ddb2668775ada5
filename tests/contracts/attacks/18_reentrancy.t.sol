// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {PatientCurvePool} from "../mocks/HostilePools.sol";
import {Plan, Plans} from "../support/Plans.sol";
import {HookedToken, ITokenReceiver, ReenteringToken} from "../tokens/HostileTokens.sol";
import {Attack} from "./Attack.sol";

/// @notice ERC-777, v4's hooks, any hostile token: a call in the middle of a plan. Here one lock is around everything, and
/// the windows are shut while it is on.
contract ReentrancyTest is Attack {
    ReenteringToken internal token;
    PatientCurvePool internal pool;

    function setUp() public override {
        super.setUp();
        token = new ReenteringToken();
        _pair(address(token), b);
        _mint(address(token), address(executor), AMOUNT);
        _mint(c, address(executor), AMOUNT);
        pool = new PatientCurvePool(c, b, true);
        _mint(b, address(pool), 1);
        // The desk sells the hostile token; the token sells what the desk holds, for next to nothing.
        token.plant(
            address(executor),
            Plans.encode(_plan(c, b, AMOUNT, Plans.curve(0, 1, Plans.all(), address(pool), 0, 1, false)))
        );
    }

    function _attack() internal override returns (bool success, bytes memory reason) {
        return _sendAs(desk, Plans.encode(_plan(address(token), b, AMOUNT, Plans.v2(0, 1, Plans.exact(AMOUNT), 0))));
    }

    function _loot() internal view override returns (uint256) {
        return _balance(c, address(pool));
    }

    function _refusal() internal pure override returns (bytes memory) {
        return abi.encodeWithSelector(IExecutor.Reentered.selector);
    }

    function _guards() internal pure override returns (uint256) {
        return 1 << 18;
    }

    function test_windows_are_shut_while_a_plan_runs() public {
        bytes[6] memory calls = [
            abi.encodeCall(executor.owner, ()),
            abi.encodeCall(executor.paused, ()),
            abi.encodeCall(executor.guardian, ()),
            abi.encodeCall(executor.pendingOwner, ()),
            abi.encodeCall(executor.venue, (uint8(2), uint8(0))),
            abi.encodeCall(executor.poolFor, (uint8(2), uint8(0), a, b, FEE))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            token.plant(address(executor), calls[i]);
            _expect(
                _plan(address(token), b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
                abi.encodeWithSelector(IExecutor.Reentered.selector)
            );
        }
    }

    function test_a_hook_of_a_receiver_cannot_reenter() public {
        HookedToken hooked = new HookedToken();
        _pair(a, address(hooked));
        Caller caller = new Caller(address(executor), Plans.encode(_plan(a, b, 1, Plans.v2(0, 1, Plans.all(), 0))));
        hooked.setHook(address(executor), address(caller));
        _expect(
            _plan(a, address(hooked), AMOUNT, Plans.v2(0, 1, Plans.all(), 0)),
            abi.encodeWithSelector(bytes4(keccak256("Error(string)")), "UniswapV2: TRANSFER_FAILED")
        );
    }

    function test_a_token_cannot_reenter_execute_even_if_it_is_the_owner() public {
        token = new ReenteringToken();
        desk = address(token);
        executor = _deployExecutor();
        _pair(address(token), b);
        _mint(address(token), address(executor), AMOUNT);
        Plan memory plan = _plan(address(token), b, AMOUNT, Plans.v2(0, 1, Plans.all(), 0));
        token.plant(address(executor), Plans.encode(plan));
        _expect(plan, abi.encodeWithSelector(IExecutor.Reentered.selector));
        token.plant(address(executor), abi.encodeCall(executor.setVenue, (uint8(1), uint8(1), stranger, bytes32(0), 0)));
        _expect(plan, abi.encodeWithSelector(IExecutor.Reentered.selector));
    }
}

/// @notice Calls what it was told to when it is paid.
contract Caller is ITokenReceiver {
    address private immutable _target;
    bytes private _call;

    constructor(address target, bytes memory call_) {
        (_target, _call) = (target, call_);
    }

    function tokensReceived(address, address, uint256) external {
        (bool success,) = _target.call(_call);
        require(success, "refused");
    }
}
