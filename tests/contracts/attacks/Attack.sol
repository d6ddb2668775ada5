// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";

import {RogueFactory, RoguePool} from "../mocks/HostilePools.sol";
import {FurtherChain} from "../support/FurtherChain.sol";
import {IExecutorUnderTest, Sending} from "../support/IExecutorUnderTest.sol";
import {Plan, Plans} from "../support/Plans.sol";

/// @notice What the tests of attacks share: the scene, and the copy of the contracts whose guards have switches.
abstract contract Scene is FurtherChain {
    using Sending for IExecutorUnderTest;

    uint128 internal constant AMOUNT = 1000e18;
    /// @dev `Weak.SLOT` of `scripts/weaken`: sha256("oms.weakened"). Bit n turns guard n off.
    bytes32 internal constant SWITCHES = sha256("oms.weakened");

    address internal stranger = makeAddr("stranger");
    bool internal weakened;

    function setUp() public virtual override {
        super.setUp();
        _mint(a, address(executor), AMOUNT);
        _mint(b, address(executor), AMOUNT);
    }

    function _code(string memory name) internal view override returns (string memory) {
        if (!weakened) return super._code(name);
        return string.concat(".build/weakened/out/", name, ".sol/", name, ".json");
    }

    /// @dev The same scene with the weakened copy in place of the product, and these of its guards off.
    function _weaken(uint256 guards) internal {
        require(vm.exists(".build/weakened/sources.json"), "no weakened copy: run scripts/weaken");
        weakened = true;
        setUp();
        _turnOff(address(executor), guards);
        _turnOff(address(settlement), guards);
    }

    function _turnOff(address account, uint256 guards) internal {
        vm.store(account, SWITCHES, bytes32(guards));
    }

    function _isOff(address account, uint256 guard) internal view returns (bool) {
        return (uint256(vm.load(account, SWITCHES)) >> guard) & 1 != 0;
    }

    /// @dev Sends a plan as somebody.
    function _sendAs(address sender, bytes memory packed) internal returns (bool success, bytes memory answer) {
        vm.prank(sender);
        return address(executor).call(packed);
    }

    /// @dev Withdrawals go to the owner alone: so the stranger first makes itself that, where it is let.
    /// @return success Whether all of it went through; else the first refusal.
    function _takeOver(address account, address token, uint256 amount)
        internal
        returns (bool success, bytes memory reason)
    {
        bytes[3] memory calls = [
            abi.encodeCall(executor.offerOwnership, (stranger)),
            abi.encodeCall(executor.acceptOwnership, ()),
            abi.encodeCall(executor.withdraw, (token, amount))
        ];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(stranger);
            (success, reason) = _strangerCalls(account, calls[i]);
            if (!success) return (success, reason);
        }
    }

    function _strangerCalls(address account, bytes memory call_) internal virtual returns (bool, bytes memory) {
        return account.call(call_);
    }

    function _expect(Plan memory plan, bytes memory refusal) internal {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectRevert(refusal);
        executor.execute(packed);
    }

    function _expectPart(Plan memory plan, bytes4 selector) internal {
        bytes memory packed = Plans.encode(plan);
        vm.prank(desk);
        vm.expectPartialRevert(selector);
        executor.execute(packed);
    }

    /// @dev A pool of a factory that the owner was talked into adding.
    function _rogue(address tokenA, address tokenB) internal returns (RoguePool) {
        RogueFactory factory = new RogueFactory();
        bytes32 hash = factory.initCodeHash();
        vm.prank(desk);
        executor.setVenue(2, 5, address(factory), hash, 0);
        return factory.create(tokenA, tokenB, FEE);
    }

    function _roguePlan() internal view returns (Plan memory) {
        return _plan(a, b, AMOUNT, Plans.v3(0, 1, Plans.all(), 5, FEE));
    }

    /// @dev Takes all that it is offered and pays one base unit.
    function _bait(RoguePool pool, address sold, address bought, uint256 amount) internal {
        int256 all = int256(amount);
        _mint(bought, address(pool), 1);
        pool.give(bought, 1);
        if (sold < bought) pool.behave(all, -1, all, -1, 1);
        else pool.behave(-1, all, -1, all, 1);
    }
}

/// @notice One line of the checklist: an attack that the product refuses for the reason that its guard gives, that the
/// weakened copy refuses as well while its guard is on, and that succeeds against the very same bytes once it is off.
abstract contract Attack is Scene {
    function test_the_attack_is_refused_for_the_right_reason() public {
        _mustFail();
    }

    function test_the_weakened_copy_refuses_it_too_while_the_guard_is_on() public {
        _weaken(0);
        _mustFail();
    }

    function test_the_attack_succeeds_once_the_guard_is_off() public {
        _weaken(_guards());
        uint256 before = _loot();
        (bool success, bytes memory answer) = _attack();
        assertTrue(success, vm.toString(answer));
        assertGt(_loot(), before, "nothing gained");
    }

    function _mustFail() private {
        bytes memory refusal = _refusal();
        uint256 before = _loot();
        (bool success, bytes memory reason) = _attack();
        assertFalse(success, "the attack went through");
        assertEq(reason, refusal, "another reason");
        assertEq(_loot(), before, "something gained");
    }

    /// @dev The attack: whether it went through, and the reason if not.
    function _attack() internal virtual returns (bool success, bytes memory reason);

    /// @dev What the attacker has, or the damage that is done.
    function _loot() internal view virtual returns (uint256);

    function _refusal() internal virtual returns (bytes memory);

    /// @dev Bits of the switches of `scripts/weaken`.
    function _guards() internal pure virtual returns (uint256);
}
