"""One alert for each model, version and signal at a time: when it opens, lasts and resolves.

An alert opens with the first breach. It resolves once a whole window has passed without one: windows overlap, and a
shift that is on its way out of the window would otherwise open and resolve with every look. A window that says nothing
(``unknown``) changes nothing, and neither does one that cannot judge just what breached, whatever it says of the rest.

What will never be judged again must not stay open for ever: an alert resolves as well once a whole window has passed
without any row, or without the signal, or what breached of it, being judged at all; and at once when its version is
retired.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from shared.documents import Document
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict


class News(StrEnum):
    """What is told of an alert."""

    OPENED = "opened"
    RESOLVED = "resolved"


class Alert(Document, frozen=True, kw_only=True):
    """A breach of one signal of one version, from its first window to its last.

    Attributes:
        id: names model, version, signal and the end of the first window; the same breach has the same id.
        opened_at: the end of the first window with a breach.
        breached_at: the end of the last one.
        resolved_at: the end of the window that resolved it; None while it is open.
        resolution: why it was resolved; None while it is open.
        reasons: of the first window: what is past its threshold, the largest first.
        comparisons: what was past its threshold when it was last judged, as ``<feature>: <metric>``, sorted; none of a
            signal without measurements.
        evaluation: where the evaluation that opened it is stored.
        config: SHA-256 of the configuration of that evaluation; None of the app itself, which has none.
    """

    id: str
    model: str
    version: str
    signal: Signal
    state: Literal["open", "resolved"]
    opened_at: datetime
    breached_at: datetime
    resolved_at: datetime | None = None
    resolution: str | None = None
    reasons: tuple[str, ...]
    comparisons: tuple[str, ...] = ()
    evaluation: str
    config: str | None = None

    @property
    def reached(self) -> datetime:
        """Return the end of the window that changed it last: of two states of one alert the later has the later one."""
        return self.resolved_at or self.breached_at


@dataclass(frozen=True, slots=True)
class Look:
    """One judgement of one version over the window from ``start`` to ``end``, and where it is stored.

    A look at how things stand now has a window without length.

    Attributes:
        rows: predictions in the window; None where none are judged.
        config: SHA-256 of the configuration, if there is one.
        is_last: whether there will be no other, because the version is retired.
    """

    model: str
    version: str
    start: datetime
    end: datetime
    evaluation: str
    rows: int | None = None
    config: str | None = None
    is_last: bool = False

    @property
    def key(self) -> str:
        """Return what names its end, to the hour or to the second; later looks of one kind sort after it.

        >>> Look("m", "1", datetime(2026, 3, 1, 8), datetime(2026, 3, 1, 9), "").key
        '2026-03-01T09'
        >>> Look("m", "1", datetime(2026, 3, 1, 9, 5), datetime(2026, 3, 1, 9, 5), "").key
        '2026-03-01T09-05-00'
        """
        return f"{self.end:%Y-%m-%dT%H}" if self.start < self.end else f"{self.end:%Y-%m-%dT%H-%M-%S}"


def after(alert: Alert | None, judgement: Judgement | None, look: Look) -> tuple[Alert | None, News | None]:
    """Return what a look makes of a signal's newest alert, and what there is to tell.

    Args:
        alert: the newest one of the same model, version and signal, open or resolved; None if there was none.
        judgement: of the signal; None where the look did not judge it.
        look: which window it is about.
    """
    if alert is not None and look.end <= alert.reached:
        return alert, None  # it was looked at before
    is_open = alert is not None and alert.state == "open"
    if judgement is not None and judgement.verdict is Verdict.BREACH:
        if alert is not None and is_open:
            comparisons = _unsettled(judgement, alert.comparisons)
            return msgspec.structs.replace(alert, breached_at=look.end, comparisons=comparisons), None
        return _opened(judgement, look), News.OPENED
    if alert is None or not is_open or (look.start < alert.breached_at and not look.is_last):
        return alert, None
    resolution = _resolution(alert, judgement, look)
    if resolution is None:
        return alert, None
    resolved = msgspec.structs.replace(alert, state="resolved", resolved_at=look.end, resolution=resolution)
    return resolved, News.RESOLVED


def _resolution(alert: Alert, judgement: Judgement | None, look: Look) -> str | None:
    """Return why a whole window without a breach, or the last look, ends an alert; None where it does not."""
    if look.is_last:
        return "the version was retired: it is not judged any more"
    if look.rows == 0:
        return "a whole window has passed without a row: nobody asks the version any more"
    if judgement is None:
        return f"a whole window has passed in which {alert.signal} was not judged any more"
    if alert.comparisons and not _compared(judgement).intersection(alert.comparisons):
        return "a whole window has passed in which what breached was not compared any more"
    is_judged = not _compared(judgement, Verdict.UNKNOWN).intersection(alert.comparisons)
    return "a whole window has passed without a breach" if judgement.verdict is Verdict.OK and is_judged else None


def _unsettled(judgement: Judgement, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return what breaches, and what did ``before`` and cannot be judged now."""
    unknown = _compared(judgement, Verdict.UNKNOWN)
    return tuple(sorted(_compared(judgement, Verdict.BREACH) | unknown.intersection(before)))


def _compared(judgement: Judgement, *verdicts: Verdict) -> set[str]:
    """Return the names of a judgement's comparisons, of those with one of the ``verdicts`` or of all."""
    wanted = verdicts or tuple(Verdict)
    return {name for one in judgement.measurements if one.verdict in wanted for name in _names(judgement.signal, one)}


def _names(signal: Signal, measurement: Measurement) -> tuple[str, ...]:
    """Return what a comparison is called, at this look and at every other one.

    One with a fixed threshold may be of the same feature and metric as one with a p-value. Where there was nothing to
    compare, the two look alike, and it goes for both.
    """
    # How features go together is told of the pair that has moved most, which is another one at each look.
    is_of_all = signal is Signal.JOINT_DRIFT
    name = measurement.metric if is_of_all else f"{measurement.feature}: {measurement.metric}"
    fixed = f"{name}, fixed"
    if measurement.value is None:
        return name, fixed
    is_fixed = measurement.p_value is None and measurement.verdict is not Verdict.UNKNOWN
    return (fixed if is_fixed else name,)


def _opened(judgement: Judgement, look: Look) -> Alert:
    return Alert(
        id=f"{look.model}.{look.version}.{judgement.signal}.{look.key}",
        model=look.model,
        version=look.version,
        signal=judgement.signal,
        state="open",
        opened_at=look.end,
        breached_at=look.end,
        reasons=judgement.reasons,
        comparisons=_unsettled(judgement, ()),
        evaluation=look.evaluation,
        config=look.config,
    )
