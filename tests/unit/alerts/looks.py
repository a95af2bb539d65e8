"""Judgements and looks to test with."""

from datetime import UTC, datetime, timedelta

from shared.alerts.lifecycle import Alert, Look, News, after
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW_HOURS = 6
CONFIG = "c" * 64


def judged(verdict: Verdict, *measurements: Measurement, signal: Signal = Signal.DRIFT) -> Judgement:
    return Judgement(signal=signal, verdict=verdict, reasons=(f"it is {verdict}",), measurements=measurements)


def measured(
    feature: str, verdict: Verdict, *, metric: str = "ks", value: float | None = 0.3, p_value: float | None = 0.001
) -> Measurement:
    return Measurement(
        feature=feature,
        metric=metric,
        value=value,
        threshold=0.05,
        p_value=p_value,
        rows=500,
        needed=400,
        verdict=verdict,
        reason=f"{feature} is {verdict}",
    )


def look_at(hour: int, *, hours: int = WINDOW_HOURS, rows: int = 500) -> Look:
    """Return the look at the window of so many hours that ends so many hours after midnight."""
    end = MIDNIGHT + timedelta(hours=hour)
    return Look("flights", "1", end - timedelta(hours=hours), end, f"evaluation-{hour}", rows=rows, config=CONFIG)


def opened_at(hour: int, *measurements: Measurement, signal: Signal = Signal.DRIFT) -> Alert:
    alert, news = after(None, judged(Verdict.BREACH, *measurements, signal=signal), look_at(hour))
    assert alert is not None
    assert news is News.OPENED
    return alert
