"""How a model is monitored, as somebody wrote it."""

from datetime import timedelta

import pytest

from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.monitor_config import MetricThresholds, MonitorConfig, parse
from shared.retrain_config import Worth


@pytest.mark.parametrize("data", [b"", b" \n", b"# nothing yet\n", b"---\n", b"{}"])
def test_a_file_that_says_nothing_is_the_default(data: bytes) -> None:
    assert parse(data, path="monitor.yaml") == MonitorConfig()


def test_every_key_is_read() -> None:
    config = parse(
        b"""
        false_alarms_per_month: 0.5
        lookback_window_size: P2DT6H
        lookback_window_offset: PT3H
        floor: {ks: 0.1, l_infinity: 0.2, share: 0.3}
        segments: [carrier, rain]
        features: [distance, carrier]
        schedule: {frequency: day, interval: 2}
        metric_thresholds: {numerical: {psi: 0.2}, categorical: {chi_squared: 9}}
        actuals_delay: PT36H
        performance: {metric: roc_auc, floor: 0.05}
        retrain_cost: {points: 2, days: 14}
        retraining: {period: PT6H, loss: brier, train_on: 8, challengers_kept: 3, rows_a_period: 500}
        """,
        path="monitor.yaml",
    )

    assert (config.false_alarms_per_month, config.window_hours, config.offset_hours) == (0.5, 54, 3)
    assert (config.floor.ks, config.floor.l_infinity, config.floor.share) == (0.1, 0.2, 0.3)
    assert config.segments == ("carrier", "rain")
    assert config.features == ("distance", "carrier")
    assert config.schedule.hours == 48
    assert config.metric_thresholds == MetricThresholds(numerical={"psi": 0.2}, categorical={"chi_squared": 9.0})
    assert config.actuals_delay == timedelta(hours=36)
    assert (config.performance.metric, config.performance.floor) == ("roc_auc", 0.05)
    assert config.retrain_cost == Worth(points=2, days=14)
    assert (config.retraining.period_hours, config.retraining.loss) == (6, "brier")
    assert (config.retraining.train_on, config.retraining.challengers_kept, config.retraining.rows_a_period) == (
        8,
        3,
        500,
    )


def test_a_quantile_loss_says_of_which_quantile() -> None:
    performance = parse(b"performance: {metric: quantile_loss, quantile: 0.9}", path="monitor.yaml").performance

    assert (performance.metric, performance.quantile) == ("quantile_loss", 0.9)


def test_a_cost_may_be_a_number_as_well() -> None:
    assert parse(b"retrain_cost: 500", path="monitor.yaml").retrain_cost == 500.0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("false_alarms_per_month: 0", "false_alarms_per_month"),
        ("false_alarms_per_month: .nan", "false_alarms_per_month"),
        ("false_alarms_per_month: .inf", "false_alarms_per_month"),
        ("false_alarms_per_month: one", "false_alarms_per_month"),
        ("lookback_window_size: PT30M", "lookback_window_size"),
        ("lookback_window_size: PT90M", "lookback_window_size"),
        ("lookback_window_size: P1M", "lookback_window_size"),
        ("lookback_window_size: 24", "lookback_window_size"),
        ("lookback_window_size: P367D", "lookback_window_size"),
        ("lookback_window_size: P999999999D", "lookback_window_size"),
        ("lookback_window_offset: -PT1H", "lookback_window_offset"),
        ("lookback_window_offset: PT30M", "lookback_window_offset"),
        ("lookback_window_offset: P999999D", "lookback_window_offset"),
        ("floor: {ks: 0}", "floor.ks"),
        ("floor: {ks: 1.5}", "floor.ks"),
        ("floor: {psi: 0.1}", "psi"),
        ("performance: {metric: recall_at_k}", "performance.metric"),
        ("performance: {floor: 0}", "performance.floor"),
        ("performance: {metric: quantile_loss, quantile: 0}", "performance.quantile"),
        ("performance: {metric: quantile_loss, quantile: 1}", "performance.quantile"),
        ("performance: {metric: quantile_loss}", "quantile does not say of which one"),
        ("performance: {metric: mae, quantile: 0.9}", "performance.quantile"),
        ("performance: {quantile: 0.9}", "performance.quantile"),
        ("lookback_windows_size: P1D", "lookback_windows_size"),
        ("segments: carrier", "segments"),
        ("schedule: {frequency: minute}", "schedule.frequency"),
        ("schedule: {interval: 0}", "schedule.interval"),
        ("metric_thresholds: {numerical: {l_infinity: 0.1}}", "metric_thresholds.numerical"),
        ("metric_thresholds: {categorical: {psi: 0}}", "metric_thresholds.categorical"),
        ("segments: [1]", "segments"),
        ("segments: [carrier, rain, carrier]", "segments names a feature twice"),
        ("segments: [a, b, c, d, e, f]", "segments names 6 features"),
        ("actuals_delay: -PT1H", "actuals_delay"),
        ("actuals_delay: P367D", "actuals_delay"),
        ("retrain_cost: 0", "retrain_cost"),
        ("retrain_cost: .inf", "retrain_cost"),
        ("retrain_cost: much", "retrain_cost"),
        ("retrain_cost: {points: 2, days: 0}", "retrain_cost.days"),
        ("retraining: {period: PT30M}", "retraining.period"),
        ("retraining: {period: P367D}", "retraining.period"),
        ("retraining: {loss: mse}", "retraining.loss"),
        ("retraining: {train_on: 0}", "retraining.train_on"),
        ("retraining: {challengers_kept: 0}", "retraining.challengers_kept"),
        ("retraining: {rows_a_period: 10}", "retraining.rows_a_period"),
    ],
)
def test_what_does_not_hold_is_refused_by_the_name_of_its_key(text: str, key: str) -> None:
    """A key that is misspelt and passed over leaves a monitor that nobody asked for."""
    with pytest.raises(InvalidDocument, match=key):
        parse(text.encode(), path="monitor.yaml")


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("false_alarms_per_month: 1\nfloor:\n  ks: 0.1\n  share: -1\n", 4, "floor.share"),
        ("floor:\n  ks: 0.1\n  psi: 0.2\n", 3, "floor.psi"),
        ("# a comment\n\nlookback_windows_size: P1D\n", 3, "lookback_windows_size"),
        ("floor: {}\n'a - at `$.floor`': 1\n", 2, "a - at `$.floor`"),
        ("false_alarms_per_month: 2\nlookback_window_size: PT90M\n", 2, "lookback_window_size"),
        ("floor: {}\nlookback_window_size: a fortnight\n", 2, "lookback_window_size"),
        ("floor: {}\nlookback_window_size: 2026-13-45\n", 2, "lookback_window_size"),
        ("floor: {}\nfeatures:\n  - a\n  - 2026-13-45\n", 4, "features[1]"),
        ("floor: {}\n2026-13-45: 1\n", 2, "2026-13-45"),
        ("floor: {}\nfalse_alarms_per_month: 0x_\n", 2, "false_alarms_per_month"),
        ("floor: {}\nfalse_alarms_per_month: !!python/name:a 1\n", 2, "false_alarms_per_month"),
        ("segments:\n  - carrier\n  - 5\n", 3, "segments[1]"),
        ("floor: {}\nsegments: [a, a]\n", 2, "segments"),
        ("floor: {}\nfeatures: [a, b, a]\n", 2, "features"),
        ("floor:\n  ks: 0.1\n  ks: 0.2\n", 3, "floor.ks"),
        ("lookback_window_size: P1D\nfloor: {}\nlookback_window_size: P2D\n", 3, "lookback_window_size"),
        ("schedule:\n  interval: 2\n  frequency: minute\n", 3, "schedule.frequency"),
        (
            "metric_thresholds:\n  categorical:\n    l_infinity: 0.1\n    psi: none\n",
            4,
            "metric_thresholds.categorical.psi",
        ),
        ("metric_thresholds:\n  numerical:\n    psi: 0.2\n    psy: 0.2\n", 4, "metric_thresholds.numerical.psy"),
        ("metric_thresholds:\n  numerical:\n    psi: 0.2\n    7: 0.2\n", 4, "metric_thresholds.numerical.7"),
        ("floor: {}\n7: 0.2\n", 2, "7"),
        ("floor: {}\nactuals_delay: -PT1H\n", 2, "actuals_delay"),
        ("floor: {}\nretrain_cost: nothing\n", 2, "retrain_cost"),
        ("retrain_cost:\n  points: 2\n  days: -1\n", 3, "retrain_cost.days"),
        ("retrain_cost:\n  points: 2\n  weeks: 2\n  days: 1\n", 3, "retrain_cost.weeks"),
        ("floor: {}\nretrain_cost: {points: 2}\n", 2, "retrain_cost"),
        ("retraining:\n  train_on: 8\n  period: PT90M\n", 3, "retraining.period"),
        ("retraining:\n  train_on: 8\n  period: a day\n", 3, "retraining.period"),
        ("retraining:\n  loss: mse\n", 2, "retraining.loss"),
        ("performance:\n  floor: 0.1\n  metric: quantile_loss\n", 3, "performance.metric"),
        ("performance:\n  floor: 0.1\n  quantile: 0.9\n", 3, "performance.quantile"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_key(text: str, line: int, key: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(text.encode(), path="monitor.yaml")

    assert str(caught.value).startswith(f"monitor.yaml: line {line}: ")
    assert str(caught.value).endswith(f" - at `$.{key}`")


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        ("{}", "2026-03-04T15"),
        ("{frequency: hour, interval: 6}", "2026-03-04T12"),
        ("{frequency: day}", "2026-03-04T00"),
        ("{frequency: week}", "2026-03-02T00"),
    ],
)
def test_looks_are_due_when_the_schedule_says(schedule: str, end: str) -> None:
    """Days begin at midnight UTC, weeks on Mondays; the offset is taken off before."""
    config = parse(f"schedule: {schedule}\nlookback_window_offset: PT2H".encode(), path="p")

    assert config.newest_end(Hour.parse("2026-03-04T17")).key == end


def test_the_digest_is_of_what_is_said_and_not_of_how() -> None:
    """Evaluations record it: a comment that is added is no other configuration."""
    plain = parse(b"lookback_window_size: P1D", path="p")
    spelt = parse(b"# a day\n{lookback_window_size: 'PT24H', false_alarms_per_month: 1}", path="p")

    assert plain.digest == spelt.digest == MonitorConfig().digest
    assert plain.digest != MonitorConfig(lookback_window_size=timedelta(hours=6)).digest
