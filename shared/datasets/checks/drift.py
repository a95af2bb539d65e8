"""How far training and test lie apart, feature by feature: told, and never refused."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.datasets.checks.judgement import ok, unknown, warned
from shared.datasets.manifest import TEST, TRAIN, Check
from shared.signals.exact.comparing import compare
from shared.signals.exact.files import TableColumns

NAME: Final = "drift"

_METRIC: Final = "jensen_shannon_distance"
_LEAST: Final = 100
"""Of fewer rows the distance is a matter of chance."""


def check(sample: pa.Table, features: Sequence[str], *, tolerated: float) -> Check:
    """Return which features lie further apart than is tolerated, by rows of all parts that stand for the others."""
    sides = [sample.filter(pc.equal(sample["_split"], split)).select(list(features)) for split in (TRAIN, TEST)]
    if min(len(side) for side in sides) < _LEAST:
        return unknown(NAME, f"training and test need {_LEAST} rows each to be compared")
    found = {
        one.feature: one.metrics[_METRIC]
        for one in compare(TableColumns(sides[0]), TableColumns(sides[1]))
        if _METRIC in one.metrics
    }
    if not found:
        return unknown(NAME, "no feature has values in both training and test")
    far = sorted((one for one in found if found[one] > tolerated), key=lambda one: -found[one])
    if not far:
        most = max(found, key=lambda one: found[one])
        return ok(NAME, f"training and test are {found[most]:.2f} apart at most, in {most!r}")
    named = ", ".join(f"{one!r} {found[one]:.2f}" for one in far)
    return warned(NAME, f"training and test lie further apart than {tolerated:g} (tolerances.{NAME}) in {named}")
