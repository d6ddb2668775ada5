"""The development chain, made ready for plans to settle on it, and a maker's quotes there.

Owns: the opening, and signing as the development chain's maker, whose key is public.
Must not: choose a trade.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.settling_chain import DEADLINE, TRADER, SettlingChain, allowance_word, oracle_words, write_words
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.contracts import deploy_on_fork, our_contracts
from oms.adapters.evm.devnet import open_devnet
from oms.adapters.evm.devnet.build import BLOCK_SECONDS
from oms.adapters.evm.devnet.chain import CHAIN_ID, MAKER
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.makers.typed_data import sign
from oms.bootstrap.services import MAKER_KEY
from oms.bootstrap.sessions import devnet_venues
from oms.domain.quotes import FirmQuote
from oms.units import UINT256_MAX, Address

QUOTED_SHARE: Final = 10**4
"""A maker signs for this part of what it holds, so that many quotes can be filled."""


@contextmanager
def devnet_chain(*, project: Path) -> Iterator[SettlingChain]:
    """The development chain with pools that have been used, stopped at the end. Raises `VenueError`."""
    with TemporaryDirectory() as home, open_devnet(home=Path(home), project=project) as devnet:
        rpc, venues = devnet.anvil.rpc, devnet_venues(devnet.manifest)
        rpc.call("evm_setAutomine", False)  # noqa: FBT003 (the API is positional)
        rpc.call("anvil_autoImpersonateAccount", True)  # noqa: FBT003
        rpc.call("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        rpc.call("anvil_setBalance", TRADER, hex(10**24))
        contracts = our_contracts(Artifacts(project), venues, TRADER)
        deploy_on_fork(rpc, contracts, venues)
        rpc.call("anvil_autoImpersonateAccount", True)  # noqa: FBT003 (deploying ends the impersonation)
        tokens = {token.address: token for token in devnet.tokens}
        v3_pools = [Address(pool.pool_id) for pool in devnet.pools if pool.family == "uniswap_v3"]
        for index, pool in enumerate(v3_pools):
            _settle_in(rpc, pool, protocol_fee=index % 2 == 0)
        snapshot = EvmPoolSource(venues).snapshot(PinnedChain.at_latest(rpc), devnet.tokens)
        running = SettlingChain(devnet.anvil, contracts, venues, snapshot.pools, tokens)
        running.make_used()
        settlement = contracts.rfq_settlement
        write_words(rpc, (allowance_word(token, MAKER, settlement, UINT256_MAX) for token in tokens))
        yield running


def _settle_in(rpc: RpcClient, pool: Address, *, protocol_fee: bool) -> None:
    """A v3 pool's oracle as `increaseObservationCardinalityNext` makes it, and a sixth of its fees the protocol's."""
    slot0 = int(str(rpc.call("eth_getStorageAt", pool, "0x0", "latest")), 16)
    if protocol_fee:
        slot0 |= 0x66 << 232
        write_words(rpc, [(pool, 3, 1 << 128 | 1)])  # something taken before
    write_words(rpc, ((pool, slot, word) for slot, word in oracle_words(slot0)))


def maker_quotes(running: SettlingChain, rng: Random, count: int) -> list[FirmQuote]:
    """Quotes of the development chain's maker for random pairs, at random prices, partly fillable."""
    return [_signed(running, rng, *rng.sample(sorted(running.tokens), 2)) for _ in range(count)]


def _signed(running: SettlingChain, rng: Random, taker_token: Address, maker_token: Address) -> FirmQuote:
    quote = FirmQuote(
        maker_name="maker",
        chain_id=CHAIN_ID,
        settlement=running.contracts.rfq_settlement,
        maker=MAKER,
        taker=running.contracts.executor,
        maker_token=maker_token,
        taker_token=taker_token,
        maker_amount=running.balance(maker_token, MAKER) // QUOTED_SHARE,
        taker_amount=rng.randrange(10**18, 10**21),
        expiry=DEADLINE,
        nonce=rng.randrange(2**64),
        partial_fill_allowed=True,
        signature=b"",
        received_at=0.0,
    )
    return replace(quote, signature=sign(quote, MAKER_KEY))
