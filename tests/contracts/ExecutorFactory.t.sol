// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IExecutorFactory} from "contracts/interfaces/IExecutorFactory.sol";

import {IExecutorUnderTest} from "./support/IExecutorUnderTest.sol";

contract Numbered {
    uint256 public immutable number;
    address public immutable creator = msg.sender;

    constructor(uint256 given) {
        number = given;
    }
}

/// @notice Deploys the same salt again while it is being deployed, as whoever it was told.
contract Reentrant {
    bytes public answer;

    constructor(address through, bytes memory call_) {
        (, answer) = through.call(call_);
    }
}

contract Refusing {
    error Refused(uint256 why);

    constructor(uint256 why) {
        if (why == 0) revert();
        revert Refused(why);
    }
}

/// @notice A deployer that deploys again when called back.
contract Deployer {
    IExecutorFactory internal immutable _factory;

    constructor(IExecutorFactory factory) {
        _factory = factory;
    }

    function deploy(bytes32 salt, bytes memory initCode) external returns (address) {
        return _factory.deploy(salt, initCode);
    }
}

contract ExecutorFactoryTest is Test {
    bytes32 internal constant SALT = bytes32(uint256(7));
    address internal constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    IExecutorFactory internal factory;
    address internal alice = makeAddr("alice");
    address internal mallory = makeAddr("mallory");

    function setUp() public {
        factory = _factory();
    }

    function test_different_code_and_arguments_come_to_the_same_address() public {
        address expected = factory.addressOf(alice, SALT);
        uint256 fresh = vm.snapshotState();
        assertEq(_deploy(alice, SALT, _numbered(1)), expected);
        assertEq(Numbered(expected).number(), 1);
        vm.revertToState(fresh);
        assertEq(expected.code.length, 0);
        assertEq(_deploy(alice, SALT, _numbered(2)), expected);
        assertEq(Numbered(expected).number(), 2);
        vm.revertToState(fresh);
        vm.chainId(8453);
        assertEq(
            _deploy(alice, SALT, abi.encodePacked(vm.getCode("DevToken.sol:DevToken"), abi.encode("A", "A", 18))),
            expected
        );
    }

    function test_the_executor_itself_stands_where_foretold_and_belongs_to_whom_its_code_says() public {
        IExecutor.Venues memory venues;
        venues.owner = alice;
        IExecutor.Parts memory parts;
        parts.warden = vm.deployCode("Warden.sol:Warden");
        parts.steward = vm.deployCode("Steward.sol:Steward", abi.encode(0, 0, 0, 0, parts.warden, 0));
        parts.annex = vm.deployCode("Annex.sol:Annex", abi.encode(0, 0, 0, 0, 0, 0, 0));
        bytes memory initCode = abi.encodePacked(vm.getCode("Executor.sol:Executor"), abi.encode(venues, parts));
        address executor = _deploy(alice, SALT, initCode);
        assertEq(executor, factory.addressOf(alice, SALT));
        assertEq(IExecutorUnderTest(executor).owner(), alice);
    }

    function test_the_address_is_that_of_the_cradles_first_creation() public view {
        bytes32 mixed = keccak256(abi.encode(alice, SALT));
        address cradle =
            vm.computeCreate2Address(mixed, keccak256(vm.getCode("ExecutorFactory.sol:Cradle")), address(factory));
        assertEq(factory.addressOf(alice, SALT), vm.computeCreateAddress(cradle, 1));
    }

    function test_somebody_elses_deployment_goes_to_another_address(address other, bytes32 salt) public {
        vm.assume(other != alice);
        assertNotEq(factory.addressOf(other, salt), factory.addressOf(alice, salt));
        address taken = _deploy(other, salt, _numbered(1));
        assertEq(taken, factory.addressOf(other, salt));
        assertEq(factory.addressOf(alice, salt).code.length, 0);
        assertEq(_deploy(alice, salt, _numbered(2)), factory.addressOf(alice, salt));
    }

    function test_no_two_salts_of_an_account_share_an_address(bytes32 one, bytes32 other) public view {
        vm.assume(one != other);
        assertNotEq(factory.addressOf(alice, one), factory.addressOf(alice, other));
    }

    function test_whoever_sees_a_deployment_coming_can_only_repeat_it_for_themselves() public {
        bytes memory seen = _numbered(1);
        address copied = _deploy(mallory, SALT, seen);
        address own = _deploy(alice, SALT, seen);
        assertEq(own, factory.addressOf(alice, SALT));
        assertNotEq(copied, own);
    }

    function test_nothing_is_deployed_twice() public {
        address executor = _deploy(alice, SALT, _numbered(1));
        _refuse(alice, _numbered(1), abi.encodeWithSelector(IExecutorFactory.AlreadyDeployed.selector, executor));
        _refuse(alice, _numbered(2), abi.encodeWithSelector(IExecutorFactory.AlreadyDeployed.selector, executor));
        assertEq(Numbered(executor).number(), 1);
    }

    function test_nothing_is_deployed_twice_even_from_within_its_own_deployment() public {
        Deployer deployer = new Deployer(factory);
        address expected = factory.addressOf(address(deployer), SALT);
        bytes memory again = abi.encodeCall(Deployer.deploy, (SALT, _numbered(2)));
        address executor =
            deployer.deploy(SALT, abi.encodePacked(type(Reentrant).creationCode, abi.encode(deployer, again)));
        assertEq(executor, expected);
        assertEq(
            Reentrant(executor).answer(), abi.encodeWithSelector(IExecutorFactory.AlreadyDeployed.selector, expected)
        );
    }

    function test_the_cradle_obeys_nobody_but_the_factory() public {
        address executor = _deploy(alice, SALT, _numbered(1));
        address cradle = Numbered(executor).creator();
        assertEq(vm.getNonce(cradle), 2);
        vm.prank(alice);
        (bool done,) = cradle.call(_numbered(2));
        assertFalse(done);
        assertEq(vm.getNonce(cradle), 2);
    }

    function test_a_constructors_own_reason_is_passed_on_and_the_salt_stays_free() public {
        bytes memory refusing = abi.encodePacked(type(Refusing).creationCode, abi.encode(5));
        _refuse(alice, refusing, abi.encodeWithSelector(Refusing.Refused.selector, 5));
        _deploy(alice, SALT, _numbered(1));
    }

    function test_what_leaves_no_code_is_refused() public {
        address expected = factory.addressOf(alice, SALT);
        bytes memory reason = abi.encodeWithSelector(IExecutorFactory.NothingDeployed.selector, expected);
        _refuse(alice, abi.encodePacked(type(Refusing).creationCode, abi.encode(0)), reason);
        _refuse(alice, "", reason);
        _refuse(alice, hex"5f5ff3", reason);
        _refuse(alice, hex"5fff", reason);
        _deploy(alice, SALT, _numbered(1));
    }

    function test_a_deployment_is_announced_with_what_stands_there() public {
        address expected = factory.addressOf(alice, SALT);
        uint256 fresh = vm.snapshotState();
        bytes32 codeHash = _deploy(alice, SALT, _numbered(1)).codehash;
        vm.revertToState(fresh);
        vm.expectEmit(address(factory));
        emit IExecutorFactory.ExecutorDeployed(alice, SALT, expected, codeHash);
        _deploy(alice, SALT, _numbered(1));
    }

    /// @dev By the deterministic deployment proxy, which calls with the salt and the code one after the other.
    function _factory() private returns (IExecutorFactory) {
        (bool done, bytes memory answer) =
            PROXY.call(abi.encodePacked(bytes32(0), vm.getCode("ExecutorFactory.sol:ExecutorFactory")));
        require(done, "no deployment proxy");
        return IExecutorFactory(address(bytes20(answer)));
    }

    function _numbered(uint256 number) private pure returns (bytes memory) {
        return abi.encodePacked(type(Numbered).creationCode, abi.encode(number));
    }

    function _deploy(address sender, bytes32 salt, bytes memory initCode) private returns (address) {
        vm.prank(sender);
        return factory.deploy(salt, initCode);
    }

    function _refuse(address sender, bytes memory initCode, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(sender);
        factory.deploy(SALT, initCode);
    }
}
