"""A breach says what it looks like, by evidence that is there."""

from shared.signals.judgement import Cause, Judgement, Measurement, Signal, Triage, Verdict
from shared.signals.triage import triaged


def measurement(feature: str, metric: str = "ks") -> Measurement:
    return Measurement(
        feature=feature,
        metric=metric,
        value=0.5,
        threshold=0.05,
        p_value=1e-9,
        rows=1_000,
        needed=200,
        verdict=Verdict.BREACH,
        reason=f"{feature}: {metric}",
    )


def breach(signal: Signal, *measurements: Measurement, shares: dict[str, float] | None = None) -> Judgement:
    return Judgement(
        signal=signal,
        verdict=Verdict.BREACH,
        reasons=("past its threshold",),
        measurements=measurements,
        shares=shares or {},
    )


def look(*judgements: Judgement, alike: dict[Signal, float] | None = None) -> dict[Signal, Triage | None]:
    return {one.signal: one.triage for one in triaged(judgements, alike=alike or {})}


DRIFT = breach(Signal.DRIFT, measurement("a"), measurement("b"), shares={"a": 0.7, "b": 0.3})
ANSWERS = breach(Signal.PREDICTION_DRIFT, measurement("prediction"))


def test_features_that_have_moved_are_a_covariate_shift_and_are_ranked() -> None:
    found = look(DRIFT)[Signal.DRIFT]

    assert found == Triage(cause=Cause.COVARIATE_SHIFT, evidence=("a: 70% of the shift", "b: 30% of the shift"))


def test_bad_values_in_what_makes_up_the_shift_are_a_data_fault() -> None:
    missing = breach(Signal.QUALITY, measurement("a", "missing_share_increase"))

    found = look(DRIFT, missing)

    assert found[Signal.DRIFT] == Triage(cause=Cause.DATA_FAULT, evidence=("a: missing_share_increase",))
    assert found[Signal.QUALITY] == found[Signal.DRIFT]


def test_bad_values_elsewhere_do_not_explain_a_shift() -> None:
    for feature in ("b", "c"):
        found = look(DRIFT, breach(Signal.QUALITY, measurement(feature, "unseen_share_increase")))[Signal.DRIFT]

        assert found is not None
        assert found.cause is Cause.COVARIATE_SHIFT


def test_what_was_so_a_week_before_is_season() -> None:
    alike, other = (look(DRIFT, alike={Signal.DRIFT: cosine})[Signal.DRIFT] for cosine in (0.93, 0.5))

    assert alike is not None
    assert alike.cause is Cause.SEASON
    assert "0.93" in alike.evidence[0]
    assert other is not None
    assert other.cause is Cause.COVARIATE_SHIFT


def test_answers_that_move_by_themselves_are_a_prior_shift() -> None:
    alone, among_others = look(ANSWERS)[Signal.PREDICTION_DRIFT], look(ANSWERS, DRIFT)[Signal.PREDICTION_DRIFT]

    assert alone is not None
    assert alone.cause is Cause.PRIOR_SHIFT
    assert among_others is not None
    assert among_others.cause is Cause.COVARIATE_SHIFT


def test_bad_values_explain_what_has_moved_in_segments() -> None:
    """A measurement within a segment is of the feature whose name it ends with."""
    segments = breach(Signal.SEGMENT_DRIFT, measurement("kind=x: a"), measurement("kind=y: a"))
    of_a, of_b = (breach(Signal.QUALITY, measurement(name, "out_of_range_share_increase")) for name in ("a", "b"))

    found, elsewhere = look(segments, of_a)[Signal.SEGMENT_DRIFT], look(segments, of_b)[Signal.SEGMENT_DRIFT]

    assert found == Triage(cause=Cause.DATA_FAULT, evidence=("a: out_of_range_share_increase",))
    assert elsewhere is not None
    assert elsewhere.cause is Cause.COVARIATE_SHIFT


def test_answers_that_move_in_segments_are_no_feature_that_does() -> None:
    """Answers that move move in every segment: that the model was asked something else does not follow."""
    answers = breach(Signal.SEGMENT_DRIFT, measurement("kind=x: prediction"), measurement("kind=y: prediction"))
    features = breach(Signal.SEGMENT_DRIFT, measurement("kind=x: prediction"), measurement("kind=x: a"))

    alone, among_others = look(ANSWERS, answers), look(ANSWERS, features)

    assert [one.cause for one in alone.values() if one is not None] == [Cause.PRIOR_SHIFT] * 2
    assert [one.cause for one in among_others.values() if one is not None] == [Cause.COVARIATE_SHIFT] * 2


def test_what_is_no_breach_is_left_as_it_is() -> None:
    quiet = Judgement(signal=Signal.DRIFT, verdict=Verdict.OK, reasons=(), measurements=())

    assert triaged([quiet], alike={}) == (quiet,)
