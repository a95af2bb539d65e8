"""The benchmark of alarms counts as production does."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.alarms import opened
from shared.alerts.lifecycle import Alert, Look, News, after
from shared.signals.judgement import Judgement, Signal, Verdict

START = datetime(2026, 3, 2, tzinfo=UTC)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 24))
def test_alerts_are_counted_as_the_lifecycle_opens_them(alarms: list[bool], window: int) -> None:
    alert: Alert | None = None
    news: list[News | None] = []
    for at, is_breach in enumerate(alarms):
        verdict = Verdict.BREACH if is_breach else Verdict.OK
        judgement = Judgement(signal=Signal.DRIFT, verdict=verdict, reasons=("moved",), measurements=())
        end = START + timedelta(hours=at)
        alert, told = after(alert, judgement, Look("m", "1", end - timedelta(hours=window), end, "", rows=1))
        news.append(told)

    assert opened(np.array(alarms, dtype=bool), window=window) == news.count(News.OPENED)
