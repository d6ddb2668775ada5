"""Frozen, typed settings: what the desk allows, where it keeps its files, and whom it may ask.

Owns: the settings' shape and defaults, and reading them from a TOML text and environment values.
Must not: read files or the environment itself; the composition root passes both in.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oms.domain.plans import MAX_HOPS
from oms.errors import InvalidRequest


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


DEFAULT_ORDER_SIZES: Mapping[str, Decimal] = {
    "WETH": Decimal(5_000),
    "WBTC": Decimal(250),
    "USDC": Decimal(20_000_000),
    "USDT": Decimal(20_000_000),
    "DAI": Decimal(20_000_000),
}
"""Whole tokens that one order may give or ask for."""

DEFAULT_VOLATILITIES: Mapping[str, float] = {
    "WETH": 65.0,
    "WBTC": 45.0,
    "USDC": 2.0,
    "USDT": 2.0,
    "DAI": 2.0,
}
"""Standard deviations of an hour's move in bps: about 60 % and 42 % a year, and 2 % for coins held to the dollar."""


class RiskLimits(_Frozen):
    """What the gate allows. Sizes are whole tokens by symbol; a token without one is bounded by impact alone."""

    max_order_size: Mapping[str, Decimal] = DEFAULT_ORDER_SIZES
    max_slippage_bps: Annotated[int, Field(ge=1, le=10_000)] = 100
    max_price_impact_bps: Annotated[int, Field(ge=1, le=10_000)] = 300
    max_blocks_behind: Annotated[int, Field(ge=0)] = 1
    max_node_lag_seconds: Annotated[float, Field(gt=0)] = 180.0
    max_plan_age_seconds: Annotated[float, Field(gt=0)] = 60.0
    max_book_age_seconds: Annotated[float, Field(gt=0)] = 10.0
    min_quote_life_seconds: Annotated[int, Field(ge=0)] = 5
    max_exposure_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.5")
    disabled_venues: frozenset[str] = frozenset()


class HedgeCosts(_Frozen):
    """What the desk expects a fill on an exchange to cost beyond its amounts; formulas in `oms.routing.hedge_cost`.

    Volatilities are standard deviations in bps over one hour, by token symbol over the defaults, and
    `default_volatility` for a token without one. `latency_seconds` is how long an order takes to arrive; without it,
    the exchange's own request for the book is the measure, and `unmeasured_latency_seconds` where there is none.
    `slippage_factor` is how many standard deviations of that time an order loses on average: 0.4 is the mean of a
    normal move's adverse half. `open_seconds` passes between the plan and the child order: a block, as a rule.
    `risk_aversion` is the desk's price of variance: Almgren and Chriss's λ times the value of its usual hedge, such as
    10⁻⁶ per dollar on a million dollars.
    """

    volatility_bps_per_sqrt_hour: Mapping[str, Annotated[float, Field(ge=0, le=10_000)]] = {}
    default_volatility: Annotated[float, Field(ge=0, le=10_000)] = 100.0
    latency_seconds: Annotated[float | None, Field(ge=0, le=3_600)] = None
    unmeasured_latency_seconds: Annotated[float, Field(ge=0, le=3_600)] = 1.0
    slippage_factor: Annotated[float, Field(ge=0, le=10)] = 0.4
    open_seconds: Annotated[float, Field(ge=0, le=86_400)] = 15.0
    risk_aversion: Annotated[float, Field(ge=0, le=1_000_000)] = 1.0

    def volatility(self, symbol: str) -> float:
        """The token's standard deviation in bps over one hour."""
        known = {**DEFAULT_VOLATILITIES, **self.volatility_bps_per_sqrt_hour}
        return known.get(symbol, self.default_volatility)


class TransferCosts(_Frozen):
    """What it costs to make good a balance between the chain and an exchange, in bps of the amount.

    The desk's own estimate of withdrawal fee and the transfer's time value, spread over its usual transfer:
    `by_exchange` names exchange and token symbol, `default_bps` stands for all others.
    """

    default_bps: Annotated[Decimal, Field(ge=0, le=1_000)] = Decimal("0.5")
    by_exchange: Mapping[str, Mapping[str, Annotated[Decimal, Field(ge=0, le=1_000)]]] = {}

    def bps(self, exchange: str, symbol: str) -> Decimal:
        """The cost of moving that token to or from that exchange."""
        return self.by_exchange.get(exchange, {}).get(symbol, self.default_bps)


class MakerSettings(_Frozen):
    """One RFQ maker: where it answers, and the key that must have signed its quotes."""

    name: str
    url: str
    address: str


class ExchangeSettings(_Frozen):
    """One exchange: a ccxt id, or `paper` with the URL of a running paper exchange, and the markets to look at.

    `assets` says which token symbol an exchange's currency stands for, such as `{"ETH": "WETH"}`.
    """

    name: str
    url: str = ""
    symbols: tuple[str, ...] = ()
    assets: Mapping[str, str] = {"ETH": "WETH", "BTC": "WBTC"}


class Settings(_Frozen):
    """Everything that can be set, with the defaults a first run needs."""

    home: Path
    data: Path
    project: Path
    default_chain: str = "devnet"
    rpc_urls: Mapping[str, str] = {}
    slippage_bps: Annotated[int, Field(ge=1, le=10_000)] = 30
    deadline_seconds: Annotated[int, Field(ge=5, le=3_600)] = 120
    max_hops: Annotated[int, Field(ge=1, le=MAX_HOPS)] = 3
    search_seconds: Annotated[float, Field(gt=0, le=600)] = 2.0
    limits: RiskLimits = RiskLimits()
    hedge_costs: HedgeCosts = HedgeCosts()
    transfers: TransferCosts = TransferCosts()
    makers: tuple[MakerSettings, ...] = ()
    exchanges: tuple[ExchangeSettings, ...] = ()
    token_list: Path | None = None


def read_settings(toml: str, *, home: Path, data: Path, project: Path, source: str = "config.toml") -> Settings:
    """Settings from TOML text over the defaults. Raises `InvalidRequest` naming the offending key."""
    try:
        values = _over_default_sizes(tomllib.loads(toml))
        return Settings(**{"home": home, "data": data, "project": project, **values})
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(source, f"is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidRequest(f"{source} {where}", f"{first['msg']}; see the defaults in oms/config.py") from error


def _over_default_sizes(values: dict[str, Any]) -> dict[str, Any]:
    """Sizes in a file stand beside the defaults: to name one token does not lift the limits of the others."""
    limits = values.get("limits")
    sizes = limits.get("max_order_size") if isinstance(limits, dict) else None
    if not isinstance(limits, dict) or not isinstance(sizes, dict):
        return values
    return {**values, "limits": {**limits, "max_order_size": {**DEFAULT_ORDER_SIZES, **sizes}}}
