"""What the demo runs on: a devnet whose pools open at the book's price, and the words that say where it came from."""

from oms.adapters.evm.devnet import ReferencePrices
from oms.bootstrap.services import reference_book
from oms.bootstrap.sessions import Opening
from oms.config import Settings


def demo_opening(settings: Settings, *, seed: int) -> tuple[Opening, str]:
    """How to open the devnet, and the book's source in words."""
    book = reference_book(settings)
    mid = (book.bids[0].price + book.asks[0].price) / 2
    return Opening(chain="devnet", settles=True, seed=seed, prices=ReferencePrices(eth=mid), fresh=True), book.source
