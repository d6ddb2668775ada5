"""Balancer v2 from its published bytecode: the Vault, the pools' factories, joining with funds, swapping.

Works on any `Machine`. Bytecode from the npm package `@balancer-labs/v2-deployments` (development only).
"""

import json
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.differential.evm import NODE_MODULES, SENDER, Machine, calldata

TASKS = NODE_MODULES / "@balancer-labs" / "v2-deployments" / "dist" / "tasks"

PAUSE_WINDOW_SECONDS = 90 * 86_400
BUFFER_SECONDS = 30 * 86_400
WRAPPED_COIN = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
ZERO_ADDRESS = "0x" + "00" * 20
FOREVER = 2**256 - 1

GIVEN_IN, GIVEN_OUT = 0, 1
_JOIN_INIT = 0

SWAP = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
JOIN = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"

_WEIGHTED_V1 = "create(string,string,address[],uint256[],uint256,address)"
_WEIGHTED_V2 = "create(string,string,address[],uint256[],address[],uint256,address)"
_STABLE = "create(string,string,address[],uint256,uint256,address)"
_META_STABLE = "create(string,string,address[],uint256,address[],uint256[],uint256,bool,address)"
_COMPOSABLE = "create(string,string,address[],uint256,address[],uint256[],bool[],uint256,address)"

FACTORIES = {
    "weighted-v1": "deprecated/20210418-weighted-pool/artifact/WeightedPoolFactory",
    "weighted-v2": "deprecated/20220908-weighted-pool-v2/artifact/WeightedPoolFactory",
    "weighted-v3": "20230206-weighted-pool-v3/artifact/WeightedPoolFactory",
    "stable-v1": "deprecated/20210624-stable-pool/artifact/StablePoolFactory",
    "stable-v2": "20220609-stable-pool-v2/artifact/StablePoolFactory",
    "meta-stable": "deprecated/20210727-meta-stable-pool/artifact/MetaStablePoolFactory",
    "composable-v1": "deprecated/20220906-composable-stable-pool/artifact/ComposableStablePoolFactory",
    "composable-v2": "deprecated/20221122-composable-stable-pool-v2/artifact/ComposableStablePoolFactory",
    "composable-v3": "20230206-composable-stable-pool-v3/artifact/ComposableStablePoolFactory",
}
_QUERY_PROCESSOR = "deprecated/20210727-meta-stable-pool/artifact/QueryProcessor"


@dataclass(frozen=True, slots=True)
class DeployedPool:
    """A pool known to the Vault; `tokens` in registered order, its own share token included where it is registered."""

    address: str
    pool_id: bytes
    tokens: tuple[str, ...]


def _artifact(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((TASKS / f"{path}.json").read_text())
    return loaded


def _linked(artifact: dict[str, Any], libraries: dict[str, str]) -> bytes:
    code: str = artifact["bytecode"].removeprefix("0x")
    for names in artifact["linkReferences"].values():
        for name, places in names.items():
            for place in places:
                start, end = 2 * place["start"], 2 * (place["start"] + place["length"])
                code = code[:start] + libraries[name][2:] + code[end:]
    return bytes.fromhex(code)


def _initcode(artifact: dict[str, Any], *values: Any, libraries: dict[str, str] | None = None) -> bytes:
    constructors = [entry["inputs"] for entry in artifact["abi"] if entry["type"] == "constructor"]
    types = [parameter["type"] for inputs in constructors for parameter in inputs]
    return _linked(artifact, libraries or {}) + encode(types, values)


class Balancer:
    """The Vault and what its pools need, deployed on `machine`; factories are deployed when first used."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.authorizer = self._deploy("20210418-authorizer/artifact/Authorizer", SENDER)
        self.vault = self._deploy(
            "20210418-vault/artifact/Vault", self.authorizer, WRAPPED_COIN, PAUSE_WINDOW_SECONDS, BUFFER_SECONDS
        )
        self.fee_provider = self._deploy(
            "20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider",
            *(self.vault, 10**18, 10**18),
        )
        self._factories: dict[str, str] = {}

    def create_weighted(self, version: str, tokens: list[str], weights: list[int], *, swap_fee: int) -> DeployedPool:
        """A pool of `weighted-v1`, `-v2` or `-v3`; `tokens` sorted, `weights` adding up to exactly 1e18."""
        if version == "weighted-v1":
            arguments: list[Any] = ["Pool", "POOL", tokens, weights, swap_fee, ZERO_ADDRESS]
            return self._create(version, _WEIGHTED_V1, arguments)
        no_rates = [ZERO_ADDRESS] * len(tokens)
        return self._create(version, _WEIGHTED_V2, ["Pool", "POOL", tokens, weights, no_rates, swap_fee, ZERO_ADDRESS])

    def create_stable(
        self, version: str, tokens: list[str], amplification: int, *, swap_fee: int, rate_providers: list[str]
    ) -> DeployedPool:
        """A pool of one of the stable factories; `amplification` is the plain number from 1 to 5000."""
        count = len(tokens)
        head = ["Pool", "POOL", tokens, amplification]
        if version.startswith("stable"):
            return self._create(version, _STABLE, [*head, swap_fee, ZERO_ADDRESS])
        durations = [0] * count
        if version == "meta-stable":
            tail: list[Any] = [rate_providers, durations, swap_fee, False, ZERO_ADDRESS]
            return self._create(version, _META_STABLE, [*head, *tail])
        tail = [rate_providers, durations, [False] * count, swap_fee, ZERO_ADDRESS]
        return self._create(version, _COMPOSABLE, [*head, *tail])

    def join(self, pool: DeployedPool, amounts: list[int]) -> None:
        """The first join. `amounts` in registered order; the share token's own entry is ignored."""
        user_data = encode(["uint256", "uint256[]"], [_JOIN_INIT, amounts])
        request = (list(pool.tokens), [FOREVER] * len(pool.tokens), user_data, False)
        self.machine.call(self.vault, calldata(JOIN, pool.pool_id, SENDER, SENDER, request))

    def balances(self, pool: DeployedPool) -> tuple[int, ...]:
        """The Vault's balances of the pool, in registered order."""
        output = self.machine.call(self.vault, calldata("getPoolTokens(bytes32)", pool.pool_id))
        return tuple(decode(["address[]", "uint256[]", "uint256"], output)[1])

    def swap(self, pool: DeployedPool, i: int, j: int, amount: int, *, kind: int, commit: bool = True) -> int:
        """`Vault.swap` from SENDER to SENDER, any price; returns the computed amount. Raises `Reverted`."""
        single = (pool.pool_id, kind, pool.tokens[i], pool.tokens[j], amount, b"")
        limit = 0 if kind == GIVEN_IN else FOREVER
        data = calldata(SWAP, single, (SENDER, False, SENDER, False), limit, FOREVER)
        return int.from_bytes(self.machine.call(self.vault, data, commit=commit), "big")

    def _create(self, version: str, signature: str, arguments: list[Any]) -> DeployedPool:
        output = self.machine.call(self._factory(version), calldata(signature, *arguments))
        address = to_checksum_address(output[-20:])
        pool_id = self.machine.call(address, calldata("getPoolId()"))
        tokens = self.machine.call(self.vault, calldata("getPoolTokens(bytes32)", pool_id))
        registered = decode(["address[]", "uint256[]", "uint256"], tokens)[0]
        return DeployedPool(address, pool_id, tuple(to_checksum_address(token) for token in registered))

    def _factory(self, version: str) -> str:
        known = self._factories.get(version)
        if known is None:
            artifact = _artifact(FACTORIES[version])
            constructor = next(entry for entry in artifact["abi"] if entry["type"] == "constructor")
            supplied = (self.vault, self.fee_provider, "factory", "pool")
            libraries = {"QueryProcessor": self._deploy(_QUERY_PROCESSOR)} if version == "meta-stable" else {}
            arguments = supplied[: len(constructor["inputs"])]
            known = self.machine.deploy(_initcode(artifact, *arguments, libraries=libraries))
            self._factories[version] = known
        return known

    def _deploy(self, path: str, *values: Any) -> str:
        return self.machine.deploy(_initcode(_artifact(path), *values))


def address_of(name: str) -> str:
    """A made-up account, the same for the same name."""
    return to_checksum_address(keccak(text=name)[12:])
