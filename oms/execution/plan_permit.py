"""What an owner signs to let one plan take its funds: a Permit2 transfer whose witness is the plan.

Owns: types, domain and digest, as `contracts/libraries/PlanHash.sol` and Permit2 hash them.
Must not: sign, recover or hold a key.
Sources: EIP-712; Permit2's `SignatureTransfer` and `PermitHash`.
"""

from typing import Any, Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.execution.plan_codec import PackedPlan, plan_flags, route_of
from oms.units import Address

PERMIT2: Final = Address("0x000000000022D473030F116dDEE9F6B43aC78BA3")

_FIELDS: Final = {
    "Asset": (("bound", "uint8"), ("token", "address"), ("amount", "uint256")),
    "Plan": (
        ("executor", "address"),
        ("chainId", "uint256"),
        ("flags", "uint8"),
        ("deadline", "uint256"),
        ("assets", "Asset[]"),
        ("route", "bytes"),
    ),
    "TokenPermissions": (("token", "address"), ("amount", "uint256")),
    "PermitWitnessTransferFrom": (
        ("permitted", "TokenPermissions"),
        ("spender", "address"),
        ("nonce", "uint256"),
        ("deadline", "uint256"),
        ("witness", "Plan"),
    ),
    "EIP712Domain": (("name", "string"), ("chainId", "uint256"), ("verifyingContract", "address")),
}


def _declaration(name: str) -> str:
    return f"{name}({','.join(f'{kind} {field}' for field, kind in _FIELDS[name])})"


ASSET_TYPE: Final = _declaration("Asset")
PLAN_TYPE: Final = _declaration("Plan") + ASSET_TYPE
PERMIT_TYPE: Final = (
    _declaration("PermitWitnessTransferFrom") + ASSET_TYPE + _declaration("Plan") + _declaration("TokenPermissions")
)
WITNESS_TYPE: Final = PERMIT_TYPE.partition(",uint256 deadline,")[2]
"""The end of the permit's type, which the executor hands to Permit2."""


def plan_hash(plan: PackedPlan, *, executor: Address, chain_id: int) -> bytes:
    """EIP-712's `hashStruct` of the plan; its permit is no part of it."""
    assets = b"".join(
        keccak(
            encode(
                ["bytes32", "uint8", "address", "uint256"],
                [keccak(ASSET_TYPE.encode()), int(asset.bound), asset.token, asset.amount],
            )
        )
        for asset in plan.assets
    )
    kinds = ["bytes32", "address", "uint256", "uint8", "uint256", "bytes32", "bytes32"]
    values = [executor, chain_id, plan_flags(plan), plan.deadline, keccak(assets), keccak(route_of(plan))]
    return keccak(encode(kinds, [keccak(PLAN_TYPE.encode()), *values]))


def permit_digest(plan: PackedPlan, *, executor: Address, chain_id: int) -> bytes:
    """The 32 bytes that the owner's key signs. Raises `ValueError` for a plan without a permit."""
    nonce = _nonce(plan)
    sold = plan.assets[0]
    permitted = keccak(
        encode(
            ["bytes32", "address", "uint256"],
            [keccak(_declaration("TokenPermissions").encode()), sold.token, sold.amount],
        )
    )
    witness = plan_hash(plan, executor=executor, chain_id=chain_id)
    kinds = ["bytes32", "bytes32", "address", "uint256", "uint256", "bytes32"]
    struct = encode(kinds, [keccak(PERMIT_TYPE.encode()), permitted, executor, nonce, plan.deadline, witness])
    domain = encode(
        ["bytes32", "bytes32", "uint256", "address"],
        [keccak(_declaration("EIP712Domain").encode()), keccak(b"Permit2"), chain_id, PERMIT2],
    )
    return keccak(b"\x19\x01" + keccak(domain) + keccak(struct))


def permit_typed_data(plan: PackedPlan, *, executor: Address, chain_id: int) -> dict[str, Any]:
    """The document for `eth_signTypedData_v4`, in which a wallet shows every asset with its bound."""
    sold = plan.assets[0]
    return {
        "types": {name: [{"name": field, "type": kind} for field, kind in fields] for name, fields in _FIELDS.items()},
        "primaryType": "PermitWitnessTransferFrom",
        "domain": {"name": "Permit2", "chainId": chain_id, "verifyingContract": PERMIT2},
        "message": {
            "permitted": {"token": sold.token, "amount": sold.amount},
            "spender": executor,
            "nonce": _nonce(plan),
            "deadline": plan.deadline,
            "witness": {
                "executor": executor,
                "chainId": chain_id,
                "flags": plan_flags(plan),
                "deadline": plan.deadline,
                "assets": [
                    {"bound": int(asset.bound), "token": asset.token, "amount": asset.amount} for asset in plan.assets
                ],
                "route": route_of(plan),
            },
        },
    }


def _nonce(plan: PackedPlan) -> int:
    if plan.permit is None:
        raise ValueError("the plan takes nothing by permit; give it one with its nonce and an empty signature")
    return plan.permit.nonce
