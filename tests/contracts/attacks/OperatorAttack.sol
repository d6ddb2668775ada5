// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISafe, ISafeModule} from "contracts/interfaces/ISafeModule.sol";
import {ISessions} from "contracts/interfaces/ISessions.sol";
import {LEG_CURVE_STABLE, LEG_V2} from "contracts/types/Plan.sol";

import {MockFeed} from "../mocks/MockFeed.sol";
import {Attack} from "./Attack.sol";

interface IPairToSkew {
    function sync() external;
}

/// @notice An operator of a Safe whose key leaked. It was granted to sell A for B at the venue 0 of pairs and at one Curve
/// pool, for at most 1 % less than the reference.
abstract contract OperatorAttack is Attack {
    uint128 internal constant LIMIT = AMOUNT / 10;

    PlainSafe internal safe;
    ISafeModule internal module;
    address internal pair;
    address internal operator = makeAddr("operator");

    function setUp() public virtual override {
        super.setUp();
        pair = _pair(a, b);
        safe = new PlainSafe();
        module = ISafeModule(vm.deployCode(_code("SafeModule"), abi.encode(address(safe), address(executor))));
        vm.prank(desk);
        executor.offerOwnership(address(safe));
        address feed = address(new MockFeed(8, 1e8, NOW));
        ISessions.Grant memory terms = _terms();
        vm.startPrank(address(safe));
        executor.acceptOwnership();
        module.setReference(a, feed, 60);
        module.setReference(b, feed, 60);
        module.grantOperator(operator, terms);
        vm.stopPrank();
    }

    function _terms() private returns (ISessions.Grant memory terms) {
        terms.expiry = NOW + 30 days;
        terms.kinds = uint32((1 << LEG_V2) | (1 << LEG_CURVE_STABLE));
        terms.mostLossBps = 100;
        terms.venues = new ISessions.GrantedVenue[](2);
        terms.venues[0] = ISessions.GrantedVenue(uint8(LEG_V2), 0);
        terms.venues[1] = ISessions.GrantedVenue(uint8(LEG_CURVE_STABLE), bytes32(uint256(uint160(_curvePool(a, b)))));
        terms.spends = new ISessions.GrantedSpend[](1);
        terms.spends[0] = ISessions.GrantedSpend(a, LIMIT, 1 days);
        terms.rises = new address[](1);
        terms.rises[0] = b;
    }

    /// @dev A is worth a tenth there, until the attacker buys back what it put in.
    function _skew() internal {
        _mint(a, pair, 9 * DEPTH);
        IPairToSkew(pair).sync();
    }

    function _runAs(address who, bytes memory plan) internal returns (bool, bytes memory) {
        _turnOff(address(module), uint256(vm.load(address(executor), SWITCHES)));
        vm.prank(who);
        return address(module).call(abi.encodeCall(module.run, (plan)));
    }
}

/// @notice A Safe's one function for its modules.
contract PlainSafe is ISafe {
    function execTransactionFromModuleReturnData(address to, uint256 value, bytes calldata data, uint8)
        external
        returns (bool success, bytes memory answer)
    {
        return to.call{value: value}(data);
    }
}
