// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICallbacks} from "contracts/interfaces/ICallbacks.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";

/// @notice A lender that misbehaves as it is told, by both of the doors that lenders have.
contract RogueLender {
    enum Way {
        HONEST,
        SHORT,
        SILENT,
        TWICE,
        DEARER,
        OTHER_TOKEN,
        OTHER_AMOUNT,
        OTHER_INITIATOR,
        OTHER_CONTEXT,
        OTHER_DOOR,
        NO_PULL
    }

    Way public way;
    address public other;

    function behave(Way way_, address other_) external {
        (way, other) = (way_, other_);
    }

    function flashLoan(address to, address[] memory tokens, uint256[] memory amounts, bytes memory context) external {
        if (way == Way.SILENT) return;
        IERC20(tokens[0]).transfer(to, way == Way.SHORT ? amounts[0] - 1 : amounts[0]);
        uint256[] memory fees = new uint256[](1);
        if (way == Way.DEARER) fees[0] = 1e30;
        if (way == Way.OTHER_TOKEN) tokens[0] = other;
        if (way == Way.OTHER_AMOUNT) ++amounts[0];
        if (way == Way.OTHER_CONTEXT) context[context.length - 1] ^= 0x01;
        if (way == Way.OTHER_DOOR) {
            ICallbacks(to).executeOperation(tokens[0], amounts[0], 0, to, context);
            return;
        }
        ICallbacks(to).receiveFlashLoan(tokens, amounts, fees, context);
        if (way == Way.TWICE) ICallbacks(to).receiveFlashLoan(tokens, amounts, fees, context);
    }

    function flashLoanSimple(address to, address asset, uint256 amount, bytes memory context, uint16) external {
        IERC20(asset).transfer(to, amount);
        address initiator = way == Way.OTHER_INITIATOR ? other : msg.sender;
        ICallbacks(to).executeOperation(asset, amount, 0, initiator, context);
        if (way != Way.NO_PULL) IERC20(asset).transferFrom(to, address(this), amount);
    }
}

/// @notice Lets every key do everything, and tells for whom it was asked.
contract PermissiveWarden {
    event Checked(address key);
    event Charged(address key);

    function checkPlan(address key, bytes calldata) external {
        emit Checked(key);
    }

    function chargePlan(address key, bytes calldata, uint256[] calldata) external {
        emit Charged(key);
    }
}
