"""How a model is monitored: ``models/<model>/monitor.yaml``, changeable at any time.

Every evaluation and alert records the hash of the configuration it was made with.
"""

import hashlib
import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from shared.errors import InvalidDocument
from shared.hours import Hour

if TYPE_CHECKING:  # only a configuration that does not hold is looked at line by line
    import yaml

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Threshold = Annotated[float, msgspec.Meta(gt=0)]
NumericalMetric = Literal["ks", "psi", "jensen_shannon_distance", "wasserstein_normalised", "mean_shift"]
CategoricalMetric = Literal["l_infinity", "psi", "jensen_shannon_distance", "chi_squared"]
MOST_SEGMENTED: Final = 5
"""Each adds up to eight profiles to every hour."""

_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=366)


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


class MonitorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is compared, and what an alarm must be.

    Attributes:
        false_alarms_per_month: how many are tolerable, over everything that is watched of one version.
        lookback_window_size: how much is compared at once, in whole hours; written as in Azure ML: ``P1D``, ``PT6H``.
        lookback_window_offset: how far before the newest sealed hour the window ends.
        floor: the smallest change worth hearing about.
        segments: categories or booleans; the rows of each of their commonest values are profiled by themselves as well.
        features: those that are judged; none named means all.
        schedule: how often.
        metric_thresholds: fixed ones, besides.
    """

    false_alarms_per_month: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    lookback_window_size: timedelta = timedelta(days=1)
    lookback_window_offset: timedelta = timedelta(0)
    floor: Floor = Floor()
    segments: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    metric_thresholds: MetricThresholds = MetricThresholds()

    def __post_init__(self) -> None:
        if not _HOUR <= self.lookback_window_size <= _LONGEST or self.lookback_window_size % _HOUR:
            raise ValueError("lookback_window_size is a number of whole hours, up to a year, such as P1D or PT6H")
        if not timedelta(0) <= self.lookback_window_offset <= _LONGEST or self.lookback_window_offset % _HOUR:
            raise ValueError("lookback_window_offset is a number of whole hours, up to a year, such as PT0H")
        if len(set(self.segments)) < len(self.segments):
            raise ValueError("segments names a feature twice")
        if len(self.segments) > MOST_SEGMENTED:
            raise ValueError(f"segments names {len(self.segments)} features, and {MOST_SEGMENTED} is the most")

    @property
    def window_hours(self) -> int:
        """Return the size of a window in hours."""
        return self.lookback_window_size // _HOUR

    @property
    def offset_hours(self) -> int:
        """Return how many hours before the newest sealed hour a window ends."""
        return self.lookback_window_offset // _HOUR

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
        InvalidDocument: it is not YAML, or says something that does not hold; the message names the key.
    """
    try:
        return msgspec.yaml.decode(data, type=MonitorConfig | None) or MonitorConfig()
    except msgspec.ValidationError as error:
        raise InvalidDocument(path, reason=f"{_line_of(data, str(error))}{error}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # A ValueError is what YAML makes of the 45th of a month, and a RecursionError of too many brackets.
        raise InvalidDocument(path, reason=str(error)) from error


def _line_of(data: bytes, problem: str) -> str:
    """Return which line a problem is in, as "line 3: ", by the key or the place that it names."""
    import yaml

    try:
        node = yaml.compose(data, Loader=yaml.SafeLoader)
    except yaml.YAMLError:  # it is stricter than the reader that has read it
        return ""
    place = re.search(r"at `\$(.*?)`", problem)
    unknown = re.search(r"unknown field `(.*?)`", problem)
    keys = [*(re.findall(r"[^.\[\]]+", place[1]) if place else []), *([unknown[1]] if unknown else [])]
    if not keys and node is not None:
        # What __post_init__ refuses names its key first.
        keys = [problem.split(" ", 1)[0]]
    for key in keys:
        node = _child(node, key) or node
    return f"line {node.start_mark.line + 1}: " if node is not None else ""


def _child(node: "yaml.Node | None", key: str) -> "yaml.Node | None":
    """Return the value of a key, or of a place in a list; None where there is none."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
        child: yaml.Node = node.value[int(key)]
        return child
    return None
