"""The executor through Ape: who may use it, and plans that settle on real Uniswap pools as their own views promised."""

from collections.abc import Callable

import pytest
from ape import reverts
from ape.api import AccountAPI
from ape.contracts import ContractInstance

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import LEG_V2
from oms.adapters.evm.devnet import chain
from oms.adapters.evm.devnet.chain import USDC, WETH
from oms.execution.plan_codec import (
    All,
    Concentrated,
    ConstantProduct,
    PackedLeg,
    PackedPlan,
    SwapOn,
    encode_plan,
    swap_assets,
)
from oms.units import UINT128_MAX
from tests.ape.conftest import published, with_abi

AMOUNT = 25 * 10**18
FAR = 2**40 - 1
FACTORY = "0x1234567890AbcdEF1234567890aBcdef12345678"
HASH = bytes(range(32))


def plan_of(swap: SwapOn, min_out: int, *, deadline: int = FAR) -> bytes:
    """Sell AMOUNT of the owner's WETH for USDC on one pool, and deliver it."""
    leg = PackedLeg(0, 1, All(), swap)
    tokens = (WETH.address, USDC.address)
    return encode_plan(PackedPlan(swap_assets(tokens, AMOUNT, min_out), deadline, (leg,), pull=True, deliver=True))


def send(sender: AccountAPI, executor: ContractInstance, plan: bytes) -> None:
    """A plan has no selector: it is the calldata."""
    sender.transfer(executor, 0, data=plan)


@pytest.fixture(scope="session")
def weth(market: None, artifacts: Artifacts) -> ContractInstance:
    return published(artifacts, "WETH9", WETH.address)


@pytest.fixture(scope="session")
def usdc(market: None, artifacts: Artifacts) -> ContractInstance:
    return with_abi("USDC", USDC.address, artifacts.ours("DevToken").abi)


def promised_by_v2(artifacts: Artifacts) -> int:
    router = published(artifacts, "UniswapV2Router02", chain.V2_ROUTER)
    return int(router.getAmountsOut(AMOUNT, [WETH.address, USDC.address])[-1])


def promised_by_v3(artifacts: Artifacts) -> int:
    quoter = published(artifacts, "QuoterV2", chain.V3_QUOTER)
    return int(quoter.quoteExactInputSingle.call((WETH.address, USDC.address, AMOUNT, 500, 0))[0])


@pytest.mark.parametrize(
    ("swap", "promised"),
    [(ConstantProduct(0), promised_by_v2), (Concentrated(0, 500), promised_by_v3)],
    ids=["uniswap_v2", "uniswap_v3"],
)
def test_a_plan_delivers_what_the_pool_promised_to_the_wei(
    executor: ContractInstance,
    owner: AccountAPI,
    weth: ContractInstance,
    usdc: ContractInstance,
    artifacts: Artifacts,
    swap: SwapOn,
    promised: Callable[[Artifacts], int],
) -> None:
    expected = promised(artifacts)
    before = weth.balanceOf(owner), usdc.balanceOf(owner)
    weth.approve(executor, AMOUNT, sender=owner)
    send(owner, executor, plan_of(swap, expected))
    assert before[0] - weth.balanceOf(owner) == AMOUNT
    assert usdc.balanceOf(owner) - before[1] == expected
    assert (weth.balanceOf(executor), usdc.balanceOf(executor), weth.allowance(owner, executor)) == (0, 0, 0)


def test_a_plan_that_would_deliver_less_than_its_minimum_changes_nothing(
    executor: ContractInstance, owner: AccountAPI, weth: ContractInstance, artifacts: Artifacts
) -> None:
    expected = promised_by_v2(artifacts)
    weth.approve(executor, AMOUNT, sender=owner)
    before = weth.balanceOf(owner)
    with reverts(executor.MinOutMissed, error_inputs={"received": expected, "minOut": expected + 1}):
        send(owner, executor, plan_of(ConstantProduct(0), expected + 1))
    assert weth.balanceOf(owner) == before


def test_a_plan_past_its_deadline_is_refused(executor: ContractInstance, owner: AccountAPI) -> None:
    with reverts(executor.PlanExpired, error_inputs={"deadline": 1}):
        send(owner, executor, plan_of(ConstantProduct(0), 1, deadline=1))


def test_nobody_but_the_owner_executes_even_a_harmless_plan(executor: ContractInstance, stranger: AccountAPI) -> None:
    with reverts(executor.NotOwner, error_inputs={"caller": stranger.address}):
        send(stranger, executor, plan_of(ConstantProduct(0), UINT128_MAX))


def test_nobody_but_the_owner_sets_a_venue(executor: ContractInstance, stranger: AccountAPI) -> None:
    with reverts(executor.NotOwner, error_inputs={"caller": stranger.address}):
        executor.setVenue(LEG_V2, 9, FACTORY, HASH, 3000, sender=stranger)
    with reverts():
        executor.venue(LEG_V2, 9)


def test_the_owner_sets_a_venue_and_the_event_says_which(executor: ContractInstance, owner: AccountAPI) -> None:
    receipt = executor.setVenue(LEG_V2, 9, FACTORY, HASH, 2500, sender=owner)
    (event,) = receipt.decode_logs(executor.VenueSet)
    assert event.event_arguments == {
        "kind": LEG_V2,
        "id": 9,
        "deployer": FACTORY,
        "initCodeHash": HASH,
        "feePips": 2500,
    }
    found = executor.venue(LEG_V2, 9)
    assert (found.deployer, found.feePips, bytes(found.initCodeHash)) == (FACTORY, 2500, HASH)
