"""The recorded order book that local chains open at, where there is one."""

import json
from decimal import Decimal
from pathlib import Path

from oms.adapters.exchange.recorded_feed import recorded_book
from oms.config import Settings
from oms.errors import OmsError

FEED = Path("cex/hftbacktest_usdm_ethusdt_20240808.gz")
PRICE_STEP = Decimal("0.01")


def feed_mid(settings: Settings) -> Decimal | None:
    """The middle of the recorded feed's opening book, or `None` without it; remembered in the home's cache."""
    path = settings.data / FEED
    try:
        size = path.stat().st_size
        memory = settings.home / "cache" / f"feed-mid-{size}.json"
        if memory.exists():
            return Decimal(json.loads(memory.read_text()))
        book = recorded_book(path)
        mid = ((book.bids[0].price + book.asks[0].price) / 2).quantize(PRICE_STEP)
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(str(mid)))
    except (OSError, ValueError, OmsError):
        return None
    return mid
