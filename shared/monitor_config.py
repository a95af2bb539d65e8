"""How a model is monitored: ``models/<model>/monitor.yaml``, changeable at any time.

Every evaluation and alert records the hash of the configuration it was made with.
"""

import hashlib
from datetime import timedelta
from typing import Annotated, Final

import msgspec

from shared.errors import InvalidDocument

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
MOST_SEGMENTED: Final = 5
"""Each adds up to eight profiles to every hour."""

_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=366)


class Floor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The smallest change worth hearing about: KS of a number, L-infinity of a category, a bad share's increase."""

    ks: Share = 0.05
    l_infinity: Share = 0.05
    share: Share = 0.05


class MonitorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is compared, and what an alarm must be.

    Attributes:
        false_alarms_per_month: how many are tolerable, over everything that is watched of one version.
        lookback_window_size: how much is compared at once, in whole hours; written as in Azure ML: ``P1D``, ``PT6H``.
        lookback_window_offset: how far before the newest sealed hour the window ends.
        floor: the smallest change worth hearing about.
        segments: categories or booleans; the rows of each of their commonest values are profiled by themselves as well.
    """

    false_alarms_per_month: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    lookback_window_size: timedelta = timedelta(days=1)
    lookback_window_offset: timedelta = timedelta(0)
    floor: Floor = Floor()
    segments: tuple[str, ...] = ()

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
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # A ValueError is what YAML makes of the 45th of a month, and a RecursionError of too many brackets.
        raise InvalidDocument(path, reason=str(error)) from error
