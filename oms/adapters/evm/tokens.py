"""Tokens by symbol or address: the built-in ones, those of a token list file, and any other read from the chain.

Owns: what a person's text means, and what of a contract's own words may be shown. Must not: price or rank tokens.
Sources: Uniswap's token list format (tokenlists.org); ERC-20 `symbol`, `decimals`, and their early bytes32 form.
"""

import gzip
import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Self

from oms.adapters.evm.addresses import parse_address
from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.pools.reading import Call, Loading, both, calls, codes
from oms.adapters.evm.pools.running import run
from oms.adapters.evm.venues import venues_of
from oms.domain.token import Token
from oms.errors import InvalidRequest, Terminal
from oms.units import ZERO_ADDRESS, Address

MOST_DECIMALS = 36
MOST_LIST_BYTES = 32 * 2**20
MOST_LIST_TOKENS = 50_000
_SYMBOL_LENGTH = 20
_SHOWN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_+$/₮")
_SYMBOL = bytes.fromhex("95d89b41")
_DECIMALS = bytes.fromhex("313ce567")

Row = tuple[str, str, int]
"""Symbol, address, decimals."""

BUILT_IN: dict[int, tuple[Row, ...]] = {
    1: (
        ("WETH", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", 18),
        ("USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6),
        ("USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6),
        ("WBTC", "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599", 8),
        ("DAI", "0x6B175474E89094C44Da98b954EedeAC495271d0F", 18),
        ("wstETH", "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", 18),
        ("stETH", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", 18),
        ("rETH", "0xae78736Cd615f374D3085123A210448E74Fc6393", 18),
        ("cbETH", "0xBe9895146f7AF43049ca1c1AE358B0541Ea49704", 18),
        ("weETH", "0xCd5fE23C85820F7B72D0926FC9b05b43E359b7ee", 18),
        ("cbBTC", "0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf", 8),
        ("tBTC", "0x18084fbA666a33d37592fA2633fD49a74DD93a88", 18),
        ("USDS", "0xdC035D45d973E3EC169d2276DDab16f1e407384F", 18),
        ("USDe", "0x4c9EDD5852cd905f086C759E8383e09bff1E68B3", 18),
        ("sUSDe", "0x9D39A5DE30e57443BfF2A8307A4256c8797A3497", 18),
        ("FRAX", "0x853d955aCEf822Db058eb8505911ED77F175b99e", 18),
        ("LUSD", "0x5f98805A4E8be255a32880FDeC7F6728C6568bA0", 18),
        ("crvUSD", "0xf939E0A03FB07F59A73314E73794Be0E57ac1b4E", 18),
        ("GHO", "0x40D16FC0246aD3160Ccc09B8D0D3A2cD28aE6C2f", 18),
        ("PYUSD", "0x6c3ea9036406852006290770BEdFcAbA0e23A0e8", 6),
        ("LINK", "0x514910771AF9Ca656af840dff83E8264EcF986CA", 18),
        ("UNI", "0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984", 18),
        ("AAVE", "0x7Fc66500c84A76Ad7e9c93437bFc5Ac33E2DDaE9", 18),
        ("MKR", "0x9f8F72aA9304c8B593d555F12eF6589cC3A579A2", 18),
        ("CRV", "0xD533a949740bb3306d119CC777fa900bA034cd52", 18),
        ("LDO", "0x5A98FcBEA516Cf06857215779Fd812CA3beF1B32", 18),
        ("COMP", "0xc00e94Cb662C3520282E6f5717214004A7f26888", 18),
        ("BAL", "0xba100000625a3754423978a60c9317c58a424e3D", 18),
        ("ENS", "0xC18360217D8F7Ab5e7c516566761Ea12Ce7F9D72", 18),
        ("PEPE", "0x6982508145454Ce325dDbE47a25d4ec3d2311933", 18),
        ("SHIB", "0x95aD61b0a150d79219dCF64E1E6Cc01f0B64C4cE", 18),
    ),
    8453: (
        ("WETH", "0x4200000000000000000000000000000000000006", 18),
        ("USDC", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 6),
        ("USDbC", "0xd9aAEc86B65D86f6A7B5B1b0c42FFA531710b6CA", 6),
        ("USDT", "0xfde4C96c8593536E31F229EA8f37b2ADa2699bb2", 6),
        ("DAI", "0x50c5725949A6F0c72E6C4a641F24049A917DB0Cb", 18),
        ("cbBTC", "0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf", 8),
        ("tBTC", "0x236aa50979D5f3De3Bd1Eeb40E81137F22ab794b", 18),
        ("cbETH", "0x2Ae3F1Ec7F1F5012CFEab0185bfc7aa3cf0DEc22", 18),
        ("wstETH", "0xc1CBa3fCea344f92D9239c08C0568f6F2F0ee452", 18),
        ("AERO", "0x940181a94A35A4569E4529A3CDfB74e38FD98631", 18),
    ),
    42161: (
        ("WETH", "0x82aF49447D8a07e3bd95BD0d56f35241523fBab1", 18),
        ("USDC", "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6),
        ("USDC.e", "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8", 6),
        ("USDT", "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9", 6),
        ("WBTC", "0x2f2a2543B76A4166549F7aaB2e75Bef0aefC5B0f", 8),
        ("DAI", "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1", 18),
        ("wstETH", "0x5979D7b546E38E414F7E9822514be443A4800529", 18),
        ("ARB", "0x912CE59144191C1204E64559FE8253a0e49E6548", 18),
        ("LINK", "0xf97f4df75117a78c1A5a0DBb814Af92458539FB4", 18),
        ("UNI", "0xFa7F8980b0f1E64A2062791cc3b0871572f1F7f0", 18),
    ),
    10: (
        ("WETH", "0x4200000000000000000000000000000000000006", 18),
        ("USDC", "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", 6),
        ("USDC.e", "0x7F5c764cBc14f9669B88837ca1490cCa17c31607", 6),
        ("USDT", "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58", 6),
        ("WBTC", "0x68f180fcCe6836688e9084f035309E29Bf0A2095", 8),
        ("DAI", "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1", 18),
        ("wstETH", "0x1F32b1c2345538c0c6f582fCB022739c4A194Ebb", 18),
        ("OP", "0x4200000000000000000000000000000000000042", 18),
        ("LINK", "0x350a791Bfc2C21F9Ed5d10980Dad2e2638ffa7f6", 18),
    ),
}

SYMBOLS_ON_CHAIN = {"usdc.e": "usdc"}
"""Tokens that call themselves by another's symbol: whoever asks for that symbol may mean either, and must say."""

INTERMEDIATES = ("WETH", "USDC", "USDT", "WBTC", "DAI", "cbBTC")
"""What routes usually pass through, where a chain has it."""


class TokenDirectory:
    """The tokens known on one chain, and the reading of others."""

    def __init__(self, chain_id: int, tokens: Iterable[Token] = ()) -> None:
        self.chain_id = chain_id
        self._by_address: dict[Address, Token] = {}
        self._by_symbol: dict[str, list[Token]] = {}
        for token in tokens:
            self._add(token)

    @classmethod
    def of_chain(cls, chain_id: int, *, lists: Sequence[Path] = (), tokens: Iterable[Token] = ()) -> Self:
        """The built-in tokens, then `tokens`, then those of list files; an address keeps its first entry.

        Raises:
            InvalidRequest: a list cannot be read, or is not a token list.
        """
        built_in = [Token(chain_id, Address(a), symbol, decimals) for symbol, a, decimals in BUILT_IN.get(chain_id, ())]
        listed = [token for path in lists for token in read_token_list(path, chain_id=chain_id)]
        return cls(chain_id, [*built_in, *tokens, *listed])

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every known token, in the order of adding."""
        return tuple(self._by_address.values())

    @property
    def intermediates(self) -> tuple[Token, ...]:
        """The chain's usual tokens to route through, of those known."""
        found = (self._by_symbol.get(symbol.lower(), []) for symbol in INTERMEDIATES)
        return tuple(tokens[0] for tokens in found if tokens)

    def resolve(self, text: str, chain: PinnedChain | None = None, *, field: str = "token") -> Token:
        """The one token that `text` means: a symbol in any case, the native coin for its wrapped form, or an address.

        An address that is not known is read from `chain`.

        Raises:
            InvalidRequest: naming `field`: no such symbol, more than one, a bad address, or no token there.
            VenueError: the node could not say.
        """
        text = text.strip()
        if text[:2] in ("0x", "0X"):
            return self._of_address(parse_address(text, field=field), chain, field=field)
        if text.upper() == "ETH":
            return self._wrapped_native(field)
        found = self._by_symbol.get(text.lower(), [])
        if len(found) > 1:
            each = ", ".join(f"{token.symbol} {token.address}" for token in found)
            raise InvalidRequest(
                field, f"{shown_symbol(text)} is ambiguous on chain {self.chain_id}: {each}; give the address"
            )
        if not found:
            raise InvalidRequest(field, self._unknown(text))
        return found[0]

    def _of_address(self, address: Address, chain: PinnedChain | None, *, field: str) -> Token:
        if address == ZERO_ADDRESS:
            return self._wrapped_native(field)
        known = self._by_address.get(address)
        if known is not None:
            return known
        if chain is None:
            raise InvalidRequest(field, f"{address} is not in the token list; name a node to read it from")
        if chain.block.chain_id != self.chain_id:
            raise InvalidRequest(field, f"the node serves chain {chain.block.chain_id}, not {self.chain_id}")
        token = read_token(chain, address, field=field)
        if token.symbol.lower() in self._by_symbol:  # not the token that people know by this symbol
            token = Token(token.chain_id, address, f"{token.symbol}@{address[:6]}", token.decimals)
        return token

    def _wrapped_native(self, field: str) -> Token:
        known = self._by_address.get(venues_of(self.chain_id).wrapped_native)
        if known is None:
            raise InvalidRequest(field, f"chain {self.chain_id} has no wrapped coin listed; give its address")
        return known

    def _unknown(self, text: str) -> str:
        symbols = {symbol: tokens[0].symbol for symbol, tokens in self._by_symbol.items()}
        near = [symbols[match] for match in get_close_matches(text.lower(), symbols, n=3, cutoff=0.6)]
        remedy = f"did you mean {' or '.join(near)}?" if near else "give the token's address"
        return f"no token {shown_symbol(text)} on chain {self.chain_id}; {remedy}"

    def _add(self, token: Token) -> None:
        if token.chain_id != self.chain_id or token.address in self._by_address:
            return
        self._by_address[token.address] = token
        symbol = token.symbol.lower()
        for name in {symbol, SYMBOLS_ON_CHAIN.get(symbol, symbol)}:
            self._by_symbol.setdefault(name, []).append(token)


def read_token(chain: PinnedChain, address: Address, *, field: str = "token") -> Token:
    """A token by its contract's own words, made safe to show.

    Raises:
        InvalidRequest: no code at the address, or a contract that does not say its decimals.
        VenueError: the node could not say.
    """
    (code,), (symbol, decimals) = run(chain, _contract(address))
    if code is None:
        raise Terminal(chain.rpc.venue, f"does not hold the code of {address}; use another node")
    if not code:
        raise InvalidRequest(
            field, f"{address} has no code on chain {chain.block.chain_id}; check the address and chain"
        )
    places = int.from_bytes(decimals, "big") if decimals is not None and len(decimals) == 32 else None
    if places is None or places > MOST_DECIMALS:
        raise InvalidRequest(field, f"{address} is not a token: it does not say its decimals; check the address")
    return Token(chain.block.chain_id, address, shown_symbol(_text(symbol or b"")) or address[:8], places)


def _contract(address: Address) -> Loading[tuple[list[bytes | None], list[bytes | None]]]:
    return both(codes([address]), calls(Call(address, view, foreign=True) for view in (_SYMBOL, _DECIMALS)))


def shown_symbol(text: str) -> str:
    """`text` without what could deceive a reader or drive a terminal: other characters become `?`; at most 20."""
    cut = text[: _SYMBOL_LENGTH + 1]
    clean = "".join(c if c in _SHOWN else "?" for c in cut[:_SYMBOL_LENGTH])
    return clean + ("…" if len(cut) > _SYMBOL_LENGTH else "")


def _text(answer: bytes) -> str:
    """A `string`, or the bytes32 of early tokens."""
    if len(answer) == 32:
        return answer.split(b"\0", 1)[0].decode("utf-8", "replace")
    if len(answer) < 64 or int.from_bytes(answer[:32], "big") != 32:
        return ""
    length = int.from_bytes(answer[32:64], "big")
    return answer[64 : 64 + min(length, len(answer))].decode("utf-8", "replace")


def read_token_list(path: Path, *, chain_id: int) -> tuple[Token, ...]:
    """The tokens of one chain in a token list file, gzipped or plain. Raises `InvalidRequest`."""
    listed = (_listed(entry, path=path, position=n, chain_id=chain_id) for n, entry in enumerate(_entries(path)))
    return tuple(token for token in listed if token is not None)


def _entries(path: Path) -> list[object]:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            raw = stream.read(MOST_LIST_BYTES + 1)
        if len(raw) > MOST_LIST_BYTES:
            raise InvalidRequest(
                "token-list", f"{path} holds more than {MOST_LIST_BYTES >> 20} MiB; use a smaller list"
            )
        document = json.loads(raw)
    except (OSError, EOFError) as error:
        raise InvalidRequest("token-list", f"{path} cannot be read ({type(error).__name__}); check the file") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("token-list", f"{path} is not JSON; use a list in the tokenlists.org format") from error
    entries = document.get("tokens") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_LIST_TOKENS:
        raise InvalidRequest("token-list", f"{path} has no list of tokens; use one in the tokenlists.org format")
    return entries


def _listed(entry: object, *, path: Path, position: int, chain_id: int) -> Token | None:
    """One entry; None for another chain's, which need not even be an EVM chain."""
    fields = entry if isinstance(entry, dict) else {}
    of_chain, address = fields.get("chainId"), fields.get("address")
    symbol, decimals = fields.get("symbol"), fields.get("decimals")
    if type(of_chain) is int and of_chain != chain_id:
        return None
    if type(of_chain) is not int or type(decimals) is not int or not isinstance(address, str):
        raise _bad_entry(path, position, "lacks a field, or it has the wrong type")
    if not isinstance(symbol, str) or not 0 <= decimals <= MOST_DECIMALS:
        raise _bad_entry(path, position, "has no symbol, or decimals that no token has")
    try:
        known = parse_address(address, field="token-list")
    except InvalidRequest as error:
        raise _bad_entry(path, position, error.reason) from error
    return Token(chain_id, known, shown_symbol(symbol) or known[:8], decimals)


def _bad_entry(path: Path, position: int, reason: str) -> InvalidRequest:
    return InvalidRequest("token-list", f"{path}: token {position} {reason}; correct or remove it")
