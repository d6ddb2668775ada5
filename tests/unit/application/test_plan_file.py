"""A plan as JSON and back, and files that are no plan."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.application.plan_file import (
    MAX_PLAN_BYTES,
    plan_digest,
    plan_json,
    read_plan,
    require_current,
    to_json_value,
)
from oms.domain.plans import MakerLeg, PoolLeg, RoutePlan, Side, Spend, SpendKind
from oms.domain.venue import Family
from oms.errors import InvalidRequest
from oms.units import Address
from tests.unit.application.samples import NOW, book, ladder, maker, plan_of, pool, report, sell

PLAN = plan_of(
    report(sell(20), pool(1, 500), ladders=[ladder(("5", "2050"))], books=[book(size="4")]), maker(("5", "2050"))
)
AMOUNTS = st.integers(0, 2**128 - 1)
ADDRESSES = st.integers(0, 2**160 - 1).map(lambda n: Address(f"0x{n:040x}"))


def written(folder: Path, value: Any) -> Path:
    path = folder / "plan.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_a_plan_with_every_kind_of_leg_reads_back_equal(tmp_path: Path) -> None:
    assert {type(leg).__name__ for leg in PLAN.legs} == {"PoolLeg", "MakerLeg", "ExchangeLeg"}
    assert read_plan(written(tmp_path, plan_json(PLAN))) == PLAN
    assert read_plan(written(tmp_path, {"plan": to_json_value(PLAN), "legs": []})) == PLAN


def sealed(plan: RoutePlan) -> RoutePlan:
    """The plan with totals that its legs add up to, and the id of its content."""
    chain_in = sum(leg.amount_in for leg in plan.chain_legs)
    chain_out = sum(leg.amount_out for leg in plan.chain_legs)
    summed = replace(
        plan,
        chain_amount_in=chain_in,
        chain_amount_out=chain_out,
        amount_in=chain_in + sum(leg.amount_in for leg in plan.exchange_legs),
        amount_out=chain_out + sum(leg.amount_out for leg in plan.exchange_legs),
    )
    return replace(summed, plan_id=plan_digest(summed))


@st.composite
def plans(draw: st.DrawFn) -> RoutePlan:
    """Plans with other amounts, families and spends than any quote would make."""
    pools = [leg for leg in PLAN.chain_legs if isinstance(leg, PoolLeg)]
    makers = [leg for leg in PLAN.chain_legs if isinstance(leg, MakerLeg)]
    spend = draw(st.builds(Spend, st.sampled_from(SpendKind), st.integers(1, 2**32 - 1)))
    key = replace(
        pools[0].key,
        family=draw(st.sampled_from(Family)),
        settles_at=draw(ADDRESSES),
        pool_id="0x" + draw(st.binary(min_size=1, max_size=32)).hex(),
        native=draw(st.booleans()),
    )
    leg = replace(pools[0], key=key, spend=spend, amount_in=draw(AMOUNTS), amount_out=draw(AMOUNTS))
    quote = replace(makers[0].quote, signature=draw(st.binary(max_size=80)), nonce=draw(st.integers(0, 2**256 - 1)))
    exchange = replace(
        PLAN.exchange_legs[0],
        size=draw(st.decimals(0, 10**9, places=8)),
        limit_price=draw(st.decimals(0, 10**9, places=8)),
    )
    drawn = replace(
        PLAN,
        intent=replace(PLAN.intent, side=draw(st.sampled_from(Side)), amount=draw(AMOUNTS)),
        chain_legs=draw(st.permutations([leg, replace(makers[0], quote=quote)]).map(tuple)),
        exchange_legs=(exchange,) * draw(st.integers(0, 2)),
        gas_cost=draw(AMOUNTS),
        created_at=draw(st.floats(0, 1e11)),
    )
    return sealed(drawn)


@settings(max_examples=80, deadline=None)
@given(plan=plans())
def test_any_plan_reads_back_equal_to_the_unit(tmp_path_factory: pytest.TempPathFactory, plan: RoutePlan) -> None:
    path = written(tmp_path_factory.getbasetemp(), plan_json(plan))
    assert read_plan(path) == plan
    assert plan_json(read_plan(path)) == plan_json(plan)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(plan_json(PLAN))
    change(document)
    return document


def setting(*path: str | int, to: Any) -> Callable[[dict[str, Any]], object]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


POOL = next(i for i, leg in enumerate(PLAN.chain_legs) if isinstance(leg, PoolLeg))
SIGNED = next(i for i, leg in enumerate(PLAN.chain_legs) if isinstance(leg, MakerLeg))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.pop("deadline"), "deadline"),
        (setting("amount_in", to="many"), "amount_in"),
        (setting("amount_in", to=1.5), "amount_in"),
        (setting("amount_in", to="-1"), "amount_in"),
        (setting("amount_in", to=str(2**256)), "amount_in"),
        (setting("amount_in", to="9" * 5_000), "amount_in"),
        (setting("chain_amount_out_min", to=-1), "chain_amount_out_min"),
        (setting("created_at", to=float("nan")), "created_at"),
        (setting("created_at", to=float("inf")), "created_at"),
        (setting("intent", "side", to="steal"), "intent.side"),
        (setting("intent", to=None), "intent"),
        (setting("intent", "token_in", "address", to="0x12"), "intent.token_in.address"),
        (setting("intent", "token_in", "decimals", to=10**9), "intent.token_in.decimals"),
        (setting("chain_legs", to="none"), "chain_legs"),
        (setting("chain_legs", POOL, "key", "family", to="uniswap_v9"), "chain_legs"),
        (setting("chain_legs", POOL, "key", "pool_id", to="0xnot hex"), "pool_id"),
        (setting("chain_legs", POOL, "key", "settles_at", to="nobody"), "settles_at"),
        (setting("chain_legs", POOL, "key", "tokens", to=["0x" + "5" * 40, "0x" + "6" * 40]), "trades tokens"),
        (setting("chain_legs", POOL, "key", "tokens", to=["x", "y"]), "trades tokens"),
        (setting("chain_legs", POOL, "key", "tokens", 1, to="y"), "trades tokens"),
        (setting("chain_legs", SIGNED, "quote", "signature", to="0xzz"), "signature"),
        (setting("chain_legs", SIGNED, "quote", "signature", to="00"), "signature"),
        (setting("chain_legs", SIGNED, "quote", "maker", to=""), "quote.maker"),
        (setting("exchange_legs", 0, "size", to="NaN"), "size"),
        (setting("exchange_legs", 0, "size", to="-1"), "size"),
        (setting("exchange_legs", 0, "symbol", to="ETHUSDC"), "symbol"),
        (setting("exchange_legs", 0, "size", to="1e61"), "exchange_legs.0.size is beyond"),
        (setting("exchange_legs", 0, "limit_price", to="1e-999999"), "exchange_legs.0.limit_price is beyond"),
        (setting("exchange_legs", 0, "size", to="1." + "1" * 120), "exchange_legs.0.size is beyond"),
        (setting("surprise", to=1), "surprise is no field"),
        (setting("intent", "token_in", "name", to="x"), "intent.token_in.name is no field"),
        (setting("chain_legs", SIGNED, "key", to={}), "key is no field"),
        (setting("gas", to=True), "gas is true or false"),
        (setting("chain_legs", POOL, "key", "native", to=1), "native is neither true nor false"),
        (setting("chain_legs", POOL, "spend", to={"kind": "share"}), "spend.share is not between 1"),
        (setting("chain_legs", POOL, "spend", to={"kind": "share", "share": 2**32}), "spend.share is not between 1"),
        (setting("intent", "token_in", "symbol", to="WETH\x1b[2J"), "intent.token_in.symbol"),
        (setting("intent", "token_in", "symbol", to="W\u202eETH"), "intent.token_in.symbol"),
        (setting("intent", "token_in", "symbol", to="[red]"), "intent.token_in.symbol"),
        (setting("intent", "token_in", "symbol", to=""), "intent.token_in.symbol"),
        (setting("amount_in", to="1"), "amount_in is 1, and its legs add up to"),
        (setting("amount_out", to="1"), "amount_out is 1, and its legs add up to"),
        (setting("chain_amount_in", to="1"), "chain_amount_in is 1, and its legs add up to"),
        (setting("chain_amount_out", to="1"), "chain_amount_out is 1, and its legs add up to"),
        (setting("chain_amount_out_min", to="1"), "plan_id is not that of this content"),
        (setting("plan_id", to=""), "plan_id is not that of this content"),
    ],
)
def test_a_field_that_fits_no_plan_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    with pytest.raises(InvalidRequest, match="name a file that --json wrote") as caught:
        read_plan(written(tmp_path, changed(change)))
    assert caught.value.field == "plan"
    assert named in caught.value.reason


@pytest.mark.parametrize(
    "text", ["", "{", "null", "5", "[]", '"plan"', '{"plan": 5}', '{"plan": []}', "[" * 100_000, "NaN", "\x00"]
)
def test_files_that_hold_no_plan_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidRequest, match="plan"):
        read_plan(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"\xff\xfe\x80")
    with pytest.raises(InvalidRequest, match="not JSON"):
        read_plan(path)


def test_a_file_larger_than_any_plan_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="larger than any plan"):
        read_plan(written(tmp_path, " " * (MAX_PLAN_BYTES + 1)))
    with pytest.raises(InvalidRequest, match="larger than any plan"):
        read_plan(Path("/dev/zero"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot read"):
        read_plan(tmp_path / "absent.json")
    with pytest.raises(InvalidRequest, match="cannot read"):
        read_plan(tmp_path)


def test_a_plan_is_current_on_its_chain_until_its_deadline() -> None:
    require_current(PLAN, chain_id=1, chain_time=PLAN.deadline)
    with pytest.raises(InvalidRequest, match="passed 1 s ago"):
        require_current(PLAN, chain_id=1, chain_time=PLAN.deadline + 1)
    with pytest.raises(InvalidRequest, match="chain 1, not 10"):
        require_current(PLAN, chain_id=10, chain_time=NOW)


def test_decimals_keep_every_digit(tmp_path: Path) -> None:
    size = Decimal("0.123456789012345678901234567890123456789")
    plan = sealed(replace(PLAN, exchange_legs=(replace(PLAN.exchange_legs[0], size=size),)))
    assert read_plan(written(tmp_path, plan_json(plan))).exchange_legs[0].size == size


def test_the_id_of_a_plan_is_that_of_its_content() -> None:
    assert plan_digest(PLAN) == PLAN.plan_id
    assert plan_digest(replace(PLAN, plan_id="another")) == PLAN.plan_id
    assert plan_digest(replace(PLAN, deadline=PLAN.deadline + 1)) != PLAN.plan_id


@pytest.mark.parametrize("symbol", ["A very long s?mbol i…", "USD₮0", "wstETH", "a.b-c_d+e$f/g", "?"])
def test_symbols_as_they_are_shown_are_read(tmp_path: Path, symbol: str) -> None:
    token = replace(PLAN.intent.token_in, symbol=symbol.replace(" ", "?"))
    plan = sealed(replace(PLAN, intent=replace(PLAN.intent, token_in=token)))
    assert read_plan(written(tmp_path, plan_json(plan))) == plan
