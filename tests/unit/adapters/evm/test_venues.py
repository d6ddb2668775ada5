"""Deployments: every rule for computing a pool's address or id gives addresses and ids that chains really have."""

import re
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.evm.addresses import (
    V4Key,
    address_of,
    checksummed,
    mapping_slot,
    parse_address,
    v2_pair_address,
    v3_pool_address,
)
from oms.adapters.evm.tokens import BUILT_IN as TOKENS
from oms.adapters.evm.venues import BUILT_IN, MAINNET, ChainVenues, V2Venue, V3Venue, venues_of
from oms.errors import InvalidRequest
from oms.units import ZERO_ADDRESS, Address

USDC = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
USDT = Address("0xdAC17F958D2ee523a2206206994597C13D831ec7")
WBTC = Address("0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599")
WETH = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")

KNOWN_PAIRS = [
    (1, "uniswap_v2", "USDC", "WETH", "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc"),
    (1, "uniswap_v2", "DAI", "WETH", "0xA478c2975Ab1Ea89e8196811F51A7B7Ade33eB11"),
    (1, "sushiswap", "USDC", "WETH", "0x397FF1542f962076d0BFE58eA045FfA2d347ACa0"),
    (1, "pancakeswap_v2", "USDC", "WETH", "0x2E8135bE71230c6B1B4045696d41C09Db0414226"),
    (8453, "uniswap_v2", "USDC", "WETH", "0x88A43bbDF9D098eEC7bCEda4e2494615dfD9bB9C"),
]
KNOWN_POOLS = [
    (1, "uniswap_v3", "USDC", "WETH", 500, "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640"),
    (1, "uniswap_v3", "USDC", "WETH", 3000, "0x8ad599c3A0ff1De082011EFDDc58f1908eb6e6D8"),
    (1, "uniswap_v3", "WBTC", "WETH", 500, "0x4585FE77225b41b697C938B018E2Ac67Ac5a20c0"),
    (1, "pancakeswap_v3", "USDT", "WETH", 500, "0x6CA298D2983aB03Aa1dA7679389D955A4eFEE15C"),
    (8453, "uniswap_v3", "USDC", "WETH", 500, "0xd0b53D9277642d899DF5C87A3966A349A798F224"),
    (42161, "uniswap_v3", "USDC", "WETH", 500, "0xC6962004f452bE9203591991D15f6b388e09E8D0"),
    (10, "uniswap_v3", "USDC", "WETH", 500, "0x1fb3cf6e48F1E7B10213E7b6d87D4c073C7Fdb7b"),
]


def token(chain_id: int, symbol: str) -> Address:
    return next(Address(address) for known, address, _ in TOKENS[chain_id] if known == symbol)


def v2_venue(chain_id: int, name: str) -> V2Venue:
    return next(venue for venue in venues_of(chain_id).v2 if venue.name == name)


def v3_venue(chain_id: int, name: str) -> V3Venue:
    return next(venue for venue in venues_of(chain_id).v3 if venue.name == name)


@pytest.mark.parametrize(("chain_id", "venue", "a", "b", "address"), KNOWN_PAIRS)
def test_a_constant_product_pair_is_where_the_chain_has_it(
    chain_id: int, venue: str, a: str, b: str, address: str
) -> None:
    factory = v2_venue(chain_id, venue)
    tokens = token(chain_id, a), token(chain_id, b)
    assert v2_pair_address(factory.factory, factory.init_code_hash, *tokens) == address
    assert v2_pair_address(factory.factory, factory.init_code_hash, *reversed(tokens)) == address


@pytest.mark.parametrize(("chain_id", "venue", "a", "b", "fee", "address"), KNOWN_POOLS)
def test_a_concentrated_pool_is_where_the_chain_has_it(
    chain_id: int, venue: str, a: str, b: str, fee: int, address: str
) -> None:
    factory = v3_venue(chain_id, venue)
    assert fee in dict(factory.tiers)
    tokens = token(chain_id, a), token(chain_id, b)
    for order in (tokens, tuple(reversed(tokens))):
        assert v3_pool_address(factory.deployer, factory.init_code_hash, *order, fee_pips=fee) == address


@pytest.mark.parametrize(
    ("key", "pool_id"),
    [
        (V4Key(ZERO_ADDRESS, USDC, 500, 10), "0x21c67e77068de97969ba93d4aab21826d33ca12bb9f565d8496e8fda8a82ca27"),
        (V4Key(ZERO_ADDRESS, USDC, 3000, 60), "0xdce6394339af00981949f5f3baf27e3610c76326a700af57e4b3e3ae4977f78d"),
        (V4Key(ZERO_ADDRESS, USDT, 500, 10), "0x72331fcb696b0151904c03584b66dc8365bc63f8a144d89a773384e3a579ca73"),
    ],
)
def test_a_v4_pool_id_is_the_one_mainnet_uses(key: V4Key, pool_id: str) -> None:
    assert key.pool_id == pool_id


def addresses_in(venues: ChainVenues) -> list[str]:
    return re.findall(r"'(0x[0-9a-fA-F]{40})'", repr(venues))


def test_every_built_in_address_has_a_valid_checksum() -> None:
    listed = [row[1] for rows in TOKENS.values() for row in rows]
    everywhere = listed + [address for venues in BUILT_IN.values() for address in addresses_in(venues)]
    assert len(everywhere) > 90
    assert [address for address in everywhere if checksummed(address) != address] == []


def test_every_built_in_chain_wraps_its_coin_in_a_listed_token() -> None:
    assert set(BUILT_IN) == set(TOKENS) == {1, 8453, 42161, 10}
    for chain_id, venues in BUILT_IN.items():
        assert venues.chain_id == chain_id
        assert venues.wrapped_native == token(chain_id, "WETH")


def test_venue_names_are_unique_on_a_chain_so_that_a_key_finds_its_venue() -> None:
    for venues in BUILT_IN.values():
        families = (venues.v2, venues.v3, venues.v4, venues.curve, venues.balancer, venues.solidly)
        assert len(venues.names) == sum(len(family) for family in families)


def test_a_chain_without_deployments_has_no_venues() -> None:
    assert venues_of(31337).names == frozenset()
    assert "uniswap_v4" in MAINNET.names


@given(st.binary(min_size=20, max_size=20))
def test_a_checksummed_address_is_read_back_and_every_changed_case_is_refused(raw: bytes) -> None:
    address = checksummed("0x" + raw.hex())
    assert parse_address(address, field="token") == address
    assert parse_address(address.lower(), field="token") == address
    assert address_of(int.from_bytes(raw, "big")) == address
    for index, character in enumerate(address[2:], start=2):
        if character.isalpha():
            wrong = address[:index] + character.swapcase() + address[index + 1 :]
            if wrong[2:] not in (wrong[2:].lower(), wrong[2:].upper()):
                with pytest.raises(InvalidRequest, match=r"token: .*checksum"):
                    parse_address(wrong, field="token")


@pytest.mark.parametrize("text", ["0x", "0x12", "a" * 42, "0x" + "g" * 40, "0x" + "1" * 41, "0x" + "１" * 40])
def test_what_is_no_address_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"token_in: .*40 hex digits"):
        parse_address(text, field="token_in")


def test_a_negative_mapping_key_is_sign_extended_as_solidity_does() -> None:
    assert mapping_slot(-1, 6) == mapping_slot(2**256 - 1, 6) != mapping_slot(1, 6)


@pytest.mark.parametrize(
    ("chain_id", "zero_ex"),
    [
        (1, "0xDef1C0ded9bec7F1a1670819833240f027b25EfF"),
        (8453, "0xDef1C0ded9bec7F1a1670819833240f027b25EfF"),
        (42161, "0xDef1C0ded9bec7F1a1670819833240f027b25EfF"),
        (10, "0xDEF1ABE32c034e558Cdd535791643C58a13aCC10"),
    ],
)
def test_every_chain_has_the_exchange_proxy_that_0x_lists_for_it(chain_id: int, zero_ex: str) -> None:
    assert venues_of(chain_id).places.zero_ex == zero_ex


@pytest.mark.parametrize("chain_id", BUILT_IN)
def test_every_place_is_written_with_its_checksum(chain_id: int) -> None:
    for place in astuple(venues_of(chain_id).places):
        assert place == checksummed(place)
