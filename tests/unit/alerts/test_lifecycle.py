"""When an alert opens, lasts and resolves."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.alerts.lifecycle import Alert, News, after
from shared.signals.judgement import Verdict
from tests.unit.alerts.looks import CONFIG, MIDNIGHT, WINDOW_HOURS, judged, look_at, opened_at


def test_the_first_breach_opens_an_alert_with_its_reasons() -> None:
    alert = opened_at(10)

    assert alert.id == "flights.1.drift.2026-03-01T10"
    assert (alert.state, alert.reasons, alert.evaluation) == ("open", ("it is breach",), "evaluation-10")
    assert alert.opened_at == alert.breached_at == look_at(10).end


def test_an_alert_says_which_configuration_it_was_made_with() -> None:
    """It may be changed meanwhile; why the alert was opened is told by the old one."""
    later = replace(look_at(11), config="d" * 64)

    alert, _ = after(opened_at(10), judged(Verdict.BREACH), later)

    assert alert is not None
    assert alert.config == CONFIG


def test_an_alert_that_lasts_is_not_told_again() -> None:
    alert, news = after(opened_at(10), judged(Verdict.BREACH), look_at(11))

    assert news is None
    assert alert is not None
    assert (alert.id, alert.breached_at) == (opened_at(10).id, look_at(11).end)


def test_it_resolves_once_a_whole_window_has_passed_without_a_breach() -> None:
    """Windows overlap: a shift on its way out of the window would otherwise open and resolve with every look."""
    alert = opened_at(10)

    early, no_news = after(alert, judged(Verdict.OK), look_at(10 + WINDOW_HOURS - 1))
    late, news = after(alert, judged(Verdict.OK), look_at(10 + WINDOW_HOURS))

    assert (early, no_news) == (alert, None)
    assert news is News.RESOLVED
    assert late is not None
    assert (late.id, late.state, late.resolved_at) == (alert.id, "resolved", look_at(16).end)


def test_a_breach_after_it_was_resolved_opens_another() -> None:
    resolved, _ = after(opened_at(10), judged(Verdict.OK), look_at(16))

    alert, news = after(resolved, judged(Verdict.BREACH), look_at(17))

    assert news is News.OPENED
    assert alert is not None
    assert alert.id == "flights.1.drift.2026-03-01T17"


class Lifecycle(RuleBasedStateMachine):
    """A signal that is looked at again and again, sometimes after a pause, sometimes at the same window twice."""

    def __init__(self) -> None:
        super().__init__()
        self.hour = 0
        self.alert: Alert | None = None
        self.told: list[tuple[str, News]] = []
        self.breaches: list[int] = []
        self.last = Verdict.UNKNOWN

    def look(self, verdict: Verdict) -> None:
        look = look_at(self.hour)
        new, news = after(self.alert, judged(verdict), look)
        assert after(new, judged(verdict), look) == (new, None), "looking twice at one window tells nothing new"
        if news is News.RESOLVED:
            assert verdict is Verdict.OK
            assert self.breaches[-1] <= self.hour - WINDOW_HOURS
        if news is News.OPENED:
            assert verdict is Verdict.BREACH
            assert self.alert is None or self.alert.state == "resolved"
        if verdict is Verdict.UNKNOWN:
            assert (new, news) == (self.alert, None), "who does not know says nothing"
        if verdict is Verdict.BREACH:
            self.breaches.append(self.hour)
        self.alert, self.last = new, verdict
        if news is not None and new is not None:
            self.told.append((new.id, news))

    @initialize(hour=st.integers(WINDOW_HOURS, 50))
    def begin(self, hour: int) -> None:
        self.hour = hour

    @rule(verdict=st.sampled_from(Verdict), hours=st.integers(1, 2 * WINDOW_HOURS))
    def look_later(self, verdict: Verdict, hours: int) -> None:
        self.hour += hours
        self.look(verdict)

    @rule(verdict=st.sampled_from(Verdict), hours=st.integers(1, 5))
    def look_at_an_old_window(self, verdict: Verdict, hours: int) -> None:
        """A stage may be run again from storage, about what was looked at before."""
        alert = self.alert
        reached = None if alert is None else (alert.resolved_at or alert.breached_at)
        old = look_at(self.hour - hours)
        if reached is not None and old.end <= reached:
            assert after(alert, judged(verdict), old) == (alert, None)

    @invariant()
    def every_alert_is_told_once_when_it_opens_and_once_when_it_resolves(self) -> None:
        assert len(self.told) == len(set(self.told))
        assert [news for _, news in self.told] == ([News.OPENED, News.RESOLVED] * len(self.told))[: len(self.told)]
        pairs = zip(self.told[::2], self.told[1::2], strict=False)
        assert all(opened == resolved for (opened, _), (resolved, _) in pairs)

    @invariant()
    def it_is_open_as_long_as_its_last_breach_is_in_sight(self) -> None:
        is_open = self.alert is not None and self.alert.state == "open"
        assert is_open == (len(self.told) % 2 == 1)
        if self.last is Verdict.BREACH:
            assert is_open
            assert self.alert is not None
            assert self.alert.breached_at == look_at(self.hour).end
        if self.last is Verdict.OK and is_open:
            assert self.breaches[-1] > self.hour - WINDOW_HOURS

    @invariant()
    def its_times_are_in_order(self) -> None:
        if self.alert is not None:
            assert MIDNIGHT < self.alert.opened_at <= self.alert.breached_at
            assert self.alert.resolved_at is None or self.alert.breached_at < self.alert.resolved_at


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=30)
