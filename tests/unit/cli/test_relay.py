"""Words of the commands that send several plans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.cli.relay import continue_mask
from oms.errors import InvalidRequest


@pytest.mark.parametrize(
    ("text", "count", "mask"), [(None, 3, 0), ("all", 3, 0b111), ("1", 1, 1), ("2,3", 3, 0b110), ("3, 1,3", 3, 0b101)]
)
def test_places_count_from_one(text: str | None, count: int, mask: int) -> None:
    assert continue_mask(text, count) == mask


@pytest.mark.parametrize("text", ["", "0", "4", "-1", "1,", "two", "1-2", "9" * 5_000, "ALL"])
def test_a_place_that_no_plan_has_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="write 1 to 3, or all"):
        continue_mask(text, 3)


@given(st.sets(st.integers(1, 256), min_size=1), st.just(256))
def test_every_set_of_places_is_its_bits(places: set[int], count: int) -> None:
    mask = continue_mask(",".join(map(str, places)), count)
    assert {bit + 1 for bit in range(count) if mask >> bit & 1} == places
