"""How many rows have not turned out, of those that are old enough."""

from typing import Final

import pyarrow.compute as pc

from shared.datasets.checks.judgement import Found, failed, ok, percent, unknown
from shared.datasets.columns import ORIGINAL
from shared.datasets.files import DatasetFiles
from shared.datasets.manifest import Check, DatasetManifest
from shared.datasets.reasons import ACTUAL_AFTER_AS_OF, MISFIT_ACTUAL, NO_ACTUAL, SAMPLED_OUT, SPANS_SPLIT

NAME: Final = "missing_actuals"

_MENDS: Final = {
    NO_ACTUAL: "say by actuals.delay when they have, or take an earlier end",
    ACTUAL_AFTER_AS_OF: "most of theirs were known only at as_of or later: take a later one, or an earlier end",
    MISFIT_ACTUAL: "most of theirs are nothing that the model could answer: see what is sent as actuals",
}
"""By why rows are left out that have none that counts, where one is required: what mends it."""
_AFTERWARDS: Final = (SAMPLED_OUT, SPANS_SPLIT)
"""Why rows are left out of which it is known that they have an actual, where one is required."""


def check(files: DatasetFiles, made: DatasetManifest) -> Check:
    """Return whether too many have not, by the rows that are there and those that were left out, by reason.

    Where actuals are required, rows without one were left out, as were those with one that is no answer of the model.
    Otherwise they are in the dataset, and counted there. Rows of original training data have their actuals from elsewhere.
    """
    captured, missing = 0, Found()
    for batch in files.batches(["_id", made.actual]):
        ours = batch.filter(pc.invert(pc.starts_with(batch["_id"], ORIGINAL)))
        captured += len(ours)
        missing.add(ours, ours[made.actual].is_null())
    without, mend = missing.rows, _MENDS[NO_ACTUAL]
    if made.recipe.actuals.required:
        by_reason = {reason: made.excluded.get(reason, 0) for reason in _MENDS}
        without, mend = sum(by_reason.values()), _MENDS[max(by_reason, key=lambda reason: by_reason[reason])]
        captured += without + sum(made.excluded.get(reason, 0) for reason in _AFTERWARDS)
    if not captured:
        return unknown(NAME, "no captured row is old enough")
    tolerated = made.recipe.tolerances.missing_actuals
    reason = f"{without:,} of {captured:,} rows ({percent(without / captured)}) have no actual that counts"
    if without / captured <= tolerated:
        return ok(NAME, reason)
    told = (
        f"{percent(tolerated)} is tolerated (tolerances.{NAME}), because rows that turn out are seldom like those that do "
        f"not; {mend}"
    )
    return failed(NAME, reason, mend=told, rows=missing.ids)
