// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IExecutor} from "contracts/interfaces/IExecutor.sol";
import {IERC20} from "contracts/interfaces/IERC20.sol";

import {Chain} from "./support/Chain.sol";
import {IExecutorUnderTest, Sending} from "./support/IExecutorUnderTest.sol";
import {Plans} from "./support/Plans.sol";

interface IBalancerVaultToJoin {
    struct JoinPoolRequest {
        address[] assets;
        uint256[] maxAmountsIn;
        bytes userData;
        bool fromInternalBalance;
    }

    function joinPool(bytes32 poolId, address sender, address recipient, JoinPoolRequest calldata request) external;
}

interface IWeightedPoolFactory {
    function create(
        string calldata name,
        string calldata symbol,
        address[] calldata tokens,
        uint256[] calldata weights,
        address[] calldata rateProviders,
        uint256 swapFee,
        address owner
    ) external returns (address);
}

interface IBalancerPool {
    function getPoolId() external view returns (bytes32);
}

contract ExecutorBalancerTest is Chain {
    using Sending for IExecutorUnderTest;

    string internal constant TASKS = "node_modules/@balancer-labs/v2-deployments/dist/tasks/";
    uint128 internal constant AMOUNT = 1000e18;

    address internal vault;
    bytes32 internal poolId;

    function setUp() public override {
        super.setUp();
        address authorizer =
            _deploy(_artifact("20210418-authorizer/artifact/Authorizer.json"), abi.encode(address(this)));
        vault = _deploy(_artifact("20210418-vault/artifact/Vault.json"), abi.encode(authorizer, weth, 90 days, 30 days));
        executor = _deployExecutor();
        poolId = _weightedPool();
        _mint(a, address(executor), AMOUNT);
    }

    function test_weighted_leg_leaves_no_allowance_to_the_vault() public {
        (uint256 spent, uint256 received) = _run(_plan(a, b, AMOUNT, Plans.balancer(0, 1, Plans.all(), poolId)));
        assertEq(spent, AMOUNT);
        // Equal weights make a constant product; the vault's power function rounds by up to 1e-14 of it.
        uint256 afterFee = uint256(AMOUNT) * 997;
        assertApproxEqRel(received, afterFee * DEPTH / (DEPTH * 1000 + afterFee), 1e5);
        assertEq(_balance(b, address(executor)), received);
        assertEq(IERC20(a).allowance(address(executor), vault), 0);
    }

    function test_a_swap_beyond_the_pools_ratio_keeps_balancers_reason() public {
        _mint(a, address(executor), DEPTH);
        bytes memory packed = Plans.encode(_plan(a, b, uint128(DEPTH), Plans.balancer(0, 1, Plans.all(), poolId)));
        vm.prank(desk);
        vm.expectRevert("BAL#304");
        executor.execute(packed);
    }

    function test_an_unknown_pool_keeps_balancers_reason() public {
        bytes memory packed = Plans.encode(_plan(a, b, AMOUNT, Plans.balancer(0, 1, Plans.all(), bytes32(0))));
        vm.prank(desk);
        vm.expectRevert("BAL#500");
        executor.execute(packed);
    }

    function _venues() internal view override returns (IExecutor.Venues memory venues) {
        venues = super._venues();
        venues.balancerVault = vault;
    }

    function _weightedPool() private returns (bytes32 id) {
        address provider = _deploy(
            _artifact("20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider.json"),
            abi.encode(vault, 5e17, 1e17)
        );
        address factory = _deploy(
            _artifact("20220908-weighted-pool-v2/artifact/WeightedPoolFactory.json"), abi.encode(vault, provider)
        );
        address[] memory tokens = new address[](2);
        (tokens[0], tokens[1]) = a < b ? (a, b) : (b, a);
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (5e17, 5e17);
        address pool = IWeightedPoolFactory(factory)
            .create("Weighted", "W", tokens, weights, new address[](2), 3e15, address(this));
        id = IBalancerPool(pool).getPoolId();
        uint256[] memory amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (DEPTH, DEPTH);
        for (uint256 i = 0; i < 2; ++i) {
            _mint(tokens[i], address(this), DEPTH);
            IERC20(tokens[i]).approve(vault, DEPTH);
        }
        IBalancerVaultToJoin(vault)
            .joinPool(
                id,
                address(this),
                address(this),
                IBalancerVaultToJoin.JoinPoolRequest(tokens, amounts, abi.encode(uint256(0), amounts), false)
            );
    }

    function _artifact(string memory path) private pure returns (string memory) {
        return string.concat(TASKS, path);
    }
}
