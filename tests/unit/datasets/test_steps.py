"""What a build has to do follows from its plan alone, so that whoever comes next does the same."""

import msgspec
import pytest

from shared.datasets.manifest import Input, Use
from shared.datasets.recipe import Sample, Sampling
from shared.datasets.steps import is_working, tasks
from tests.unit.datasets import chosen

DAYS = ("2026-03-01", "2026-03-02")


def files(sample: Sample | None) -> list[str]:
    inputs = tuple(
        Input(use=Use.PREDICTIONS, path=day, sha256="", size_bytes=0, rows=1, hour=f"{day}T09", version="1")
        for day in reversed(DAYS)
    )
    return [one.file for one in tasks(msgspec.structs.replace(chosen.plan(sample=sample), inputs=inputs))]


def test_what_is_not_sampled_is_counted_and_taken_day_by_day() -> None:
    assert files(None) == [f"{step}-{day}.parquet" for step in ("count", "rows") for day in DAYS]


@pytest.mark.parametrize("by", [one for one in Sampling if one is not Sampling.STRATIFIED])
def test_each_step_comes_after_those_that_it_goes_by(by: Sampling) -> None:
    """Cuts are of the counts and borders of all days; what is counted by drift, of the levels that all days are scouted for."""
    found = files(Sample(rows=1, by=by))

    steps = [file.split("-")[0].split(".")[0] for file in found]
    expected = ["count", "count", "border", "border", "cuts", "rows", "rows"]
    assert steps == (["scout", "scout", "levels", *expected] if by is Sampling.DRIFT_AWARE else expected)
    assert [file for file in found if not is_working(file)] == [
        file for file in ("levels.json", "cuts.json") if file in found
    ]
