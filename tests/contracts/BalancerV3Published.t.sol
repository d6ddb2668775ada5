// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAnnex} from "contracts/interfaces/IParts.sol";
import {LENDER_BALANCER_V3} from "contracts/types/Plan.sol";

import {FurtherChain} from "./support/FurtherChain.sol";
import {FurtherPlans} from "./support/FurtherPlans.sol";
import {Plans} from "./support/Plans.sol";

interface IVaultToFill {
    struct TokenConfig {
        address token;
        uint8 tokenType;
        address rateProvider;
        bool paysYieldFees;
    }

    struct Roles {
        address pauseManager;
        address swapFeeManager;
        address poolCreator;
    }

    struct Liquidity {
        bool disableUnbalanced;
        bool addCustom;
        bool removeCustom;
        bool donation;
    }

    function registerPool(
        address pool,
        TokenConfig[] calldata tokens,
        uint256 swapFee,
        uint32 pauseWindowEnd,
        bool exempt,
        Roles calldata roles,
        address hooks,
        Liquidity calldata liquidity
    ) external;

    function initialize(
        address pool,
        address to,
        address[] calldata tokens,
        uint256[] calldata amounts,
        uint256 least,
        bytes calldata data
    ) external returns (uint256);

    function unlock(bytes calldata data) external returns (bytes memory);
    function settle(address token, uint256 amount) external returns (uint256);
    function getReservesOf(address token) external view returns (uint256);
}

/// @notice A pool of Balancer v3 that trades one for one, before the vault's own fee of 0.3 %. It answers every question
/// with one word.
contract EvenPool {
    bytes4 private constant ON_SWAP =
        bytes4(keccak256("onSwap((uint8,uint256,uint256[],uint256,uint256,address,bytes))"));

    fallback() external {
        uint256 answer = 1e18;
        // What is given is the second word of the swap's parameters.
        if (msg.sig == ON_SWAP) answer = uint256(bytes32(msg.data[68:100]));
        if (msg.sig == bytes4(keccak256("computeInvariant(uint256[],uint8)"))) answer = 1e24;
        if (msg.sig == bytes4(keccak256("getMinimumSwapFeePercentage()"))) answer = 0;
        if (msg.sig == bytes4(keccak256("getMinimumInvariantRatio()"))) answer = 0;
        assembly ("memory-safe") {
            mstore(0, answer)
            return(0, 32)
        }
    }
}

/// @notice Balancer v3's vault compiled from its published source (see `tests/published/balancer_v3`), whose authorizer and
/// controller of fees is this contract.
contract BalancerV3PublishedTest is FurtherChain {
    string private constant ARTIFACTS = "out/published/";
    uint128 internal constant AMOUNT = 1000e18;

    address public vault;
    address internal pool;

    function setUp() public override {
        try vm.readFile(string.concat(ARTIFACTS, "Vault.sol/Vault.json")) {
            super.setUp();
            _deployVault();
            IAnnex.Places memory known;
            known.balancerV3Vault = vault;
            _settle(known);
            _mint(a, address(executor), AMOUNT);
            pool = address(new EvenPool());
            _fill();
        } catch {
            vm.skip(true, "forge build --root tests/published/balancer_v3 was not run");
        }
    }

    function test_a_swap_settles_the_published_vault() public {
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)));
        assertEq(spent, AMOUNT);
        assertApproxEqAbs(received, uint256(AMOUNT) * 997 / 1000, 1);
        assertEq(IVaultToFill(vault).getReservesOf(a), DEPTH + AMOUNT);
    }

    function test_a_loan_of_the_published_vault_stands_around_a_swap_in_it() public {
        bytes[] memory plans = new bytes[](1);
        plans[0] = Plans.encode(_plan(a, b, AMOUNT, FurtherPlans.balancerV3(0, 1, Plans.all(), pool)));
        bytes memory leg = FurtherPlans.flash(0, 1, Plans.all(), vault, LENDER_BALANCER_V3, AMOUNT, plans);
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, leg));
        assertEq(spent, AMOUNT);
        assertApproxEqAbs(received, uint256(AMOUNT) * 997 / 1000, 1);
        assertEq(IVaultToFill(vault).getReservesOf(a), DEPTH + AMOUNT);
    }

    /// @notice The vault tells its controller of fees about a pool, and is told both shares of them.
    function registerPool(address, address, bool) external pure returns (uint256, uint256) {
        return (0, 0);
    }

    /// @notice The vault's callback while it is unlocked.
    function seed(address[] calldata tokens, uint256[] calldata amounts) external {
        IVaultToFill(vault).initialize(pool, address(this), tokens, amounts, 0, "");
        for (uint256 i = 0; i < tokens.length; ++i) {
            _mint(tokens[i], vault, amounts[i]);
            IVaultToFill(vault).settle(tokens[i], amounts[i]);
        }
    }

    /// @dev Each of the three knows the vault's address beforehand.
    function _deployVault() private {
        vault = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        address admin = _deploy(
            string.concat(ARTIFACTS, "VaultAdmin.sol/VaultAdmin.json"), abi.encode(vault, 90 days, 30 days, 1e6, 1e4)
        );
        address extension =
            _deploy(string.concat(ARTIFACTS, "VaultExtension.sol/VaultExtension.json"), abi.encode(vault, admin));
        _deploy(string.concat(ARTIFACTS, "Vault.sol/Vault.json"), abi.encode(extension, address(this), address(this)));
    }

    function _fill() private {
        address[] memory tokens = new address[](2);
        uint256[] memory amounts = new uint256[](2);
        (tokens[0], tokens[1]) = a < b ? (a, b) : (b, a);
        (amounts[0], amounts[1]) = (DEPTH, DEPTH);
        IVaultToFill.TokenConfig[] memory configs = new IVaultToFill.TokenConfig[](2);
        (configs[0].token, configs[1].token) = (tokens[0], tokens[1]);
        IVaultToFill.Roles memory roles;
        IVaultToFill.Liquidity memory liquidity;
        IVaultToFill(vault).registerPool(pool, configs, 3e15, 0, true, roles, address(0), liquidity);
        IVaultToFill(vault).unlock(abi.encodeCall(this.seed, (tokens, amounts)));
    }
}
