"""How well a settlement's gas is estimated before it is sent, and whether its amounts come out: random plans, settled.

Owns: the keys. Must not: use the plans that the estimate's table was fitted to (`gas_fit`).
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.auction import FILE
from benchmarks.gas_fit import CHECK_SEED, observations, share_within
from benchmarks.measures import Findings, Measure, Reading
from oms.routing.gas_model import FITTED

PLANS = 400

WITHIN_2_PERCENT = Measure(
    key="gas.estimate_within_2pct_share",
    unit="share",
    what=f"of {PLANS} random plans, those whose gas was estimated within 2 % of the receipt's",
    aim=0.95,
)
MISMATCHES = Measure(
    key="route.chain_mismatches",
    unit="plans",
    what=f"of the same {PLANS}, those with an amount that was not the predicted one, to the wei",
    aim=0,
    less_is_better=True,
)
MEASURES = (WITHIN_2_PERCENT, MISMATCHES)


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path, data: Path) -> None:
    """Settle the plans on both chains. Raises `VenueError` when one reverts."""
    if not (data / FILE).is_file():
        findings.notes.append("gas.estimate and route.chain need the recorded auction (OMS_DATA): left out")
        return
    seen = observations(project, data, CHECK_SEED, PLANS)
    values = {
        WITHIN_2_PERCENT: share_within(seen, FITTED),
        MISMATCHES: sum(not each.exact for each in seen),
    }
    findings.readings += [Reading(measure, value) for measure, value in values.items() if measure in wanted]
