"""Judgements and looks to test with."""

from datetime import UTC, datetime, timedelta

from shared.alerts.lifecycle import Alert, Look, News, after
from shared.signals.judgement import Judgement, Signal, Verdict

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW_HOURS = 6
CONFIG = "c" * 64


def judged(verdict: Verdict, *, signal: Signal = Signal.DRIFT) -> Judgement:
    return Judgement(signal=signal, verdict=verdict, reasons=(f"it is {verdict}",), measurements=())


def look_at(hour: int, *, hours: int = WINDOW_HOURS) -> Look:
    """Return the look at the window of so many hours that ends so many hours after midnight."""
    end = MIDNIGHT + timedelta(hours=hour)
    return Look("flights", "1", end - timedelta(hours=hours), end, f"evaluation-{hour}", config=CONFIG)


def opened_at(hour: int) -> Alert:
    alert, news = after(None, judged(Verdict.BREACH), look_at(hour))
    assert alert is not None
    assert news is News.OPENED
    return alert
