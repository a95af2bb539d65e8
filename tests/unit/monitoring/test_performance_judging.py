"""What an evaluation says of a classifier's answers, from rows alone."""

from datetime import timedelta
from statistics import NormalDist

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import mean_pinball_loss

from shared.hours import Hour
from shared.monitor_config import JudgedPerformance
from shared.monitoring.performance_judging import Known, judge_performance
from shared.monitoring.performance_report import PerformanceReport
from shared.monitoring.settling import Settled
from shared.monitoring.window import Window
from shared.registry.manifest import Manifest, Task
from shared.schema import FeatureType, Output
from shared.signals.judgement import Judgement
from shared.signals.judging import JudgingRules
from shared.signals.performance.arriving import Arrivals
from tests.unit.signals.performance.test_answering import PROBABILITY, answer, manifest

REGRESSOR = manifest(Task.REGRESSION, answer(FeatureType.FLOAT))
CLASSIFIER = manifest(Task.CLASSIFICATION, answer(FeatureType.INTEGER), PROBABILITY)
END = Hour.parse("2026-03-20T00")
SETTLED = Settled.of(Window.before(END, hours=24), known=END, delay=timedelta(hours=1))
BY_DEFAULT = JudgedPerformance()
DAILY = JudgingRules(looks_per_month=30)


def rows(rng: np.random.Generator, window: Window, *, lies: float = 0.0) -> pa.Table:
    """Draw forty rows an hour whose probabilities are right; of a share the truth is the other one, in carrier UA alone."""
    keys = [hour.key for hour in window.first.until(window.end) for _ in range(40)]
    count = len(keys)
    given = rng.beta(1.5, 1.5, count)
    carrier = np.array(["AA", "UA"])[np.arange(count) % 2]
    truth = rng.random(count) < given
    truth ^= (rng.random(count) < lies) & (carrier == "UA")
    return pa.table(
        {
            "_weight": pa.array([1] * count, pa.int32()),
            "hour": keys,
            "prediction": (given > 0.5).astype(np.int64),
            "prediction.probability": given,
            "carrier": carrier,
            "actual": truth.astype(np.float64),
        }
    )


def delays(rng: np.random.Generator, window: Window, *, share: float) -> pa.Table:
    """Draw forty rows an hour of which so large a share of actuals lies below the answer, by a normal distribution's quantile."""
    keys = [hour.key for hour in window.first.until(window.end) for _ in range(40)]
    expected = rng.normal(0.0, 5.0, len(keys))
    return pa.table(
        {
            "_weight": pa.array([1] * len(keys), pa.int32()),
            "hour": keys,
            "prediction": expected + NormalDist().inv_cdf(share),
            "actual": expected + rng.standard_normal(len(keys)),
        }
    )


def judged(
    *, lies: float = 0.0, came: int = 40, by: JudgedPerformance = BY_DEFAULT, version: Manifest = CLASSIFIER
) -> tuple[Judgement, PerformanceReport]:
    rng = np.random.default_rng(8)
    before = Window(SETTLED.window.first.plus(-24 * 15), SETTLED.window.first)
    known = Known(
        settled=SETTLED,
        before=before,
        arrivals=[Arrivals(predictions=40, came=came, soon=came)] * 24,
        usual=1.0,
        rows_before=rows(rng, before),
        rows=rows(rng, SETTLED.window, lies=lies),
        past=rows(rng, before),
        newest=rows(rng, Window.before(END, hours=24)).drop_columns(["actual"]),
        digest="",
    )
    segments = {"carrier": ("AA", "UA")}
    return judge_performance(version, known, segments=segments, judged=by, rules=DAILY)


def test_answers_that_are_as_right_as_they_say_are_ok_and_estimated() -> None:
    judgement, report = judged()

    assert judgement.verdict == "ok"
    assert report.metric == "accuracy"
    assert report.assumption is not None
    assert report.assumption.verdict == "ok"
    assert {one.metric for one in report.side_by_side} >= {"accuracy", "roc_auc", "log_loss", "brier"}
    assert all(one.covers for one in report.side_by_side)
    newest = report.estimated["accuracy"]
    assert newest.value == pytest.approx(report.before["accuracy"].value, abs=0.05)
    assert msgspec.json.decode(msgspec.json.encode(report), type=PerformanceReport) == report


def test_a_loss_in_one_segment_names_it() -> None:
    judgement, report = judged(lies=0.6)

    breaches = [one.feature for one in judgement.measurements if one.verdict == "breach"]
    assert breaches == ["carrier=UA", "all rows"]
    assert report.estimated["accuracy"].value is None
    assert report.segments["carrier=AA"]["accuracy"].rows == 480


def test_where_fewer_than_half_of_the_usual_actuals_came_nothing_is_said() -> None:
    judgement, report = judged(lies=0.6, came=19)

    assert judgement.verdict == "unknown"
    assert {one.unknown for one in report.realised.values()} == {
        "48% of the predictions have their actual, where 100% usually have"
    }
    assert report.side_by_side == ()


@pytest.mark.parametrize("outputs", [(answer(FeatureType.INTEGER),), (answer(FeatureType.BOOLEAN),)])
def test_a_version_without_the_metric_that_others_are_judged_by_is_unknown(outputs: tuple[Output, ...]) -> None:
    """One monitor.yaml is for every version: of those that give no probabilities, log loss must not stop the look."""
    judgement, _ = judged(by=JudgedPerformance(metric="log_loss"), version=manifest(Task.CLASSIFICATION, *outputs))

    assert judgement.verdict == "unknown"


def test_answers_that_are_meant_as_a_quantile_are_judged_by_its_loss() -> None:
    """By the absolute error, an answer that nine in ten delays should stay below looks best where only half of them do."""
    rng = np.random.default_rng(8)
    before = Window(SETTLED.window.first.plus(-24 * 15), SETTLED.window.first)
    then, now = delays(rng, before, share=0.9), delays(rng, SETTLED.window, share=0.5)
    known = Known(
        settled=SETTLED,
        before=before,
        arrivals=[Arrivals(predictions=40, came=40, soon=40)] * 24,
        usual=1.0,
        rows_before=then,
        rows=now,
        past=then.slice(0, 0),
        newest=now.slice(0, 0),
        digest="",
    )

    by_quantile, report = judge_performance(
        REGRESSOR, known, segments={}, judged=JudgedPerformance(metric="quantile_loss", quantile=0.9), rules=DAILY
    )
    by_default, plain = judge_performance(REGRESSOR, known, segments={}, judged=BY_DEFAULT, rules=DAILY)

    assert (by_quantile.verdict, by_default.verdict) == ("breach", "ok")
    assert report.metric == "quantile_loss"
    columns = (now.column(name).to_numpy() for name in ("actual", "prediction"))
    assert report.realised["quantile_loss"].value == pytest.approx(mean_pinball_loss(*columns, alpha=0.9))
    assert "quantile_loss" not in plain.realised
