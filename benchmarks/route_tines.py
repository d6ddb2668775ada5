"""tines' routes for the auction's orders, over its constant-product and concentrated pools, timed where they are found.

Owns: its installation under `.bench/tines` (measured only, never shipped: it has no licence), the pools as it takes
them, and the replies kept there for later runs.
Must not: judge its routes by its own floats; see `route_replay`.

tines takes a concentrated pool's token balances to rank pools when it prices gas; the record has none, so they are what
selling the other token through the whole range would pay. Its gas price is in wei, its base token the wrapped coin.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.auction import Auction, AuctionOrder
from benchmarks.peers.process import INSTALL_SECONDS, PeerFailed, PeerUnavailable
from benchmarks.route_replay import PeerLeg
from oms.domain.venue import Family
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool

VERSION = "1.0.11"
FAMILIES = (Family.UNISWAP_V2, Family.UNISWAP_V3)
ANSWER_SECONDS = 240.0
WARM_UP_ORDERS = 40
_HERE = Path(__file__).parent / "peers"
_SCRIPT = _HERE / "tines_routes.mjs"
_PINS = _HERE / "tines.txt"


@dataclass(frozen=True, slots=True)
class TinesMode:
    """How it is asked: gas price in wei, and a number of flows, or none for its own choice."""

    name: str
    gas_price_wei: int
    flows: int | None


@dataclass(frozen=True, slots=True)
class TinesRoute:
    """Its answer to one order; amounts are its own floats."""

    full: bool
    legs: tuple[PeerLeg, ...]
    claimed_out: float
    claimed_net_out: float
    milliseconds: float


class Tines:
    """tines, installed; asks it for many orders at once."""

    def __init__(self, project: Path, auction: Auction) -> None:
        """Install it if need be. Raises `PeerUnavailable`."""
        self._folder = _installed(project)
        self._request = {
            "base": auction.wrapped_native,
            "tokens": [
                {"address": token.address, "symbol": token.symbol, "decimals": token.decimals}
                for token in auction.tokens.values()
            ],
            "pools": [_state(listed) for listed in auction.pools_of(*FAMILIES)],
        }

    def routes(self, orders: Sequence[AuctionOrder], mode: TinesMode) -> list[TinesRoute]:
        """Its routes for selling each order's `amount_in`, kept from the first run on. Raises `PeerFailed`."""
        request = json.dumps(self._asked(orders, mode))
        digest = hashlib.sha256(request.encode() + _SCRIPT.read_bytes() + _PINS.read_bytes()).hexdigest()[:16]
        kept = self._folder / "replies" / f"{mode.name}-{digest}.json"
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(self._answers(request, mode)))
        return [_route(answer) for answer in json.loads(kept.read_text())]

    def milliseconds(self, orders: Sequence[AuctionOrder], mode: TinesMode) -> list[float]:
        """The time of each order, measured now. Raises `PeerFailed`."""
        answers = self._answers(json.dumps(self._asked(orders, mode)), mode)
        return [float(answer["ms"]) for answer in answers]

    def _asked(self, orders: Sequence[AuctionOrder], mode: TinesMode) -> dict[str, Any]:
        asked = [{"from": o.token_in, "to": o.token_out, "amount": str(o.amount_in)} for o in orders]
        options = {"gasPrice": mode.gas_price_wei, "flows": mode.flows, "warm": WARM_UP_ORDERS}
        return self._request | options | {"orders": asked}

    def _answers(self, request: str, mode: TinesMode) -> list[dict[str, Any]]:
        asked, replied = self._folder / f"{mode.name}.request.json", self._folder / f"{mode.name}.reply.json"
        asked.write_text(request)
        command = [_program("node"), str(_SCRIPT), str(self._folder), str(asked), str(replied)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise PeerFailed(f"tines {VERSION} did not answer within {ANSWER_SECONDS:.0f} s") from error
        if done.returncode:
            raise PeerFailed(f"tines {VERSION}: {done.stderr.strip().splitlines()[-1:] or 'ended'}")
        answers: list[dict[str, Any]] = json.loads(replied.read_text())
        return answers


def _route(answer: dict[str, Any]) -> TinesRoute:
    return TinesRoute(
        answer["status"] == "Success",
        tuple(tuple(leg) for leg in answer["legs"]),
        float(answer["amountOut"]),
        float(answer["totalAmountOut"]),
        float(answer["ms"]),
    )


def _state(listed: ListedPool) -> dict[str, Any]:
    pool = listed.pool
    told: dict[str, Any] = {
        "address": listed.key.pool_id,
        "tokens": pool.tokens,
        "fee": listed.key.fee_pips / 10**6,
    }
    if isinstance(pool, ConstantProductPool):
        return told | {"reserves": [str(pool.reserve0), str(pool.reserve1)]}
    if not isinstance(pool, ConcentratedPool):
        raise PeerFailed(f"tines knows no {listed.key.family}")
    token0, token1 = pool.tokens
    held = pool.limits(token1, token0).max_amount_out, pool.limits(token0, token1).max_amount_out
    ticks = zip(pool.tick_map.ticks, pool.tick_map.nets, strict=True)
    return told | {
        "reserves": [str(amount) for amount in held],
        "tick": pool.tick,
        "liquidity": str(pool.liquidity),
        "sqrtPriceX96": str(pool.sqrt_price_x96),
        "ticks": [[tick, str(net)] for tick, net in ticks],
    }


def _installed(project: Path) -> Path:
    folder = project / ".bench" / "tines"
    stamp = folder / ".installed"
    wanted = hashlib.sha256(_PINS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    sys.stderr.write(f"· installing tines {VERSION} into .bench/tines (a few seconds)\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"name": "tines-peer", "private": true}\n')
    options = ["--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"]
    command = [_program("npm"), "install", *_PINS.read_text().split(), *options]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerUnavailable(f"tines {VERSION}: {type(error).__name__} while installing") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise PeerUnavailable(f"tines {VERSION}: {errors[0] if errors else 'not installable here'}")
    stamp.write_text(wanted)
    return folder


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise PeerUnavailable(f"tines {VERSION}: {name} is not installed; it needs Node 18 or later")
    return found
