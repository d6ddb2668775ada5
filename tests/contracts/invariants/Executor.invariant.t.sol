// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";

import {MockSolidlyPool} from "../mocks/MockSolidly.sol";
import {Chain} from "../support/Chain.sol";
import {Permits} from "../support/Permits.sol";
import {FeeToken} from "../tokens/HostileTokens.sol";
import {Guards} from "./Guards.sol";
import {Owner} from "./Owner.sol";
import {Sessions} from "./Sessions.sol";
import {Strangers} from "./Strangers.sol";
import {Actor, Ledger, Things} from "./World.sol";

/// @notice What must hold whatever owner, guardian, makers and strangers do, in any order. Each actor looks at the whole
/// world before and after what it does and notes in the ledger what must never be; the rest is looked up here.
/// @dev To add an actor, write a contract that extends `Actor`, note what it sees under the invariant's name, list it in
/// `setUp` and ask for the name below.
contract ExecutorInvariants is Chain {
    uint256 internal constant HELD = 17e18;

    Ledger internal ledger;
    Things internal things;
    Owner internal owner;
    Strangers internal strangers;
    Guards internal guards;
    Sessions internal sessions;
    address internal pool;
    uint256 internal ownerKey;
    bool internal weakened;

    function setUp() public override {
        (desk, ownerKey) = makeAddrAndKey("desk");
        super.setUp();
        string memory published = vm.readFile("node_modules/@1inch/solidity-utils/dist/src/permit2.json");
        vm.etch(Permits.PERMIT2, vm.parseBytes(vm.parseJsonString(published, ".bytecode")));
        _pools();
        _people();
        ledger = new Ledger();
        (owner, strangers, guards) =
        (new Owner(ledger, things), new Strangers(ledger, things), new Guards(ledger, things));
        sessions = new Sessions(ledger, things);
        targetContract(address(sessions));
        targetContract(address(owner));
        targetContract(address(strangers));
        targetContract(address(guards));
    }

    function _pools() private {
        address fee = address(new FeeToken());
        FeeToken(fee).setCharging(false);
        pool = _v3Pool(a, b);
        _pair(a, b);
        _pair(a, c);
        _pair(b, c);
        _v4Pool(a, b);
        _v3Pool(c, a);
        _v3Pool(c, b);
        _pair(a, fee);
        _pair(a, silent);
        _v3Pool(a, fee);
        _v3Pool(a, silent);
        FeeToken(fee).setCharging(true);
        address solidly = solidlyFactory.createPool(a, b, true);
        _mint(a, solidly, DEPTH);
        _mint(b, solidly, DEPTH);
        MockSolidlyPool(solidly).sync();
        things.curve = _curvePool(a, b);
        things.tokens = [a, b, c, silent, fee];
        things.spenders = [things.curve, manager, Permits.PERMIT2, address(settlement), pool];
    }

    function _people() private {
        (address victim, address stranger) = (makeAddr("victim"), makeAddr("stranger"));
        (things.executor, things.settlement, things.owner, things.ownerKey) = (executor, settlement, desk, ownerKey);
        (things.guardian, things.maker, things.makerKey) = (makeAddr("guardian"), maker, makerKey);
        (things.session, things.sessionKey) = makeAddrAndKey("robot");
        things.accounts = [address(executor), desk, victim, stranger, maker, address(settlement), manager, pool];
        vm.prank(desk);
        executor.setGuardian(things.guardian);
        for (uint256 i = 0; i < 2; ++i) {
            _mint(things.tokens[i], address(executor), DEPTH);
            _mint(things.tokens[i], desk, DEPTH);
            _mint(things.tokens[i], victim, DEPTH);
            vm.prank(desk);
            IERC20(things.tokens[i]).approve(Permits.PERMIT2, type(uint256).max);
            // Somebody who should not have.
            vm.prank(victim);
            IERC20(things.tokens[i]).approve(address(executor), type(uint256).max);
        }
        _mint(silent, address(executor), DEPTH);
        _mint(things.tokens[4], address(executor), DEPTH);
        _mint(c, address(executor), HELD);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_onlyOwnerPays() public view {
        _unbroken("onlyOwnerPays");
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(_balance(things.tokens[i], things.accounts[2]), DEPTH, "the victim's");
        }
        assertEq(executor.owner(), desk);
    }

    function invariant_netDeltaRespected() public view {
        _unbroken("netDeltaRespected");
    }

    function invariant_zeroResidualBalance() public view {
        _unbroken("zeroResidualBalance");
        assertEq(_balance(c, address(executor)), HELD, "passes through");
        assertEq(address(executor).balance, 0);
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(_balance(things.tokens[i], address(settlement)), 0);
        }
    }

    function invariant_zeroResidualAllowance() public {
        for (uint256 i = 0; i < 5; ++i) {
            for (uint256 j = 0; j < 5; ++j) {
                assertEq(IERC20(things.tokens[i]).allowance(address(executor), things.spenders[j]), 0);
                (bool success, bytes memory answer) = Permits.PERMIT2
                    .staticcall(
                        abi.encodeWithSignature(
                            "allowance(address,address,address)", executor, things.tokens[i], things.spenders[j]
                        )
                    );
                assertTrue(success);
                assertEq(uint256(bytes32(answer)), 0);
            }
        }
    }

    function invariant_callbackUnarmedAtRest() public {
        address[4] memory callers = [pool, manager, address(settlement), desk];
        for (uint256 i = 0; i < 4; ++i) {
            bytes[4] memory calls = [
                abi.encodeCall(executor.uniswapV3SwapCallback, (int256(1), int256(0), abi.encode(a, 1))),
                abi.encodeCall(executor.pancakeV3SwapCallback, (int256(1), int256(0), abi.encode(a, 1))),
                abi.encodeCall(executor.unlockCallback, (new bytes(128))),
                abi.encodeCall(executor.rfqPay, (a, address(settlement), 1))
            ];
            for (uint256 j = 0; j < 4; ++j) {
                vm.prank(callers[i]);
                (bool success, bytes memory reason) = address(executor).call(calls[j]);
                assertFalse(success);
                assertEq(reason, abi.encodeWithSelector(IExecutor.CallbackNotArmed.selector, callers[i]));
            }
        }
    }

    function invariant_nonceUsedOnce() public view {
        _unbroken("nonceUsedOnce");
        assertLe(ledger.mostFills(), 1);
    }

    function invariant_spendNeverExceedsPeriodLimit() public view {
        _unbroken("spendNeverExceedsPeriodLimit");
    }

    function invariant_revokedKeyCannotExecute() public view {
        _unbroken("revokedKeyCannotExecute");
    }

    function invariant_lockReleased() public view {
        _unbroken("lockReleased");
    }

    function invariant_pauseStopsEverything() public view {
        _unbroken("pauseStopsEverything");
    }

    function invariant_revertLeavesStateEqual() public view {
        _unbroken("revertLeavesStateEqual");
    }

    /// @dev All of them in one campaign: what the long profile runs.
    function invariant_everything() public {
        invariant_onlyOwnerPays();
        invariant_netDeltaRespected();
        invariant_zeroResidualBalance();
        invariant_zeroResidualAllowance();
        invariant_callbackUnarmedAtRest();
        invariant_nonceUsedOnce();
        invariant_spendNeverExceedsPeriodLimit();
        invariant_revokedKeyCannotExecute();
        invariant_lockReleased();
        invariant_pauseStopsEverything();
        invariant_revertLeavesStateEqual();
    }

    function test_the_owner_trades_in_every_shape_and_by_every_way_of_funding() public {
        for (uint8 shape = 0; shape < 10; ++shape) {
            for (uint8 funding = 0; funding < 4; ++funding) {
                owner.trade(shape % 2, 1e18, 1 << 31, shape, funding, 1);
            }
        }
        assertEq(ledger.executed(), 40);
        for (uint8 shape = 0; shape < 3; ++shape) {
            owner.permit(shape % 2, 1e18, shape, 1);
        }
        assertEq(ledger.executed(), 43);
        owner.quoted(0, 1e18, false);
        owner.quoted(0, 1e18, true);
        assertEq(ledger.filled(), 1);
        assertEq(ledger.refused(), 1);
        // Sold and bought, by pair and pool; what takes a fee can only be bought.
        for (uint256 i = 0; i < 8; ++i) {
            owner.tradeOdd(i % 2 == 0, i & 2 == 0, 1e18, i & 4 == 0);
        }
        assertEq(ledger.executed(), 50);
        invariant_everything();
    }

    function test_strangers_and_guards_do_what_they_can() public {
        for (uint8 door = 0; door < 14; ++door) {
            strangers.knock(address(0xbad), door, "", 1e18);
        }
        strangers.plan(address(0xbad), 1e18, 1);
        strangers.donate(0, 1);
        guards.pauseFor(1e18);
        guards.handOverAndBack(1e18);
        owner.trade(0, 1e18, 1 << 31, 0, 0, 1);
        assertEq(ledger.executed(), 0);
        guards.resume();
        owner.trade(0, 1e18, 1 << 31, 0, 0, 1);
        assertEq(ledger.executed(), 1);
        invariant_everything();
    }

    function test_a_session_trades_batches_and_signs_until_it_is_revoked() public {
        sessions.trade(0, 1e18, 0, 0);
        assertEq(sessions.ran(), 0);
        sessions.grant(48);
        for (uint8 shape = 0; shape < 3; ++shape) {
            sessions.trade(shape, 1e18, shape, 0);
        }
        assertEq(sessions.ran(), 3);
        // The second cannot succeed: skipped if the mask says so, else none of the three runs.
        for (uint8 way = 0; way < 4; ++way) {
            sessions.batch([uint128(1e18), 1e17, 1e18], 2, 2, way, 1);
            sessions.batch([uint128(1e18), 1e17, 1e18], 2, 5, way, 1);
        }
        assertEq(sessions.ran(), 9);
        assertEq(sessions.skipped(), 3);
        sessions.replay(0);
        sessions.replay(1);
        sessions.skip(1, 0);
        // All that is free, then more than that.
        sessions.trade(0, 0, 0, 1);
        sessions.trade(0, 1e6, 0, 0);
        assertEq(sessions.ran(), 10);
        sessions.pass(12 hours);
        sessions.trade(0, 1e6, 0, 0);
        assertEq(sessions.ran(), 10);
        for (uint256 i = 0; i < 3; ++i) {
            sessions.pass(12 hours);
        }
        sessions.trade(0, 0, 0, 2);
        assertEq(sessions.ran(), 10);
        sessions.trade(0, 0, 0, 1);
        assertEq(sessions.ran(), 11);
        sessions.revoke(true, 1e6);
        sessions.trade(0, 1e6, 0, 0);
        sessions.batch([uint128(1e6), 1e6, 1e6], 0, 7, 1, 0);
        assertEq(sessions.ran(), 11);
        sessions.grant(48);
        guards.handOverAndBack(1e18);
        sessions.trade(0, 1e6, 0, 0);
        sessions.batch([uint128(1e6), 1e6, 1e6], 0, 7, 1, 0);
        sessions.revoke(false, 1e6);
        assertEq(sessions.ran(), 11);
        invariant_everything();
    }

    /// @dev On a copy whose guards are off (`scripts/weaken`: nonces, limits, revocation).
    function test_what_the_session_must_never_do_is_noted_where_it_does() public {
        weakened = true;
        setUp();
        vm.store(address(executor), sha256("oms.weakened"), bytes32(uint256((1 << 30) | (1 << 33) | (1 << 34))));
        sessions.grant(48);
        sessions.batch([uint128(1e18), 1e17, 1e18], 0, 0, 1, 0);
        assertEq(ledger.broken("nonceUsedOnce"), 0);
        sessions.replay(0);
        assertEq(ledger.broken("nonceUsedOnce"), 1);
        sessions.trade(0, 98e18, 0, 0);
        assertEq(ledger.broken("spendNeverExceedsPeriodLimit"), 0);
        sessions.trade(0, 1e18, 0, 0);
        assertEq(ledger.broken("spendNeverExceedsPeriodLimit"), 1);
        vm.prank(things.owner);
        executor.revokeSession(things.session);
        vm.store(address(executor), sha256("oms.weakened"), bytes32(uint256(1 << 34)));
        assertEq(ledger.broken("revokedKeyCannotExecute"), 0);
        sessions.revoke(true, 1e6);
        assertGe(ledger.broken("revokedKeyCannotExecute"), 1);
    }

    function _code(string memory name) internal view override returns (string memory) {
        if (!weakened) return super._code(name);
        return string.concat(".build/weakened/out/", name, ".sol/", name, ".json");
    }

    function _unbroken(bytes32 name) private view {
        assertEq(ledger.broken(name), 0, string(abi.encodePacked(name)));
    }
}
