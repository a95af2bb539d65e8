"""The steps of a build, each of which leaves one blob: whoever comes next skips those that are there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from shared.datasets.manifest import Check, Plan
from shared.datasets.recipe import Sampling
from shared.documents import Document

STATUS_FILE: Final = "status.json"


class Step(StrEnum):
    """What is done, of one day or of all; the value is the beginning of the blob's name."""

    SCOUT = "scout"
    LEVELS = "levels"
    COUNT = "count"
    BORDER = "border"
    CUTS = "cuts"
    CHOOSE = "rows"


DAILY: Final = (Step.SCOUT, Step.COUNT, Step.BORDER, Step.CHOOSE)
"""Those that are done day by day. What they leave goes once there is a dataset."""


@dataclass(frozen=True, slots=True)
class Task:
    """One step, of one day; ``date`` is None where it is of all."""

    step: Step
    date: str | None = None

    @property
    def file(self) -> str:
        """Return what its blob is called.

        >>> Task(Step.CHOOSE, "2026-03-01").file, Task(Step.CUTS).file
        ('rows-2026-03-01.parquet', 'cuts.json')
        """
        return f"{self.step}.json" if self.date is None else f"{self.step}-{self.date}.parquet"


class Status(Document, frozen=True, kw_only=True):
    """What became of a build that came to its end.

    Attributes:
        state: ``refused`` where checks failed that nobody accepted.
        dataset: that it gave, where it is ready.
        checks: that were made.
    """

    state: Literal["ready", "refused"]
    dataset: str | None = None
    checks: tuple[Check, ...] = ()


def tasks(plan: Plan) -> list[Task]:
    """Return what there is to do before a dataset is finished, in its order."""
    sample = plan.recipe.sample
    is_by_drift = sample is not None and sample.by is Sampling.DRIFT_AWARE
    scouting = [*_daily(Step.SCOUT, plan), Task(Step.LEVELS)] if is_by_drift else []
    cutting = [*_daily(Step.BORDER, plan), Task(Step.CUTS)] if sample is not None else []
    return [*scouting, *_daily(Step.COUNT, plan), *cutting, *_daily(Step.CHOOSE, plan)]


def is_working(file: str) -> bool:
    """Whether a blob of a build is one of those that go once there is a dataset.

    >>> is_working("rows-2026-03-01.parquet"), is_working("cuts.json")
    (True, False)
    """
    return file.startswith(tuple(f"{step}-" for step in DAILY))


def _daily(step: Step, plan: Plan) -> list[Task]:
    return [Task(step, date) for date in plan.dates]
