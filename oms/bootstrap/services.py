"""Makers and exchanges: the configured ones, and those that run as processes of ours beside a local chain.

Owns: their configuration, and what a fork needs before a maker can trade on it.
Must not: quote or settle.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from oms.adapters.evm.contracts import OurContracts, deploy_on_fork
from oms.adapters.evm.devnet.chain import MAKER
from oms.adapters.evm.devnet.deploy import Transactions, encode_call
from oms.adapters.evm.forks import ForkRecord
from oms.adapters.evm.funding import fund, set_native_balance
from oms.adapters.evm.pools.pinned import PinnedPools
from oms.adapters.evm.pools.source import EvmPoolSource
from oms.adapters.evm.tokens import TokenDirectory
from oms.adapters.exchange.paper import PaperExchange
from oms.adapters.local_process import LocalProcess
from oms.adapters.makers.chain_time import chain_time
from oms.adapters.makers.http import HttpMaker, MakerTerms
from oms.application.market_view import SilentVenue
from oms.bootstrap.books import FEED, PRICE_STEP, feed_mid
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.sessions import DESK, ChainSession, find_contracts
from oms.config import ExchangeSettings, Settings
from oms.domain.token import Token
from oms.errors import OmsError, Terminal
from oms.ports.exchange import Exchange, MarketData
from oms.ports.makers import Maker
from oms.units import UINT256_MAX, Address, Wei

MAKER_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
MAKER_NAME = "local"
MAKER_INVENTORY = {"WETH": 5_000, "USDC": 10_000_000, "USDT": 10_000_000}
"""Whole tokens given to the maker on a recorded chain; on the devnet it has its own."""
KEY_VARIABLE = "OMS_LOCAL_MAKER_KEY"

EXCHANGE_NAME = "paper"
BASE, QUOTE = "WETH", "USDC"
SYMBOL = "ETH/USDC"
EXCHANGE_BALANCES = {"ETH": "500", "USDC": "2000000"}
GENERATED_SEED = 7


@dataclass(frozen=True, slots=True)
class Service:
    """A maker or an exchange of ours, by what a person calls it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NamedListing:
    """An exchange's market, and the token symbols that its two currencies stand for."""

    exchange: MarketData
    symbol: str
    base: str
    quote: str
    account: Exchange | None = None


@dataclass(frozen=True, slots=True)
class Counterparties:
    """Everybody off chain who answers here. Use it as a context manager; what was started for it ends then."""

    makers: tuple[Maker, ...] = ()
    maker_addresses: tuple[Address, ...] = ()
    listings: tuple[NamedListing, ...] = ()
    services: tuple[Service, ...] = ()
    absent: tuple[SilentVenue, ...] = ()
    resources: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resources.close()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges that hold an account of ours, each once."""
        accounts = [listing.account for listing in self.listings if listing.account is not None]
        return tuple({account.name: account for account in accounts}.values())


def open_counterparties(settings: Settings, session: ChainSession) -> Counterparties:
    """Those that run beside the session's chain, started now where they don't, or else the configured ones."""
    if session.record is not None:
        found = _running(settings, session, session.record)
    elif session.kind in ("devnet", "recorded") and session.is_fork:
        found = _started(settings, session)
    else:
        found = _configured(settings, session)
    return replace(found, absent=(*found.absent, *_misnamed(settings, session)))


def _misnamed(settings: Settings, session: ChainSession) -> tuple[SilentVenue, ...]:
    """Names in `limits.disabled_venues` that switch off nothing: probably a typing error, and worth a line."""
    configured = {maker.name for maker in settings.makers} | {exchange.name for exchange in settings.exchanges}
    known = session.venues.names | configured | {MAKER_NAME, EXCHANGE_NAME}
    reason = "limits.disabled_venues names it, and no venue here has that name; correct it in config.toml"
    return tuple(SilentVenue(name, reason) for name in sorted(settings.limits.disabled_venues - known))


@dataclass(frozen=True, slots=True)
class LocalServices:
    """The processes beside a local chain, and how a client finds them. Close `resources` to end them."""

    entries: tuple[Mapping[str, str], ...]
    resources: ExitStack


def start_local(settings: Settings, session: ChainSession) -> LocalServices:
    """Start a maker and a paper exchange for a fork, with a maker that can deliver.

    Raises `Terminal` where our contracts aren't compiled, or a process does not start.
    """
    contracts = find_contracts(settings, session.venues, DESK)
    if contracts is None:
        raise Terminal("contracts", "are not compiled; run ./scripts/demo once")
    tokens = _traded(session)
    mid = reference_mid(session, tokens)
    _prepare_maker(session, contracts, tokens)
    with ExitStack() as stack:
        maker = stack.enter_context(
            LocalProcess.start(
                "oms.adapters.makers.server",
                _maker_config(session, contracts, tokens, mid),
                environment={KEY_VARIABLE: MAKER_KEY},
            )
        )
        exchange = stack.enter_context(
            LocalProcess.start("oms.adapters.exchange.paper_server", _exchange_config(settings, mid))
        )
        entries = (
            {"kind": "maker", "name": MAKER_NAME, "url": maker.url, "address": str(MAKER)},
            {"kind": "exchange", "name": EXCHANGE_NAME, "url": exchange.url},
        )
        return LocalServices(entries, stack.pop_all())


def _started(settings: Settings, session: ChainSession) -> Counterparties:
    """Started for this command alone; a chain that cannot carry them is traded without them, and it is said."""
    try:
        services = start_local(settings, session)
    except OmsError as error:
        return Counterparties(absent=(SilentVenue("local maker and exchange", str(error)),))
    return _connected(settings, session, services.entries, services.resources)


def _running(settings: Settings, session: ChainSession, record: ForkRecord) -> Counterparties:
    """Those that `oms fork up` started with the fork; the configured ones where it was started alone."""
    path = settings.home / "forks" / f"{record.name}.services"
    try:
        entries = json.loads(path.read_text())["services"]
    except (OSError, ValueError, KeyError):
        return _configured(settings, session)
    return _connected(settings, session, entries, ExitStack())


def _connected(
    settings: Settings, session: ChainSession, entries: Sequence[Mapping[str, str]], resources: ExitStack
) -> Counterparties:
    clock = SystemClock()
    makers = [entry for entry in entries if entry["kind"] == "maker"]
    exchanges = [PaperExchange(e["name"], e["url"], clock=clock) for e in entries if e["kind"] == "exchange"]
    return Counterparties(
        makers=tuple(_maker(settings, session, e["name"], e["url"], Address(e["address"])) for e in makers),
        maker_addresses=tuple(Address(entry["address"]) for entry in makers),
        listings=tuple(NamedListing(exchange, SYMBOL, BASE, QUOTE, exchange) for exchange in exchanges),
        services=tuple(Service(f"{entry['kind']} {entry['name']}", entry["url"]) for entry in entries),
        resources=resources,
    )


def _maker(settings: Settings, session: ChainSession, name: str, url: str, address: Address) -> Maker:
    contracts = find_contracts(settings, session.venues, DESK)
    if contracts is None:
        raise Terminal("contracts", "are not compiled; run ./scripts/demo once")
    return HttpMaker(
        name,
        url,
        terms=MakerTerms(session.venues.chain_id, address, contracts.rfq_settlement),
        chain_time=lambda: chain_time(session.rpc),
        clock=SystemClock(),
    )


def _configured(settings: Settings, session: ChainSession) -> Counterparties:
    """The makers and exchanges of the desk's own configuration; exchanges are read only."""
    makers = tuple(_maker(settings, session, m.name, m.url, Address(m.address)) for m in settings.makers)
    return Counterparties(
        makers=makers,
        maker_addresses=tuple(Address(maker.address) for maker in settings.makers),
        listings=tuple(listing for exchange in settings.exchanges for listing in _public(exchange)),
    )


def _public(exchange: ExchangeSettings) -> list[NamedListing]:
    from oms.adapters.exchange.ccxt_exchange import CcxtMarketData

    data = CcxtMarketData(exchange.name, clock=SystemClock())
    listings = []
    for symbol in exchange.symbols:
        base, _, quote = symbol.split(":")[0].partition("/")
        listings.append(NamedListing(data, symbol, exchange.assets.get(base, base), exchange.assets.get(quote, quote)))
    return listings


def reference_mid(session: ChainSession, tokens: Mapping[str, Token]) -> Decimal:
    """Dollars per ether: what the devnet was built around, or the middle of the chain's own pools."""
    if session.manifest is not None:
        return session.manifest.prices_usd["WETH"]
    pools = PinnedPools(session.rpc, EvmPoolSource(session.venues), clock=SystemClock(), max_lag_seconds=None)
    weth, usdc = tokens["WETH"], tokens["USDC"]
    snapshot = pools.snapshot((weth, usdc), venues=frozenset({"uniswap_v2", "uniswap_v3"}) & pools.venue_names)
    prices = sorted(
        1
        / listed.pool.marginal_price(usdc.address, weth.address)
        * listed.pool.marginal_price(weth.address, usdc.address)
        for listed in snapshot.pools
    )
    if not prices:
        raise Terminal("maker", "no pool tells the price of ether on this chain; start the fork with --alone")
    mid: Decimal = Decimal(str(prices[len(prices) // 2])).sqrt() * 10 ** (weth.decimals - usdc.decimals)
    return mid.quantize(PRICE_STEP)


def _traded(session: ChainSession) -> dict[str, Token]:
    directory = TokenDirectory.of_chain(session.venues.chain_id, tokens=session.tokens)
    return {symbol: directory.resolve(symbol) for symbol in MAKER_INVENTORY}


def _prepare_maker(session: ChainSession, contracts: OurContracts, tokens: Mapping[str, Token]) -> None:
    """Deploy the settlement contract, give the maker something to sell, and let the contract deliver it."""
    rpc = session.rpc
    deploy_on_fork(rpc, contracts, session.venues)
    if session.manifest is None:
        set_native_balance(rpc, MAKER, Wei(100 * 10**18))
        for symbol, token in tokens.items():
            fund(rpc, token.address, MAKER, MAKER_INVENTORY[symbol] * 10**token.decimals)
    rpc.call("anvil_impersonateAccount", MAKER)
    approvals = Transactions.of(rpc, MAKER)
    for symbol, token in tokens.items():
        call = encode_call("approve(address,uint256)", contracts.rfq_settlement, UINT256_MAX)
        approvals.add(f"the maker's approval of {symbol}", token.address, call, gas=200_000)
    approvals.mine()
    rpc.call("anvil_stopImpersonatingAccount", MAKER)


def _maker_config(
    session: ChainSession, contracts: OurContracts, tokens: Mapping[str, Token], mid: Decimal
) -> dict[str, Any]:
    return {
        "name": MAKER_NAME,
        "rpc_url": session.rpc.url,
        "chain_id": session.venues.chain_id,
        "settlement": contracts.rfq_settlement,
        "key_env": KEY_VARIABLE,
        "tokens": [{"symbol": t.symbol, "address": t.address, "decimals": t.decimals} for t in tokens.values()],
        "pairs": [{"base": "WETH", "quote": quote, "mid": str(mid)} for quote in ("USDC", "USDT")],
    }


def _exchange_config(settings: Settings, mid: Decimal) -> dict[str, Any]:
    """The recorded feed where the chain was built around it, else a generated book that says so."""
    common = {"name": EXCHANGE_NAME, "symbol": SYMBOL, "balances": EXCHANGE_BALANCES, "price_step": str(PRICE_STEP)}
    if mid == feed_mid(settings):
        return {**common, "feed": {"path": str((settings.data / FEED).resolve())}}
    return {**common, "generated": {"seed": GENERATED_SEED, "mid": str(mid)}}
