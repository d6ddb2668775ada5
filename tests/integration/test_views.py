"""Views give the same answers one by one, through Multicall3 and through a contract that is only simulated."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.anvil import Anvil
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import MULTICALL3, PinnedChain
from oms.adapters.evm.devnet import Devnet, chain
from oms.adapters.evm.devnet.chain import TOKENS
from oms.adapters.evm.devnet.deploy import encode_call
from oms.adapters.evm.pools.aggregate import FEWEST, MOST, Bundle, NodeWays, Way
from oms.adapters.evm.pools.reading import Answer, Call, Loading, Read
from oms.adapters.evm.pools.running import run
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.adapters.evm.tokens import read_token
from oms.adapters.evm.venues import MAINNET
from oms.liquidity.listing import PoolSnapshot
from oms.units import Address

pytestmark = pytest.mark.fork

NOBODY = Address("0x" + "12" * 20)
GLUTTON = Address("0x" + "13" * 20)
HESITANT = Address("0x" + "15" * 20)
MEDDLER = Address("0x" + "14" * 20)

INVALID = "0xfe"
# `if (gasleft() < 960_000) revert(); return 0;` where a 64th of the chain's limit is less than that.
CAUTIOUS = "0x620ea6005a10600e57" + "60206000f3" + "5b60006000fd"
# Without calldata it stores 1, with any it tells what is stored: `if (!msg.data) s = 1; return s;`
REMEMBERS = "0x36600a57600160005500" + "5b60005460005260206000f3"


class ListeningClient(RpcClient):
    """Keeps the transactions that were simulated, and counts HTTP requests."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.simulated: list[dict[str, str]] = []
        self.posts = 0

    def _post(self, method: str, body: Any) -> Any:
        self.posts += 1
        for call in body if isinstance(body, list) else [body]:
            if call["method"] == "eth_call":
                self.simulated.append(call["params"][0])
        return super()._post(method, body)

    @property
    def asked(self) -> Counter[str]:
        """How many simulations went which way."""
        names = {"": "deployless", MULTICALL3: "multicall3"}
        return Counter(names.get(each.get("to", ""), "alone") for each in self.simulated)


@pytest.fixture
def multicall3(devnet: Devnet, project: Path) -> Anvil:
    """The development chain with Multicall3 on it."""
    path = "@redstone-finance/evm-multicall/artifacts/contracts/Mulitcall3.sol/Multicall3.json"
    devnet.anvil.rpc.call("anvil_setCode", MULTICALL3, "0x" + Artifacts(project).published(path).runtime.hex())
    return devnet.anvil


@pytest.fixture
def bare(devnet: Devnet) -> Anvil:
    """The development chain without it."""
    devnet.anvil.rpc.call("anvil_setCode", MULTICALL3, "0x")
    return devnet.anvil


def asked(reads: Sequence[Call]) -> Loading[list[Answer]]:
    wanted: list[Read] = list(reads)
    return (yield wanted)


def alone(pinned: PinnedChain) -> PinnedChain:
    """The chain through a client that asks each view by itself."""
    ways = pinned.rpc.learnt(NodeWays)
    ways.multicall3 = ways.deployless = False
    return pinned


def compared(answers: Sequence[Answer]) -> list[Any]:
    """Reverts by their data: a node words them in its own way."""
    return [("reverted", a.data) if isinstance(a, RpcFailure) else a for a in answers]


def views(devnet: Devnet, *, foreign: bool) -> list[Call]:
    """Views that answer, revert with and without a reason, have nobody to answer, or are not views of contracts."""
    each = [
        *("name()", "symbol()", "decimals()", "totalSupply()", "nonsense()"),
        *("getPausedState()", "factory()", "owner()"),
    ]
    targets = [*(token.address for token in TOKENS), chain.BALANCER_VAULT, chain.V2_ROUTER, chain.V4_MANAGER, NOBODY]
    found = [Call(target, encode_call(signature), foreign) for target in targets for signature in each]
    for pool_id in devnet.balancer_pool_ids:
        found.append(
            Call(chain.BALANCER_VAULT, encode_call("getPoolTokens(bytes32)", bytes.fromhex(pool_id[2:])), foreign)
        )
        found.append(Call(Address(pool_id[:42]), encode_call("getSwapFeePercentage()"), foreign))
    found.append(Call(chain.BALANCER_VAULT, encode_call("getPoolTokens(bytes32)", bytes(32)), foreign))
    found.append(Call(chain.V2_ROUTER, encode_call("getAmountsOut(uint256,address[])", 1, [NOBODY]), foreign))
    identity = Address("0x0000000000000000000000000000000000000004")
    return [*found, Call(identity, bytes(range(77)), foreign), Call(identity, b"", foreign)]


def test_the_three_ways_give_the_same_answers(devnet: Devnet, multicall3: Anvil) -> None:
    results = {}
    with RpcClient(multicall3.url) as rpc:
        reads = views(devnet, foreign=False)
        results["alone"] = run(alone(PinnedChain.at_latest(rpc)), asked(reads))
    for way, known in ((Way.MULTICALL3, True), (Way.DEPLOYLESS, False)):
        with ListeningClient(multicall3.url) as rpc:
            rpc.learnt(NodeWays).multicall3 = known
            results[way.value] = run(PinnedChain.at_latest(rpc), asked(reads))
            assert set(rpc.asked) == {way.value}
            assert rpc.asked[way.value] == -(-len(reads) // MOST)
    assert compared(results["multicall3"]) == compared(results["deployless"]) == compared(results["alone"])
    failures = [answer for answer in results["alone"] if isinstance(answer, RpcFailure)]
    assert len(failures) >= 20
    assert {bool(failure.data) for failure in failures} == {True, False}
    assert b"" in results["alone"]
    assert len(reads) > MOST


def test_a_chain_with_multicall3_is_asked_through_it_once_that_is_known(devnet: Devnet, multicall3: Anvil) -> None:
    reads = views(devnet, foreign=False)[:MOST]
    with ListeningClient(multicall3.url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        before = rpc.posts
        first = run(pinned, asked(reads))
        assert rpc.asked == {"deployless": 1}
        assert run(pinned, asked(reads)) == first
        assert rpc.asked == {"deployless": 1, "multicall3": 1}
        assert rpc.posts - before == 2


def test_a_chain_without_multicall3_is_asked_without_it(devnet: Devnet, bare: Anvil) -> None:
    reads = views(devnet, foreign=False)[:MOST]
    with ListeningClient(bare.url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        before = rpc.posts
        assert run(pinned, asked(reads)) == run(pinned, asked(reads))
        assert rpc.asked == {"deployless": 2}
        assert rpc.posts - before == 2


def test_a_multicall3_that_is_gone_is_noticed(devnet: Devnet, bare: Anvil) -> None:
    reads = views(devnet, foreign=False)[:MOST]
    with ListeningClient(bare.url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        rpc.learnt(NodeWays).multicall3 = True
        first = run(pinned, asked(reads))
        assert rpc.asked == {"multicall3": 1, "alone": MOST}
        assert compared(run(pinned, asked(reads))) == compared(first)
        assert rpc.asked == {"multicall3": 1, "alone": MOST, "deployless": 1}


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize(("gluttons", "few"), [(1, 1), (1, 20), (3, 20)])
def test_a_view_that_eats_all_gas_does_not_starve_the_others(
    devnet: Devnet, multicall3: Anvil, gluttons: int, few: int, foreign: bool
) -> None:
    multicall3.rpc.call("anvil_setCode", GLUTTON, INVALID)
    multicall3.rpc.call("anvil_setCode", HESITANT, CAUTIOUS)
    others = [Call(HESITANT, b"", foreign), *views(devnet, foreign=foreign)[:few]]
    reads = [*(Call(GLUTTON, bytes([number]), foreign) for number in range(gluttons)), *others]
    with ListeningClient(multicall3.url) as rpc:
        rpc.learnt(NodeWays).multicall3 = True
        answers = run(PinnedChain.at_latest(rpc), asked(reads))
        assert rpc.asked["alone"] == len(reads)
    with RpcClient(multicall3.url) as rpc:
        honest = run(alone(PinnedChain.at_latest(rpc)), asked(others))
    assert all(isinstance(answer, RpcFailure) for answer in answers[:gluttons])
    assert compared(answers[gluttons:]) == compared(honest)
    assert honest[0] == bytes(32)


def test_a_view_that_answers_without_end_costs_nobody_else_an_answer(devnet: Devnet, multicall3: Anvil) -> None:
    multicall3.rpc.call("anvil_setCode", GLUTTON, "0x62030d406000f3")  # 200,000 bytes: more than code may have
    others = views(devnet, foreign=True)[:20]
    with ListeningClient(multicall3.url) as rpc:
        answers = run(PinnedChain.at_latest(rpc), asked([*others, Call(GLUTTON, b"", foreign=True)]))
        assert rpc.asked == {"deployless": 1, "alone": 21}
        assert answers[-1] == bytes(200_000)
        honest = run(alone(PinnedChain.at_latest(rpc)), asked(others))
    assert compared(answers[:-1]) == compared(honest)


def test_foreign_code_cannot_show_those_after_it_another_chain(multicall3: Anvil) -> None:
    multicall3.rpc.call("anvil_setCode", MEDDLER, REMEMBERS)
    meddling = (Call(MEDDLER, b"", foreign=True), Call(MEDDLER, b"?", foreign=True), Call(MEDDLER, b"!", foreign=True))
    with ListeningClient(multicall3.url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        rpc.learnt(NodeWays).multicall3 = True
        _, *read = run(pinned, asked(meddling))
        assert rpc.asked["multicall3"] == 0
        assert read == [bytes(32)] * 2
        method, params = Bundle(Way.MULTICALL3, meddling).request(pinned.block.number)
        through = Bundle(Way.MULTICALL3, meddling).answers(rpc.call(method, *params), venue="")
    assert through == [b"", *[(1).to_bytes(32, "big")] * 2]  # what the rule keeps out


def snapshot_of(devnet: Devnet, rpc: RpcClient, *, single: bool = False) -> PoolSnapshot:
    venues = replace(MAINNET, balancer=(replace(MAINNET.balancer[0], pool_ids=devnet.balancer_pool_ids),))
    pinned = PinnedChain.at_latest(rpc)
    return EvmPoolSource(venues).snapshot(alone(pinned) if single else pinned, TOKENS)


def test_a_snapshot_is_the_same_whichever_way_its_views_went(devnet: Devnet, multicall3: Anvil) -> None:
    with ListeningClient(multicall3.url) as rpc:
        single = snapshot_of(devnet, rpc, single=True)
        posts, views_alone = rpc.posts, rpc.asked["alone"]
        assert views_alone >= 30
    with ListeningClient(multicall3.url) as rpc:
        together = snapshot_of(devnet, rpc)
        assert rpc.posts <= posts
        assert rpc.asked["alone"] < FEWEST
        assert rpc.asked["deployless"] + rpc.asked["multicall3"] == 2
    multicall3.rpc.call("anvil_setCode", MULTICALL3, "0x")
    with ListeningClient(multicall3.url) as rpc:
        deployless = snapshot_of(devnet, rpc)
        assert rpc.asked["multicall3"] == 0
    assert single.pools == together.pools == deployless.pools
    assert single.skipped == together.skipped == deployless.skipped


def test_an_unlisted_token_is_read_in_one_request(devnet: Devnet) -> None:
    with ListeningClient(devnet.rpc_url) as rpc:
        pinned = PinnedChain.at_latest(rpc)
        before = rpc.posts
        assert [read_token(pinned, token.address) for token in TOKENS] == list(TOKENS)
        assert rpc.posts - before == len(TOKENS)
