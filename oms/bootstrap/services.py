"""Makers and exchanges: the configured ones, and those that are started beside a local chain.

Owns: their processes' configuration, and what a fork needs before a maker can trade on it.
Must not: quote or settle.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.adapters.evm.contracts import OurContracts, deploy_on_fork
from oms.adapters.evm.devnet.deploy import Transactions
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.local_process import LocalProcess
from oms.adapters.makers.chain_time import chain_time
from oms.adapters.makers.http import HttpMaker, MakerTerms
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.sessions import DESK, ChainSession, find_contracts
from oms.config import Settings
from oms.domain.quotes import OrderBook
from oms.domain.token import Token
from oms.ports.exchange import Exchange
from oms.ports.makers import Maker
from oms.units import UINT256_MAX, Address

MAKER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
"""Anvil's account 1. Its key is public."""
MAKER_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
MAKER_NAME = "local"
KEY_VARIABLE = "OMS_LOCAL_MAKER_KEY"


@dataclass(frozen=True, slots=True)
class Service:
    """A maker or an exchange of ours, by what a person calls it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NamedListing:
    """An exchange's market, and the token symbols that its two currencies stand for."""

    exchange: Exchange
    symbol: str
    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Counterparties:
    """Everybody off chain who answers here. Use it as a context manager; what was started for it ends then."""

    makers: tuple[Maker, ...] = ()
    maker_addresses: tuple[Address, ...] = ()
    listings: tuple[NamedListing, ...] = ()
    services: tuple[Service, ...] = ()
    resources: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resources.close()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Each exchange once."""
        return tuple({listing.exchange.name: listing.exchange for listing in self.listings}.values())


def open_counterparties(settings: Settings, session: ChainSession) -> Counterparties:
    return Counterparties()


def no_counterparties() -> Counterparties:
    """Nobody."""
    return Counterparties()


def open_counterparties_(settings: Settings, session: ChainSession) -> Counterparties:
    """Those that run beside the session's chain, started now where they don't; and the configured ones elsewhere."""
    if session.record is not None:
        return _running(settings, session, session.record)
    if session.is_fork and session.kind in ("devnet", "recorded"):
        return start_local(settings, session)
    return _configured(settings, session)


def start_local(settings: Settings, session: ChainSession) -> Counterparties:
    """A maker and a paper exchange as processes of their own, for a fork that this process holds."""
    contracts = find_contracts(settings, session.venues, DESK)
    if contracts is None:
        return Counterparties()
    book = local_book(settings, session)
    mid = (book.bids[0].price + book.asks[0].price) / 2
    tokens = _traded(session)
    with ExitStack() as stack:
        prepare_maker(session.rpc, contracts, session, tokens)
        maker = stack.enter_context(
            LocalProcess.start(
                "oms.adapters.makers.server",
                maker_config(session.rpc.url, session.venues.chain_id, contracts, tokens, mid),
                environment={KEY_VARIABLE: MAKER_KEY},
            )
        )
        exchange = stack.enter_context(
            LocalProcess.start("oms.adapters.exchange.paper_server", exchange_config(settings, mid))
        )
        entries = [
            {"kind": "maker", "name": MAKER_NAME, "url": maker.url, "address": MAKER},
            {"kind": "exchange", "name": EXCHANGE_NAME, "url": exchange.url},
        ]
        return _connected(settings, session, contracts, entries, stack.pop_all())


def _running(settings: Settings, session: ChainSession, record: object) -> Counterparties:
    """Those that `oms fork up` started with the fork; none where it was started alone."""
    path = settings.home / "forks" / f"{record.name}.services"
    contracts = find_contracts(settings, session.venues, DESK)
    if contracts is None or not path.exists():
        return Counterparties()
    entries = json.loads(path.read_text())["services"]
    return _connected(settings, session, contracts, entries, ExitStack())


def _connected(
    settings: Settings,
    session: ChainSession,
    contracts: OurContracts,
    entries: Sequence[Mapping[str, str]],
    resources: ExitStack,
) -> Counterparties:
    clock = SystemClock()
    makers = tuple(
        HttpMaker(
            entry["name"],
            entry["url"],
            terms=MakerTerms(session.venues.chain_id, Address(entry["address"]), contracts.rfq_settlement),
            chain_time=lambda: chain_time(session.rpc),
            clock=clock,
        )
        for entry in entries
        if entry["kind"] == "maker"
    )
    exchanges = [PaperExchange(e["url"], name=e["name"], clock=clock) for e in entries if e["kind"] == "exchange"]
    listings = tuple(NamedListing(exchange, SYMBOL, BASE, QUOTE) for exchange in exchanges)
    services = tuple(Service(f"{entry['kind']} {entry['name']}", entry["url"]) for entry in entries)
    addresses = tuple(Address(entry["address"]) for entry in entries if entry["kind"] == "maker")
    return Counterparties(makers, addresses, listings, services, resources)


def _configured(settings: Settings, session: ChainSession) -> Counterparties:
    return Counterparties()


def reference_book(settings: Settings) -> OrderBook:
    raise NotImplementedError
