"""How a model is monitored: ``models/<model>/monitor.yaml``, changeable at any time.

Every evaluation and alert records the hash of the configuration it was made with.
"""

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from shared import config_files
from shared.hours import Hour
from shared.retrain_config import HOUR, LONGEST, RetrainCost, Retraining

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Threshold = Annotated[float, msgspec.Meta(gt=0)]
NumericalMetric = Literal["ks", "psi", "jensen_shannon_distance", "wasserstein_normalised", "mean_shift"]
CategoricalMetric = Literal["l_infinity", "psi", "jensen_shannon_distance", "chi_squared"]
PerformanceMetric = Literal[
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "log_loss",
    "brier",
    "mae",
    "rmse",
    "r2",
    "quantile_loss",
]
MOST_SEGMENTED: Final = 5
"""Each adds up to eight profiles to every hour."""


class Floor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The smallest change worth hearing about: KS of a number, L-infinity of a category, a bad share's increase."""

    ks: Share = 0.05
    l_infinity: Share = 0.05
    share: Share = 0.05


class Frequency(StrEnum):
    """The unit of a schedule, in Azure ML's words."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def hours(self) -> int:
        """Return how many hours it has."""
        return {Frequency.HOUR: 1, Frequency.DAY: 24, Frequency.WEEK: 168}[self]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a version is looked at: every so many hours, days (from midnight UTC) or weeks (from Monday)."""

    frequency: Frequency = Frequency.HOUR
    interval: Annotated[int, msgspec.Meta(ge=1, le=366)] = 1

    @property
    def hours(self) -> int:
        """Return how many hours lie between two looks."""
        return self.frequency.hours * self.interval


class MetricThresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fixed thresholds for whoever wants them, by metric: of each number, and of each category.

    They are held against every window whatever its size, and no budget of false alarms covers them.
    """

    numerical: dict[NumericalMetric, Threshold] = {}
    categorical: dict[CategoricalMetric, Threshold] = {}


class JudgedPerformance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what answers are judged once their actuals have come.

    Attributes:
        metric: None is ``accuracy`` of a class and ``mae`` of a number.
        floor: the smallest loss of it worth hearing about: of a metric where 1 is best as it is, so that 0.02 is two points;
            of one where 0 is best, as a share of what it was.
        quantile: which one numbers are answered as, where ``metric`` is ``quantile_loss``; None where it is another.
    """

    metric: PerformanceMetric | None = None
    floor: Share = 0.02
    quantile: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None

    def __post_init__(self) -> None:
        if self.metric == "quantile_loss" and self.quantile is None:
            raise ValueError("metric is quantile_loss, and quantile does not say of which one, such as 0.9")
        if self.metric != "quantile_loss" and self.quantile is not None:
            raise ValueError("quantile is what metric quantile_loss is of, and metric is another")


class MonitorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is compared, and what an alarm must be.

    Attributes:
        false_alarms_per_month: how many are tolerable of a model, over everything that is watched of its versions.
        lookback_window_size: how much is compared at once, in whole hours; written as in Azure ML: ``P1D``, ``PT6H``.
        lookback_window_offset: how far before the newest sealed hour the window ends.
        floor: the smallest change worth hearing about.
        segments: categories or booleans; the rows of each of their commonest values are profiled by themselves as well.
        features: those that are judged, in segments as well; none named means all.
        schedule: how often.
        metric_thresholds: fixed ones, besides.
        actuals_delay: how long after a prediction its actual is known; None has it learned from the delays seen.
        performance: by what answers are judged once their actuals have come.
        retrain_cost: what a retrain costs; None where nobody has said so, and no retrain is priced.
        retraining: by what it is decided whether one pays.
    """

    false_alarms_per_month: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    lookback_window_size: timedelta = timedelta(days=1)
    lookback_window_offset: timedelta = timedelta(0)
    floor: Floor = Floor()
    segments: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    metric_thresholds: MetricThresholds = MetricThresholds()
    actuals_delay: timedelta | None = None
    performance: JudgedPerformance = JudgedPerformance()
    retrain_cost: RetrainCost | None = None
    retraining: Retraining = Retraining()

    def __post_init__(self) -> None:
        if not HOUR <= self.lookback_window_size <= LONGEST or self.lookback_window_size % HOUR:
            raise ValueError("lookback_window_size is a number of whole hours, up to a year, such as P1D or PT6H")
        if not timedelta(0) <= self.lookback_window_offset <= LONGEST or self.lookback_window_offset % HOUR:
            raise ValueError("lookback_window_offset is a number of whole hours, up to a year, such as PT0H")
        if self.actuals_delay is not None and not timedelta(0) <= self.actuals_delay <= LONGEST:
            raise ValueError("actuals_delay is a time from nothing up to a year, such as PT6H or P3D")
        for key, names in (("features", self.features), ("segments", self.segments)):
            if len(set(names)) < len(names):
                raise ValueError(f"{key} names a feature twice")
        if len(self.segments) > MOST_SEGMENTED:
            raise ValueError(f"segments names {len(self.segments)} features, and {MOST_SEGMENTED} is the most")

    @property
    def window_hours(self) -> int:
        """Return the size of a window in hours."""
        return self.lookback_window_size // HOUR

    @property
    def offset_hours(self) -> int:
        """Return how many hours before the newest sealed hour a window ends."""
        return self.lookback_window_offset // HOUR

    def is_end(self, hour: Hour) -> bool:
        """Whether a window ends before an hour, by the schedule."""
        return hour.since_monday % self.schedule.hours == 0

    def newest_end(self, before: Hour) -> Hour:
        """Return where the newest window ends that is due once everything before an hour is sealed."""
        last = before.plus(-self.offset_hours)
        return last.plus(-(last.since_monday % self.schedule.hours))

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what it says, however it was written."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


def monitor_config_path(model: str) -> str:
    """Return where a model's configuration is stored."""
    return f"models/{model}/monitor.yaml"


def parse(data: bytes, *, path: str) -> MonitorConfig:
    """Read a configuration; one that says nothing, or nothing but comments, is the default.

    Raises:
        InvalidDocument: it is not YAML, or says something that does not hold; the message names line and key.
    """
    return config_files.parse(data, MonitorConfig, path=path)
