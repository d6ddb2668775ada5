"""What a person's text means: symbols, addresses, lists from elsewhere, and contracts that cannot be trusted."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.evm.tokens import BUILT_IN, TokenDirectory, read_token, read_token_list, shown_symbol
from oms.domain.token import Token
from oms.errors import InvalidRequest, VenueError
from oms.units import ZERO_ADDRESS, Address
from tests.unit.adapters.evm.fake_node import Refused, fake_node

SOMEWHERE = Address("0x1111111111111111111111111111111111111111")
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"


def word(value: int) -> str:
    return f"{value:064x}"


def string(text: bytes) -> str:
    padded = text + bytes(-len(text) % 32)
    return "0x" + word(32) + word(len(text)) + padded.hex()


def contract(*, symbol: str | None, decimals: str | None, code: str = "0x6001") -> Any:
    """A node with one contract; a view that is None reverts."""

    def answer(method: str, params: list[Any]) -> Any:
        if method == "eth_getCode":
            return code
        if method != "eth_call":
            return None
        given = {"0x95d89b41": symbol, "0x313ce567": decimals}[params[0]["data"]]
        if given is None:
            raise Refused("execution reverted")
        return given

    return answer


def test_a_symbol_is_found_in_any_case() -> None:
    directory = TokenDirectory.of_chain(1)
    assert directory.resolve("weth") == directory.resolve(" WETH ") == Token(1, Address(WETH), "WETH", 18)
    assert directory.resolve("CRVusd").symbol == "crvUSD"


@pytest.mark.parametrize("chain_id", sorted(BUILT_IN))
def test_the_native_coin_means_its_wrapped_form(chain_id: int) -> None:
    directory = TokenDirectory.of_chain(chain_id)
    assert directory.resolve("eth") == directory.resolve("WETH") == directory.resolve(ZERO_ADDRESS)


def test_an_address_is_found_without_a_node_when_it_is_listed() -> None:
    directory = TokenDirectory.of_chain(1)
    assert directory.resolve(WETH).symbol == directory.resolve(WETH.lower()).symbol == "WETH"


def test_an_unknown_symbol_is_refused_with_what_comes_close() -> None:
    with pytest.raises(InvalidRequest, match=r"^token_out: no token USDCC on chain 1; did you mean .*USDC"):
        TokenDirectory.of_chain(1).resolve("USDCC", field="token_out")
    with pytest.raises(InvalidRequest, match=r"^token: no token QQQQQQ on chain 1; give the token's address"):
        TokenDirectory.of_chain(1).resolve("QQQQQQ")


def test_two_tokens_of_one_symbol_are_both_listed_and_the_address_is_asked_for() -> None:
    other = Token(1, SOMEWHERE, "usdc", 6)
    directory = TokenDirectory.of_chain(1, tokens=[other])
    with pytest.raises(InvalidRequest) as refused:
        directory.resolve("USDC", field="token_in")
    assert refused.value.field == "token_in"
    assert "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48" in str(refused.value)
    assert SOMEWHERE in str(refused.value)
    assert str(refused.value).endswith("give the address")
    assert directory.resolve(SOMEWHERE) == other


@pytest.mark.parametrize("chain_id", [10, 42161])
def test_a_bridged_coin_that_calls_itself_usdc_makes_usdc_ambiguous(chain_id: int) -> None:
    directory = TokenDirectory.of_chain(chain_id)
    with pytest.raises(InvalidRequest, match=r"ambiguous.*USDC 0x.*USDC\.e 0x"):
        directory.resolve("USDC")
    assert directory.resolve("USDC.e").symbol == "USDC.e"


def test_intermediates_are_the_chains_own() -> None:
    assert [token.symbol for token in TokenDirectory.of_chain(1).intermediates][:5] == [
        *("WETH", "USDC", "USDT", "WBTC", "DAI")
    ]
    assert TokenDirectory.of_chain(31337).intermediates == ()


def test_a_mistyped_address_is_refused_before_any_node_is_asked() -> None:
    with pytest.raises(InvalidRequest, match=r"token_in: .*checksum"):
        TokenDirectory.of_chain(1).resolve(WETH.replace("a", "A", 1), field="token_in")
    with pytest.raises(InvalidRequest, match="name a node"):
        TokenDirectory.of_chain(1).resolve(SOMEWHERE)


def test_an_unlisted_token_is_read_from_the_chain_in_one_request() -> None:
    with fake_node(contract(symbol=string(b"NEW"), decimals="0x" + word(9))) as (node, chain):
        before = node.requests
        token = TokenDirectory.of_chain(1).resolve(SOMEWHERE, chain)
        assert node.requests - before == 1
    assert token == Token(1, SOMEWHERE, "NEW", 9)


def test_an_early_tokens_bytes32_symbol_is_read() -> None:
    with fake_node(contract(symbol="0x" + b"MKR".ljust(32, b"\0").hex(), decimals="0x" + word(18))) as (_, chain):
        assert read_token(chain, SOMEWHERE).symbol == "MKR"


def test_a_contract_that_takes_a_known_symbol_is_not_shown_as_the_known_token() -> None:
    with fake_node(contract(symbol=string(b"USDC"), decimals="0x" + word(6))) as (_, chain):
        assert TokenDirectory.of_chain(1).resolve(SOMEWHERE, chain).symbol == "USDC@0x1111"


def test_an_address_without_code_is_refused_by_its_field() -> None:
    with (
        fake_node(contract(symbol="0x", decimals="0x", code="0x")) as (_, chain),
        pytest.raises(InvalidRequest, match=r"token_out: 0x1111.* has no code on chain 1"),
    ):
        TokenDirectory.of_chain(1).resolve(SOMEWHERE, chain, field="token_out")


@pytest.mark.parametrize("decimals", [None, "0x", "0x12", "0x" + word(37), "0x" + word(2**255), "0x" + word(6) * 2])
def test_a_contract_that_does_not_say_its_decimals_is_no_token(decimals: str | None) -> None:
    with (
        fake_node(contract(symbol=string(b"X"), decimals=decimals)) as (_, chain),
        pytest.raises(InvalidRequest, match="does not say its decimals"),
    ):
        read_token(chain, SOMEWHERE)


@pytest.mark.parametrize(
    "symbol",
    [
        *(
            "0x",
            None,
            "0x" + word(2**255) + word(3),
            "0x" + word(32) + word(2**200),
            "0x" + "ff" * 32,
            "0x" + "ff" * 96,
        ),
        *(
            string(b"\x1b[31mRED\x1b[0m"),
            string("\u202eCDSU\u200b".encode()),
            string(b"[link=x]" * 900),
            string(b"\xff"),
        ),
    ],
)
def test_a_hostile_symbol_cannot_reach_the_terminal(symbol: str | None) -> None:
    with fake_node(contract(symbol=symbol, decimals="0x" + word(6))) as (_, chain):
        shown = read_token(chain, SOMEWHERE).symbol
    assert 0 < len(shown) <= 21
    assert all((character.isascii() and character.isalnum()) or character in ".-_+$/₮?…" for character in shown)


@given(st.text())
def test_a_shown_symbol_is_harmless_and_an_ordinary_one_unchanged(text: str) -> None:
    assert len(shown_symbol(text)) <= 21
    assert not set(shown_symbol(text)) & set("\x1b\n\r[]<>'\"\\\u202e")
    plain = "".join(character for character in text if character.isascii() and character.isalnum())[:20]
    assert shown_symbol(plain) == plain


def test_garbage_from_the_node_is_the_worlds_fault() -> None:
    def garbage(method: str, params: list[Any]) -> Any:
        return "not hex" if method == "eth_getCode" else None

    with fake_node(garbage) as (_, chain), pytest.raises(VenueError):
        read_token(chain, SOMEWHERE)


def entry(**changes: Any) -> dict[str, Any]:
    return {"chainId": 1, "address": SOMEWHERE, "symbol": "ONE", "decimals": 18, "name": "One"} | changes


def written(path: Path, document: Any) -> Path:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.mark.parametrize("name", ["list.json", "list.json.gz"])
def test_a_list_adds_its_chains_tokens_and_leaves_built_in_ones_alone(tmp_path: Path, name: str) -> None:
    solana = entry(chainId=501000101, address="5mbK36SZ7J19An8jFochhQS4of8g6BwUjbeCSxBSoWdp")
    renamed = entry(address=WETH, symbol="FAKE")
    path = written(tmp_path / name, {"name": "x", "tokens": [solana, entry(), renamed]})
    directory = TokenDirectory.of_chain(1, lists=[path])
    assert directory.resolve("one") == Token(1, SOMEWHERE, "ONE", 18)
    assert directory.resolve(WETH).symbol == "WETH"
    with pytest.raises(InvalidRequest):
        directory.resolve("FAKE")


BAD_ENTRIES: list[Any] = [
    *(1, None, [], {}, entry(chainId="1"), entry(chainId=True), entry(decimals=-1), entry(decimals=1e3)),
    *(entry(address="0x12"), entry(symbol=None), entry(address=WETH.replace("a", "A", 1))),
]
BAD_LISTS: list[Any] = [b"", b"\xff\xfe", b"[" * 100_000, b"[]", b'{"tokens": 5}', b'{"tokens": {}}', b"null"]


@pytest.mark.parametrize("document", [*BAD_LISTS, *({"tokens": [bad]} for bad in BAD_ENTRIES)])
@pytest.mark.parametrize("name", ["list.json", "list.json.gz"])
def test_a_hostile_list_is_refused_by_name(tmp_path: Path, name: str, document: Any) -> None:
    path = written(tmp_path / name, document)
    with pytest.raises(InvalidRequest) as refused:
        read_token_list(path, chain_id=1)
    assert refused.value.field == "token-list"
    assert name in str(refused.value)


def test_a_list_that_unpacks_to_too_much_is_refused_without_unpacking_it_all(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(bytes(40 * 2**20)))
    with pytest.raises(InvalidRequest, match=r"token-list: .*32 MiB"):
        read_token_list(path, chain_id=1)


def test_a_list_that_is_not_there_or_breaks_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"token-list: .*cannot be read"):
        read_token_list(tmp_path / "absent.json", chain_id=1)
    whole = written(tmp_path / "list.json.gz", {"tokens": [entry()] * 500})
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(InvalidRequest, match=r"token-list: .*cannot be read"):
        read_token_list(whole, chain_id=1)


@pytest.mark.recorded
def test_uniswaps_own_list_loads_and_agrees_with_the_built_in_tokens(oms_data: Path) -> None:
    path = oms_data / "lists" / "uniswap-default.tokenlist.json.gz"
    agreeing = 0
    for chain_id, rows in BUILT_IN.items():
        listed = {token.address: token for token in read_token_list(path, chain_id=chain_id)}
        for symbol, address, decimals in rows:
            if (known := listed.get(Address(address))) is not None:
                assert known.decimals == decimals
                assert known.symbol in (symbol, "USDT0")
                agreeing += 1
    assert agreeing >= 40
