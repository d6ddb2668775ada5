"""Small markets on real pool mathematics, for the routing tests."""

from oms.domain.venue import Family, PoolKey
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.routing.market import Market, Path, edges_of
from oms.units import Address

A, B, C, D = (Address("0x" + digit * 40) for digit in "1234")


def listed(number: int, token0: Address, token1: Address, reserve0: int, reserve1: int) -> ListedPool:
    pool_id = f"0x{number:040x}"
    pool = ConstantProductPool(pool_id, token0, token1, reserve0, reserve1)
    return ListedPool(PoolKey(Family.UNISWAP_V2, "uniswap_v2", pool_id, Address(pool_id), (token0, token1)), pool)


def market(*pools: ListedPool) -> Market:
    return Market.of(edges_of(pools, [A, B, C, D]))


def every_path(found: Market, token_in: Address, token_out: Address, *, max_hops: int) -> list[Path]:
    """All paths of up to `max_hops` edges that visit no token and no pool twice."""
    complete: list[Path] = []
    begun: list[Path] = [()]
    for _ in range(max_hops):
        longer = [
            (*path, edge)
            for path in begun
            for edge in found.edges
            if edge.token_in == (path[-1].token_out if path else token_in)
            and edge.token_out not in {token_in, *(each.token_in for each in path)}
            and edge.state_id not in {each.state_id for each in path}
        ]
        complete += [path for path in longer if path[-1].token_out == token_out]
        begun = [path for path in longer if path[-1].token_out != token_out]
    return complete
