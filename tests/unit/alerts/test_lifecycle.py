"""When an alert opens, lasts and resolves."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.alerts.lifecycle import Alert, News, after
from shared.signals.judgement import Signal, Verdict
from tests.unit.alerts.looks import CONFIG, MIDNIGHT, WINDOW_HOURS, judged, look_at, measured, opened_at


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
    assert late.resolution == "a whole window has passed without a breach"


def test_it_resolves_at_once_when_its_version_is_retired() -> None:
    """There is no window to wait for; and what was resolved before stays as it was."""
    alert = opened_at(10)
    last = replace(look_at(11, hours=0), is_last=True)

    ended, news = after(alert, None, last)
    again = after(ended, None, replace(look_at(12, hours=0), is_last=True))

    assert news is News.RESOLVED
    assert ended is not None
    assert (ended.resolved_at, ended.breached_at) == (last.end, alert.breached_at)
    assert ended.resolution == "the version was retired: it is not judged any more"
    assert again == (ended, None)
    assert after(None, None, last) == (None, None)


def test_a_breach_after_it_was_resolved_opens_another() -> None:
    resolved, _ = after(opened_at(10), judged(Verdict.OK), look_at(16))

    alert, news = after(resolved, judged(Verdict.BREACH), look_at(17))

    assert news is News.OPENED
    assert alert is not None
    assert alert.id == "flights.1.drift.2026-03-01T17"


MISSING = "missing_share_increase"


def test_it_does_not_resolve_while_what_breached_cannot_be_judged() -> None:
    """One comparison that is ok makes a signal ok; it says nothing of the one that was not."""
    alert = opened_at(10, measured("temp", Verdict.BREACH, metric=MISSING), signal=Signal.QUALITY)
    wind = measured("wind", Verdict.OK, metric=MISSING)
    ignorant = judged(Verdict.OK, measured("temp", Verdict.UNKNOWN, metric=MISSING), wind, signal=Signal.QUALITY)
    knowing = judged(Verdict.OK, measured("temp", Verdict.OK, metric=MISSING), wind, signal=Signal.QUALITY)

    assert alert.comparisons == (f"temp: {MISSING}",)
    assert after(alert, ignorant, look_at(16)) == (alert, None)
    assert after(alert, knowing, look_at(17))[1] is News.RESOLVED


def test_what_cannot_be_judged_beside_what_breached_does_not_keep_it_open() -> None:
    alert = opened_at(10, measured("temp", Verdict.BREACH), measured("wind", Verdict.UNKNOWN))

    found = judged(Verdict.OK, measured("temp", Verdict.OK), measured("wind", Verdict.UNKNOWN))

    assert after(alert, found, look_at(16))[1] is News.RESOLVED


def test_a_newer_breach_hides_none_that_cannot_be_judged_any_more() -> None:
    temp, wind = measured("temp", Verdict.BREACH), measured("wind", Verdict.BREACH)
    unknown = measured("temp", Verdict.UNKNOWN)

    alert, _ = after(opened_at(10, temp), judged(Verdict.BREACH, wind, unknown), look_at(11))
    assert alert is not None
    settled, _ = after(alert, judged(Verdict.BREACH, wind, measured("temp", Verdict.OK)), look_at(12))

    assert alert.comparisons == ("temp: ks", "wind: ks")
    assert after(alert, judged(Verdict.OK, measured("wind", Verdict.OK), unknown), look_at(17)) == (alert, None)
    assert settled is not None
    assert settled.comparisons == ("wind: ks",)


def test_a_fixed_threshold_is_another_comparison_than_that_with_a_p_value() -> None:
    """A fixed one judges windows that are too small for the other: on such a version its alert would never resolve."""
    too_few = measured("temp", Verdict.UNKNOWN)
    alert = opened_at(10, measured("temp", Verdict.BREACH, p_value=None), too_few)

    small = judged(Verdict.OK, measured("temp", Verdict.OK, p_value=None), too_few)
    nothing = measured("temp", Verdict.UNKNOWN, value=None, p_value=None)
    without_values = judged(Verdict.OK, nothing, nothing, measured("wind", Verdict.OK))

    assert after(alert, small, look_at(16))[1] is News.RESOLVED
    assert after(alert, without_values, look_at(16)) == (alert, None)


def test_of_all_pairs_of_features_another_one_may_have_moved_most() -> None:
    """Correlations are one comparison, which bears the name of the surest pair, or none where there are no values."""
    metric, signal = "correlation_change", Signal.JOINT_DRIFT
    alert = opened_at(10, measured("temp and wind", Verdict.BREACH, metric=metric), signal=signal)
    mmd = measured("all features", Verdict.OK, metric="mmd_gaussian")

    unknown = judged(Verdict.OK, measured("all features", Verdict.UNKNOWN, metric=metric), mmd, signal=signal)
    other_pair = judged(Verdict.OK, measured("dew and wind", Verdict.OK, metric=metric), mmd, signal=signal)
    resolved, news = after(alert, other_pair, look_at(16))

    assert after(alert, unknown, look_at(16)) == (alert, None)
    assert news is News.RESOLVED
    assert resolved is not None
    assert resolved.resolution == "a whole window has passed without a breach"


def test_how_features_go_together_does_not_resolve_while_it_is_set_aside() -> None:
    """Judging says so by the verdict of the whole, and leaves the comparisons as they were."""
    metric, signal = "mmd_gaussian", Signal.JOINT_DRIFT
    alert = opened_at(10, measured("all features", Verdict.BREACH, metric=metric), signal=signal)
    set_aside = judged(Verdict.UNKNOWN, measured("all features", Verdict.OK, metric=metric), signal=signal)

    assert after(alert, set_aside, look_at(16)) == (alert, None)


def test_what_is_not_judged_any_more_resolves_after_a_whole_window() -> None:
    """Nothing else would ever end it: there are no segments to be ok once they are out of the configuration."""
    alert = opened_at(10, signal=Signal.SEGMENT_DRIFT)

    early = after(alert, None, look_at(10 + WINDOW_HOURS - 1))
    late, news = after(alert, None, look_at(10 + WINDOW_HOURS))

    assert early == (alert, None), "the configuration may be a slip that is taken back"
    assert news is News.RESOLVED
    assert late is not None
    assert late.resolution == "a whole window has passed in which segment_drift was not judged any more"


def test_what_is_not_compared_any_more_resolves_even_where_the_rest_is_unknown() -> None:
    alert = opened_at(10, measured("temp", Verdict.BREACH))
    rest = judged(Verdict.UNKNOWN, measured("wind", Verdict.UNKNOWN))

    resolved, news = after(alert, rest, look_at(16))

    assert news is News.RESOLVED
    assert resolved is not None
    assert resolved.resolution == "a whole window has passed in which what breached was not compared any more"


def test_a_version_that_nobody_asks_resolves_after_a_whole_window() -> None:
    alert = opened_at(10, measured("temp", Verdict.BREACH))
    unknown = judged(Verdict.UNKNOWN, measured("temp", Verdict.UNKNOWN, value=None, p_value=None))

    early = after(alert, unknown, look_at(15, rows=0))
    few_rows = after(alert, unknown, look_at(16, rows=1))
    resolved, news = after(alert, unknown, look_at(16, rows=0))

    assert early == few_rows == (alert, None)
    assert news is News.RESOLVED
    assert resolved is not None
    assert resolved.resolution == "a whole window has passed without a row: nobody asks the version any more"


def test_a_version_that_should_be_asked_and_is_not_stays_in_breach() -> None:
    """Of the champion predictions are missed: that there are none is what the alert is about."""
    volume = measured("all rows", Verdict.BREACH, metric="volume_change")
    alert = opened_at(10, volume, signal=Signal.QUALITY)

    lasting, news = after(alert, judged(Verdict.BREACH, volume, signal=Signal.QUALITY), look_at(16, rows=0))

    assert news is None
    assert lasting is not None
    assert lasting.state == "open"


def test_capture_that_cannot_be_judged_now_resolves_nothing() -> None:
    """Its signals have no comparisons and no rows: unknown is all that is said while the hub does not answer."""
    now = replace(look_at(10, hours=0), rows=None)
    alert, _ = after(None, judged(Verdict.BREACH, signal=Signal.CAPTURE_STUCK), now)
    later = replace(look_at(11, hours=0), rows=None)

    assert after(alert, judged(Verdict.UNKNOWN, signal=Signal.CAPTURE_STUCK), later) == (alert, None)
    assert after(alert, judged(Verdict.OK, signal=Signal.CAPTURE_STUCK), later)[1] is News.RESOLVED


class Lifecycle(RuleBasedStateMachine):
    """A signal that is looked at again and again, sometimes after a pause, sometimes at the same window twice."""

    def __init__(self) -> None:
        super().__init__()
        self.hour = 0
        self.alert: Alert | None = None
        self.told: list[tuple[str, News]] = []
        self.breaches: list[int] = []
        self.last: Verdict | None = Verdict.UNKNOWN

    def look(self, verdict: Verdict | None, rows: int) -> None:
        look = look_at(self.hour, rows=rows)
        judgement = None if verdict is None else judged(verdict)
        new, news = after(self.alert, judgement, look)
        assert after(new, judgement, look) == (new, None), "looking twice at one window tells nothing new"
        if news is News.RESOLVED:
            assert verdict is not Verdict.BREACH
            assert verdict is not Verdict.UNKNOWN or not rows
            assert self.breaches[-1] <= self.hour - WINDOW_HOURS
        if news is News.OPENED:
            assert verdict is Verdict.BREACH
            assert self.alert is None or self.alert.state == "resolved"
        if verdict is Verdict.UNKNOWN and rows:
            assert (new, news) == (self.alert, None), "who does not know says nothing"
        if verdict is Verdict.BREACH:
            self.breaches.append(self.hour)
        self.alert, self.last = new, verdict if rows or verdict is Verdict.BREACH else None
        if news is not None and new is not None:
            self.told.append((new.id, news))

    @initialize(hour=st.integers(WINDOW_HOURS, 50))
    def begin(self, hour: int) -> None:
        self.hour = hour

    @rule(verdict=st.sampled_from([*Verdict, None]), rows=st.sampled_from([500, 0]), hours=st.integers(1, 12))
    def look_later(self, verdict: Verdict | None, rows: int, hours: int) -> None:
        self.hour += hours
        self.look(verdict, rows)

    @rule(verdict=st.sampled_from([*Verdict, None]), hours=st.integers(1, 5))
    def look_at_an_old_window(self, verdict: Verdict | None, hours: int) -> None:
        """A stage may be run again from storage, about what was looked at before."""
        alert = self.alert
        old = look_at(self.hour - hours)
        if alert is not None and old.end <= alert.reached:
            assert after(alert, None if verdict is None else judged(verdict), old) == (alert, None)

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
        if self.last in {Verdict.OK, None} and is_open:
            assert self.breaches[-1] > self.hour - WINDOW_HOURS

    @invariant()
    def its_times_are_in_order(self) -> None:
        if self.alert is not None:
            assert MIDNIGHT < self.alert.opened_at <= self.alert.breached_at
            assert self.alert.resolved_at is None or self.alert.breached_at < self.alert.resolved_at
            assert (self.alert.resolution is None) == (self.alert.resolved_at is None)


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=30)
